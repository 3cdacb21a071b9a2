#include "core/planning/bounds/item_tree.h"

#include <queue>
#include <utility>

namespace kasetsu::planning {
namespace {

using Eigen::Index;

double spread_of(const Eigen::MatrixXd& rows, const std::vector<int>& items) {
  if (items.size() < 2) return 0.0;
  Eigen::RowVectorXd low = rows.row(items.front());
  Eigen::RowVectorXd high = low;
  for (const int item : items) {
    low = low.cwiseMin(rows.row(item));
    high = high.cwiseMax(rows.row(item));
  }
  return (high - low).sum();
}

int farthest_from(const Eigen::MatrixXd& rows, const std::vector<int>& items, int from) {
  int farthest = items.front();
  double most = -1.0;
  for (const int item : items) {
    const double distance = (rows.row(item) - rows.row(from)).cwiseAbs().sum();
    if (distance > most) {
      most = distance;
      farthest = item;
    }
  }
  return farthest;
}

std::pair<std::vector<int>, std::vector<int>> divided(const Eigen::MatrixXd& rows,
                                                      const std::vector<int>& items) {
  const int one = farthest_from(rows, items, items.front());
  const int other = farthest_from(rows, items, one);
  std::pair<std::vector<int>, std::vector<int>> halves;
  for (const int item : items) {
    const double to_one = (rows.row(item) - rows.row(one)).cwiseAbs().sum();
    const double to_other = (rows.row(item) - rows.row(other)).cwiseAbs().sum();
    (to_one <= to_other ? halves.first : halves.second).push_back(item);
  }
  if (halves.first.empty() || halves.second.empty()) {  // all are equal
    const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
    halves = {{items.begin(), middle}, {middle, items.end()}};
  }
  return halves;
}

}  // namespace

ItemTree item_tree(const Eigen::MatrixXd& rows, std::size_t most_nodes, bool to_single) {
  ItemTree tree;
  std::vector<int> all;
  for (Index i = 0; i < rows.rows(); ++i) all.push_back(static_cast<int>(i));
  const double whole = spread_of(rows, all);
  tree.nodes.push_back({std::move(all), 0, 0, whole});
  std::priority_queue<std::pair<double, std::size_t>> open;
  const auto offer = [&](std::size_t at) {
    const ItemTree::Node& node = tree.nodes[at];
    if (node.items.size() > 1 && (node.spread > 0.0 || to_single)) open.push({node.spread, at});
  };
  offer(0);
  while (!open.empty() && tree.nodes.size() + 2 <= most_nodes) {
    const std::size_t at = open.top().second;
    open.pop();
    auto [left, right] = divided(rows, tree.nodes[at].items);
    tree.nodes[at].left = tree.nodes.size();
    tree.nodes[at].right = tree.nodes.size() + 1;
    for (std::vector<int>* half : {&left, &right}) {
      const double spread = spread_of(rows, *half);
      tree.nodes.push_back({std::move(*half), 0, 0, spread});
      offer(tree.nodes.size() - 1);
    }
  }
  return tree;
}

}  // namespace kasetsu::planning
