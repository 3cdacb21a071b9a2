// The search by bounds against looking at every candidate, on random spaces, models and problems.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <thread>

#include "core/base/instruction_set.h"
#include "core/planning/bounds/branches.h"
#include "core/planning/bounds/ensemble_bounds.h"
#include "core/planning/surrogates/ensemble_surrogate.h"
#include "core/selection/model.h"
#include "tests/core/planning/planning_fixtures.h"
#include "tests/shared_data.h"

namespace kasetsu::planning {
namespace {

using kasetsu::testing::read_file;
using kasetsu::testing::source_file;

const std::vector<std::string> kSupports = {"MgO", "SiO2", "TiO2", "CeO2"};

std::vector<int> metals() {
  return elements({"Li", "Na", "K", "Mg", "Ca", "La", "Mn", "Fe", "Ni", "Cu", "Zn", "W"});
}

std::vector<Support> some_supports(Random& random) {
  std::vector<Support> chosen;
  for (const std::string& name : kSupports) {
    if (random.below(2) == 0) chosen.push_back({name, chemistry::parse_formula(name).value()});
  }
  return chosen;
}

struct Learnt {
  selection::Model model;
  std::vector<ConditionLevels> conditions;
};

// From random candidates with made-up values. parts: how the hypotheses' companions share.
Learnt learnt(std::uint64_t seed, int order, bool companions, bool with_conditions) {
  Random random(seed);
  Learnt out;
  if (with_conditions) out.conditions.push_back({"temperature_C", {600, 700, 750}});
  SpaceDefinition wide;
  wide.conditions = out.conditions;
  std::vector<Support> all;
  for (const std::string& name : kSupports)
    all.push_back({name, chemistry::parse_formula(name).value()});
  wide.parts.push_back({LoadingGrid{metals(), 1, 4, {0.1, 0.25, 0.5}}, all, {}});
  const CandidateSpace space = CandidateSpace::make(wide).value();
  selection::TrainingSet data;
  const int rows = 50;
  data.y.resize(rows);
  data.conditions.values.resize(rows, with_conditions ? 1 : 0);
  if (with_conditions) data.conditions.names = {"temperature_C"};
  for (int i = 0; i < rows; ++i) {
    const Candidate candidate = space.unrank(random.below(space.size()));
    double y = 0.4 * random.normal() + (candidate.catalyst.support == "CeO2" ? 1.5 : 0.0);
    for (const auto& part : candidate.catalyst.active.parts())
      y += 4.0 * part.amount * std::sin(0.7 * part.element) + (part.element % 7 == 0 ? 1.0 : 0.0);
    if (with_conditions) {
      data.conditions.values(i, 0) = candidate.conditions[0];
      y += 0.01 * candidate.conditions[0];
    }
    data.catalysts.push_back(candidate.catalyst);
    data.y[i] = y;
  }
  const auto table = chemistry::ElementTable::from_csv(
      read_file(source_file("config/elements/general.csv")), "general.csv");
  selection::ModelSettings settings;
  settings.order = order;
  settings.products = 200;
  settings.trees = companions ? 8 : 0;
  settings.calibration_folds = 0;
  settings.search.size = 4;
  settings.search.shared = 3;
  settings.search.hypotheses = 6;
  settings.search.work = 300'000;
  settings.search.seed = seed;
  auto model = selection::train(*table, data, settings, Executor(1), {});
  EXPECT_TRUE(model.ok()) << model.error().to_string();
  EXPECT_EQ(!model->companions.empty(), companions);
  out.model = std::move(model).value();
  return out;
}

SpacePart part_of(Random& random) {
  SpacePart part;
  std::vector<int> pool = metals();
  random.shuffle(pool);
  pool.resize(5 + random.below(5));
  const auto kind = random.below(4);
  if (kind == 0) {
    part.actives = Slots{pool, 3, random.below(2) == 0, random.below(2) == 0, 0.25};
  } else if (kind == 1) {
    part.actives = Simplex{pool, 4, 1, 3, random.below(2) == 0 ? 1.0 : 0.5};
  } else {
    std::vector<double> loadings = {0.1, 0.25, 0.5};
    loadings.resize(1 + random.below(3));
    part.actives = LoadingGrid{pool, static_cast<int>(random.below(2)), 3, loadings};
  }
  part.supports = some_supports(random);
  if (random.below(4) == 0) part.preparations = {"dry", "wet"};
  return part;
}

CandidateSpace space_of(Random& random, const std::vector<ConditionLevels>& conditions) {
  for (;;) {
    SpaceDefinition definition;
    definition.conditions = conditions;
    for (std::uint64_t n = 1 + random.below(2); n > 0; --n)
      definition.parts.push_back(part_of(random));
    if (random.below(4) == 0) {
      CatalystList list;
      const std::vector<int> pool = metals();
      for (int i = 0; i < 6; ++i) {
        chemistry::Catalyst catalyst;
        catalyst.active.add(pool[random.below(pool.size())], 0.3);
        list.catalysts.push_back(catalyst);
      }
      definition.parts.push_back({list, {}, {}});
    }
    auto space = CandidateSpace::make(definition);
    if (space.ok() && space->size() >= 600 && space->size() <= 4'000) return std::move(*space);
  }
}

std::vector<KnownPoint> known_of(Random& random, const CandidateSpace& space) {
  constexpr KnownState kStates[] = {KnownState::measured, KnownState::measured,
                                    KnownState::measured, KnownState::pending,
                                    KnownState::failed,   KnownState::infeasible};
  std::vector<KnownPoint> known;
  for (int i = 0; i < 25; ++i) {
    KnownPoint point;
    point.candidate = space.unrank(random.below(space.size()));
    point.state = kStates[random.below(6)];
    if (point.state == KnownState::measured) {
      point.value = 3.0 * random.normal();
      point.measurements = 1;
    } else if (random.below(2) == 0) {
      point.candidate.conditions.clear();  // it is not told under which conditions
    }
    known.push_back(std::move(point));
  }
  return known;
}

PlanOptions options_of(Random& random) {
  PlanOptions options;
  const auto kind = random.below(4);
  if (kind == 0) {
    options.batch = 8;
    options.mix = {{Strategy::exploit, 8, 0.0}};
  } else if (kind == 1) {
    options.batch = 6;
    options.mix = {{Strategy::explore, 6, 0.0}};
  } else {
    options.batch = 12;
    options.mix = {
        {Strategy::exploit, 5, 0.0}, {Strategy::challenge, 3, 0.0}, {Strategy::explore, 4, 0.0}};
  }
  constexpr Acquisition kAcquisitions[] = {Acquisition::expected_improvement,
                                           Acquisition::expected_improvement, Acquisition::mean,
                                           Acquisition::conservative, Acquisition::probability};
  options.acquisition = kAcquisitions[random.below(5)];
  options.aim.goal = random.below(2) == 0 ? Goal::maximize : Goal::minimize;
  options.threshold = options.aim.goal == Goal::maximize ? 3.0 : -1.0;
  options.allow_measured = random.below(4) == 0;
  return options;
}

// But for those at random, which fill a batch where a strategy finds too few.
std::vector<std::string> keys_of(const Plan& plan) {
  std::vector<std::string> keys;
  for (const Proposal& proposal : plan.proposals) {
    if (proposal.strategy != Strategy::random)
      keys.push_back(std::string(to_string(proposal.strategy)) + " " + proposal.key);
  }
  return keys;
}

// A candidate alone was predicted one rounding apart from the same among others, so that its twin
// by another preparation went before it.
TEST(RandomSpaces, APredictionDoesNotDependOnWhoIsAskedWithIt) {
  const Learnt with = learnt(3, 1, true, false);
  const auto surrogate = make_ensemble_surrogate(with.model).value();
  Random random(3);
  const CandidateSpace space = space_of(random, {});
  std::vector<Candidate> all;
  for (int i = 0; i < 100; ++i) all.push_back(space.unrank(random.below(space.size())));
  Evaluation together;
  ASSERT_TRUE(surrogate->evaluate(all, together).ok());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    Evaluation alone;
    ASSERT_TRUE(surrogate->evaluate({&all[i], 1}, alone).ok());
    EXPECT_EQ(alone.mean[0], together.mean[row]);
    EXPECT_EQ(alone.low[0], together.low[row]);
    EXPECT_EQ(alone.disagreement[0], together.disagreement[row]);
    EXPECT_EQ(alone.coordinates.row(0), together.coordinates.row(row));
  }
}

// How many spaces are tried: 200, or what KASETSU_SPACES tells.
std::uint64_t spaces_to_try() {
  const char* told = std::getenv("KASETSU_SPACES");
  return told != nullptr ? std::strtoull(told, nullptr, 10) : 200;
}

TEST(RandomSpaces, PicksAreThoseOfLookingAtEverything) {
  std::vector<Learnt> models;
  for (const bool with_conditions : {false, true}) {
    for (const bool companions : {false, true}) {
      for (const int order : {1, 2})
        models.push_back(learnt(models.size() + 1, order, companions, with_conditions));
    }
  }
  const std::uint64_t trials = spaces_to_try();
  std::uint64_t proven = 0;
  for (std::uint64_t trial = 0; trial < trials; ++trial) {
    SCOPED_TRACE(trial);
    Random random(1000 + trial);
    const Learnt& with = models[trial % models.size()];
    const CandidateSpace space = space_of(random, with.conditions);
    const auto surrogate = make_ensemble_surrogate(with.model).value();
    const auto rules = RuleSet::make(random_rules(random, space), space);
    PlanProblem problem;
    problem.space = &space;
    problem.surrogate = surrogate.get();
    problem.known = known_of(random, space);
    if (rules.ok()) problem.rules = &*rules;
    PlanOptions options = options_of(random);
    options.most_evaluated = 10;
    const auto bounded = plan(problem, options, Executor(1 + trial % 2), {});
    ASSERT_TRUE(bounded.ok()) << bounded.error().to_string();
    options.most_evaluated = std::uint64_t{1} << 40;
    const auto looked = plan(problem, options, Executor(1), {});
    ASSERT_TRUE(looked.ok()) << looked.error().to_string();
    // What is not proven may differ. It happens where everything left is where something is known.
    if (!bounded->exact) continue;
    ++proven;
    ASSERT_EQ(keys_of(*bounded), keys_of(*looked));
  }
  EXPECT_GE(proven, trials - trials / 20);
}

TEST(RandomSpaces, ElementsWithUnknownPropertiesAreBounded) {
  Learnt with = learnt(9, 1, false, false);
  descriptors::FeaturizerState& state = with.model.features;
  for (const int element : elements({"Fe", "Zn"})) {
    const auto row = std::lower_bound(state.elements.begin(), state.elements.end(), element);
    state.normalized.row(row - state.elements.begin()).setConstant(std::nan(""));
  }
  const auto surrogate = make_ensemble_surrogate(with.model).value();
  for (std::uint64_t trial = 0; trial < 12; ++trial) {
    SCOPED_TRACE(trial);
    Random random(500 + trial);
    const CandidateSpace space = space_of(random, {});
    PlanProblem problem;
    problem.space = &space;
    problem.surrogate = surrogate.get();
    problem.known = known_of(random, space);
    PlanOptions options = options_of(random);
    options.most_evaluated = 10;
    const auto bounded = plan(problem, options, Executor(1), {});
    ASSERT_TRUE(bounded.ok()) << bounded.error().to_string();
    options.most_evaluated = std::uint64_t{1} << 40;
    const auto looked = plan(problem, options, Executor(1), {});
    ASSERT_TRUE(looked.ok()) << looked.error().to_string();
    if (bounded->exact) {
      EXPECT_EQ(keys_of(*bounded), keys_of(*looked));
    }
  }
}

// A part of a space, at a random depth, without some of its elements; nothing where that leaves no
// candidate.
std::optional<Branch> branch_of(Random& random, const Branches& branches) {
  std::vector<Branch> parts = branches.roots();
  Branch branch = parts[random.below(parts.size())];
  for (std::uint64_t depth = random.below(7); depth > 0; --depth) {
    parts.clear();
    if (!branches.divide(branch, parts)) break;
    if (parts.empty()) return std::nullopt;
    branch = parts[random.below(parts.size())];
  }
  for (Items& left : branch.left) {
    for (std::size_t item = 0; item < left.size(); ++item) {
      if (random.below(5) == 0) left.reset(item);
    }
  }
  if (branches.sets(branch).count == 0 || !branches.narrow(branch)) return std::nullopt;
  return branch;
}

std::vector<Branch> compositions_of(const Branches& branches, const Branch& branch) {
  std::vector<Branch> open = {branch};
  std::vector<Branch> found;
  std::vector<Branch> parts;
  while (!open.empty()) {
    const Branch next = open.back();
    open.pop_back();
    parts.clear();
    if (branches.divide(next, parts)) {
      open.insert(open.end(), parts.begin(), parts.end());
    } else {
      found.push_back(next);
    }
  }
  return found;
}

// What is said of a branch's candidates with one of its elements, by element of items().
struct SaidOfElements {
  std::vector<double> high, low, spread, distance, companion;
};

SaidOfElements said_of_elements(Bounder& bounder) {
  const double companion = bounder.companions(true);
  Bounder::Predicted whole = bounder.predict(nullptr, false, false);
  bounder.place(nullptr);
  bounder.refine(whole);
  const double distance = bounder.farthest_together();
  bounder.refine_spread(whole);
  SaidOfElements said{bounder.medians_of_items(true, whole), bounder.medians_of_items(false, whole),
                      bounder.spreads_of_items(whole), bounder.distances_of_items(distance),
                      std::vector<double>(bounder.items().size(), companion)};
  if (bounder.companions_are_quick())
    said.companion =
        bounder.companions_of_items(true, std::vector<char>(bounder.items().size(), 1));
  return said;
}

TEST(RandomSpaces, NoCandidateExceedsWhatIsSaidOfItsElements) {
  int compared = 0;
  for (const bool with_conditions : {false, true}) {
    const Learnt with = learnt(21, 1, true, with_conditions);
    const auto surrogate = make_ensemble_surrogate(with.model).value();
    const Eigen::MatrixXd training = with.model.coordinates.transpose();
    for (std::uint64_t trial = 0; trial < 200; ++trial) {
      SCOPED_TRACE(trial);
      Random random(900 + trial);
      const CandidateSpace space = space_of(random, with.conditions);
      const auto tables =
          EnsembleBounds::make(*surrogate->ensemble(), space, EnsembleBounds::Of::predictions, {});
      ASSERT_NE(tables, nullptr);
      const Branches branches(*tables);
      const auto branch = branch_of(random, branches);
      if (!branch) continue;
      const ElementSets& sets = branches.sets(*branch);
      Bounder bounder(*tables);
      bounder.bound(sets, branches.amounts(*branch), branch->elements(sets), branch->left,
                    branches.hull(*branch));
      const SaidOfElements said = said_of_elements(bounder);
      Bounder point(*tables);
      for (const Branch& leaf : compositions_of(branches, *branch)) {
        const Branches::Composition of = branches.composition(leaf);
        point.evaluate(sets, {of.positions.data(), of.count}, of.amounts.data(),
                       branches.hull(leaf));
        for (const int place : branches.contexts(leaf)) {
          const Context& context = tables->contexts[sets.part][static_cast<std::size_t>(place)];
          point.mix(context);
          const Bounder::Predicted is = point.predict(&context, true, false);
          point.place(&context);
          const double distance = point.farthest_corner(training, 0.0);
          const double companion = point.companion(context);
          std::size_t item = 0;
          for (const Bounder::Cluster& cluster : bounder.clusters()) {
            for (const std::size_t end = item + cluster.size; item < end; ++item) {
              bool has = false;
              for (std::size_t k = 0; k < of.count; ++k)
                has = has ||
                      (of.positions[k] == bounder.items()[item] && of.amounts[k] == cluster.amount);
              if (!has) continue;
              constexpr double kRounding = 1e-6;
              EXPECT_LE(is.high, said.high[item] + kRounding);
              EXPECT_GE(is.low, said.low[item] - kRounding);
              EXPECT_LE(is.spread_high, said.spread[item] + kRounding);
              EXPECT_LE(distance, said.distance[item] + kRounding);
              EXPECT_LE(companion, said.companion[item] + kRounding);
              ++compared;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(compared, 20'000);
}

// A space that takes a second: large enough to be stopped and to be divided among threads.
struct Large {
  Learnt with = learnt(77, 1, true, false);
  CandidateSpace space = make_space();
  std::unique_ptr<Surrogate> surrogate = make_ensemble_surrogate(with.model).value();
  PlanProblem problem;
  PlanOptions options;

  Large() {
    Random random(5);
    problem.space = &space;
    problem.surrogate = surrogate.get();
    problem.known = known_of(random, space);
    options.batch = 12;
    options.mix = {
        {Strategy::exploit, 5, 0.0}, {Strategy::challenge, 3, 0.0}, {Strategy::explore, 4, 0.0}};
    options.most_evaluated = 10;
  }
  static CandidateSpace make_space() {
    SpaceDefinition definition;
    std::vector<Support> all;
    for (const std::string& name : kSupports)
      all.push_back({name, chemistry::parse_formula(name).value()});
    definition.parts.push_back({LoadingGrid{metals(), 5, 6, {0.1, 0.25}}, all, {}});
    return CandidateSpace::make(definition).value();
  }
};

// Keys, notes (also how much was bounded, opened and looked at) and what is proven.
void expect_same(const Result<Plan>& one, const Result<Plan>& other) {
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(keys_of(*one), keys_of(*other));
  EXPECT_EQ(one->notes, other->notes);
  EXPECT_EQ(one->exact, other->exact);
}

TEST(RandomSpaces, ThreadsDoNotChangeAnything) {
  const Large large;
  expect_same(plan(large.problem, large.options, Executor(1), {}),
              plan(large.problem, large.options, Executor(2), {}));
}

TEST(RandomSpaces, InstructionSetsDoNotChangeAnything) {
  const Large large;
  const auto best = plan(large.problem, large.options, Executor(2), {});
  for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2}) {
    if (!force_instruction_set(set)) continue;  // this processor lacks it
    SCOPED_TRACE(to_string(set));
    expect_same(best, plan(large.problem, large.options, Executor(2), {}));
    force_instruction_set({});
  }
}

double cpu_seconds_of_process() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Within 100 ms on an idle machine: what counts is how much is computed after the cancel.
TEST(RandomSpaces, EndsSoonAfterACancel) {
  const Large large;
  const double start = cpu_seconds_of_process();
  ASSERT_TRUE(plan(large.problem, large.options, Executor(1), {}).ok());
  const double whole = cpu_seconds_of_process() - start;
  for (const double moment : {0.05, 0.2, 0.4, 0.6, 0.8}) {
    std::stop_source source;
    Control control;
    control.stop = source.get_token();
    const double begun = cpu_seconds_of_process();
    std::atomic<bool> done{false};
    double cancelled_at = 0.0;
    std::thread stopper([&] {
      while (!done && cpu_seconds_of_process() - begun < moment * whole)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      cancelled_at = cpu_seconds_of_process();
      source.request_stop();
    });
    const auto result = plan(large.problem, large.options, Executor(1), control);
    const double ended = cpu_seconds_of_process();
    done = true;
    stopper.join();
    if (result.ok()) continue;  // it was faster
    EXPECT_EQ(result.error().code, ErrorCode::cancelled);
    EXPECT_LT(ended - cancelled_at, 0.1 * std::max(1.0, whole)) << moment;
  }
}

// The tables of 90,000 supports under conditions: made in a time that does not grow with the square
// of that, and given up soon, wherever a cancel comes. What is told of time counts how often it is
// asked.
TEST(RandomSpaces, TablesOfManyConditionsAreGivenUpSoon) {
  const Learnt with = learnt(21, 1, true, true);
  const auto surrogate = make_ensemble_surrogate(with.model).value();
  SpaceDefinition definition;
  ConditionLevels levels{"temperature_C", {}};
  for (int i = 0; i < 22'500; ++i) levels.levels.push_back(500.0 + 0.02 * i);
  definition.conditions = {levels};
  std::vector<Support> supports;
  for (const std::string& name : kSupports)
    supports.push_back({name, chemistry::parse_formula(name).value()});
  definition.parts.push_back({LoadingGrid{metals(), 1, 2, {0.1}}, supports, {}});
  const CandidateSpace space = CandidateSpace::make(definition).value();
  for (const auto of : {EnsembleBounds::Of::places, EnsembleBounds::Of::predictions}) {
    std::size_t asked = 0;
    std::size_t last = 0;  // ask at which time is over; 0: never
    double longest = 0.0;
    double before = cpu_seconds_of_process();
    const double start = before;
    Control control;
    control.seconds_left = [&] {
      const double now = cpu_seconds_of_process();
      longest = std::max(longest, now - before);
      before = now;
      ++asked;
      return last > 0 && asked >= last ? 0.0 : 1.0;
    };
    const auto make = [&] {
      return EnsembleBounds::make(*surrogate->ensemble(), space, of, control);
    };
    ASSERT_NE(make(), nullptr);
    const double whole = cpu_seconds_of_process() - start;
    EXPECT_LT(longest, 0.1 * std::max(1.0, whole));
    const std::size_t all = asked;
    for (const double share : {0.1, 0.4, 0.8}) {
      asked = 0;
      last = static_cast<std::size_t>(share * static_cast<double>(all));
      EXPECT_EQ(make(), nullptr);
      EXPECT_LT(asked, last + 20) << "once a loop that ends";
    }
  }
}

}  // namespace
}  // namespace kasetsu::planning
