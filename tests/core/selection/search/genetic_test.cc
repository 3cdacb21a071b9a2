#include "core/selection/search/genetic.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "core/selection/search/evaluator.h"
#include "tests/core/selection/synthetic.h"

namespace kasetsu::selection {
namespace {

struct Genetic : ::testing::Test {
  Genetic() : made(testing::synthetic(40, 60, 4, 0.5, 3)), problem(made.problem()) {
    options.genetic.population = 200;
  }
  std::vector<Entry> population(const Candidates& candidates, Random& random) {
    std::vector<Entry> scored;
    std::vector<int> members;
    while (scored.size() < 200) {
      EXPECT_TRUE(draw_admissible(candidates, random, members));
      scored.push_back({random.uniform() * 10.0, Subset::of(members)});
    }
    std::sort(scored.begin(), scored.end());
    return scored;
  }
  testing::Synthetic made;
  SearchProblem problem;
  SearchOptions options;
};

TEST_F(Genetic, TheNextGenerationIsTwentyEliteSixtyCrossedTwentyMutated) {
  const Candidates candidates(problem, options);
  Random random(1);
  const std::vector<Entry> scored = population(candidates, random);
  const std::vector<double> importance(360, 1.0);
  const NextGeneration next = breed(candidates, scored, importance, random);
  EXPECT_EQ(next.elites.size(), 40U);
  EXPECT_EQ(next.crossed.size(), 120U);
  EXPECT_EQ(next.mutated.size(), 40U);
  std::set<Subset> different;
  for (const Entry& elite : next.elites) different.insert(elite.subset);
  for (const Subset& set : next.crossed) {
    EXPECT_TRUE(candidates.admissible(set));
    different.insert(set);
  }
  for (const Subset& set : next.mutated) {
    EXPECT_TRUE(candidates.admissible(set));
    different.insert(set);
  }
  EXPECT_EQ(different.size(), 200U);
}

TEST_F(Genetic, AnEliteSharesAtMostSixWithABetterOne) {
  const Candidates candidates(problem, options);
  Random random(2);
  // A population of near relatives: one set, and many with one or two members replaced.
  std::vector<Entry> scored = population(candidates, random);
  const std::vector<double> importance(360, 1.0);
  const Subset first = scored.front().subset;
  for (Entry& entry : scored) {
    entry.subset = mutate(candidates, first, importance, random);
    if (random.below(2) == 0) entry.subset = mutate(candidates, entry.subset, importance, random);
  }
  const std::vector<Entry> elites = choose_elites(scored, 40, 6);
  EXPECT_EQ(elites.front(), scored.front());
  for (std::size_t a = 0; a < elites.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      EXPECT_LE(shared_members(elites[a].subset, elites[b].subset), 6);
    }
  }
  const NextGeneration next = breed(candidates, scored, importance, random);
  EXPECT_EQ(next.elites, elites);
  EXPECT_EQ(next.elites.size() + next.crossed.size() + next.mutated.size(), 200U);
}

TEST_F(Genetic, AChildHasWhatItsParentsShareAndNothingThatNeitherHas) {
  options.one_per_family = false;
  const Candidates candidates(problem, options);
  Random random(3);
  for (int trial = 0; trial < 20; ++trial) {
    const std::vector<Entry> pair = [&] {
      std::vector<Entry> two = population(candidates, random);
      two.resize(2);
      return two;
    }();
    const Subset& a = pair[0].subset;
    const Subset& b = pair[1].subset;
    const Subset child = cross(candidates, a, b, random);
    for (const int member : child) EXPECT_TRUE(a.contains(member) || b.contains(member));
    for (const int member : a) {
      EXPECT_TRUE(!b.contains(member) || child.contains(member));
    }
  }
}

TEST_F(Genetic, ParentsAreWeightedByThreeExponentials) {
  const std::vector<Entry> scored{
      {1.0, {}}, {2.0, {}}, {3.0, {}}, {std::numeric_limits<double>::infinity(), {}}};
  const std::vector<double> weights = parent_weights(scored);
  EXPECT_NEAR(weights[0], std::exp(3.0), 1e-12);
  EXPECT_NEAR(weights[1], std::exp(1.5), 1e-12);
  EXPECT_NEAR(weights[2], 1.0, 1e-12);
  EXPECT_EQ(weights[3], 0.0);
}

TEST_F(Genetic, ImportanceMovesByTwoPerCentAndStaysBetweenZeroAndTwo) {
  std::vector<double> importance(5, 1.0);
  const std::vector<Entry> scored{{1.0, Subset::of(std::array{0, 1})},
                                  {9.0, Subset::of(std::array{1, 2})}};
  update_importance(scored, 1.5, importance);
  EXPECT_NEAR(importance[0], 1.02, 1e-12);
  EXPECT_NEAR(importance[1], 1.02 * 0.98, 1e-12);
  EXPECT_NEAR(importance[2], 0.98, 1e-12);
  EXPECT_EQ(importance[3], 1.0);
  for (int k = 0; k < 5000; ++k) update_importance(scored, 1.5, importance);
  EXPECT_LE(importance[0], 2.0);
  EXPECT_GT(importance[0], 1.99);
  EXPECT_GE(importance[2], 0.0);
}

TEST_F(Genetic, MutationFollowsImportance) {
  options.one_per_family = false;
  const Candidates candidates(problem, options);
  Random random(5);
  std::vector<double> importance(360, 0.1);
  for (int j = 0; j < 36; ++j) importance[static_cast<std::size_t>(j)] = 1.8;
  const Subset set = Subset::of(std::array{100, 101, 102, 103, 104, 105, 106, 107});
  int favoured = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    const Subset child = mutate(candidates, set, importance, random);
    EXPECT_EQ(shared_members(child, set), 7);
    for (const int member : child) favoured += member < 36 ? 1 : 0;
  }
  // 36 x 1.8 against 316 x 0.1: 67 % of the draws.
  EXPECT_NEAR(favoured / 3000.0, 0.672, 0.05);
}

}  // namespace
}  // namespace kasetsu::selection
