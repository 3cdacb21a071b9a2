#include "core/regression/gaussian_process.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

namespace kasetsu::regression {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kTwoPi = 6.283185307179586;
// Of log l: mean sqrt(2) + log(d) / 2, standard deviation sqrt(3). Of log lambda: -4 and 1.5; a
// measurement of catalysts is seldom better than 2 % and seldom noise alone.
constexpr double kLengthMean = 1.4142135623730951;
constexpr double kLengthDeviation = 1.7320508075688772;
constexpr double kNoiseMean = -4.0;
constexpr double kNoiseDeviation = 1.5;
constexpr double kSmallestNoise = -13.8;  // lambda 1e-6: below, the factor loses its accuracy

MatrixXd squared_distances(const MatrixXd& a, const MatrixXd& b) {
  MatrixXd squared = -2.0 * a * b.transpose();
  squared.colwise() += a.rowwise().squaredNorm();
  squared.rowwise() += b.rowwise().squaredNorm().transpose();
  return squared.cwiseMax(0.0);
}

// k(r) from r^2, in place.
void correlate(Kernel kernel, MatrixXd& squared) {
  const auto r2 = squared.array();
  switch (kernel) {
    case Kernel::matern32: {
      const Eigen::ArrayXXd r = (3.0 * r2).sqrt();
      squared = ((1.0 + r) * (-r).exp()).matrix();
      return;
    }
    case Kernel::matern52: {
      const Eigen::ArrayXXd r = (5.0 * r2).sqrt();
      squared = ((1.0 + r + r * r / 3.0) * (-r).exp()).matrix();
      return;
    }
    case Kernel::squared_exponential:
      squared = (-0.5 * r2).exp().matrix();
      return;
  }
}

// g(r) with d k / d log l_j = g(r) (difference_j / l_j)^2.
MatrixXd slope(Kernel kernel, const MatrixXd& squared) {
  const auto r2 = squared.array();
  switch (kernel) {
    case Kernel::matern32:
      return (3.0 * (-(3.0 * r2).sqrt()).exp()).matrix();
    case Kernel::matern52: {
      const Eigen::ArrayXXd r = (5.0 * r2).sqrt();
      return (5.0 / 3.0 * (1.0 + r) * (-r).exp()).matrix();
    }
    case Kernel::squared_exponential:
      return (-0.5 * r2).exp().matrix();
  }
  return {};
}

class Likelihood {
 public:
  Likelihood(const MatrixXd& X, const VectorXd& y, Kernel kernel, std::vector<int> groups,
             int group_count)
      : X_(X), y_(y), kernel_(kernel), groups_(std::move(groups)), group_count_(group_count) {
    length_mean_ = kLengthMean + 0.5 * std::log(static_cast<double>(std::max<Index>(1, X.cols())));
  }

  Index parameters() const { return group_count_ + 1; }
  VectorXd prior_mean() const {
    VectorXd start = VectorXd::Constant(parameters(), length_mean_);
    start[group_count_] = kNoiseMean;
    return start;
  }
  VectorXd lengthscales(const VectorXd& parameters) const {
    VectorXd lengths(X_.cols());
    for (Index j = 0; j < X_.cols(); ++j) {
      lengths[j] = std::exp(parameters[groups_[static_cast<std::size_t>(j)]]);
    }
    return lengths;
  }

