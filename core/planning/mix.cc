#include "core/planning/mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace kasetsu::planning {
Mix default_mix() {
  return {{Strategy::exploit, 0, 0.4},
          {Strategy::explore, 0, 0.3},
          {Strategy::challenge, 0, 0.2},
          {Strategy::recheck, 0, 0.1}};
}

Result<std::vector<int>> divide(const Mix& mix, int batch) {
  const auto wrong = [](std::string message, std::string value, std::string expected) {
    return Error{ErrorCode::invalid_argument, std::move(message), "mix", std::move(value),
                 std::move(expected)};
  };
  if (mix.empty()) return wrong("the mix is empty", "", "at least one strategy");
  int fixed = 0;
  double shares = 0.0;
  for (const MixEntry& entry : mix) {
    if (entry.count < 0) {
      return wrong(fmt::format("the number of {} is negative", to_string(entry.strategy)),
                   std::to_string(entry.count), "0 or more");
    }
    if (!(entry.share >= 0.0) || !std::isfinite(entry.share)) {
      return wrong(fmt::format("the share of {} is not a number from 0", to_string(entry.strategy)),
                   fmt::format("{:g}", entry.share), "0 or more");
    }
    if (entry.share > 0.0) {
      shares += entry.share;
    } else {
      if (entry.count > batch - fixed) {
        return wrong("the numbers of the mix are larger than the batch",
                     fmt::format("more than {}", batch), fmt::format("at most {}", batch));
      }
      fixed += entry.count;
    }
  }
  std::vector<int> counts(mix.size(), 0);
  std::vector<std::pair<double, std::size_t>> remainders;
  const int rest = batch - fixed;
  int given = 0;
  for (std::size_t i = 0; i < mix.size(); ++i) {
    if (mix[i].share > 0.0) {
      const double exact = rest * (mix[i].share / shares);
      counts[i] = static_cast<int>(std::floor(exact));
      given += counts[i];
      remainders.emplace_back(exact - counts[i], i);
    } else {
      counts[i] = mix[i].count;
    }
  }
  std::stable_sort(remainders.begin(), remainders.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t n = 0; n < remainders.size() && given < rest; ++n, ++given) {
    ++counts[remainders[n].second];
  }
  return counts;
}

}  // namespace kasetsu::planning
