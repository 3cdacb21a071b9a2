// The search by bounds for the best predictions, and for where hypotheses disagree most.
#include <algorithm>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/bounds/bounded_search_impl.h"

namespace kasetsu::planning {

double BoundedSearch::Impl::score_bound(Purpose purpose, const Context* context, bool exact,
                                        double limit, Bounder& bounder,
                                        Interval& companions) const {
  // The other side of the interval matters where small is good, and to scores that fall with it.
  const bool high_only =
      purpose == Purpose::challenge ||
      (problem.acquirer.sign() > 0.0 && problem.acquirer.acquisition != Acquisition::probability &&
       problem.acquirer.acquisition != Acquisition::conservative);
  Bounder::Predicted predicted = bounder.predict(context, exact, high_only);
  if (purpose == Purpose::challenge) {
    if (!exact && predicted.spread_high >= limit) bounder.refine(predicted);
    if (!exact && predicted.spread_high >= limit) bounder.refine_spread(predicted);
    return predicted.spread_high;
  }
  const auto at_most = [&](double novelty) {
    const bool upwards = problem.acquirer.sign() > 0.0;
    double mean = upwards ? predicted.high : predicted.low;
    if (tables->share > 0.0) {  // what the companions may say is infinite at first
      mean = (1.0 - tables->share) * mean +
             tables->share * (upwards ? companions.high : companions.low);
    }
    if (!upwards) mean = -mean;
    mean += kWiden * (1.0 + std::abs(mean));
    const selection::Predictor& predictor = *tables->predictor;
    const double narrow = predictor.half_width(predicted.spread_low, 0.0) / kHalfWidth80;
    const double wide = predictor.half_width(predicted.spread_high, novelty) / kHalfWidth80;
    const double score =
        problem.acquirer.at_most(mean, narrow * (1.0 - kWiden), wide * (1.0 + kWiden));
    return score + kWiden * std::abs(score);
  };
  const auto ask_companions = [&] {
    if (exact) {
      companions.low = companions.high = bounder.companion(*context);
      return;
    }
    const bool most = problem.acquirer.sign() > 0.0;
    const double reached = bounder.companions(most);
    if (most) companions.high = std::min(companions.high, reached);
    if (!most) companions.low = std::max(companions.low, reached);
  };
  const bool seen = context != nullptr ? context->seen : bounder.hull().seen;
  double novelty = selection::kNeverSeen * (bounder.unseen_elements() + (seen ? 0.0 : 1.0));
  const bool quick = !exact && tables->share > 0.0 && bounder.companions_are_quick();
  // What is quick and wide comes first: most end there.
  if (quick) ask_companions();
  double bound = kInfinity;
  if (typical > 0.0) {
    bounder.place(context);
    bound = at_most(novelty + std::sqrt(bounder.farther_corner(training)) / typical);
    if (bound < limit) return bound;
    if (!exact) {
      bounder.refine(predicted);
      const double here = std::sqrt(bounder.farther_corner(training)) / typical;
      bound = at_most(novelty + here);
      if (bound < limit) return bound;
      bounder.refine_spread(predicted);
      bound = at_most(novelty + here);
      if (bound < limit) return bound;
    }
    novelty += std::sqrt(bounder.farthest_corner(training, 0.0)) / typical;
  }
  bound = at_most(novelty);
  if (bound < limit || tables->share == 0.0 || quick) return bound;
  ask_companions();
  return at_most(novelty);
}

void BoundedSearch::Impl::bound_branch(Purpose purpose, Branch& branch, double limit,
                                       Worker& worker) const {
  const Branches branches(*tables);
  const ElementSets& group = branches.sets(branch);
  if (group.count == 0) return;  // a bare support: nothing to bound
  worker.bounder.bound(group, branches.amounts(branch), branch.elements(group),
                       branches.hull(branch));
  ++worker.steps;
  ++worker.bounded;
  Interval companions{branch.companion_low, branch.companion_high};
  const double bound = score_bound(purpose, nullptr, false, limit, worker.bounder, companions);
  branch.bound = std::min(branch.bound, bound);
  branch.companion_low = companions.low;
  branch.companion_high = companions.high;
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
      Interval companions{branch.companion_low, branch.companion_high};
      bounds[c] = score_bound(purpose, &context, true, limit, bounder, companions);
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
