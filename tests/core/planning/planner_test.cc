#include "core/planning/planner.h"
#include "core/planning/automatic_mix.h"
#include "core/planning/surrogates/farthest_points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "tests/core/planning/planning_fixtures.h"

namespace kasetsu::planning {
namespace {

using testing::HasSubstr;

std::vector<KnownPoint> random_known(const CandidateSpace& space, int count, std::uint64_t seed) {
  Random random(seed);
  std::vector<KnownPoint> known;
  for (int i = 0; i < count; ++i) {
    KnownPoint point;
    point.candidate = space.unrank(random.below(space.size()));
    point.value = ToySurrogate::coordinates(point.candidate)[0] + 0.1 * random.normal();
    point.measurements = 1;
    point.loo_error = std::abs(random.normal());
    known.push_back(point);
  }
  return known;
}

PlanProblem problem_of(const CandidateSpace& space, const Surrogate& surrogate,
                       std::vector<KnownPoint> known) {
  PlanProblem problem;
  problem.space = &space;
  problem.surrogate = &surrogate;
  problem.known = std::move(known);
  problem.target = "C2_yield";
  problem.unit = "%";
  return problem;
}

// Everything evaluated one by one: what the planner must agree with.
struct Reference {
  std::vector<std::uint64_t> index;
  Evaluation evaluation;
  Eigen::MatrixXd known;
};

Reference evaluate_all(const PlanProblem& problem) {
  Reference reference;
  std::set<std::uint64_t> excluded;
  std::vector<Candidate> known;
  for (const KnownPoint& point : problem.known) {
    known.push_back(point.candidate);
    if (const auto index = problem.space->rank(point.candidate)) excluded.insert(*index);
  }
  std::vector<Candidate> all;
  for (std::uint64_t i = 0; i < problem.space->size(); ++i) {
    Candidate candidate = problem.space->unrank(i);
    if (excluded.count(i) || (problem.rules && !problem.rules->allows(candidate))) continue;
    reference.index.push_back(i);
    all.push_back(std::move(candidate));
  }
  EXPECT_TRUE(problem.surrogate->evaluate(all, reference.evaluation).ok());
  Evaluation of_known;
  EXPECT_TRUE(problem.surrogate->evaluate(known, of_known).ok());
  reference.known = of_known.coordinates;
  return reference;
}

std::vector<std::uint64_t> indices(const Plan& plan, Strategy strategy) {
  std::vector<std::uint64_t> result;
  for (const Proposal& proposal : plan.proposals) {
    if (proposal.strategy == strategy) result.push_back(proposal.index.value());
  }
  return result;
}

// Farthest points, the slow way.
std::vector<std::uint64_t> slow_farthest(const Reference& reference, int count) {
  std::vector<std::uint64_t> picks;
  std::vector<Eigen::VectorXd> points;
  for (Eigen::Index k = 0; k < reference.known.rows(); ++k) {
    points.push_back(reference.known.row(k).transpose());
  }
  for (int n = 0; n < count; ++n) {
    double farthest = -1.0;
    std::size_t best = 0;
    for (std::size_t i = 0; i < reference.index.size(); ++i) {
      const Eigen::VectorXd point =
          reference.evaluation.coordinates.row(static_cast<Eigen::Index>(i)).transpose();
      double nearest = 1e300;
      for (const auto& other : points) nearest = std::min(nearest, (point - other).norm());
      if (nearest > farthest + 1e-12) {
        farthest = nearest;
        best = i;
      }
    }
    picks.push_back(reference.index[best]);
    points.push_back(
        reference.evaluation.coordinates.row(static_cast<Eigen::Index>(best)).transpose());
  }
  return picks;
}

TEST(Planner, ExploreEqualsTheSlowWay) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  PlanProblem problem = problem_of(space, surrogate, random_known(space, 40, 1));
  PlanOptions options;
  options.batch = 12;
  options.mix = {{Strategy::explore, 12, 0.0}};
  const auto plan = planning::plan(problem, options, Executor(2), {});
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  EXPECT_TRUE(plan->exact);
  EXPECT_EQ(plan->evaluated, 36'540U);
  EXPECT_EQ(indices(*plan, Strategy::explore), slow_farthest(evaluate_all(problem), 12));
}

TEST(Planner, SmallReservoirIsExactWhenItSaysSo) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  PlanProblem problem = problem_of(space, surrogate, random_known(space, 40, 2));
  const auto reference = slow_farthest(evaluate_all(problem), 10);
  bool exact_seen = false;
  bool inexact_seen = false;
  for (const std::size_t reservoir : {10UL, 30UL, 100UL, 300UL, 1000UL, 3000UL, 10'000UL}) {
    PlanOptions options;
    options.batch = 10;
    options.mix = {{Strategy::explore, 10, 0.0}};
    options.reservoir = reservoir;
    const auto plan = planning::plan(problem, options, Executor(2), {});
    ASSERT_TRUE(plan.ok());
    if (plan->exact) {
      exact_seen = true;
      EXPECT_EQ(indices(*plan, Strategy::explore), reference) << reservoir;
    } else {
      inexact_seen = true;
      EXPECT_THAT(plan->notes, testing::Contains(HasSubstr("not proven")));
    }
  }
  EXPECT_TRUE(exact_seen);
  EXPECT_TRUE(inexact_seen);
}

TEST(Planner, ExploitWithoutDiversityIsTheTopOfTheList) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  for (const Goal goal : {Goal::maximize, Goal::minimize}) {
    PlanProblem problem = problem_of(space, surrogate, random_known(space, 40, 3));
    PlanOptions options;
    options.batch = 15;
    options.aim = {goal, 0.0};
    options.diversity = 0.0;
    options.acquisition = Acquisition::mean;
    options.mix = {{Strategy::exploit, 15, 0.0}};
    const auto plan = planning::plan(problem, options, Executor(2), {});
    ASSERT_TRUE(plan.ok());
    const Reference reference = evaluate_all(problem);
    std::vector<std::pair<double, std::uint64_t>> order;
    for (std::size_t i = 0; i < reference.index.size(); ++i) {
      const double mean = reference.evaluation.mean[static_cast<Eigen::Index>(i)];
      order.emplace_back(goal == Goal::maximize ? -mean : mean, reference.index[i]);
    }
    std::sort(order.begin(), order.end());
    std::vector<std::uint64_t> expected;
    for (int n = 0; n < 15; ++n) expected.push_back(order[static_cast<std::size_t>(n)].second);
    EXPECT_EQ(indices(*plan, Strategy::exploit), expected);
  }
}

TEST(Planner, DiversitySpreadsThePicks) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  PlanProblem problem = problem_of(space, surrogate, random_known(space, 40, 3));
  const auto spread = [&](double diversity) {
    PlanOptions options;
    options.batch = 15;
    options.diversity = diversity;
    options.mix = {{Strategy::exploit, 15, 0.0}};
    const auto plan = planning::plan(problem, options, Executor(2), {});
    double sum = 0.0;
    for (const Proposal& a : plan->proposals) {
      double nearest = 1e300;
      for (const Proposal& b : plan->proposals) {
        if (a.key == b.key) continue;
        const auto pa = ToySurrogate::coordinates(a.candidate);
        const auto pb = ToySurrogate::coordinates(b.candidate);
        nearest = std::min(nearest, std::hypot(pa[0] - pb[0], pa[1] - pb[1], pa[2] - pb[2]));
      }
      sum += nearest;
    }
    return sum / 15.0;
  };
  EXPECT_GT(spread(0.7), 1.2 * spread(0.0));
}

