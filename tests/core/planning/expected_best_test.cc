#include "core/planning/expected_best.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/base/random.h"

namespace kasetsu::planning {
namespace {

// By going through every order of the values.
double best_over_all_orders(std::vector<double> values, const Aim& aim, std::size_t n) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  double sum = 0.0;
  double orders = 0.0;
  do {
    double best = values[order[0]];
    for (std::size_t i = 1; i < n; ++i) {
      if (aim.better(values[order[i]], best)) best = values[order[i]];
    }
    sum += best;
    orders += 1.0;
  } while (std::next_permutation(order.begin(), order.end()));
  return sum / orders;
}

TEST(ExpectedBest, IsTheMeanOverAllOrders) {
  Random random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> values(1 + random.below(6));
    for (double& value : values) value = std::round(20.0 * random.uniform()) / 4.0 - 2.0;
    for (const Goal goal : {Goal::maximize, Goal::minimize}) {
      const Aim aim{goal, 0.0};
      std::vector<std::size_t> draws(values.size());
      std::iota(draws.begin(), draws.end(), 1);
      const auto best = expected_best(values, aim, draws);
      ASSERT_EQ(best.size(), draws.size());
      for (std::size_t i = 0; i < draws.size(); ++i) {
        EXPECT_NEAR(best[i], best_over_all_orders(values, aim, draws[i]), 1e-12);
      }
    }
  }
}

TEST(ExpectedBest, BeginsAtTheMeanAndEndsAtTheBestOfManyValues) {
  std::vector<double> values(100'000);
  std::iota(values.begin(), values.end(), 1.0);
  const std::vector<std::size_t> draws = {1, 10, 99'999, 100'000};
  const auto best = expected_best(values, Aim{}, draws);
  EXPECT_NEAR(best[0], 50'000.5, 1e-6);
  EXPECT_NEAR(best[1], 10.0 / 11.0 * 100'001.0, 1e-6);  // mean of the largest of n of 1 ... m
  EXPECT_NEAR(best[2], 99'999.0 / 100'000.0 * 100'001.0, 1e-6);
  EXPECT_NEAR(best[3], 100'000.0, 1e-9);
}

TEST(ExpectedBest, TellsNothingWhereAValueIsWanted) {
  EXPECT_TRUE(
      expected_best({1.0, 2.0}, Aim{Goal::target, 1.5}, std::vector<std::size_t>{1}).empty());
}

}  // namespace
}  // namespace kasetsu::planning
