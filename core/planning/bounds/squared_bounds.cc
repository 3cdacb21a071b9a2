// How far hypotheses disagree, once more, where few elements are left.
//
// The sum of what each element may add to the distance of a hypothesis from the mean of all forgets
// that distances cancel. |d| <= d^2 / (2 s) + s / 2 for any s > 0, with equality at |d| = s; and
// with d = m + sum over the elements of a_i the weighted sum of squares is one quadratic form in
// the elements: sum_h w_h / (2 s_h) (m_h + sum_i a_hi)^2 = constant + sum_i (b_i + sum_j G_ij).
// Each element i is given its best partners j of every group, and of each group the best are taken.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/base/constants.h"
#include "core/planning/bounds/ensemble_bounds.h"

namespace kasetsu::planning {

using Eigen::Index;

double Bounder::sum_of_largest(const double* values, std::size_t size, std::size_t taken) const {
  if (taken == 1) return *std::max_element(values, values + size);
  double sorted[128];
  std::copy(values, values + size, sorted);
  double* const last = sorted + std::min(taken, size);
  std::partial_sort(sorted, last, sorted + size, std::greater<>());
  return std::accumulate(sorted, last, 0.0);
}

void Bounder::refine_spread(Predicted& predicted) {
  constexpr std::size_t kMostItems = 48;  // of all clusters; the work grows with their square
  const std::size_t width = items_.size();
  const std::size_t count = tables_.hypotheses.size();
  if (width > kMostItems) return;
  scaled_.setZero(static_cast<Index>(count), static_cast<Index>(width));
  linear_.assign(width, 0.0);
  double constant = 0.0;
  for (std::size_t h = 0; h < count; ++h) {
    const double* apart = &apart_[h * width];
    // About as far as the hypothesis lies from the mean somewhere in the branch.
    double squares = middles_[h] * middles_[h];
    std::size_t item = 0;
    for (const Cluster& cluster : clusters_) {
      const std::size_t size = cluster.size;
      double of_cluster = 0.0;
      for (const std::size_t last = item + size; item < last; ++item)
        of_cluster += apart[item] * apart[item];
      squares += of_cluster * cluster.count / static_cast<double>(size);
    }
    if (!(squares > 0.0)) continue;  // it is the mean
    const double scale = std::sqrt(squares);
    const double factor = 0.5 * tables_.weights[h] / scale;
    constant += 0.5 * tables_.weights[h] * scale + factor * middles_[h] * middles_[h];
    const double root = std::sqrt(factor);
    for (std::size_t i = 0; i < width; ++i) {
      linear_[i] += 2.0 * factor * middles_[h] * apart[i];
      scaled_(static_cast<Index>(h), static_cast<Index>(i)) = root * apart[i];
    }
  }
  gram_.noalias() = scaled_.transpose() * scaled_;
  double sum = constant;
  std::size_t first = 0;
  std::array<double, kMostItems> of_item{};
  for (const Cluster& own : clusters_) {
    const std::size_t size = own.size;
    for (std::size_t i = first; i < first + size; ++i) {
      double* with = gram_.col(static_cast<Index>(i)).data();
      double best = linear_[i] + with[i];
      with[i] = -kInfinity;  // no element is its own partner
      std::size_t other = 0;
      for (const Cluster& cluster : clusters_) {
        const std::size_t last = other + cluster.size;
        const auto taken = static_cast<std::size_t>(cluster.count) - (&cluster == &own ? 1 : 0);
        if (taken > 0) best += sum_of_largest(with + other, last - other, taken);
        other = last;
      }
      of_item[i - first] = best;
    }
    sum += sum_of_largest(of_item.data(), size, static_cast<std::size_t>(own.count));
    first += size;
  }
  limit_spread(sum + off_rest_, predicted);
}

}  // namespace kasetsu::planning
