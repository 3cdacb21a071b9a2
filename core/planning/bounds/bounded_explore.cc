// Farthest-point sampling by bounds: lazy greedy (Minoux, 1978). A bound from before a pick is
// still a bound after it, so that only the nodes at the top are looked at anew.
#include <algorithm>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/bounds/bounded_search_impl.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

constexpr std::size_t kNodesOfItem = 32;
constexpr std::size_t kNodesAtOnce = 2048;

// Squared distance to the nearest column; below `floor` any number below it may come back. The
// columns that were nearest lately come first in `order`.
double squared_to_nearest(const double* x, const MatrixXd& points, double floor,
                          std::vector<Index>& order) {
  const Index dimensions = points.rows();
  double nearest = kInfinity;
  for (std::size_t n = 0; n < order.size(); ++n) {
    const double* point = points.data() + order[n] * dimensions;
    double sum = 0.0;
    for (Index j = 0; j < dimensions; ++j) {
      const double d = x[j] - point[j];
      sum += d * d;
    }
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

BoundedSearch::Impl::Entry BoundedSearch::Impl::farthest_of(
    std::uint64_t node, const MatrixXd& points, double floor,
    const std::unordered_set<std::uint64_t>& taken, const BatchBudget& budget,
    Worker& worker) const {
  const ElementSets& group = coordinates->group_of(node);
  const auto& part = problem.space->parts()[group.part];
  const std::vector<Context>& here = coordinates->contexts[group.part];
  Bounder& bounder = worker.place;
  bounder.load(group, node);
  Entry best{floor, node, 0, 0, false};
  std::vector<Index>& order = worker.order;
  if (order.size() != static_cast<std::size_t>(points.cols())) {
    order.resize(static_cast<std::size_t>(points.cols()));
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = static_cast<Index>(k);
  }
  std::vector<double>& x = worker.coordinates;
  std::vector<double>& squared = worker.squared;
  x.resize(static_cast<std::size_t>(points.rows()));
  squared.resize(here.size());
  worker.amounts.resize(static_cast<std::size_t>(std::max(1, group.count)));
  const auto look_at = [&](std::uint64_t pattern) {
    ++worker.steps;
    part.family->pattern(group.count, pattern, worker.amounts.data());
    bounder.evaluate(worker.amounts.data());
    for (std::size_t c = 0; c < here.size(); ++c) {
      const Context& context = here[c];
      if (context.coordinate_twin == c) {
        bounder.locate(context, x.data());
        squared[c] = squared_to_nearest(x.data(), points, best.bound, order);
        if (std::any_of(x.begin(), x.end(), [](double v) { return !std::isfinite(v); })) {
          squared[c] = -kInfinity;
        }
      } else {
        squared[c] = squared[context.coordinate_twin];
      }
      if (squared[c] < best.bound) continue;
      visit_indices(group, node, pattern, context, [&](std::uint64_t index) {
        // Ties go to the smaller index.
        if (squared[c] < best.bound ||
            (squared[c] == best.bound && best.reached && index >= best.index)) {
          return;
        }
        if (taken.count(index) > 0 || !usable(index)) return;
        if (budget.limited() &&
            !budget.exceeded_by(problem.space->unrank(index).catalyst).empty()) {
          return;
        }
        best.bound = squared[c];
        best.index = index;
        best.reached = true;
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
      bounder.place(group, nullptr);
      if (bounder.farthest_corner(points, std::nextafter(best.bound, -kInfinity)) < best.bound) {
        continue;
      }
    }
    boxes.insert(boxes.end(), box.children.begin(), box.children.end());
    if (!box.children.empty()) continue;
    for (std::uint64_t pattern = box.first; pattern < box.last; ++pattern) look_at(pattern);
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
        points_(self.problem.surrogate->dimensions(), self.known.cols() + also.rows()) {
    points_.leftCols(before_picks_) = self.known;
    points_.rightCols(also.rows()) = also.transpose();
    heap_ = std::move(self.explore.items);
    std::make_heap(heap_.begin(), heap_.end(), later);
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
        if (x.allFinite()) listed_.emplace_back(indices[i], x);
      }
    }
    return {};
  }

  // The farthest candidate of this round; none: nothing is left to pick.
  Result<std::optional<FarPick>> pick(std::uint32_t round) {
    found_ = self_.far_limit;
    any_ = limited_ = false;
    settled_.clear();
    offer_each(listed_);
    while (!heap_.empty() && heap_.front().bound >= found_) {
      if (self_.control.should_stop())
        return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
      if (steps_ > self_.options.most_steps) {
        limited_ = true;
        break;
      }
      open(take_chunk(round), round);
    }
    if (!any_) {
      found_ = -kInfinity;
      offer_each(self_.of_sample);
    }
    if (!any_) return std::optional<FarPick>();
    for (const Impl::Entry& entry : settled_) push(entry);
    const bool proven = !limited_ && found_ > std::max(self_.far_limit, self_.explore.dropped);
    if (!proven) self_.explore_proven = false;
    const FarPick best{found_index_, std::sqrt(found_), proven};
    if (Status status = add_point(best.index); !status) return status.error();
    return std::optional(best);
  }

 private:
  static bool later(const Impl::Entry& a, const Impl::Entry& b) { return Impl::before(b, a); }

  void push(const Impl::Entry& entry) {
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  void offer(double squared, std::uint64_t index) {
    if (squared < found_ || (any_ && squared == found_ && index >= found_index_)) return;
    found_ = squared;
    found_index_ = index;
    any_ = true;
  }

  void offer_each(const std::vector<std::pair<std::uint64_t, Eigen::VectorXd>>& candidates) {
    for (const auto& [index, x] : candidates) {
      if (taken_.count(index) > 0 || picked_.count(index) > 0 ||
          (budget_.limited() &&
           !budget_.exceeded_by(self_.problem.space->unrank(index).catalyst).empty())) {
        continue;
      }
      offer((points_.colwise() - x).colwise().squaredNorm().minCoeff(), index);
    }
  }

  // The entries with the largest bounds that are to be looked at.
  std::vector<Impl::Entry> take_chunk(std::uint32_t round) {
    std::vector<Impl::Entry> chunk;
    while (!heap_.empty() && chunk.size() < kNodesAtOnce && heap_.front().bound >= found_) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      const Impl::Entry entry = heap_.back();
      heap_.pop_back();
      (entry.reached && entry.round == round ? settled_ : chunk).push_back(entry);
    }
    return chunk;
  }

  void open(std::vector<Impl::Entry> chunk, std::uint32_t round) {
    std::vector<std::uint64_t> effort((chunk.size() + kNodesOfItem - 1) / kNodesOfItem, 0);
    const double floor = found_;
    // Only what was picked since the bound was made can lower it.
    const MatrixXd recent = points_.rightCols(points_.cols() - before_picks_);
    self_.executor.parallel_for(effort.size(), [&](std::size_t item) {
      Impl::Worker worker(self_, false);
      const std::size_t last = std::min(chunk.size(), (item + 1) * kNodesOfItem);
      for (std::size_t i = item * kNodesOfItem; i < last; ++i)
        look_at(chunk[i], round, recent, floor, worker);
      effort[item] = worker.steps;
    });
    for (const std::uint64_t spent : effort) steps_ += spent;
    for (Impl::Entry& entry : chunk) {
      if (entry.reached) {
        offer(entry.bound, entry.index);
        settled_.push_back(entry);
      } else if (entry.bound > self_.far_limit) {
        // It is not looked at again before the next pick.
        if (entry.bound >= found_) entry.bound = std::nextafter(found_, -kInfinity);
        push(entry);
      }
    }
    self_.opened += chunk.size();
  }

  void look_at(Impl::Entry& entry, std::uint32_t round, const MatrixXd& recent, double floor,
               Impl::Worker& worker) const {
    const ElementSets& group = self_.coordinates->group_of(entry.node);
    if (group.count > 0 && entry.round != round && recent.cols() > 0) {
      worker.place.load(group, entry.node);
      worker.place.bound_all(group);
      worker.place.place(group, nullptr);
      ++worker.steps;
      const double bound = worker.place.farthest_corner(recent, 0.0);
      if (bound < entry.bound) {
        entry = {bound, entry.node, 0, round, false};
        if (bound < floor) return;
      }
    }
    entry = self_.farthest_of(entry.node, points_, floor, taken_, budget_, worker);
    entry.round = round;
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
  std::vector<std::pair<std::uint64_t, Eigen::VectorXd>> listed_;
  std::vector<Impl::Entry> heap_, settled_;
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
