// How long work goes on after it was asked to stop, for every phase of learning, validation
// and planning:
//
//   bench_cancel [MOMENTS [SEED [PHASE]]]
//
// Each phase runs once to its end, and then so many times (default 10) with a cancel at a random
// moment. On 600 rows: the methane-coupling history and copies of its rows with other amounts, on
// one thread. Printed is the longest delay, in CPU time of the thread that works (what an idle
// machine would need) and by the clock. Exit code 1 when a delay is above 100 ms of CPU time.
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <limits>
#include <string>
#include <thread>

#include "core/planning/planner.h"
#include "core/planning/surrogates/ensemble_surrogate.h"
#include "core/planning/surrogates/gaussian_surrogate.h"
#include "core/regression/gaussian_process.h"
#include "core/selection/model.h"
#include "core/selection/pipeline.h"
#include "core/selection/validation.h"
#include "tests/benchmark/arguments.h"
#include "tests/benchmark/real_tables.h"
#include "tests/core/planning/planning_fixtures.h"

namespace {

using namespace kasetsu;

constexpr double kBound = 0.1;  // seconds
constexpr int kRows = 600;

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

selection::TrainingSet six_hundred_rows() {
  const kasetsu::testing::RealSource source{"OCM-456", "catalysts/ocm_slots_456.csv", true};
  selection::TrainingSet data;
  data.catalysts = kasetsu::testing::real_catalysts(source);
  const Eigen::VectorXd y = kasetsu::testing::real_target(source);
  const auto measured = static_cast<Eigen::Index>(data.catalysts.size());
  data.y.resize(kRows);
  data.y.head(measured) = y;
  Random random(600);
  for (Eigen::Index i = measured; i < kRows; ++i) {
    const auto of = static_cast<std::size_t>(random.below(static_cast<std::uint64_t>(measured)));
    chemistry::Catalyst catalyst = data.catalysts[of];
    catalyst.active = {};
    for (const auto& part : data.catalysts[of].active.parts())
      catalyst.active.add(part.element, part.amount * (0.5 + random.uniform()));
    data.catalysts.push_back(std::move(catalyst));
    data.y[i] = y[static_cast<Eigen::Index>(of)] + random.normal();
  }
  return data;
}

// Few catalysts, measured over and over: their sizes are chosen by folds.
selection::TrainingSet many_replicates(const selection::TrainingSet& all) {
  constexpr int kCatalysts = 70;
  selection::TrainingSet data;
  data.y.resize(kRows);
  Random random(70);
  for (int i = 0; i < kRows; ++i) {
    data.catalysts.push_back(all.catalysts[static_cast<std::size_t>(i % kCatalysts)]);
    data.y[i] = all.y[i % kCatalysts] + 0.3 * random.normal();
  }
  return data;
}

struct Phase {
  std::string name;
  std::function<Status(const Control&)> work;
};

struct Delay {
  double cpu = 0.0, wall = 0.0;
};

// `after` below 0: never.
Delay stop_after(const Phase& phase, double after, double& duration) {
  std::stop_source source;
  Control control;
  control.stop = source.get_token();
  std::atomic<bool> done{false};
  clockid_t clock{};
  double cpu_end = 0.0, wall_end = 0.0;
  const double start = seconds_of(CLOCK_MONOTONIC);
  std::thread worker([&] {
    const Status status = phase.work(control);
    cpu_end = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    wall_end = seconds_of(CLOCK_MONOTONIC);
    done = true;
    if (!status && status.error().code != ErrorCode::cancelled) {
      std::fprintf(stderr, "%s: %s\n", phase.name.c_str(), status.error().to_string().c_str());
      std::exit(2);
    }
    if (status && after >= 0.0 && source.stop_requested() && wall_end - start > 2.0 * duration) {
      std::fprintf(stderr, "%s: was not stopped\n", phase.name.c_str());
    }
    while (!source.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  pthread_getcpuclockid(worker.native_handle(), &clock);
  if (after >= 0.0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(after));
  } else {
    while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const double cpu = seconds_of(clock);
  const double wall = seconds_of(CLOCK_MONOTONIC);
  source.request_stop();
  worker.join();
  if (after < 0.0) duration = wall_end - start;
  return {std::max(0.0, cpu_end - cpu), std::max(0.0, wall_end - wall)};
}

}  // namespace

int main(int argc, char** argv) {
  const int moments = argc > 1 ? kasetsu::number_argument<int>(argv[1]) : 10;
  const auto seed = argc > 2 ? kasetsu::number_argument<std::uint64_t>(argv[2]) : std::uint64_t{1};
  const std::string only = argc > 3 ? argv[3] : "";
  const auto elements = kasetsu::testing::shared_elements("xenonpy_elements_completed.csv");
  const selection::TrainingSet data = six_hundred_rows();
  const Executor executor(1);

  selection::ModelSettings plain;
  plain.calibration_folds = 0;
  plain.trees = 0;
  plain.search.time_limit = 1.0;
  const auto learn = [&](selection::ModelSettings settings) {
    return [&, settings](const Control& control) -> Status {
      const auto model = selection::train(elements, data, settings, executor, control);
      return model ? Status() : Status(model.error());
    };
  };
  const auto searching = [&](selection::SearchMethod method, double epsilon, double alpha) {
    selection::ModelSettings settings = plain;
    settings.search.method = method;
    settings.search.regression.epsilon = epsilon;
    settings.search.regression.alpha = alpha;
    return learn(settings);
  };
  const auto of_order = [&](int order) {
    selection::ModelSettings settings = plain;
    settings.order = order;
    settings.search.work = 1;
    return learn(settings);
  };
  selection::ModelSettings grown = plain;
  grown.search.work = 1;
  grown.trees = 100;
  selection::ModelSettings calibrated = selection::ModelSettings{};
  calibrated.search.time_limit = 1.0;
  selection::ModelSettings sized = calibrated;
  sized.size_by_nested_error = true;
  const auto validating = [&](int permutations, bool baselines) {
    selection::ValidationOptions options;
    options.model = calibrated;
    options.model.search.time_limit = 0.2;
    options.folds = 2;
    options.permutations = permutations;
    options.baselines = baselines;
    return [&, options](const Control& control) -> Status {
      const auto found = selection::validate(elements, data, options, executor, control);
      return found ? Status() : Status(found.error());
    };
  };
  const auto figure = [&](const Control& control) -> Status {
    selection::ValidationOptions options;
    options.model = plain;
    options.model.search.time_limit = 0.2;
    options.folds = 2;
    const auto found = selection::figure1(elements, data, options, executor, control);
    return found ? Status() : Status(found.error());
  };

  const selection::TrainingSet replicates = many_replicates(data);
  const auto choosing_size = [&](const Control& control) -> Status {
    const auto model = selection::train(elements, replicates, sized, executor, control);
    return model ? Status() : Status(model.error());
  };

  const auto gaussian_process = [&](const Control& control) -> Status {
    constexpr int kMostRows = 2000;  // that a campaign's Gaussian process plans with
    Random draw(7);
    Eigen::MatrixXd X(kMostRows, 12);
    for (double& x : X.reshaped()) x = draw.uniform();
    const auto process =
        regression::GaussianProcess::fit(X, X.rowwise().sum().array().sin(), {}, control);
    return process ? Status() : Status(process.error());
  };

  // The 36,540 candidates of methane coupling, six hundred of other amounts known.
  const planning::CandidateSpace space = planning::ocm_space();
  std::vector<planning::KnownPoint> known(kRows);
  std::vector<planning::MeasuredPoint> measured(kRows);
  for (int i = 0; i < kRows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    known[at].candidate.catalyst = measured[at].candidate.catalyst = data.catalysts[at];
    known[at].value = measured[at].value = data.y[i];
    known[at].measurements = 1;
    known[at].loo_error = 1.0;
  }
  const selection::Model model = selection::train(elements, data, plain, Executor(0), {}).value();
  const auto ensemble = planning::make_ensemble_surrogate(model).value();
  const auto plan_with = [&](const planning::Surrogate& surrogate,
                             const Control& control) -> Status {
    planning::PlanProblem problem;
    problem.space = &space;
    problem.surrogate = &surrogate;
    problem.known = known;
    planning::PlanOptions options;
    options.batch = 96;
    const auto planned = planning::plan(problem, options, executor, control);
    return planned ? Status() : Status(planned.error());
  };
  // The same at 10,000 temperatures: 90,000 supports under conditions, whose tables take longest.
  planning::ConditionLevels temperatures{"temperature_C", {}};
  for (int i = 0; i < 10'000; ++i) temperatures.levels.push_back(600.0 + 0.03 * i);
  const planning::CandidateSpace under_conditions = planning::ocm_space({temperatures});
  const auto plan_under_conditions = [&](const Control& control) -> Status {
    planning::PlanProblem problem;
    problem.space = &under_conditions;
    problem.surrogate = ensemble.get();
    problem.known = known;
    for (planning::KnownPoint& point : problem.known) point.candidate.conditions = {600.0};
    planning::PlanOptions options;
    options.batch = 12;
    const auto planned = planning::plan(problem, options, executor, control);
    return planned ? Status() : Status(planned.error());
  };
  planning::GaussianSurrogateOptions with_descriptors;
  with_descriptors.descriptors = ensemble.get();
  const auto process =
      planning::make_gaussian_surrogate(space, measured, with_descriptors, Executor(0)).value();
  const auto learn_process = [&](const Control& control) -> Status {
    const auto made = planning::make_gaussian_surrogate(space, measured, with_descriptors, executor,
                                                        nullptr, control);
    return made ? Status() : Status(made.error());
  };

  using selection::SearchMethod;
  const Phase phases[] = {
      {"descriptors",
       [&](const Control& control) -> Status {
         const auto prepared = selection::prepare(elements, data, plain, control);
         return prepared ? Status() : Status(prepared.error());
       }},
      {"products of order 2", of_order(2)},
      {"products of order 3", of_order(3)},
      {"exchange, Huber", searching(SearchMethod::exchange, 1.35, 0.0)},
      {"exchange, least absolute", searching(SearchMethod::exchange, 1.0, 0.0)},
      {"exchange, ridge", searching(SearchMethod::exchange, 1.35, 1e-4)},
      {"genetic, Huber", searching(SearchMethod::genetic, 1.35, 0.0)},
      {"genetic, least absolute", searching(SearchMethod::genetic, 1.0, 0.0)},
      {"random, Huber", searching(SearchMethod::random, 1.35, 0.0)},
      {"companions", learn(grown)},
      {"calibration", learn(calibrated)},
      {"choice of size", choosing_size},
      {"validation, baselines", validating(0, true)},
      {"validation, permutations", validating(3, false)},
      {"figure 1", figure},
      {"Gaussian process, 2,000", gaussian_process},
      {"Gaussian surrogate", learn_process},
      {"planning, hypotheses",
       [&](const Control& control) { return plan_with(*ensemble, control); }},
      {"planning, many conditions", plan_under_conditions},
      {"planning, Gaussian process",
       [&](const Control& control) { return plan_with(*process, control); }},
  };
  std::printf("%-26s %10s %14s %14s\n", "phase, on 600 rows", "lasts, s", "delay, CPU ms",
              "delay, wall ms");
  Random random(seed);
  double worst = 0.0;
  for (const Phase& phase : phases) {
    if (!only.empty() && phase.name != only) continue;
    double duration = 0.0;
    stop_after(phase, -1.0, duration);
    Delay longest;
    for (int moment = 0; moment < moments; ++moment) {
      const Delay delay = stop_after(phase, random.uniform() * duration, duration);
      longest.cpu = std::max(longest.cpu, delay.cpu);
      longest.wall = std::max(longest.wall, delay.wall);
    }
    std::printf("%-26s %10.2f %14.1f %14.1f\n", phase.name.c_str(), duration, 1e3 * longest.cpu,
                1e3 * longest.wall);
    std::fflush(stdout);
    worst = std::max(worst, longest.cpu);
  }
  std::printf("longest delay %.1f ms of CPU time (wanted: at most %.0f)\n", 1e3 * worst,
              1e3 * kBound);
  return worst <= kBound ? 0 : 1;
}
