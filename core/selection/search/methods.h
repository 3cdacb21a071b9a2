// The three ways to search, behind search().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/selection/search/archive.h"
#include "core/selection/search/candidates.h"
#include "core/selection/search/evaluator.h"

namespace kasetsu::selection {

struct Limits {
  std::uint64_t work;    // at most
  bool until_converged;  // stop earlier when more does not change what the ensemble predicts
};

struct Found {
  Archive archive;
  Account account;
  std::string stopped_by;

  // What the tasks of one round found, in their order.
  template <typename Archives, typename Accounts>
  void gather(const Archives& archives, const Accounts& accounts) {
    for (std::size_t task = 0; task < archives.size(); ++task) {
      archive.merge(archives[task]);
      account += accounts[task];
    }
  }
  // Whether the search ends now because it is told to; says why.
  bool must_stop(const Control& control, const Limits& limits) {
    if (control.cancelled()) {
      stopped_by = "cancelled";
    } else if (control.out_of_time()) {
      stopped_by = "time";
    } else if (account.work >= limits.work) {
      stopped_by = "work";
    }
    return !stopped_by.empty();
  }
  void report(const Control& control, const Limits& limits, const char* what) const {
    control.report(
        std::min(1.0, static_cast<double>(account.work) / static_cast<double>(limits.work)), what);
  }
};

Found search_exchange(const Candidates& candidates, const Limits& limits, const Executor& executor,
                      const Control& control);
Found search_genetic(const Candidates& candidates, const Limits& limits, const Executor& executor,
                     const Control& control);
Found search_random(const Candidates& candidates, const Limits& limits, const Executor& executor,
                    const Control& control);

// Whether problem and options can be searched at all.
Status check(const SearchProblem& problem, const SearchOptions& options);

// How many members two hypotheses of an ensemble may share, where they have `size`: options.shared
// is meant for eight.
int shared_limit(const SearchOptions& options, int size);
// Sets that an archive holds while the search goes on: more than are wanted, as better ones drive
// out several that they resemble.
std::size_t archive_capacity(const SearchOptions& options);

}  // namespace kasetsu::selection
