#include "core/regression/solver.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace kasetsu::regression {

namespace {

constexpr double kInnerDependent = 1e-9;  // a direction that the rows inside do not see
constexpr double kBoundary = 1e-9;        // on the boundary between inside and outside, relative
constexpr double kMultiplierTie = 1e-9;   // |multiplier| = 1: more than one minimiser

}  // namespace

void Solver::reserve(int rows, int rank, const Kernels& kernels) {
  kernels_ = &kernels;
  const auto n = static_cast<std::size_t>(padded(rows));
  const auto d = static_cast<std::size_t>(rank);
  for (auto* v : {&r_, &state_, &next_state_, &delta_}) v->assign(n, 0.0);
  for (auto* v : {&c_, &vertex_, &from_, &ls_, &target_, &step_, &slope_, &gradient_, &lambda_,
                  &face_g_, &face_row_, &face_u_}) {
    v->assign(d, 0.0);
  }
  for (auto* v : {&triangle_, &inverse_, &face_hessian_, &flat_}) v->assign(d * d, 0.0);
  hessian_.assign((d + 1) * (d + 1), 0.0);
  side_.assign(d + 1, 0.0);
  y_.assign(n, 0.0);
  work_.assign(n * (d + 2), 0.0);
  independent_.assign(d, 0);
  dependent_.assign(d, 0);
  basic_.assign(d, -1);
  passed_.assign(n, 0);
  face_.reserve(rank, rows + rank);
}

double Solver::prediction(int row) const {
  double sum = 0.0;
  for (int j = 0; j < d_; ++j) sum += p_.basis->at(row, j) * c_[static_cast<std::size_t>(j)];
  return sum;
}

void Solver::keep(Start& start) const {
  start.state = state_;
  start.basic = basic_;
  start.inverse = inverse_;
  start.vertex = vertex_found_;
  start.fresh = true;
  start.c = vertex_found_ ? vertex_ : c_;
  start.sigma = sigma_;
}

void Solver::solve(const Problem& problem, const Start* start) {
  p_ = problem;
  d_ = p_.basis->rank();
  n_ = p_.rows;
  present_ = n_ - (p_.left_out >= 0 ? 1 : 0);
  sigma_ = 0.0;
  vertex_found_ = false;
  std::copy(p_.y, p_.y + p_.basis->stride(), y_.begin());
  if (p_.left_out >= 0) y_[static_cast<std::size_t>(p_.left_out)] = 0.0;
  least_squares();
  if (exact_fit()) {
    std::fill(state_.begin(), state_.end(), 0.0);
    return;
  }
  if (p_.epsilon <= 1.0) {
    least_absolute(start);
  } else {
    huber(start);
  }
}

// The basis may hold the left-out row (a warm fold) or not (a basis built without it).
void Solver::least_squares() {
  const int stride = p_.basis->stride();
  double* y = y_.data();
  for (int j = 0; j < d_; ++j)
    c_[static_cast<std::size_t>(j)] = dot(p_.basis->column(j), y, stride);
  if (p_.left_out >= 0) {
    // Sherman-Morrison: the rows that are in have the Gram matrix I - q q'.
    double leverage = 0.0, fitted = 0.0;
    for (int j = 0; j < d_; ++j) {
      const double q = p_.basis->at(p_.left_out, j);
      leverage += q * q;
      fitted += q * c_[static_cast<std::size_t>(j)];
    }
    for (int j = 0; j < d_; ++j) {
      c_[static_cast<std::size_t>(j)] += p_.basis->at(p_.left_out, j) * fitted / (1.0 - leverage);
    }
  }
  ls_ = c_;
  residuals();
  double squares = 0.0;
  for (int k = 0; k < n_; ++k) {
    if (in(k)) squares += r_[static_cast<std::size_t>(k)] * r_[static_cast<std::size_t>(k)];
  }
  scale_ = std::sqrt(squares / present_);
}

bool Solver::exact_fit() const {
  if (p_.alpha > 0.0 && d_ > 1) {
    // Ridge pulls the weights to 0 even where the rows could be met, unless the target is constant.
    for (int k = 0; k < n_; ++k) {
      if (in(k) && std::abs(p_.y[k] - p_.y[p_.left_out == 0 ? 1 : 0]) > p_.resolution) return false;
    }
    return true;
  }
  for (int k = 0; k < n_; ++k) {
    if (in(k) && std::abs(r_[static_cast<std::size_t>(k)]) > p_.resolution) return false;
  }
  return true;
}

void Solver::residuals() {
  const int stride = p_.basis->stride();
  std::copy(y_.begin(), y_.begin() + stride, r_.begin());
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    const double c = c_[static_cast<std::size_t>(j)];
    for (int k = 0; k < stride; ++k) r_[static_cast<std::size_t>(k)] -= c * q[k];
  }
}

// ---- Huber -------------------------------------------------------------------------------------

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
    const double r = r_[static_cast<std::size_t>(k)];
    state_[static_cast<std::size_t>(k)] = r > bound ? 1.0 : r < -bound ? -1.0 : 0.0;
  }
}

