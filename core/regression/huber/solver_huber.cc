// Huber: the minimum of a partition of the rows into inside and outside, in closed form.
#include "core/regression/huber/solver.h"

#include <algorithm>
#include <cmath>

namespace kasetsu::regression {
namespace {

constexpr double kInnerDependent = 1e-9;  // a direction that the rows inside do not see
constexpr double kBoundary = 1e-9;        // on the boundary between inside and outside, relative

}  // namespace

void Solver::huber(const Start* start) {
  // With few rows, or epsilon near 1, sigma = 0 is the rule: then that is tried first.
  const double e2 = p_.epsilon * p_.epsilon;
  if (p_.alpha == 0.0 && present_ - (present_ - d_) * e2 >= 0.0) {
    least_absolute(start);
    if (scale_is_zero()) return;
    vertex_found_ = false;
    c_ = ls_;
    residuals();
  }
  if (start != nullptr && start->sigma > 0.0) {
    state_ = start->state;
    sigma_ = start->sigma;
  } else {
    sigma_ = scale_;
    classify();
  }
  if (iterate() && canonical()) return;
  ++safeguarded_;
  if (start != nullptr && start->sigma > 0.0) {
    c_ = start->c;
    sigma_ = start->sigma;
  } else {
    c_ = ls_;
    sigma_ = scale_;
  }
  if (descend() && canonical()) return;
  safeguarded_search();
}

// Each row's side at the present residuals and sigma.
void Solver::classify() {
  const double bound = p_.epsilon * sigma_;
  for (int k = 0; k < n_; ++k) {
    const double r = r_[k];
    state_[k] = r > bound ? 1.0 : r < -bound ? -1.0 : 0.0;
  }
}

// A row may stand on either side of a boundary that it touches: the objective is continuously
// differentiable there, so both give the same minimum.
bool Solver::consistent() {
  const double bound = p_.epsilon * sigma_;
  const double slack = 1e-11 * bound + p_.resolution;
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double r = r_[k];
    const double s = state_[k];
    if (s == 0.0 ? std::abs(r) > bound + slack : s * r < bound - slack) return false;
  }
  return true;
}

// Plain iteration: mostly a few rounds; where it goes round in circles, descend() takes over.
bool Solver::iterate() {
  for (int round = 0; round < 6; ++round) {
    if (!(p_.alpha > 0.0 ? closed_form_ridge() : closed_form())) return false;
    residuals();
    if (consistent()) return true;
    classify();
  }
  return false;
}

// The columns of the basis over the rows inside, orthonormal, into work_; their triangle, by basis
// column, into triangle_. Returns how many columns depend on earlier ones.
int Solver::orthonormalise_inside() {
  const int stride = p_.basis->stride();
  inner_rank_ = 0;
  int flats = 0;
  for (int j = 0; j < d_; ++j) {
    double* x = work_.data() + static_cast<long>(inner_rank_) * stride;
    const double* q = p_.basis->column(j);
    for (int k = 0; k < stride; ++k) {
      const bool inside = k < n_ && in(k) && state_[k] == 0.0;
      x[k] = inside ? q[k] : 0.0;
    }
    double* t = triangle_.data() + static_cast<long>(j) * d_;  // column j of the triangle
    std::fill(t, t + d_, 0.0);
    double before = std::sqrt(dot(x, x, stride)), after = before;
    for (int pass = 0; pass < 4 && before > 0.0; ++pass) {
      kernels_->project(work_.data(), inner_rank_, x, t, stride);
      after = std::sqrt(dot(x, x, stride));
      if (after <= kInnerDependent || after > 0.5 * before) break;
      before = after;
    }
    if (!(after > kInnerDependent)) {
      dependent_[flats++] = j;
      continue;
    }
    for (int k = 0; k < stride; ++k) x[k] /= after;
    t[inner_rank_] = after;
    independent_[inner_rank_++] = j;
  }
  return flats;
}

// The direction that basis column dependent_[flat] gives and that no row inside sees, into flat_.
// False where the objective is not flat along it.
bool Solver::is_flat(int flat, double largest_slope) {
  const int column = dependent_[flat];
  double* v = flat_.data() + static_cast<long>(flat) * d_;
  std::fill(v, v + d_, 0.0);
  v[column] = 1.0;
  double* z = step_.data();
  for (int i = inner_rank_ - 1; i >= 0; --i) {
    double sum = triangle_[column * d_ + i];
    for (int l = i + 1; l < inner_rank_; ++l) sum -= inner_triangle(i, l) * z[l];
    z[i] = sum / inner_triangle(i, i);
    v[independent_[i]] = -z[i];
  }
  double along = 0.0, length = 0.0;
  for (int j = 0; j < d_; ++j) {
    along += v[j] * slope_[j];
    length += v[j] * v[j];
  }
  return !(std::abs(along) > 1e-8 * largest_slope * std::sqrt(length));
}

