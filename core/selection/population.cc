#include "core/selection/population.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace kasetsu::selection {
namespace {

// What a promise on a row counts as beside a measurement that came after it.
constexpr double kPromiseShare = 0.5;

int shared_texts(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return static_cast<int>(both.size());
}

}  // namespace

double optimism_of(std::span<const LedgerRecord> records) {
  double promised = 0.0;
  double found = 0.0;
  for (const LedgerRecord& record : records) {
    promised += record.first_promised;
    found += record.first_error;
  }
  return promised > 0.0 ? std::max(1.0, found / promised) : 1.0;
}

double expected_error(double mae_cv, int rows, double optimism, const LedgerRecord* record) {
  if (record == nullptr) return mae_cv * optimism;
  const double since = std::min(record->count, rows);
  const double promise = mae_cv * (optimism * (rows - since) + since) / rows;
  const double counts = kPromiseShare * rows;
  return (counts * promise + record->total_error) / (counts + record->count);
}

double weight_of_error(double expected) {
  return 1.0 / std::max(expected * expected, 1e-300);
}

std::size_t places_for_fresh(std::size_t places, int before, int now) {
  if (before <= 0) return places;
  const auto reached = [&](int rows) {
    return std::floor(kPromiseShare * static_cast<double>(places) *
                      std::log(static_cast<double>(rows)));
  };
  const double more = reached(std::max(before, now)) - reached(before);
  return std::min(places, static_cast<std::size_t>(more));
}

std::vector<std::size_t> fill_places(std::span<const Contender> contenders, std::size_t places,
                                     std::size_t fresh, int shared) {
  std::vector<std::size_t> order(contenders.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (contenders[a].expected != contenders[b].expected)
      return contenders[a].expected < contenders[b].expected;
    return contenders[a].veteran && !contenders[b].veteran;
  });
  std::vector<std::size_t> chosen;
  std::size_t fresh_left = fresh;
  const auto take = [&](bool limit_fresh) {
    for (const std::size_t i : order) {
      if (chosen.size() == places) return;
      const Contender& contender = contenders[i];
      if (!contender.may_stand) continue;
      if (limit_fresh && !contender.veteran && fresh_left == 0) continue;
      const bool too_alike = std::any_of(chosen.begin(), chosen.end(), [&](std::size_t k) {
        return k == i || shared_texts(contenders[k].key, contender.key) > shared;
      });
      if (too_alike) continue;
      chosen.push_back(i);
      if (!contender.veteran && fresh_left > 0) --fresh_left;
    }
  };
  const bool any_veteran = std::any_of(contenders.begin(), contenders.end(),
                                       [](const Contender& c) { return c.veteran && c.may_stand; });
  if (any_veteran) take(true);
  take(false);
  std::sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
    return std::find(order.begin(), order.end(), a) < std::find(order.begin(), order.end(), b);
  });
  return chosen;
}

}  // namespace kasetsu::selection
