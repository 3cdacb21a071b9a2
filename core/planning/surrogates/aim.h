// What is wanted of a target, turned into a number of which more is better.
#pragma once

#include <cmath>
#include <string_view>

#include "core/base/names.h"

namespace kasetsu::planning {

enum class Goal {
  maximize,
  minimize,
  target  // as near to a value as can be
};
inline constexpr auto kGoalNames = name_table<Goal>(
    {{Goal::maximize, "maximize"}, {Goal::minimize, "minimize"}, {Goal::target, "target"}});
constexpr std::string_view to_string(Goal goal) {
  return kGoalNames.to_name(goal);
}

inline constexpr double kHalfWidth80 = 1.2815515655446004;  // of a normal's 80 % interval

inline double normal_density(double z) {
  return std::exp(-0.5 * z * z) * 0.3989422804014327;
}
inline double normal_below(double z) {
  return 0.5 * std::erfc(-z * 0.7071067811865476);
}

// E[max(x - level, 0)] for x ~ N(mean, sd^2).
double expected_excess(double mean, double sd, double level);

struct Aim {
  Goal goal = Goal::maximize;
  double value = 0.0;  // wanted, with Goal::target

  // y, -y, or -|y - value|.
  double utility(double y) const {
    switch (goal) {
      case Goal::maximize:
        return y;
      case Goal::minimize:
        return -y;
      case Goal::target:
        return -std::abs(y - value);
    }
    return y;
  }
  bool better(double a, double b) const { return utility(a) > utility(b); }
  // Utility of what just counts as a hit: a value as good as `threshold`; with Goal::target so far
  // from the wanted value.
  double level_of(double threshold) const {
    return goal == Goal::target ? -std::abs(threshold) : utility(threshold);
  }

  // For y ~ N(mean, sd^2): E[max(utility(y) - level, 0)], and the probability that utility(y) is at
  // least `level`.
  double expected_gain(double mean, double sd, double level) const;
  double probability(double mean, double sd, double level) const;
};

}  // namespace kasetsu::planning
