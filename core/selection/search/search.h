// The search for hypotheses: sets of descriptors with the smallest exact leave-one-out error.
// METHOD section 4.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/names.h"
#include "core/base/result.h"
#include "core/regression/huber/robust.h"

namespace kasetsu::selection {

enum class SearchMethod { exchange, genetic, random };
inline constexpr auto kSearchMethodNames =
    name_table<SearchMethod>({{SearchMethod::exchange, "exchange"},
                              {SearchMethod::genetic, "genetic"},
                              {SearchMethod::random, "random"}});
constexpr std::string_view to_string(SearchMethod method) {
  return kSearchMethodNames.to_name(method);
}

// The paper's genetic algorithm, with the paper's parameters.
struct GeneticOptions {
  int population = 800;
  int generations = 1600;
  double elite = 0.2;      // share of the next generation
  double crossover = 0.6;  // the rest is mutation
  int elite_shared = 6;    // an elite shares at most this many descriptors with a better elite
};

struct SearchOptions {
  SearchMethod method = SearchMethod::exchange;
  int size = 8;                          // descriptors in a hypothesis; the paper's
  regression::RobustOptions regression;  // epsilon 1.35
  bool one_per_family = true;            // eight descriptors are eight facts
  int hypotheses = 50;                   // wanted in the ensemble
  int shared = 6;  // any two share at most this many descriptors (scaled by size/8 otherwise)
  std::uint64_t seed = 1;
  // Work, in units that do not depend on the machine, so that the same options give the same result
  // everywhere. 0: derived from time_limit by a stated nominal speed, or a default that converges
  // on tens to hundreds of rows.
  std::uint64_t work = 0;
  double time_limit =
      0.0;  // seconds; 0: none. See `work`; Control::seconds_left is the hard wall limit.
  GeneticOptions genetic;
  Status validate() const;
};

struct SearchProblem {
  const Eigen::MatrixXd* X = nullptr;  // rows x candidates, finite, not constant
  const Eigen::VectorXd* y = nullptr;  // rows
  // Families of each candidate (1 to 3 small integers; -1 pads): two candidates that share one are
  // never in one hypothesis when one_per_family is on.
  std::vector<std::array<int, 3>> families;
  std::vector<std::vector<int>>
      forbidden;  // sets that may not be returned (eliminated hypotheses), sorted
};

struct FoundHypothesis {
  std::vector<int> candidates;  // sorted indices into X's columns
  double mae_cv = 0.0;          // exact
  double mae_train = 0.0;
};

struct SearchResult {
  std::vector<FoundHypothesis> hypotheses;  // by mae_cv, ties by candidates
  std::uint64_t evaluations = 0;            // subsets scored, by scan or exactly
  std::uint64_t exact_evaluations = 0;      // by exact robust leave-one-out
  std::uint64_t work = 0;                   // done
  std::string stopped_by;                   // "converged", "work", "time", "cancelled"
};

// Deterministic: the same problem, options and seed give the same result for any number of threads,
// unless stopped_by is "time" or "cancelled". Errors: invalid_argument; cancelled only when nothing
// was found yet.
Result<SearchResult> search(const SearchProblem& problem, const SearchOptions& options,
                            const Executor& executor, const Control& control);

}  // namespace kasetsu::selection
