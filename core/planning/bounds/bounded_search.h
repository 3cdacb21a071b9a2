// Searching spaces that are too large to look at one by one: branch and bound over groups of
// elements.
//
// A branch (branches.h) is so many elements from each of a few groups of alike elements, on a group
// of supports and conditions, with all their amounts. It is bounded (ensemble_bounds.h); the
// weighted median of the hypotheses' upper bounds is an upper bound of the ensemble's weighted
// median, which is monotone in each of them, each tree of a companion is bounded by the leaves that
// the branch can reach, and the box of the best hypothesis's coordinates bounds the distance to the
// nearest known point by its farthest corner. Branches whose bound is not beaten are divided, the
// best bound first, down to sets of elements; there boxes of amounts are bounded, and what is left
// is evaluated pattern by pattern, until no bound is left above what was found. The result is that
// of a full search, or says that it may not be. METHOD section 6.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/planning/space/materials.h"
#include "core/planning/space/rules.h"
#include "core/planning/space/space.h"
#include "core/planning/surrogates/acquisition.h"
#include "core/planning/surrogates/surrogate.h"

namespace kasetsu::planning {

struct BoundedProblem {
  const CandidateSpace* space = nullptr;
  const RuleSet* rules = nullptr;                        // null: none
  const Surrogate* surrogate = nullptr;                  // with an ensemble()
  const std::vector<std::uint64_t>* excluded = nullptr;  // ascending
  Eigen::MatrixXd known;                                 // coordinates, one row a known point
  Acquirer acquirer;
  std::size_t pool = 0;  // best candidates wanted for exploit and challenge
  bool exploit = false;
  bool challenge = false;
  int explore = 0;  // picks wanted
  std::uint64_t seed = 1;
};

// Effort is counted, not timed, so that the same search always ends at the same place.
struct BoundedOptions {
  std::uint64_t sample = 60'000;           // places, evenly spread, for the first thresholds
  std::uint64_t first_evaluated = 2'048;   // candidates, evenly spread, for the same
  std::size_t most_entries = 3'000'000;    // branches kept with their bounds, for each purpose
  std::uint64_t most_steps = 8'000'000;    // branches, boxes and patterns, for each purpose
  std::uint64_t most_evaluated = 400'000;  // candidates given to the surrogate, for each purpose
};

class BoundedSearch {
 public:
  struct FarPick {
    std::uint64_t index = 0;
    double distance = 0.0;
    bool proven = true;
  };

  // Null where the space varies too much besides the elements, or holds what the model does not
  // know, and where it was stopped.
  static std::unique_ptr<BoundedSearch> make(BoundedProblem problem, BoundedOptions options,
                                             const Executor& executor, const Control& control);
  ~BoundedSearch();

  // Finds the first thresholds. Errors: cancelled, those of the surrogate.
  Status prepare();
  // The best candidates, best first.
  Result<std::vector<Scored>> best_exploit();
  Result<std::vector<Scored>> best_challenge();
  // Farthest-point sampling, `also` (rows) being known too; candidates in `taken`, and what the
  // budget does not allow, are not picked.
  Result<std::vector<FarPick>> farthest(int count, const Eigen::MatrixXd& also,
                                        const std::unordered_set<std::uint64_t>& taken,
                                        BatchBudget budget = {});

  std::uint64_t sets() const;       // of elements, in the space
  std::uint64_t bounded() const;    // branches that were bounded
  std::uint64_t opened() const;     // sets of elements that were looked into
  std::uint64_t evaluated() const;  // candidates that the surrogate looked at one by one
  // Of what was asked for so far: whether it is proven.
  bool exploit_proven() const;
  bool challenge_proven() const;
  bool explore_proven() const;

 private:
  struct Impl;
  class FarSearch;
  explicit BoundedSearch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kasetsu::planning
