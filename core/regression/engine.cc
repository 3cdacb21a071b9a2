#include "core/regression/engine.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kasetsu::regression {

namespace {

// Where a row's leverage leaves less than this for the others, they may not determine the fit: the
// basis is built again without it.
constexpr double kLeverage = 1e-6;

}  // namespace

Engine::Engine(const double* y, int rows, int size, const RobustOptions& options)
    : rows_(rows), options_(options) {
  const int rank = std::min(rows, size + 1);
  const auto d = static_cast<std::size_t>(rank);
  double largest = 0.0;
  for (int k = 0; k < rows; ++k) {
    mean_ += y[k] / rows;
    largest = std::max(largest, std::abs(y[k]));
  }
  resolution_ = 1e-13 * largest;
  y_.assign(static_cast<std::size_t>(padded(rows)), 0.0);
  for (int k = 0; k < rows; ++k) y_[static_cast<std::size_t>(k)] = y[k] - mean_;
  basis_.reserve(rows, size);
  fold_basis_.reserve(rows, size);
  solver_.reserve(rows, rank);
  fold_solver_.reserve(rows, rank);
  penalty_.assign(d * d, 0.0);
  fold_penalty_.assign(d * d, 0.0);
  weights_.assign(static_cast<std::size_t>(size) + 1, 0.0);
  leverage_.assign(static_cast<std::size_t>(rows), 0.0);
  a_.assign(d * d, 0.0);
  u_.assign(d * static_cast<std::size_t>(rows), 0.0);
  for (auto* v : {&g_, &h_, &ra_}) v->assign(static_cast<std::size_t>(rows), 0.0);
  direction_.assign(2 * d, 0.0);
  solver_.keep(start_);
}

void Engine::problem(const Basis& basis, int left_out, Problem& out) {
  out.basis = &basis;
  out.y = y_.data();
  out.rows = rows_;
  out.left_out = left_out;
  out.resolution = resolution_;
  out.epsilon = options_.epsilon;
  out.alpha = options_.alpha;
}

void Engine::fit(const double* const* columns, int size) {
  ++subsets_;
  columns_ = columns;
  size_ = size;
  basis_.build(columns, size, rows_, -1);
  Problem all;
  problem(basis_, -1, all);
  if (options_.alpha > 0.0) {
    basis_.penalty(penalty_.data());
    all.penalty = penalty_.data();
  }
  solver_.solve(all, nullptr);
}

void Engine::weights(double* weights) const {
  basis_.weights(solver_.c(), weights);
  weights[0] += mean_;
}

double Engine::fold(int row) {
  Problem rest;
  if (1.0 - leverage_[static_cast<std::size_t>(row)] > kLeverage) {
    problem(basis_, row, rest);
    rest.penalty = options_.alpha > 0.0 ? penalty_.data() : nullptr;
    fold_solver_.solve(rest, &start_);
    return y_[static_cast<std::size_t>(row)] - fold_solver_.prediction(row);
  }
  fold_basis_.build(columns_, size_, rows_, row);
  problem(fold_basis_, row, rest);
  if (options_.alpha > 0.0) {
    fold_basis_.penalty(fold_penalty_.data());
    rest.penalty = fold_penalty_.data();
  }
  fold_solver_.solve(rest, nullptr);
  fold_basis_.weights(fold_solver_.c(), weights_.data());
  double predicted = weights_[0];
  for (int j = 0; j < size_; ++j) {
    predicted += weights_[static_cast<std::size_t>(j) + 1] * columns_[j][row];
  }
  return y_[static_cast<std::size_t>(row)] - predicted;
}

double Engine::leave_one_out(double give_up, double* residuals) {
  solver_.keep(start_);
  std::fill(leverage_.begin(), leverage_.end(), 0.0);
  for (int j = 0; j < basis_.rank(); ++j) {
    const double* q = basis_.column(j);
    for (int k = 0; k < rows_; ++k) leverage_[static_cast<std::size_t>(k)] += q[k] * q[k];
  }
  double sum = 0.0;
  for (int k = 0; k < rows_; ++k) {
    const double e = fold(k);
    if (residuals != nullptr) residuals[k] = e;
    sum += std::abs(e);
    if (residuals == nullptr && sum >= give_up * rows_) return sum / rows_;
  }
  return sum / rows_;
}

