// Where the search by bounds begins: what a sample of the space and its best neighbours reach.
#include <algorithm>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/bounds/bounded_search_impl.h"
#include "core/planning/surrogates/farthest_points.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

constexpr std::size_t kWave = 32;
constexpr std::size_t kRowsAtOnce = 128;
constexpr std::size_t kPlacesAtOnce = 1024;

}  // namespace

Status BoundedSearch::Impl::evaluate(const std::vector<std::uint64_t>& indices) {
  const std::size_t blocks = (indices.size() + kRowsAtOnce - 1) / kRowsAtOnce;
  struct Block {
    Best exploit, challenge;
    std::optional<Error> error;
  };
  for (std::size_t start = 0; start < blocks; start += kWave) {
    if (control.should_stop()) return planning_stopped();
    const std::size_t count = std::min(kWave, blocks - start);
    std::vector<Block> results(count);
    executor.parallel_for(count, [&](std::size_t b) {
      if (control.cancelled()) return;
      Block& out = results[b];
      out.exploit = Best(problem.exploit ? problem.pool : 0);
      out.challenge = Best(problem.challenge ? problem.pool : 0);
      std::vector<Candidate> candidates;
      std::vector<std::uint64_t> kept;
      const std::size_t end = std::min(indices.size(), (start + b + 1) * kRowsAtOnce);
      for (std::size_t i = (start + b) * kRowsAtOnce; i < end; ++i) {
        if (!usable(indices[i])) continue;
        kept.push_back(indices[i]);
        candidates.push_back(problem.space->unrank(indices[i]));
      }
      if (kept.empty()) return;
      Evaluation e;
      if (Status status = problem.surrogate->evaluate(candidates, e); !status) {
        out.error = status.error();
        return;
      }
      for (std::size_t i = 0; i < kept.size(); ++i) {
        const auto row = static_cast<Index>(i);
        const double sd = (e.high[row] - e.low[row]) / (2.0 * kHalfWidth80);
        if (!std::isfinite(e.mean[row]) || !std::isfinite(sd)) continue;
        out.exploit.offer({problem.acquirer.score(e.mean[row], sd),
                           problem.acquirer.sign() * e.mean[row], kept[i]});
        out.challenge.offer({e.disagreement[row], 0.0, kept[i]});
      }
    });
    if (control.cancelled()) return planning_stopped();
    for (const Block& result : results) {
      if (result.error) return *result.error;
      best_of_exploit.merge(result.exploit);
      best_of_challenge.merge(result.challenge);
    }
  }
  evaluated += indices.size();
  return {};
}

