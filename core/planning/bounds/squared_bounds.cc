// How far hypotheses disagree, once more, where few elements are left.
//
// The sum of what each element may add to the distance of a hypothesis from the mean of all forgets
// that distances cancel. |d| <= d^2 / (2 s) + s / 2 for any s > 0, with equality at |d| = s; and
// with d = m + sum over the elements of a_i the weighted sum of squares is one quadratic form in
// the elements: sum_h w_h / (2 s_h) (m_h + sum_i a_hi)^2 = constant + sum_i (b_i + sum_j G_ij).
// Each element i is given its best partners j of every group, and of each group the best are taken.
#include <algorithm>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/bounds/ensemble_bounds.h"
#include "core/planning/bounds/largest.h"

namespace kasetsu::planning {

using Eigen::Index;

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
  squared_parts_ = linear_;
  for (std::size_t i = 0; i < width; ++i)
    squared_parts_[i] += gram_(static_cast<Index>(i), static_cast<Index>(i));
  add_best_partners(gram_, squared_parts_.data());
  double sum = constant;
  std::size_t first = 0;
  for (const Cluster& cluster : clusters_) {
    sum += largest_of(&squared_parts_[first], cluster.size, static_cast<std::size_t>(cluster.count))
               .sum;
    first += cluster.size;
  }
  squared_sum_ = sum + off_rest_;
  limit_spread(squared_sum_, predicted);
}

// Adds to each item's part what its best partners of all groups add to it: the largest numbers of
// its column of `gram` (symmetric, and lost), as many as each group gives.
void Bounder::add_best_partners(Eigen::MatrixXd& gram, double* parts) {
  const std::size_t width = items_.size();
  gram.diagonal().setConstant(-kInfinity);  // no element is its own partner
  std::size_t first = 0;
  for (const Cluster& cluster : clusters_) {
    const auto taken = static_cast<std::size_t>(cluster.count);
    const std::size_t last = first + cluster.size;
    best_partners_.assign(taken * width, -kInfinity);
    for (std::size_t j = first; j < last; ++j) {
      double* column = gram.col(static_cast<Index>(j)).data();
      for (std::size_t k = 0; k < taken; ++k)
        keep_larger(width, column, best_partners_.data() + k * width);
    }
    for (std::size_t k = 0; k < taken; ++k) {
      const double* best = best_partners_.data() + k * width;
      const bool all = k + 1 < taken;  // the last of a group is the element itself
      for (std::size_t i = 0; i < width; ++i)
        parts[i] += all || i < first || i >= last ? best[i] : 0.0;
    }
    first = last;
  }
}

}  // namespace kasetsu::planning