  // Negative log posterior density, up to a constant, and its gradient; infinite where the matrix
  // cannot be factored.
  double value(const VectorXd& parameters, VectorXd* gradient) const {
    const Index n = X_.rows();
    const VectorXd lengths = lengthscales(parameters);
    const double ratio = std::exp(parameters[group_count_]);
    const MatrixXd scaled = X_ * lengths.cwiseInverse().asDiagonal();
    const MatrixXd squared = squared_distances(scaled, scaled);
    MatrixXd A = squared;
    correlate(kernel_, A);
    A.diagonal().array() = 1.0 + ratio;
    const Eigen::LLT<MatrixXd> factor(A);
    if (factor.info() != Eigen::Success) return std::numeric_limits<double>::infinity();
    const VectorXd ones = VectorXd::Ones(n);
    const VectorXd inverse_ones = factor.solve(ones);
    const double mu = inverse_ones.dot(y_) / inverse_ones.sum();
    const VectorXd residual = y_.array() - mu;
    const VectorXd weights = factor.solve(residual);
    const double scale = std::max(residual.dot(weights) / static_cast<double>(n), 1e-300);
    const double log_determinant = 2.0 * factor.matrixLLT().diagonal().array().log().sum();
    double loss = 0.5 * static_cast<double>(n) * std::log(scale) + 0.5 * log_determinant;
    for (Index g = 0; g <= group_count_; ++g) {
      const double mean = g < group_count_ ? length_mean_ : kNoiseMean;
      const double deviation = g < group_count_ ? kLengthDeviation : kNoiseDeviation;
      const double z = (parameters[g] - mean) / deviation;
      loss += 0.5 * z * z;
      if (gradient != nullptr) (*gradient)[g] = z / deviation;
    }
    if (gradient == nullptr) return loss;
    const MatrixXd inverse = factor.solve(MatrixXd::Identity(n, n));
    // d loss / d theta = (tr(A^-1 dA) - w' dA w / s^2) / 2.
    MatrixXd W = inverse - weights * weights.transpose() / scale;
    (*gradient)[group_count_] += 0.5 * ratio * W.trace();
    W.array() *= slope(kernel_, squared).array();
    W.diagonal().setZero();
    const VectorXd row_sums = W.rowwise().sum();
    const MatrixXd product = W * scaled;
    for (Index j = 0; j < X_.cols(); ++j) {
      // sum_ab W_ab (x_a - x_b)^2 of a symmetric W.
      const double sum = 2.0 * (scaled.col(j).array().square() * row_sums.array()).sum() -
                         2.0 * scaled.col(j).dot(product.col(j));
      (*gradient)[groups_[static_cast<std::size_t>(j)]] += 0.5 * sum;
    }
    return loss;
  }

