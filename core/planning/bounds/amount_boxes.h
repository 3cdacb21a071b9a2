// The amounts of a set of elements as a tree of boxes: the whole range of patterns at the root,
// single amounts fixed one after another below it. What the search by bounds divides a set into.
#pragma once

#include <cstdint>
#include <vector>

#include "core/planning/space/space.h"

namespace kasetsu::planning {

// Patterns first ... last - 1 of a composition of so many elements, and between which its amounts
// and shares lie, by element in ascending order.
struct AmountBox {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::vector<double> amount_low, amount_high, share_low, share_high;
  double total_low = 0.0, total_high = 0.0;
  std::vector<std::size_t> children;  // places in the tree; empty: its patterns are looked at
};

// The root comes first. A family with more than 65,536 patterns gets the root alone.
std::vector<AmountBox> amount_boxes(const CompositionFamily& family, int count);

}  // namespace kasetsu::planning
