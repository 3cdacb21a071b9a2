#include "core/planning/bounds/leaf_masks.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/base/constants.h"
#include "core/base/result.h"

namespace kasetsu::planning {
namespace {

constexpr std::size_t kMostWords = 8'000'000;  // 64 MB

void clear(std::uint64_t* mask, std::size_t bit) {
  mask[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
}

}  // namespace

// Where it stands, and which side of each cut leads to it.
struct LeafMasks::Leaf {
  struct Cut {
    std::size_t column;
    double value;
    bool above;
    bool admits(double x) const { return (x <= value) != above; }
  };
  std::size_t tree, node, bit;
  double value;
  std::vector<Cut> cuts;

  bool admits(std::size_t column, double x) const {
    return std::all_of(cuts.begin(), cuts.end(),
                       [&](const Cut& cut) { return cut.column != column || cut.admits(x); });
  }
};

std::vector<LeafMasks::Leaf> LeafMasks::number_leaves(const regression::Forest& forest) {
  std::vector<Leaf> all;
  for (std::size_t t = 0; t < forest.trees.size(); ++t) {
    const std::vector<regression::Tree::Node>& nodes = forest.trees[t].nodes;
    std::vector<Leaf> here;
    std::vector<Leaf> open = {{t, 0, 0, 0.0, {}}};
    while (!open.empty()) {
      Leaf at = std::move(open.back());
      open.pop_back();
      const regression::Tree::Node& node = nodes[at.node];
      at.value = node.value;
      if (node.column < 0) {
        here.push_back(std::move(at));
        continue;
      }
      Leaf right = at;
      const auto column = static_cast<std::size_t>(node.column);
      right.node = static_cast<std::size_t>(node.right);
      right.cuts.push_back({column, node.value, true});
      ++at.node;
      at.cuts.push_back({column, node.value, false});
      open.push_back(std::move(right));
      open.push_back(std::move(at));
    }
    std::stable_sort(here.begin(), here.end(),
                     [](const Leaf& a, const Leaf& b) { return a.value > b.value; });
    first_.push_back(words_);
    std::size_t bit = 64 * words_;
    for (Leaf& leaf : here) {
      leaf.bit = bit++;
      levels_.push_back(leaf.value);
      all.push_back(std::move(leaf));
    }
    words_ += (here.size() + 63) / 64;
  }
  first_.push_back(words_);
  std::sort(levels_.begin(), levels_.end());
  levels_.erase(std::unique(levels_.begin(), levels_.end()), levels_.end());
  ranks_.resize(64 * words_);
  for (const Leaf& leaf : all) {
    const auto level = std::lower_bound(levels_.begin(), levels_.end(), leaf.value);
    ranks_[leaf.bit] = static_cast<std::int32_t>(level - levels_.begin());
  }
  return all;
}

void LeafMasks::mask_elements(const std::vector<Leaf>& leaves, const Seen& seen,
                              const Control& control) {
  for (const Leaf& leaf : leaves) {
    if (control.should_stop()) return;
    // What it says of each element that it asks about.
    struct Asked {
      std::size_t item;
      bool absent, any;
      std::vector<bool> with;  // by amount
    };
    std::vector<Asked> asked;
    for (std::size_t item = 0; item < seen.columns.size(); ++item) {
      if (seen.columns[item] < 0) continue;
      const auto column = static_cast<std::size_t>(seen.columns[item]);
      if (std::none_of(leaf.cuts.begin(), leaf.cuts.end(),
                       [&](const Leaf::Cut& cut) { return cut.column == column; })) {
        continue;
      }
      Asked one{item, leaf.admits(column, 0.0), false, {}};
      for (const double amount : amounts_) {
        one.with.push_back(leaf.admits(column, amount));
        one.any = one.any || one.with.back();
      }
      asked.push_back(std::move(one));
    }
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      std::size_t needed = 0;
      std::size_t possible = nodes_[n].items.count();
      for (const Asked& one : asked) {
        if (!nodes_[n].items[one.item]) continue;
        if (!one.absent) {
          ++needed;
          clear(row(absent(n)), leaf.bit);
        }
        if (!one.any) --possible;
        if (!one.absent && !one.any) clear(row(any(n)), leaf.bit);
        for (std::size_t level = 0; level < amounts_.size(); ++level) {
          if (one.with[level]) continue;
          clear(row(all(n, level)), leaf.bit);
          if (!one.absent) clear(row(may(n, level)), leaf.bit);
        }
      }
      for (std::size_t k = 1; k <= most_; ++k) {
        if (needed > k) clear(row(at_most(n, k)), leaf.bit);
        if (possible < k) clear(row(at_least(n, k)), leaf.bit);
      }
    }
  }
}

// bits: by tree and node.
void LeafMasks::mask_contexts(const regression::Forest& forest, const Seen& seen,
                              const std::vector<std::vector<std::size_t>>& bits,
                              const Control& control) {
  std::vector<bool> of_element(static_cast<std::size_t>(forest.columns), false);
  for (const int column : seen.columns) {
    if (column >= 0) of_element[static_cast<std::size_t>(column)] = true;
  }
  std::vector<std::uint64_t> mask(words_);
  std::vector<std::size_t> open;
  for (std::size_t c = 0; c < seen.rows.size() && !control.should_stop(); ++c) {
    std::fill(mask.begin(), mask.end(), 0);
    for (std::size_t t = 0; t < forest.trees.size(); ++t) {
      open.assign(1, 0);
      while (!open.empty()) {
        const std::size_t at = open.back();
        open.pop_back();
        const regression::Tree::Node& node = forest.trees[t].nodes[at];
        if (node.column < 0) {
          mask[bits[t][at] / 64] |= std::uint64_t{1} << (bits[t][at] % 64);
          continue;
        }
        const auto column = static_cast<std::size_t>(node.column);
        const bool left = seen.rows[c][column] <= node.value;
        if (of_element[column] || left) open.push_back(at + 1);
        if (of_element[column] || !left) open.push_back(static_cast<std::size_t>(node.right));
      }
    }
    for (std::size_t n = 0; n < seen.contexts.nodes.size(); ++n) {
      const std::vector<int>& items = seen.contexts.nodes[n].items;
      if (!std::binary_search(items.begin(), items.end(), static_cast<int>(c))) continue;
      std::uint64_t* all_of_node = row(context(n));
      for (std::size_t w = 0; w < words_; ++w) all_of_node[w] |= mask[w];
    }
  }
}

std::optional<LeafMasks> LeafMasks::make(const regression::Forest& forest, const Seen& seen,
                                         const Control& control) {
  LeafMasks out;
  if (seen.columns.size() > Items().size()) return std::nullopt;
  out.center_ = forest.center;
  out.amounts_ = seen.amounts;
  out.most_ = static_cast<std::size_t>(std::max(1, seen.most_elements));
  for (const ItemTree::Node& node : seen.elements.nodes) {
    Node own{{}, node.left, node.right};
    for (const int item : node.items) own.items.set(static_cast<std::size_t>(item));
    if (node.items.size() == 1) {
      out.single_.resize(std::max(out.single_.size(), std::size_t(node.items[0]) + 1));
      out.single_[static_cast<std::size_t>(node.items[0])] = out.nodes_.size();
    }
    out.nodes_.push_back(own);
  }
  const std::vector<Leaf> leaves = out.number_leaves(forest);
  const std::size_t contexts = seen.contexts.nodes.size();
  const std::size_t rows = out.context(contexts);
  if (rows > kMostWords / out.words_ || contexts * seen.rows.size() > kMostWords)
    return std::nullopt;
  out.masks_.assign(out.context(0) * out.words_, ~std::uint64_t{0});
  out.masks_.resize(rows * out.words_, 0);
  out.mask_elements(leaves, seen, control);
  std::vector<std::vector<std::size_t>> bits;
  for (const regression::Tree& tree : forest.trees) bits.emplace_back(tree.nodes.size());
  for (const Leaf& leaf : leaves) bits[leaf.tree][leaf.node] = leaf.bit;
  out.mask_contexts(forest, seen, bits, control);
  if (control.should_stop()) return std::nullopt;
  return out;
}

// What all of the rows have; four are read at once.
void LeafMasks::keep(std::vector<std::size_t>& rows, std::vector<std::uint64_t>& bits) const {
  while (rows.size() % 4 != 0) rows.push_back(rows.front());
  bits.assign(words_, ~std::uint64_t{0});
  for (std::size_t r = 0; r < rows.size(); r += 4) {
    const std::uint64_t* four[4];
    for (std::size_t k = 0; k < 4; ++k) four[k] = masks_.data() + rows[r + k] * words_;
    kernels_->keep_four(four, words_, bits.data());
  }
}

// Below a node, what is in no group that elements are taken from.
void LeafMasks::add_absent(std::size_t node, const Items& present,
                           std::vector<std::size_t>& rows) const {
  const Items here = nodes_[node].items & present;
  if (here.none()) {
    rows.push_back(absent(node));
  } else if (here != nodes_[node].items) {
    add_absent(nodes_[node].left, present, rows);
    add_absent(nodes_[node].right, present, rows);
  }
}

std::size_t LeafMasks::level_of(double amount) const {
  const auto found = std::lower_bound(amounts_.begin(), amounts_.end(), amount);
  KASETSU_ASSERT(found != amounts_.end() && *found == amount);
  return static_cast<std::size_t>(found - amounts_.begin());
}

double LeafMasks::extreme(bool most, std::span<const Taken> taken, std::size_t of_context,
                          Scratch& scratch) const {
  std::vector<std::size_t>& rows = scratch.rows;
  rows.assign(1, context(of_context));
  Items present;
  for (const Taken& each : taken) present |= each.members;
  add_absent(0, present, rows);
  for (const Taken& each : taken) {
    const Items& items = nodes_[each.node].items;
    const std::size_t level = level_of(each.amount);
    std::size_t own = 0;     // elements from this very group
    std::size_t supply = 0;  // and from those that share some with it
    bool alone = true;
    for (const Taken& other : taken) {
      if ((other.members & items).none()) continue;
      supply += static_cast<std::size_t>(other.count);
      if (other.node == each.node) own += static_cast<std::size_t>(other.count);
      alone = alone && &other == &each;
    }
    if (items.count() == static_cast<std::size_t>(each.count)) {
      rows.push_back(all(each.node, level));
      continue;
    }
    if (each.members.count() == static_cast<std::size_t>(each.count)) {
      for (std::size_t item = 0; item < single_.size(); ++item) {
        if (each.members[item]) rows.push_back(all(single_[item], level));
      }
      continue;
    }
    rows.push_back(alone ? may(each.node, level) : any(each.node));
    if (supply < items.count() && supply <= most_) rows.push_back(at_most(each.node, supply));
    if (own <= most_) rows.push_back(at_least(each.node, own));
  }
  keep(rows, scratch.bits);
  return extreme_of(most, scratch.bits.data(), scratch.said);
}

// Of the leaves that are left.
double LeafMasks::extreme_of(bool most, const std::uint64_t* bits,
                             std::vector<std::int32_t>& said) const {
  const std::size_t trees = first_.size() - 1;
  said.resize(trees);
  const std::size_t* first = first_.data();
  const std::int32_t* ranks = ranks_.data();
  for (std::size_t t = 0; t < trees; ++t) {
    std::size_t w = most ? first[t] : first[t + 1];
    if (most) {
      while (w < first[t + 1] && bits[w] == 0) ++w;
      if (w == first[t + 1]) return -kInfinity;
      said.data()[t] = ranks[64 * w + static_cast<std::size_t>(std::countr_zero(bits[w]))];
    } else {
      while (w > first[t] && bits[w - 1] == 0) --w;
      if (w == first[t]) return kInfinity;
      said.data()[t] = ranks[64 * w - 1 - static_cast<std::size_t>(std::countl_zero(bits[w - 1]))];
    }
  }
  return center_ == regression::Center::mean ? mean_of(said) : median_of(said);
}

double LeafMasks::mean_of(const std::vector<std::int32_t>& ranks) const {
  const double* levels = levels_.data();
  const std::int32_t* rank = ranks.data();
  double sums[4] = {0.0, 0.0, 0.0, 0.0};
  std::size_t t = 0;
  for (; t + 4 <= ranks.size(); t += 4) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += levels[rank[t + k]];
  }
  for (; t < ranks.size(); ++t) sums[0] += levels[rank[t]];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) / static_cast<double>(ranks.size());
}

