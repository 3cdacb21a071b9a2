// What the planner ranks candidates by, and the lists of the best. Shared by its two ways of
// searching.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "core/base/names.h"
#include "core/planning/surrogates/aim.h"

namespace kasetsu::planning {

enum class Acquisition {
  automatic,             // probability of the threshold where there is one, else improvement
  expected_improvement,  // over what the surrogate gives to the best tenth of the measured
  probability,           // of reaching the threshold
  conservative,          // the end of the 80 % interval that is worse: nearly sure to be good
  mean
};
inline constexpr auto kAcquisitionNames =
    name_table<Acquisition>({{Acquisition::automatic, "automatic"},
                             {Acquisition::expected_improvement, "expected_improvement"},
                             {Acquisition::probability, "probability"},
                             {Acquisition::conservative, "conservative"},
                             {Acquisition::mean, "mean"}});
constexpr std::string_view to_string(Acquisition acquisition) {
  return kAcquisitionNames.to_name(acquisition);
}

struct Acquirer {
  Acquisition acquisition = Acquisition::mean;
  Aim aim;
  double best = 0.0;       // utility
  double threshold = 0.0;  // utility

  // -1 where small is good. Only of goals that are not a value.
  double sign() const { return aim.goal == Goal::minimize ? -1.0 : 1.0; }

  // Larger is better. mean as predicted, sd of the prediction.
  double score(double mean, double sd) const {
    const double m = aim.utility(mean);
    switch (acquisition) {
      case Acquisition::automatic:
      case Acquisition::mean:
        return m;
      case Acquisition::expected_improvement:
        return aim.expected_gain(mean, sd, best);
      case Acquisition::probability:
        return aim.probability(mean, sd, threshold);
      case Acquisition::conservative:
        return m - kHalfWidth80 * sd;
    }
    return std::numeric_limits<double>::quiet_NaN();
  }

  // No score is larger for a signed mean of at most `most` and a deviation from low to high.
  double at_most(double most, double low, double high) const {
    switch (acquisition) {
      case Acquisition::automatic:
      case Acquisition::mean:
        return most;
      case Acquisition::expected_improvement:
        return expected_excess(most, high, best);
      case Acquisition::probability: {
        const double sd = most >= threshold ? low : high;
        return sd > 0.0 ? normal_below((most - threshold) / sd) : (most >= threshold ? 1.0 : 0.0);
      }
      case Acquisition::conservative:
        return most - kHalfWidth80 * low;
    }
    return std::numeric_limits<double>::infinity();
  }
};

// A candidate by its index in the space, and what it is ranked by.
struct Scored {
  double score;
  double second;  // decides between equal scores: a probability is 1 for many
  std::uint64_t index;
};

inline bool better(const Scored& a, const Scored& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.second != b.second) return a.second > b.second;
  return a.index < b.index;
}

// The `capacity` best of what is offered, whatever the order of offering.
class Best {
 public:
  explicit Best(std::size_t capacity = 0) : capacity_(capacity) {}

  void offer(const Scored& item) {
    if (capacity_ == 0 || std::isnan(item.score)) return;
    if (items_.size() >= capacity_) {
      if (!better(item, items_.front())) return;
      std::pop_heap(items_.begin(), items_.end(), better);
      items_.back() = item;
    } else {
      items_.push_back(item);
    }
    std::push_heap(items_.begin(), items_.end(), better);
  }
  void merge(const Best& other) {
    for (const Scored& item : other.items_) offer(item);
  }
  // The worst that is kept, once there are `capacity` of them; no candidate below it can enter.
  double limit() const {
    return capacity_ == 0              ? std::numeric_limits<double>::infinity()
           : items_.size() < capacity_ ? -std::numeric_limits<double>::infinity()
                                       : items_.front().score;
  }
  std::vector<Scored> sorted() const {
    std::vector<Scored> items = items_;
    std::sort(items.begin(), items.end(), better);
    return items;
  }

 private:
  std::size_t capacity_;
  std::vector<Scored> items_;  // heap, worst in front
};

}  // namespace kasetsu::planning