// The first thresholds: an even sample, all of the lists, and from the best of them uphill by one
// element, amount or support at a time.
Status BoundedSearch::Impl::sample() {
  if (problem.explore > 0) sample_places();
  if (control.cancelled()) return planning_stopped();
  if (!problem.exploit && !problem.challenge) return {};
  const CandidateSpace& space = *problem.space;
  std::vector<std::uint64_t> indices;
  // Of a small space a small share, too: the bounds are quicker.
  const std::uint64_t count =
      std::min({options.first_evaluated, space.size(), 64 + space.size() / 16});
  for (std::uint64_t j = 0; j < count; ++j) {
    indices.push_back(spread_index(j, count, space.size(), problem.seed));
  }
  for (std::size_t p = 0; p < space.parts().size(); ++p) {
    if (space.parts()[p].family) continue;
    for (std::uint64_t local = 0; local < space.parts()[p].size; ++local) {
      for (std::uint64_t c = 0; c < space.condition_points(); ++c) {
        if (const auto index = space.index_of(p, local, c)) indices.push_back(*index);
      }
    }
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  if (Status status = evaluate(indices); !status) return status;
  return climb();
}

const Context* BoundedSearch::Impl::visit(const EnsembleBounds& of, std::uint64_t index,
                                          Worker& worker) const {
  const CandidateSpace::Place place = problem.space->place_of(index);
  const CandidateSpace::Part& part = problem.space->parts()[place.part];
  if (!part.family) return nullptr;
  const std::uint64_t on_support = place.local / part.preparations.size();
  const std::uint64_t composition = on_support / part.supports.size();
  const std::uint64_t support = on_support % part.supports.size();
  const ElementSets* group = nullptr;
  for (const ElementSets& each : of.groups) {
    if (each.part == place.part && part.family->first(each.count) <= composition) group = &each;
  }
  const std::uint64_t in_group = composition - part.family->first(group->count);
  const std::uint64_t patterns = part.family->patterns(group->count);
  std::array<int, kMostElementsOfSet> positions{};
  const auto width = static_cast<std::size_t>(group->count);
  part.family->subset(group->count, in_group / patterns, positions.data());
  worker.amounts.resize(std::max<std::size_t>(1, width));
  part.family->pattern(group->count, in_group % patterns, worker.amounts.data());
  const std::vector<Context>& contexts = of.contexts[place.part];
  const Context& context = contexts[support * problem.space->condition_points() + place.condition];
  worker.bounder.evaluate(*group, {positions.data(), width}, worker.amounts.data(),
                          of.trees[place.part].hulls.front());
  return &context;
}

// Only places are evaluated, so that the sample can be large.
void BoundedSearch::Impl::sample_places() {
  const CandidateSpace& space = *problem.space;
  const std::uint64_t count = std::min({options.sample, space.size(), 64 + space.size() / 16});
  const auto dimensions = static_cast<std::size_t>(problem.surrogate->dimensions());
  const std::size_t blocks = (count + kPlacesAtOnce - 1) / kPlacesAtOnce;
  using Rows = std::vector<std::pair<std::uint64_t, Eigen::VectorXd>>;
  std::vector<Rows> found(blocks);
  executor.parallel_for(blocks, [&](std::size_t b) {
    if (control.cancelled()) return;
    Worker worker(*coordinates);
    worker.coordinates.resize(dimensions);
    const std::uint64_t end = std::min<std::uint64_t>(count, (b + 1) * kPlacesAtOnce);
    for (std::uint64_t j = b * kPlacesAtOnce; j < end; ++j) {
      const std::uint64_t index = spread_index(j, count, space.size(), problem.seed);
      const Context* context = visit(*coordinates, index, worker);
      if (context == nullptr || !usable(index)) continue;
      worker.bounder.locate(*context, worker.coordinates.data());
      const Eigen::VectorXd x = Eigen::Map<const Eigen::VectorXd>(worker.coordinates.data(),
                                                                  static_cast<Index>(dimensions));
      if (x.allFinite()) found[b].emplace_back(index, x);
    }
  });
  for (const Rows& rows : found) of_sample.insert(of_sample.end(), rows.begin(), rows.end());
  MatrixXd places(static_cast<Index>(of_sample.size()), static_cast<Index>(dimensions));
  for (std::size_t i = 0; i < of_sample.size(); ++i)
    places.row(static_cast<Index>(i)) = of_sample[i].second.transpose();
  // A full search finds points that are no nearer than these, or falls back on them and says that
  // its picks are not proven. The batch's other picks repel too, so that some more are asked for.
  const auto wanted =
      static_cast<std::size_t>(problem.explore) + static_cast<std::size_t>(problem.explore / 2) + 4;
  const std::vector<std::size_t> picks = farthest_points(places, problem.known, wanted);
  if (picks.empty()) return;
  double nearest = kInfinity;
  const auto last = places.row(static_cast<Index>(picks.back()));
  for (Index k = 0; k < problem.known.rows(); ++k)
    nearest = std::min(nearest, (problem.known.row(k) - last).squaredNorm());
  for (std::size_t i = 0; i + 1 < picks.size(); ++i)
    nearest = std::min(nearest, (places.row(static_cast<Index>(picks[i])) - last).squaredNorm());
  if (std::isfinite(nearest)) far_limit = nearest;
}

// Candidates that differ in one element, in the amounts, or in the support.
void BoundedSearch::Impl::neighbours_of(std::uint64_t of, std::vector<std::uint64_t>& next) const {
  const CandidateSpace& space = *problem.space;
  const Candidate candidate = space.unrank(of);
  const auto& parts = candidate.catalyst.active.parts();
  const auto try_one = [&](const Candidate& changed) {
    if (const auto index = space.rank(changed)) next.push_back(*index);
  };
  for (const auto& part : space.parts()) {
    if (!part.family) continue;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      for (const int element : part.family->elements()) {
        if (candidate.catalyst.active.amount(element) > 0.0) continue;
        Candidate changed = candidate;
        changed.catalyst.active = {};
        for (std::size_t m = 0; m < parts.size(); ++m) {
          changed.catalyst.active.add(m == k ? element : parts[m].element, parts[m].amount);
        }
        try_one(changed);
      }
    }
    for (const Support& support : part.supports) {
      if (support.name == candidate.catalyst.support) continue;
      Candidate changed = candidate;
      changed.catalyst.support = support.name;
      changed.catalyst.support_formula = support.formula;
      try_one(changed);
    }
  }
  const EnsembleBounds& any = *coordinates;
  for (const ElementSets& group : any.groups) {
    if (group.count != static_cast<int>(parts.size())) continue;
    const CompositionFamily& family = *space.parts()[group.part].family;
    const auto rank = family.rank(candidate.catalyst.active);
    if (!rank) continue;
    const std::uint64_t patterns = family.patterns(group.count);
    const std::uint64_t start = *rank - (*rank - family.first(group.count)) % patterns;
    const std::uint64_t step = std::max<std::uint64_t>(1, patterns / 64);
    for (std::uint64_t pattern = 0; pattern < patterns; pattern += step) {
      Candidate changed = candidate;
      changed.catalyst.active = family.unrank(start + pattern);
      try_one(changed);
    }
  }
}

