#include "core/selection/search/scan.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "core/base/instruction_set.h"
#include "core/selection/search/scan_tiles.h"
#include "tests/core/selection/synthetic.h"

namespace kasetsu::selection {
namespace {

// N ordinary least-squares fits, each without one row, by a pivoted QR decomposition.
double refit_mae(const Eigen::MatrixXd& X, const Eigen::VectorXd& y, std::vector<int> columns) {
  const Eigen::Index rows = X.rows();
  Eigen::MatrixXd A(rows, static_cast<Eigen::Index>(columns.size()) + 1);
  A.col(0).setOnes();
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const Eigen::VectorXd x = X.col(columns[k]);
    const double mean = x.mean();
    const double deviation = std::sqrt((x.array() - mean).square().mean());
    A.col(static_cast<Eigen::Index>(k) + 1) = (x.array() - mean) / deviation;
  }
  double sum = 0.0;
  for (Eigen::Index left = 0; left < rows; ++left) {
    Eigen::MatrixXd B(rows - 1, A.cols());
    Eigen::VectorXd b(rows - 1);
    for (Eigen::Index i = 0, k = 0; i < rows; ++i) {
      if (i == left) continue;
      B.row(k) = A.row(i);
      b[k++] = y[i];
    }
    const Eigen::VectorXd solved = B.colPivHouseholderQr().solve(b);
    sum += std::abs(y[left] - A.row(left).dot(solved));
  }
  return sum / static_cast<double>(rows);
}

class EachInstructionSet : public ::testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    if (!force_instruction_set(GetParam())) {
      GTEST_SKIP() << "this processor has no " << to_string(GetParam());
    }
  }
  void TearDown() override { force_instruction_set(std::nullopt); }
};

INSTANTIATE_TEST_SUITE_P(Scan, EachInstructionSet,
                         ::testing::Values(InstructionSet::baseline, InstructionSet::avx2,
                                           InstructionSet::avx512));

TEST_P(EachInstructionSet, EveryCandidateScoresWhatNRefitsScore) {
  for (const auto& [rows, primaries, kept] :
       {std::array{30, 7, 3}, std::array{51, 11, 7}, std::array{40, 5, 0}, std::array{64, 20, 15},
        std::array{33, 6, 1}}) {
    const auto made = testing::synthetic(rows, primaries, 3, 0.5, 7U + rows);
    SearchProblem problem = made.problem();
    SearchOptions options;
    options.size = kept + 1;
    const Candidates candidates(problem, options);
    SwapScan scan(candidates);
    std::vector<int> fixed;
    for (int k = 0; k < kept; ++k) fixed.push_back(k * 6 * primaries / kept + k % 6);
    scan.fix(fixed);
    scan.score_all();
    const double deviation =
        std::sqrt((made.y.array() - made.y.mean()).square().mean());  // the unit of the scores
    int compared = 0;
    for (int j = 0; j < candidates.count(); ++j) {
      const double exact = scan.ols_mae(j);
      if (!std::isfinite(exact)) continue;
      std::vector<int> all = fixed;
      all.push_back(j);
      const double expected = refit_mae(made.X, made.y, all);
      EXPECT_NEAR(exact / expected, 1.0, 1e-7) << rows << " " << j;
      // 32-bit: near the collinear limit the squared length off the basis has two or three figures.
      EXPECT_NEAR(double{scan.scores()[static_cast<std::size_t>(j)]} * deviation / rows / expected,
                  1.0, 2e-2)
          << rows << " " << j;
      ++compared;
    }
    EXPECT_GT(compared, candidates.count() / 2);
  }
}

TEST_P(EachInstructionSet, TheRankingIsThatOfTheExactScores) {
  const auto made = testing::synthetic(60, 40, 5, 0.5, 11);
  SearchProblem problem = made.problem();
  SearchOptions options;
  options.size = 6;
  const Candidates candidates(problem, options);
  SwapScan scan(candidates);
  Random random(3);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<int> fixed;
    while (fixed.size() < 5) {
      const int j = static_cast<int>(random.below(static_cast<std::uint64_t>(made.X.cols())));
      if (candidates.compatible(j, fixed)) fixed.push_back(j);
    }
    scan.fix(fixed);
    scan.score_all();
    std::vector<Scored> best;
    scan.best(10, 10, best);
    std::vector<Scored> expected;
    for (int j = 0; j < candidates.count(); ++j) {
      if (!candidates.compatible(j, fixed)) continue;
      const double score = scan.ols_mae(j);
      if (std::isfinite(score)) expected.push_back({score, j});
    }
    std::sort(expected.begin(), expected.end());
    expected.resize(10);
    EXPECT_EQ(best, expected);
  }
}

TEST(Scan, ACandidateThatDependsOnTheOthersIsNeverTaken) {
  auto made = testing::synthetic(40, 5, 2, 0.5, 5);
  made.X.col(9) = 2.0 * made.X.col(0) - made.X.col(6) * 0.25;
  made.X.col(10).setConstant(4.0);
  SearchProblem problem = made.problem();
  SearchOptions options;
  options.size = 3;
  options.one_per_family = false;
  const Candidates candidates(problem, options);
  EXPECT_FALSE(candidates.is_usable(10));
  SwapScan scan(candidates);
  scan.fix(std::vector{0, 6});
  scan.score_all();
  EXPECT_EQ(scan.scores()[9], kNever);
  EXPECT_TRUE(std::isinf(scan.ols_mae(9)));
  std::vector<Scored> best;
  scan.best(30, 0, best);
  for (const Scored& entry : best) {
    EXPECT_NE(entry.candidate, 0);
    EXPECT_NE(entry.candidate, 6);
    EXPECT_NE(entry.candidate, 9);
    EXPECT_NE(entry.candidate, 10);
  }
}

}  // namespace
}  // namespace kasetsu::selection
