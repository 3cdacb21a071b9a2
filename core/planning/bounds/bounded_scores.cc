// The search by bounds for the best predictions, and for where hypotheses disagree most.
#include <algorithm>
#include <cmath>
#include <functional>

#include "core/base/constants.h"
#include "core/planning/bounds/bounded_search_impl.h"

namespace kasetsu::planning {
namespace {

// Companions rarely say less of one element of a branch than of another by more than so much of
// the range of what they may predict.
constexpr double kCompanionsDiffer = 0.1;
// Of the elements of a branch so many are left that it is bounded once more.
constexpr double kBoundAgain = 0.85;

}  // namespace

double BoundedSearch::Impl::exploit_bound(double median, double companion, Interval spread,
                                          double novelty) const {
  const bool upwards = problem.acquirer.sign() > 0.0;
  double mean = median;
  if (tables->share > 0.0) {  // what the companions may say is infinite at first
    if (companion == (upwards ? -kInfinity : kInfinity)) return -kInfinity;  // no such candidates
    mean = (1.0 - tables->share) * mean + tables->share * companion;
  }
  if (!upwards) mean = -mean;
  mean += kWiden * (1.0 + std::abs(mean));
  const selection::Predictor& predictor = *tables->predictor;
  const double narrow = predictor.half_width(spread.low, 0.0) / kHalfWidth80;
  const double wide = predictor.half_width(spread.high, novelty) / kHalfWidth80;
  const double score =
      problem.acquirer.at_most(mean, narrow * (1.0 - kWiden), wide * (1.0 + kWiden));
  return score + kWiden * std::abs(score);
}

double BoundedSearch::Impl::score_bound(Purpose purpose, const Context* context, bool exact,
                                        double limit, Bounder& bounder, Reach& reach) const {
  // The other side of the interval matters where small is good, and to scores that fall with it.
  const bool high_only =
      purpose == Purpose::challenge ||
      (problem.acquirer.sign() > 0.0 && problem.acquirer.acquisition != Acquisition::probability &&
       problem.acquirer.acquisition != Acquisition::conservative);
  Bounder::Predicted& predicted = reach.predicted;
  predicted = bounder.predict(context, exact, high_only);
  if (purpose == Purpose::challenge) {
    if (!exact && predicted.spread_high >= limit) bounder.refine(predicted);
    if (!exact && predicted.spread_high >= limit) bounder.refine_spread(predicted);
    return predicted.spread_high;
  }
  const bool most = problem.acquirer.sign() > 0.0;
  Interval& companions = reach.companions;
  const auto bound = [&] {
    return exploit_bound(
        most ? predicted.high : predicted.low, most ? companions.high : companions.low,
        {predicted.spread_low, predicted.spread_high}, novelty_of(reach, reach.distance));
  };
  const auto ask_companions = [&] {
    if (exact) {
      companions.low = companions.high = bounder.companion(*context);
      return;
    }
    const double reached = bounder.companions(most);
    if (most) companions.high = std::min(companions.high, reached);
    if (!most) companions.low = std::max(companions.low, reached);
  };
  const bool seen = context != nullptr ? context->seen : bounder.hull().seen;
  reach.unseen = selection::kNeverSeen * (bounder.unseen_elements() + (seen ? 0.0 : 1.0));
  const bool quick = !exact && tables->share > 0.0 && bounder.companions_are_quick();
  // What is quick and wide comes first: most end there.
  if (quick) ask_companions();
  if (typical > 0.0) {
    bounder.place(context);
    reach.distance = bounder.farther_corner(training);
  }
  if (bound() < limit) return bound();
  if (!exact) {
    bounder.refine(predicted);
    if (bound() < limit) return bound();
    if (typical > 0.0) reach.distance = std::min(reach.distance, bounder.farthest_together());
    if (bound() < limit) return bound();
    bounder.refine_spread(predicted);
    if (bound() < limit) return bound();
  } else if (typical > 0.0) {
    reach.distance = bounder.farthest_corner(training, 0.0);
  }
  if (bound() >= limit && tables->share > 0.0 && !quick) ask_companions();
  return bound();
}

void BoundedSearch::Impl::bound_branch(Purpose purpose, Branch& branch, double limit,
                                       Worker& worker) const {
  const Branches branches(*tables);
  const ElementSets& group = branches.sets(branch);
  if (group.count == 0) return;  // a bare support: nothing to bound
  bool again = true;
  while (again) {
    worker.bounder.bound(group, branches.amounts(branch), branch.elements(group), branch.left,
                         branches.hull(branch));
    ++worker.steps;
    ++worker.bounded;
    Reach reach;
    reach.companions = {branch.companion_low, branch.companion_high};
    double bound = score_bound(purpose, nullptr, false, limit, worker.bounder, reach);
    if (bound >= limit)
      bound = std::min(bound, drop_elements(purpose, branch, limit, reach, worker));
    branch.bound = std::min(branch.bound, bound);
    branch.companion_low = reach.companions.low;
    branch.companion_high = reach.companions.high;
    // Where many of its elements were taken out, all that bounds it is tighter now.
    again = branch.bound >= limit &&
            static_cast<double>(branches.elements_left(branch)) <=
                kBoundAgain * static_cast<double>(worker.bounder.items().size());
  }
}

// Takes out of a branch the elements with which no candidate reaches the limit, and returns what
// those that are left reach. After score_bound() of the branch.
double BoundedSearch::Impl::drop_elements(Purpose purpose, Branch& branch, double limit,
                                          const Reach& reach, Worker& worker) const {
  Bounder& bounder = worker.bounder;
  const bool most = problem.acquirer.sign() > 0.0;
  const std::vector<double>& spreads = bounder.spreads_of_items(reach.predicted);
  std::vector<double>& scores = worker.bounds;
  if (purpose == Purpose::challenge) {
    scores = spreads;
  } else {
    const std::vector<double>& medians = bounder.medians_of_items(most, reach.predicted);
    const std::vector<double>& distances = bounder.distances_of_items(reach.distance);
    const auto score_of = [&](std::size_t i, double companion) {
      return exploit_bound(medians[i], companion, {reach.predicted.spread_low, spreads[i]},
                           novelty_of(reach, distances[i]));
    };
    const double whole = most ? reach.companions.high : reach.companions.low;
    scores.resize(spreads.size());
    // Whether what companions say of an element may leave it out.
    worker.asked.assign(spreads.size(), 0);
    bool near = false;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = score_of(i, whole);
      const double by = kCompanionsDiffer * (tables->highest - tables->lowest);
      if (scores[i] < limit || score_of(i, most ? whole - by : whole + by) >= limit) continue;
      worker.asked[i] = 1;
      near = true;
    }
    if (near && tables->share > 0.0 && bounder.companions_are_quick()) {
      const std::vector<double>& companions = bounder.companions_of_items(most, worker.asked);
      for (std::size_t i = 0; i < scores.size(); ++i) {
        if (worker.asked[i] != 0) scores[i] = score_of(i, companions[i]);
      }
    }
  }
  double bound = kInfinity;
  std::size_t first = 0;
  for (const Bounder::Cluster& cluster : bounder.clusters()) {
    const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(first);
    for (std::size_t i = first; i < first + cluster.size; ++i) {
      if (scores[i] < limit && cluster.level < branch.left.size())
        branch.left[cluster.level].reset(static_cast<std::size_t>(bounder.items()[i]));
    }
    // All that a candidate takes from a group reach what it does.
    const auto last = begin + (cluster.count - 1);
    std::nth_element(begin, last, begin + static_cast<std::ptrdiff_t>(cluster.size),
                     std::greater<>());
    bound = std::min(bound, *last);
    first += cluster.size;
  }
  return bound >= limit && !Branches(*tables).narrow(branch) ? -kInfinity : bound;
}