Result<std::vector<std::uint64_t>> BoundedSearch::Impl::promising(
    const std::vector<std::uint64_t>& indices) {
  std::vector<char> may(indices.size(), 1);
  const double to_exploit = best_of_exploit.limit();
  const double to_challenge = best_of_challenge.limit();
  constexpr std::size_t kOfItem = 128;
  executor.parallel_for((indices.size() + kOfItem - 1) / kOfItem, [&](std::size_t item) {
    if (control.cancelled()) return;
    Worker worker(*tables);
    const std::size_t last = std::min(indices.size(), (item + 1) * kOfItem);
    for (std::size_t i = item * kOfItem; i < last; ++i) {
      const Context* context = visit(*tables, indices[i], worker);
      if (context == nullptr) continue;
      worker.bounder.mix(*context);
      Impl::Reach reach;
      const bool exploits =
          problem.exploit && score_bound(Purpose::exploit, context, true, to_exploit,
                                         worker.bounder, reach) >= to_exploit;
      const bool challenges =
          problem.challenge && score_bound(Purpose::challenge, context, true, to_challenge,
                                           worker.bounder, reach) >= to_challenge;
      may[i] = exploits || challenges ? 1 : 0;
    }
  });
  if (control.cancelled()) return planning_stopped();
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (may[i] != 0) out.push_back(indices[i]);
  }
  return out;
}

Status BoundedSearch::Impl::climb() {
  constexpr int kRounds = 24;
  constexpr std::size_t kStarts = 16;
  std::unordered_set<std::uint64_t> visited;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::uint64_t> next;
    std::unordered_set<std::uint64_t> listed;
    for (const Best* best : {&best_of_exploit, &best_of_challenge}) {
      std::size_t taken = 0;
      for (const Scored& item : best->sorted()) {
        listed.insert(item.index);
        if (taken >= kStarts || !visited.insert(item.index).second) continue;
        ++taken;
        neighbours_of(item.index, next);
      }
    }
    if (next.empty()) return {};
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    // What was offered before must not be offered twice.
    std::erase_if(next, [&](std::uint64_t index) { return listed.count(index) > 0; });
    const Result<std::vector<std::uint64_t>> left = promising(next);
    if (!left) return left.error();
    if (Status status = evaluate(*left); !status) return status;
  }
  return {};
}

}  // namespace kasetsu::planning
