#include "core/selection/search/genetic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "core/selection/search/methods.h"

namespace kasetsu::selection {
namespace {

constexpr std::size_t kTasks = 16;
constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::size_t draw_by(std::span<const double> cumulative, Random& random) {
  const double at = random.uniform() * cumulative.back();
  const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), at);
  return std::min(static_cast<std::size_t>(found - cumulative.begin()), cumulative.size() - 1);
}

}  // namespace

std::vector<Entry> choose_elites(std::span<const Entry> scored, std::size_t most, int shared) {
  std::vector<Entry> elites;
  for (const Entry& entry : scored) {
    if (elites.size() == most) break;
    if (!std::isfinite(entry.mae_cv)) break;
    const bool differs = std::all_of(elites.begin(), elites.end(), [&](const Entry& better) {
      return shared_members(better.subset, entry.subset) <= shared;
    });
    if (differs) elites.push_back(entry);
  }
  return elites;
}

std::vector<double> parent_weights(std::span<const Entry> scored) {
  double lowest = kInfinite;
  double highest = -kInfinite;
  for (const Entry& entry : scored) {
    if (!std::isfinite(entry.mae_cv)) continue;
    lowest = std::min(lowest, -entry.mae_cv);
    highest = std::max(highest, -entry.mae_cv);
  }
  std::vector<double> weights;
  weights.reserve(scored.size());
  for (const Entry& entry : scored) {
    double weight = 0.0;
    if (std::isfinite(entry.mae_cv)) {
      const double range = highest - lowest;
      weight = range > 0.0 ? std::exp(3.0 * (-entry.mae_cv - lowest) / range) : 1.0;
    }
    weights.push_back(weight);
  }
  return weights;
}

void update_importance(std::span<const Entry> scored, double cut, std::vector<double>& importance) {
  for (const Entry& entry : scored) {
    for (const int member : entry.subset) {
      double& value = importance[static_cast<std::size_t>(member)];
      value += entry.mae_cv <= cut ? 0.02 * (2.0 - value) : -0.02 * value;
    }
  }
}

Subset cross(const Candidates& candidates, const Subset& a, const Subset& b, Random& random) {
  const auto size = static_cast<std::size_t>(a.size);
  std::vector<int> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  std::vector<int> rest;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  for (int attempt = 0; attempt < 4; ++attempt) {
    std::vector<int> members = common;
    random.shuffle(rest);
    for (const int candidate : rest) {
      if (members.size() == size) break;
      if (candidates.compatible(candidate, members)) members.push_back(candidate);
    }
    if (members.size() == size) return Subset::of(members);
  }
  return a;
}

Subset mutate(const Candidates& candidates, const Subset& set, std::span<const double> importance,
              Random& random) {
  const auto place = static_cast<std::size_t>(random.below(static_cast<std::uint64_t>(set.size)));
  std::vector<int> others = set.to_vector();
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(place));
  const std::vector<int>& usable = candidates.usable();
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const int candidate = usable[static_cast<std::size_t>(random.below(usable.size()))];
    // By rejection: importance is below 2.
    if (2.0 * random.uniform() >= importance[static_cast<std::size_t>(candidate)]) continue;
    if (set.contains(candidate) || !candidates.compatible(candidate, others)) continue;
    return set.with(static_cast<int>(place), candidate);
  }
  return set;
}

