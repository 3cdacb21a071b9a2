#include "core/selection/search/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <stop_token>

#include "core/base/instruction_set.h"
#include "tests/core/selection/synthetic.h"

namespace kasetsu::selection {
namespace {

constexpr SearchMethod kMethods[] = {SearchMethod::exchange, SearchMethod::genetic,
                                     SearchMethod::random};

SearchOptions quick(SearchMethod method) {
  SearchOptions options;
  options.method = method;
  options.size = 4;
  options.hypotheses = 12;
  options.work = 15'000'000;
  options.genetic.population = 60;
  options.genetic.generations = 12;
  return options;
}

SearchResult run(const SearchProblem& problem, const SearchOptions& options, unsigned threads = 1) {
  const auto result = search(problem, options, Executor(threads), Control{});
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().to_string());
  return result.ok() ? *result : SearchResult{};
}

void expect_same(const SearchResult& a, const SearchResult& b) {
  ASSERT_EQ(a.hypotheses.size(), b.hypotheses.size());
  for (std::size_t k = 0; k < a.hypotheses.size(); ++k) {
    EXPECT_EQ(a.hypotheses[k].candidates, b.hypotheses[k].candidates);
    EXPECT_EQ(a.hypotheses[k].mae_cv, b.hypotheses[k].mae_cv);
    EXPECT_EQ(a.hypotheses[k].mae_train, b.hypotheses[k].mae_train);
  }
  EXPECT_EQ(a.evaluations, b.evaluations);
  EXPECT_EQ(a.exact_evaluations, b.exact_evaluations);
  EXPECT_EQ(a.work, b.work);
  EXPECT_EQ(a.stopped_by, b.stopped_by);
}

TEST(Search, SameResultForAnyNumberOfThreadsAndTwiceInARow) {
  const auto made = testing::synthetic(45, 40, 4, 0.4, 21);
  for (const SearchMethod method : kMethods) {
    const SearchOptions options = quick(method);
    const SearchResult one = run(made.problem(), options, 1);
    expect_same(one, run(made.problem(), options, 1));
    expect_same(one, run(made.problem(), options, 2));
    expect_same(one, run(made.problem(), options, 3));
  }
}

TEST(Search, SameResultForEveryInstructionSet) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto made = testing::synthetic(45, 40, 4, 0.4, seed);
    const SearchOptions options = quick(SearchMethod::exchange);
    const SearchResult best = run(made.problem(), options);
    for (const auto set : {InstructionSet::baseline, InstructionSet::avx2}) {
      if (!force_instruction_set(set)) continue;
      expect_same(best, run(made.problem(), options));
      force_instruction_set(std::nullopt);
    }
  }
}

TEST(Search, TheDefaultEndsTheSameForAnyThreadsAndInstructionSet) {
  const auto made = testing::synthetic(70, 50, 4, 0.6, 26);
  SearchOptions options = quick(SearchMethod::exchange);
  options.work = 0;
  const SearchResult best = run(made.problem(), options);
  EXPECT_EQ(best.stopped_by, "converged");
  expect_same(best, run(made.problem(), options, 2));
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2}) {
    if (!force_instruction_set(set)) continue;
    expect_same(best, run(made.problem(), options));
    force_instruction_set(std::nullopt);
  }
}

TEST(Search, AnotherSeedIsAnotherSearch) {
  const auto made = testing::synthetic(45, 40, 4, 0.4, 21);
  SearchOptions options = quick(SearchMethod::random);
  const SearchResult one = run(made.problem(), options);
  options.seed = 2;
  EXPECT_NE(one.hypotheses.front().candidates,
            run(made.problem(), options).hypotheses.front().candidates);
}

TEST(Search, FindsThePlantedTruth) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    const auto made = testing::synthetic(80, 30, 4, 0.02, seed);
    std::vector<int> truth = made.planted;
    std::sort(truth.begin(), truth.end());
    EXPECT_EQ(run(made.problem(), quick(SearchMethod::exchange)).hypotheses.front().candidates,
              truth);
  }
}

