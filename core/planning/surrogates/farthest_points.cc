#include <algorithm>
#include <cmath>

#include "core/planning/surrogates/farthest_points.h"

#include "core/base/constants.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

}  // namespace

VectorXd squared_to_nearest(const MatrixXd& points, const MatrixXd& known) {
  VectorXd nearest = VectorXd::Constant(points.rows(), kInfinity);
  VectorXd sum(points.rows());
  for (Index k = 0; k < known.rows(); ++k) {
    sum.setZero();
    for (Index j = 0; j < points.cols(); ++j) {
      sum.array() += (points.col(j).array() - known(k, j)).square();
    }
    for (Index i = 0; i < points.rows(); ++i) {
      if (sum[i] < nearest[i]) nearest[i] = sum[i];
    }
  }
  for (Index i = 0; i < points.rows(); ++i) {
    if (!points.row(i).allFinite()) nearest[i] = kNaN;
  }
  return nearest;
}

double covering_radius(const MatrixXd& points, const MatrixXd& known) {
  const VectorXd squared = squared_to_nearest(points, known);
  double largest = 0.0;
  for (Index i = 0; i < squared.size(); ++i) {
    if (!std::isnan(squared[i])) largest = std::max(largest, squared[i]);
  }
  return std::sqrt(largest);
}

std::vector<std::size_t> farthest_points(const MatrixXd& points, const MatrixXd& known,
                                         std::size_t count) {
  std::vector<std::size_t> picks;
  VectorXd squared = squared_to_nearest(points, known);
  std::vector<bool> used(static_cast<std::size_t>(points.rows()), false);
  const bool nothing_known = known.rows() == 0;
  for (std::size_t n = 0; n < count; ++n) {
    Index best = -1;
    for (Index i = 0; i < points.rows(); ++i) {
      if (used[static_cast<std::size_t>(i)] || std::isnan(squared[i])) continue;
      const double value = nothing_known && n == 0 ? -points.row(i).squaredNorm() : squared[i];
      const double best_value = best < 0                  ? -kInfinity
                                : nothing_known && n == 0 ? -points.row(best).squaredNorm()
                                                          : squared[best];
      if (best < 0 || value > best_value) best = i;
    }
    if (best < 0) break;
    used[static_cast<std::size_t>(best)] = true;
    picks.push_back(static_cast<std::size_t>(best));
    for (Index i = 0; i < points.rows(); ++i) {
      const double d = (points.row(i) - points.row(best)).squaredNorm();
      if (d < squared[i]) squared[i] = d;
    }
  }
  return picks;
}

}  // namespace kasetsu::planning