NextGeneration breed(const Candidates& candidates, std::span<const Entry> scored,
                     std::span<const double> importance, Random& random) {
  const SearchOptions& options = candidates.options();
  const GeneticOptions& genetic = options.genetic;
  const auto population = static_cast<std::size_t>(genetic.population);
  const auto share = [&](double part) {
    return static_cast<std::size_t>(std::llround(part * genetic.population));
  };
  const std::size_t most_elites = std::max<std::size_t>(1, share(genetic.elite));
  const std::size_t crossed = std::min(share(genetic.crossover), population - most_elites);
  const int shared = std::min(options.size - 1, genetic.elite_shared * options.size / 8);

  NextGeneration next;
  next.elites = choose_elites(scored, most_elites, shared);
  std::unordered_set<Subset, SubsetHash> taken;
  for (const Entry& elite : next.elites) taken.insert(elite.subset);

  const std::vector<double> weights = parent_weights(scored);
  std::vector<double> cumulative;
  double sum = 0.0;
  for (const double weight : weights) cumulative.push_back(sum += weight);
  if (!(sum > 0.0)) {
    for (std::size_t k = 0; k < cumulative.size(); ++k) cumulative[k] = static_cast<double>(k + 1);
  }
  const auto parent = [&]() -> const Subset& { return scored[draw_by(cumulative, random)].subset; };

  // A child that is there already is drawn again, a few times.
  for (std::size_t k = 0; k < crossed; ++k) {
    Subset child;
    for (int attempt = 0; attempt < 8; ++attempt) {
      const Subset& a = parent();
      const Subset& b = parent();
      child = cross(candidates, a, b, random);
      if (!taken.contains(child)) break;
      child = mutate(candidates, child, importance, random);
      if (!taken.contains(child)) break;
    }
    taken.insert(child);
    next.crossed.push_back(child);
  }
  while (next.elites.size() + next.crossed.size() + next.mutated.size() < population) {
    Subset child;
    for (int attempt = 0; attempt < 8; ++attempt) {
      child = mutate(candidates, parent(), importance, random);
      if (!taken.contains(child)) break;
    }
    taken.insert(child);
    next.mutated.push_back(child);
  }
  return next;
}

Found search_genetic(const Candidates& candidates, const Limits& limits, const Executor& executor,
                     const Control& control) {
  const SearchOptions& options = candidates.options();
  const auto population = static_cast<std::size_t>(options.genetic.population);
  Found found{Archive(archive_capacity(options), shared_limit(options, options.size)), {}, ""};
  Random random(options.seed, 1);
  std::vector<double> importance(static_cast<std::size_t>(candidates.count()), 1.0);
  std::vector<Evaluator> evaluators;
  for (std::size_t task = 0; task < kTasks; ++task)
    evaluators.emplace_back(candidates, control.stop);

  const auto score = [&](std::span<const Subset> sets) {
    std::vector<Entry> scored;
    for (const Subset& set : sets) scored.push_back({kInfinite, set});
    executor.parallel_for(kTasks, [&](std::size_t task) {
      for (std::size_t k = task; k < scored.size(); k += kTasks) {
        if (control.should_stop() && k > 0) return;
        scored[k].mae_cv = evaluators[task].mae_cv(scored[k].subset, kInfinite);
      }
      evaluators[task].forget();
    });
    found.account = {};
    for (Evaluator& evaluator : evaluators) found.account += evaluator.account();
    for (const Entry& entry : scored) {
      if (std::isfinite(entry.mae_cv)) found.archive.offer(entry);
    }
    return scored;
  };

  std::vector<Subset> first;
  std::vector<int> members;
  while (first.size() < population && draw_admissible(candidates, random, members)) {
    first.push_back(Subset::of(members));
  }
  std::vector<Entry> scored = score(first);
  std::vector<Entry> fresh = scored;
  for (int generation = 1;; ++generation) {
    std::sort(scored.begin(), scored.end());
    if (control.cancelled()) {
      found.stopped_by = "cancelled";
    } else if (control.out_of_time()) {
      found.stopped_by = "time";
    } else if (generation >= options.genetic.generations) {
      found.stopped_by = "converged";
    } else if (found.account.work >= limits.work) {
      found.stopped_by = "work";
    }
    if (control.cancelled()) break;
    control.report(
        std::min(1.0, std::max(static_cast<double>(generation) / options.genetic.generations,
                               static_cast<double>(found.account.work) /
                                   static_cast<double>(limits.work))),
        "genetic search");
    if (!found.stopped_by.empty()) break;

    const std::vector<Entry> elites =
        choose_elites(scored,
                      static_cast<std::size_t>(std::max(
                          1.0, std::round(options.genetic.elite * options.genetic.population))),
                      std::min(options.size - 1, options.genetic.elite_shared * options.size / 8));
    if (!elites.empty()) update_importance(fresh, 1.5 * elites.back().mae_cv, importance);
    NextGeneration next = breed(candidates, scored, importance, random);
    std::vector<Subset> children = std::move(next.crossed);
    children.insert(children.end(), next.mutated.begin(), next.mutated.end());
    fresh = score(children);
    scored = std::move(next.elites);
    scored.insert(scored.end(), fresh.begin(), fresh.end());
  }
  return found;
}

}  // namespace kasetsu::selection