 private:
  const MatrixXd& X_;
  const VectorXd& y_;
  Kernel kernel_;
  std::vector<int> groups_;
  int group_count_;
  double length_mean_;
};

// Limited-memory BFGS with backtracking (Nocedal and Wright, "Numerical Optimization", algorithm
// 7.5), and the noise ratio kept above its bound.
// What it has so far when it is cancelled.
VectorXd minimise(const Likelihood& likelihood, VectorXd x, int iterations,
                  const Control& control) {
  constexpr std::size_t kMemory = 8;
  const Index noise = likelihood.parameters() - 1;
  const auto clamp = [&](VectorXd& at) {
    at = at.cwiseMax(-12.0).cwiseMin(12.0);
    at[noise] = std::max(at[noise], kSmallestNoise);
  };
  clamp(x);
  VectorXd gradient(x.size());
  double loss = likelihood.value(x, &gradient);
  if (!std::isfinite(loss)) {
    x = likelihood.prior_mean();
    x[noise] = 0.0;
    loss = likelihood.value(x, &gradient);
  }
  std::deque<std::pair<VectorXd, VectorXd>> memory;  // steps and changes of the gradient
  for (int iteration = 0; iteration < iterations; ++iteration) {
    VectorXd direction = -gradient;
    std::vector<double> a(memory.size());
    for (std::size_t i = memory.size(); i-- > 0;) {
      const auto& [s, t] = memory[i];
      a[i] = s.dot(direction) / s.dot(t);
      direction -= a[i] * t;
    }
    if (!memory.empty()) {
      const auto& [s, t] = memory.back();
      direction *= s.dot(t) / t.squaredNorm();
    } else {
      direction /= std::max(1.0, gradient.norm());
    }
    for (std::size_t i = 0; i < memory.size(); ++i) {
      const auto& [s, t] = memory[i];
      direction += (a[i] - t.dot(direction) / s.dot(t)) * s;
    }
    if (direction.dot(gradient) >= 0.0) direction = -gradient;
    const double longest = direction.cwiseAbs().maxCoeff();
    if (longest > 2.0) direction *= 2.0 / longest;
    double step = 1.0;
    VectorXd next;
    double next_loss = loss;
    bool moved = false;
    for (int trial = 0; trial < 20; ++trial, step *= 0.4) {
      if (control.cancelled()) return x;
      next = x + step * direction;
      clamp(next);
      next_loss = likelihood.value(next, nullptr);
      if (next_loss <= loss + 1e-4 * gradient.dot(next - x)) {
        moved = true;
        break;
      }
    }
    if (!moved || control.cancelled()) break;
    VectorXd next_gradient(x.size());
    next_loss = likelihood.value(next, &next_gradient);
    const VectorXd s = next - x;
    const VectorXd t = next_gradient - gradient;
    if (s.dot(t) > 1e-12 * s.norm() * t.norm()) {
      memory.emplace_back(s, t);
      if (memory.size() > kMemory) memory.pop_front();
    }
    const double gain = loss - next_loss;
    x = next;
    gradient = next_gradient;
    loss = next_loss;
    if (gain < 1e-4) break;
  }
  return x;
}

// Columns that are worked on between two looks at the control: 30 ms of work at 2,000 rows.
constexpr Index kPanel = 64;

// Cholesky's factor in the lower half of A, which is left half-done when cancelled. Errors:
// cancelled; invalid_argument where A is not positive definite.
Status factorise(MatrixXd& A, const Control& control) {
  const Index n = A.rows();
  for (Index first = 0; first < n; first += kPanel) {
    if (control.cancelled()) return cancelled_error();
    const Index width = std::min(kPanel, n - first);
    const Index rest = n - first - width;
    auto corner = A.block(first, first, width, width);
    const Eigen::LLT<MatrixXd> factor(corner);
    if (factor.info() != Eigen::Success) {
      return Error{ErrorCode::invalid_argument, "the covariance matrix cannot be factored",
                   "Gaussian process", "", "rows that differ"};
    }
    corner = factor.matrixL();
    if (rest == 0) break;
    auto below = A.block(first + width, first, rest, width);
    factor.matrixU().solveInPlace<Eigen::OnTheRight>(below);
    A.bottomRightCorner(rest, rest).selfadjointView<Eigen::Lower>().rankUpdate(below, -1.0);
  }
  return {};
}

// The diagonal of (L L')^-1. Errors: cancelled.
Result<VectorXd> inverse_diagonal(const MatrixXd& factor, const Control& control) {
  const Index n = factor.rows();
  VectorXd diagonal(n);
  for (Index first = 0; first < n; first += kPanel) {
    if (control.cancelled()) return cancelled_error();
    const Index width = std::min(kPanel, n - first);
    // Columns of L^-1, which is zero above them.
    MatrixXd columns = MatrixXd::Identity(n - first, width);
    factor.bottomRightCorner(n - first, n - first)
        .triangularView<Eigen::Lower>()
        .solveInPlace(columns);
    diagonal.segment(first, width) = columns.colwise().squaredNorm().transpose();
  }
  return diagonal;
}

}  // namespace