// A row may stand on either side of a boundary that it touches: the objective is continuously
// differentiable there, so both give the same minimum.
bool Solver::consistent() {
  const double bound = p_.epsilon * sigma_;
  const double slack = 1e-11 * bound + p_.resolution;
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double r = r_[static_cast<std::size_t>(k)];
    const double s = state_[static_cast<std::size_t>(k)];
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

// Minimum over (c, sigma) if the rows stay on the sides of state_:
// c = a + sigma b, A = Q_I'Q_I, a = A^-1 Q_I'y_I, b = epsilon A^-1 g, g = sum of state q,
// sigma^2 = |y_I - Q_I a|^2 / (n - n_out epsilon^2 - epsilon^2 g'A^-1 g).
// A is never formed: Q_I is orthonormalised, so an ill-conditioned inside costs no digits.
bool Solver::closed_form() {
  const int stride = p_.basis->stride();
  double outside = 0.0;
  for (int k = 0; k < n_; ++k) {
    if (in(k) && state_[static_cast<std::size_t>(k)] != 0.0) outside += 1.0;
  }
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    double sum = 0.0;
    for (int k = 0; k < n_; ++k) {
      if (in(k)) sum += state_[static_cast<std::size_t>(k)] * q[k];
    }
    slope_[static_cast<std::size_t>(j)] = sum;
  }
  inner_rank_ = 0;
  int flats = 0;
  double* y = work_.data() + static_cast<long>(d_) * stride;
  for (int k = 0; k < stride; ++k) {
    const bool inside = k < n_ && in(k) && state_[static_cast<std::size_t>(k)] == 0.0;
    y[k] = inside ? y_[static_cast<std::size_t>(k)] : 0.0;
  }
  for (int j = 0; j < d_; ++j) {
    double* x = work_.data() + static_cast<long>(inner_rank_) * stride;
    const double* q = p_.basis->column(j);
    for (int k = 0; k < stride; ++k) {
      const bool inside = k < n_ && in(k) && state_[static_cast<std::size_t>(k)] == 0.0;
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
      dependent_[static_cast<std::size_t>(flats++)] = j;
      continue;
    }
    for (int k = 0; k < stride; ++k) x[k] /= after;
    t[inner_rank_] = after;
    independent_[static_cast<std::size_t>(inner_rank_++)] = j;
  }
  const int m = inner_rank_;
  // Solve with the triangle T of the independent columns: T' z = g, then T x = z.
  const auto tri = [&](int row, int position) {
    return triangle_[static_cast<std::size_t>(independent_[static_cast<std::size_t>(position)]) *
                         d_ +
                     row];
  };
  double bend = 0.0;
  for (int i = 0; i < m; ++i) {
    double sum = slope_[static_cast<std::size_t>(independent_[static_cast<std::size_t>(i)])];
    for (int l = 0; l < i; ++l) sum -= tri(l, i) * side_[static_cast<std::size_t>(l)];
    side_[static_cast<std::size_t>(i)] = sum / tri(i, i);
    bend += side_[static_cast<std::size_t>(i)] * side_[static_cast<std::size_t>(i)];
  }
  // Directions that no row inside sees: the objective must be flat along them.
  double size = 1.0;
  for (int j = 0; j < d_; ++j) size = std::max(size, std::abs(slope_[static_cast<std::size_t>(j)]));
  for (int f = 0; f < flats; ++f) {
    const int column = dependent_[static_cast<std::size_t>(f)];
    double* v = flat_.data() + static_cast<long>(f) * d_;
    std::fill(v, v + d_, 0.0);
    v[column] = 1.0;
    double* z = step_.data();
    for (int i = m - 1; i >= 0; --i) {
      double sum = triangle_[static_cast<std::size_t>(column) * d_ + i];
      for (int l = i + 1; l < m; ++l) sum -= tri(i, l) * z[l];
      z[i] = sum / tri(i, i);
      v[independent_[static_cast<std::size_t>(i)]] = -z[i];
    }
    double along = 0.0, length = 0.0;
    for (int j = 0; j < d_; ++j) {
      along += v[j] * slope_[static_cast<std::size_t>(j)];
      length += v[j] * v[j];
    }
    if (std::abs(along) > 1e-8 * size * std::sqrt(length)) return false;
  }
  for (int i = 0; i < m; ++i) {
    const double* z = work_.data() + static_cast<long>(i) * stride;
    const double share = dot(z, y, stride);
    target_[static_cast<std::size_t>(i)] = share;
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
    double sum = target_[static_cast<std::size_t>(i)] +
                 sigma * p_.epsilon * side_[static_cast<std::size_t>(i)];
    for (int l = i + 1; l < m; ++l) {
      sum -= tri(i, l) * c_[static_cast<std::size_t>(independent_[static_cast<std::size_t>(l)])];
    }
    c_[static_cast<std::size_t>(independent_[static_cast<std::size_t>(i)])] = sum / tri(i, i);
  }
  if (flats == 0) return true;

  // Many minimisers: the one whose fitted values are nearest to the least-squares fit, among those
  // that leave the rows outside where they are.
  residuals();
  face_.start(flats);
  for (int k = 0; k < n_; ++k) {
    const double s = state_[static_cast<std::size_t>(k)];
    if (!in(k) || s == 0.0) continue;
    for (int f = 0; f < flats; ++f) {
      const double* v = flat_.data() + static_cast<long>(f) * d_;
      double sum = 0.0;
      for (int j = 0; j < d_; ++j) sum += p_.basis->at(k, j) * v[j];
      face_row_[static_cast<std::size_t>(f)] = -s * sum;
    }
    face_.add(face_row_.data(), p_.epsilon * sigma_ - s * r_[static_cast<std::size_t>(k)]);
  }
  const auto seen = [&](const double* v, const double* w) {  // v'(I - q q')w
    double sum = 0.0, qv = 0.0, qw = 0.0;
    for (int j = 0; j < d_; ++j) {
      sum += v[j] * w[j];
      if (p_.left_out >= 0) {
        qv += p_.basis->at(p_.left_out, j) * v[j];
        qw += p_.basis->at(p_.left_out, j) * w[j];
      }
    }
    return sum - qv * qw;
  };
  for (int j = 0; j < d_; ++j) {
    step_[static_cast<std::size_t>(j)] =
        c_[static_cast<std::size_t>(j)] - ls_[static_cast<std::size_t>(j)];
  }
  for (int f = 0; f < flats; ++f) {
    const double* v = flat_.data() + static_cast<long>(f) * d_;
    face_g_[static_cast<std::size_t>(f)] = seen(v, step_.data());
    for (int h = 0; h < flats; ++h) {
      face_hessian_[static_cast<std::size_t>(f * flats + h)] =
          seen(v, flat_.data() + static_cast<long>(h) * d_);
    }
  }
  if (!face_.solve(face_hessian_.data(), face_g_.data(), p_.resolution, face_u_.data()))
    return false;
  for (int f = 0; f < flats; ++f) {
    for (int j = 0; j < d_; ++j) {
      c_[static_cast<std::size_t>(j)] +=
          face_u_[static_cast<std::size_t>(f)] * flat_[static_cast<std::size_t>(f) * d_ + j];
    }
  }
  return true;
}

