// Retrospective active learning: a campaign played again on a pool whose values are all known,
// beside random choice. How a strategy is judged before a laboratory pays for it.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/planning/planner.h"
#include "core/planning/surrogates/gaussian_surrogate.h"

namespace kasetsu::planning {

struct ReplayProblem {
  std::vector<chemistry::Catalyst> catalysts;
  Eigen::VectorXd values;  // finite; rows with the same key are replicates, their mean is the truth
};

struct ReplayOptions {
  int start = 24;  // drawn at random
  int batch = 24;
  int rounds = 9;          // batches after the start
  int seeds = 5;           // runs
  std::uint64_t seed = 1;  // of the first run; the others follow
  Goal goal = Goal::maximize;
  std::optional<double> threshold;  // a hit
  Mix mix = {{Strategy::exploit, 0, 1.0}};
  Acquisition acquisition = Acquisition::expected_improvement;
  double diversity = 0.3;
  // Status with one sentence naming field, value and bound; `pool`: distinct catalysts.
  Status validate(std::size_t pool) const;
};

struct ReplayRound {
  int n = 0;            // measured so far
  double best = 0.0;    // best value so far
  double regret = 0.0;  // distance of it from the pool's best
  int hits = 0;         // measured at or beyond the threshold, or among the best 1 % without one
  // Mean absolute error of the predictions for the next batch, before it was measured; NaN after
  // the last one and where the surrogate does not predict.
  double mae_next = 0.0;
  double recall_top1 =
      0.0;                // share found of the best 1 % of the pool (at least one; ties included)
  std::string surrogate;  // that planned the next batch
};

struct ReplayRun {
  std::uint64_t seed = 0;
  std::vector<ReplayRound> rounds;  // the start, then one a batch
};

struct ReplayResult {
  std::vector<ReplayRun> runs;
  std::vector<ReplayRun> random;  // the same starts, continued at random
  std::vector<std::size_t>
      top1;              // indices of catalysts (first occurrence) that count as the best 1 %
  std::size_t pool = 0;  // distinct catalysts
};

// What plans: made anew before every batch from what is measured so far. `before`: the one of the
// round before, to begin from; null in the first round.
using SurrogateMaker = std::function<Result<std::unique_ptr<Surrogate>>(
    const CandidateSpace& space, const std::vector<MeasuredPoint>& measured,
    const Surrogate* before)>;

// Gaussian process on composition: see make_gaussian_surrogate. The executor must outlive it.
SurrogateMaker gaussian_maker(const Executor& executor, const Control& control = {});

// Deterministic for the options. Errors: invalid_argument (options, values); what the maker
// returns; cancelled.
Result<ReplayResult> replay(const ReplayProblem& problem, const ReplayOptions& options,
                            const SurrogateMaker& maker, const Executor& executor,
                            const Control& control);

}  // namespace kasetsu::planning