Result<GaussianProcess> GaussianProcess::fit(const MatrixXd& X, const VectorXd& y,
                                             const GaussianProcessOptions& options,
                                             const Control& control) {
  const auto wrong = [](const char* message, const char* expected) {
    return Error{ErrorCode::invalid_argument, message, "Gaussian process", "", expected};
  };
  if (X.rows() != y.size() || X.rows() < 2 || X.cols() < 1) {
    return wrong("shapes do not fit", "two or more rows, one or more columns");
  }
  if (!X.allFinite() || !y.allFinite()) return wrong("a value is not finite", "finite numbers");
  std::vector<int> groups = options.groups;
  if (groups.empty()) {
    for (Index j = 0; j < X.cols(); ++j) groups.push_back(static_cast<int>(j));
  }
  if (static_cast<Index>(groups.size()) != X.cols() ||
      *std::min_element(groups.begin(), groups.end()) < 0) {
    return wrong("groups do not fit", "one group from 0 for each column");
  }
  const int group_count = *std::max_element(groups.begin(), groups.end()) + 1;

  GaussianProcess process;
  process.kernel_ = options.kernel;
  process.y_ = y;
  const Index n = X.rows();
  MatrixXd some_X;
  VectorXd some_y;
  const Index most = std::max(2, options.rows_for_search);
  if (n > most) {
    std::vector<Index> some;
    for (Index i = 0; i < most; ++i) some.push_back(i * n / most);
    some_X = X(some, Eigen::all);
    some_y = y(some);
  } else {
    some_X = X;
    some_y = y;
  }
  const Likelihood likelihood(some_X, some_y, options.kernel, groups, group_count);
  VectorXd start = likelihood.prior_mean();
  if (options.start.size() == start.size() && options.start.allFinite()) start = options.start;
  process.parameters_ = minimise(likelihood, start, options.iterations, control);
  if (control.cancelled()) return cancelled_error();
  process.likelihood_ = -likelihood.value(process.parameters_, nullptr);
  if (control.cancelled()) return cancelled_error();
  process.lengthscales_ = likelihood.lengthscales(process.parameters_);
  process.ratio_ = std::exp(process.parameters_[group_count]);
  process.scaled_ = X * process.lengthscales_.cwiseInverse().asDiagonal();
  MatrixXd A = squared_distances(process.scaled_, process.scaled_);
  correlate(options.kernel, A);
  A.diagonal().array() = 1.0 + process.ratio_;
  if (Status status = factorise(A, control); !status) return status.error();
  process.factor_ = std::move(A);
  const Result<VectorXd> inverse = inverse_diagonal(process.factor_, control);
  if (!inverse) return inverse.error();
  const VectorXd inverse_ones = process.solve(VectorXd::Ones(n));
  process.mean_ = inverse_ones.dot(y) / inverse_ones.sum();
  const VectorXd residual = y.array() - process.mean_;
  process.weights_ = process.solve(residual);
  process.scale_ = std::max(residual.dot(process.weights_) / static_cast<double>(n), 1e-300);
  // Dubrule, Mathematical Geology 15, 687 (1983): with the constant estimated, the inverse is
  // replaced by its projection, and no refit is needed.
  const VectorXd diagonal =
      (*inverse - (inverse_ones.array().square() / inverse_ones.sum()).matrix()).cwiseMax(1e-300);
  process.loo_mean_ = y.array() - process.weights_.array() / diagonal.array();
  process.loo_variance_ = process.scale_ / diagonal.array();
  return process;
}

VectorXd GaussianProcess::solve(VectorXd right) const {
  factor_.triangularView<Eigen::Lower>().solveInPlace(right);
  factor_.transpose().triangularView<Eigen::Upper>().solveInPlace(right);
  return right;
}

MatrixXd GaussianProcess::cross(const MatrixXd& X) const {
  MatrixXd K = squared_distances(scaled_, X * lengthscales_.cwiseInverse().asDiagonal());
  correlate(kernel_, K);
  return K;
}

void GaussianProcess::predict(const MatrixXd& X, VectorXd& mean, VectorXd& variance) const {
  MatrixXd K = cross(X);
  mean = (K.transpose() * weights_).array() + mean_;
  factor_.triangularView<Eigen::Lower>().solveInPlace(K);
  variance = scale_ * (1.0 - K.colwise().squaredNorm().transpose().array()).max(0.0);
}

void GaussianProcess::joint(const MatrixXd& X, VectorXd& mean, MatrixXd& covariance) const {
  MatrixXd K = cross(X);
  mean = (K.transpose() * weights_).array() + mean_;
  const MatrixXd scaled = X * lengthscales_.cwiseInverse().asDiagonal();
  covariance = squared_distances(scaled, scaled);
  correlate(kernel_, covariance);
  factor_.triangularView<Eigen::Lower>().solveInPlace(K);
  covariance.noalias() -= K.transpose() * K;
  covariance *= scale_;
}

double GaussianProcess::loo_log_density() const {
  double sum = 0.0;
  for (Index i = 0; i < y_.size(); ++i) {
    const double error = y_[i] - loo_mean_[i];
    sum -= 0.5 * (std::log(kTwoPi * loo_variance_[i]) + error * error / loo_variance_[i]);
  }
  return sum;
}

}  // namespace kasetsu::regression
