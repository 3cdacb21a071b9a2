// Farthest-point sampling by bounds: lazy greedy (Minoux, 1978). A bound from before a pick is
// still a bound after it, so that only the branches at the top are looked at anew.
#include <algorithm>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/bounds/bounded_search_impl.h"
#include "core/planning/surrogates/farthest_points.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

constexpr std::size_t kBranchesOfItem = 16;
constexpr std::size_t kBranchesAtOnce = 512;

// Squared distance to the nearest column; below `floor` any number below it may come back. The
// columns that were nearest lately come first in `order`.
double squared_to_nearest(const double* x, const MatrixXd& points, double floor,
                          std::vector<Index>& order) {
  const Index dimensions = points.rows();
  double nearest = kInfinity;
  for (std::size_t n = 0; n < order.size(); ++n) {
    const double sum = squared_between(x, points.data() + order[n] * dimensions, dimensions);
    if (sum >= nearest) continue;
    nearest = sum;
    if (nearest < floor) {
      // Halfway to the front: what dismisses one candidate dismisses its neighbours.
      std::swap(order[n], order[n / 2]);
      return nearest;
    }
  }
  return nearest;
}

}  // namespace

Branch BoundedSearch::Impl::farthest_of(const Branch& branch, const MatrixXd& points, double floor,
                                        const std::unordered_set<std::uint64_t>& taken,
                                        const BatchBudget& budget, Worker& worker) const {
  const Branches branches(*coordinates);
  const ElementSets& group = branches.sets(branch);
  const std::vector<Context>& all = coordinates->contexts[group.part];
  const Branches::Composition composition = branches.composition(branch);
  Branch best = branch;
  best.bound = floor;
  if (best.reached) best.index = 0;  // that of a candidate, which may be taken since
  best.reached = false;
  std::vector<Index>& order = worker.order;
  if (order.size() != static_cast<std::size_t>(points.cols())) {
    order.resize(static_cast<std::size_t>(points.cols()));
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = static_cast<Index>(k);
  }
  std::vector<double>& x = worker.coordinates;
  std::vector<double>& squared = worker.squared;
  x.resize(static_cast<std::size_t>(points.rows()));
  squared.resize(all.size());
  ++worker.opened;
  ++worker.steps;
  worker.bounder.evaluate(group, {composition.positions.data(), composition.count},
                          composition.amounts.data(), branches.hull(branch));
  for (const int place : branches.contexts(branch)) {
    const auto c = static_cast<std::size_t>(place);
    const Context& context = all[c];
    if (context.coordinate_twin == c) {
      worker.bounder.locate(context, x.data());
      squared[c] = squared_to_nearest(x.data(), points, best.bound, order);
      if (std::any_of(x.begin(), x.end(), [](double v) { return !std::isfinite(v); })) {
        squared[c] = -kInfinity;
      }
    } else {
      squared[c] = squared[context.coordinate_twin];
    }
    if (squared[c] < best.bound) continue;
    visit_indices(group, composition.index, context, [&](std::uint64_t index) {
      // Ties go to the smaller index.
      if (squared[c] < best.bound ||
          (squared[c] == best.bound && best.reached && index >= best.index)) {
        return;
      }
      if (taken.count(index) > 0 || !usable(index)) return;
      if (budget.limited() && !budget.exceeded_by(problem.space->unrank(index).catalyst).empty()) {
        return;
      }
      best.bound = squared[c];
      best.index = index;
      best.reached = true;
    });
  }
  return best;
}

// One run of farthest-point sampling.
class BoundedSearch::FarSearch {
 public:
  FarSearch(Impl& self, const MatrixXd& also, const std::unordered_set<std::uint64_t>& taken,
            BatchBudget budget)
      : self_(self),
        taken_(taken),
        budget_(std::move(budget)),
        before_picks_(self.known.cols()),
        points_(self.problem.surrogate->dimensions(), self.known.cols() + also.rows()),
        queue_(self.options.most_entries) {
    points_.leftCols(before_picks_) = self.known;
    points_.rightCols(also.rows()) = also.transpose();
    for (const Branch& root : Branches(*self.coordinates).roots()) queue_.push(root);
    for (const auto& [index, place] : self.of_sample) at_hand_.push_back({index, kInfinity, place});
  }