bool BoundedSearch::Impl::forbidden(const EnsembleBounds& of, const Branch& branch) const {
  if (problem.rules == nullptr || problem.rules->empty()) return false;
  const Branches branches(of);
  const ElementSets& group = branches.sets(branch);
  const auto& part = problem.space->parts()[group.part];
  const std::vector<std::vector<int>>& numbers = of.trees[group.part].numbers;
  const AmountSet& amounts = branches.amounts(branch);
  PartialCatalyst partial;
  partial.total = amounts.total;
  for (std::size_t k = 0; k < amounts.amounts.size(); ++k) {
    const std::vector<int>* elements = &numbers[branch.clusters[k]];
    if (partial.groups.empty() || partial.groups.back().elements != elements ||
        partial.groups.back().amount != amounts.amounts[k]) {
      partial.groups.push_back({elements, 0, amounts.amounts[k]});
    }
    ++partial.groups.back().count;
  }
  const std::vector<int>& here = branches.contexts(branch);
  std::size_t asked = part.supports.size();
  return std::all_of(here.begin(), here.end(), [&](int c) {
    const Context& context = of.contexts[group.part][static_cast<std::size_t>(c)];
    if (context.support == asked) return true;  // the same support under other conditions
    asked = context.support;
    return problem.rules->forbids(partial, part.supports[asked].name);
  });
}

void BoundedSearch::Impl::look_into(Purpose purpose, const Branch& branch, double limit,
                                    Worker& worker, std::vector<Branch>& parts,
                                    std::vector<Promise>& promises) const {
  worker.parts.clear();
  if (!Branches(*tables).divide(branch, worker.parts)) {
    open(purpose, branch, limit, worker, promises);
    return;
  }
  for (Branch& part : worker.parts) {
    if (forbidden(*tables, part)) continue;
    bound_branch(purpose, part, limit, worker);
    if (part.bound >= limit) parts.push_back(part);
  }
}

// Candidates of a composition whose score may reach the limit.
void BoundedSearch::Impl::open(Purpose purpose, const Branch& branch, double limit, Worker& worker,
                               std::vector<Promise>& out) const {
  const Branches branches(*tables);
  const ElementSets& group = branches.sets(branch);
  const std::vector<Context>& all = tables->contexts[group.part];
  const Branches::Composition composition = branches.composition(branch);
  Bounder& bounder = worker.bounder;
  ++worker.opened;
  ++worker.steps;
  bounder.evaluate(group, {composition.positions.data(), composition.count},
                   composition.amounts.data(), branches.hull(branch));
  std::vector<double>& bounds = worker.bounds;
  bounds.resize(all.size());
  for (const int place : branches.contexts(branch)) {
    const auto c = static_cast<std::size_t>(place);
    const Context& context = all[c];
    if (context.prediction_twin == c) {
      bounder.mix(context);
      Reach reach;
      reach.companions = {branch.companion_low, branch.companion_high};
      bounds[c] = score_bound(purpose, &context, true, limit, bounder, reach);
    } else {
      bounds[c] = bounds[context.prediction_twin];
    }
    if (bounds[c] < limit) continue;
    visit_indices(group, composition.index, context, [&](std::uint64_t index) {
      out.push_back({bounds[c], index});
    });
  }
}

}  // namespace kasetsu::planning
