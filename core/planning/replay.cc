#include "core/planning/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "core/base/constants.h"
#include "core/base/random.h"

namespace kasetsu::planning {
namespace {

// The pool without repeats, in the order of the space's indices.
struct Pool {
  std::optional<CandidateSpace> space;
  std::vector<double> values;          // by index in the space
  std::vector<std::size_t> first_row;  // of the problem
  std::vector<bool> top;               // among the best 1 %
  std::size_t top_count = 0;
  double best = 0.0;
};

Result<Pool> make_pool(const ReplayProblem& problem, Goal goal) {
  if (static_cast<Eigen::Index>(problem.catalysts.size()) != problem.values.size()) {
    return Error{ErrorCode::invalid_argument, "catalysts and values differ in number", "replay", "",
                 "one value a catalyst"};
  }
  if (!problem.values.allFinite()) {
    return Error{ErrorCode::invalid_argument, "a value is not finite", "replay", "", "numbers"};
  }
  Pool pool;
  SpaceDefinition definition;
  definition.parts.push_back({CatalystList{problem.catalysts}, {}, {}});
  Result<CandidateSpace> space = CandidateSpace::make(std::move(definition));
  if (!space) return space.error();
  pool.space = std::move(space).value();
  const auto size = static_cast<std::size_t>(pool.space->size());
  std::vector<double> sums(size, 0.0);
  std::vector<int> counts(size, 0);
  pool.first_row.assign(size, problem.catalysts.size());
  for (std::size_t row = 0; row < problem.catalysts.size(); ++row) {
    const auto index =
        static_cast<std::size_t>(pool.space->rank({problem.catalysts[row], {}}).value());
    sums[index] += problem.values[static_cast<Eigen::Index>(row)];
    ++counts[index];
    pool.first_row[index] = std::min(pool.first_row[index], row);
  }
  pool.values.resize(size);
  for (std::size_t i = 0; i < size; ++i) pool.values[i] = sums[i] / counts[i];
  const double sign = goal == Goal::maximize ? 1.0 : -1.0;
  std::vector<double> sorted = pool.values;
  std::sort(sorted.begin(), sorted.end(), [&](double a, double b) { return sign * a > sign * b; });
  pool.best = sorted.front();
  const std::size_t wanted = std::max<std::size_t>(1, size / 100);
  const double limit = sorted[wanted - 1];
  pool.top.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    pool.top[i] = sign * pool.values[i] >= sign * limit;
    if (pool.top[i]) ++pool.top_count;
  }
  return pool;
}

ReplayRound summarise(const Pool& pool, const std::vector<std::size_t>& measured,
                      const ReplayOptions& options) {
  const double sign = options.goal == Goal::maximize ? 1.0 : -1.0;
  ReplayRound round;
  round.n = static_cast<int>(measured.size());
  round.best = pool.values[measured.front()];
  std::size_t found = 0;
  for (const std::size_t i : measured) {
    const double value = pool.values[i];
    if (sign * value > sign * round.best) round.best = value;
    if (pool.top[i]) ++found;
    if (options.threshold ? sign * value >= sign * *options.threshold
                          : static_cast<bool>(pool.top[i])) {
      ++round.hits;
    }
  }
  round.regret = sign * (pool.best - round.best);
  round.recall_top1 = static_cast<double>(found) / static_cast<double>(pool.top_count);
  round.mae_next = kNaN;
  return round;
}

}  // namespace

Status ReplayOptions::validate(std::size_t pool) const {
  const auto wrong = [](std::string field, std::string value, std::string expected) {
    return Error{ErrorCode::invalid_argument, field + " is out of range", field, std::move(value),
                 std::move(expected)};
  };
  if (start < 2) return wrong("start", std::to_string(start), "2 or more");
  if (batch < 1) return wrong("batch", std::to_string(batch), "1 or more");
  if (rounds < 0) return wrong("rounds", std::to_string(rounds), "0 or more");
  if (seeds < 1) return wrong("seeds", std::to_string(seeds), "1 or more");
  const auto asked = static_cast<std::uint64_t>(start) +
                     static_cast<std::uint64_t>(batch) * static_cast<std::uint64_t>(rounds);
  if (asked > pool) {
    return wrong("start + batch * rounds", std::to_string(asked),
                 fmt::format("at most the {} distinct catalysts of the pool", pool));
  }
  return {};
}

SurrogateMaker gaussian_maker(const Executor& executor, const Control& control) {
  return
      [&executor, control](const CandidateSpace& space, const std::vector<MeasuredPoint>& measured,
                           const Surrogate* before) -> Result<std::unique_ptr<Surrogate>> {
        Result<std::unique_ptr<GaussianSurrogate>> made = make_gaussian_surrogate(
            space, measured, {}, executor, dynamic_cast<const GaussianSurrogate*>(before), control);
        if (!made) return made.error();
        return std::unique_ptr<Surrogate>(std::move(made).value());
      };
}

namespace {

class Replayer {
 public:
  Replayer(const Pool& pool, const ReplayOptions& options, const SurrogateMaker& maker,
           const Executor& executor, const Control& control)
      : pool_(pool), options_(options), maker_(maker), executor_(executor), control_(control) {}