TEST(Planner, SamePlanForAnyNumberOfThreads) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  PlanProblem problem = problem_of(space, surrogate, random_known(space, 60, 4));
  PlanOptions options;
  options.batch = 24;
  options.mix = {{Strategy::bridge, 2, 0.0},    {Strategy::recheck, 2, 0.0},
                 {Strategy::exploit, 0, 0.4},   {Strategy::explore, 0, 0.3},
                 {Strategy::challenge, 0, 0.2}, {Strategy::random, 0, 0.1}};
  std::vector<std::string> first;
  for (const unsigned threads : {1U, 2U, 5U}) {
    const auto plan = planning::plan(problem, options, Executor(threads), {});
    ASSERT_TRUE(plan.ok());
    ASSERT_EQ(plan->proposals.size(), 24U);
    std::vector<std::string> lines;
    std::set<std::string> keys;
    for (const Proposal& p : plan->proposals) {
      lines.push_back(std::string(to_string(p.strategy)) + " " + p.key + " " + p.reason + " " +
                      p.runner_up + " " + p.nearest);
      EXPECT_TRUE(keys.insert(p.key).second) << "proposed twice: " << p.key;
      EXPECT_FALSE(p.reason.empty());
      if (p.strategy != Strategy::recheck && p.strategy != Strategy::bridge) {
        for (const KnownPoint& known : problem.known) {
          EXPECT_NE(p.key, space.key(known.candidate));
        }
      }
    }
    if (first.empty()) first = lines;
    EXPECT_EQ(lines, first);
  }
}

