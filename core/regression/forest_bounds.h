// What a forest may say of many rows at once: what a planner needs to skip whole branches of a
// space.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/regression/random_forest.h"

namespace kasetsu::regression {

struct Bounds {
  double low, high;
};

// Of rows with low[j] <= x[j] <= high[j]; a NaN counts as above everything. Each tree is bounded
// exactly, their mean or median is therefore bounded, not tightly. The forest need not live on.
// Safe to use from several threads at once.
class ForestBounds {
 public:
  explicit ForestBounds(const Forest& forest);

  // low, high: forest.columns numbers, infinite where unknown. Smallest and largest prediction.
  Bounds of(std::span<const double> low, std::span<const double> high) const;
  // One of them, for half of the work.
  double most(std::span<const double> low, std::span<const double> high) const;
  double least(std::span<const double> low, std::span<const double> high) const;

 private:
  // As Tree::Node, and no leaf below it says more or less. In single precision, rounded outwards:
  // they only tell where it is of no use to look.
  struct Node {
    std::int32_t column, right;
    double value;
    float most, least;
  };
  template <bool largest>
  double extreme(std::span<const double> low, std::span<const double> high) const;

  std::vector<Node> nodes_;         // of all trees; `right` is a place here
  std::vector<std::size_t> roots_;  // places
  std::size_t columns_;
  Center center_;
};

}  // namespace kasetsu::regression