  // Candidates of lists are written out one by one: they are all looked at.
  Status read_lists() {
    const CandidateSpace& space = *self_.problem.space;
    for (std::size_t p = 0; p < space.parts().size(); ++p) {
      if (space.parts()[p].family) continue;
      std::vector<Candidate> candidates;
      std::vector<std::uint64_t> indices;
      for (std::uint64_t local = 0; local < space.parts()[p].size; ++local) {
        for (std::uint64_t c = 0; c < space.condition_points(); ++c) {
          const auto index = space.index_of(p, local, c);
          if (!index || taken_.count(*index) > 0 || !self_.usable(*index)) continue;
          indices.push_back(*index);
          candidates.push_back(space.unrank(*index));
        }
      }
      if (candidates.empty()) continue;
      Evaluation evaluation;
      if (Status status = self_.problem.surrogate->evaluate(candidates, evaluation); !status)
        return status;
      for (std::size_t i = 0; i < indices.size(); ++i) {
        const Eigen::VectorXd x = evaluation.coordinates.row(static_cast<Index>(i)).transpose();
        if (x.allFinite()) at_hand_.push_back({indices[i], kInfinity, x});
      }
    }
    return {};
  }

  // The farthest candidate of this round; none: nothing is left to pick.
  Result<std::optional<FarPick>> pick(std::uint32_t round) {
    found_ = self_.far_limit;
    any_ = limited_ = false;
    settled_.clear();
    offer_at_hand();
    while (!queue_.empty() && may_win(queue_.front())) {
      if (self_.control.should_stop()) return planning_stopped();
      if (steps_ > self_.options.most_steps) {
        limited_ = true;
        break;
      }
      look_into(take_chunk(round), round);
      if (self_.control.cancelled()) return planning_stopped();
    }
    if (!any_) {
      found_ = -kInfinity;
      offer_at_hand();
    }
    if (!any_) return std::optional<FarPick>();
    for (const Branch& branch : settled_) queue_.push(branch);
    const bool proven = !limited_ && found_ > std::max(self_.far_limit, queue_.dropped());
    if (!proven) self_.explore_proven = false;
    const FarPick best{found_index_, std::sqrt(found_), proven};
    if (Status status = add_point(best.index); !status) return status.error();
    return std::optional(best);
  }

 private:
  // Equal distances go to the smaller index.
  bool may_win(const Branch& branch) const {
    return branch.bound > found_ ||
           (branch.bound == found_ && (!any_ || branch.index < found_index_));
  }

  void offer(double squared, std::uint64_t index) {
    if (squared < found_ || (any_ && squared == found_ && index >= found_index_)) return;
    found_ = squared;
    found_index_ = index;
    any_ = true;
  }

  void offer_at_hand() {
    for (AtHand& candidate : at_hand_) {
      const std::uint64_t index = candidate.index;
      for (Index k = met_; k < points_.cols(); ++k) {
        candidate.squared = std::min(
            candidate.squared,
            squared_between(candidate.place.data(), points_.col(k).data(), points_.rows()));
      }
      if (candidate.squared < found_ || taken_.count(index) > 0 || picked_.count(index) > 0 ||
          (budget_.limited() &&
           !budget_.exceeded_by(self_.problem.space->unrank(index).catalyst).empty())) {
        continue;
      }
      offer(candidate.squared, index);
    }
    met_ = points_.cols();
  }

  // The branches with the largest bounds that are to be looked at.
  std::vector<Branch> take_chunk(std::uint32_t round) {
    std::vector<Branch> chunk;
    while (!queue_.empty() && chunk.size() < kBranchesAtOnce && may_win(queue_.front())) {
      const Branch branch = queue_.pop();
      (branch.reached && branch.round == round ? settled_ : chunk).push_back(branch);
    }
    return chunk;
  }

  void look_into(const std::vector<Branch>& chunk, std::uint32_t round) {
    std::vector<Found> found((chunk.size() + kBranchesOfItem - 1) / kBranchesOfItem);
    const double floor = found_;
    // Only what was picked since the bound was made can lower it.
    const MatrixXd recent = points_.rightCols(points_.cols() - before_picks_);
    self_.executor.parallel_for(found.size(), [&](std::size_t item) {
      if (self_.control.cancelled()) return;
      Impl::Worker worker(*self_.coordinates);
      const std::size_t last = std::min(chunk.size(), (item + 1) * kBranchesOfItem);
      for (std::size_t i = item * kBranchesOfItem; i < last; ++i)
        look_at(chunk[i], round, recent, floor, worker, found[item]);
      found[item].steps = worker.steps;
      found[item].bounded = worker.bounded;
      found[item].opened = worker.opened;
    });
    for (const Found& item : found) {
      steps_ += item.steps;
      self_.bounded += item.bounded;
      self_.opened += item.opened;
      for (const Branch& branch : item.settled) {
        offer(branch.bound, branch.index);
        settled_.push_back(branch);
      }
      for (const Branch& branch : item.left) queue_.push(branch);
    }
  }

