// What chance alone would have found: the best of measurements in random order.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/planning/surrogates/aim.h"

namespace kasetsu::planning {

// For each n of `draws` (1 ... values.size()): the expectation of the best of n of the values drawn
// without replacement, in units of the values. The best value of n is the k-th in rising order with
// probability C(k - 1, n - 1) / C(m, n), for m values. For goals that have a best value; with
// Goal::target there is no expectation to speak of, and the answer is empty.
std::vector<double> expected_best(std::vector<double> values, const Aim& aim,
                                  std::span<const std::size_t> draws);

}  // namespace kasetsu::planning
