// Names of strategies, how a batch is divided among them, and the checks of the options.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/planning/planner.h"

namespace kasetsu::planning {

std::string_view to_string(Strategy strategy) {
  switch (strategy) {
    case Strategy::explore:
      return "explore";
    case Strategy::challenge:
      return "challenge";
    case Strategy::recheck:
      return "recheck";
    case Strategy::exploit:
      return "exploit";
    case Strategy::bridge:
      return "bridge";
    case Strategy::random:
      return "random";
    case Strategy::manual:
      return "manual";
  }
  return "explore";
}

std::optional<Strategy> parse_strategy(std::string_view text) {
  for (const Strategy strategy :
       {Strategy::explore, Strategy::challenge, Strategy::recheck, Strategy::exploit,
        Strategy::bridge, Strategy::random, Strategy::manual}) {
    if (text == to_string(strategy)) return strategy;
  }
  return std::nullopt;
}

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

Status PlanOptions::validate() const {
  const auto wrong = [](std::string field, std::string value, std::string expected) {
    return Error{ErrorCode::invalid_argument, field + " is out of range", field, std::move(value),
                 std::move(expected)};
  };
  if (batch < 1 || batch > 10'000) return wrong("batch", std::to_string(batch), "1 to 10000");
  if (!(diversity >= 0.0 && diversity <= 1.0)) {
    return wrong("diversity", fmt::format("{:g}", diversity), "0 to 1");
  }
  if (threshold && !std::isfinite(*threshold)) {
    return wrong("threshold", fmt::format("{:g}", *threshold), "a finite number");
  }
  if (most_measurements < 1) {
    return wrong("most_measurements", std::to_string(most_measurements), "1 or more");
  }
  if (most_evaluated < 1) return wrong("most_evaluated", "0", "1 or more");
  if (reservoir < static_cast<std::size_t>(batch)) {
    return wrong("reservoir", std::to_string(reservoir), "at least the batch");
  }
  return {};
}

}  // namespace kasetsu::planning
