// Cancel: what is asked to stop does little more, says nothing more, and says that it was
// cancelled.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "core/regression/gaussian_process.h"
#include "core/regression/random_forest.h"
#include "core/selection/model.h"
#include "core/selection/search/candidates.h"
#include "core/selection/search/evaluator.h"
#include "core/selection/validation.h"
#include "tests/core/selection/laboratory.h"
#include "tests/core/selection/synthetic.h"

namespace kasetsu::selection {
namespace {

using testing::general_elements;
using testing::laboratory;

// Stops the work in its callback number `at` (never: 0), and counts the callbacks.
struct StopAt {
  explicit StopAt(int callback) : at(callback) {
    control.stop = source.get_token();
    control.progress = [this](double, std::string_view) {
      if (++reports == at) source.request_stop();
    };
  }
  int at;
  int reports = 0;
  std::stop_source source;
  Control control;
};

ModelSettings all_phases() {
  ModelSettings settings;
  settings.features.method = descriptors::Method::afe;
  settings.order = 2;
  settings.products = 50;
  settings.search.work = 30'000'000;
  settings.search.hypotheses = 5;
  settings.search.size = 3;
  settings.trees = 10;
  settings.calibration_folds = 3;
  settings.size_by_nested_error = true;
  return settings;
}

TEST(Cancel, LearningSaysNothingMoreWhateverItWasDoing) {
  const TrainingSet data = laboratory(25, 0.2, 31);
  StopAt whole(0);
  ASSERT_TRUE(train(general_elements(), data, all_phases(), Executor(2), whole.control).ok());
  // Choice of size, screening, search, companions and calibration have all said something.
  ASSERT_GT(whole.reports, 20);
  for (int k = 1; k <= 7; ++k) {
    StopAt stop(std::max(1, whole.reports * k / 8));
    const auto found = train(general_elements(), data, all_phases(), Executor(2), stop.control);
    ASSERT_FALSE(found.ok()) << "callback " << stop.at;
    EXPECT_EQ(found.error().code, ErrorCode::cancelled);
    EXPECT_EQ(stop.reports, stop.at);
  }
}

TEST(Cancel, ValidationSaysNothingMoreWhateverItWasDoing) {
  const TrainingSet data = laboratory(40, 0.2, 32);
  ValidationOptions options;
  options.model = all_phases();
  options.model.size_by_nested_error = false;
  options.model.order = 1;
  options.folds = 2;
  options.permutations = 2;
  StopAt whole(0);
  ASSERT_TRUE(validate(general_elements(), data, options, Executor(1), whole.control).ok());
  for (int at = 1; at < whole.reports; at += std::max(1, whole.reports / 8)) {
    StopAt stop(at);
    const auto found = validate(general_elements(), data, options, Executor(1), stop.control);
    ASSERT_FALSE(found.ok()) << "callback " << stop.at;
    EXPECT_EQ(found.error().code, ErrorCode::cancelled);
    EXPECT_EQ(stop.reports, stop.at);
  }
}

TEST(Cancel, ForestsAndGaussianProcessesEnd) {
  const auto made = testing::synthetic(40, 6, 3, 0.3, 33);
  std::stop_source source;
  Control control;
  control.stop = source.get_token();
  EXPECT_TRUE(regression::fit_forest(made.X, made.y, {}, Executor(2), control).ok());
  EXPECT_TRUE(regression::GaussianProcess::fit(made.X, made.y, {}, control).ok());
  source.request_stop();
  const auto forest = regression::fit_forest(made.X, made.y, {}, Executor(2), control);
  ASSERT_FALSE(forest.ok());
  EXPECT_EQ(forest.error().code, ErrorCode::cancelled);
  const auto process = regression::GaussianProcess::fit(made.X, made.y, {}, control);
  ASSERT_FALSE(process.ok());
  EXPECT_EQ(process.error().code, ErrorCode::cancelled);
}

// The work that a search does between two looks at its control, in the units of its account, is
// that of one scan and the exact scores that follow it: a few milliseconds.
TEST(Cancel, SearchesLookOftenWhetherTheyShouldStop) {
  const auto made = testing::synthetic(60, 60, 4, 0.4, 34);
  const SearchProblem problem = made.problem();
  for (const SearchMethod method :
       {SearchMethod::exchange, SearchMethod::genetic, SearchMethod::random}) {
    for (const double epsilon : {1.0, 1.35}) {
      SearchOptions options;
      options.method = method;
      options.size = 4;
      options.hypotheses = 5;
      options.regression.epsilon = epsilon;
      options.work = std::numeric_limits<std::uint64_t>::max() / 4;
      options.genetic.population = 60;
      options.genetic.generations = 1'000'000;
      const Candidates candidates(problem, options);
      const std::uint64_t most = scan_work(candidates, options.size - 1) +
                                 16 * one_step_work(candidates) + 9 * exact_work(candidates);
      std::uint64_t before = 0;
      for (int look = 20; look <= 60; ++look) {
        std::stop_source source;
        Control control;
        control.stop = source.get_token();
        int looks = 0;
        control.seconds_left = [&] {
          if (++looks == look) source.request_stop();
          return 1.0;
        };
        const auto found = search(problem, options, Executor(1), control);
        ASSERT_TRUE(found.ok());
        EXPECT_EQ(found->stopped_by, "cancelled");
        if (look > 20) {
          EXPECT_LE(found->work, before + most);
        }
        before = found->work;
      }
    }
  }
}

}  // namespace
}  // namespace kasetsu::selection
