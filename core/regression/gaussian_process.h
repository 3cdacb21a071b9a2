// Gaussian-process regression: the second surrogate, for surfaces that eight descriptors and a
// straight line cannot follow. Rasmussen and Williams, "Gaussian Processes for Machine Learning",
// 2006, chapters 2 and 5.
//
// y_i = mu + f(x_i) + e_i, f with covariance s^2 k(r), r^2 = sum_j ((x_j - x'_j) / l_j)^2, e with
// variance s^2 lambda. mu and s^2 are profiled out of the marginal likelihood; lengthscales l and
// the noise ratio lambda maximise it together with wide log-normal priors: that of Hvarfner,
// Hellsten and Nardi (ICML 2024) for lengthscales on inputs in [0, 1], which grows with the
// dimension and keeps a short table from being explained by one short lengthscale.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "core/base/control.h"
#include "core/base/result.h"

namespace kasetsu::regression {

enum class Kernel { matern32, matern52, squared_exponential };

struct GaussianProcessOptions {
  Kernel kernel = Kernel::matern52;  // twice differentiable, no smoother than chemistry is
  // By column: which lengthscale it uses, 0 ... groups - 1. Empty: one each.
  std::vector<int> groups;
  int iterations = 60;  // of the optimiser, at most
  // Hyperparameters of a longer table are found on so many of its rows, spread evenly.
  int rows_for_search = 400;
  // Logarithms of lengthscales (by group) and of the noise ratio to begin from; empty: the prior's
  // means. With iterations = 0 they are taken as they are.
  Eigen::VectorXd start;
};

class GaussianProcess {
 public:
  // X: rows x columns, scaled to about [0, 1]; y: rows, finite; 2 or more rows. Deterministic.
  // `control` is asked for cancel before every look at the likelihood and, on many rows, between
  // parts of the factor: within milliseconds.
  // Errors: invalid_argument for shapes and values that are not finite; cancelled.
  static Result<GaussianProcess> fit(const Eigen::MatrixXd& X, const Eigen::VectorXd& y,
                                     const GaussianProcessOptions& options,
                                     const Control& control = {});

  // Mean and variance of mu + f (without noise) at each row.
  void predict(const Eigen::MatrixXd& X, Eigen::VectorXd& mean, Eigen::VectorXd& variance) const;
  // The same for all rows together.
  void joint(const Eigen::MatrixXd& X, Eigen::VectorXd& mean, Eigen::MatrixXd& covariance) const;

  double noise() const { return scale_ * ratio_; }  // variance of one measurement about f
  // Leave-one-out predictions with fixed hyperparameters, mu estimated anew: mean, and variance
  // with noise.
  const Eigen::VectorXd& loo_mean() const { return loo_mean_; }
  // Sum of the logarithms of the leave-one-out densities at y: what models are compared by.
  double loo_log_density() const;
  // By column.
  const Eigen::VectorXd& lengthscales() const { return lengthscales_; }
  // For GaussianProcessOptions::start of the next fit.
  const Eigen::VectorXd& parameters() const { return parameters_; }
  double log_marginal_likelihood() const { return likelihood_; }

 private:
  Eigen::VectorXd solve(Eigen::VectorXd right) const;     // with the correlation matrix
  Eigen::MatrixXd cross(const Eigen::MatrixXd& X) const;  // training rows x rows of X

  Kernel kernel_ = Kernel::matern52;
  Eigen::MatrixXd scaled_;  // training rows, divided by the lengthscales
  Eigen::VectorXd y_, weights_, lengthscales_, parameters_, loo_mean_, loo_variance_;
  Eigen::MatrixXd factor_;  // lower Cholesky factor of the correlation matrix with the noise ratio
  double mean_ = 0.0;
  double scale_ = 1.0;  // s^2
  double ratio_ = 0.0;  // lambda
  double likelihood_ = 0.0;
};

}  // namespace kasetsu::regression