// As center_of() does it, by counting.
double LeafMasks::median_of(const std::vector<std::int32_t>& ranks) const {
  const auto count = static_cast<std::int32_t>(ranks.size());
  const std::int32_t* rank = ranks.data();
  const auto not_above = [&](std::int32_t limit) {
    std::int32_t found = 0;
    for (std::int32_t t = 0; t < count; ++t) found += rank[t] <= limit ? 1 : 0;
    return found;
  };
  std::int32_t low = 0;
  auto upper = static_cast<std::int32_t>(levels_.size()) - 1;
  while (low < upper) {
    const std::int32_t middle = low + (upper - low) / 2;
    if (not_above(middle) > count / 2) {
      upper = middle;
    } else {
      low = middle + 1;
    }
  }
  std::int32_t lower = upper;
  if (count % 2 == 0 && not_above(upper - 1) == count / 2) {
    lower = 0;
    for (std::int32_t t = 0; t < count; ++t) lower = std::max(lower, rank[t] < upper ? rank[t] : 0);
  }
  const auto level = [&](std::int32_t of) { return levels_[static_cast<std::size_t>(of)]; };
  return 0.5 * (level(lower) + level(upper));
}

void LeafMasks::extreme_of_items(bool most, std::span<const Taken> taken, Scratch& scratch,
                                 std::span<double> out) const {
  for (const Taken& each : taken) {
    if (each.asked.none()) {
      out = out.subspan(each.members.count());
      continue;
    }
    Items elsewhere;
    for (const Taken& other : taken) {
      if (&other != &each) elsewhere |= other.members;
    }
    descend({most, each, level_of(each.amount), elsewhere, scratch, out}, each.node,
            scratch.bits.data(), 0);
    out = out.subspan(each.members.count());
  }
}

