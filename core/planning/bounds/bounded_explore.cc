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

Result<std::vector<BoundedSearch::FarPick>> BoundedSearch::farthest(
    int count, const MatrixXd& also, const std::unordered_set<std::uint64_t>& taken,
    BatchBudget budget) {
  Impl& self = *impl_;
  const Index dimensions = self.problem.surrogate->dimensions();
  MatrixXd points(dimensions, self.known.cols() + also.rows());
  points.leftCols(self.known.cols()) = self.known;
  points.rightCols(also.rows()) = also.transpose();
  const Index before_picks = self.known.cols();

  // Candidates of lists are all looked at: they are written out one by one.
  std::vector<std::pair<std::uint64_t, Eigen::VectorXd>> listed;
  for (std::size_t p = 0; p < self.problem.space->parts().size(); ++p) {
    if (self.problem.space->parts()[p].family) continue;
    std::vector<Candidate> candidates;
    std::vector<std::uint64_t> indices;
    for (std::uint64_t local = 0; local < self.problem.space->parts()[p].size; ++local) {
      for (std::uint64_t c = 0; c < self.problem.space->condition_points(); ++c) {
        const auto index = self.problem.space->index_of(p, local, c);
        if (!index || taken.count(*index) > 0 || !self.usable(*index)) continue;
        indices.push_back(*index);
        candidates.push_back(self.problem.space->unrank(*index));
      }
    }
    if (candidates.empty()) continue;
    Evaluation evaluation;
    if (Status status = self.problem.surrogate->evaluate(candidates, evaluation); !status) {
      return status.error();
    }
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const Eigen::VectorXd x = evaluation.coordinates.row(static_cast<Index>(i)).transpose();
      if (x.allFinite()) listed.emplace_back(indices[i], x);
    }
  }

  const auto later = [](const Impl::Entry& a, const Impl::Entry& b) { return Impl::before(b, a); };
  std::vector<Impl::Entry> heap = std::move(self.explore.items);
  std::make_heap(heap.begin(), heap.end(), later);
  std::uint64_t steps = 0;
  std::vector<FarPick> result;
  std::unordered_set<std::uint64_t> picked;
  for (int n = 0; n < count; ++n) {
    const auto round = static_cast<std::uint32_t>(n + 1);
    // The best candidate of this round so far.
    double found = self.far_limit;
    std::uint64_t found_index = 0;
    bool any = false;
    const auto offer = [&](double squared, std::uint64_t index) {
      if (squared < found || (any && squared == found && index >= found_index)) return;
      found = squared;
      found_index = index;
      any = true;
    };
    const auto offer_affordable =
        [&](const std::vector<std::pair<std::uint64_t, Eigen::VectorXd>>& candidates) {
          for (const auto& [index, x] : candidates) {
            if (taken.count(index) > 0 || picked.count(index) > 0 ||
                (budget.limited() &&
                 !budget.exceeded_by(self.problem.space->unrank(index).catalyst).empty())) {
              continue;
            }
            const double nearest = (points.colwise() - x).colwise().squaredNorm().minCoeff();
            offer(nearest, index);
          }
        };
    offer_affordable(listed);
    std::vector<Impl::Entry> settled;
    bool limited = false;
    while (!heap.empty() && heap.front().bound >= found) {
      if (self.control.should_stop()) {
        return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
      }
      if (steps > self.options.most_steps) {
        limited = true;
        break;
      }
      std::vector<Impl::Entry> chunk;
      while (!heap.empty() && chunk.size() < kNodesAtOnce && heap.front().bound >= found) {
        std::pop_heap(heap.begin(), heap.end(), later);
        const Impl::Entry entry = heap.back();
        heap.pop_back();
        if (entry.reached && entry.round == round) {
          settled.push_back(entry);
        } else {
          chunk.push_back(entry);
        }
      }
      std::vector<std::uint64_t> effort((chunk.size() + kNodesOfItem - 1) / kNodesOfItem, 0);
      const double floor = found;
      // Only what was picked since the bound was made can lower it.
      const MatrixXd recent = points.rightCols(points.cols() - before_picks);
      self.executor.parallel_for(effort.size(), [&](std::size_t item) {
        Impl::Worker worker(self, false);
        const std::size_t last = std::min(chunk.size(), (item + 1) * kNodesOfItem);
        for (std::size_t i = item * kNodesOfItem; i < last; ++i) {
          Impl::Entry& entry = chunk[i];
          const ElementSets& group = self.coordinates->group_of(entry.node);
          if (group.count > 0 && entry.round != round && recent.cols() > 0) {
            worker.place.load(group, entry.node);
            worker.place.bound_all(group);
            worker.place.place(group, nullptr);
            ++worker.steps;
            const double bound = worker.place.farthest_corner(recent, 0.0);
            if (bound < entry.bound) {
              entry = {bound, entry.node, 0, round, false};
              if (bound < floor) continue;
            }
          }
          entry = self.farthest_of(entry.node, points, floor, taken, budget, worker);
          entry.round = round;
        }
        effort[item] = worker.steps;
      });
      for (const std::uint64_t spent : effort) steps += spent;
      for (const Impl::Entry& entry : chunk) {
        if (entry.reached) {
          offer(entry.bound, entry.index);
          settled.push_back(entry);
        } else if (entry.bound > self.far_limit) {
          heap.push_back(entry);
          // Not above `found`: it is not looked at again before the next pick.
          if (heap.back().bound >= found) {
            heap.back().bound = std::nextafter(found, -kInfinity);
          }
          std::push_heap(heap.begin(), heap.end(), later);
        }
      }
      self.opened += chunk.size();
    }
    if (!any) {
      found = -kInfinity;
      offer_affordable(self.of_sample);
    }
    if (!any) break;
    for (const Impl::Entry& entry : settled) {
      heap.push_back(entry);
      std::push_heap(heap.begin(), heap.end(), later);
    }
    const bool proven = !limited && found > std::max(self.far_limit, self.explore.dropped);
    if (!proven) self.explore_proven = false;
    picked.insert(found_index);
    result.push_back({found_index, std::sqrt(found), proven});
    Evaluation evaluation;
    const Candidate candidate = self.problem.space->unrank(found_index);
    budget.spend(candidate.catalyst);
    if (Status status = self.problem.surrogate->evaluate({&candidate, 1}, evaluation); !status) {
      return status.error();
    }
    points.conservativeResize(dimensions, points.cols() + 1);
    points.col(points.cols() - 1) = evaluation.coordinates.row(0).transpose();
  }
  if (static_cast<int>(result.size()) < count) self.explore_proven = false;
  return result;
}

}  // namespace kasetsu::planning
