#include "core/selection/search/convergence.h"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>

#include "tests/core/selection/synthetic.h"

namespace kasetsu::selection {
namespace {

TEST(Convergence, AChangeIsInUnitsOfTheError) {
  const Eigen::Vector3d y(1.0, 2.0, 3.0);
  const Eigen::Vector3d now(2.0, 2.0, 5.0);  // errs by 1 on average
  const Eigen::Vector3d before(2.0, 2.3, 5.3);
  EXPECT_NEAR(relative_change(before, now, y), 0.2, 1e-12);
  EXPECT_NEAR(relative_change(1e6 * before, 1e6 * now, 1e6 * y), 0.2, 1e-12);
  EXPECT_EQ(relative_change(now, now, y), 0.0);
  EXPECT_EQ(relative_change(y, y, y), 0.0);
}

// Sets of one candidate each, so that a test knows what they predict.
struct OneColumn {
  OneColumn() : made(testing::synthetic(40, 20, 2, 0.5, 9)) {
    options.size = 1;
    options.hypotheses = 3;
  }
  Archive archive(std::initializer_list<int> columns) const {
    Archive kept(64, 0);
    double error = 1.0;
    for (const int column : columns) kept.offer({error++, Subset::of(std::array{column})});
    return kept;
  }
  testing::Synthetic made;
  SearchProblem problem = made.problem();
  SearchOptions options;
};

TEST(Convergence, TwoRoundsWithoutAChangeAreAskedFor) {
  const OneColumn of;
  const Candidates candidates(of.problem, of.options);
  Convergence convergence(candidates);
  EXPECT_FALSE(
      convergence.settled(of.archive({0, 6, 12}), Executor(1)));  // nothing to compare with
  EXPECT_FALSE(convergence.settled(of.archive({0, 6, 12}), Executor(1)));
  EXPECT_TRUE(convergence.settled(of.archive({0, 6, 12}), Executor(1)));
}

TEST(Convergence, WhatTheEnsembleDoesNotHoldChangesNothing) {
  const OneColumn of;
  const Candidates candidates(of.problem, of.options);
  Convergence convergence(candidates);
  convergence.settled(of.archive({0, 6, 12}), Executor(1));
  convergence.settled(of.archive({0, 6, 12, 60}), Executor(1));
  EXPECT_TRUE(convergence.settled(of.archive({0, 6, 12, 90, 96}), Executor(2)));
}

TEST(Convergence, AChangeBeginsTheCountAnew) {
  const OneColumn of;
  const Candidates candidates(of.problem, of.options);
  Convergence convergence(candidates);
  const int planted = of.made.planted[0];  // explains what the others do not
  convergence.settled(of.archive({0, 6, 12}), Executor(1));
  convergence.settled(of.archive({0, 6, 12}), Executor(1));
  EXPECT_FALSE(convergence.settled(of.archive({planted}), Executor(1)));
  EXPECT_FALSE(convergence.settled(of.archive({planted}), Executor(1)));
  EXPECT_TRUE(convergence.settled(of.archive({planted}), Executor(1)));
}

TEST(Convergence, NothingFoundIsNotSettled) {
  const OneColumn of;
  const Candidates candidates(of.problem, of.options);
  Convergence convergence(candidates);
  for (int round = 0; round < 5; ++round)
    EXPECT_FALSE(convergence.settled(Archive(64, 0), Executor(1)));
}

}  // namespace
}  // namespace kasetsu::selection
