#include "core/selection/search/scan.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <iterator>

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
    int compared = 0;
    for (int j = 0; j < candidates.count(); ++j) {
      const double exact = scan.ols_mae(j);
      if (!std::isfinite(exact)) continue;
      std::vector<int> all = fixed;
      all.push_back(j);
      EXPECT_NEAR(exact / refit_mae(made.X, made.y, all), 1.0, 1e-7) << rows << " " << j;
      ++compared;
    }
    EXPECT_GT(compared, candidates.count() / 2);
  }
}

// Every candidate's 64-bit score, sorted: what a scan without bounds would say.
std::vector<Scored> every_score(const Candidates& candidates, SwapScan& scan,
                                const std::vector<int>& fixed) {
  std::vector<Scored> all;
  for (int j = 0; j < candidates.count(); ++j) {
    if (!candidates.is_usable(j) || !candidates.compatible(j, fixed)) continue;
    const double score = scan.ols_mae(j);
    if (std::isfinite(score)) all.push_back({score, j});
  }
  std::sort(all.begin(), all.end());
  return all;
}

TEST_P(EachInstructionSet, TheRankingIsThatOfTheExactScoresAndFewAreScored) {
  std::size_t scored = 0;
  std::size_t candidates_seen = 0;
  for (const int rows : {24, 60, 171}) {
    for (const int kept : {0, 3, 7}) {
      const auto made = testing::synthetic(rows, 120, 6, 0.3, 11U + static_cast<unsigned>(kept));
      SearchProblem problem = made.problem();
      SearchOptions options;
      options.size = kept + 1;
      const Candidates candidates(problem, options);
      SwapScan scan(candidates);
      Random random(3);
      for (int trial = 0; trial < 10; ++trial) {
        std::vector<int> fixed;
        while (std::ssize(fixed) < kept) {
          const int j = static_cast<int>(random.below(static_cast<std::uint64_t>(made.X.cols())));
          if (candidates.compatible(j, fixed)) fixed.push_back(j);
        }
        // Half of the time from a good set, whose residuals are small.
        if (trial % 2 == 0 && kept <= 6)
          fixed.assign(made.planted.begin(), made.planted.begin() + kept);
        scan.fix(fixed);
        std::vector<Scored> best;
        scan.rank(16, best);
        std::vector<Scored> expected = every_score(candidates, scan, fixed);
        expected.resize(16);
        EXPECT_EQ(best, expected) << rows << " rows, " << kept << " stay, trial " << trial;
        scored += scan.scored();
        candidates_seen += static_cast<std::size_t>(candidates.count());
      }
    }
  }
  // Half of them here, where sixteen are wanted of 720; without the bound it would be all.
  EXPECT_LT(scored, candidates_seen * 6 / 10);
}

TEST_P(EachInstructionSet, ColumnsWithOneHugeValueAreRankedExactly) {
  auto made = testing::synthetic(80, 40, 4, 0.3, 19);
  for (Eigen::Index j = 0; j < made.X.cols(); j += 3) made.X(j % 80, j) = 1e6;
  SearchProblem problem = made.problem();
  SearchOptions options;
  options.size = 4;
  const Candidates candidates(problem, options);
  SwapScan scan(candidates);
  for (int first = 0; first < 60; first += 7) {
    const std::vector<int> fixed = {first, first + 70, first + 140};
    scan.fix(fixed);
    std::vector<Scored> best;
    scan.rank(16, best);
    std::vector<Scored> expected = every_score(candidates, scan, fixed);
    if (expected.size() > 16) expected.resize(16);
    EXPECT_EQ(best, expected) << first;
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
  EXPECT_TRUE(std::isinf(scan.ols_mae(9)));
  std::vector<Scored> best;
  scan.rank(30, best);
  EXPECT_FALSE(best.empty());
  for (const Scored& entry : best) {
    EXPECT_NE(entry.candidate, 0);
    EXPECT_NE(entry.candidate, 6);
    EXPECT_NE(entry.candidate, 9);
    EXPECT_NE(entry.candidate, 10);
  }
}

}  // namespace
}  // namespace kasetsu::selection