TEST(Planner, KnownPointsFollowTheSwitches) {
  SpaceDefinition definition;
  definition.parts.push_back({Slots{elements({"Li", "Na", "K"}), 1, false, true, 1.0}, {}, {}});
  const auto space = CandidateSpace::make(definition).value();  // three candidates
  const ToySurrogate surrogate;
  const auto proposed = [&](KnownState state, PlanOptions options) {
    KnownPoint point;
    point.candidate = space.unrank(1);
    point.state = state;
    options.batch = 3;
    options.mix = {{Strategy::random, 3, 0.0}};
    const auto plan =
        planning::plan(problem_of(space, surrogate, {point}), options, Executor(1), {});
    EXPECT_TRUE(plan.ok());
    std::set<std::string> keys;
    for (const Proposal& p : plan->proposals) keys.insert(p.key);
    return keys.count(space.key(point.candidate)) > 0;
  };
  PlanOptions all;
  all.allow_measured = all.allow_proposed = all.allow_pending = all.allow_failed = true;
  EXPECT_FALSE(proposed(KnownState::measured, {}));
  EXPECT_FALSE(proposed(KnownState::proposed, {}));
  EXPECT_FALSE(proposed(KnownState::pending, {}));
  EXPECT_TRUE(proposed(KnownState::failed, {}));
  EXPECT_FALSE(proposed(KnownState::infeasible, {}));
  EXPECT_TRUE(proposed(KnownState::measured, all));
  EXPECT_TRUE(proposed(KnownState::proposed, all));
  EXPECT_TRUE(proposed(KnownState::pending, all));
  EXPECT_FALSE(proposed(KnownState::infeasible, all));
}

TEST(Planner, AKnownPointWithoutConditionsStandsForAllOfThem) {
  SpaceDefinition definition;
  definition.parts.push_back({Slots{elements({"Li", "Na", "K"}), 1, false, true, 1.0}, {}, {}});
  definition.conditions.push_back({"temperature_C", {600, 700, 800}});
  const auto space = CandidateSpace::make(definition).value();  // nine candidates
  const ToySurrogate surrogate;
  KnownPoint pending;
  pending.candidate.catalyst = space.unrank(0).catalyst;
  pending.state = KnownState::pending;
  KnownPoint measured;
  measured.candidate = space.unrank(3);
  measured.value = 1.0;
  measured.measurements = 1;
  PlanOptions options;
  options.batch = 9;
  options.mix = {{Strategy::explore, 0, 0.5}, {Strategy::random, 0, 0.5}};
  const auto plan =
      planning::plan(problem_of(space, surrogate, {pending, measured}), options, Executor(1), {});
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  EXPECT_EQ(plan->excluded, 4U);
  EXPECT_EQ(plan->allowed, 5U);
  for (const Proposal& p : plan->proposals) {
    EXPECT_NE(p.candidate.catalyst, pending.candidate.catalyst);
  }
}

