// Which catalysts to make next. METHOD section 7.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/planning/mix.h"
#include "core/planning/plan.h"
#include "core/planning/space/rules.h"
#include "core/planning/space/space.h"
#include "core/planning/surrogates/acquisition.h"
#include "core/planning/surrogates/aim.h"
#include "core/planning/surrogates/surrogate.h"

namespace kasetsu::planning {

// measured: excluded unless allow_measured. proposed: offered before, unanswered (expired or
// cancelled). pending: someone is making it. failed: may be offered again (allow_failed).
// infeasible: never again.
enum class KnownState { measured, proposed, pending, failed, infeasible };

// Of one campaign, or of others: everything that exploration should keep away from and that is not
// to be proposed again. One entry a candidate and state; equal candidates may occur in several
// states.
struct KnownPoint {
  Candidate candidate;
  KnownState state = KnownState::measured;
  double value = std::numeric_limits<double>::quiet_NaN();  // mean of its measurements
  int measurements = 0;
  double loo_error = std::numeric_limits<double>::quiet_NaN();  // |leave-one-out residual|
};

struct PlanOptions {
  int batch = 20;
  Mix mix = default_mix();
  Aim aim;
  // A value that counts as a hit; with Goal::target, how far from the wanted value still does.
  std::optional<double> threshold;
  Acquisition acquisition = Acquisition::automatic;
  // 0: the best whatever they share; 1: only the distance counts. Used by challenge, and by exploit
  // where the surrogate has no joint prediction.
  double diversity = 0.3;
  // BayBE's switches. allow_measured is off here: repeating a measurement is recheck's work.
  bool allow_measured = false;
  bool allow_proposed = false;
  bool allow_pending = false;
  bool allow_failed = true;
  int most_measurements = 3;  // recheck leaves alone what was measured so often
  std::vector<Candidate>
      references;                 // bridge; empty: the measured ones nearest to the median value
  std::vector<Candidate> manual;  // asked for by hand: as many as the mix has places for, in order
  std::uint64_t seed = 1;         // random strategy, and the sample of a large space
  // A larger space is searched by bounds where the surrogate is an ensemble of hypotheses, and else
  // sampled evenly; the plan says so.
  std::uint64_t most_evaluated = 1'000'000;
  bool bounds = true;              // false: sample
  std::size_t reservoir = 65'536;  // candidates kept for farthest-point sampling
  // Returns one sentence naming field, value and bound.
  Status validate() const;
};

// A target beside the first one. With any, exploit looks for what extends the front of all of them
// (pareto.h), and PlanOptions::acquisition and ::threshold decide nothing but the first target's
// part in it. The other strategies follow the first target.
struct AlsoWanted {
  const Surrogate* surrogate = nullptr;  // predicts
  Aim aim;
  std::optional<double> threshold;
  std::string target, unit;
};

struct PlanProblem {
  const CandidateSpace* space = nullptr;
  const RuleSet* rules = nullptr;  // null: none
  const Surrogate* surrogate = nullptr;
  const Materials* materials = nullptr;  // null: stock and budgets do not matter
  std::vector<KnownPoint> known;
  std::string target;  // for the sentences: "C2_yield"
  std::string unit;    // "%"
  std::vector<AlsoWanted> also;
};

// The same problem, options and seed give the same plan for any number of threads; ties go to the
// smaller index. Errors: invalid_argument (options, a mix that cannot be divided), what the
// surrogate returns, cancelled. Fewer proposals than asked, with a note, when the space holds no
// more.
Result<Plan> plan(const PlanProblem& problem, const PlanOptions& options, const Executor& executor,
                  const Control& control);

}  // namespace kasetsu::planning