// A minimum where a row inside touches the boundary may be one end of many: take such rows as
// outside and see whether the objective is flat. Leaves the solution in c_, sigma_, r_, state_.
bool Solver::canonical() {
  if (p_.alpha > 0.0) return true;
  const double bound = p_.epsilon * sigma_;
  bool touches = false;
  for (int k = 0; k < n_; ++k) {
    const double r = r_[static_cast<std::size_t>(k)];
    if (in(k) && state_[static_cast<std::size_t>(k)] == 0.0 &&
        std::abs(r) > bound * (1.0 - kBoundary)) {
      touches = true;
    }
  }
  if (!touches) return true;
  const double sigma = sigma_;
  std::copy(state_.begin(), state_.end(), next_state_.begin());
  for (int k = 0; k < n_; ++k) {
    const double r = r_[static_cast<std::size_t>(k)];
    if (in(k) && std::abs(r) > bound * (1.0 - kBoundary)) {
      state_[static_cast<std::size_t>(k)] = r > 0.0 ? 1.0 : -1.0;
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

// The same with ridge: (A + alpha sigma P) c = Q_I'y_I + epsilon sigma g, and sigma from
// |y_I - Q_I c|^2 = sigma^2 (n - n_out epsilon^2), by Newton on sigma.
bool Solver::closed_form_ridge() {
  double outside = 0.0;
  std::fill(slope_.begin(), slope_.end(), 0.0);
  std::fill(target_.begin(), target_.end(), 0.0);
  std::vector<double>& a = triangle_;
  std::fill(a.begin(), a.end(), 0.0);
  double total = 0.0;
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double s = state_[static_cast<std::size_t>(k)];
    if (s != 0.0) {
      outside += 1.0;
      for (int j = 0; j < d_; ++j) slope_[static_cast<std::size_t>(j)] += s * p_.basis->at(k, j);
      continue;
    }
    const double y = y_[static_cast<std::size_t>(k)];
    total += y * y;
    for (int i = 0; i < d_; ++i) {
      const double q = p_.basis->at(k, i);
      target_[static_cast<std::size_t>(i)] += q * y;
      for (int j = 0; j <= i; ++j)
        a[static_cast<std::size_t>(i * d_ + j)] += q * p_.basis->at(k, j);
    }
  }
  for (int i = 0; i < d_; ++i) {
    for (int j = i + 1; j < d_; ++j) {
      a[static_cast<std::size_t>(i * d_ + j)] = a[static_cast<std::size_t>(j * d_ + i)];
    }
  }
  const double room = present_ - outside * p_.epsilon * p_.epsilon;
  if (!(room > 1e-12 * present_)) return false;
  double sigma = sigma_, low = 0.0, high = 0.0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < d_ * d_; ++i) {
      hessian_[static_cast<std::size_t>(i)] =
          a[static_cast<std::size_t>(i)] + p_.alpha * sigma * p_.penalty[i];
    }
    if (!cholesky(hessian_.data(), d_, 1e-14)) return false;
    for (int j = 0; j < d_; ++j) {
      c_[static_cast<std::size_t>(j)] = target_[static_cast<std::size_t>(j)] +
                                        p_.epsilon * sigma * slope_[static_cast<std::size_t>(j)];
    }
    forward(hessian_.data(), d_, c_.data());
    backward(hessian_.data(), d_, c_.data());
    residuals();
    double squares = 0.0, change = 0.0;
    for (int j = 0; j < d_; ++j) {
      double pc = 0.0;
      for (int i = 0; i < d_; ++i) {
        pc += p_.penalty[j * d_ + i] * c_[static_cast<std::size_t>(i)];
      }
      step_[static_cast<std::size_t>(j)] =
          p_.epsilon * slope_[static_cast<std::size_t>(j)] - p_.alpha * pc;
    }
    forward(hessian_.data(), d_, step_.data());
    backward(hessian_.data(), d_, step_.data());
    for (int k = 0; k < n_; ++k) {
      if (!in(k) || state_[static_cast<std::size_t>(k)] != 0.0) continue;
      const double r = r_[static_cast<std::size_t>(k)];
      double along = 0.0;
      for (int j = 0; j < d_; ++j) along += p_.basis->at(k, j) * step_[static_cast<std::size_t>(j)];
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

// Derivative of the objective along (delta_, dsigma) at step t from (r_, sigma_): convex, so it
// rises. pull and bend: of the ridge term.
double Solver::slope_along(double t, double dsigma, double pull, double bend) const {
  const double e = p_.epsilon, sigma = sigma_ + t * dsigma, bound = e * sigma;
  double sum = pull + t * bend;
  for (int k = 0; k < n_; ++k) {
    if (!in(k)) continue;
    const double delta = delta_[static_cast<std::size_t>(k)];
    const double z = std::clamp(r_[static_cast<std::size_t>(k)] - t * delta, -bound, bound) / sigma;
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
    const double r = r_[static_cast<std::size_t>(k)];
    const double z = std::clamp(r, -bound, bound) / sigma_;
    push += 1.0 - z * z;
    for (int j = 0; j < d_; ++j) slope_[static_cast<std::size_t>(j)] += z * p_.basis->at(k, j);
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
      slope_[static_cast<std::size_t>(i)] -= share * c_[static_cast<std::size_t>(j)];
      if (j <= i) h[i * m + j] += share;
    }
  }
  std::copy(slope_.begin(), slope_.begin() + d_, side_.begin());
  side_[static_cast<std::size_t>(d_)] = -0.5 * push;
  if (!cholesky(h, m, 0.0)) {
    std::fill(side_.begin(), side_.end(), 0.0);
  } else {
    forward(h, m, side_.data());
    backward(h, m, side_.data());
  }
  std::copy(side_.begin(), side_.begin() + d_, step_.begin());
  side_[0] = side_[static_cast<std::size_t>(d_)];
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
        step_[static_cast<std::size_t>(j)] =
            c_[static_cast<std::size_t>(j)] - from_[static_cast<std::size_t>(j)];
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
      const double step = step_[static_cast<std::size_t>(j)];
      for (int k = 0; k < stride; ++k) delta_[static_cast<std::size_t>(k)] += step * q[k];
    }
    double pull = 0.0, bend = 0.0;
    for (int i = 0; p_.alpha > 0.0 && i < d_; ++i) {
      for (int j = 0; j < d_; ++j) {
        const double share = 2.0 * p_.alpha * p_.penalty[i * d_ + j];
        pull += share * c_[static_cast<std::size_t>(j)] * step_[static_cast<std::size_t>(i)];
        bend += share * step_[static_cast<std::size_t>(i)] * step_[static_cast<std::size_t>(j)];
      }
    }
    const double at_start = slope_along(0.0, dsigma, pull, bend);
    if (!(at_start < 0.0)) return false;
    const double end = dsigma < 0.0 ? std::min(1.0, -0.9 * sigma_ / dsigma) : 1.0;
    double low = 0.0, high = end, at_low = at_start, t = end;
    double at_high = slope_along(high, dsigma, pull, bend);
    if (at_high > -0.1 * at_start) {
      for (int i = 0; i < 40; ++i) {
        t = i % 3 == 2 ? 0.5 * (low + high) : low - at_low * (high - low) / (at_high - at_low);
        if (!(t > low && t < high)) t = 0.5 * (low + high);
        const double value = slope_along(t, dsigma, pull, bend);
        if (std::abs(value) <= -1e-3 * at_start) break;
        if (value < 0.0) {
          low = t;
          at_low = value;
        } else {
          high = t;
          at_high = value;
        }
      }
    }
    for (int j = 0; j < d_; ++j) {
      c_[static_cast<std::size_t>(j)] += t * step_[static_cast<std::size_t>(j)];
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
    const double z = std::min(std::abs(r_[static_cast<std::size_t>(k)]) / sigma, p_.epsilon);
    sum += z * z;
  }
  return sum;
}

// Newton with exact line search at fixed sigma: convex and piecewise quadratic in c.
void Solver::minimise_at(double sigma) {
  sigma_ = sigma;
  const double bound = p_.epsilon * sigma;
  double damping = 1e-10;
  for (int round = 0; round < 200; ++round) {
    residuals();
    std::fill(hessian_.begin(), hessian_.end(), 0.0);
    std::fill(slope_.begin(), slope_.end(), 0.0);
    for (int k = 0; k < n_; ++k) {
      if (!in(k)) continue;
      const double r = r_[static_cast<std::size_t>(k)];
      const double pull = std::clamp(r, -bound, bound) / sigma;
      for (int j = 0; j < d_; ++j) slope_[static_cast<std::size_t>(j)] += pull * p_.basis->at(k, j);
      if (std::abs(r) > bound) continue;
      for (int i = 0; i < d_; ++i) {
        const double q = p_.basis->at(k, i) / sigma;
        for (int j = 0; j <= i; ++j) {
          hessian_[static_cast<std::size_t>(i * d_ + j)] += q * p_.basis->at(k, j);
        }
      }
    }
    if (p_.alpha > 0.0) {
      for (int i = 0; i < d_; ++i) {
        for (int j = 0; j < d_; ++j) {
          const double share = p_.alpha * p_.penalty[i * d_ + j];
          slope_[static_cast<std::size_t>(i)] -= share * c_[static_cast<std::size_t>(j)];
          hessian_[static_cast<std::size_t>(i * d_ + j)] += share;
        }
      }
    }
    double largest = 0.0;
    for (int j = 0; j < d_; ++j) {
      largest = std::max(largest, std::abs(slope_[static_cast<std::size_t>(j)]));
    }
    if (largest <= 1e-14 * present_) return;
    step_ = slope_;
    bool factored = false;
    for (; !factored && damping <= 1.0; damping *= 100.0) {
      std::copy(hessian_.begin(), hessian_.begin() + d_ * d_, triangle_.begin());
      for (int j = 0; j < d_; ++j) {
        triangle_[static_cast<std::size_t>(j * d_ + j)] += damping / sigma;
      }
      factored = cholesky(triangle_.data(), d_, 1e-14 / sigma);
      if (factored) break;
    }
    if (!factored) return;
    forward(triangle_.data(), d_, step_.data());
    backward(triangle_.data(), d_, step_.data());
    for (int k = 0; k < n_; ++k) {
      double sum = 0.0;
      for (int j = 0; j < d_; ++j) sum += p_.basis->at(k, j) * step_[static_cast<std::size_t>(j)];
      delta_[static_cast<std::size_t>(k)] = sum;
    }
    double bend = 0.0, pull = 0.0;
    if (p_.alpha > 0.0) {
      for (int i = 0; i < d_; ++i) {
        for (int j = 0; j < d_; ++j) {
          const double share = p_.alpha * p_.penalty[i * d_ + j];
          pull += share * c_[static_cast<std::size_t>(j)] * step_[static_cast<std::size_t>(i)];
          bend += share * step_[static_cast<std::size_t>(i)] * step_[static_cast<std::size_t>(j)];
        }
      }
    }
    const auto derivative = [&](double t) {
      double sum = pull + t * bend;
      for (int k = 0; k < n_; ++k) {
        if (!in(k)) continue;
        const double delta = delta_[static_cast<std::size_t>(k)];
        const double r = r_[static_cast<std::size_t>(k)] - t * delta;
        sum -= std::clamp(r, -bound, bound) / sigma * delta;
      }
      return sum;
    };
    double low = 0.0, high = 1.0, at_low = derivative(0.0), at_high = derivative(1.0);
    if (!(at_low < 0.0)) return;
    double t = 1.0;
    if (std::abs(at_high) > 1e-3 * -at_low) {
      for (int i = 0; at_high < 0.0 && i < 200; ++i) {
        low = high;
        at_low = at_high;
        high *= 2.0;
        at_high = derivative(high);
      }
      for (int i = 0; i < 100 && high - low > 1e-15 * high; ++i) {
        t = i % 3 == 2 ? 0.5 * (low + high) : low - at_low * (high - low) / (at_high - at_low);
        if (!(t > low && t < high)) t = 0.5 * (low + high);
        const double value = derivative(t);
        if (value == 0.0) break;
        if (value < 0.0) {
          low = t;
          at_low = value;
        } else {
          high = t;
          at_high = value;
        }
      }
    }
    for (int j = 0; j < d_; ++j) {
      c_[static_cast<std::size_t>(j)] += t * step_[static_cast<std::size_t>(j)];
    }
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
  std::vector<double>& kept = lambda_;  // c of the fixed-sigma minimum, while a partition is tried
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

// ---- Least absolute deviations -----------------------------------------------------------------

// A vertex: rank rows are fitted exactly (basic_). Until the first optimum some places may be held
// by no row (-1): they carry no weight, so they must leave.
void Solver::begin_vertex(const Start* start) {
  perturbed_ = false;
  if (start != nullptr && start->vertex) {
    basic_ = start->basic;
    if (!start->fresh) {
      state_ = start->state;
      refresh_vertex();
      return;
    }
    inverse_ = start->inverse;
    c_ = start->c;
    state_ = start->state;
    residuals();
    return;
  }
  std::fill(basic_.begin(), basic_.end(), -1);
  std::fill(inverse_.begin(), inverse_.end(), 0.0);
  for (int j = 0; j < d_; ++j) inverse_[static_cast<std::size_t>(j * d_ + j)] = 1.0;
  c_ = ls_;
  residuals();
  for (int k = 0; k < n_; ++k) {
    state_[static_cast<std::size_t>(k)] = r_[static_cast<std::size_t>(k)] >= 0.0 ? 1.0 : -1.0;
  }
}

// gradient_ = sum of state q over the rows outside the basis.
void Solver::gradient() {
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    double sum = 0.0;
    for (int k = 0; k < n_; ++k) {
      if (in(k)) sum += state_[static_cast<std::size_t>(k)] * q[k];
    }
    gradient_[static_cast<std::size_t>(j)] = sum;
  }
}

// Everything again from the basic rows alone, to shed the rounding of the pivots.
void Solver::refresh_vertex() {
  double* a = hessian_.data();
  for (int j = 0; j < d_; ++j) {
    for (int l = 0; l < d_; ++l) {
      const int row = basic_[static_cast<std::size_t>(j)];
      a[j * d_ + l] = row >= 0 ? p_.basis->at(row, l) : (j == l ? 1.0 : 0.0);
    }
    if (basic_[static_cast<std::size_t>(j)] < 0) return;
  }
  // Gauss-Jordan with partial pivoting; inverse_ holds the columns of a^-1.
  double* b = triangle_.data();
  std::fill(b, b + d_ * d_, 0.0);
  for (int j = 0; j < d_; ++j) b[j * d_ + j] = 1.0;
  for (int j = 0; j < d_; ++j) {
    int best = j;
    for (int i = j + 1; i < d_; ++i) {
      if (std::abs(a[i * d_ + j]) > std::abs(a[best * d_ + j])) best = i;
    }
    if (!(std::abs(a[best * d_ + j]) > 0.0)) return;
    for (int l = 0; l < d_; ++l) {
      std::swap(a[best * d_ + l], a[j * d_ + l]);
      std::swap(b[best * d_ + l], b[j * d_ + l]);
    }
    const double pivot = a[j * d_ + j];
    for (int l = 0; l < d_; ++l) {
      a[j * d_ + l] /= pivot;
      b[j * d_ + l] /= pivot;
    }
    for (int i = 0; i < d_; ++i) {
      const double factor = a[i * d_ + j];
      if (i == j || factor == 0.0) continue;
      for (int l = 0; l < d_; ++l) {
        a[i * d_ + l] -= factor * a[j * d_ + l];
        b[i * d_ + l] -= factor * b[j * d_ + l];
      }
    }
  }
  for (int j = 0; j < d_; ++j) {
    for (int l = 0; l < d_; ++l) {
      inverse_[static_cast<std::size_t>(j * d_ + l)] = b[l * d_ + j];
    }
  }
  std::fill(c_.begin(), c_.end(), 0.0);
  for (int j = 0; j < d_; ++j) {
    const double y = y_[static_cast<std::size_t>(basic_[static_cast<std::size_t>(j)])];
    for (int l = 0; l < d_; ++l) {
      c_[static_cast<std::size_t>(l)] += y * inverse_[static_cast<std::size_t>(j * d_ + l)];
    }
  }
  residuals();
  for (int j = 0; j < d_; ++j) {
    r_[static_cast<std::size_t>(basic_[static_cast<std::size_t>(j)])] = 0.0;
  }
}

// Moves along the edge on which basic row `position` alone leaves 0, to the last breakpoint before
// the objective rises, and exchanges the rows. False when the edge does not descend.
bool Solver::pivot(int position, bool forced) {
  const int row = basic_[static_cast<std::size_t>(position)];
  const double weight = row >= 0 && in(row) ? 1.0 : 0.0;
  double* edge = inverse_.data() + static_cast<long>(position) * d_;
  double lambda = 0.0;
  for (int j = 0; j < d_; ++j) lambda -= gradient_[static_cast<std::size_t>(j)] * edge[j];
  const double sign = lambda <= 0.0 ? 1.0 : -1.0;
  double slope = weight - std::abs(lambda);
  if (!forced && slope >= 0.0) return false;
  double length = 0.0;
  for (int j = 0; j < d_; ++j) length = std::max(length, std::abs(edge[j]));
  const int stride = p_.basis->stride();
  std::fill(delta_.begin(), delta_.begin() + stride, 0.0);
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    const double factor = sign * edge[j];
    for (int k = 0; k < stride; ++k) delta_[static_cast<std::size_t>(k)] += factor * q[k];
  }
  int entering = -1, passed = 0;
  double reach = 0.0;
  for (;;) {
    int next = -1;
    double nearest = 0.0;
    for (int k = 0; k < n_; ++k) {
      const double s = state_[static_cast<std::size_t>(k)];
      const double delta = delta_[static_cast<std::size_t>(k)];
      if (!(s * delta > 1e-11 * length) || !in(k)) continue;
      const double t = std::max(0.0, r_[static_cast<std::size_t>(k)] / delta);
      if (next < 0 || t < nearest ||
          (t == nearest && std::abs(delta) > std::abs(delta_[static_cast<std::size_t>(next)]))) {
        next = k;
        nearest = t;
      }
    }
    if (next < 0) break;
    entering = next;
    reach = nearest;
    slope += 2.0 * std::abs(delta_[static_cast<std::size_t>(next)]);
    if (slope >= -1e-12) break;
    // Passed: the row changes sides.
    state_[static_cast<std::size_t>(next)] = -state_[static_cast<std::size_t>(next)];
    passed_[static_cast<std::size_t>(passed++)] = next;
  }
  if (entering < 0) return false;
  if (passed > 0 && passed_[static_cast<std::size_t>(passed - 1)] == entering) {
    // Ran out of breakpoints while descending: only rounding can do this. Stop at the last one.
    state_[static_cast<std::size_t>(entering)] = -state_[static_cast<std::size_t>(entering)];
    --passed;
  }
  for (int i = 0; i < passed; ++i) {
    const int k = passed_[static_cast<std::size_t>(i)];
    const double s = state_[static_cast<std::size_t>(k)];
    for (int j = 0; j < d_; ++j)
      gradient_[static_cast<std::size_t>(j)] += 2.0 * s * p_.basis->at(k, j);
  }
  for (int k = 0; k < stride; ++k)
    r_[static_cast<std::size_t>(k)] -= reach * delta_[static_cast<std::size_t>(k)];
  for (int j = 0; j < d_; ++j) c_[static_cast<std::size_t>(j)] += reach * sign * edge[j];
  const double s = state_[static_cast<std::size_t>(entering)];
  for (int j = 0; j < d_; ++j) {
    gradient_[static_cast<std::size_t>(j)] -= s * p_.basis->at(entering, j);
  }
  state_[static_cast<std::size_t>(entering)] = 0.0;
  r_[static_cast<std::size_t>(entering)] = 0.0;
  if (row >= 0) {
    state_[static_cast<std::size_t>(row)] = -sign;
    r_[static_cast<std::size_t>(row)] = -sign * reach;
    if (in(row)) {
      for (int j = 0; j < d_; ++j) {
        gradient_[static_cast<std::size_t>(j)] -= sign * p_.basis->at(row, j);
      }
    }
  }
  const double divisor = sign * delta_[static_cast<std::size_t>(entering)];
  for (int j = 0; j < d_; ++j) edge[j] /= divisor;
  for (int l = 0; l < d_; ++l) {
    if (l == position) continue;
    double* other = inverse_.data() + static_cast<long>(l) * d_;
    double share = 0.0;
    for (int j = 0; j < d_; ++j) share += p_.basis->at(entering, j) * other[j];
    for (int j = 0; j < d_; ++j) other[j] -= share * edge[j];
  }
  basic_[static_cast<std::size_t>(position)] = entering;
  return true;
}

bool Solver::improve_vertex() {
  int standing = 0;
  double before = -1.0;
  const int most = 60 * (n_ + d_);
  for (int round = 0; round < most; ++round) {
    int worst = -1;
    double violation = 1e-10;
    int idle = -1;
    for (int j = 0; j < d_; ++j) {
      const int row = basic_[static_cast<std::size_t>(j)];
      const double weight = row >= 0 && in(row) ? 1.0 : 0.0;
      const double* edge = inverse_.data() + static_cast<long>(j) * d_;
      double lambda = 0.0;
      for (int l = 0; l < d_; ++l) lambda -= gradient_[static_cast<std::size_t>(l)] * edge[l];
      lambda_[static_cast<std::size_t>(j)] = lambda;
      if (std::abs(lambda) - weight > violation) {
        violation = std::abs(lambda) - weight;
        worst = j;
      }
      if (weight == 0.0 && idle < 0) idle = j;
    }
    if (worst < 0 && idle < 0) return true;
    if (!pivot(worst >= 0 ? worst : idle, worst < 0)) return worst < 0;
    double sum = 0.0;
    for (int k = 0; k < n_; ++k) {
      if (in(k)) sum += std::abs(r_[static_cast<std::size_t>(k)]);
    }
    standing = before >= 0.0 && sum >= before - 1e-14 * before ? standing + 1 : 0;
    before = sum;
    if (standing > 2 * d_ + 20 && !perturbed_) {
      // Many rows meet in one vertex: part them by amounts that no decision elsewhere can see. The
      // final basis is judged on the true target; the multipliers do not depend on it.
      perturbed_ = true;
      standing = 0;
      for (int k = 0; k < n_; ++k) {
        std::uint64_t h = (static_cast<std::uint64_t>(k) + 1) * 0x9e3779b97f4a7c15ULL;
        h = (h ^ (h >> 31)) * 0xbf58476d1ce4e5b9ULL;
        const double shift = scale_ * 1e-9 * (1.0 + static_cast<double>(h >> 40) * 0x1.0p-24);
        const double s = state_[static_cast<std::size_t>(k)];
        // Away from 0 on its own side: the present vertex stays where it is.
        y_[static_cast<std::size_t>(k)] += s * shift;
        r_[static_cast<std::size_t>(k)] += s * shift;
      }
    }
  }
  return false;
}

void Solver::least_absolute(const Start* start) {
  begin_vertex(start);
  gradient();
  bool done = improve_vertex();
  if (perturbed_) {
    std::copy(p_.y, p_.y + p_.basis->stride(), y_.begin());
    if (p_.left_out >= 0) y_[static_cast<std::size_t>(p_.left_out)] = 0.0;
  }
  if (start == nullptr || perturbed_) {
    refresh_vertex();
    gradient();
    perturbed_ = true;  // no second perturbation: the sides of tied rows are settled
    done = improve_vertex() && done;
    perturbed_ = false;
  }
  if (!done) ++unconfirmed_;
  canonical_vertex();
}

// At a vertex of least absolute deviations with multipliers lambda the objective's derivative by
// sigma at 0 is at least n - (n - d) epsilon^2 - epsilon^2 |lambda|^2 (rows beyond the d basic ones
// counted as outside, which bounds it from below).
bool Solver::scale_is_zero() const {
  const double e2 = p_.epsilon * p_.epsilon;
  double squares = 0.0;
  for (int j = 0; j < d_; ++j) {
    squares += lambda_[static_cast<std::size_t>(j)] * lambda_[static_cast<std::size_t>(j)];
  }
  return present_ - (present_ - d_) * e2 - e2 * squares >= 0.0;
}

// A multiplier of exactly +-1 says that the objective is flat along that edge: of all minimisers
// take the one whose fitted values are nearest to the least-squares fit.
void Solver::canonical_vertex() {
  vertex_ = c_;
  vertex_found_ = true;
  int flats = 0;
  for (int j = 0; j < d_; ++j) {
    const int row = basic_[static_cast<std::size_t>(j)];
    const double weight = row >= 0 && in(row) ? 1.0 : 0.0;
    const double* edge = inverse_.data() + static_cast<long>(j) * d_;
    double lambda = 0.0;
    for (int l = 0; l < d_; ++l) lambda -= gradient_[static_cast<std::size_t>(l)] * edge[l];
    lambda_[static_cast<std::size_t>(j)] = lambda;
    if (std::abs(lambda) >= weight - kMultiplierTie)
      dependent_[static_cast<std::size_t>(flats++)] = j;
  }
  if (flats == 0) return;
  face_.start(flats);
  const auto edge_of = [&](int f) {
    return inverse_.data() + static_cast<long>(dependent_[static_cast<std::size_t>(f)]) * d_;
  };
  for (int f = 0; f < flats; ++f) {
    const int j = dependent_[static_cast<std::size_t>(f)];
    const int row = basic_[static_cast<std::size_t>(j)];
    if (row < 0 || !in(row)) continue;
    // Moving by +u lowers the row's residual to -u; allowed where the multiplier is -1.
    for (int h = 0; h < flats; ++h) face_row_[static_cast<std::size_t>(h)] = 0.0;
    face_row_[static_cast<std::size_t>(f)] =
        lambda_[static_cast<std::size_t>(j)] < 0.0 ? 1.0 : -1.0;
    face_.add(face_row_.data(), 0.0);
  }
  for (int k = 0; k < n_; ++k) {
    const double s = state_[static_cast<std::size_t>(k)];
    if (!in(k) || s == 0.0) continue;
    double largest = 0.0;
    for (int f = 0; f < flats; ++f) {
      const double* edge = edge_of(f);
      double sum = 0.0;
      for (int j = 0; j < d_; ++j) sum += p_.basis->at(k, j) * edge[j];
      face_row_[static_cast<std::size_t>(f)] = -s * sum;
      largest = std::max(largest, std::abs(sum));
    }
    if (largest > 1e-11) {
      face_.add(face_row_.data(), std::min(0.0, -s * r_[static_cast<std::size_t>(k)]));
    }
  }
  const auto seen = [&](const double* v, const double* w) {
    double sum = 0.0, qv = 0.0, qw = 0.0;
    for (int j = 0; j < d_; ++j) {
      sum += v[j] * w[j];
      if (p_.left_out >= 0) {
        qv += p_.basis->at(p_.left_out, j) * v[j];
        qw += p_.basis->at(p_.left_out, j) * w[j];
      }
    }
    return sum - qv * qw;
  };
  for (int j = 0; j < d_; ++j) {
    step_[static_cast<std::size_t>(j)] =
        c_[static_cast<std::size_t>(j)] - ls_[static_cast<std::size_t>(j)];
  }
  for (int f = 0; f < flats; ++f) {
    face_g_[static_cast<std::size_t>(f)] = seen(edge_of(f), step_.data());
    for (int h = 0; h < flats; ++h) {
      face_hessian_[static_cast<std::size_t>(f * flats + h)] = seen(edge_of(f), edge_of(h));
    }
  }
  if (!face_.solve(face_hessian_.data(), face_g_.data(), p_.resolution, face_u_.data())) return;
  for (int f = 0; f < flats; ++f) {
    for (int j = 0; j < d_; ++j) {
      c_[static_cast<std::size_t>(j)] += face_u_[static_cast<std::size_t>(f)] * edge_of(f)[j];
    }
  }
  residuals();
}

}  // namespace kasetsu::regression