// bits: left by all groups, and without the other items of this one where it gives only one.
void LeafMasks::descend(const Descent& descent, std::size_t node, const std::uint64_t* bits,
                        std::size_t depth) const {
  const Items& members = descent.of.members;
  std::vector<std::vector<std::uint64_t>>& kept = descent.scratch.kept;
  if (kept.size() <= depth) kept.resize(depth + 1);
  const auto keep_row = [&](std::size_t number) {
    kept[depth].resize(words_);
    kernels_->keep_two(bits, masks_.data() + number * words_, words_, kept[depth].data());
    return kept[depth].data();
  };
  const Node& here = nodes_[node];
  if (here.left == 0) {
    const std::uint64_t* left = keep_row(all(node, descent.level));
    std::size_t item = 0;
    while (single_[item] != node) ++item;
    const std::size_t before = (members << (members.size() - item)).count();
    descent.out[before] = extreme_of(descent.most, left, descent.scratch.said);
    return;
  }
  for (const auto& [half, other] : {std::pair{here.left, here.right}, {here.right, here.left}}) {
    if ((nodes_[half].items & descent.of.asked).none()) continue;
    const Items& absent_here = nodes_[other].items;
    const bool others_are_absent = descent.of.count == 1 && (absent_here & members).any() &&
                                   (absent_here & descent.elsewhere).none();
    descend(descent, half, others_are_absent ? keep_row(absent(other)) : bits, depth + 1);
  }
}

}  // namespace kasetsu::planning