double Engine::one_step() {
  const int d = basis_.rank(), n = rows_;
  solver_.keep(start_);
  const double e = options_.epsilon;
  const double infinity = std::numeric_limits<double>::infinity();
  const bool frozen = e > 1.0 && options_.alpha == 0.0 && start_.sigma > 0.0;
  std::fill(a_.begin(), a_.end(), 0.0);
  double* bend = direction_.data();
  double* target = direction_.data() + d;
  std::fill(bend, bend + d, 0.0);
  std::fill(target, target + d, 0.0);
  double outside = 0.0;
  for (int k = 0; k < n; ++k) {
    const double s = frozen ? start_.state[static_cast<std::size_t>(k)] : 0.0;
    for (int i = 0; i < d; ++i) {
      const double q = basis_.at(k, i);
      if (s != 0.0) {
        bend[i] += s * q;
        continue;
      }
      target[i] += q * y_[static_cast<std::size_t>(k)];
      for (int j = 0; j <= i; ++j) a_[static_cast<std::size_t>(i * d + j)] += q * basis_.at(k, j);
    }
    if (s != 0.0) outside += 1.0;
  }
  if (!cholesky(a_.data(), d, 1e-12)) return infinity;
  forward(a_.data(), d, bend);
  forward(a_.data(), d, target);
  double squares = 0.0, bend2 = 0.0;
  for (int i = 0; i < d; ++i) bend2 += bend[i] * bend[i];
  for (int k = 0; k < n; ++k) {
    double* u = u_.data() + static_cast<long>(k) * d;
    for (int i = 0; i < d; ++i) u[i] = basis_.at(k, i);
    forward(a_.data(), d, u);
    double g = 0.0, h = 0.0, fitted = 0.0;
    for (int i = 0; i < d; ++i) {
      g += u[i] * bend[i];
      h += u[i] * u[i];
      fitted += u[i] * target[i];
    }
    const auto at = static_cast<std::size_t>(k);
    g_[at] = g;
    h_[at] = h;
    ra_[at] = y_[at] - fitted;
    if (!frozen || start_.state[at] == 0.0) squares += ra_[at] * ra_[at];
  }
  double sum = 0.0;
  for (int k = 0; k < n; ++k) {
    const auto at = static_cast<std::size_t>(k);
    if (!frozen) {
      if (!(1.0 - h_[at] > kLeverage)) return infinity;
      sum += std::abs(ra_[at] / (1.0 - h_[at]));
      continue;
    }
    const double s = start_.state[at];
    const double left = 1.0 - h_[at];
    double rss = squares, b2 = bend2, out = outside;
    if (s == 0.0) {
      if (!(left > kLeverage)) return infinity;
      rss -= ra_[at] * ra_[at] / left;
      b2 += g_[at] * g_[at] / left;
    } else {
      b2 += h_[at] - 2.0 * s * g_[at];
      out -= 1.0;
    }
    const double divisor = n - 1 - out * e * e - e * e * b2;
    if (!(divisor > 0.0) || !(rss > 0.0)) return infinity;
    const double sigma = std::sqrt(rss / divisor);
    const double kappa = s == 0.0 ? (e * sigma * g_[at] - ra_[at]) / left : -e * sigma * s;
    sum += std::abs(ra_[at] - e * sigma * g_[at] - kappa * h_[at]);
  }
  return sum / n;
}

LooEngine::Counts Engine::counts() const {
  LooEngine::Counts counts;
  counts.subsets = subsets_;
  counts.safeguarded = solver_.safeguarded() + fold_solver_.safeguarded();
  counts.unconfirmed = solver_.unconfirmed() + fold_solver_.unconfirmed();
  return counts;
}

}  // namespace kasetsu::regression
