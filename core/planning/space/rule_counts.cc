// How many candidates each rule takes out of a space.
#include <algorithm>

#include "core/planning/space/rules.h"

namespace kasetsu::planning {
namespace {

std::uint64_t splitmix64(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t spread_index(std::uint64_t j, std::uint64_t count, std::uint64_t size,
                           std::uint64_t seed) {
  if (count >= size) return j;
  // Stratum j is [j * width + min(j, rest), ...): widths differ by at most one.
  const std::uint64_t width = size / count;
  const std::uint64_t rest = size % count;
  const std::uint64_t begin = j * width + std::min(j, rest);
  const std::uint64_t length = width + (j < rest ? 1 : 0);
  return begin + splitmix64(seed ^ splitmix64(j)) % length;
}

Result<RuleCounts> count_rules(const CandidateSpace& space, const RuleSet& rules,
                               const Executor& executor, const Control& control,
                               std::uint64_t budget) {
  constexpr std::uint64_t kBlock = 65'536;
  RuleCounts counts;
  counts.size = space.size();
  counts.rules.resize(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) counts.rules[i].name = rules.rule(i).name;
  if (rules.empty()) {
    counts.allowed = space.size();
    return counts;
  }
  const std::uint64_t visited = std::min(space.size(), budget);
  const std::uint64_t blocks = (visited + kBlock - 1) / kBlock;
  std::vector<std::vector<std::uint64_t>> removed(static_cast<std::size_t>(blocks),
                                                  std::vector<std::uint64_t>(rules.size() + 1, 0));
  executor.parallel_for(static_cast<std::size_t>(blocks), [&](std::size_t block) {
    if (control.cancelled()) return;
    const std::uint64_t end = std::min(visited, (block + 1) * kBlock);
    for (std::uint64_t j = block * kBlock; j < end; ++j) {
      const Candidate candidate = space.unrank(spread_index(j, visited, space.size(), 0));
      bool allowed = true;
      for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules.broken(i, candidate)) {
          ++removed[block][i];
          allowed = false;
        }
      }
      if (allowed) ++removed[block][rules.size()];
    }
  });
  if (control.cancelled()) return Error{ErrorCode::cancelled, "counting was cancelled", "", "", ""};
  std::vector<std::uint64_t> total(rules.size() + 1, 0);
  for (const auto& block : removed) {
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += block[i];
  }
  counts.estimated = visited < space.size();
  const double scale = static_cast<double>(space.size()) / static_cast<double>(visited);
  const auto scaled = [&](std::uint64_t count) {
    return counts.estimated ? static_cast<std::uint64_t>(static_cast<double>(count) * scale)
                            : count;
  };
  for (std::size_t i = 0; i < rules.size(); ++i) {
    counts.rules[i].removed = scaled(total[i]);
    counts.rules[i].estimated = counts.estimated;
  }
  counts.allowed = scaled(total[rules.size()]);
  return counts;
}

}  // namespace kasetsu::planning
