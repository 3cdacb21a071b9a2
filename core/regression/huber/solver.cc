#include "core/regression/huber/solver.h"

#include <algorithm>
#include <cmath>

namespace kasetsu::regression {

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
  directions_.assign(d, nullptr);
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

// Moves c_ along directions_ to the minimiser whose fitted values are nearest to the least-squares
// fit, on the face that face_ holds; false where that has no point.
bool Solver::to_nearest(int flats) {
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
    const double* v = directions_[static_cast<std::size_t>(f)];
    face_g_[static_cast<std::size_t>(f)] = seen(v, step_.data());
    for (int h = 0; h < flats; ++h) {
      face_hessian_[static_cast<std::size_t>(f * flats + h)] =
          seen(v, directions_[static_cast<std::size_t>(h)]);
    }
  }
  if (!face_.solve(face_hessian_.data(), face_g_.data(), p_.resolution, face_u_.data()))
    return false;
  for (int f = 0; f < flats; ++f) {
    for (int j = 0; j < d_; ++j) {
      c_[static_cast<std::size_t>(j)] +=
          face_u_[static_cast<std::size_t>(f)] * directions_[static_cast<std::size_t>(f)][j];
    }
  }
  return true;
}

}  // namespace kasetsu::regression
