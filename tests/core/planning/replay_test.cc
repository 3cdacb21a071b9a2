#include "core/planning/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "tests/core/planning/planning_fixtures.h"
#include "tests/shared_data.h"

namespace kasetsu::planning {
namespace {

using kasetsu::testing::read_file;
using kasetsu::testing::shared_data;
using ::testing::HasSubstr;

// A mixture of random curvature and bumps on a lattice, with noise.
ReplayProblem synthetic(std::uint64_t seed, double noise) {
  SpaceDefinition definition;
  const std::vector<int> metals = elements({"Ni", "Fe", "Co", "Mn", "Ce"});
  definition.parts.push_back({Simplex{metals, 10, 1, 4, 1.0}, {}, {}});
  const auto space = CandidateSpace::make(definition).value();
  Random random(seed);
  double linear[5];
  double pair[5][5];
  for (int a = 0; a < 5; ++a) {
    linear[a] = random.normal();
    for (int b = 0; b < 5; ++b) pair[a][b] = 3.0 * random.normal();
  }
  ReplayProblem problem;
  problem.values.resize(static_cast<Eigen::Index>(space.size()));
  for (std::uint64_t i = 0; i < space.size(); ++i) {
    problem.catalysts.push_back(space.unrank(i).catalyst);
    const auto& active = problem.catalysts.back().active;
    double value = noise * random.normal();
    for (std::size_t a = 0; a < 5; ++a) {
      const double xa = active.amount(metals[a]);
      value += linear[a] * xa;
      for (std::size_t b = a + 1; b < 5; ++b) value += pair[a][b] * xa * active.amount(metals[b]);
    }
    problem.values[static_cast<Eigen::Index>(i)] = value;
  }
  return problem;
}

double recall(const std::vector<ReplayRun>& runs) {
  double sum = 0.0;
  for (const ReplayRun& run : runs) sum += run.rounds.back().recall_top1;
  return sum / static_cast<double>(runs.size());
}

TEST(Replay, FindsTheTopOfSmoothSurfaces) {
  const Executor executor(2);
  ReplayOptions options;
  options.start = 20;
  options.batch = 20;
  options.rounds = 4;
  options.seeds = 2;
  for (const std::uint64_t seed : {1ULL, 2ULL}) {
    for (const Goal goal : {Goal::maximize, Goal::minimize}) {
      options.goal = goal;
      const auto result =
          replay(synthetic(seed, 0.02), options, gaussian_maker(executor), executor, {});
      ASSERT_TRUE(result.ok()) << result.error().to_string();
      EXPECT_GT(recall(result->runs), 0.8);
      EXPECT_GT(recall(result->runs), 2.0 * recall(result->random));
      for (std::size_t r = 0; r < result->runs.size(); ++r) {
        // The same start for both, every batch measured once, nothing lost on the way.
        EXPECT_EQ(result->runs[r].rounds[0].best, result->random[r].rounds[0].best);
        double before = 0.0;
        for (std::size_t k = 0; k < result->runs[r].rounds.size(); ++k) {
          const ReplayRound& round = result->runs[r].rounds[k];
          EXPECT_EQ(round.n, 20 + 20 * static_cast<int>(k));
          EXPECT_GE(round.recall_top1, before);
          EXPECT_GE(round.regret, 0.0);
          before = round.recall_top1;
        }
      }
    }
  }
}

TEST(Replay, SameForAnyNumberOfThreads) {
  const ReplayProblem problem = synthetic(3, 0.1);
  ReplayOptions options;
  options.rounds = 2;
  options.seeds = 1;
  options.mix = {
      {Strategy::exploit, 0, 0.5}, {Strategy::explore, 0, 0.3}, {Strategy::challenge, 0, 0.2}};
  std::vector<double> maes;
  for (const unsigned threads : {1U, 3U}) {
    const Executor executor(threads);
    const auto result = replay(problem, options, gaussian_maker(executor), executor, {});
    ASSERT_TRUE(result.ok());
    maes.push_back(result->runs[0].rounds[1].mae_next);
  }
  EXPECT_EQ(maes[0], maes[1]);
}

TEST(Replay, ReplicatesCountOnce) {
  ReplayProblem problem = synthetic(4, 0.1);
  const auto rows = static_cast<Eigen::Index>(problem.catalysts.size());
  const std::vector<chemistry::Catalyst> once = problem.catalysts;
  problem.catalysts.insert(problem.catalysts.end(), once.begin(), once.end());
  Eigen::VectorXd values(2 * rows);
  values << problem.values, problem.values;
  problem.values = values;
  const Executor executor(1);
  ReplayOptions options;
  options.rounds = 1;
  options.seeds = 1;
  const auto result = replay(problem, options, gaussian_maker(executor), executor, {});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->pool, once.size());
  EXPECT_EQ(result->runs[0].rounds.back().n, 48);
}

TEST(Replay, RefusesWhatThePoolCannotGive) {
  const ReplayProblem problem = synthetic(5, 0.1);
  const Executor executor(1);
  ReplayOptions options;
  options.rounds = 1000;
  const auto result = replay(problem, options, gaussian_maker(executor), executor, {});
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().to_string(), HasSubstr("distinct catalysts"));
}

TEST(Replay, OxygenEvolutionPlate) {
  const std::string path = "catalysts/oer_plate_3496_data.csv";
  KASETSU_NEEDS_SHARED_DATA(path);
  const auto records = read_csv(read_file(shared_data(path)), path);
  ASSERT_TRUE(records.ok());
  const std::vector<int> metals = elements({"Ni", "Fe", "Co", "Mn", "Ce", "La"});
  ReplayProblem problem;
  std::vector<double> values;
  for (const CsvRecord& record : *records) {
    chemistry::Catalyst catalyst;
    for (std::size_t j = 0; j < 6; ++j) {
      catalyst.active.add(metals[j], parse_number(record.fields[j]).value());
    }
    problem.catalysts.push_back(catalyst);
    values.push_back(parse_number(record.fields[6]).value());
  }
  problem.values =
      Eigen::Map<Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
  const Executor executor(2);
  ReplayOptions options;
  options.goal = Goal::minimize;
  options.seeds = 2;
  const auto result = replay(problem, options, gaussian_maker(executor), executor, {});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->pool, 2121U);
  EXPECT_EQ(result->runs[0].rounds.back().n, 240);
  EXPECT_GE(recall(result->runs), 0.90);
  EXPECT_LT(recall(result->random), 0.40);
}

}  // namespace
}  // namespace kasetsu::planning
