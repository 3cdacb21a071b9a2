// How far a branch's candidates may lie from what is known, where coordinates follow the same
// elements: tighter than the corners of their box.
//
// Each coordinate that follows elements is a base, a number of each element and a slack. From a
// known point the squared distance of the bases and numbers is one quadratic form in the elements,
// as in squared_bounds.cc: each element is given its best partners of every group. The slacks
// together add at most their length; coordinates that follow no element are bounded by their ends.
#include <algorithm>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/bounds/ensemble_bounds.h"
#include "core/planning/bounds/largest.h"

namespace kasetsu::planning {

using Eigen::Index;

// Coordinates of the elements from the mean of their group, and what they add to a squared distance
// by themselves and with their best partners.
void Bounder::take_places() {
  followed_.clear();
  for (std::size_t j = 0; j < box_.size(); ++j) {
    if (secants_[tables_.coordinate_terms[j]].of_elements) followed_.push_back(j);
  }
  const auto dimensions = static_cast<Index>(followed_.size());
  places_.resize_to(dimensions * static_cast<Index>(task_.width));
  middle_.resize(dimensions);
  double squares = 0.0;
  for (Index d = 0; d < dimensions; ++d) {
    const std::size_t j = followed_[static_cast<std::size_t>(d)];
    const std::size_t t = tables_.coordinate_terms[j];
    const double spread = tables_.coordinate_spread[static_cast<Index>(j)];
    const Line& line = secants_[t].line;
    middle_[d] = (line.base - tables_.coordinate_center[static_cast<Index>(j)]) / spread;
    squares += (line.slack / spread) * (line.slack / spread);
    const double* numbers = numbers_of(t);
    double* place = places_.data() + static_cast<std::size_t>(d) * task_.width;
    for (const ItemSpan& span : spans_) {
      double mean = 0.0;
      for (std::size_t i = span.first; i < span.first + span.size; ++i) {
        place[i] = numbers[i] / spread;
        mean += place[i];
      }
      mean /= static_cast<double>(span.size);
      middle_[d] += static_cast<double>(span.count) * mean;
      for (std::size_t i = span.first; i < span.first + span.size; ++i) place[i] -= mean;
    }
  }
  place_slack_ = std::sqrt(squares);
  place_parts_.assign(task_.width, 0.0);
  add_pairs(places_.data(), followed_.size(), place_parts_.data());
}

double Bounder::farthest_together() {
  constexpr std::size_t kMostItems = 64;  // of all clusters; the work grows with their square
  far_parts_.clear();
  const Eigen::MatrixXd& points = tables_.predictor->model().coordinates;  // a row each
  if (items_.size() > kMostItems || points.rows() == 0) return kInfinity;
  take_places();
  // From each point: what follows no element, and the middle of what does.
  from_box_.setZero(points.rows());
  from_middle_.setZero(points.rows());
  Index d = 0;
  for (std::size_t j = 0; j < box_.size(); ++j) {
    const auto point = points.col(static_cast<Index>(j)).array();
    if (d < middle_.size() && followed_[static_cast<std::size_t>(d)] == j) {
      from_middle_ += (point - middle_[d++]).square();
    } else {
      from_box_ += (box_[j].high - point).max(point - box_[j].low).square();
    }
  }
  Index nearest = 0;
  (from_middle_ + from_box_).minCoeff(&nearest);
  return reach_from(nearest);
}

// The squared distance from a point of the training set that no candidate exceeds.
double Bounder::reach_from(Index point) {
  const Eigen::MatrixXd& points = tables_.predictor->model().coordinates;
  far_parts_ = place_parts_;
  for (Index d = 0; d < middle_.size(); ++d) {
    const auto j = static_cast<Index>(followed_[static_cast<std::size_t>(d)]);
    const double from = 2.0 * (middle_[d] - points(point, j));
    const double* place = places_.data() + static_cast<std::size_t>(d) * task_.width;
    for (std::size_t i = 0; i < far_parts_.size(); ++i) far_parts_[i] += from * place[i];
  }
  far_squared_ = from_middle_[point] + most_of(far_parts_.data());
  far_apart_ = from_box_[point];
  return squared_reach(far_squared_);
}

// With what the slacks and the other coordinates add.
double Bounder::squared_reach(double squared) const {
  const double length = std::sqrt(std::max(0.0, squared)) + place_slack_;
  return (length * length + far_apart_) * (1.0 + kWiden) + 1e-12;
}

const std::vector<double>& Bounder::distances_of_items(double whole) {
  distances_.assign(items_.size(), whole);
  if (far_parts_.empty()) return distances_;
  std::size_t item = 0;
  for (const Cluster& cluster : clusters_) {
    const double last =
        largest_of(&far_parts_[item], cluster.size, static_cast<std::size_t>(cluster.count)).last;
    for (const std::size_t end = item + cluster.size; item < end; ++item) {
      const double squared = far_squared_ - std::max(0.0, last - far_parts_[item]);
      distances_[item] = std::min(distances_[item], squared_reach(squared));
    }
  }
  return distances_;
}

}  // namespace kasetsu::planning
