// Good sets of several sizes at once, for choosing the size: a forward search.
#pragma once

#include <span>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/selection/search/search.h"

namespace kasetsu::selection {

struct SetsOfSize {
  int size = 0;
  std::vector<std::vector<int>> sets;  // of sorted indices into X's columns, by mae_cv
};

// Sets of each of these sizes (ascending; those above options.size are not looked for), at most
// options.hypotheses of each, at the cost of a few hundred scans in all. They err some more than
// those of search(). A size of which no admissible set was found is left out. The work is fixed:
// options.work and options.time_limit do not matter. Deterministic for any number of threads.
// Errors: invalid_argument; cancelled.
Result<std::vector<SetsOfSize>> search_sizes(const SearchProblem& problem,
                                             const SearchOptions& options,
                                             std::span<const int> sizes, const Executor& executor,
                                             const Control& control);

}  // namespace kasetsu::selection
