#include "core/selection/batch_offsets.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "core/base/random.h"
#include "core/chemistry/element.h"

namespace kasetsu::selection {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

chemistry::Catalyst catalyst(int which) {
  chemistry::Catalyst out;
  out.active.add(chemistry::atomic_number("Mn").value(), 1.0 + which);
  return out;
}

// `batches` of 20 own catalysts and the same `references`, each `repeats` times.
struct Made {
  TrainingSet data;
  std::vector<int> point, batch;
  VectorXd offsets;
};
Made make(int batches, int references, int repeats, double tau, double sigma, std::uint64_t seed) {
  Random random(seed);
  Made made;
  made.offsets.resize(batches);
  std::vector<double> y;
  const auto measure = [&](int point, int batch) {
    made.data.catalysts.push_back(catalyst(point));
    made.data.batches.push_back(fmt::format("plate {}", batch));
    made.point.push_back(point);
    made.batch.push_back(batch);
    y.push_back(10.0 + 3.0 * std::sin(point) + made.offsets[batch] + sigma * random.normal());
  };
  for (int b = 0; b < batches; ++b) {
    made.offsets[b] = tau * random.normal();
    for (int k = 0; k < 20; ++k) measure(1000 + 20 * b + k, b);
    for (int k = 0; k < references; ++k) {
      for (int r = 0; r < repeats; ++r) measure(k, b);
    }
  }
  made.data.y = Eigen::Map<VectorXd>(y.data(), static_cast<Index>(y.size()));
  return made;
}

TEST(BatchOffsets, AreTheMixedModelsPredictions) {
  const Made made = make(5, 3, 2, 1.5, 0.8, 4);
  const BatchOffsets found = batch_offsets(made.data);
  ASSERT_EQ(found.why_none, "");
  ASSERT_EQ(found.batches.size(), 5U);
  EXPECT_EQ(found.bridge_points, 3);
  // Henderson's mixed model equations with the same variances, written out for all rows.
  const Index rows = made.data.y.size();
  const int points = 103;
  MatrixXd X = MatrixXd::Zero(rows, points + 5);
  std::map<int, int> place;
  for (Index i = 0; i < rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    X(i, place.emplace(made.point[at], static_cast<int>(place.size())).first->second) = 1.0;
    X(i, points + made.batch[at]) = 1.0;
  }
  MatrixXd left = X.transpose() * X;
  left.bottomRightCorner(5, 5).diagonal().array() +=
      std::pow(found.within_sd / found.between_sd, 2);
  const VectorXd solved = left.ldlt().solve(X.transpose() * made.data.y);
  const MatrixXd inverse = left.inverse() * found.within_sd * found.within_sd;
  for (Index b = 0; b < 5; ++b) {
    const auto& batch = found.batches[static_cast<std::size_t>(b)];
    EXPECT_NEAR(batch.offset, solved[points + b], 1e-8);
    EXPECT_NEAR(batch.standard_error, std::sqrt(inverse(points + b, points + b)), 1e-8);
    EXPECT_EQ(batch.rows, 26);
    EXPECT_EQ(batch.bridges, 6);
  }
  // The variances: nothing nearby is likelier, by the restricted likelihood on all rows.
  const auto likelihood = [&](double tau, double sigma) {
    const MatrixXd Z = X.rightCols(5);
    const MatrixXd P = X.leftCols(points);
    const MatrixXd V =
        sigma * sigma * MatrixXd::Identity(rows, rows) + tau * tau * Z * Z.transpose();
    const MatrixXd inverse_v = V.inverse();
    const MatrixXd middle = P.transpose() * inverse_v * P;
    const VectorXd mu = middle.ldlt().solve(P.transpose() * inverse_v * made.data.y);
    const VectorXd rest = made.data.y - P * mu;
    return -0.5 * (2.0 * V.llt().matrixL().toDenseMatrix().diagonal().array().log().sum() +
                   2.0 * middle.llt().matrixL().toDenseMatrix().diagonal().array().log().sum() +
                   rest.dot(inverse_v * rest));
  };
  const double best = likelihood(found.between_sd, found.within_sd);
  for (const double change : {0.98, 1.02}) {
    EXPECT_LT(likelihood(found.between_sd * change, found.within_sd), best);
    EXPECT_LT(likelihood(found.between_sd, found.within_sd * change), best);
  }
}

TEST(BatchOffsets, FollowRealDriftAndShrinkWhereThereIsNone) {
  double wrong_before = 0.0;
  double wrong_after = 0.0;
  double invented = 0.0;
  int called = 0;
  constexpr int kSeeds = 60;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Made drift = make(6, 4, 1, 2.0, 1.0, seed);
    const BatchOffsets found = batch_offsets(drift.data);
    const double mean = drift.offsets.mean();
    for (Index b = 0; b < 6; ++b) {
      const double real = drift.offsets[b] - mean;
      wrong_before += real * real;
      wrong_after += std::pow(real - found.of(fmt::format("plate {}", b)), 2);
    }
    const Made none = make(6, 4, 1, 0.0, 1.0, seed);
    const BatchOffsets still = batch_offsets(none.data);
    for (const auto& batch : still.batches) invented += batch.offset * batch.offset / (6 * kSeeds);
    called += still.p < 0.05 ? 1 : 0;
  }
  EXPECT_LT(wrong_after, 0.12 * wrong_before);
  // Without shrinkage the mean square would be (1 - 1/6) sigma^2 / 4.
  EXPECT_LT(invented, 0.5 * (5.0 / 6.0) / 4.0);
  EXPECT_LE(called, 9);  // of 60 at 5 %: above 9 once in 1,000
}

TEST(BatchOffsets, SayWhyTheyAreNotTold) {
  Made made = make(4, 0, 1, 2.0, 1.0, 1);
  BatchOffsets found = batch_offsets(made.data);
  EXPECT_NE(found.why_none.find("two batches"), std::string::npos);
  EXPECT_EQ(without_offsets(made.data, found), made.data.y);
  // One reference measured once a batch: its differences may be drift or error.
  made = make(6, 1, 1, 2.0, 1.0, 1);
  found = batch_offsets(made.data);
  EXPECT_NE(found.why_none.find("too few"), std::string::npos);
  EXPECT_EQ(without_offsets(made.data, found), made.data.y);
  made.data.batches.clear();
  EXPECT_TRUE(batch_offsets(made.data).batches.empty());
}

TEST(BatchOffsets, ABatchWithoutBridgesIsLeftAsItIs) {
  Made made = make(5, 4, 2, 3.0, 0.5, 2);
  made.data.catalysts.push_back(catalyst(9000));
  made.data.batches.push_back("alone");
  VectorXd y(made.data.y.size() + 1);
  y << made.data.y, 100.0;
  made.data.y = y;
  const BatchOffsets found = batch_offsets(made.data);
  EXPECT_EQ(found.of("alone"), 0.0);
  EXPECT_EQ(found.of("never seen"), 0.0);
  const BatchOffsets::Batch& alone = found.batches.back();
  EXPECT_EQ(alone.bridges, 0);
  EXPECT_NEAR(alone.standard_error, found.between_sd, 1e-9);
  EXPECT_EQ(without_offsets(made.data, found)[y.size() - 1], 100.0);
  double sum = 0.0;
  for (const auto& batch : found.batches) sum += batch.offset;
  EXPECT_NEAR(sum, 0.0, 1e-9);
}

}  // namespace
}  // namespace kasetsu::selection
