#include "core/planning/bounds/branches.h"

#include <algorithm>
#include <utility>

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
    for (Items& left : root.left) left.set();
    root.index = least_index(root);
    for (std::size_t a = 0; a < tables_.groups[g].amounts.size(); ++a) {
      root.amounts = static_cast<std::uint32_t>(a);
      all.push_back(root);
    }
  }
  return all;
}

bool Branches::narrow(Branch& branch) const {
  const EnsembleBounds::PartTrees& here = trees(branch);
  const std::vector<double>& by_place = amounts(branch).amounts;
  const auto count = static_cast<std::size_t>(sets(branch).count);
  std::size_t level = 0;
  for (std::size_t first = 0; first < count && level < kFilteredAmounts; ++level) {
    std::size_t last = first;
    while (last < count && by_place[last] == by_place[first]) ++last;
    const Items& left = branch.left[level];
    for (std::size_t k = first; k < last; ++k) {
      std::uint8_t& cluster = branch.clusters[k];
      const auto taken = static_cast<std::size_t>(
          std::count(&branch.clusters[first], &branch.clusters[first] + (last - first), cluster));
      if ((here.members[cluster] & left).count() < taken) return false;
      const std::uint8_t before = cluster;
      std::uint8_t after = cluster;
      while (true) {
        const ItemTree::Node& node = here.elements.nodes[after];
        if (node.left == 0) break;
        const bool in_left = (here.members[node.left] & left).any();
        const bool in_right = (here.members[node.right] & left).any();
        if (in_left && in_right) break;
        after = static_cast<std::uint8_t>(in_left ? node.left : node.right);
      }
      for (std::size_t n = k; n < last && after != before; ++n) {
        if (branch.clusters[n] == before) branch.clusters[n] = after;
      }
    }
    std::sort(&branch.clusters[first], &branch.clusters[first] + (last - first));
    first = last;
  }
  return possible(branch);
}

std::size_t Branches::elements_left(const Branch& branch) const {
  const std::vector<double>& by_place = amounts(branch).amounts;
  std::size_t left = 0;
  std::size_t level = 0;
  for (std::size_t k = 0; k < by_place.size(); ++k) {
    const bool same_amount = k > 0 && by_place[k] == by_place[k - 1];
    if (k > 0 && !same_amount) ++level;
    if (same_amount && branch.clusters[k] == branch.clusters[k - 1]) continue;
    Items members = trees(branch).members[branch.clusters[k]];
    if (level < kFilteredAmounts) members &= branch.left[level];
    left += members.count();
  }
  return left;
}

bool Branches::divide(const Branch& branch, std::vector<Branch>& into) const {
  const ElementSets& sets_here = sets(branch);
  const ItemTree& elements = trees(branch).elements;
  const ItemTree::Node& contexts_here = trees(branch).contexts.nodes[branch.context];
  const auto count = static_cast<std::size_t>(sets_here.count);
  std::size_t widest = count;
  double most = -1.0;
  for (std::size_t k = 0; k < count; ++k) {
    const ItemTree::Node& node = elements.nodes[branch.clusters[k]];
    // Spreads were seen for one element of several with an even share.
    const double spread = node.spread * amounts(branch).shares[k] * static_cast<double>(count);
    if (node.left == 0 || spread <= most) continue;
    most = spread;
    widest = k;
  }
  if (contexts_here.left != 0 && (widest == count || contexts_here.spread > most)) {
    for (const std::size_t half : {contexts_here.left, contexts_here.right}) {
      Branch child = branch;
      child.context = static_cast<std::uint32_t>(half);
      into.push_back(child);
    }
    return true;
  }
  if (widest == count) return false;
  divide_elements(branch, widest, into);
  return true;
}