TEST(Planner, SaysWhenTheSpaceIsUsedUp) {
  SpaceDefinition definition;
  definition.parts.push_back({Slots{elements({"Li", "Na", "K"}), 1, false, true, 1.0}, {}, {}});
  const auto space = CandidateSpace::make(definition).value();
  const ToySurrogate surrogate(false);
  PlanOptions options;
  options.batch = 10;
  const auto plan = planning::plan(problem_of(space, surrogate, {}), options, Executor(1), {});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->proposals.size(), 3U);
  EXPECT_THAT(plan->notes, testing::Contains(HasSubstr("Only 3 of 10")));
}

TEST(Planner, ColdStartCoversTheSpace) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate(false);
  PlanProblem problem = problem_of(space, surrogate, {});
  PlanOptions options;
  options.batch = 30;  // the default mix: everything goes to explore
  const auto plan = planning::plan(problem, options, Executor(2), {});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->proposals.size(), 30U);
  EXPECT_TRUE(plan->exact);
  for (const Proposal& p : plan->proposals) EXPECT_EQ(p.strategy, Strategy::explore);
  EXPECT_THAT(plan->notes, testing::Contains(HasSubstr("no model yet")));
}

TEST(Planner, ExplorationCoversBetterThanChance) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  PlanProblem problem = problem_of(space, surrogate, random_known(space, 20, 5));
  const Reference reference = evaluate_all(problem);
  const auto radius = [&](Strategy strategy) {
    PlanOptions options;
    options.batch = 100;
    options.mix = {{strategy, 100, 0.0}};
    const auto plan = planning::plan(problem, options, Executor(2), {});
    Eigen::MatrixXd known(reference.known.rows() + 100, 3);
    known.topRows(reference.known.rows()) = reference.known;
    for (Eigen::Index i = 0; i < 100; ++i) {
      const auto point =
          ToySurrogate::coordinates(plan->proposals[static_cast<std::size_t>(i)].candidate);
      for (int j = 0; j < 3; ++j) {
        known(reference.known.rows() + i, j) = point[static_cast<std::size_t>(j)];
      }
    }
    return covering_radius(reference.evaluation.coordinates, known);
  };
  EXPECT_LE(radius(Strategy::explore), 2.0 / 3.0 * radius(Strategy::random));
}

TEST(Planner, RulesCountAndBind) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  const auto rules = RuleSet::make({{"alkali", GroupLimit{elements({"Li", "Na", "K", "Cs"}), 0, 1}},
                                    {"no titania", ForbidSupports{{"TiO2"}}}},
                                   space)
                         .value();
  PlanProblem problem = problem_of(space, surrogate, random_known(space, 40, 6));
  problem.rules = &rules;
  PlanOptions options;
  options.batch = 40;
  const auto plan = planning::plan(problem, options, Executor(2), {});
  ASSERT_TRUE(plan.ok());
  for (const Proposal& p : plan->proposals) {
    EXPECT_TRUE(p.strategy == Strategy::recheck || rules.allows(p.candidate)) << p.key;
  }
  const auto counts = count_rules(space, rules, Executor(2), {}).value();
  ASSERT_EQ(plan->rules.size(), 2U);
  EXPECT_EQ(plan->rules[0].removed, counts.rules[0].removed);
  EXPECT_EQ(plan->rules[1].removed, 36'540U / 9U);
  EXPECT_FALSE(plan->rules[1].estimated);
}

TEST(Planner, LargeSpaceIsSampledAndSaysSo) {
  SpaceDefinition definition;
  std::vector<int> sixty;
  for (int z = 1; z <= 60; ++z) sixty.push_back(z);
  definition.parts.push_back({LoadingGrid{sixty, 5, 5, {0.1, 0.2}}, supports({"MgO", "SiO2"}), {}});
  const auto space = CandidateSpace::make(definition).value();
  const ToySurrogate surrogate;
  PlanOptions options;
  options.most_evaluated = 20'000;
  options.mix = {{Strategy::exploit, 0, 0.5}, {Strategy::explore, 0, 0.5}};
  const auto plan = planning::plan(problem_of(space, surrogate, random_known(space, 30, 8)),
                                   options, Executor(2), {});
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->sampled);
  EXPECT_FALSE(plan->exact);
  EXPECT_EQ(plan->evaluated, 20'000U);
  EXPECT_EQ(plan->proposals.size(), 20U);
  EXPECT_THAT(plan->notes, testing::Contains(HasSubstr("sample")));
}

