#include "core/planning/expected_best.h"

#include <algorithm>

namespace kasetsu::planning {

std::vector<double> expected_best(std::vector<double> values, const Aim& aim,
                                  std::span<const std::size_t> draws) {
  if (aim.goal == Goal::target) return {};
  std::sort(values.begin(), values.end(),
            [&](double a, double b) { return aim.utility(a) < aim.utility(b); });
  std::vector<double> best;
  constexpr double kNegligible = 1e-15;
  for (const std::size_t n : draws) {
    const auto drawn = static_cast<double>(n);
    double probability = drawn / static_cast<double>(values.size());
    double left = 1.0;
    double sum = 0.0;
    for (std::size_t k = values.size(); k >= n && left > kNegligible; --k) {
      sum += probability * values[k - 1];
      left -= probability;
      const auto place = static_cast<double>(k);
      if (k > 1) probability *= (place - drawn) / (place - 1.0);
    }
    best.push_back(sum);
  }
  return best;
}

}  // namespace kasetsu::planning
