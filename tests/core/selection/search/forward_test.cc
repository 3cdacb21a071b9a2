#include "core/selection/search/forward.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stop_token>

#include "core/base/instruction_set.h"
#include "core/regression/huber/robust.h"
#include "core/selection/search/subset.h"
#include "tests/core/selection/synthetic.h"

namespace kasetsu::selection {
namespace {

SearchOptions up_to(int size) {
  SearchOptions options;
  options.size = size;
  options.hypotheses = 12;
  return options;
}

std::vector<SetsOfSize> run(const SearchProblem& problem, const SearchOptions& options,
                            const std::vector<int>& sizes, unsigned threads = 1) {
  const auto found = search_sizes(problem, options, sizes, Executor(threads), {});
  EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().to_string());
  return found.ok() ? *found : std::vector<SetsOfSize>{};
}

void expect_same(const std::vector<SetsOfSize>& a, const std::vector<SetsOfSize>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    EXPECT_EQ(a[k].size, b[k].size);
    EXPECT_EQ(a[k].sets, b[k].sets);
  }
}

double exact_error(const testing::Synthetic& made, const std::vector<int>& set) {
  const Eigen::MatrixXd columns = made.X(Eigen::all, set);
  return regression::loo_robust(columns, made.y, {}).value().mae_cv;
}

std::set<int> families_of(const testing::Synthetic& made, const std::vector<int>& set) {
  std::set<int> families;
  for (const int member : set) families.insert(made.families[static_cast<std::size_t>(member)][0]);
  return families;
}

TEST(Forward, GivesAdmissibleSetsOfEverySizeByTheirExactError) {
  const auto made = testing::synthetic(45, 40, 4, 0.4, 5);
  const auto found = run(made.problem(), up_to(8), {1, 2, 3, 8});
  ASSERT_EQ(found.size(), 4u);
  for (const SetsOfSize& of : found) {
    ASSERT_FALSE(of.sets.empty());
    EXPECT_LE(of.sets.size(), 12u);
    double before = 0.0;
    for (const std::vector<int>& set : of.sets) {
      ASSERT_EQ(set.size(), static_cast<std::size_t>(of.size));
      EXPECT_EQ(families_of(made, set).size(), set.size()) << "one of a family";
      const double error = exact_error(made, set);
      EXPECT_GE(error, before * (1.0 - 1e-9));
      before = error;
    }
  }
}

// Which of its forms a fact stands in with is left to the search.
TEST(Forward, AllPlantedFactsAreFoundWhereTheyStandOut) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    const auto made = testing::synthetic(80, 30, 3, 0.02, seed);
    EXPECT_EQ(families_of(made, run(made.problem(), up_to(3), {3}).front().sets.front()),
              families_of(made, made.planted));
  }
}

TEST(Forward, SetsShareNoMoreDescriptorsThanThoseOfASearch) {
  const auto made = testing::synthetic(60, 30, 3, 0.5, 11);
  for (const SetsOfSize& of : run(made.problem(), up_to(8), {1, 2, 4, 8})) {
    const int most = std::min(of.size - 1, 6 * of.size / 8);
    for (std::size_t a = 0; a < of.sets.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b)
        EXPECT_LE(shared_members(Subset::of(of.sets[a]), Subset::of(of.sets[b])), most);
    }
  }
}

TEST(Forward, TheSameForAnyThreadsAndInstructionSet) {
  const auto made = testing::synthetic(45, 40, 4, 0.4, 7);
  const std::vector<int> sizes = {2, 4, 6};
  const auto best = run(made.problem(), up_to(6), sizes);
  expect_same(best, run(made.problem(), up_to(6), sizes, 3));
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2}) {
    if (!force_instruction_set(set)) continue;
    expect_same(best, run(made.problem(), up_to(6), sizes));
    force_instruction_set(std::nullopt);
  }
}

TEST(Forward, ASizeOfWhichThereIsNoAdmissibleSetIsLeftOut) {
  const auto made = testing::synthetic(30, 3, 2, 0.4, 8);  // three families
  const auto found = run(made.problem(), up_to(5), {2, 3, 4, 5});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found.back().size, 3);
}

TEST(Forward, AForbiddenSetIsNotGivenWhateverItsSize) {
  const auto made = testing::synthetic(45, 20, 3, 0.1, 9);
  SearchProblem problem = made.problem();
  const auto first = run(problem, up_to(4), {2, 4});
  problem.forbidden = {first[0].sets.front(), first[1].sets.front()};
  for (const SetsOfSize& of : run(problem, up_to(4), {2, 4})) {
    for (const std::vector<int>& set : of.sets) {
      EXPECT_EQ(std::count(problem.forbidden.begin(), problem.forbidden.end(), set), 0);
    }
  }
}

TEST(Forward, SaysThatItWasCancelledAndWhatIsWrong) {
  const auto made = testing::synthetic(45, 20, 3, 0.1, 9);
  std::stop_source stop;
  stop.request_stop();
  Control control;
  control.stop = stop.get_token();
  const std::vector<int> sizes = {2, 3};
  const auto cancelled = search_sizes(made.problem(), up_to(3), sizes, Executor(2), control);
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().code, ErrorCode::cancelled);
  const auto wrong = search_sizes({}, up_to(3), sizes, Executor(1), {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace kasetsu::selection
