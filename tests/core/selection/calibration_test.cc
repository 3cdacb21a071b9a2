#include "core/selection/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/random.h"
#include "tests/core/selection/laboratory.h"

namespace kasetsu::selection {
namespace {

using testing::general_elements;
using testing::laboratory;

// Three parts that err alike and independently: nothing speaks against equal shares.
TEST(Shares, AreEqualWhereTheErrorsDoNotTellThePartsApart) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Random random(seed);
    Eigen::VectorXd y(200);
    Eigen::MatrixXd parts(200, 3);
    for (Eigen::Index i = 0; i < 200; ++i) {
      y[i] = 3.0 * random.normal();
      for (Eigen::Index k = 0; k < 3; ++k) parts(i, k) = y[i] + random.normal();
    }
    const Eigen::VectorXd shares = choose_shares(y, parts);
    EXPECT_NEAR(shares.sum(), 1.0, 1e-12);
    EXPECT_LT((shares.array() - 1.0 / 3.0).abs().maxCoeff(), 1.5 / 12.0);
  }
}

TEST(Shares, GoToThePartThatIsRight) {
  Random random(3);
  Eigen::VectorXd y(100);
  Eigen::MatrixXd parts(100, 3);
  for (Eigen::Index i = 0; i < 100; ++i) {
    y[i] = random.normal();
    parts(i, 0) = 5.0 + random.normal();
    parts(i, 1) = y[i] + 0.01 * random.normal();
    parts(i, 2) = -y[i];
  }
  const Eigen::VectorXd shares = choose_shares(y, parts);
  EXPECT_EQ(shares[1], 1.0);
  EXPECT_GE(shares.minCoeff(), 0.0);
  // Whatever is chosen errs hardly more than the best share of all, found by brute force here.
  EXPECT_LT((y - parts * shares).cwiseAbs().mean(), 0.02);
  EXPECT_EQ(choose_shares(y, parts.leftCols(1))[0], 1.0);
}

ModelSettings quick() {
  ModelSettings settings;
  settings.search.work = 60'000'000;
  settings.search.hypotheses = 5;
  settings.search.size = 6;
  settings.trees = 0;
  settings.order = 0;
  settings.size_by_nested_error = true;
  return settings;
}

TEST(Size, OnNoiseTheSmallestHypothesisIsEnough) {
  int chosen = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    TrainingSet data = laboratory(40, 0.1, seed);
    Random random(seed + 50);
    for (double& value : data.y) value = random.normal();
    const Model model = train(general_elements(), data, quick(), Executor(2), {}).value();
    ASSERT_EQ(model.sizes_tried.size(), 4u);  // 2, 3, 4, 6
    chosen += model.size;
    EXPECT_EQ(model.hypotheses.front().descriptors.size(), static_cast<std::size_t>(model.size));
    EXPECT_EQ(model.settings.search.size, 6) << "settings are what was asked for";
  }
  EXPECT_LE(chosen, 14) << "of five times 2 to 6";
}

// 12 rows once promised 0.1 by leave-one-out of five descriptors, and erred 2.7.
TEST(Size, FewRowsBearFewDescriptorsAndManyBearWhatIsAskedFor) {
  const auto of = [](int rows, int most) {
    std::vector<chemistry::Catalyst> catalysts(static_cast<std::size_t>(rows));
    for (int i = 0; i < rows; ++i) catalysts[static_cast<std::size_t>(i)].active.add(26, 1.0 + i);
    const std::vector<chemistry::Catalyst> once = catalysts;
    catalysts.insert(catalysts.end(), once.begin(), once.end());  // replicates tell nothing more
    return sizes_to_try(catalysts, most);
  };
  using Sizes = std::vector<int>;
  EXPECT_EQ(of(5, 8), Sizes({1}));
  EXPECT_EQ(of(9, 8), Sizes({1}));
  EXPECT_EQ(of(12, 8), Sizes({2}));
  EXPECT_EQ(of(51, 8), Sizes({2, 3, 4, 6, 8}));
  EXPECT_EQ(of(79, 8), Sizes({2, 3, 4, 6, 8}));
  EXPECT_EQ(of(80, 8), Sizes({8}));
  EXPECT_EQ(of(30, 3), Sizes({3}));

  TrainingSet data = laboratory(12, 0.1, 2);
  ModelSettings settings = quick();
  settings.search.size = 8;
  for (const int folds : {0, 5}) {
    settings.calibration_folds = folds;
    const Model model = train(general_elements(), data, settings, Executor(2), {}).value();
    EXPECT_LE(model.size, 2);
  }
}