TEST(Search, WhatIsReturnedKeepsTheConstraintsAndIsExact) {
  for (const SearchMethod method : kMethods) {
    for (const int size : {1, 2, 3, 5, 8, 16}) {
      const auto made = testing::synthetic(50, 40, 3, 0.5, 31);
      SearchOptions options = quick(method);
      options.size = size;
      options.work = 3'000'000;
      SearchProblem problem = made.problem();
      const SearchResult free = run(problem, options);
      // What was best may not come again.
      problem.forbidden = {free.hypotheses[0].candidates};
      const SearchResult result = run(problem, options);
      ASSERT_FALSE(result.hypotheses.empty());
      ASSERT_LE(result.hypotheses.size(), 12U);
      const std::size_t shared = static_cast<std::size_t>(6 * size / 8);
      for (std::size_t a = 0; a < result.hypotheses.size(); ++a) {
        const FoundHypothesis& found = result.hypotheses[a];
        EXPECT_EQ(found.candidates.size(), static_cast<std::size_t>(size));
        EXPECT_TRUE(std::is_sorted(found.candidates.begin(), found.candidates.end()));
        EXPECT_NE(found.candidates, problem.forbidden[0]);
        std::set<int> families;
        for (const int j : found.candidates) {
          families.insert(made.families[static_cast<std::size_t>(j)][0]);
        }
        EXPECT_EQ(families.size(), static_cast<std::size_t>(size));
        EXPECT_GE(found.mae_cv, result.hypotheses[a > 0 ? a - 1 : 0].mae_cv);
        for (std::size_t b = 0; b < a; ++b) {
          std::vector<int> common;
          std::set_intersection(found.candidates.begin(), found.candidates.end(),
                                result.hypotheses[b].candidates.begin(),
                                result.hypotheses[b].candidates.end(), std::back_inserter(common));
          EXPECT_LE(common.size(), shared);
        }
        Eigen::MatrixXd X(50, size);
        for (int k = 0; k < size; ++k) X.col(k) = made.X.col(found.candidates[std::size_t(k)]);
        const auto loo = regression::loo_robust(X, made.y, options.regression);
        ASSERT_TRUE(loo.ok());
        EXPECT_NEAR(found.mae_cv / loo->mae_cv, 1.0, 1e-9);
        EXPECT_NEAR(found.mae_train / loo->fit.mae, 1.0, 1e-9);
      }
    }
  }
}

TEST(Search, TheFamilyConstraintCanBeSwitchedOff) {
  // Two forms of one primary explain the target: only possible without the constraint.
  auto made = testing::synthetic(60, 10, 1, 0.01, 3);
  made.y = made.X.col(0) * 3.0 - made.X.col(1) * 0.2;
  SearchOptions options = quick(SearchMethod::exchange);
  options.size = 2;
  options.one_per_family = false;
  EXPECT_EQ(run(made.problem(), options).hypotheses.front().candidates, (std::vector{0, 1}));
  options.one_per_family = true;
  EXPECT_NE(run(made.problem(), options).hypotheses.front().candidates, (std::vector{0, 1}));
}

TEST(Search, ProductsExcludeAllFamiliesOfTheirFactors) {
  auto made = testing::synthetic(60, 12, 3, 0.3, 8);
  for (std::size_t j = 0; j < made.families.size(); j += 2) {
    made.families[j] = {static_cast<int>(j / 6), static_cast<int>((j / 6 + 1) % 12), -1};
  }
  const SearchResult result = run(made.problem(), quick(SearchMethod::exchange));
  for (const FoundHypothesis& found : result.hypotheses) {
    std::set<int> seen;
    for (const int j : found.candidates) {
      for (const int family : made.families[static_cast<std::size_t>(j)]) {
        EXPECT_TRUE(family < 0 || seen.insert(family).second);
      }
    }
  }
}

TEST(Search, ExchangeBeatsRandomForTheSameWork) {
  const auto made = testing::synthetic(60, 60, 6, 0.5, 17);
  SearchOptions options = quick(SearchMethod::exchange);
  options.size = 6;
  const double exchange = run(made.problem(), options).hypotheses.front().mae_cv;
  options.method = SearchMethod::random;
  EXPECT_LT(exchange, run(made.problem(), options).hypotheses.front().mae_cv);
}

