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
  const std::size_t count = tables_.hypotheses.size();
  const std::size_t width = items_.size();
  ends_of_items_.resize(count * width);
  // Where small is good, all is turned round.
  const double sign = most ? 1.0 : -1.0;
  const double least = most ? tables_.lowest : -tables_.highest;
  for (std::size_t h = 0; h < count; ++h) {
    const double* gives = gives_.data() + h * width;
    double* ends = ends_of_items_.data() + h * width;
    const double end = most ? ends_high_[h] : -ends_low_[h];
    const double own = most ? high_[h] : -low_[h];
    for (std::size_t i = 0; i < width; ++i) ends[i] = sign * gives[i];
    std::size_t first = 0;
    for (const Cluster& cluster : clusters_) {
      const double last =
          largest_of(ends + first, cluster.size, static_cast<std::size_t>(cluster.count)).last;
      for (const std::size_t to = first + cluster.size; first < to; ++first) {
        const double reached = end - std::max(0.0, last - ends[first]);
        ends[first] = std::min(std::max(reached, least), own);
      }
    }
  }
  medians_.assign(width, most ? whole.high : -whole.low);
  halve_medians(least);
  for (double& each : medians_) each = sign * (each + kWiden * (1.0 + std::abs(each)));
  return medians_;
}

// Brings each number of medians_, that at least half of the weight of its ends does not exceed,
// down to nearly the least such number.
void Bounder::halve_medians(double least) {
  constexpr int kHalvings = 9;
  const std::size_t width = medians_.size();
  const double half = 0.5 * tables_.total_weight * (1.0 + kWiden);
  below_.assign(width, least);
  for (int n = 0; n < kHalvings; ++n) {
    reached_.assign(width, 0.0);
    middles_of_items_.resize(width);
    double* middle = middles_of_items_.data();
    double* reached = reached_.data();
    for (std::size_t i = 0; i < width; ++i) middle[i] = 0.5 * (below_[i] + medians_[i]);
    for (std::size_t h = 0; h < tables_.weights.size(); ++h) {
      const double* ends = ends_of_items_.data() + h * width;
      const double weight = tables_.weights[h];
      for (std::size_t i = 0; i < width; ++i) reached[i] += ends[i] <= middle[i] ? weight : 0.0;
    }
    for (std::size_t i = 0; i < width; ++i)
      (reached[i] >= half ? medians_[i] : below_[i]) = middle[i];
  }
}

const std::vector<double>& Bounder::spreads_of_items(const Predicted& whole) {
  spreads_.resize(items_.size());
  const double* off = off_.numbers.data();
  const bool squared = squared_sum_ < kInfinity;
  std::size_t item = 0;
  for (const Cluster& cluster : clusters_) {
    const auto taken = static_cast<std::size_t>(cluster.count);
    const double last = largest_of(off + item, cluster.size, taken).last;
    const double last_squared =
        squared ? largest_of(&squared_parts_[item], cluster.size, taken).last : 0.0;
    for (const std::size_t end = item + cluster.size; item < end; ++item) {
      double sum = off_sum_ - std::max(0.0, last - off[item]);
      if (squared)
        sum = std::min(sum, squared_sum_ - std::max(0.0, last_squared - squared_parts_[item]));
      spreads_[item] =
          std::min(whole.spread_high, sum / tables_.total_weight * (1.0 + kWiden) + 1e-12);
    }
  }
  return spreads_;
}

}  // namespace kasetsu::planning
