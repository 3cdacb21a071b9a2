#include "core/regression/forest_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/result.h"

namespace kasetsu::regression {

ForestBounds::ForestBounds(const Forest& forest)
    : columns_(static_cast<std::size_t>(forest.columns)), center_(forest.center) {
  KASETSU_ASSERT(!forest.trees.empty());
  constexpr float kUp = std::numeric_limits<float>::infinity();
  for (const Tree& tree : forest.trees) {
    const std::size_t root = nodes_.size();
    roots_.push_back(root);
    for (const Tree::Node& node : tree.nodes) {
      const auto value = static_cast<float>(node.value);
      nodes_.push_back({node.column, static_cast<std::int32_t>(root) + node.right, node.value,
                        std::nextafter(value, kUp), std::nextafter(value, -kUp)});
    }
    // Children lie behind their parents.
    for (std::size_t at = nodes_.size(); at-- > root;) {
      Node& node = nodes_[at];
      if (node.column < 0) continue;
      const Node& left = nodes_[at + 1];
      const Node& right = nodes_[static_cast<std::size_t>(node.right)];
      node.most = std::max(left.most, right.most);
      node.least = std::min(left.least, right.least);
    }
  }
}

// Tree by tree the leaf with the largest value that can be reached, the smallest where not
// `largest`: into the more promising half first, and into none that cannot have a better one.
template <bool largest>
double ForestBounds::extreme(std::span<const double> low, std::span<const double> high) const {
  KASETSU_ASSERT(low.size() == columns_ && high.size() == columns_);
  const auto better = [](double a, double b) { return largest ? a > b : a < b; };
  const auto promise = [](const Node& node) { return largest ? node.most : node.least; };
  std::vector<double> said;
  said.reserve(roots_.size());
  std::vector<std::size_t> open;
  for (const std::size_t root : roots_) {
    double best = largest ? -std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::infinity();
    open.assign(1, root);
    while (!open.empty()) {
      std::size_t at = open.back();
      open.pop_back();
      if (!better(promise(nodes_[at]), best)) continue;
      while (nodes_[at].column >= 0) {
        const Node& node = nodes_[at];
        const auto column = static_cast<std::size_t>(node.column);
        const auto right = static_cast<std::size_t>(node.right);
        const bool goes_left = low[column] <= node.value;
        const bool goes_right = !(high[column] <= node.value);
        if (goes_left && goes_right) {
          const bool left_first = !better(promise(nodes_[right]), promise(nodes_[at + 1]));
          open.push_back(left_first ? right : at + 1);
          at = left_first ? at + 1 : right;
        } else {
          at = goes_left ? at + 1 : right;
        }
      }
      if (better(nodes_[at].value, best)) best = nodes_[at].value;
    }
    said.push_back(best);
  }
  return center_of(said, center_);
}

double ForestBounds::most(std::span<const double> low, std::span<const double> high) const {
  return extreme<true>(low, high);
}

double ForestBounds::least(std::span<const double> low, std::span<const double> high) const {
  return extreme<false>(low, high);
}

Bounds ForestBounds::of(std::span<const double> low, std::span<const double> high) const {
  return {least(low, high), most(low, high)};
}

}  // namespace kasetsu::regression