// Of the elements that come from one group with one amount, each number from its one half and the
// rest from its other. at: the first of them.
void Branches::divide_elements(const Branch& branch, std::size_t at,
                               std::vector<Branch>& into) const {
  const auto count = static_cast<std::size_t>(sets(branch).count);
  const std::vector<double>& by_place = amounts(branch).amounts;
  const std::size_t cluster = branch.clusters[at];
  std::size_t taken = 0;
  while (at + taken < count && branch.clusters[at + taken] == cluster &&
         by_place[at + taken] == by_place[at]) {
    ++taken;
  }
  std::size_t first = at;
  std::size_t last = at;
  while (first > 0 && by_place[first - 1] == by_place[at]) --first;
  while (last < count && by_place[last] == by_place[at]) ++last;
  const ItemTree& elements = trees(branch).elements;
  const ItemTree::Node& node = elements.nodes[cluster];
  const std::size_t in_left = elements.nodes[node.left].items.size();
  const std::size_t in_right = elements.nodes[node.right].items.size();
  for (std::size_t left = taken > in_right ? taken - in_right : 0; left <= std::min(taken, in_left);
       ++left) {
    Branch child = branch;
    for (std::size_t n = 0; n < taken; ++n)
      child.clusters[at + n] = static_cast<std::uint8_t>(n < left ? node.left : node.right);
    std::sort(child.clusters.begin() + static_cast<std::ptrdiff_t>(first),
              child.clusters.begin() + static_cast<std::ptrdiff_t>(last));
    if (!narrow(child)) continue;
    child.index = std::max(branch.index, least_index(child));
    into.push_back(child);
  }
}

// An element has one amount: a group cannot give more than it has to all amounts together.
bool Branches::possible(const Branch& branch) const {
  const auto count = static_cast<std::size_t>(sets(branch).count);
  for (std::size_t k = 0; k < count; ++k) {
    std::size_t of_same = 0;
    for (std::size_t n = 0; n < count; ++n)
      of_same += branch.clusters[n] == branch.clusters[k] ? 1 : 0;
    if (of_same > trees(branch).elements.nodes[branch.clusters[k]].items.size()) return false;
  }
  return true;
}

Branches::Composition Branches::composition(const Branch& branch) const {
  const ElementSets& sets_here = sets(branch);
  const CompositionFamily& family = *tables_.space->parts()[sets_here.part].family;
  const AmountSet& amounts_here = amounts(branch);
  std::array<std::pair<int, double>, kMostElementsOfSet> parts{};
  Composition out;
  out.count = static_cast<std::size_t>(sets_here.count);
  for (std::size_t k = 0; k < out.count; ++k) {
    parts[k] = {trees(branch).elements.nodes[branch.clusters[k]].items.front(),
                amounts_here.amounts[k]};
  }
  std::sort(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(out.count));
  chemistry::Composition composition;
  for (std::size_t k = 0; k < out.count; ++k) {
    out.positions[k] = parts[k].first;
    out.amounts[k] = parts[k].second;
    composition.add(family.elements()[static_cast<std::size_t>(parts[k].first)], parts[k].second);
  }
  const std::optional<std::uint64_t> rank = family.rank(composition);
  KASETSU_ASSERT(rank.has_value());
  out.index = *rank;
  return out;
}

// Ranks of sets are colexicographic: the smallest positions, place by place, have the smallest.
std::uint64_t Branches::least_index(const Branch& branch) const {
  const ElementSets& sets_here = sets(branch);
  const CandidateSpace::Part& part = tables_.space->parts()[sets_here.part];
  const ItemTree& elements = trees(branch).elements;
  std::array<int, kMostElementsOfSet> positions{};
  const auto count = static_cast<std::size_t>(sets_here.count);
  for (std::size_t k = 0; k < count; ++k) {
    const auto before = branch.clusters.begin() + static_cast<std::ptrdiff_t>(k);
    const auto of_same = std::count(branch.clusters.begin(), before, branch.clusters[k]);
    positions[k] = elements.nodes[branch.clusters[k]].items[static_cast<std::size_t>(of_same)];
  }
  std::sort(positions.begin(), positions.begin() + static_cast<std::ptrdiff_t>(count));
  const std::uint64_t composition =
      part.family->first(sets_here.count) +
      rank_subset(positions.data(), sets_here.count) * part.family->patterns(sets_here.count);
  return tables_.space->least_index(sets_here.part,
                                    composition * part.supports.size() * part.preparations.size());
}

}  // namespace kasetsu::planning
