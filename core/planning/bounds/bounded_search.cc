#include "core/planning/bounds/bounded_search.h"
#include "core/base/constants.h"
#include "core/planning/surrogates/farthest_points.h"

#include <algorithm>
#include <cmath>

#include "core/planning/bounds/bounded_search_impl.h"

namespace kasetsu::planning {
namespace {
using Eigen::Index;
using Eigen::MatrixXd;

constexpr std::uint64_t kNodesAtOnce = 2048;
constexpr std::size_t kWave = 32;
constexpr std::size_t kRowsAtOnce = 1024;

Error stopped() {
  return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
}

}  // namespace

void BoundedSearch::Impl::Entries::add(const std::vector<Entry>& more, std::size_t most) {
  items.insert(items.end(), more.begin(), more.end());
  if (items.size() <= most + most / 4) return;
  const auto middle = items.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(items.begin(), middle, items.end(), before);
  dropped = std::max(dropped, middle->bound);
  items.erase(middle, items.end());
}

BoundedSearch::Impl::Worker::Worker(const Impl& owner, bool predictions)
    : place(*owner.coordinates) {
  if (predictions && owner.tables) all.emplace(*owner.tables);
}

bool BoundedSearch::Impl::build() {
  const selection::Predictor& predictor = *problem.surrogate->ensemble();
  const CandidateSpace& space = *problem.space;
  std::uint64_t nodes = 0;
  for (const auto& part : space.parts()) {
    if (!part.family) continue;
    const std::vector<int>& known_elements = predictor.model().features.elements;
    for (const int element : part.family->elements()) {
      if (!std::binary_search(known_elements.begin(), known_elements.end(), element)) return false;
    }
    for (int count = part.family->smallest(); count <= part.family->largest(); ++count) {
      nodes += part.family->patterns(count) > 0 ? part.family->subsets(count) : 0;
      if (nodes > options.most_nodes) return false;
    }
  }
  coordinates = EnsembleBounds::make(predictor, space, 1);
  if (!coordinates) return false;
  if (problem.exploit || problem.challenge) {
    tables = EnsembleBounds::make(predictor, space, predictor.model().hypotheses.size());
    if (!tables) return false;
  }
  training = predictor.model().coordinates.transpose();
  known = problem.known.transpose();
  typical = predictor.model().typical_distance;
  best_of_exploit = Best(problem.exploit ? problem.pool : 0);
  best_of_challenge = Best(problem.challenge ? problem.pool : 0);
  return true;
}

double BoundedSearch::Impl::score_bound(Purpose purpose, const ElementSets& group,
                                        const Context* context, bool exact, double limit,
                                        Bounder& bounder) const {
  // The other side of the interval matters where small is good, and to scores that fall with it.
  const bool high_only =
      purpose == Purpose::challenge ||
      (problem.acquirer.sign() > 0.0 && problem.acquirer.acquisition != Acquisition::probability &&
       problem.acquirer.acquisition != Acquisition::conservative);
  const Bounder::Predicted predicted = bounder.predict(group, context, exact, high_only);
  if (purpose == Purpose::challenge) return predicted.spread_high;
  const EnsembleBounds::Hull& hull = tables->hulls[group.part];
  double companion_low = context != nullptr ? context->companion_low : hull.companion_low;
  double companion_high = context != nullptr ? context->companion_high : hull.companion_high;
  const auto at_most = [&](double novelty) {
    const double own = 1.0 - tables->share;
    double mean = problem.acquirer.sign() > 0.0
                      ? own * predicted.high + tables->share * companion_high
                      : -(own * predicted.low + tables->share * companion_low);
    mean += kWiden * (1.0 + std::abs(mean));
    const selection::Predictor& predictor = *tables->predictor;
    const double narrow = predictor.half_width(predicted.spread_low, 0.0) / kHalfWidth80;
    const double wide = predictor.half_width(predicted.spread_high, novelty) / kHalfWidth80;
    const double score =
        problem.acquirer.at_most(mean, narrow * (1.0 - kWiden), wide * (1.0 + kWiden));
    return score + kWiden * std::abs(score);
  };
  const bool all_seen = context != nullptr && context->seen;
  const double unseen =
      selection::kNeverSeen * (bounder.unseen_elements() + (all_seen ? 0.0 : 1.0));
  double novelty = unseen;
  if (typical > 0.0) {
    // Quick and wide first: most end there.
    bounder.place(group, context);
    const double wide = at_most(unseen + std::sqrt(bounder.farther_corner(training)) / typical);
    if (wide < limit) return wide;
    novelty += std::sqrt(bounder.farthest_corner(training, 0.0)) / typical;
  }
  double bound = at_most(novelty);
  if (exact && context != nullptr && bound >= limit && tables->share > 0.0) {
    companion_low = companion_high = bounder.companion(*context);
    bound = at_most(novelty);
  }
  return bound;
}

void BoundedSearch::Impl::bound_node(const ElementSets& group, std::uint64_t node, Worker& worker,
                                     std::vector<Entry>& to_exploit,
                                     std::vector<Entry>& to_challenge,
                                     std::vector<Entry>& to_explore) const {
  const auto keep = [&](std::vector<Entry>& entries, double bound) {
    entries.push_back({bound, node, 0, 0, false});
  };
  if (group.count == 0) {
    // A bare support: nothing to bound.
    if (problem.exploit) keep(to_exploit, kInfinity);
    if (problem.challenge) keep(to_challenge, kInfinity);
    if (problem.explore > 0) keep(to_explore, kInfinity);
    return;
  }
  double exploit_bound = -kInfinity;
  double challenge_bound = -kInfinity;
  double explore_bound = -kInfinity;
  if (worker.all) {
    worker.all->load(group, node);
    worker.all->bound_all(group);
    if (problem.exploit) {
      exploit_bound = score_bound(Purpose::exploit, group, nullptr, false, best_of_exploit.limit(),
                                  *worker.all);
    }
    if (problem.challenge) {
      challenge_bound = score_bound(Purpose::challenge, group, nullptr, false,
                                    best_of_challenge.limit(), *worker.all);
    }
    // What is left is divided once, while the set is at hand.
    const std::vector<std::size_t>& boxes = group.boxes.front().children;
    const bool exploit_left = exploit_bound >= best_of_exploit.limit();
    const bool challenge_left = challenge_bound >= best_of_challenge.limit();
    if (!boxes.empty() && (exploit_left || challenge_left)) {
      double exploit_most = -kInfinity;
      double challenge_most = -kInfinity;
      for (const std::size_t box : boxes) {
        worker.all->bound_box(group.boxes[box]);
        if (exploit_left) {
          exploit_most = std::max(exploit_most, score_bound(Purpose::exploit, group, nullptr, false,
                                                            best_of_exploit.limit(), *worker.all));
        }
        if (challenge_left) {
          challenge_most =
              std::max(challenge_most, score_bound(Purpose::challenge, group, nullptr, false,
                                                   best_of_challenge.limit(), *worker.all));
        }
      }
      if (exploit_left) exploit_bound = std::min(exploit_bound, exploit_most);
      if (challenge_left) challenge_bound = std::min(challenge_bound, challenge_most);
    }
  }
  if (problem.explore > 0) {
    worker.place.load(group, node);
    worker.place.bound_all(group);
    worker.place.place(group, nullptr);
    explore_bound = worker.place.farthest_corner(known, far_limit);
  }
  const bool exploit_here = problem.exploit && exploit_bound >= best_of_exploit.limit();
  const bool challenge_here = problem.challenge && challenge_bound >= best_of_challenge.limit();
  const bool explore_here = problem.explore > 0 && explore_bound > far_limit;
  if (!exploit_here && !challenge_here && !explore_here) return;
  if (problem.rules != nullptr) {
    const auto& supports = problem.space->parts()[group.part].supports;
    const std::vector<int>& elements =
        worker.all ? worker.all->elements() : worker.place.elements();
    if (std::all_of(supports.begin(), supports.end(), [&](const Support& support) {
          return problem.rules->forbids(elements, support.name);
        })) {
      return;
    }
  }
  if (exploit_here) keep(to_exploit, exploit_bound);
  if (challenge_here) keep(to_challenge, challenge_bound);
  if (explore_here) keep(to_explore, explore_bound);
}

// Candidates of a node whose score may reach the limit.
void BoundedSearch::Impl::open(Purpose purpose, std::uint64_t node, double limit, Worker& worker,
                               std::vector<Promise>& out) const {
  const ElementSets& group = tables->group_of(node);
  const auto& part = problem.space->parts()[group.part];
  const std::vector<Context>& here = tables->contexts[group.part];
  Bounder& bounder = *worker.all;
  bounder.load(group, node);
  std::vector<bool> forbidden(here.size(), false);
  for (std::size_t c = 0; problem.rules != nullptr && c < here.size(); ++c) {
    forbidden[c] = problem.rules->forbids(bounder.elements(), part.supports[here[c].support].name);
  }
  std::vector<double> bounds(here.size());
  worker.amounts.resize(static_cast<std::size_t>(std::max(1, group.count)));
  const auto look_at = [&](std::uint64_t pattern) {
    ++worker.steps;
    part.family->pattern(group.count, pattern, worker.amounts.data());
    bounder.evaluate(worker.amounts.data());
    if (here.size() > 1 && score_bound(purpose, group, nullptr, true, limit, bounder) < limit) {
      return;
    }
    for (std::size_t c = 0; c < here.size(); ++c) {
      const Context& context = here[c];
      if (context.prediction_twin == c) {
        bounder.mix(group, &context);
        bounds[c] = score_bound(purpose, group, &context, true, limit, bounder);
      } else {
        bounds[c] = bounds[context.prediction_twin];
      }
      if (forbidden[c] || bounds[c] < limit) continue;
      visit_indices(group, node, pattern, context, [&](std::uint64_t index) {
        out.push_back({bounds[c], index});
      });
    }
  };
  std::vector<std::size_t> boxes = {0};
  while (!boxes.empty()) {
    const AmountBox& box = group.boxes[boxes.back()];
    const bool root = boxes.back() == 0;
    boxes.pop_back();
    if (!root) {
      ++worker.steps;
      bounder.bound_box(box);
      if (score_bound(purpose, group, nullptr, false, limit, bounder) < limit) continue;
    }
    boxes.insert(boxes.end(), box.children.begin(), box.children.end());
    if (!box.children.empty()) continue;
    for (std::uint64_t pattern = box.first; pattern < box.last; ++pattern) look_at(pattern);
  }
}

Status BoundedSearch::Impl::run_best(Purpose purpose) {
  const bool exploiting = purpose == Purpose::exploit;
  Entries& entries = exploiting ? exploit : challenge;
  Best& best = exploiting ? best_of_exploit : best_of_challenge;
  bool& proven = exploiting ? exploit_proven : challenge_proven;
  std::sort(entries.items.begin(), entries.items.end(), before);
  const std::uint64_t start = evaluated;
  std::uint64_t steps = 0;
  std::size_t at = 0;
  std::size_t chunk = 64;
  constexpr std::size_t kNodesOfItem = 16;
  while (at < entries.items.size() && entries.items[at].bound >= best.limit()) {
    if (control.should_stop()) return stopped();
    if (steps > options.most_steps || evaluated - start > options.most_evaluated) {
      proven = false;
      break;
    }
    const double limit = best.limit();
    std::size_t end = at;
    while (end < entries.items.size() && end < at + chunk && entries.items[end].bound >= limit) {
      ++end;
    }
    struct Opened {
      std::vector<Promise> promises;
      std::uint64_t steps = 0;
    };
    std::vector<Opened> found((end - at + kNodesOfItem - 1) / kNodesOfItem);
    executor.parallel_for(found.size(), [&](std::size_t item) {
      Worker worker(*this, true);
      const std::size_t last = std::min(end, at + (item + 1) * kNodesOfItem);
      for (std::size_t i = at + item * kNodesOfItem; i < last; ++i) {
        open(purpose, entries.items[i].node, limit, worker, found[item].promises);
      }
      found[item].steps = worker.steps;
    });
    opened += end - at;
    at = end;
    chunk = std::min<std::size_t>(chunk * 2, 4096);
    std::vector<Promise> promises;
    for (const Opened& item : found) {
      steps += item.steps;
      promises.insert(promises.end(), item.promises.begin(), item.promises.end());
    }
    // What was offered before must not be offered twice.
    std::unordered_set<std::uint64_t> listed;
    for (const Scored& item : best_of_exploit.sorted()) listed.insert(item.index);
    for (const Scored& item : best_of_challenge.sorted()) listed.insert(item.index);
    std::erase_if(promises, [&](const Promise& p) { return listed.count(p.index) > 0; });
    std::sort(promises.begin(), promises.end(), [](const Promise& a, const Promise& b) {
      return a.bound != b.bound ? a.bound > b.bound : a.index < b.index;
    });
    for (std::size_t i = 0; i < promises.size() && promises[i].bound >= best.limit();) {
      if (evaluated - start > options.most_evaluated) {
        proven = false;
        break;
      }
      std::vector<std::uint64_t> indices;
      for (; i < promises.size() && indices.size() < 2 * kRowsAtOnce; ++i) {
        indices.push_back(promises[i].index);
      }
      if (Status status = evaluate(indices); !status) return status;
    }
  }
  if (entries.dropped >= best.limit()) proven = false;
  return {};
}

Status BoundedSearch::Impl::evaluate(const std::vector<std::uint64_t>& indices, MatrixXd* keep,
                                     std::vector<std::uint64_t>* kept_indices) {
  const std::size_t blocks = (indices.size() + kRowsAtOnce - 1) / kRowsAtOnce;
  struct Block {
    Best exploit, challenge;
    Evaluation evaluation;
    std::vector<std::uint64_t> kept;
    std::optional<Error> error;
  };
  for (std::size_t start = 0; start < blocks; start += kWave) {
    if (control.should_stop()) return stopped();
    const std::size_t count = std::min(kWave, blocks - start);
    std::vector<Block> results(count);
    executor.parallel_for(count, [&](std::size_t b) {
      Block& out = results[b];
      out.exploit = Best(problem.exploit ? problem.pool : 0);
      out.challenge = Best(problem.challenge ? problem.pool : 0);
      std::vector<Candidate> candidates;
      std::vector<std::uint64_t>& kept = out.kept;
      const std::size_t end = std::min(indices.size(), (start + b + 1) * kRowsAtOnce);
      for (std::size_t i = (start + b) * kRowsAtOnce; i < end; ++i) {
        if (!usable(indices[i])) continue;
        kept.push_back(indices[i]);
        candidates.push_back(problem.space->unrank(indices[i]));
      }
      out.evaluation.resize(0, problem.surrogate->dimensions());
      if (kept.empty()) return;
      if (Status status = problem.surrogate->evaluate(candidates, out.evaluation); !status) {
        out.error = status.error();
        return;
      }
      const Evaluation& e = out.evaluation;
      for (std::size_t i = 0; i < kept.size(); ++i) {
        const auto row = static_cast<Index>(i);
        const double sd = (e.high[row] - e.low[row]) / (2.0 * kHalfWidth80);
        if (!std::isfinite(e.mean[row]) || !std::isfinite(sd)) continue;
        out.exploit.offer({problem.acquirer.score(e.mean[row], sd),
                           problem.acquirer.sign() * e.mean[row], kept[i]});
        out.challenge.offer({e.disagreement[row], 0.0, kept[i]});
      }
    });
    Index rows = 0;
    for (Block& result : results) {
      if (result.error) return *result.error;
      best_of_exploit.merge(result.exploit);
      best_of_challenge.merge(result.challenge);
      rows += result.evaluation.coordinates.rows();
    }
    if (keep == nullptr) continue;
    Index at = keep->rows();
    keep->conservativeResize(at + rows, problem.surrogate->dimensions());
    for (const Block& result : results) {
      const MatrixXd& x = result.evaluation.coordinates;
      keep->middleRows(at, x.rows()) = x;
      at += x.rows();
      kept_indices->insert(kept_indices->end(), result.kept.begin(), result.kept.end());
    }
  }
  evaluated += indices.size();
  return {};
}

// The first thresholds: an even sample, all of the lists, and from the best of them uphill by one
// element, amount or support at a time.
Status BoundedSearch::Impl::sample() {
  const CandidateSpace& space = *problem.space;
  std::vector<std::uint64_t> indices;
  const std::uint64_t count = std::min(options.sample, space.size());
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
  MatrixXd kept(0, problem.surrogate->dimensions());
  std::vector<std::uint64_t> kept_indices;
  if (Status status = evaluate(indices, problem.explore > 0 ? &kept : nullptr, &kept_indices);
      !status) {
    return status;
  }
  if (problem.explore > 0 && kept.rows() > 0) {
    // A full search finds points that are no nearer than these, or falls back on them and says that
    // its picks are not proven. The batch's other picks repel too, so that some more are asked for.
    const auto wanted = static_cast<std::size_t>(problem.explore + problem.explore / 2 + 4);
    const std::vector<std::size_t> picks = farthest_points(kept, problem.known, wanted);
    of_sample.reserve(kept_indices.size());
    for (std::size_t i = 0; i < kept_indices.size(); ++i) {
      const auto x = kept.row(static_cast<Index>(i));
      if (x.allFinite()) of_sample.emplace_back(kept_indices[i], x.transpose());
    }
    if (!picks.empty()) {
      double nearest = kInfinity;
      const auto last = kept.row(static_cast<Index>(picks.back()));
      for (Index k = 0; k < problem.known.rows(); ++k) {
        nearest = std::min(nearest, (problem.known.row(k) - last).squaredNorm());
      }
      for (std::size_t i = 0; i + 1 < picks.size(); ++i) {
        nearest = std::min(nearest, (kept.row(static_cast<Index>(picks[i])) - last).squaredNorm());
      }
      if (std::isfinite(nearest)) far_limit = nearest;
    }
  }
  return climb();
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

Status BoundedSearch::Impl::climb() {
  std::unordered_set<std::uint64_t> visited;
  for (int round = 0; round < 12; ++round) {
    std::vector<std::uint64_t> next;
    std::unordered_set<std::uint64_t> listed;
    for (const Best* best : {&best_of_exploit, &best_of_challenge}) {
      std::size_t taken = 0;
      for (const Scored& item : best->sorted()) {
        listed.insert(item.index);
        if (taken++ >= 48 || !visited.insert(item.index).second) continue;
        neighbours_of(item.index, next);
      }
    }
    if (next.empty()) return {};
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    // What was offered before must not be offered twice.
    std::erase_if(next, [&](std::uint64_t index) { return listed.count(index) > 0; });
    if (Status status = evaluate(next); !status) return status;
  }
  return {};
}

BoundedSearch::BoundedSearch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
BoundedSearch::~BoundedSearch() = default;

std::unique_ptr<BoundedSearch> BoundedSearch::make(BoundedProblem problem, BoundedOptions options,
                                                   const Executor& executor,
                                                   const Control& control) {
  KASETSU_ASSERT(problem.surrogate->ensemble() != nullptr);
  auto impl = std::make_unique<Impl>(std::move(problem), options, executor, control);
  if (!impl->build()) return nullptr;
  return std::unique_ptr<BoundedSearch>(new BoundedSearch(std::move(impl)));
}

Status BoundedSearch::prepare() {
  Impl& self = *impl_;
  if (Status status = self.sample(); !status) return status;
  const std::uint64_t node_count = nodes();
  const std::uint64_t chunks = (node_count + kNodesAtOnce - 1) / kNodesAtOnce;
  for (std::uint64_t start = 0; start < chunks; start += kWave) {
    if (self.control.should_stop()) return stopped();
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kWave, chunks - start));
    struct Found {
      std::vector<Impl::Entry> exploit, challenge, explore;
    };
    std::vector<Found> found(count);
    self.executor.parallel_for(count, [&](std::size_t c) {
      Impl::Worker worker(self, true);
      const std::uint64_t end = std::min(node_count, (start + c + 1) * kNodesAtOnce);
      for (std::uint64_t node = (start + c) * kNodesAtOnce; node < end; ++node) {
        self.bound_node(self.coordinates->group_of(node), node, worker, found[c].exploit,
                        found[c].challenge, found[c].explore);
      }
    });
    for (const Found& f : found) {
      self.exploit.add(f.exploit, self.options.most_entries);
      self.challenge.add(f.challenge, self.options.most_entries);
      self.explore.add(f.explore, self.options.most_entries);
    }
    self.control.report(0.8 * static_cast<double>(start + count) / static_cast<double>(chunks),
                        "bounding sets of elements");
  }
  return {};
}

Result<std::vector<Scored>> BoundedSearch::best_exploit() {
  if (Status status = impl_->run_best(Impl::Purpose::exploit); !status) return status.error();
  return impl_->best_of_exploit.sorted();
}

Result<std::vector<Scored>> BoundedSearch::best_challenge() {
  if (Status status = impl_->run_best(Impl::Purpose::challenge); !status) return status.error();
  return impl_->best_of_challenge.sorted();
}

std::uint64_t BoundedSearch::nodes() const {
  return impl_->coordinates->nodes;
}
std::uint64_t BoundedSearch::opened() const {
  return impl_->opened;
}
std::uint64_t BoundedSearch::evaluated() const {
  return impl_->evaluated;
}
bool BoundedSearch::exploit_proven() const {
  return impl_->exploit_proven;
}
bool BoundedSearch::challenge_proven() const {
  return impl_->challenge_proven;
}
bool BoundedSearch::explore_proven() const {
  return impl_->explore_proven;
}

}  // namespace kasetsu::planning