TEST(Size, ALawOfTwoDescriptorsIsNotCutToOneWhenTheErrorsSaySo) {
  const TrainingSet data = laboratory(59, 0.05, 3);
  ModelSettings settings = quick();
  settings.order = 1;
  const Model model = train(general_elements(), data, settings, Executor(2), {}).value();
  double least = 1e300;
  for (const SizeTried& tried : model.sizes_tried) least = std::min(least, tried.mae_honest);
  double chosen = 0.0;
  for (const SizeTried& tried : model.sizes_tried) {
    if (tried.size == model.size) chosen = tried.mae_honest;
  }
  EXPECT_GT(model.size, 1);
  EXPECT_LT(chosen, 1.3 * least);
}

ForwardErrors forward(int generation, int count, double ratio, double held) {
  ForwardErrors errors;
  errors.generation = generation;
  errors.ratios = Eigen::VectorXd::LinSpaced(count, 0.02 * ratio, ratio);
  errors.held = held;
  return errors;
}

TEST(Widening, FollowsTheNewestForwardErrors) {
  const Eigen::VectorXd scores = Eigen::VectorXd::LinSpaced(100, 0.1, 10.0);
  EXPECT_EQ(widening_of(scores, {}, 0.8), 1.0);
  // As the folds said: the 80 % quantile of the ratios is 1.
  const std::vector<ForwardErrors> as_said{forward(0, 40, 1.25, 0.8), forward(1, 40, 1.25, 0.8)};
  EXPECT_NEAR(widening_of(scores, as_said, 0.8), 1.0, 0.1);
  // Twice as far off as the folds said, after a time when they were right.
  std::vector<ForwardErrors> drifted = as_said;
  for (int k = 2; k < 7; ++k) drifted.push_back(forward(k, 40, 2.5, 0.5));
  const double wide = widening_of(scores, drifted, 0.8);
  EXPECT_GT(wide, 1.7);
  EXPECT_LT(wide, 2.6);
  // And back again: intervals that hold too much become narrower.
  for (int k = 7; k < 12; ++k) drifted.push_back(forward(k, 40, 0.6, 1.0));
  EXPECT_LT(widening_of(scores, drifted, 0.8), 1.0);
}

TEST(Widening, AFewForwardErrorsAreNotBelievedAlone) {
  const Eigen::VectorXd scores = Eigen::VectorXd::LinSpaced(100, 0.1, 10.0);
  EXPECT_LT(widening_of(scores, std::vector{forward(0, 1, 50.0, 0.0)}, 0.8), 1.3);
}

// A first batch is a handful of catalysts, and thousands of descriptors fit it: the intervals must
// still hold what they promise.
TEST(Intervals, OfAFewRowsHoldAboutFourOfFive) {
  ModelSettings settings;
  settings.search.work = 3'000'000;
  settings.search.hypotheses = 5;
  settings.search.size = 3;
  settings.trees = 50;
  for (const int rows : {5, 7, 9, 12}) {
    int held = 0;
    int asked = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      const TrainingSet data = laboratory(60, 0.5, seed);
      std::vector<int> learnt, later;
      for (int i = 0; i < 60; ++i) (i < rows ? learnt : later).push_back(i);
      const Model model =
          train(general_elements(), subset(data, learnt), settings, Executor(2), {}).value();
      const TrainingSet test = subset(data, later);
      const Predictions said =
          Predictor::make(model).value().predict(test.catalysts, test.conditions).value();
      for (Eigen::Index i = 0; i < test.y.size(); ++i) {
        held += said.low[i] <= test.y[i] && test.y[i] <= said.high[i];
        ++asked;
      }
    }
    const double share = static_cast<double>(held) / asked;
    std::printf("%d rows: %.3f of later values in their 80 %% intervals\n", rows, share);
    EXPECT_GE(share, 0.70) << rows << " rows";
    EXPECT_LE(share, 0.97) << rows << " rows";
  }
}

}  // namespace
}  // namespace kasetsu::selection
