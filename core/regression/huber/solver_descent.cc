// Huber where the closed form goes round in circles: descent with line search, and the search over
// sigma that ends whatever the data.
#include "core/regression/huber/solver.h"

#include <algorithm>
#include <cmath>

namespace kasetsu::regression {
namespace {

// The root of a rising function between low and high, where it has the values at_low < 0 and
// at_high: secants, and every third time the middle. Ends when |value| <= enough, when the bracket
// is narrower than `narrowest` of high, or after `most` values.
template <typename Function>
double bracketed_root(const Function& value_at, double low, double high, double at_low,
                      double at_high, double enough, double narrowest, int most, double t) {
  for (int i = 0; i < most && high - low > narrowest * high; ++i) {
    t = i % 3 == 2 ? 0.5 * (low + high) : low - at_low * (high - low) / (at_high - at_low);
    if (!(t > low && t < high)) t = 0.5 * (low + high);
    const double value = value_at(t);
    if (std::abs(value) <= enough) break;
    if (value < 0.0) {
      low = t;
      at_low = value;
    } else {
      high = t;
      at_high = value;
    }
  }
  return t;
}

}  // namespace

// Derivative of the objective along (delta_, dsigma) at step t from (r_, sigma_): convex, so it
// rises. pull and bend: of the ridge term.
double Solver::slope_along(double t, double dsigma, double pull, double bend) const {
  const double e = p_.epsilon, sigma = sigma_ + t * dsigma, bound = e * sigma;
  double sum = pull + t * bend;
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double delta = delta_[k];
    const double z = std::clamp(r_[k] - t * delta, -bound, bound) / sigma;
    sum += (1.0 - z * z) * dsigma - 2.0 * z * delta;
  }
  return sum;
}

// Newton's step in (c, sigma) with a damped Hessian, into step_ and side_[0], for where the
// partition's own minimum does not exist.
void Solver::damped_step() {
  const int m = d_ + 1;
  std::fill(hessian_.begin(), hessian_.end(), 0.0);
  std::fill(slope_.begin(), slope_.end(), 0.0);
  double squares = 0.0, push = 0.0;
  const double bound = p_.epsilon * sigma_;
  double* h = hessian_.data();
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double r = r_[k];
    const double z = std::clamp(r, -bound, bound) / sigma_;
    push += 1.0 - z * z;
    for (int j = 0; j < d_; ++j) slope_[j] += z * p_.basis->at(k, j);
    if (std::abs(r) > bound) continue;
    squares += z * z;
    for (int i = 0; i < d_; ++i) {
      const double q = p_.basis->at(k, i) / sigma_;
      for (int j = 0; j <= i; ++j) h[i * m + j] += q * p_.basis->at(k, j);
      h[d_ * m + i] += q * z;
    }
  }
  h[d_ * m + d_] = squares / sigma_ + 0.01 * present_ / sigma_;
  for (int i = 0; i < d_; ++i) {
    h[i * m + i] += 0.01 / sigma_;
    for (int j = 0; p_.alpha > 0.0 && j < d_; ++j) {
      const double share = p_.alpha * p_.penalty[i * d_ + j];
      slope_[i] -= share * c_[j];
      if (j <= i) h[i * m + j] += share;
    }
  }
  std::copy(slope_.begin(), slope_.begin() + d_, side_.begin());
  side_[d_] = -0.5 * push;
  if (!cholesky(h, m, 0.0)) {
    std::fill(side_.begin(), side_.end(), 0.0);
  } else {
    forward(h, m, side_.data());
    backward(h, m, side_.data());
  }
  std::copy(side_.begin(), side_.begin() + d_, step_.begin());
  side_[0] = side_[d_];
}

