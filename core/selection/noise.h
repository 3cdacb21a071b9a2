// What replicates say: how much a measurement scatters whatever the model, and whether the model
// misses more than that (analysis of variance with replicates: Draper and Smith, "Applied
// Regression Analysis", 3rd edition, 1998, section 2.1).
#pragma once

#include <Eigen/Core>

#include "core/selection/training_set.h"

namespace kasetsu::selection {

struct Noise {
  int replicated = 0;  // points (catalyst and conditions) that were measured more than once
  int rows = 0;        // measurements of those
  int pure_df = 0;     // rows - points: degrees of freedom of the pure error
  // Standard deviation of one measurement about its point's mean; 0 without replicates.
  double pure_sd = 0.0;
  int fit_df = 0;       // points - parameters: degrees of freedom of the lack of fit
  double fit_sd = 0.0;  // root mean square of the lack of fit; 0 where it cannot be told
  double f = 0.0;       // mean square of the lack of fit over that of the pure error
  double p = 1.0;       // probability of so large an F where the model lacks nothing
  bool operator==(const Noise&) const = default;
};

// fitted: the model's value for each row, with `parameters` fitted to them. Without replicates, or
// with no more points than parameters, only what can be told is told (f = 0, p = 1).
Noise noise_of(const TrainingSet& data, const Eigen::VectorXd& fitted, int parameters);

// P(F > f) of the F distribution; f >= 0, degrees of freedom >= 1.
double f_upper(double f, double df1, double df2);

}  // namespace kasetsu::selection
