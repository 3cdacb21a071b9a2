// The real space of methane coupling, 36,540 catalysts, with a model of the 376 first measured.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/planning/planner.h"
#include "core/planning/surrogates/ensemble_surrogate.h"
#include "core/planning/surrogates/farthest_points.h"
#include "core/selection/model.h"
#include "tests/core/descriptors/tables.h"
#include "tests/core/planning/planning_fixtures.h"
#include "tests/shared_data.h"

namespace kasetsu::planning {
namespace {

using kasetsu::testing::read_file;
using kasetsu::testing::source_file;

class MethaneCoupling : public ::testing::Test {
 protected:
  static constexpr const char* kTable = "catalysts/ocm_slots_376.csv";

  void SetUp() override {
    KASETSU_NEEDS_SHARED_DATA(kTable);
    const auto catalysts = kasetsu::testing::slot_table(kTable);
    const auto records = kasetsu::testing::shared_csv(kTable);
    ASSERT_EQ(catalysts.size(), 376U);
    selection::TrainingSet data;
    data.catalysts = catalysts;
    data.y.resize(376);
    for (std::size_t i = 0; i < catalysts.size(); ++i) {
      KnownPoint point;
      point.candidate.catalyst = catalysts[i];
      point.value = kasetsu::testing::cell_number(records[i + 1].fields.back());
      point.measurements = 1;
      point.loo_error = 1.0;
      data.y[static_cast<Eigen::Index>(i)] = point.value;
      known_.push_back(std::move(point));
    }
    const auto elements = chemistry::ElementTable::from_csv(
                              read_file(source_file("config/elements/general.csv")), "general.csv")
                              .value();
    selection::ModelSettings settings;
    settings.search.work = 20'000'000;
    settings.search.hypotheses = 10;
    settings.trees = 20;
    settings.calibration_folds = 0;
    auto model = selection::train(elements, data, settings, Executor(2), {});
    ASSERT_TRUE(model.ok()) << model.error().to_string();
    model_ = std::move(model).value();
    surrogate_ = make_ensemble_surrogate(model_).value();
  }

  PlanProblem problem() const {
    PlanProblem problem;
    problem.space = &space_;
    problem.surrogate = surrogate_.get();
    problem.known = known_;
    return problem;
  }

  CandidateSpace space_ = ocm_space();
  std::vector<KnownPoint> known_;
  selection::Model model_;
  std::unique_ptr<Surrogate> surrogate_;
};

// Largest distance from any candidate to its nearest known point, in the space of the selected
// descriptors: after 100 farthest points at most two thirds of that after 100 at random.
TEST_F(MethaneCoupling, ExplorationCoversTheSelectedDescriptors) {
  std::vector<Candidate> all;
  for (std::uint64_t i = 0; i < space_.size(); ++i) all.push_back(space_.unrank(i));
  Evaluation evaluation;
  ASSERT_TRUE(surrogate_->evaluate(all, evaluation).ok());
  const Eigen::MatrixXd& points = evaluation.coordinates;
  for (const bool with_known : {false, true}) {
    const Eigen::MatrixXd before =
        with_known ? model_.coordinates : Eigen::MatrixXd(0, points.cols());
    const auto radius = [&](const std::vector<std::size_t>& picks) {
      Eigen::MatrixXd covered(before.rows() + static_cast<Eigen::Index>(picks.size()),
                              points.cols());
      covered.topRows(before.rows()) = before;
      for (std::size_t i = 0; i < picks.size(); ++i) {
        covered.row(before.rows() + static_cast<Eigen::Index>(i)) =
            points.row(static_cast<Eigen::Index>(picks[i]));
      }
      return covering_radius(points, covered);
    };
    // The planner's own picks where something is known, those of the sampling alone else.
    std::vector<std::size_t> picks;
    if (with_known) {
      PlanOptions options;
      options.batch = 100;
      options.mix = {{Strategy::explore, 100, 0.0}};
      const auto plan = planning::plan(problem(), options, Executor(2), {});
      ASSERT_TRUE(plan.ok()) << plan.error().to_string();
      for (const Proposal& proposal : plan->proposals) picks.push_back(*proposal.index);
    } else {
      picks = farthest_points(points, before, 100);
    }
    ASSERT_EQ(picks.size(), 100U);
    const double explored = radius(picks);
    double by_chance = 0.0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      Random random(seed);
      picks.clear();
      for (int i = 0; i < 100; ++i) {
        picks.push_back(static_cast<std::size_t>(random.below(space_.size())));
      }
      by_chance += radius(picks) / 5.0;
    }
    EXPECT_LE(explored, 2.0 / 3.0 * by_chance) << (with_known ? "376 known" : "nothing known");
    RecordProperty(with_known ? "ratio_376_known" : "ratio_nothing_known",
                   std::to_string(explored / by_chance));
    std::printf("covering radius, %s: %.3f of that of random picks\n",
                with_known ? "376 known" : "nothing known", explored / by_chance);
  }
}

// Bounds and looking at everything agree on the real table too.
TEST_F(MethaneCoupling, BoundsGiveThePicksOfAFullSearch) {
  PlanOptions options;
  options.batch = 24;
  options.threshold = 15.0;
  options.mix = {{Strategy::exploit, 12, 0.0}, {Strategy::explore, 12, 0.0}};
  const auto full = planning::plan(problem(), options, Executor(2), {});
  ASSERT_TRUE(full.ok()) << full.error().to_string();
  options.most_evaluated = 10;
  const auto bounded = planning::plan(problem(), options, Executor(2), {});
  ASSERT_TRUE(bounded.ok()) << bounded.error().to_string();
  ASSERT_EQ(bounded->proposals.size(), 24U);
  EXPECT_TRUE(bounded->exact);
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(bounded->proposals[i].key, full->proposals[i].key) << i;
  }
}

}  // namespace
}  // namespace kasetsu::planning
