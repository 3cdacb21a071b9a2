// The tree of the search by bounds. A branch is so many elements from each of a few groups of
// elements, with all their amounts, on a group of supports under a group of conditions; it is
// divided where its candidates differ most, until it is one set of elements.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/planning/bounds/ensemble_bounds.h"

namespace kasetsu::planning {

struct Branch {
  double bound = 0.0;         // no candidate of it is better
  std::uint64_t index = 0;    // no candidate of it has a smaller one; reached: which candidate
  double companion_low = 0.0, companion_high = 0.0;  // what the companions may say
  std::uint32_t context = 0;  // place in the part's tree of contexts
  std::uint32_t round = 0;    // picks of a search that the bound knows of
  std::uint16_t group = 0;    // place in EnsembleBounds::groups
  bool reached = false;       // the bound is that of candidate `index`
  std::array<std::uint8_t, kMostElementsOfSet> clusters{};  // in the part's tree of elements

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

  // One a group of sets: everything. Bounds are infinite.
  std::vector<Branch> roots() const;
  // Appends what a branch falls into, with its bounds; nothing where it is a set of elements whose
  // contexts are not divided.
  void divide(const Branch& branch, std::vector<Branch>& into) const;
  const ElementSets& sets(const Branch& branch) const { return tables_.groups[branch.group]; }
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
  void divide_elements(const Branch& branch, std::size_t cluster, std::vector<Branch>& into) const;
  std::uint64_t least_index(const Branch& branch) const;

  const EnsembleBounds& tables_;
};

}  // namespace kasetsu::planning
