#include "core/regression/gaussian_process.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/random.h"

namespace kasetsu::regression {
namespace {

struct Sample {
  Eigen::MatrixXd X;
  Eigen::VectorXd y;
};

Sample smooth(int rows, double noise, std::uint64_t seed) {
  Random random(seed);
  Sample sample;
  sample.X.resize(rows, 3);
  sample.y.resize(rows);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < 3; ++j) sample.X(i, j) = random.uniform();
    sample.y[i] = 5.0 + std::sin(4.0 * sample.X(i, 0)) + sample.X(i, 1) * sample.X(i, 1) +
                  noise * random.normal();  // the third column does nothing
  }
  return sample;
}

TEST(GaussianProcess, FollowsASmoothSurface) {
  for (const Kernel kernel : {Kernel::matern32, Kernel::matern52, Kernel::squared_exponential}) {
    const Sample train = smooth(120, 0.01, 1);
    const Sample test = smooth(200, 0.0, 2);
    GaussianProcessOptions options;
    options.kernel = kernel;
    const auto process = GaussianProcess::fit(train.X, train.y, options);
    ASSERT_TRUE(process.ok());
    Eigen::VectorXd mean, variance;
    process->predict(test.X, mean, variance);
    EXPECT_LT((mean - test.y).cwiseAbs().mean(), 0.02);
    EXPECT_GE(variance.minCoeff(), 0.0);
    // Relevance is found: the idle column gets the longest lengthscale.
    EXPECT_GT(process->lengthscales()[2], 3.0 * process->lengthscales()[0]);
  }
}

TEST(GaussianProcess, FindsTheNoise) {
  const Sample train = smooth(300, 0.2, 3);
  const auto process = GaussianProcess::fit(train.X, train.y, {});
  ASSERT_TRUE(process.ok());
  EXPECT_NEAR(std::sqrt(process->noise()), 0.2, 0.04);
  // 80 % intervals hold 80 %.
  const Sample test = smooth(1000, 0.2, 4);
  Eigen::VectorXd mean, variance;
  process->predict(test.X, mean, variance);
  int inside = 0;
  for (int i = 0; i < 1000; ++i) {
    const double half = 1.2816 * std::sqrt(variance[i] + process->noise());
    if (std::abs(test.y[i] - mean[i]) <= half) ++inside;
  }
  EXPECT_NEAR(inside / 1000.0, 0.8, 0.06);
}

TEST(GaussianProcess, LeaveOneOutEqualsRefitting) {
  // 150 rows: the factor is made in several parts.
  for (const int rows : {40, 150}) {
    const Sample train = smooth(rows, 0.1, 5);
    const auto process = GaussianProcess::fit(train.X, train.y, {});
    ASSERT_TRUE(process.ok());
    GaussianProcessOptions fixed;
    fixed.iterations = 0;
    fixed.start = process->parameters();
    for (Eigen::Index left_out = 0; left_out < rows; ++left_out) {
      std::vector<Eigen::Index> rest;
      for (Eigen::Index i = 0; i < rows; ++i) {
        if (i != left_out) rest.push_back(i);
      }
      const auto refit = GaussianProcess::fit(train.X(rest, Eigen::all), train.y(rest), fixed);
      ASSERT_TRUE(refit.ok());
      Eigen::VectorXd mean, variance;
      refit->predict(train.X.row(left_out), mean, variance);
      EXPECT_NEAR(mean[0], process->loo_mean()[left_out], 1e-8);
    }
  }
}

TEST(GaussianProcess, JointAgreesWithSingle) {
  const Sample train = smooth(60, 0.1, 6);
  const auto process = GaussianProcess::fit(train.X, train.y, {});
  const Sample test = smooth(30, 0.0, 7);
  Eigen::VectorXd mean, variance, joint_mean;
  Eigen::MatrixXd covariance;
  process->predict(test.X, mean, variance);
  process->joint(test.X, joint_mean, covariance);
  EXPECT_LT((mean - joint_mean).cwiseAbs().maxCoeff(), 1e-10);
  EXPECT_LT((variance - covariance.diagonal()).cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_LT((covariance - covariance.transpose()).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(GaussianProcess, TheSearchEndsWhereNothingNearbyIsBetter) {
  const Sample train = smooth(80, 0.05, 8);
  GaussianProcessOptions options;
  options.iterations = 200;
  const auto process = GaussianProcess::fit(train.X, train.y, options);
  GaussianProcessOptions fixed;
  fixed.iterations = 0;
  for (Eigen::Index p = 0; p < process->parameters().size(); ++p) {
    for (const double step : {-0.3, 0.3}) {
      fixed.start = process->parameters();
      fixed.start[p] += step;
      const auto moved = GaussianProcess::fit(train.X, train.y, fixed);
      EXPECT_LT(moved->log_marginal_likelihood(), process->log_marginal_likelihood() + 1e-3);
    }
  }
}

TEST(GaussianProcess, SurvivesDegenerateTables) {
  Eigen::MatrixXd X = Eigen::MatrixXd::Zero(6, 2);
  Eigen::VectorXd y = Eigen::VectorXd::Constant(6, 3.0);
  const auto constant = GaussianProcess::fit(X, y, {});
  ASSERT_TRUE(constant.ok());
  Eigen::VectorXd mean, variance;
  constant->predict(X, mean, variance);
  EXPECT_NEAR(mean[0], 3.0, 1e-9);
  y << 1, 2, 3, 4, 5, 6;  // six replicates of one point
  const auto replicates = GaussianProcess::fit(X, y, {});
  ASSERT_TRUE(replicates.ok());
  replicates->predict(X, mean, variance);
  EXPECT_NEAR(mean[0], 3.5, 1e-6);
  EXPECT_FALSE(GaussianProcess::fit(X, Eigen::VectorXd::Zero(5), {}).ok());
  y[0] = std::nan("");
  EXPECT_FALSE(GaussianProcess::fit(X, y, {}).ok());
}

}  // namespace
}  // namespace kasetsu::regression
