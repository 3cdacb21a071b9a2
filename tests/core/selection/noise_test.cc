#include "core/selection/noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/random.h"
#include "tests/core/selection/laboratory.h"

namespace kasetsu::selection {
namespace {

using testing::laboratory;

// Tables of the F distribution (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.3).
TEST(Noise, TailsOfTheFDistribution) {
  EXPECT_NEAR(f_upper(161.448, 1, 1), 0.05, 1e-6);
  EXPECT_NEAR(f_upper(4.965, 1, 10), 0.05, 1e-4);
  EXPECT_NEAR(f_upper(3.326, 5, 10), 0.05, 1e-4);
  EXPECT_NEAR(f_upper(5.636, 5, 10), 0.01, 1e-4);
  EXPECT_NEAR(f_upper(2.978, 10, 10), 0.05, 1e-4);
  EXPECT_NEAR(f_upper(1.0, 7, 7), 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(f_upper(0.0, 3, 4), 1.0);
}

TrainingSet repeated(int catalysts, int times, double noise, std::uint64_t seed) {
  const TrainingSet base = laboratory(catalysts, 0.0, seed);
  TrainingSet data;
  Random random(seed + 1000);
  data.y.resize(catalysts * times);
  for (int i = 0; i < catalysts * times; ++i) {
    data.catalysts.push_back(base.catalysts[static_cast<std::size_t>(i % catalysts)]);
    data.y[i] = base.y[i % catalysts] + noise * random.normal();
  }
  return data;
}

TEST(Noise, PureErrorIsTheScatterOfReplicatesWhateverTheModel) {
  const TrainingSet data = repeated(40, 3, 0.7, 1);
  const Noise good = noise_of(data, data.y * 0.0, 1);
  const Noise other = noise_of(data, data.y, 5);
  EXPECT_EQ(good.rows, 120);
  EXPECT_EQ(good.pure_df, good.rows - good.replicated);
  EXPECT_NEAR(good.pure_sd, 0.7, 0.15);
  EXPECT_DOUBLE_EQ(good.pure_sd, other.pure_sd);
}

TEST(Noise, LackOfFitIsSeenWhereTheModelIsWrongAndPIsUniformWhereItIsRight) {
  int rejected = 0;
  double sum = 0.0;
  constexpr int kRepeats = 200;
  for (std::uint64_t repeat = 0; repeat < kRepeats; ++repeat) {
    const TrainingSet truth = repeated(12, 2, 0.0, 5);
    const TrainingSet data = repeated(12, 2, 1.0, 5);
    Random random(repeat + 9);
    TrainingSet noisy = data;
    for (Eigen::Index i = 0; i < noisy.y.size(); ++i) noisy.y[i] = truth.y[i] + random.normal();
    const double p = noise_of(noisy, truth.y, 0).p;
    sum += p;
    rejected += p <= 0.1 ? 1 : 0;
  }
  EXPECT_NEAR(sum / kRepeats, 0.5, 0.08);
  EXPECT_GT(rejected, 5);
  EXPECT_LT(rejected, 40);

  const TrainingSet data = repeated(12, 2, 0.05, 6);
  const Eigen::VectorXd flat = Eigen::VectorXd::Constant(24, data.y.mean());
  EXPECT_LT(noise_of(data, flat, 1).p, 1e-4);
}

TEST(Noise, WithoutReplicatesNothingIsClaimed) {
  TrainingSet data = laboratory(3, 0.1, 2);
  data.catalysts.erase(data.catalysts.begin() + 1, data.catalysts.end());
  data.y.conservativeResize(1);
  const Noise noise = noise_of(data, data.y, 1);
  EXPECT_EQ(noise.pure_df, 0);
  EXPECT_EQ(noise.pure_sd, 0.0);
  EXPECT_EQ(noise.p, 1.0);
}

}  // namespace
}  // namespace kasetsu::selection