// From (c_, sigma_) downhill: towards the minimum of the present partition, which has the same
// value and slope here as the objective, or by a damped Newton step, with a line search on the
// convex objective. True: the minimum is reached and confirmed.
bool Solver::descend() {
  const double smallest = std::max(16.0 * p_.resolution, 1e-9 * scale_);
  for (int round = 0; round < 60; ++round) {
    residuals();
    classify();
    from_ = c_;
    const double sigma = sigma_;
    double dsigma;
    if (p_.alpha > 0.0 ? closed_form_ridge() : closed_form()) {
      residuals();
      if (consistent()) return true;
      for (int j = 0; j < d_; ++j) {
        step_[j] = c_[j] - from_[j];
      }
      dsigma = sigma_ - sigma;
      c_ = from_;
      sigma_ = sigma;
      residuals();
    } else {
      c_ = from_;
      sigma_ = sigma;
      residuals();
      damped_step();
      dsigma = side_[0];
    }
    const int stride = p_.basis->stride();
    std::fill(delta_.begin(), delta_.begin() + stride, 0.0);
    for (int j = 0; j < d_; ++j) {
      const double* q = p_.basis->column(j);
      const double step = step_[j];
      for (int k = 0; k < stride; ++k) delta_[k] += step * q[k];
    }
    double pull = 0.0, bend = 0.0;
    for (int i = 0; p_.alpha > 0.0 && i < d_; ++i) {
      for (int j = 0; j < d_; ++j) {
        const double share = 2.0 * p_.alpha * p_.penalty[i * d_ + j];
        pull += share * c_[j] * step_[i];
        bend += share * step_[i] * step_[j];
      }
    }
    const double at_start = slope_along(0.0, dsigma, pull, bend);
    if (!(at_start < 0.0)) return false;
    const double end = dsigma < 0.0 ? std::min(1.0, -0.9 * sigma_ / dsigma) : 1.0;
    double t = end;
    const double at_high = slope_along(end, dsigma, pull, bend);
    if (at_high > -0.1 * at_start) {
      const auto slope_at = [&](double part) { return slope_along(part, dsigma, pull, bend); };
      t = bracketed_root(slope_at, 0.0, end, at_start, at_high, -1e-3 * at_start, -1.0, 40, end);
    }
    for (int j = 0; j < d_; ++j) {
      c_[j] += t * step_[j];
    }
    sigma_ += t * dsigma;
    if (!(sigma_ > smallest)) return false;
  }
  return false;
}

// Sum of min((r/sigma)^2, epsilon^2) - n: the derivative of the objective by sigma, with the sign
// turned. Decreases in sigma when c minimises at each sigma, as the objective is jointly convex.
double Solver::excess(double sigma) const {
  double sum = -static_cast<double>(present_);
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double z = std::min(std::abs(r_[k]) / sigma, p_.epsilon);
    sum += z * z;
  }
  return sum;
}

// The half objective's Hessian (lower triangle) and downward slope in c at fixed sigma, into
// hessian_ and slope_.
void Solver::newton_system(double sigma) {
  const double bound = p_.epsilon * sigma;
  std::fill(hessian_.begin(), hessian_.end(), 0.0);
  std::fill(slope_.begin(), slope_.end(), 0.0);
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double pull = std::clamp(r_[k], -bound, bound) / sigma;
    for (int j = 0; j < d_; ++j) slope_[j] += pull * p_.basis->at(k, j);
    if (std::abs(r_[k]) > bound) continue;
    for (int i = 0; i < d_; ++i) {
      const double q = p_.basis->at(k, i) / sigma;
      for (int j = 0; j <= i; ++j) hessian_[i * d_ + j] += q * p_.basis->at(k, j);
    }
  }
  for (int i = 0; p_.alpha > 0.0 && i < d_; ++i) {
    for (int j = 0; j < d_; ++j) {
      const double share = p_.alpha * p_.penalty[i * d_ + j];
      slope_[i] -= share * c_[j];
      hessian_[i * d_ + j] += share;
    }
  }
}

