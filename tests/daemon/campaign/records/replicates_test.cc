// The window of replicates against its definition, value by value.
#include "daemon/campaign/records/replicates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "core/base/random.h"

namespace kasetsu::campaign {
namespace {

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

bool far_by_definition(const std::deque<double>& newest, double value) {
  if (newest.size() < 5) return false;
  const double middle = median_of({newest.begin(), newest.end()});
  std::vector<double> distances;
  for (const double one : newest) distances.push_back(std::abs(one - middle));
  const double spread = 1.4826 * median_of(distances);
  return spread > 0.0 && std::abs(value - middle) > 4.0 * spread;
}

TEST(Replicates, AWindowAnswersAsItsDefinitionDoes) {
  Random random(31);
  int far = 0;
  int near = 0;
  for (int history = 0; history < 200; ++history) {
    // Few different values among them, so that ties and spreads of nothing come about.
    const auto draw = [&, coarse = history % 2 == 0] {
      const double value = random.uniform() * 10.0 - 5.0;
      return coarse ? std::round(value) : value;
    };
    std::deque<double> newest;
    std::vector<double> begun;
    for (std::uint64_t i = random.below(130); i-- > 0;) begun.push_back(draw());
    for (const double value : begun) {
      if (newest.size() < ReplicateWindow::kMost) newest.push_back(value);
    }
    ReplicateWindow window(begun);
    for (int step = 0; step < 150; ++step) {
      ASSERT_EQ(window.newest_first(), std::vector<double>(newest.begin(), newest.end()));
      const double value = step % 7 == 0 ? draw() * 10.0 : draw();
      const bool expected = far_by_definition(newest, value);
      ASSERT_EQ(window.is_far(value), expected) << history << " " << step;
      ++(expected ? far : near);
      window.add(value);
      newest.push_front(value);
      if (newest.size() > ReplicateWindow::kMost) newest.pop_back();
    }
  }
  EXPECT_GT(far, 1000);
  EXPECT_GT(near, 1000);
}

}  // namespace
}  // namespace kasetsu::campaign
