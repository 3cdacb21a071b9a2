// Searching spaces that are too large to look at one by one: branch and bound over sets of
// elements.
//
// A node is one set of elements of one part of the space: all its amounts, supports and conditions
// together. The set bounds every aggregation by an interval (the smallest and largest x exactly; an
// average with shares between their limits by filling the largest first), a functional form maps an
// interval to an interval, the range in which a descriptor is followed cuts it, a linear model adds
// up; and the weighted median of the hypotheses' upper bounds is an upper bound of the ensemble's
// weighted median, which is monotone in each of them. Likewise the box of the best hypothesis's
// coordinates bounds the distance to the nearest known point by its farthest corner. What remains
// is looked at best bound first, with the surrogate itself, until no bound is left above what was
// found: the result is that of a full search. METHOD section 6.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "core/control.h"
#include "core/executor.h"
#include "core/planning/acquisition.h"
#include "core/planning/rules.h"
#include "core/planning/space.h"
#include "core/planning/surrogate.h"
#include "core/result.h"

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

struct BoundedOptions {
  std::uint64_t sample = 60'000;             // evenly spread, for the first thresholds
  std::uint64_t most_nodes = 60'000'000;     // more: not tried
  std::size_t most_entries = 3'000'000;      // nodes kept with their bounds, for each purpose
  std::uint64_t most_evaluated = 2'000'000;  // candidates looked at one by one, for each purpose
};

class BoundedSearch {
 public:
  struct FarPick {
    std::uint64_t index = 0;
    double distance = 0.0;
  };

  // Null where the space has too many sets of elements.
  static std::unique_ptr<BoundedSearch> make(BoundedProblem problem, BoundedOptions options,
                                             const Executor& executor, const Control& control);
  ~BoundedSearch();

  // Bounds all nodes. Errors: cancelled, those of the surrogate.
  Status prepare();
  // The best candidates, best first.
  Result<std::vector<Scored>> best_exploit();
  Result<std::vector<Scored>> best_challenge();
  // Farthest-point sampling, `also` (rows) being known too; candidates in `taken` are not picked.
  Result<std::vector<FarPick>> farthest(int count, const Eigen::MatrixXd& also,
                                        const std::unordered_set<std::uint64_t>& taken);

  std::uint64_t nodes() const;
  std::uint64_t evaluated() const;  // candidates that were looked at one by one
  bool exact() const;               // of everything asked for so far

 private:
  struct Impl;
  explicit BoundedSearch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kasetsu::planning