// How far to go along step_ at fixed sigma: to the minimum of the objective, which is convex and
// piecewise quadratic. 0 where it does not fall.
double Solver::step_length(double sigma) {
  const double bound = p_.epsilon * sigma;
  for (int k = 0; k < n_; ++k) {
    double sum = 0.0;
    for (int j = 0; j < d_; ++j) sum += p_.basis->at(k, j) * step_[j];
    delta_[k] = sum;
  }
  double bend = 0.0, pull = 0.0;
  for (int i = 0; p_.alpha > 0.0 && i < d_; ++i) {
    for (int j = 0; j < d_; ++j) {
      const double share = p_.alpha * p_.penalty[i * d_ + j];
      pull += share * c_[j] * step_[i];
      bend += share * step_[i] * step_[j];
    }
  }
  const auto derivative = [&](double t) {
    double sum = pull + t * bend;
    for (int k = 0; k < n_; ++k) {
      if (!in(k)) continue;
      const double r = r_[k] - t * delta_[k];
      sum -= std::clamp(r, -bound, bound) / sigma * delta_[k];
    }
    return sum;
  };
  double low = 0.0, high = 1.0, at_low = derivative(0.0), at_high = derivative(1.0);
  if (!(at_low < 0.0)) return 0.0;
  if (!(std::abs(at_high) > 1e-3 * -at_low)) return 1.0;
  for (int i = 0; at_high < 0.0 && i < 200; ++i) {
    low = high;
    at_low = at_high;
    high *= 2.0;
    at_high = derivative(high);
  }
  return bracketed_root(derivative, low, high, at_low, at_high, 0.0, 1e-15, 100, 1.0);
}

// Newton with exact line search at fixed sigma: convex and piecewise quadratic in c.
void Solver::minimise_at(double sigma) {
  sigma_ = sigma;
  double damping = 1e-10;
  for (int round = 0; round < 200; ++round) {
    residuals();
    newton_system(sigma);
    double largest = 0.0;
    for (int j = 0; j < d_; ++j) largest = std::max(largest, std::abs(slope_[j]));
    if (largest <= 1e-14 * present_) return;
    step_ = slope_;
    bool factored = false;
    for (; !factored && damping <= 1.0; damping *= 100.0) {
      std::copy(hessian_.begin(), hessian_.begin() + d_ * d_, triangle_.begin());
      for (int j = 0; j < d_; ++j) triangle_[j * d_ + j] += damping / sigma;
      factored = cholesky(triangle_.data(), d_, 1e-14 / sigma);
      if (factored) break;
    }
    if (!factored) return;
    forward(triangle_.data(), d_, step_.data());
    backward(triangle_.data(), d_, step_.data());
    const double t = step_length(sigma);
    if (t == 0.0) return;
    for (int j = 0; j < d_; ++j) c_[j] += t * step_[j];
  }
}

// The root of excess(sigma), bracketed; every fixed-sigma minimum proposes a partition, and the
// first one that the closed form confirms ends the search.
void Solver::safeguarded_search() {
  c_ = ls_;
  const auto settle = [&] {
    residuals();
    classify();
    if (!(p_.alpha > 0.0 ? closed_form_ridge() : closed_form())) return false;
    residuals();
    return consistent() && canonical();
  };
  Array<double>& kept = lambda_;  // c of the fixed-sigma minimum, while a partition is tried
  double low = 0.0, high = 0.0, sigma = scale_;
  const double smallest = std::max(16.0 * p_.resolution, 1e-9 * scale_);
  for (int round = 0; round < 200; ++round) {
    minimise_at(sigma);
    residuals();
    const double more = excess(sigma);
    kept = c_;
    if (settle()) return;
    c_ = kept;
    sigma_ = sigma;
    if (more > 0.0) {
      low = sigma;
    } else {
      high = sigma;
    }
    if (more <= 0.0 && sigma <= smallest) {
      // sigma runs to 0: what is left is the sum of |residuals|.
      if (p_.alpha > 0.0) {
        residuals();
        classify();
        sigma_ = 0.0;
        return;
      }
      sigma_ = 0.0;
      least_absolute(nullptr);
      return;
    }
    if (low > 0.0 && high > 0.0) {
      if (high - low <= 4e-16 * high) {
        residuals();
        classify();
        return;
      }
      sigma = std::sqrt(low) * std::sqrt(high);
      if (!(sigma > low && sigma < high)) sigma = 0.5 * (low + high);
      if (!(sigma > low && sigma < high)) {
        residuals();
        classify();
        return;
      }
    } else {
      sigma = high > 0.0 ? std::max(high / 4.0, smallest) : low * 4.0;
    }
  }
  ++unconfirmed_;
  residuals();
  classify();
}

}  // namespace kasetsu::regression
