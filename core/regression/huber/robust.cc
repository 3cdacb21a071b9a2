#include "core/regression/huber/robust.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/regression/huber/engine.h"
#include "core/regression/huber/face.h"

namespace kasetsu::regression {

namespace {

constexpr double kConstant = 1e-10;

// Columns with mean 0 and standard deviation 1 (divisor N); constant ones become 0.
struct Standardised {
  Eigen::MatrixXd values;
  Eigen::VectorXd mean, deviation;
  Array<const double*> columns;

  explicit Standardised(const Eigen::Ref<const Eigen::MatrixXd>& X)
      : values(X.rows(), X.cols()), mean(X.cols()), deviation(X.cols()) {
    const double n = static_cast<double>(X.rows());
    for (Eigen::Index j = 0; j < X.cols(); ++j) {
      // By the largest magnitude first, so that squares neither overflow nor vanish.
      const double largest = X.col(j).cwiseAbs().maxCoeff();
      const double unit = largest > 0.0 ? largest : 1.0;
      Eigen::VectorXd x = X.col(j) / unit;
      const double norm = x.norm();
      const double centre = x.sum() / n;
      x.array() -= centre;
      const double spread = x.norm();
      const bool constant = !(spread > kConstant * norm);
      mean[j] = centre * unit;
      deviation[j] = constant ? 0.0 : spread / std::sqrt(n) * unit;
      if (constant) {
        values.col(j).setZero();
      } else {
        values.col(j) = x / (spread / std::sqrt(n));
      }
    }
    for (Eigen::Index j = 0; j < X.cols(); ++j) columns.push_back(values.col(j).data());
  }