TEST(Planner, RecheckTakesTheWorstExplained) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  std::vector<KnownPoint> known = random_known(space, 40, 9);
  known[7].loo_error = 100.0;
  known[9].loo_error = 90.0;
  known[9].measurements = 3;  // often enough
  known[11].loo_error = 80.0;
  KnownPoint busy = known[11];
  busy.state = KnownState::pending;
  known.push_back(busy);
  known[13].loo_error = 70.0;
  PlanOptions options;
  options.batch = 2;
  options.mix = {{Strategy::recheck, 2, 0.0}};
  const auto plan = planning::plan(problem_of(space, surrogate, known), options, Executor(1), {});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->proposals.size(), 2U);
  EXPECT_EQ(plan->proposals[0].key, space.key(known[7].candidate));
  EXPECT_EQ(plan->proposals[1].key, space.key(known[13].candidate));
}

TEST(Planner, BridgeTakesTheReferences) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  PlanOptions options;
  options.batch = 3;
  options.mix = {{Strategy::bridge, 2, 0.0}, {Strategy::explore, 1, 0.0}};
  options.references = {space.unrank(100), space.unrank(200), space.unrank(300)};
  const auto plan = planning::plan(problem_of(space, surrogate, random_known(space, 20, 10)),
                                   options, Executor(1), {});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(indices(*plan, Strategy::bridge), (std::vector<std::uint64_t>{100, 200}));
}

TEST(Planner, CanBeCancelledAndReportsProgress) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  std::stop_source source;
  Control control;
  control.stop = source.get_token();
  double last = 0.0;
  control.progress = [&](double fraction, std::string_view) {
    EXPECT_GE(fraction, last);
    last = fraction;
  };
  const PlanProblem problem = problem_of(space, surrogate, random_known(space, 20, 11));
  ASSERT_TRUE(planning::plan(problem, {}, Executor(2), control).ok());
  EXPECT_EQ(last, 1.0);
  source.request_stop();
  const auto plan = planning::plan(problem, {}, Executor(2), control);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::cancelled);
}

// Asks for an end once `picks` proposals are being put together.
class EndingSurrogate : public ToySurrogate {
 public:
  EndingSurrogate(std::stop_source& source, int picks) : source_(source), picks_(picks) {}
  std::vector<Driver> drivers(const Candidate& candidate) const override {
    if (++asked_ == picks_) source_.request_stop();
    return ToySurrogate::drivers(candidate);
  }
  int asked() const { return asked_; }

 private:
  std::stop_source& source_;
  int picks_;
  mutable int asked_ = 0;
};

TEST(Planner, ACancelReachesEveryStrategyWhileItPicks) {
  const CandidateSpace space = ocm_space();
  for (const Strategy strategy :
       {Strategy::exploit, Strategy::challenge, Strategy::explore, Strategy::random}) {
    std::stop_source source;
    const EndingSurrogate surrogate(source, 3);
    Control control;
    control.stop = source.get_token();
    PlanOptions options;
    options.batch = 200;
    options.mix = {{strategy, 200, 0.0}};
    const auto plan = planning::plan(problem_of(space, surrogate, random_known(space, 20, 12)),
                                     options, Executor(1), control);
    ASSERT_FALSE(plan.ok()) << to_string(strategy);
    EXPECT_EQ(plan.error().code, ErrorCode::cancelled) << to_string(strategy);
    EXPECT_EQ(surrogate.asked(), 3) << to_string(strategy);
  }
}

TEST(Planner, OptionsAreChecked) {
  const CandidateSpace space = ocm_space();
  const ToySurrogate surrogate;
  const auto refusal = [&](auto change) {
    PlanOptions options;
    change(options);
    const auto plan = planning::plan(problem_of(space, surrogate, {}), options, Executor(1), {});
    EXPECT_FALSE(plan.ok());
    return plan.ok() ? std::string() : plan.error().to_string();
  };
  EXPECT_THAT(refusal([](PlanOptions& o) { o.batch = 0; }), HasSubstr("batch"));
  EXPECT_THAT(refusal([](PlanOptions& o) { o.diversity = 2.0; }), HasSubstr("diversity"));
  EXPECT_THAT(refusal([](PlanOptions& o) { o.mix.clear(); }), HasSubstr("mix"));
  EXPECT_THAT(refusal([](PlanOptions& o) { o.acquisition = Acquisition::probability; }),
              HasSubstr("threshold"));
}

