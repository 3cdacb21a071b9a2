// For baselines_test.py: reads "method columns train_rows fresh_rows", the training rows with their
// target last, then the fresh rows; prints the predictions of the fresh rows.
#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>

#include "core/base/executor.h"
#include "core/regression/gaussian_process.h"
#include "core/regression/huber/robust.h"
#include "core/regression/random_forest.h"

int main() {
  using namespace kasetsu::regression;
  std::string method;
  double parameter = 0.0;
  Eigen::Index columns = 0, train = 0, fresh = 0;
  std::cin >> method >> parameter >> columns >> train >> fresh;
  Eigen::MatrixXd X(train, columns), F(fresh, columns);
  Eigen::VectorXd y(train);
  for (Eigen::Index i = 0; i < train; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j) std::cin >> X(i, j);
    std::cin >> y[i];
  }
  for (Eigen::Index i = 0; i < fresh; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j) std::cin >> F(i, j);
  }
  if (!std::cin) return 1;
  Eigen::VectorXd predicted;
  if (method == "ridge") {
    const auto fit = loo_least_squares(X, y, parameter).value().fit;
    predicted = (F * fit.coefficients).array() + fit.intercept;
  } else if (method == "huber") {
    RobustOptions options;
    options.epsilon = parameter;
    const auto fit = fit_robust(X, y, options).value();
    predicted = (F * fit.coefficients).array() + fit.intercept;
  } else if (method == "forest") {
    ForestOptions options;
    options.trees = 300;
    options.leaf = 1;
    options.columns = parameter;
    predicted = predict(fit_forest(X, y, options, kasetsu::Executor(1)).value(), F);
  } else if (method == "process") {
    GaussianProcessOptions options;
    options.kernel = Kernel::squared_exponential;
    options.groups.assign(static_cast<std::size_t>(columns), 0);
    Eigen::VectorXd variance;
    GaussianProcess::fit(X, y, options).value().predict(F, predicted, variance);
  } else {
    return 2;
  }
  for (const double value : predicted) std::printf("%.17g\n", value);
  return 0;
}