TEST(Search, WorkIsABound) {
  const auto made = testing::synthetic(45, 40, 4, 0.4, 21);
  for (const SearchMethod method : kMethods) {
    SearchOptions options = quick(method);
    options.genetic.generations = 1000;
    options.work = 5'000'000;
    const SearchResult little = run(made.problem(), options);
    EXPECT_EQ(little.stopped_by, "work");
    EXPECT_LT(little.work, 15'000'000U);
    options.work = 20'000'000;
    const SearchResult more = run(made.problem(), options);
    EXPECT_GT(more.work, little.work);
    EXPECT_LE(more.hypotheses[0].mae_cv, little.hypotheses[0].mae_cv);
  }
}

TEST(Search, WithoutLimitsItConverges) {
  const auto made = testing::synthetic(40, 8, 2, 0.1, 5);
  SearchOptions options = quick(SearchMethod::exchange);
  options.size = 2;
  options.work = 0;
  EXPECT_EQ(run(made.problem(), options).stopped_by, "converged");
}

TEST(Search, CancelIsAnsweredWithLittleMoreWork) {
  const auto made = testing::synthetic(60, 60, 4, 0.4, 21);
  for (const SearchMethod method : kMethods) {
    SearchOptions options = quick(method);
    options.work = 1'000'000'000'000'000;
    options.genetic.generations = 1'000'000'000;
    std::stop_source source;
    Control control;
    control.stop = source.get_token();
    int reports = 0;
    control.progress = [&](double, std::string_view) {
      if (++reports == 2) source.request_stop();
    };
    const auto result = search(made.problem(), options, Executor(2), control);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->stopped_by, "cancelled");
    EXPECT_EQ(reports, 2);
    EXPECT_FALSE(result->hypotheses.empty());
  }
}

TEST(Search, CancelledBeforeItBeganReturnsAtOnce) {
  const auto made = testing::synthetic(60, 60, 4, 0.4, 21);
  for (const SearchMethod method : kMethods) {
    SearchOptions options = quick(method);
    options.work = 1'000'000'000'000'000;
    std::stop_source source;
    source.request_stop();
    Control control;
    control.stop = source.get_token();
    const auto result = search(made.problem(), options, Executor(2), control);
    if (result.ok()) {
      EXPECT_LT(result->work, 10'000'000U);
      EXPECT_EQ(result->stopped_by, "cancelled");
    } else {
      EXPECT_EQ(result.error().code, ErrorCode::cancelled);
    }
  }
}

TEST(Search, WallTimeIsAHardStop) {
  const auto made = testing::synthetic(60, 60, 4, 0.4, 21);
  for (const SearchMethod method : kMethods) {
    SearchOptions options = quick(method);
    options.work = 1'000'000'000'000'000;
    options.genetic.generations = 1'000'000'000;
    std::atomic<int> asked{0};
    Control control;
    control.seconds_left = [&] { return ++asked > 200 ? -1.0 : 1.0; };
    const auto result = search(made.problem(), options, Executor(2), control);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->stopped_by, "time");
  }
}

TEST(Search, WhatItCannotDoItSays) {
  const auto made = testing::synthetic(30, 3, 1, 0.4, 21);
  SearchOptions options = quick(SearchMethod::exchange);
  const auto message = [&](const SearchProblem& problem) {
    const auto result = search(problem, options, Executor(1), Control{});
    EXPECT_FALSE(result.ok());
    if (result.ok()) return std::string();
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    return result.error().to_string();
  };
  EXPECT_NE(message(made.problem()).find("families"),
            std::string::npos);  // 3 families for 4 places
  options.size = 17;
  EXPECT_NE(message(made.problem()).find("size"), std::string::npos);
  options.size = 2;
  SearchProblem problem = made.problem();
  problem.forbidden = {{3, 1}};
  EXPECT_NE(message(problem).find("forbidden"), std::string::npos);
  const Eigen::VectorXd short_y = made.y.head(10);
  problem = made.problem();
  problem.y = &short_y;
  EXPECT_NE(message(problem).find("rows"), std::string::npos);
}

