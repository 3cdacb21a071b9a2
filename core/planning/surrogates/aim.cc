#include "core/planning/surrogates/aim.h"

#include <algorithm>

namespace kasetsu::planning {

double expected_excess(double mean, double sd, double level) {
  const double gain = mean - level;
  if (!(sd > 0.0)) return std::max(gain, 0.0);
  const double z = gain / sd;
  return gain * normal_below(z) + sd * normal_density(z);
}

double Aim::expected_gain(double mean, double sd, double level) const {
  if (goal != Goal::target) return expected_excess(utility(mean), sd, level);
  // max(c - |x|, 0) is a hat of three hinges, at -c, 0 and c.
  const double c = -level;
  if (!(c > 0.0)) return 0.0;
  const double x = mean - value;
  return std::max(0.0, expected_excess(x, sd, -c) - 2.0 * expected_excess(x, sd, 0.0) +
                           expected_excess(x, sd, c));
}

double Aim::probability(double mean, double sd, double level) const {
  const double m = utility(mean);
  if (!(sd > 0.0)) return m >= level ? 1.0 : 0.0;
  if (goal != Goal::target) return normal_below((m - level) / sd);
  if (level > 0.0) return 0.0;
  const double x = std::abs(mean - value);
  return normal_below((-level - x) / sd) - normal_below((level - x) / sd);
}

}  // namespace kasetsu::planning
