// The amounts of compositions without their elements: which amounts occur together, whoever has
// them. The search by bounds chooses them first.
#pragma once

#include <vector>

#include "core/planning/space/space.h"

namespace kasetsu::planning {

struct AmountSet {
  std::vector<double> amounts;  // ascending, one an element
  std::vector<double> shares;   // of their total
  double total = 0.0;
};

// Each once. One empty set for no elements; none where the family has more than a million patterns
// of amounts for so many elements.
std::vector<AmountSet> amount_sets(const CompositionFamily& family, int count);

}  // namespace kasetsu::planning