  struct Found {
    std::vector<Branch> left;     // to be looked at, or for later picks
    std::vector<Branch> settled;  // their farthest candidate is known
    std::uint64_t steps = 0, bounded = 0, opened = 0;
  };

  // Nothing below the limit is ever picked.
  void keep(const Branch& branch, Found& out) const {
    if (branch.bound > self_.far_limit) out.left.push_back(branch);
  }

  void look_at(const Branch& branch, std::uint32_t round, const MatrixXd& recent, double floor,
               Impl::Worker& worker, Found& out) const {
    if (branch.round != round && recent.cols() > 0) {
      Branch anew = branch;
      anew.round = round;
      bound(anew, recent, worker);
      if (anew.bound < branch.bound) {
        if (anew.reached) anew.index = 0;
        anew.reached = false;
        keep(anew, out);
        return;
      }
    }
    worker.parts.clear();
    const Branches branches(*self_.coordinates);
    const bool divided = branches.divide(branch, worker.parts);
    for (Branch& part : worker.parts) {
      if (self_.forbidden(*self_.coordinates, part)) continue;
      part.round = round;
      bound(part, points_, worker);
      keep(part, out);
    }
    if (divided) return;
    Branch farthest = self_.farthest_of(branch, points_, floor, taken_, budget_, worker);
    farthest.round = round;
    if (farthest.reached) {
      out.settled.push_back(farthest);
      return;
    }
    // It is not looked at again before the next pick.
    farthest.bound = std::min(branch.bound, std::nextafter(floor, -kInfinity));
    keep(farthest, out);
  }

  void bound(Branch& branch, const MatrixXd& points, Impl::Worker& worker) const {
    const Branches branches(*self_.coordinates);
    const ElementSets& group = branches.sets(branch);
    if (group.count == 0) return;
    worker.bounder.bound(group, branches.amounts(branch), branch.elements(group), {},
                         branches.hull(branch));
    worker.bounder.place(nullptr);
    ++worker.steps;
    ++worker.bounded;
    branch.bound = std::min(branch.bound, worker.bounder.farthest_corner(points, self_.far_limit));
  }

  Status add_point(std::uint64_t index) {
    picked_.insert(index);
    const Candidate candidate = self_.problem.space->unrank(index);
    budget_.spend(candidate.catalyst);
    Evaluation evaluation;
    if (Status status = self_.problem.surrogate->evaluate({&candidate, 1}, evaluation); !status)
      return status;
    points_.conservativeResize(Eigen::NoChange, points_.cols() + 1);
    points_.col(points_.cols() - 1) = evaluation.coordinates.row(0).transpose();
    return {};
  }

  Impl& self_;
  const std::unordered_set<std::uint64_t>& taken_;
  BatchBudget budget_;
  Index before_picks_;
  MatrixXd points_;  // columns: what is known, picked by other strategies, and picked here
  // Candidates that are at hand before any branch: those of lists and of the sample.
  struct AtHand {
    std::uint64_t index;
    double squared;  // to the nearest of the first `met_` points
    Eigen::VectorXd place;
  };
  std::vector<AtHand> at_hand_;
  Index met_ = 0;
  Impl::Queue queue_;
  std::vector<Branch> settled_;
  std::unordered_set<std::uint64_t> picked_;
  std::uint64_t steps_ = 0;
  // The best candidate of this round so far.
  double found_ = 0.0;
  std::uint64_t found_index_ = 0;
  bool any_ = false, limited_ = false;
};

Result<std::vector<BoundedSearch::FarPick>> BoundedSearch::farthest(
    int count, const MatrixXd& also, const std::unordered_set<std::uint64_t>& taken,
    BatchBudget budget) {
  FarSearch search(*impl_, also, taken, std::move(budget));
  if (Status status = search.read_lists(); !status) return status.error();
  std::vector<FarPick> picks;
  for (int n = 0; n < count; ++n) {
    const Result<std::optional<FarPick>> next = search.pick(static_cast<std::uint32_t>(n + 1));
    if (!next) return next.error();
    if (!*next) break;
    picks.push_back(**next);
  }
  if (static_cast<int>(picks.size()) < count) impl_->explore_proven = false;
  return picks;
}

}  // namespace kasetsu::planning
