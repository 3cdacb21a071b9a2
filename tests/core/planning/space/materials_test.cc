// Stock, prices, weighing, hazards, plates and picks by hand.
#include "core/planning/space/materials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/planning/plate.h"
#include "tests/core/planning/planning_fixtures.h"

namespace kasetsu::planning {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

CandidateSpace noble_space() {
  SpaceDefinition definition;
  definition.parts.push_back(
      {LoadingGrid{elements({"Fe", "Ni", "Pd", "Pt"}), 1, 2, {0.1, 0.5, 1.0}},
       supports({"SiO2", "TiO2"}),
       {}});
  return CandidateSpace::make(definition).value();
}

Materials noble_materials() {
  Materials materials;
  materials.sample_gram = 0.5;
  materials.elements[78] = {30.0, 0.12, {}, {}, {}};
  materials.elements[46] = {50.0, {}, {}, {}, {"sensitiser"}};
  return materials;
}

double gram_of(const std::vector<Proposal>& proposals, int element, double weight) {
  double gram = 0.0;
  for (const Proposal& p : proposals) {
    gram += 1e-3 * p.candidate.catalyst.active.amount(element) * 0.5 * weight;
  }
  return gram;
}

TEST(Materials, WeighsByHand) {
  Materials materials = noble_materials();
  const auto catalyst = chemistry::parse_key("Ni:0.5;Pt:1/SiO2", {}).value();
  std::vector<Weighing> all = weighings(materials, catalyst);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_NEAR(all[0].gram, 0.5e-3 * 0.5 * 58.6934, 1e-6);  // nickel
  EXPECT_NEAR(all[1].gram, 1e-3 * 0.5 * 195.078, 1e-5);    // platinum
  EXPECT_NEAR(all[1].price, 30.0 * all[1].gram, 1e-12);
  EXPECT_NEAR(all[2].gram, 0.5, 1e-12);  // support
  // Half a gram of metals with equal numbers of atoms of nickel and twice platinum.
  materials.unit = AmountUnit::mole_fraction;
  all = weighings(materials, catalyst);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NEAR(all[0].gram + all[1].gram, 0.5, 1e-12);
  EXPECT_NEAR(all[1].gram / all[0].gram, 2.0 * 195.078 / 58.6934, 1e-3);
  materials.unit = AmountUnit::mass_fraction;
  EXPECT_NEAR(weighings(materials, chemistry::parse_key("Pt:0.02/SiO2", {}).value())[0].gram, 0.01,
              1e-12);
}

// Whatever the strategies, a batch never takes more than there is, and says what it passed over.
TEST(Materials, BatchesStayWithinStockAndBudgets) {
  const CandidateSpace space = noble_space();
  const ToySurrogate surrogate;
  Materials materials = noble_materials();
  materials.batch_price = 8.0;
  PlanProblem problem;
  problem.space = &space;
  problem.surrogate = &surrogate;
  KnownPoint known;
  known.candidate = space.unrank(3);
  known.value = 1.0;
  known.measurements = 1;
  problem.known = {known};
  for (const Strategy strategy : {Strategy::exploit, Strategy::challenge, Strategy::explore}) {
    PlanOptions options;
    options.batch = 12;
    options.mix = {{strategy, 12, 0.0}};
    problem.materials = nullptr;
    const auto free = planning::plan(problem, options, Executor(1), {});
    ASSERT_TRUE(free.ok()) << free.error().to_string();
    problem.materials = &materials;
    const auto plan = planning::plan(problem, options, Executor(1), {});
    ASSERT_TRUE(plan.ok()) << plan.error().to_string();
    EXPECT_EQ(plan->proposals.size(), 12U) << to_string(strategy);
    const double platinum = gram_of(plan->proposals, 78, 195.078);
    const double palladium = gram_of(plan->proposals, 46, 106.42);
    EXPECT_LE(platinum, 0.12 * (1.0 + 1e-6)) << to_string(strategy);
    EXPECT_LE(30.0 * platinum + 50.0 * palladium, 8.0 * (1.0 + 1e-6)) << to_string(strategy);
    const double wanted =
        30.0 * gram_of(free->proposals, 78, 195.078) + 50.0 * gram_of(free->proposals, 46, 106.42);
    if (wanted > 8.0) {
      EXPECT_THAT(plan->notes, Contains(HasSubstr("would exceed"))) << to_string(strategy);
    }
  }
}

TEST(Materials, BecomeRules) {
  const CandidateSpace space = noble_space();
  Materials materials = noble_materials();
  materials.weighable_gram = 0.010;
  materials.sample_price = 2.0;
  materials.forbidden_hazards = {"sensitiser", "unheard of"};
  const auto rules = RuleSet::make(material_rules(materials), space);
  ASSERT_TRUE(rules.ok()) << rules.error().to_string();
  const auto why = [&](const char* key) {
    return rules->explain({chemistry::parse_key(key, {}).value(), {}});
  };
  EXPECT_THAT(why("Ni:1/SiO2"), ::testing::IsEmpty());
  EXPECT_THAT(why("Ni:0.1/SiO2"), Contains(HasSubstr("needs 2.93 mg for Ni")));
  EXPECT_THAT(why("Pd:0.5/SiO2"), Contains(HasSubstr("hazard sensitiser")));
  EXPECT_THAT(why("Pt:1/SiO2"), Contains(HasSubstr("a sample costs 2.926")));
  // One sample that needs more than there is.
  materials.elements[78].stock_gram = 0.05;
  const auto scarce = RuleSet::make(material_rules(materials), space);
  EXPECT_THAT(scarce->explain({chemistry::parse_key("Pt:1/TiO2", {}).value(), {}}),
              Contains(HasSubstr("in stock")));
}

TEST(Planner, TakesWhatIsAskedForByHand) {
  const CandidateSpace space = noble_space();
  const ToySurrogate surrogate;
  const auto rules =
      RuleSet::make({{"no platinum", ForbidElements{elements({"Pt"})}}}, space).value();
  PlanProblem problem;
  problem.space = &space;
  problem.rules = &rules;
  problem.surrogate = &surrogate;
  PlanOptions options;
  options.batch = 4;
  options.mix = {{Strategy::manual, 3, 0.0}, {Strategy::random, 1, 0.0}};
  for (const char* key : {"Pt:1/SiO2", "Fe:1/SiO2", "Ni:0.5/TiO2"}) {
    options.manual.push_back({chemistry::parse_key(key, {}).value(), {}});
  }
  KnownPoint pending;
  pending.candidate = options.manual[1];
  pending.state = KnownState::pending;
  problem.known = {pending};
  const auto plan = planning::plan(problem, options, Executor(1), {});
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  ASSERT_GE(plan->proposals.size(), 2U);
  for (const auto& proposal : plan->proposals) EXPECT_NE(proposal.key, "Pt:1/SiO2");
  EXPECT_THAT(plan->notes, Contains(AllOf(HasSubstr("Pt:1/SiO2 was asked for by hand"),
                                          HasSubstr("no platinum"))));
  EXPECT_EQ(plan->proposals[0].key, "Ni:0.5/TiO2");
  EXPECT_EQ(plan->proposals[0].strategy, Strategy::manual);
  EXPECT_THAT(plan->notes, Contains(HasSubstr("Fe:1/SiO2 was asked for by hand, but is being")));
}

TEST(Plate, HoldsEverythingOnce) {
  for (const bool randomize : {false, true}) {
    const PlateShape shape{8, 1, 2, randomize};
    const auto places = lay_out(12, shape, 3);
    std::set<std::size_t> proposals;
    std::map<int, int> blanks, references;
    std::set<std::pair<int, int>> channels;
    for (const PlatePlace& place : places) {
      EXPECT_TRUE(channels.emplace(place.plate, place.channel).second);
      EXPECT_GE(place.channel, 1);
      EXPECT_LE(place.channel, 8);
      if (place.what == PlatePlace::What::proposal) {
        EXPECT_TRUE(proposals.insert(place.item).second);
      }
      blanks[place.plate] += place.what == PlatePlace::What::blank ? 1 : 0;
      references[place.plate] += place.what == PlatePlace::What::reference ? 1 : 0;
    }
    EXPECT_EQ(proposals.size(), 12U);
    EXPECT_EQ(*proposals.rbegin(), 11U);
    ASSERT_EQ(blanks.size(), 3U);  // five proposals a plate
    for (const auto& [plate, count] : blanks) EXPECT_EQ(count, 1);
    for (const auto& [plate, count] : references) EXPECT_EQ(count, 2);
  }
}

TEST(Plate, SharesOneCondition) {
  SpaceDefinition definition = noble_space().definition();
  definition.conditions.push_back({"temperature_C", {600, 700, 800}});
  definition.conditions.push_back({"ratio", {1, 2}});
  const CandidateSpace space = CandidateSpace::make(definition).value();
  const ToySurrogate surrogate;
  PlanProblem problem;
  problem.space = &space;
  problem.surrogate = &surrogate;
  for (std::uint64_t i = 0; i < 12; ++i) {
    KnownPoint known;
    known.candidate = space.unrank(i * 17);
    known.value = static_cast<double>(i);
    known.measurements = 1;
    known.loo_error = 1.0 + static_cast<double>(i);
    problem.known.push_back(known);
  }
  PlanOptions options;
  options.batch = 8;
  options.mix = {{Strategy::exploit, 3, 0.0},
                 {Strategy::explore, 3, 0.0},
                 {Strategy::recheck, 1, 0.0},
                 {Strategy::bridge, 1, 0.0}};
  const auto plan = plan_sharing(problem, options, 0, Executor(1), {});
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  ASSERT_EQ(plan->proposals.size(), 8U);
  for (const Proposal& proposal : plan->proposals) {
    EXPECT_EQ(proposal.candidate.conditions[0], plan->proposals[0].candidate.conditions[0]);
    EXPECT_EQ(proposal.index, space.rank(proposal.candidate));
  }
  EXPECT_THAT(plan->notes, Contains(HasSubstr("All samples share temperature_C")));
}

}  // namespace
}  // namespace kasetsu::planning
