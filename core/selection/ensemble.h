// What training, calibration and prediction ask of an ensemble of hypotheses.
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "core/selection/model.h"

namespace kasetsu::selection {

double median(std::vector<double> values);  // of one or more

// How far a prediction of this catalyst may err, up to one factor that the conformal scores give.
double interval_unit(double base, double disagreement, double novelty);

// Conformal quantile of ascending scores with its finite-sample correction: the
// ceil((n + 1) coverage)-th smallest, or the largest.
double conformal_quantile(const Eigen::VectorXd& scores, double coverage);

struct MedianAndSpread {
  double median;
  double spread;  // weighted mean absolute deviation from the median
};
MedianAndSpread summarise(std::span<const double> values, std::span<const double> weights,
                          std::vector<int>& order);

std::vector<double> weights_of(const std::vector<Hypothesis>& hypotheses);

// Descriptor values of the hypothesis, clamped to the range that was seen (with its margin).
// outside[i] is set to 1 where a row needed clamping; may be null.
Eigen::MatrixXd clamped(const Hypothesis& hypothesis, const Eigen::MatrixXd& primary_values,
                        Eigen::VectorXd* outside);
Eigen::MatrixXd standardized(const Hypothesis& hypothesis, Eigen::MatrixXd values);

// Distance of each row of `points` to the nearest row of `known`; rows at distance 0 are passed
// over when `distinct` is set (a replicate is not a neighbour).
Eigen::VectorXd nearest_distance(const Eigen::MatrixXd& points, const Eigen::MatrixXd& known,
                                 bool distinct);
// Zero where there is no typical distance.
Eigen::VectorXd in_units(const Eigen::VectorXd& distance, double typical);

}  // namespace kasetsu::selection