// Of many minimisers the one whose fitted values are nearest to the least-squares fit, among those
// that leave the rows outside where they are.
bool Solver::to_nearest_inside(int flats) {
  residuals();
  face_.start(flats);
  for (int k = 0; k < n_; ++k) {
    const double s = state_[k];
    if (!in(k) || s == 0.0) continue;
    for (int f = 0; f < flats; ++f) {
      const double* v = flat_.data() + static_cast<long>(f) * d_;
      double sum = 0.0;
      for (int j = 0; j < d_; ++j) sum += p_.basis->at(k, j) * v[j];
      face_row_[f] = -s * sum;
    }
    face_.add(face_row_.data(), p_.epsilon * sigma_ - s * r_[k]);
  }
  for (int f = 0; f < flats; ++f) directions_[f] = flat_.data() + static_cast<long>(f) * d_;
  return to_nearest(flats);
}

// Minimum over (c, sigma) if the rows stay on the sides of state_:
// c = a + sigma b, A = Q_I'Q_I, a = A^-1 Q_I'y_I, b = epsilon A^-1 g, g = sum of state q,
// sigma^2 = |y_I - Q_I a|^2 / (n - n_out epsilon^2 - epsilon^2 g'A^-1 g).
// A is never formed: Q_I is orthonormalised, so an ill-conditioned inside costs no digits.
bool Solver::closed_form() {
  const int stride = p_.basis->stride();
  double outside = 0.0;
  for (int k = 0; k < n_; ++k) {
    if (in(k) && state_[k] != 0.0) outside += 1.0;
  }
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    double sum = 0.0;
    for (int k = 0; k < n_; ++k) {
      if (in(k)) sum += state_[k] * q[k];
    }
    slope_[j] = sum;
  }
  const int flats = orthonormalise_inside();
  double* y = work_.data() + static_cast<long>(d_) * stride;
  for (int k = 0; k < stride; ++k) {
    const bool inside = k < n_ && in(k) && state_[k] == 0.0;
    y[k] = inside ? y_[k] : 0.0;
  }
  const int m = inner_rank_;
  // With the triangle T of the independent columns: T'z = g here, T x = z below.
  double bend = 0.0;
  for (int i = 0; i < m; ++i) {
    double sum = slope_[independent_[i]];
    for (int l = 0; l < i; ++l) sum -= inner_triangle(l, i) * side_[l];
    side_[i] = sum / inner_triangle(i, i);
    bend += side_[i] * side_[i];
  }
  // Directions that no row inside sees: the objective must be flat along them.
  double size = 1.0;
  for (int j = 0; j < d_; ++j) size = std::max(size, std::abs(slope_[j]));
  for (int f = 0; f < flats; ++f) {
    if (!is_flat(f, size)) return false;
  }
  for (int i = 0; i < m; ++i) {
    const double* z = work_.data() + static_cast<long>(i) * stride;
    const double share = dot(z, y, stride);
    target_[i] = share;
    for (int k = 0; k < stride; ++k) y[k] -= share * z[k];
  }
  const double squares = dot(y, y, stride);
  const double e2 = p_.epsilon * p_.epsilon;
  const double divisor = present_ - outside * e2 - e2 * bend;
  if (!(divisor > 1e-12 * present_) || !(squares > 0.0)) return false;
  const double sigma = std::sqrt(squares / divisor);
  if (sigma <= p_.resolution) return false;
  sigma_ = sigma;
  std::fill(c_.begin(), c_.end(), 0.0);
  for (int i = m - 1; i >= 0; --i) {
    double sum = target_[i] + sigma * p_.epsilon * side_[i];
    for (int l = i + 1; l < m; ++l) {
      sum -= inner_triangle(i, l) * c_[independent_[l]];
    }
    c_[independent_[i]] = sum / inner_triangle(i, i);
  }
  return flats == 0 || to_nearest_inside(flats);
}

