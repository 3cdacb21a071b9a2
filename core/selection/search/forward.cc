// Forward search: the best sets of k descriptors, each extended by the best candidates of a scan,
// give the best sets of k + 1. One way up passes all sizes, at the cost of one scan for each set
// that is kept; an exchange search would cost some twenty for each, and that for each size.
#include "core/selection/search/forward.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/selection/search/methods.h"
#include "core/selection/search/scan.h"

namespace kasetsu::selection {
namespace {

// Sets of a size that are extended.
constexpr std::size_t kKept = 32;
// Best candidates that each of them is extended by.
constexpr int kExtensions = 16;

// The extensions of every set, by the leave-one-out error of least squares, the best of those that
// differ enough.
Archive extended(const Candidates& candidates, const std::vector<Entry>& sets, int size,
                 const Executor& executor, const Control& control) {
  std::vector<std::vector<Entry>> found(sets.size());
  executor.parallel_for(sets.size(), [&](std::size_t i) {
    if (control.cancelled()) return;
    std::vector<int> members = sets[i].subset.to_vector();
    SwapScan scan(candidates);
    scan.fix(members);
    std::vector<Scored> best;
    scan.rank(members.empty() ? static_cast<int>(kKept) : kExtensions, best);
    members.push_back(0);
    for (const Scored& scored : best) {
      members.back() = scored.candidate;
      const Subset subset = Subset::of(members);
      if (!candidates.forbidden(subset)) found[i].push_back({scored.score, subset});
    }
  });
  std::vector<Entry> all;
  for (const std::vector<Entry>& of_set : found)
    all.insert(all.end(), of_set.begin(), of_set.end());
  std::sort(all.begin(), all.end());
  Archive archive(kKept, shared_limit(candidates.options(), size));
  for (const Entry& entry : all) archive.offer(entry);
  return archive;
}

// The same sets by their exact robust leave-one-out error.
std::vector<std::vector<int>> by_exact_error(const Candidates& candidates,
                                             const std::vector<Entry>& sets,
                                             const Executor& executor, const Control& control) {
  constexpr std::size_t kAtOnce = 8;
  std::vector<Entry> exact(sets.size());
  executor.parallel_for((sets.size() + kAtOnce - 1) / kAtOnce, [&](std::size_t part) {
    Evaluator evaluator(candidates, control.stop);
    for (std::size_t i = kAtOnce * part; i < std::min(sets.size(), kAtOnce * (part + 1)); ++i)
      exact[i] = {evaluator.mae_cv(sets[i].subset, 1e300), sets[i].subset};
  });
  std::sort(exact.begin(), exact.end());
  std::vector<std::vector<int>> members;
  for (const Entry& entry : exact) {
    if (members.size() == static_cast<std::size_t>(candidates.options().hypotheses)) break;
    if (entry.mae_cv < 1e300) members.push_back(entry.subset.to_vector());
  }
  return members;
}

}  // namespace

Result<std::vector<SetsOfSize>> search_sizes(const SearchProblem& problem,
                                             const SearchOptions& options,
                                             std::span<const int> sizes, const Executor& executor,
                                             const Control& control) {
  if (Status status = check(problem, options); !status) return status.error();
  const Candidates candidates(problem, options);
  std::vector<SetsOfSize> found;
  std::vector<Entry> sets = {{0.0, Subset{}}};
  for (int size = 1; size <= options.size && !sets.empty(); ++size) {
    sets = extended(candidates, sets, size, executor, control).entries();
    const bool wanted = std::find(sizes.begin(), sizes.end(), size) != sizes.end();
    if (wanted) found.push_back({size, by_exact_error(candidates, sets, executor, control)});
    if (control.cancelled()) return cancelled_error();
    if (wanted && found.back().sets.empty()) found.pop_back();
  }
  return found;
}

}  // namespace kasetsu::selection