TEST(Search, DegenerateProblemsEnd) {
  for (const SearchMethod method : kMethods) {
    SearchOptions options = quick(method);
    options.work = 1'000'000;
    // As many descriptors as rows, and nearly so.
    for (const int rows : {3, 4, 5, 6}) {
      const auto made = testing::synthetic(rows, 10, 2, 0.3, 40U + static_cast<unsigned>(rows));
      EXPECT_FALSE(run(made.problem(), options).hypotheses.empty());
    }
    auto made = testing::synthetic(20, 10, 2, 0.3, 50);
    made.y.setConstant(7.0);
    EXPECT_NEAR(run(made.problem(), options).hypotheses.front().mae_cv, 0.0, 1e-9);
    // Any unit of the target.
    made = testing::synthetic(30, 10, 4, 0.05, 51);
    const auto usual = run(made.problem(), options).hypotheses.front();
    for (const double unit : {0x1p-200, 0x1p150}) {
      auto scaled = made;
      scaled.y *= unit;
      const auto other = run(scaled.problem(), options).hypotheses.front();
      EXPECT_EQ(other.candidates, usual.candidates);
      EXPECT_NEAR(other.mae_cv / unit / usual.mae_cv, 1.0, 1e-6);
    }
    // Exactly one hypothesis is possible, and then none.
    made = testing::synthetic(20, 4, 2, 0.3, 52);
    SearchProblem problem = made.problem();
    Eigen::MatrixXd four(20, 4);
    for (int k = 0; k < 4; ++k) four.col(k) = made.X.col(6 * k);
    problem.X = &four;
    problem.families = {{0, -1, -1}, {1, -1, -1}, {2, -1, -1}, {3, -1, -1}};
    EXPECT_EQ(run(problem, options).hypotheses.size(), 1U);
    problem.forbidden = {{0, 1, 2, 3}};
    const auto none = search(problem, options, Executor(1), Control{});
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Search, LeastAbsoluteDeviationsAndRidge) {
  const auto made = testing::synthetic(30, 15, 3, 0.3, 60);
  for (const auto& [epsilon, alpha] : {std::pair{1.0, 0.0}, std::pair{1.35, 1e-2}}) {
    SearchOptions options = quick(SearchMethod::exchange);
    options.size = 3;
    options.regression.epsilon = epsilon;
    options.regression.alpha = alpha;
    options.work = 20'000'000;
    const SearchResult exchange = run(made.problem(), options);
    options.method = SearchMethod::random;
    EXPECT_LE(exchange.hypotheses[0].mae_cv, run(made.problem(), options).hypotheses[0].mae_cv);
    Eigen::MatrixXd X(30, 3);
    for (int k = 0; k < 3; ++k) {
      X.col(k) = made.X.col(exchange.hypotheses[0].candidates[static_cast<std::size_t>(k)]);
    }
    const auto loo = regression::loo_robust(X, made.y, options.regression);
    ASSERT_TRUE(loo.ok());
    EXPECT_NEAR(exchange.hypotheses[0].mae_cv / loo->mae_cv, 1.0, 1e-9);
  }
}

TEST(Search, ConstantAndRepeatedColumnsDoNoHarm) {
  auto made = testing::synthetic(30, 8, 2, 0.2, 4);
  made.X.col(3).setConstant(2.0);
  made.X.col(20) = made.X.col(10);
  made.X.col(40) *= 1e-200;
  SearchOptions options = quick(SearchMethod::exchange);
  options.one_per_family = false;
  for (const FoundHypothesis& found : run(made.problem(), options).hypotheses) {
    EXPECT_EQ(std::count(found.candidates.begin(), found.candidates.end(), 3), 0);
    EXPECT_LT(std::count(found.candidates.begin(), found.candidates.end(), 10) +
                  std::count(found.candidates.begin(), found.candidates.end(), 20),
              2);
  }
}

}  // namespace
}  // namespace kasetsu::selection
