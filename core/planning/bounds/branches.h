// The tree of the search by bounds. A branch is a set of amounts, for each amount a group of
// elements from which the element with it comes, and a group of supports and conditions; it is
// divided where its candidates differ most, until it is one composition.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/planning/bounds/ensemble_bounds.h"

namespace kasetsu::planning {

// Which elements a branch has left is kept for so many of its amounts.
inline constexpr std::size_t kFilteredAmounts = 4;

struct Branch {
  double bound = 0.0;       // no candidate of it is better
  std::uint64_t index = 0;  // no candidate of it has a smaller one; reached: which candidate
  double companion_low = 0.0, companion_high = 0.0;  // what the companions may say
  std::uint32_t context = 0;                         // place in the part's tree of contexts
  std::uint32_t round = 0;                           // picks of a search that the bound knows of
  std::uint32_t amounts = 0;                         // place in its sets' amounts
  std::uint16_t group = 0;                           // place in EnsembleBounds::groups
  bool reached = false;                              // the bound is that of candidate `index`
  // By amount: a node of the part's tree of elements, ascending where amounts are equal.
  std::array<std::uint8_t, kMostElementsOfSet> clusters{};
  // By distinct amount: elements that may have it in a candidate that is looked for.
  std::array<Items, kFilteredAmounts> left{};

  std::span<const std::uint8_t> elements(const ElementSets& sets) const {
    return {clusters.data(), static_cast<std::size_t>(sets.count)};
  }
};

// Larger bounds come first, then smaller indices: an order that does not depend on threads.
inline bool comes_before(const Branch& a, const Branch& b) {
  return a.bound != b.bound ? a.bound > b.bound : a.index < b.index;
}

class Branches {
 public:
  explicit Branches(const EnsembleBounds& tables) : tables_(tables) {}

  // One a set of amounts: everything. Bounds are infinite.
  std::vector<Branch> roots() const;
  // Lets each group be the smallest one that holds the elements that are left of it. False where
  // there are too few of them.
  bool narrow(Branch& branch) const;
  // Appends what a branch falls into, with its bounds; that may be nothing. False where it is a
  // composition whose contexts are not divided.
  bool divide(const Branch& branch, std::vector<Branch>& into) const;
  // How many elements may occur, one in several groups or with several amounts more than once.
  std::size_t elements_left(const Branch& branch) const;
  const ElementSets& sets(const Branch& branch) const { return tables_.groups[branch.group]; }
  const AmountSet& amounts(const Branch& branch) const {
    return sets(branch).amounts[branch.amounts];
  }
  // Of a composition: its elements' places in the family, ascending, and their amounts.
  struct Composition {
    std::array<int, kMostElementsOfSet> positions{};
    std::array<double, kMostElementsOfSet> amounts{};
    std::size_t count = 0;
    std::uint64_t index = 0;  // in the family
  };
  Composition composition(const Branch& branch) const;
  const EnsembleBounds::Hull& hull(const Branch& branch) const {
    return trees(branch).hulls[branch.context];
  }
  // Places in EnsembleBounds::contexts of the part.
  const std::vector<int>& contexts(const Branch& branch) const {
    return trees(branch).contexts.nodes[branch.context].items;
  }

 private:
  const EnsembleBounds::PartTrees& trees(const Branch& branch) const {
    return tables_.trees[sets(branch).part];
  }
  void divide_elements(const Branch& branch, std::size_t at, std::vector<Branch>& into) const;
  // By the elements that are left.
  bool possible(const Branch& branch) const;
  std::uint64_t least_index(const Branch& branch) const;

  const EnsembleBounds& tables_;
};

}  // namespace kasetsu::planning
