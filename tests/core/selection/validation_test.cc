#include "core/selection/validation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/base/random.h"
#include "tests/core/selection/laboratory.h"

namespace kasetsu::selection {
namespace {

using testing::general_elements;
using testing::laboratory;

ValidationOptions quick() {
  ValidationOptions options;
  options.model.search.work = 30'000'000;
  options.model.search.hypotheses = 5;
  options.model.search.size = 3;
  options.model.trees = 10;
  options.folds = 4;
  options.permutations = 19;
  return options;
}

double error_of(const Validation& found, const std::string& name) {
  for (const Judged& baseline : found.baselines) {
    if (baseline.name == name) return baseline.mae;
  }
  ADD_FAILURE() << name;
  return 0.0;
}

TEST(Validation, FindsWhatIsThere) {
  const TrainingSet data = laboratory(48, 0.2, 1);
  const Validation found = validate(general_elements(), data, quick(), Executor(2), {}).value();
  EXPECT_LE(found.permutation_p, 0.05 + 1e-12);
  EXPECT_EQ(found.mae_shuffled.size(), 19u);
  EXPECT_LT(found.nested.mae, 0.7 * error_of(found, "median"));
  EXPECT_LE(found.mae_naive, found.nested_hypotheses.mae * 1.2);
  EXPECT_NEAR(found.nested.mae, (data.y - found.nested.predictions).cwiseAbs().mean(), 1e-12);
  EXPECT_EQ(found.n_samples, 48);
  EXPECT_EQ(found.folds, 4);
  std::set<std::string> names;
  for (const Judged& baseline : found.baselines) {
    names.insert(baseline.name);
    EXPECT_TRUE(baseline.predictions.allFinite()) << baseline.name;
  }
  EXPECT_EQ(names, (std::set<std::string>{"median", "composition_huber", "composition_selected",
                                          "assignment_order_0", "ridge", "random_forest",
                                          "gaussian_process"}));
  // The median of the other folds, for every row.
  const Judged& median = found.baselines.front();
  for (int row = 0; row < 48; ++row) {
    std::vector<double> others;
    for (int other = 0; other < 48; ++other) {
      if (found.fold_of_row[static_cast<std::size_t>(other)] !=
          found.fold_of_row[static_cast<std::size_t>(row)])
        others.push_back(data.y[other]);
    }
    std::sort(others.begin(), others.end());
    const std::size_t n = others.size();
    EXPECT_DOUBLE_EQ(median.predictions[row], 0.5 * (others[(n - 1) / 2] + others[n / 2]));
  }
  for (const Frequency& frequency : found.descriptors) {
    EXPECT_GT(frequency.share, 0.0);
    EXPECT_LE(frequency.share, 1.0 + 1e-9);
  }
}

TEST(Validation, IsTheSameForAnyNumberOfThreads) {
  const TrainingSet data = laboratory(24, 0.2, 2);
  ValidationOptions options = quick();
  options.permutations = 3;
  const Validation one = validate(general_elements(), data, options, Executor(1), {}).value();
  const Validation three = validate(general_elements(), data, options, Executor(3), {}).value();
  EXPECT_EQ(one.nested.predictions, three.nested.predictions);
  EXPECT_EQ(one.mae_shuffled, three.mae_shuffled);
  EXPECT_EQ(one.low, three.low);
}

// With a target that has nothing to do with the catalysts: p is uniform, and nothing is better than
// the median.
TEST(Validation, OnNoiseThePermutationPIsUniform) {
  std::vector<double> ps;
  double model = 0.0;
  double median = 0.0;
  constexpr int kRepeats = 24;
  for (std::uint64_t repeat = 0; repeat < kRepeats; ++repeat) {
    TrainingSet data = laboratory(20, 0.2, 100 + repeat);
    Random random(200 + repeat);
    for (double& value : data.y) value = random.normal();
    ValidationOptions options = quick();
    options.model.order = 0;
    options.model.search.work = 3'000'000;
    options.model.search.size = 2;
    options.model.trees = 3;
    options.model.calibration_folds = 2;
    options.permutations = 9;
    options.folds = 3;
    options.seed = repeat + 1;
    const Validation found = validate(general_elements(), data, options, Executor(2), {}).value();
    ps.push_back(found.permutation_p);
    model += found.nested.mae;
    median += error_of(found, "median");
  }
  EXPECT_GT(model, 0.95 * median);
  // Kolmogorov's distance of 24 draws from the uniform on {0.1, ..., 1}: beyond 0.33 once in a
  // hundred.
  double distance = 0.0;
  for (int k = 1; k <= 10; ++k) {
    const auto below = static_cast<double>(
        std::count_if(ps.begin(), ps.end(), [&](double p) { return p <= 0.1 * k + 1e-9; }));
    distance = std::max(distance, std::abs(below / kRepeats - 0.1 * k));
  }
  EXPECT_LT(distance, 0.33);
}

TEST(Validation, Figure1WorksOnTensOfRows) {
  ValidationOptions options = quick();
  options.model.products = 50;
  const TrainingSet data = laboratory(30, 0.2, 3);
  const auto rows = figure1(general_elements(), data, options, Executor(2), {}).value();
  ASSERT_EQ(rows.size(), 6u);
  for (const Figure1Row& row : rows) {
    EXPECT_TRUE(row.nested.allFinite()) << row.name;
    EXPECT_NEAR(row.mae_loo, (data.y - row.loo).cwiseAbs().mean(), 1e-9) << row.name;
    EXPECT_LE(row.mae_train, row.mae_loo + 1e-9) << row.name;
  }
  // More descriptors to choose from fit the rows at hand better, whatever they are worth.
  EXPECT_LT(rows[3].mae_loo, rows[2].mae_loo * 1.05);
}

TEST(Validation, CompositionColumns) {
  TrainingSet data = laboratory(10, 0.1, 4);
  data.catalysts[3].support = "MgO";
  const CompositionColumns columns = CompositionColumns::learn(data);
  const Eigen::MatrixXd X = columns.of(data);
  ASSERT_EQ(X.cols(), static_cast<Eigen::Index>(columns.elements.size()) + 2);
  const Eigen::VectorXd totals =
      X.leftCols(static_cast<Eigen::Index>(columns.elements.size())).rowwise().sum();
  EXPECT_EQ(totals, Eigen::VectorXd::Constant(10, 3.0));
  EXPECT_EQ(X(3, X.cols() - 1), 1.0);
  EXPECT_EQ(X.rightCols(2).rowwise().sum(), Eigen::VectorXd::Ones(10));
}

TEST(Validation, RefusesOneFoldAndOneCatalyst) {
  ValidationOptions options = quick();
  options.folds = 1;
  EXPECT_FALSE(options.validate().ok());
  TrainingSet same = laboratory(12, 0.1, 5);
  for (chemistry::Catalyst& catalyst : same.catalysts) catalyst = same.catalysts.front();
  EXPECT_FALSE(validate(general_elements(), same, quick(), Executor(1), {}).ok());
}

}  // namespace
}  // namespace kasetsu::selection
