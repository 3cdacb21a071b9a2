#include "core/planning/bounds/bounded_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/planning/surrogates/ensemble_surrogate.h"
#include "core/selection/model.h"
#include "tests/core/planning/planning_fixtures.h"
#include "tests/shared_data.h"

namespace kasetsu::planning {
namespace {

using kasetsu::testing::read_file;
using kasetsu::testing::source_file;
using ::testing::HasSubstr;

const chemistry::ElementTable& element_table() {
  static const chemistry::ElementTable table =
      chemistry::ElementTable::from_csv(read_file(source_file("config/elements/general.csv")),
                                        "general.csv")
          .value();
  return table;
}

struct Campaign {
  CandidateSpace space;
  selection::Model model;
  std::vector<KnownPoint> known;
};

std::vector<std::string> condition_names(const CandidateSpace& space) {
  std::vector<std::string> names;
  for (const ConditionLevels& condition : space.conditions()) names.push_back(condition.name);
  return names;
}

// Made-up measurements of random candidates, and a small ensemble trained on them.
Campaign campaign_on(SpaceDefinition definition, int order, std::uint64_t seed) {
  Campaign campaign{CandidateSpace::make(std::move(definition)).value(), {}, {}};
  Random random(seed);
  selection::TrainingSet data;
  const int rows = 60;
  data.y.resize(rows);
  data.conditions.names = condition_names(campaign.space);
  data.conditions.values.resize(rows, static_cast<Eigen::Index>(data.conditions.names.size()));
  for (int i = 0; i < rows; ++i) {
    KnownPoint point;
    point.candidate = campaign.space.unrank(random.below(campaign.space.size()));
    double y = 0.3 * random.normal();
    for (const auto& part : point.candidate.catalyst.active.parts()) {
      y += 5.0 * part.amount * std::sin(0.7 * part.element);
    }
    y += 0.7 * static_cast<double>(point.candidate.catalyst.support.size());
    for (std::size_t c = 0; c < point.candidate.conditions.size(); ++c) {
      data.conditions.values(i, static_cast<Eigen::Index>(c)) = point.candidate.conditions[c];
      y += 0.01 * point.candidate.conditions[c];
    }
    data.y[i] = y;
    data.catalysts.push_back(point.candidate.catalyst);
    point.value = y;
    point.measurements = 1;
    campaign.known.push_back(std::move(point));
  }
  selection::ModelSettings settings;
  settings.order = order;
  settings.products = 300;
  settings.search.size = 5;
  settings.search.shared = 4;
  settings.search.hypotheses = 7;
  settings.search.work = 1'000'000;
  auto model = selection::train(element_table(), data, settings, Executor(2), {});
  EXPECT_TRUE(model.ok()) << model.error().to_string();
  campaign.model = std::move(model).value();
  return campaign;
}

std::vector<std::string> picks(const Campaign& campaign, PlanOptions options, bool bounds,
                               const RuleSet* rules, bool* exact) {
  const auto surrogate = make_ensemble_surrogate(campaign.model, condition_names(campaign.space));
  EXPECT_TRUE(surrogate.ok());
  PlanProblem problem;
  problem.space = &campaign.space;
  problem.rules = rules;
  problem.surrogate = surrogate->get();
  problem.known = campaign.known;
  options.most_evaluated = bounds ? 10 : std::uint64_t{1} << 40;
  const auto plan = planning::plan(problem, options, Executor(bounds ? 2 : 1), {});
  EXPECT_TRUE(plan.ok()) << plan.error().to_string();
  if (bounds) {
    EXPECT_THAT(plan->notes, ::testing::Contains(HasSubstr("sets of elements were bounded")));
  }
  *exact = plan->exact;
  std::vector<std::string> keys;
  for (const Proposal& proposal : plan->proposals) keys.push_back(proposal.key);
  return keys;
}

void expect_same_picks(const Campaign& campaign, const PlanOptions& options,
                       const RuleSet* rules = nullptr) {
  bool exact = false;
  const std::vector<std::string> bounded = picks(campaign, options, true, rules, &exact);
  EXPECT_TRUE(exact);
  EXPECT_EQ(bounded, picks(campaign, options, false, rules, &exact));
}

SpaceDefinition grid() {
  SpaceDefinition definition;
  definition.parts.push_back(
      {LoadingGrid{elements({"Li", "Na", "K", "Mg", "Ca", "La", "Mn", "Fe", "Ni", "Cu", "W"}),
                   0,
                   3,
                   {0.1, 0.25, 0.5}},
       supports({"MgO", "SiO2", "TiO2", "CeO2"}),
       {}});
  return definition;
}

PlanOptions mixed_batch() {
  PlanOptions options;
  options.batch = 12;
  options.mix = {
      {Strategy::exploit, 5, 0.0}, {Strategy::challenge, 3, 0.0}, {Strategy::explore, 4, 0.0}};
  return options;
}

TEST(BoundedSearch, EqualsLookingAtEverything) {
  const Campaign campaign = campaign_on(grid(), 1, 1);
  PlanOptions options = mixed_batch();
  for (const Goal goal : {Goal::maximize, Goal::minimize}) {
    options.aim = {goal, 0.0};
    for (const Acquisition acquisition : {Acquisition::expected_improvement, Acquisition::mean,
                                          Acquisition::conservative, Acquisition::probability}) {
      options.acquisition = acquisition;
      options.threshold = goal == Goal::maximize ? 6.0 : 1.0;
      expect_same_picks(campaign, options);
    }
  }
}

TEST(BoundedSearch, WithProductsOfBlocksAndConditions) {
  SpaceDefinition definition = grid();
  definition.conditions.push_back({"temperature_C", {600, 700}});
  const Campaign campaign = campaign_on(std::move(definition), 2, 2);
  expect_same_picks(campaign, mixed_batch());
}

// A campaign's file may change their order after the model was learnt.
TEST(BoundedSearch, TakesConditionsByTheirNames) {
  SpaceDefinition definition = grid();
  definition.conditions = {{"temperature_C", {600, 700}}, {"pressure_bar", {1, 100}}};
  Campaign campaign = campaign_on(definition, 1, 5);
  const auto before = make_ensemble_surrogate(campaign.model).value();
  std::reverse(definition.conditions.begin(), definition.conditions.end());
  campaign.space = CandidateSpace::make(definition).value();
  const std::vector<std::string> names = condition_names(campaign.space);
  const auto after = make_ensemble_surrogate(campaign.model, names).value();
  for (KnownPoint& point : campaign.known) {
    Evaluation expected, found;
    ASSERT_TRUE(before->evaluate({&point.candidate, 1}, expected).ok());
    std::reverse(point.candidate.conditions.begin(), point.candidate.conditions.end());
    ASSERT_TRUE(after->evaluate({&point.candidate, 1}, found).ok());
    EXPECT_EQ(found.mean[0], expected.mean[0]);
  }
  expect_same_picks(campaign, mixed_batch());
  EXPECT_FALSE(make_ensemble_surrogate(campaign.model, {names.data(), 1}).ok());
}

// Two thousand other picks of the batch lie between: after them nothing is as far as the first
// sample promised, and the batch is filled all the same.
TEST(BoundedSearch, FillsABatchWhereItsOtherPicksLieEverywhere) {
  const Campaign campaign = campaign_on(grid(), 1, 4);
  PlanOptions options;
  options.batch = 2012;
  options.mix = {{Strategy::challenge, 1000, 0.0},
                 {Strategy::exploit, 1000, 0.0},
                 {Strategy::explore, 12, 0.0}};
  bool exact = true;
  const std::vector<std::string> keys = picks(campaign, options, true, nullptr, &exact);
  EXPECT_EQ(keys.size(), 2012u);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size());
  EXPECT_FALSE(exact);
}

TEST(BoundedSearch, WithRulesAndUnions) {
  SpaceDefinition definition = grid();
  definition.parts.push_back({Slots{elements({"Li", "Na", "Mn", "W", "Zn"}), 3, true, true, 0.25},
                              supports({"SiO2", "ZrO2"}),
                              {"dry", "wet"}});
  definition.parts.push_back(
      {Simplex{elements({"Ni", "Fe", "Co", "Mn"}), 5, 1, 3, 1.0}, supports({"MgO"}), {}});
  const Campaign campaign = campaign_on(std::move(definition), 1, 3);
  const auto rules = RuleSet::make({{"alkali", GroupLimit{elements({"Li", "Na", "K"}), 0, 1}},
                                    {"total", TotalLimit{0.0, 1.0}},
                                    {"no titania", ForbidSupports{{"TiO2"}}},
                                    {"iron", ForbidOnSupport{elements({"Fe"}), {"MgO"}}}},
                                   campaign.space);
  ASSERT_TRUE(rules.ok()) << rules.error().to_string();
  expect_same_picks(campaign, mixed_batch(), &*rules);
}

}  // namespace
}  // namespace kasetsu::planning
