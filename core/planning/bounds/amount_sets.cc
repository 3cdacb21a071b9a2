#include "core/planning/bounds/amount_sets.h"

#include <algorithm>
#include <set>

namespace kasetsu::planning {

std::vector<AmountSet> amount_sets(const CompositionFamily& family, int count) {
  constexpr std::uint64_t kMostPatterns = 1'000'000;
  const std::uint64_t patterns = family.patterns(count);
  if (patterns > kMostPatterns) return {};
  std::set<std::vector<double>> seen;
  std::vector<double> amounts(static_cast<std::size_t>(count));
  for (std::uint64_t p = 0; p < patterns; ++p) {
    family.pattern(count, p, amounts.data());
    std::sort(amounts.begin(), amounts.end());
    seen.insert(amounts);
  }
  std::vector<AmountSet> all;
  for (const std::vector<double>& each : seen) {
    AmountSet set{each, {}, 0.0};
    for (const double amount : each) set.total += amount;
    for (const double amount : each) set.shares.push_back(amount / set.total);
    all.push_back(std::move(set));
  }
  return all;
}

}  // namespace kasetsu::planning
