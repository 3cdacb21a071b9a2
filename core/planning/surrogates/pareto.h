// Several targets at once: which measured catalysts no other one beats in everything, and how much
// a candidate may be expected to add to them. Utilities are those of Aim: more is better in each.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <vector>

#include "core/planning/surrogates/aim.h"

namespace kasetsu::planning {

// Rows (points x targets) that no other row dominates: as good in every target and better in one.
// Of equal rows the first. Ascending; rows that are not finite are never in.
std::vector<std::size_t> pareto_front(const Eigen::MatrixXd& utilities);

// The volume that points cover above a reference, and the expected growth of it by one more point
// (expected hypervolume improvement; Emmerich, Giannakoglou and Naujoks, IEEE Trans. Evol. Comput.
// 10, 421, 2006), exact for independent normal predictions: what is not covered is cut into boxes.
// Not changed by scaling a target, so that units do not weigh the targets.
class Front {
 public:
  // aims: 1 or more; reference: utilities below which nothing counts; points: rows of utilities.
  // Where there are so many that their boxes would be too many to go through for every candidate,
  // an even choice of them stands for all.
  Front(std::vector<Aim> aims, Eigen::VectorXd reference, const Eigen::MatrixXd& points);

  // Also covered from now on.
  void add(const Eigen::VectorXd& utilities);
  double covered() const;  // volume
  // mean, sd: of a candidate's targets, as predicted. NaN where one is not finite.
  double expected_improvement(const Eigen::VectorXd& mean, const Eigen::VectorXd& sd) const;
  const Eigen::VectorXd& reference() const { return reference_; }
  std::size_t boxes() const { return boxes_.size() / static_cast<std::size_t>(2 * targets_); }

 private:
  void cut();

  std::vector<Aim> aims_;
  Eigen::Index targets_;
  Eigen::VectorXd reference_;
  std::vector<Eigen::VectorXd> points_;  // above the reference, none dominated
  // Of each target, the levels where boxes begin or end, ascending; the last one is infinite.
  std::vector<std::vector<double>> levels_;
  std::vector<int> boxes_;  // by box and target: indices of its lower and its upper level
};

}  // namespace kasetsu::planning