  // From weights on standardised columns (the constant's first) to the columns as given.
  void unscale(const Array<double>& weights, LinearFit& fit) const {
    fit.intercept = weights[0];
    fit.coefficients.setZero(mean.size());
    for (Eigen::Index j = 0; j < mean.size(); ++j) {
      if (deviation[j] <= 0.0) continue;
      fit.coefficients[j] = weights[j + 1] / deviation[j];
      fit.intercept -= fit.coefficients[j] * mean[j];
    }
  }
};

Error invalid(std::string message, std::string value, std::string expected) {
  return {ErrorCode::invalid_argument, std::move(message), "", std::move(value),
          std::move(expected)};
}

Status check(const Eigen::Ref<const Eigen::MatrixXd>& X,
             const Eigen::Ref<const Eigen::VectorXd>& y) {
  if (X.rows() != y.size()) {
    return invalid("descriptors and target differ in rows",
                   fmt::format("{} and {}", X.rows(), y.size()), "one target value a row");
  }
  if (y.size() < 2) return invalid("too few rows", fmt::format("{}", y.size()), "at least 2");
  for (Eigen::Index i = 0; i < y.size(); ++i) {
    if (!std::isfinite(y[i])) {
      return invalid(fmt::format("target of row {} is not finite", i), fmt::format("{}", y[i]),
                     "a number");
    }
    for (Eigen::Index j = 0; j < X.cols(); ++j) {
      if (!std::isfinite(X(i, j))) {
        return invalid(fmt::format("descriptor {} of row {} is not finite", j, i),
                       fmt::format("{}", X(i, j)), "a number");
      }
    }
  }
  return {};
}

// The fit of an engine that has just fitted, with its figures on all rows.
LinearFit collect(const Engine& engine, const Standardised& z,
                  const Eigen::Ref<const Eigen::VectorXd>& y, const RobustOptions& options) {
  LinearFit fit;
  Array<double> weights(z.values.cols() + 1);
  engine.weights(weights.data());
  z.unscale(weights, fit);
  fit.scale = engine.sigma();
  double squares = 0.0;
  for (Eigen::Index j = 1; j <= z.values.cols(); ++j) squares += weights[j] * weights[j];
  fit.objective = options.alpha * squares;
  const double e = options.epsilon;
  for (Eigen::Index i = 0; i < y.size(); ++i) {
    double r = y[i] - weights[0];
    for (Eigen::Index j = 0; j < z.values.cols(); ++j) {
      r -= weights[j + 1] * z.values(i, j);
    }
    fit.mae += std::abs(r) / static_cast<double>(y.size());
    if (fit.scale > 0.0 && std::abs(r) <= e * fit.scale) {
      fit.objective += fit.scale + r * r / fit.scale;
    } else {
      fit.objective += fit.scale + 2.0 * e * std::abs(r) - e * e * fit.scale;
    }
  }
  return fit;
}

}  // namespace

Status RobustOptions::validate() const {
  if (!(epsilon >= 1.0 && epsilon <= 3.0)) {
    return invalid("epsilon is out of range", fmt::format("{}", epsilon), "a number from 1 to 3");
  }
  if (!(alpha >= 0.0 && alpha < 1e6)) {
    return invalid("alpha is out of range", fmt::format("{}", alpha), "a number from 0 to 1e6");
  }
  if (epsilon == 1.0 && alpha > 0.0) {
    return invalid("alpha must be 0 at epsilon 1 (least absolute deviations)",
                   fmt::format("{}", alpha), "0, or an epsilon above 1");
  }
  return {};
}

Result<LinearFit> fit_robust(const Eigen::Ref<const Eigen::MatrixXd>& X,
                             const Eigen::Ref<const Eigen::VectorXd>& y,
                             const RobustOptions& options) {
  if (auto status = options.validate(); !status) return status.error();
  if (auto status = check(X, y); !status) return status.error();
  const Standardised z(X);
  Engine engine(y.data(), static_cast<int>(y.size()), static_cast<int>(X.cols()), options);
  engine.fit(z.columns.data(), static_cast<int>(X.cols()));
  return collect(engine, z, y, options);
}

Result<LeaveOneOut> loo_robust(const Eigen::Ref<const Eigen::MatrixXd>& X,
                               const Eigen::Ref<const Eigen::VectorXd>& y,
                               const RobustOptions& options) {
  if (auto status = options.validate(); !status) return status.error();
  if (auto status = check(X, y); !status) return status.error();
  const Standardised z(X);
  Engine engine(y.data(), static_cast<int>(y.size()), static_cast<int>(X.cols()), options);
  engine.fit(z.columns.data(), static_cast<int>(X.cols()));
  LeaveOneOut loo;
  loo.fit = collect(engine, z, y, options);
  loo.residuals.setZero(y.size());
  loo.mae_cv = engine.leave_one_out(1e300, loo.residuals.data());
  return loo;
}

Result<LeaveOneOut> loo_least_squares(const Eigen::Ref<const Eigen::MatrixXd>& X,
                                      const Eigen::Ref<const Eigen::VectorXd>& y, double alpha) {
  if (!(alpha >= 0.0 && alpha < 1e6)) {
    return invalid("alpha is out of range", fmt::format("{}", alpha), "a number from 0 to 1e6");
  }
  if (auto status = check(X, y); !status) return status.error();
  const Standardised z(X);
  const int n = static_cast<int>(y.size()), p = static_cast<int>(X.cols());
  const double centre = y.mean();
  Array<double> target(padded(n));
  for (int k = 0; k < n; ++k) target[k] = y[k] - centre;

  // (I + alpha P) c = Q'y in the orthonormal basis; the row's leverage is q'(I + alpha P)^-1 q.
  const Kernels& kernel = kernels(instruction_set());
  OrthonormalBasis basis;
  basis.reserve(n, p, kernel);
  const int most = std::min(n, p + 1);
  Array<double> factor(most * most), c(most), weights(p + 1), u(most);
  const auto solve = [&](int left_out) {
    basis.build(z.columns.data(), p, n, left_out);
    const int d = basis.rank();
    std::fill(factor.begin(), factor.end(), 0.0);
    if (alpha > 0.0) basis.penalty(factor.data());
    for (int i = 0; i < d; ++i) {
      for (int j = 0; j < d; ++j) factor[i * d + j] *= alpha;
      factor[i * d + i] += 1.0;
      c[i] = kernel.dot(basis.column(i), target.data(), basis.stride());
    }
    KASETSU_ASSERT(cholesky(factor.data(), d, 0.0));
    forward(factor.data(), d, c.data());
    backward(factor.data(), d, c.data());
    basis.weights(c.data(), weights.data());
  };
  const auto predict = [&](int row) {
    double sum = weights[0];
    for (int j = 0; j < p; ++j) sum += weights[j + 1] * z.values(row, j);
    return sum;
  };

  solve(-1);
  const int d = basis.rank();
  LeaveOneOut loo;
  loo.residuals.setZero(n);
  Array<int> again;
  double squares = 0.0;
  for (int k = 0; k < n; ++k) {
    for (int j = 0; j < d; ++j) u[j] = basis.at(k, j);
    forward(factor.data(), d, u.data());
    double leverage = 0.0;
    for (int j = 0; j < d; ++j) {
      leverage += u[j] * u[j];
    }
    const double r = target[k] - predict(k);
    loo.fit.mae += std::abs(r) / n;
    squares += r * r;
    if (1.0 - leverage > 1e-6) {
      loo.residuals[k] = r / (1.0 - leverage);
    } else {
      again.push_back(k);
    }
  }
  double penalty = 0.0;
  for (int j = 1; j <= p; ++j) {
    penalty += weights[j] * weights[j];
  }
  loo.fit.objective = squares + alpha * penalty;
  loo.fit.scale = std::sqrt(squares / n);
  weights[0] += centre;
  z.unscale(weights, loo.fit);
  for (const int k : again) {
    solve(k);
    loo.residuals[k] = target[k] - predict(k);
  }
  loo.mae_cv = loo.residuals.cwiseAbs().mean();
  return loo;
}

LooEngine::LooEngine(const Eigen::Ref<const Eigen::VectorXd>& y, int largest_size,
                     const RobustOptions& options)
    : largest_(largest_size) {
  KASETSU_ASSERT(y.size() >= 2 && y.allFinite());
  KASETSU_ASSERT(largest_size >= 0);
  KASETSU_ASSERT(options.validate().ok());
  engine_ = std::make_unique<Engine>(y.data(), static_cast<int>(y.size()), largest_size, options);
}

LooEngine::~LooEngine() = default;
LooEngine::LooEngine(LooEngine&&) noexcept = default;
LooEngine& LooEngine::operator=(LooEngine&&) noexcept = default;

double LooEngine::mae_cv(const double* const* columns, int size, double give_up) {
  KASETSU_ASSERT(size >= 0 && size <= largest_);
  engine_->fit(columns, size);
  return engine_->leave_one_out(give_up, nullptr);
}

double LooEngine::one_step_mae(const double* const* columns, int size) {
  KASETSU_ASSERT(size >= 0 && size <= largest_);
  engine_->fit(columns, size);
  return engine_->one_step();
}

void LooEngine::stop_when(std::stop_token stop) {
  engine_->stop_when(std::move(stop));
}

LooEngine::Counts LooEngine::counts() const {
  return engine_->counts();
}

}  // namespace kasetsu::regression
