// Which leaves of a forest a branch of the search by bounds can reach, where all that the forest
// sees is which elements there are with which amounts, and the support and the conditions.
//
// The leaves of a tree are numbered from the largest value to the smallest, one bit each. For each
// group of elements there are the bits that are left when none of them is present, when any may be
// present with an amount, and when at most or at least so many are; for each group of contexts
// those that one of them can reach. A branch keeps what all of its groups leave; the first bit of
// each tree is the most that it can say, the last bit the least.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/planning/bounds/bound_kernels.h"
#include "core/planning/bounds/item_tree.h"
#include "core/regression/random_forest.h"

namespace kasetsu::planning {

class LeafMasks {
 public:
  // What the forest is told of a catalyst.
  struct Seen {
    const ItemTree& elements;         // its leaves hold one item
    const std::vector<int>& columns;  // by item: where its amount stands in a row; -1: nowhere
    std::vector<double> amounts;      // that occur, ascending
    int most_elements = 1;            // of one catalyst
    const ItemTree& contexts;
    std::vector<std::span<const double>> rows;  // by context; amounts in them are not looked at
  };
  // So many elements from those that are left of a group (a node of the tree), each with this
  // amount.
  struct Taken {
    std::size_t node;
    int count;
    double amount;
    Items members;
    Items asked{};  // of these, see extreme_of_items()
  };

  // What one call needs, kept for the next.
  struct Scratch {
    std::vector<std::size_t> rows;  // of masks_
    std::vector<std::uint64_t> bits;
    std::vector<std::int32_t> said;                // by tree: ranks
    std::vector<std::vector<std::uint64_t>> kept;  // on the way down to one item
  };

  // Nothing where that would take too much memory, and where it was stopped.
  static std::optional<LeafMasks> make(const regression::Forest& forest, const Seen& seen,
                                       const Control& control);

  // The largest (`most`) or smallest value that the forest may have for catalysts of these elements
  // and no others under the contexts of a node; infinite where there are none.
  double extreme(bool most, std::span<const Taken> taken, std::size_t context,
                 Scratch& scratch) const;
  // After extreme() with the same groups: the same for catalysts that have a given element, by
  // group and element (ascending); of what is not asked, nothing is said.
  void extreme_of_items(bool most, std::span<const Taken> taken, Scratch& scratch,
                        std::span<double> out) const;

 private:
  struct Node {
    Items items;
    std::size_t left, right;
  };

  LeafMasks() = default;
  struct Leaf;
  std::vector<Leaf> number_leaves(const regression::Forest& forest);
  void mask_elements(const std::vector<Leaf>& leaves, const Seen& seen, const Control& control);
  void mask_contexts(const regression::Forest& forest, const Seen& seen,
                     const std::vector<std::vector<std::size_t>>& bits, const Control& control);

  std::uint64_t* row(std::size_t number) { return &masks_[number * words_]; }
  void keep(std::vector<std::size_t>& rows, std::vector<std::uint64_t>& bits) const;
  double extreme_of(bool most, const std::uint64_t* bits, std::vector<std::int32_t>& said) const;
  double mean_of(const std::vector<std::int32_t>& ranks) const;
  double median_of(const std::vector<std::int32_t>& ranks) const;
  // One group of which the others have `elsewhere`, on the way down to its items.
  struct Descent {
    bool most;
    const Taken& of;
    std::size_t level;
    Items elsewhere;
    Scratch& scratch;
    std::span<double> out;  // of its items
  };
  void descend(const Descent& descent, std::size_t node, const std::uint64_t* bits,
               std::size_t depth) const;
  std::size_t level_of(double amount) const;
  void add_absent(std::size_t node, const Items& present, std::vector<std::size_t>& rows) const;
  std::size_t of_node(std::size_t node, std::size_t which) const {
    return node * (2 + 2 * amounts_.size() + 2 * most_) + which;
  }
  // Numbers of rows: no item is present; any may be, with any amount.
  std::size_t absent(std::size_t node) const { return of_node(node, 0); }
  std::size_t any(std::size_t node) const { return of_node(node, 1); }
  // Any may be, with this amount; all are.
  std::size_t may(std::size_t node, std::size_t level) const { return of_node(node, 2 + level); }
  std::size_t all(std::size_t node, std::size_t level) const {
    return of_node(node, 2 + amounts_.size() + level);
  }
  // No more, and no fewer, than `count` are; 1 to most_.
  std::size_t at_most(std::size_t node, std::size_t count) const {
    return of_node(node, 1 + 2 * amounts_.size() + count);
  }
  std::size_t at_least(std::size_t node, std::size_t count) const {
    return of_node(node, 1 + 2 * amounts_.size() + most_ + count);
  }
  std::size_t context(std::size_t node) const { return of_node(nodes_.size(), node); }

  std::vector<Node> nodes_;
  std::vector<std::size_t> single_;  // by item: the node that holds only it
  std::vector<double> amounts_;
  std::size_t most_ = 1;
  std::size_t words_ = 0;
  std::vector<std::size_t> first_;   // by tree, and the end: words
  std::vector<double> levels_;       // the values of leaves, ascending, each once
  std::vector<std::int32_t> ranks_;  // by bit: which of them
  std::vector<std::uint64_t> masks_;
  const BoundKernels* kernels_ = &bound_kernels(instruction_set());
  regression::Center center_ = regression::Center::mean;
};

}  // namespace kasetsu::planning
