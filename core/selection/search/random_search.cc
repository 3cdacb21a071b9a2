// Random search: the baseline that any other has to beat.
#include <array>
#include <limits>

#include "core/selection/search/methods.h"

namespace kasetsu::selection {
namespace {

constexpr std::size_t kTasks = 16;
constexpr std::uint64_t kSetsATask = 500;

}  // namespace

Found search_random(const Candidates& candidates, const Limits& limits, const Executor& executor,
                    const Control& control) {
  const SearchOptions& options = candidates.options();
  Found found{Archive(archive_capacity(options), shared_limit(options, options.size)), {}, ""};
  const std::uint64_t each = exact_work(candidates);
  std::uint64_t stream = 1;
  while (found.stopped_by.empty()) {
    const std::uint64_t left = limits.work - std::min(limits.work, found.account.work);
    const std::uint64_t sets = std::clamp<std::uint64_t>(left / (each * kTasks), 1, kSetsATask);
    std::vector<Archive> archives(
        kTasks, Archive(archive_capacity(options), shared_limit(options, options.size)));
    std::array<Account, kTasks> accounts{};
    executor.parallel_for(kTasks, [&](std::size_t task) {
      Evaluator evaluator(candidates, control.stop);
      Random random(options.seed, stream + task);
      std::vector<int> members;
      for (std::uint64_t set = 0; set < sets; ++set) {
        if (control.should_stop() && (task > 0 || set > 0)) break;
        if (!draw_admissible(candidates, random, members)) break;
        const Subset subset = Subset::of(members);
        const double give_up =
            std::min(archives[task].bar(), std::numeric_limits<double>::infinity());
        const double value = evaluator.mae_cv(subset, give_up);
        if (value < give_up) archives[task].offer({value, subset});
      }
      accounts[task] = evaluator.account();
      // A set drawn twice costs nothing to score, but the search has to end.
      if (!control.should_stop()) accounts[task].work = std::max(accounts[task].work, sets * each);
    });
    stream += kTasks;
    found.gather(archives, accounts);
    if (found.must_stop(control, limits) && control.cancelled()) break;
    found.report(control, limits, "random search");
  }
  return found;
}

}  // namespace kasetsu::selection
