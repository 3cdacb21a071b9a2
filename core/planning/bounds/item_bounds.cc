// What candidates of a branch reach that have a given one of its elements.
//
// All that bounds a branch is a sum over its groups of what the best elements of each may add, and
// something that is the same for all. With one element known, its own part replaces that of the
// last of the best of its group, for far less work than to bound the branch anew. What no
// candidate with an element reaches is taken out of the branch; that tightens everything else.
#include <algorithm>

#include "core/base/constants.h"
#include "core/planning/bounds/ensemble_bounds.h"
#include "core/planning/bounds/largest.h"

namespace kasetsu::planning {
const std::vector<double>& Bounder::medians_of_items(bool most, const Predicted& whole) {
  constexpr int kHalvings = 9;
  // Where small is good, all is turned round.
  const double sign = most ? 1.0 : -1.0;
  const double least = most ? tables_.lowest : -tables_.highest;
  const Lanes& ends = most ? ends_high_ : ends_low_;
  const Lanes& own = most ? high_ : low_;
  Lanes& turned = below_;
  turned.resize_to(static_cast<std::ptrdiff_t>(task_.height));
  for (std::size_t h = 0; h < task_.height; ++h) {
    turned.data()[h] = sign * ends.data()[h];
    own_ends_.data()[h] = sign * own.data()[h];
  }
  ends_of_items_.resize(task_.height * task_.width);
  kernels_.ends_with_items(task_, sign, turned.data(), least, own_ends_.data(),
                           ends_of_items_.data());
  // Nearly the least number that at least half of the weight of the ends does not exceed.
  const auto width = static_cast<std::ptrdiff_t>(task_.width);
  below_.resize_to(width, least);
  above_.resize_to(width, most ? whole.high : -whole.low);
  kernels_.halve(task_, ends_of_items_.data(), 0.5 * tables_.total_weight * (1.0 + kWiden),
                 kHalvings, below_.data(), above_.data());
  medians_.assign(above_.data(), above_.data() + items_.size());
  for (double& each : medians_) each = sign * (each + kWiden * (1.0 + std::abs(each)));
  return medians_;
}

const std::vector<double>& Bounder::spreads_of_items(const Predicted& whole) {
  spreads_.resize(items_.size());
  const double* off = off_numbers_.data();
  const bool squared = squared_sum_ < kInfinity;
  std::size_t item = 0;
  for (const Cluster& cluster : clusters_) {
    const auto taken = static_cast<std::size_t>(cluster.count);
    const double last = largest_of(off + item, cluster.size, taken).last;
    const double last_squared =
        squared ? largest_of(squared_parts_.data() + item, cluster.size, taken).last : 0.0;
    for (const std::size_t end = item + cluster.size; item < end; ++item) {
      double sum = off_sum_ - std::max(0.0, last - off[item]);
      if (squared)
        sum =
            std::min(sum, squared_sum_ - std::max(0.0, last_squared - squared_parts_.data()[item]));
      spreads_[item] =
          std::min(whole.spread_high, sum / tables_.total_weight * (1.0 + kWiden) + 1e-12);
    }
  }
  return spreads_;
}

}  // namespace kasetsu::planning
