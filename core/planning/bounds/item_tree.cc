#include "core/planning/bounds/item_tree.h"

#include <cmath>
#include <queue>
#include <utility>

namespace kasetsu::planning {
namespace {

using Eigen::Index;

// columns: one an item, so that its numbers lie side by side.
double spread_of(const Eigen::MatrixXd& columns, const std::vector<int>& items) {
  if (items.size() < 2) return 0.0;
  Eigen::VectorXd low = columns.col(items.front());
  Eigen::VectorXd high = low;
  for (const int item : items) {
    low = low.cwiseMin(columns.col(item));
    high = high.cwiseMax(columns.col(item));
  }
  return (high - low).sum();
}

double distance_of(const Eigen::MatrixXd& columns, int one, int other) {
  const double* a = columns.col(one).data();
  const double* b = columns.col(other).data();
  double sum = 0.0;
  for (Index k = 0; k < columns.rows(); ++k) sum += std::abs(a[k] - b[k]);
  return sum;
}

int farthest_from(const Eigen::MatrixXd& columns, const std::vector<int>& items, int from) {
  int farthest = items.front();
  double most = -1.0;
  for (const int item : items) {
    const double distance = distance_of(columns, item, from);
    if (distance > most) {
      most = distance;
      farthest = item;
    }
  }
  return farthest;
}

std::pair<std::vector<int>, std::vector<int>> divided(const Eigen::MatrixXd& columns,
                                                      const std::vector<int>& items) {
  const int one = farthest_from(columns, items, items.front());
  const int other = farthest_from(columns, items, one);
  std::pair<std::vector<int>, std::vector<int>> halves;
  for (const int item : items) {
    const bool to_one = distance_of(columns, item, one) <= distance_of(columns, item, other);
    (to_one ? halves.first : halves.second).push_back(item);
  }
  if (halves.first.empty() || halves.second.empty()) {  // all are equal
    const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
    halves = {{items.begin(), middle}, {middle, items.end()}};
  }
  return halves;
}

}  // namespace

ItemTree item_tree(const Eigen::MatrixXd& rows, std::size_t most_nodes, bool to_single,
                   const Control& control) {
  const Eigen::MatrixXd columns = rows.transpose();
  ItemTree tree;
  std::vector<int> all;
  for (Index i = 0; i < rows.rows(); ++i) all.push_back(static_cast<int>(i));
  const double whole = spread_of(columns, all);
  tree.nodes.push_back({std::move(all), 0, 0, whole});
  std::priority_queue<std::pair<double, std::size_t>> open;
  const auto offer = [&](std::size_t at) {
    const ItemTree::Node& node = tree.nodes[at];
    if (node.items.size() > 1 && (node.spread > 0.0 || to_single)) open.push({node.spread, at});
  };
  offer(0);
  while (!open.empty() && tree.nodes.size() + 2 <= most_nodes && !control.should_stop()) {
    const std::size_t at = open.top().second;
    open.pop();
    auto [left, right] = divided(columns, tree.nodes[at].items);
    tree.nodes[at].left = tree.nodes.size();
    tree.nodes[at].right = tree.nodes.size() + 1;
    for (std::vector<int>* half : {&left, &right}) {
      const double spread = spread_of(columns, *half);
      tree.nodes.push_back({std::move(*half), 0, 0, spread});
      offer(tree.nodes.size() - 1);
    }
  }
  return tree;
}

}  // namespace kasetsu::planning