// A minimum where a row inside touches the boundary may be one end of many: take such rows as
// outside and see whether the objective is flat. Leaves the solution in c_, sigma_, r_, state_.
bool Solver::canonical() {
  if (p_.alpha > 0.0) return true;
  const double bound = p_.epsilon * sigma_;
  bool touches = false;
  for (int k = 0; k < n_; ++k) {
    const double r = r_[k];
    if (in(k) && state_[k] == 0.0 && std::abs(r) > bound * (1.0 - kBoundary)) {
      touches = true;
    }
  }
  if (!touches) return true;
  const double sigma = sigma_;
  std::copy(state_.begin(), state_.end(), next_state_.begin());
  for (int k = 0; k < n_; ++k) {
    const double r = r_[k];
    if (in(k) && std::abs(r) > bound * (1.0 - kBoundary)) {
      state_[k] = r > 0.0 ? 1.0 : -1.0;
    }
  }
  if (closed_form() && inner_rank_ < d_) {
    residuals();
    if (consistent()) return true;
  }
  // Unique after all: back to the solution found.
  std::copy(next_state_.begin(), next_state_.end(), state_.begin());
  sigma_ = sigma;
  const bool again = closed_form();
  residuals();
  return again;
}

// A (into triangle_), Q_I'y_I (target_) and g (slope_) of the present sides. Returns how many rows
// are outside.
double Solver::ridge_system() {
  double outside = 0.0;
  std::fill(slope_.begin(), slope_.end(), 0.0);
  std::fill(target_.begin(), target_.end(), 0.0);
  Array<double>& a = triangle_;
  std::fill(a.begin(), a.end(), 0.0);
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double s = state_[k];
    if (s != 0.0) {
      outside += 1.0;
      for (int j = 0; j < d_; ++j) slope_[j] += s * p_.basis->at(k, j);
      continue;
    }
    for (int i = 0; i < d_; ++i) {
      const double q = p_.basis->at(k, i);
      target_[i] += q * y_[k];
      for (int j = 0; j <= i; ++j) a[i * d_ + j] += q * p_.basis->at(k, j);
    }
  }
  for (int i = 0; i < d_; ++i) {
    for (int j = i + 1; j < d_; ++j) a[i * d_ + j] = a[j * d_ + i];
  }
  return outside;
}

// The same with ridge: (A + alpha sigma P) c = Q_I'y_I + epsilon sigma g, and sigma from
// |y_I - Q_I c|^2 = sigma^2 (n - n_out epsilon^2), by Newton on sigma.
bool Solver::closed_form_ridge() {
  const double outside = ridge_system();
  const Array<double>& a = triangle_;
  const double room = present_ - outside * p_.epsilon * p_.epsilon;
  if (!(room > 1e-12 * present_)) return false;
  double sigma = sigma_, low = 0.0, high = 0.0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < d_ * d_; ++i) {
      hessian_[i] = a[i] + p_.alpha * sigma * p_.penalty[i];
    }
    if (!cholesky(hessian_.data(), d_, 1e-14)) return false;
    for (int j = 0; j < d_; ++j) {
      c_[j] = target_[j] + p_.epsilon * sigma * slope_[j];
    }
    forward(hessian_.data(), d_, c_.data());
    backward(hessian_.data(), d_, c_.data());
    residuals();
    double squares = 0.0, change = 0.0;
    for (int j = 0; j < d_; ++j) {
      double pc = 0.0;
      for (int i = 0; i < d_; ++i) {
        pc += p_.penalty[j * d_ + i] * c_[i];
      }
      step_[j] = p_.epsilon * slope_[j] - p_.alpha * pc;
    }
    forward(hessian_.data(), d_, step_.data());
    backward(hessian_.data(), d_, step_.data());
    for (int k = 0; k < n_; ++k) {
      if (!in(k) || state_[k] != 0.0) continue;
      const double r = r_[k];
      double along = 0.0;
      for (int j = 0; j < d_; ++j) along += p_.basis->at(k, j) * step_[j];
      squares += r * r;
      change -= 2.0 * r * along;
    }
    // F = squares / sigma^2 - room decreases in sigma.
    const double f = squares / (sigma * sigma) - room;
    const double slope = change / (sigma * sigma) - 2.0 * squares / (sigma * sigma * sigma);
    if (f > 0.0) {
      low = sigma;
    } else {
      high = sigma;
    }
    double next = slope < 0.0 ? sigma - f / slope : 2.0 * sigma;
    if (high > 0.0 && next >= high) next = low > 0.0 ? 0.5 * (low + high) : 0.5 * high;
    if (next <= low) next = high > 0.0 ? 0.5 * (low + high) : 2.0 * low;
    if (!(next > p_.resolution) || !std::isfinite(next)) return false;
    const bool settled = std::abs(next - sigma) <= 4e-16 * sigma || std::abs(f) <= 1e-14 * room;
    if (settled) {
      sigma_ = sigma;
      return true;
    }
    sigma = next;
  }
  sigma_ = sigma;
  return high > 0.0 && (high - low) <= 1e-13 * high;
}

}  // namespace kasetsu::regression
