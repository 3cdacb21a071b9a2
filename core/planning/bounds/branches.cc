#include "core/planning/bounds/branches.h"

#include <algorithm>

#include "core/base/constants.h"
#include "core/planning/space/counting.h"

namespace kasetsu::planning {

std::vector<Branch> Branches::roots() const {
  std::vector<Branch> all;
  for (std::size_t g = 0; g < tables_.groups.size(); ++g) {
    Branch root;
    root.bound = kInfinity;
    root.companion_low = -kInfinity;
    root.companion_high = kInfinity;
    root.group = static_cast<std::uint16_t>(g);
    root.index = least_index(root);
    all.push_back(root);
  }
  return all;
}

void Branches::divide(const Branch& branch, std::vector<Branch>& into) const {
  const ElementSets& sets_here = sets(branch);
  const ItemTree& elements = trees(branch).elements;
  const ItemTree::Node& contexts_here = trees(branch).contexts.nodes[branch.context];
  const auto count = static_cast<std::size_t>(sets_here.count);
  std::size_t widest = count;
  double most = -1.0;
  for (std::size_t k = 0; k < count; ++k) {
    const ItemTree::Node& node = elements.nodes[branch.clusters[k]];
    if (node.left == 0 || node.spread <= most) continue;
    most = node.spread;
    widest = k;
  }
  if (contexts_here.left != 0 && (widest == count || contexts_here.spread > most)) {
    for (const std::size_t half : {contexts_here.left, contexts_here.right}) {
      Branch child = branch;
      child.context = static_cast<std::uint32_t>(half);
      into.push_back(child);
    }
    return;
  }
  if (widest < count) divide_elements(branch, branch.clusters[widest], into);
}

// Of the elements from one group, each number from its one half and the rest from its other.
void Branches::divide_elements(const Branch& branch, std::size_t cluster,
                               std::vector<Branch>& into) const {
  const auto count = static_cast<std::size_t>(sets(branch).count);
  const ItemTree& elements = trees(branch).elements;
  const ItemTree::Node& node = elements.nodes[cluster];
  const auto begin = branch.clusters.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(count);
  const auto taken = static_cast<std::size_t>(
      std::count(begin, end, static_cast<std::uint8_t>(cluster)));
  const std::size_t in_left = elements.nodes[node.left].items.size();
  const std::size_t in_right = elements.nodes[node.right].items.size();
  for (std::size_t left = taken > in_right ? taken - in_right : 0;
       left <= std::min(taken, in_left); ++left) {
    Branch child = branch;
    std::size_t k = 0;
    for (std::size_t from = 0; from < count; ++from) {
      if (branch.clusters[from] != cluster) child.clusters[k++] = branch.clusters[from];
    }
    for (std::size_t n = 0; n < taken; ++n)
      child.clusters[k++] = static_cast<std::uint8_t>(n < left ? node.left : node.right);
    std::sort(child.clusters.begin(), child.clusters.begin() + static_cast<std::ptrdiff_t>(count));
    child.index = std::max(branch.index, least_index(child));
    into.push_back(child);
  }
}

// Ranks of sets are colexicographic: the smallest positions, place by place, have the smallest.
std::uint64_t Branches::least_index(const Branch& branch) const {
  const ElementSets& sets_here = sets(branch);
  const CandidateSpace::Part& part = tables_.space->parts()[sets_here.part];
  const ItemTree& elements = trees(branch).elements;
  std::array<int, kMostElementsOfSet> positions{};
  const auto count = static_cast<std::size_t>(sets_here.count);
  std::size_t of_same = 0;
  for (std::size_t k = 0; k < count; ++k) {
    of_same = k > 0 && branch.clusters[k] == branch.clusters[k - 1] ? of_same + 1 : 0;
    positions[k] = elements.nodes[branch.clusters[k]].items[of_same];
  }
  std::sort(positions.begin(), positions.begin() + static_cast<std::ptrdiff_t>(count));
  const std::uint64_t composition =
      part.family->first(sets_here.count) +
      rank_subset(positions.data(), sets_here.count) * part.family->patterns(sets_here.count);
  return tables_.space->least_index(
      sets_here.part, composition * part.supports.size() * part.preparations.size());
}

}  // namespace kasetsu::planning