TEST(Mix, DividesABatch) {
  using Entry = MixEntry;
  const auto counts = [](Mix mix, int batch) { return divide(mix, batch).value(); };
  EXPECT_EQ(counts({Entry{Strategy::explore, 12, 0}, Entry{Strategy::exploit, 12, 0}}, 24),
            (std::vector<int>{12, 12}));
  EXPECT_EQ(counts({Entry{Strategy::recheck, 2, 0}, Entry{Strategy::exploit, 0, 0.5},
                    Entry{Strategy::explore, 0, 0.5}},
                   21),
            (std::vector<int>{2, 10, 9}));
  for (int batch = 1; batch < 100; ++batch) {
    const auto split = counts(default_mix(), batch);
    int sum = 0;
    for (const int n : split) sum += n;
    EXPECT_EQ(sum, batch);
  }
  EXPECT_FALSE(divide({Entry{Strategy::explore, 30, 0}}, 24).ok());
  EXPECT_FALSE(divide({Entry{Strategy::explore, 0, -1.0}}, 24).ok());
}

double share_of(const Mix& mix, Strategy strategy) {
  double share = 0.0;
  for (const MixEntry& entry : mix) share += entry.strategy == strategy ? entry.share : 0.0;
  return share;
}

TEST(Mix, WithoutCreditTheAutomaticOneIsTheDefault) {
  const std::vector<StrategyCredit> nothing{{Strategy::exploit, 8, 1, 0, 0.0},
                                            {Strategy::manual, 3, 1, 3, 1.0}};
  const AutomaticMix mix = automatic_mix(nothing, true);
  for (const MixEntry& entry : default_mix())
    EXPECT_EQ(share_of(mix.mix, entry.strategy), entry.share);
  EXPECT_EQ(mix.why, "");
}

TEST(Mix, FollowsWhatStrategiesEarnedAboveAFloor) {
  const std::vector<StrategyCredit> credits{{Strategy::exploit, 24, 3, 0, 0.0},
                                            {Strategy::explore, 18, 3, 0, 0.5},
                                            {Strategy::challenge, 12, 3, 0, 6.5},
                                            {Strategy::recheck, 6, 3, 0, 0.0}};
  const AutomaticMix mix = automatic_mix(credits, true);
  EXPECT_GT(share_of(mix.mix, Strategy::challenge), 0.28);
  double sum = 0.0;
  for (const MixEntry& entry : default_mix()) {
    sum += share_of(mix.mix, entry.strategy);
    EXPECT_GE(share_of(mix.mix, entry.strategy), 0.5 * entry.share);
  }
  EXPECT_NEAR(sum, 1.0, 1e-12);
  EXPECT_THAT(mix.why, HasSubstr("challenge found 0 hits and eliminated 6.5 hypotheses with 12 "
                                 "proposals in 3 batches"));
  // One lucky proposal is not yet a reason.
  const std::vector<StrategyCredit> lucky{{Strategy::exploit, 8, 1, 0, 0.0},
                                          {Strategy::recheck, 1, 1, 1, 0.0}};
  EXPECT_LT(share_of(automatic_mix(lucky, true).mix, Strategy::recheck), 0.13);
}

TEST(Mix, AModelThatDoesNotPredictExploitsNothing) {
  const AutomaticMix mix = automatic_mix({}, false);
  EXPECT_EQ(share_of(mix.mix, Strategy::exploit), 0.0);
  EXPECT_NEAR(share_of(mix.mix, Strategy::explore), 0.7, 1e-12);
  EXPECT_THAT(mix.why, HasSubstr("no better than the median"));
  EXPECT_TRUE(divide(mix.mix, 20).ok());
}

}  // namespace
}  // namespace kasetsu::planning
