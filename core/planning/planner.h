// Which catalysts to make next. METHOD section 7.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/planning/space/rules.h"
#include "core/planning/space/space.h"
#include "core/planning/surrogates/acquisition.h"
#include "core/planning/surrogates/aim.h"
#include "core/planning/surrogates/surrogate.h"

namespace kasetsu::planning {

enum class Strategy {
  explore,    // farthest points in the space of the surrogate's coordinates
  challenge,  // where the surviving hypotheses disagree most
  recheck,    // measured, with the largest leave-one-out error
  exploit,    // best predicted, and different from one another
  bridge,     // references repeated in every batch, to see drift
  random,     // uniform over what is allowed
  manual      // what a person asked for
};
std::string_view to_string(Strategy strategy);
std::optional<Strategy> parse_strategy(std::string_view text);

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

// How a batch is divided: by numbers, by shares of what the numbers leave (largest remainders, ties
// to the earlier entry), or both.
struct MixEntry {
  Strategy strategy = Strategy::explore;
  int count = 0;       // used when share is 0
  double share = 0.0;  // > 0
};
using Mix = std::vector<MixEntry>;

// Used where a campaign tells none. Exploitation and the tests of hypotheses share the batch.
Mix default_mix();
// Number of proposals by entry, with sum `batch` (fewer when the counts alone ask for fewer and no
// share is given). Errors: counts above the batch, negative or non-finite entries, an empty mix.
Result<std::vector<int>> divide(const Mix& mix, int batch);

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

// What one of several targets is predicted to be.
struct TargetPrediction {
  double mean = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
  double novelty = std::numeric_limits<double>::quiet_NaN();
};

struct Proposal {
  Strategy strategy = Strategy::explore;
  Candidate candidate;
  std::string key;
  std::optional<std::uint64_t> index;  // in the space; a recheck or a reference may lie outside
  double mean = std::numeric_limits<double>::quiet_NaN();  // NaN at a cold start
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
  double novelty = std::numeric_limits<double>::quiet_NaN();
  double disagreement = std::numeric_limits<double>::quiet_NaN();
  double score = std::numeric_limits<double>::quiet_NaN();  // what its strategy ranked it by
  std::vector<TargetPrediction> also;                       // by PlanProblem::also
  std::string nearest;  // key of the nearest known candidate in coordinates; empty: none is known
  double distance = std::numeric_limits<double>::infinity();  // to it
  std::string runner_up;            // key of the best that its strategy left out; empty: none
  bool proven = true;               // to be the pick of a full search of the space
  std::vector<Driver> drivers;      // what its prediction rests on, the largest first
  std::vector<std::string> nearly;  // rules that it only just keeps, one sentence each
  std::string reason;               // one sentence
};

struct Plan {
  std::vector<Proposal> proposals;  // by strategy in the order of the mix, in the order of choice
  std::string surrogate;            // its name
  std::uint64_t space_size = 0;
  std::uint64_t evaluated = 0;  // candidates looked at, with those that a rule or a bound dismissed
  std::uint64_t allowed = 0;    // of those: kept by the rules and not excluded as known
  std::uint64_t excluded = 0;   // known ones in the space
  bool sampled = false;         // only a sample of the space was looked at
  bool exact = true;            // every pick is proven to be the pick of a full search
  std::vector<RuleCount> rules;
  std::vector<std::string> notes;  // sentences: what could not be done as asked, and why
};

// The same problem, options and seed give the same plan for any number of threads; ties go to the
// smaller index. Errors: invalid_argument (options, a mix that cannot be divided), what the
// surrogate returns, cancelled. Fewer proposals than asked, with a note, when the space holds no
// more.
Result<Plan> plan(const PlanProblem& problem, const PlanOptions& options, const Executor& executor,
                  const Control& control);

}  // namespace kasetsu::planning
