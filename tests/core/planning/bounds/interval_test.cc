#include "core/planning/bounds/interval.h"

#include <gtest/gtest.h>

namespace kasetsu::planning {
namespace {

// Bounds are added up in another order than predictions: a bound that is not widened by more than
// rounding could lie below the value that it bounds.
TEST(Interval, IsWidenedByMoreThanRoundingCanBe) {
  for (const double x : {1.0, -3.7, 1e-200, 1e12, 0.1 + 0.2}) {
    const Interval wide = widened({x, x});
    // A sum of a thousand terms errs by less than a thousand half units in the last place.
    EXPECT_LT(wide.low, x - 1000 * 1.2e-16 * std::abs(x)) << x;
    EXPECT_GT(wide.high, x + 1000 * 1.2e-16 * std::abs(x)) << x;
    EXPECT_LT(wide.high - wide.low, 1e-8 * std::abs(x) + 1e-290) << x << ": still a sharp bound";
  }
  EXPECT_LT(widened({0.0, 0.0}).low, 0.0);
  EXPECT_GT(kWiden, 1e-12);
}

TEST(Interval, IsEverythingWhereAnEndIsNotFinite) {
  EXPECT_EQ(widened({0.0, kEverything.high}).low, kEverything.low);
}

}  // namespace
}  // namespace kasetsu::planning
