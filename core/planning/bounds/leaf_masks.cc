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
    values_.resize(64 * words_);
    for (Leaf& leaf : here) {
      leaf.bit = values_.size();
      values_.push_back(leaf.value);
      all.push_back(std::move(leaf));
    }
    words_ += (here.size() + 63) / 64;
  }
  first_.push_back(words_);
  return all;
}

void LeafMasks::mask_elements(const std::vector<Leaf>& leaves, const Seen& seen) {
  for (const Leaf& leaf : leaves) {
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
                              const std::vector<std::vector<std::size_t>>& bits) {
  std::vector<bool> of_element(static_cast<std::size_t>(forest.columns), false);
  for (const int column : seen.columns) {
    if (column >= 0) of_element[static_cast<std::size_t>(column)] = true;
  }
  std::vector<std::uint64_t> mask(words_);
  std::vector<std::size_t> open;
  for (std::size_t c = 0; c < seen.rows.size(); ++c) {
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

std::optional<LeafMasks> LeafMasks::make(const regression::Forest& forest, const Seen& seen) {
  LeafMasks out;
  if (seen.columns.size() > Items().size()) return std::nullopt;
  out.center_ = forest.center;
  out.amounts_ = seen.amounts;
  out.most_ = static_cast<std::size_t>(std::max(1, seen.most_elements));
  for (const ItemTree::Node& node : seen.elements.nodes) {
    Node own{{}, node.left, node.right};
    for (const int item : node.items) own.items.set(static_cast<std::size_t>(item));
    out.nodes_.push_back(own);
  }
  const std::vector<Leaf> leaves = out.number_leaves(forest);
  const std::size_t contexts = seen.contexts.nodes.size();
  const std::size_t rows = out.context(contexts);
  if (rows > kMostWords / out.words_ || contexts * seen.rows.size() > kMostWords)
    return std::nullopt;
  out.masks_.assign(out.context(0) * out.words_, ~std::uint64_t{0});
  out.masks_.resize(rows * out.words_, 0);
  out.mask_elements(leaves, seen);
  std::vector<std::vector<std::size_t>> bits;
  for (const regression::Tree& tree : forest.trees) bits.emplace_back(tree.nodes.size());
  for (const Leaf& leaf : leaves) bits[leaf.tree][leaf.node] = leaf.bit;
  out.mask_contexts(forest, seen, bits);
  return out;
}

// What all of the rows have; four are read at once.
void LeafMasks::keep(std::vector<std::size_t>& rows, std::vector<std::uint64_t>& bits) const {
  while (rows.size() % 4 != 0) rows.push_back(rows.front());
  bits.assign(words_, ~std::uint64_t{0});
  std::uint64_t* kept = bits.data();
  for (std::size_t r = 0; r < rows.size(); r += 4) {
    const std::uint64_t* a = masks_.data() + rows[r] * words_;
    const std::uint64_t* b = masks_.data() + rows[r + 1] * words_;
    const std::uint64_t* c = masks_.data() + rows[r + 2] * words_;
    const std::uint64_t* d = masks_.data() + rows[r + 3] * words_;
    for (std::size_t w = 0; w < words_; ++w) kept[w] &= (a[w] & b[w]) & (c[w] & d[w]);
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

double LeafMasks::extreme(bool most, std::span<const Taken> taken, std::size_t of_context,
                          Scratch& scratch) const {
  std::vector<std::size_t>& rows = scratch.rows;
  rows.assign(1, context(of_context));
  Items present;
  for (const Taken& each : taken) present |= nodes_[each.node].items;
  add_absent(0, present, rows);
  for (const Taken& each : taken) {
    const Items& items = nodes_[each.node].items;
    const auto level = static_cast<std::size_t>(
        std::lower_bound(amounts_.begin(), amounts_.end(), each.amount) - amounts_.begin());
    KASETSU_ASSERT(level < amounts_.size() && amounts_[level] == each.amount);
    std::size_t own = 0;     // elements from this very group
    std::size_t supply = 0;  // and from those that share some with it
    bool alone = true;
    for (const Taken& other : taken) {
      if ((nodes_[other.node].items & items).none()) continue;
      supply += static_cast<std::size_t>(other.count);
      if (other.node == each.node) own += static_cast<std::size_t>(other.count);
      alone = alone && &other == &each;
    }
    if (items.count() == static_cast<std::size_t>(each.count)) {
      rows.push_back(all(each.node, level));
      continue;
    }
    rows.push_back(alone ? may(each.node, level) : any(each.node));
    if (supply < items.count() && supply <= most_) rows.push_back(at_most(each.node, supply));
    if (own <= most_) rows.push_back(at_least(each.node, own));
  }
  keep(rows, scratch.bits);
  const std::uint64_t* bits = scratch.bits.data();
  std::vector<double>& said = scratch.said;
  said.clear();
  for (std::size_t t = 0; t + 1 < first_.size(); ++t) {
    std::size_t w = most ? first_[t] : first_[t + 1];
    if (most) {
      while (w < first_[t + 1] && bits[w] == 0) ++w;
      if (w == first_[t + 1]) return -kInfinity;
      said.push_back(values_[64 * w + static_cast<std::size_t>(std::countr_zero(bits[w]))]);
    } else {
      while (w > first_[t] && bits[w - 1] == 0) --w;
      if (w == first_[t]) return kInfinity;
      said.push_back(values_[64 * w - 1 - static_cast<std::size_t>(std::countl_zero(bits[w - 1]))]);
    }
  }
  return regression::center_of(said, center_);
}

}  // namespace kasetsu::planning
