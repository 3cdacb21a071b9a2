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

constexpr std::size_t kKept = 32;        // sets of a size that are extended
constexpr std::size_t kExtensions = 16;  // best candidates that each of them is extended by
constexpr int kRanked = 48;              // candidates of a scan that these are chosen from

// Candidates of one family are forms of one fact, nearly collinear: without this the best sets
// would be the forms of a few facts.
bool same_fact(const Candidates& candidates, int a, int b) {
  return !candidates.compatible(a, b);
}

// Whether more than `shared` members of a set are those, or the same facts, of the other.
bool alike(const Candidates& candidates, const Subset& a, const Subset& b, int shared) {
  for (int left = a.size, k = 0; k < a.size; ++k) {
    const int member = a.members[static_cast<std::size_t>(k)];
    shared -= std::any_of(b.begin(), b.end(),
                          [&](int other) { return same_fact(candidates, member, other); });
    if (shared < 0) return true;
    if (--left <= shared) return false;
  }
  return false;
}

struct Extended {
  std::vector<Entry> best;      // those that an ensemble may have together
  std::vector<Entry> extended;  // those that differ in their facts: these are extended
};

// The set with each of the best candidates for one more place; in `extended` one of a family.
Extended extensions(const Candidates& candidates, const Subset& set) {
  std::vector<int> members = set.to_vector();
  SwapScan scan(candidates);
  scan.fix(members);
  std::vector<Scored> ranking;
  scan.rank(members.empty() ? 4 * kRanked : kRanked, ranking);
  std::vector<int> taken;
  Extended found;
  members.push_back(0);
  for (const Scored& scored : ranking) {
    members.back() = scored.candidate;
    const Entry entry{scored.score, Subset::of(members)};
    if (candidates.forbidden(entry.subset)) continue;
    if (set.size == 0 || found.best.size() < kExtensions) found.best.push_back(entry);
    if (set.size > 0 && taken.size() == kExtensions) continue;
    if (std::any_of(taken.begin(), taken.end(),
                    [&](int other) { return same_fact(candidates, scored.candidate, other); })) {
      continue;
    }
    taken.push_back(scored.candidate);
    found.extended.push_back(entry);
  }
  return found;
}

// The extensions of every set, by the leave-one-out error of least squares.
Extended all_extensions(const Candidates& candidates, const std::vector<Entry>& sets, int size,
                        const Executor& executor, const Control& control) {
  std::vector<Extended> found(sets.size());
  executor.parallel_for(sets.size(), [&](std::size_t i) {
    if (!control.cancelled()) found[i] = extensions(candidates, sets[i].subset);
  });
  Extended all;
  for (const Extended& of_set : found) {
    all.best.insert(all.best.end(), of_set.best.begin(), of_set.best.end());
    all.extended.insert(all.extended.end(), of_set.extended.begin(), of_set.extended.end());
  }
  std::sort(all.best.begin(), all.best.end());
  std::sort(all.extended.begin(), all.extended.end());
  const int shared = shared_limit(candidates.options(), size);
  Archive archive(kKept, shared);
  for (const Entry& entry : all.best) archive.offer(entry);
  Extended kept{archive.entries(), {}};
  for (const Entry& entry : all.extended) {
    if (kept.extended.size() == kKept) break;
    if (std::none_of(kept.extended.begin(), kept.extended.end(), [&](const Entry& better) {
          return alike(candidates, entry.subset, better.subset, shared);
        })) {
      kept.extended.push_back(entry);
    }
  }
  return kept;
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
  Extended sets{{}, {{0.0, Subset{}}}};
  for (int size = 1; size <= options.size && !sets.extended.empty(); ++size) {
    sets = all_extensions(candidates, sets.extended, size, executor, control);
    const bool wanted = std::find(sizes.begin(), sizes.end(), size) != sizes.end();
    if (wanted) found.push_back({size, by_exact_error(candidates, sets.best, executor, control)});
    if (control.cancelled()) return cancelled_error();
    if (wanted && found.back().sets.empty()) found.pop_back();
  }
  return found;
}

}  // namespace kasetsu::selection
