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

void Bounder::refine_spread(Predicted& predicted) {
  constexpr std::size_t kMostItems = 48;  // of all clusters; the work grows with their square
  const std::size_t width = items_.size();
  if (width > kMostItems) return;
  const auto padded = static_cast<std::ptrdiff_t>(task_.width);
  part_of_span_.resize_to(padded);
  squared_parts_.resize_to(padded);
  for (const ItemSpan& span : spans_)
    std::fill_n(part_of_span_.data() + span.first, span.size,
                static_cast<double>(span.count) / static_cast<double>(span.size));
  scaled_.resize(task_.height * task_.width);
  const double constant =
      kernels_.scale_rows(task_, part_of_span_.data(), scaled_.data(), squared_parts_.data());
  add_pairs(scaled_.data(), task_.hypotheses, squared_parts_.data());
  const double sum = constant + most_of(squared_parts_.data());
  squared_sum_ = sum + off_rest_;
  limit_spread(squared_sum_, predicted);
}

// Adds to each item's part its own square, summed over rows of numbers by item, and what its best
// partners of all groups add to it: as many as each group gives.
void Bounder::add_pairs(const double* rows, std::size_t count, double* parts) {
  const std::size_t width = task_.width;
  gram_.resize(width * width);
  best_partners_.resize(kMostElementsOfSet * width);
  kernels_.gram(rows, count, width, gram_.data());
  for (std::size_t i = 0; i < items_.size(); ++i) parts[i] += gram_.data()[i * width + i];
  kernels_.add_best_partners(task_, gram_.data(), best_partners_.data(), parts);
}

}  // namespace kasetsu::planning