  ReplayRun by_chance(std::uint64_t seed) const {
    const std::vector<std::size_t> order = shuffled(seed);
    ReplayRun run;
    run.seed = seed;
    for (int round = 0; round <= options_.rounds; ++round) {
      const auto n = static_cast<std::ptrdiff_t>(options_.start + round * options_.batch);
      run.rounds.push_back(summarise(pool_, {order.begin(), order.begin() + n}, options_));
      run.rounds.back().surrogate = "random";
    }
    return run;
  }

  // first_step: of all runs together, for the progress.
  Result<ReplayRun> by_plan(std::uint64_t seed, int first_step) const {
    std::vector<std::size_t> measured = shuffled(seed);
    measured.resize(static_cast<std::size_t>(options_.start));
    ReplayRun run;
    run.seed = seed;
    std::unique_ptr<Surrogate> surrogate;
    const double steps = static_cast<double>(options_.seeds) * std::max(1, options_.rounds);
    for (int round = 0; round <= options_.rounds; ++round) {
      run.rounds.push_back(summarise(pool_, measured, options_));
      if (round == options_.rounds) break;
      if (control_.should_stop()) {
        return Error{ErrorCode::cancelled, "the replay was cancelled", "", "", ""};
      }
      control_.report((first_step + round) / steps, "replaying");
      const Result<Plan> batch =
          plan_next(measured, seed * 1000 + static_cast<std::uint64_t>(round), surrogate);
      if (!batch) return batch.error();
      measure(*batch, measured, run.rounds.back());
    }
    return run;
  }

 private:
  std::vector<std::size_t> shuffled(std::uint64_t seed) const {
    std::vector<std::size_t> order(pool_.values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    Random(seed).shuffle(order);
    return order;
  }

  // `surrogate`: of the round before; becomes that of this one.
  Result<Plan> plan_next(const std::vector<std::size_t>& measured, std::uint64_t seed,
                         std::unique_ptr<Surrogate>& surrogate) const {
    std::vector<MeasuredPoint> points;
    PlanProblem problem;
    for (const std::size_t i : measured) {
      KnownPoint known;
      known.candidate = pool_.space->unrank(i);
      known.value = pool_.values[i];
      known.measurements = 1;
      points.push_back({known.candidate, known.value});
      problem.known.push_back(std::move(known));
    }
    Result<std::unique_ptr<Surrogate>> next = maker_(*pool_.space, points, surrogate.get());
    if (!next) return next.error();
    surrogate = std::move(next).value();
    problem.space = &*pool_.space;
    problem.surrogate = surrogate.get();
    PlanOptions plan_options;
    plan_options.batch = options_.batch;
    plan_options.mix = options_.mix;
    plan_options.aim = {options_.goal, 0.0};
    plan_options.threshold = options_.threshold;
    plan_options.acquisition = options_.acquisition;
    plan_options.diversity = options_.diversity;
    plan_options.seed = seed;
    Control control;  // a round's progress is told by the replay
    control.stop = control_.stop;
    control.seconds_left = control_.seconds_left;
    return plan(problem, plan_options, executor_, control);
  }

  void measure(const Plan& batch, std::vector<std::size_t>& measured, ReplayRound& round) const {
    double error = 0.0;
    std::set<std::size_t> chosen;
    for (const Proposal& proposal : batch.proposals) {
      // A recheck costs a place on the plate; it tells nothing new here.
      if (!proposal.index) continue;
      const auto i = static_cast<std::size_t>(*proposal.index);
      error += std::abs(proposal.mean - pool_.values[i]);
      chosen.insert(i);
    }
    round.surrogate = batch.surrogate;
    round.mae_next = chosen.empty() ? kNaN : error / static_cast<double>(batch.proposals.size());
    const std::set<std::size_t> before(measured.begin(), measured.end());
    for (const std::size_t i : chosen) {
      if (!before.count(i)) measured.push_back(i);
    }
  }

  const Pool& pool_;
  const ReplayOptions& options_;
  const SurrogateMaker& maker_;
  const Executor& executor_;
  const Control& control_;
};

}  // namespace

Result<ReplayResult> replay(const ReplayProblem& problem, const ReplayOptions& options,
                            const SurrogateMaker& maker, const Executor& executor,
                            const Control& control) {
  const Result<Pool> pool = make_pool(problem, options.goal);
  if (!pool) return pool.error();
  if (Status status = options.validate(pool->values.size()); !status) return status.error();
  ReplayResult result;
  result.pool = pool->values.size();
  for (std::size_t i = 0; i < pool->top.size(); ++i) {
    if (pool->top[i]) result.top1.push_back(pool->first_row[i]);
  }
  std::sort(result.top1.begin(), result.top1.end());
  const Replayer replayer(*pool, options, maker, executor, control);
  for (int s = 0; s < options.seeds; ++s) {
    const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(s);
    result.random.push_back(replayer.by_chance(seed));
    Result<ReplayRun> run = replayer.by_plan(seed, s * std::max(1, options.rounds));
    if (!run) return run.error();
    result.runs.push_back(std::move(run).value());
  }
  control.report(1.0, "replayed");
  return result;
}

}  // namespace kasetsu::planning
