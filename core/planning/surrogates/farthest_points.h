// Distances to the nearest known point, and the points that are farthest from all known ones.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <vector>

namespace kasetsu::planning {

// Squared distance of two points of so many coordinates, added up in their order: whoever compares
// distances adds up alike, so that equal ones are equal.
inline double squared_between(const double* a, const double* b, Eigen::Index dimensions) {
  double sum = 0.0;
  for (Eigen::Index j = 0; j < dimensions; ++j) {
    const double d = a[j] - b[j];
    sum += d * d;
  }
  return sum;
}

// Squared distance of each row to its nearest row of known; infinite where known is empty, NaN for
// a row that is not finite.
Eigen::VectorXd squared_to_nearest(const Eigen::MatrixXd& points, const Eigen::MatrixXd& known);

// Largest distance from any of the rows of `points` to its nearest row of `known`: how well `known`
// covers them.
double covering_radius(const Eigen::MatrixXd& points, const Eigen::MatrixXd& known);

// Farthest-point sampling: `count` rows of `points`, each the one whose nearest point among `known`
// (rows) and the earlier picks is farthest; ties to the smaller row. With nothing known the first
// pick is the row nearest to the origin. Euclidean; rows that are not finite are never picked.
std::vector<std::size_t> farthest_points(const Eigen::MatrixXd& points,
                                         const Eigen::MatrixXd& known, std::size_t count);

}  // namespace kasetsu::planning
