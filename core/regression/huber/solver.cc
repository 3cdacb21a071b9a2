#include "core/regression/huber/solver.h"

#include <algorithm>
#include <cmath>

namespace kasetsu::regression {

void Solver::reserve(int rows, int rank, const Kernels& kernels) {
  kernels_ = &kernels;
  const int n = padded(rows), d = rank;
  for (auto* v : {&r_, &state_, &next_state_, &delta_}) v->resize_to(n);
  for (auto* v : {&c_, &vertex_, &from_, &ls_, &target_, &step_, &slope_, &gradient_, &lambda_,
                  &face_g_, &face_row_, &face_u_}) {
    v->resize_to(d);
  }
  for (auto* v : {&triangle_, &inverse_, &face_hessian_, &flat_}) v->resize_to(d * d);
  hessian_.resize_to((d + 1) * (d + 1));
  side_.resize_to(d + 1);
  y_.resize_to(n);
  work_.resize_to(n * (d + 2));
  independent_.resize_to(d);
  dependent_.resize_to(d);
  basic_.resize_to(d, -1);
  directions_.resize_to(d, nullptr);
  passed_.resize_to(n);
  face_.reserve(rank, rows + rank);
}

double Solver::prediction(int row) const {
  double sum = 0.0;
  for (int j = 0; j < d_; ++j) sum += p_.basis->at(row, j) * c_[j];
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
  if (p_.left_out >= 0) y_[p_.left_out] = 0.0;
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
  for (int j = 0; j < d_; ++j) c_[j] = dot(p_.basis->column(j), y, stride);
  if (p_.left_out >= 0) {
    // Sherman-Morrison: the rows that are in have the Gram matrix I - q q'.
    double leverage = 0.0, fitted = 0.0;
    for (int j = 0; j < d_; ++j) {
      const double q = p_.basis->at(p_.left_out, j);
      leverage += q * q;
      fitted += q * c_[j];
    }
    for (int j = 0; j < d_; ++j) {
      c_[j] += p_.basis->at(p_.left_out, j) * fitted / (1.0 - leverage);
    }
  }
  ls_ = c_;
  residuals();
  double squares = 0.0;
  for (int k = 0; k < n_; ++k) {
    if (in(k)) squares += r_[k] * r_[k];
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
    if (in(k) && std::abs(r_[k]) > p_.resolution) return false;
  }
  return true;
}

void Solver::residuals() {
  const int stride = p_.basis->stride();
  std::copy(y_.begin(), y_.begin() + stride, r_.begin());
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    const double c = c_[j];
    for (int k = 0; k < stride; ++k) r_[k] -= c * q[k];
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
    step_[j] = c_[j] - ls_[j];
  }
  for (int f = 0; f < flats; ++f) {
    const double* v = directions_[f];
    face_g_[f] = seen(v, step_.data());
    for (int h = 0; h < flats; ++h) {
      face_hessian_[f * flats + h] = seen(v, directions_[h]);
    }
  }
  if (!face_.solve(face_hessian_.data(), face_g_.data(), p_.resolution, face_u_.data()))
    return false;
  for (int f = 0; f < flats; ++f) {
    for (int j = 0; j < d_; ++j) {
      c_[j] += face_u_[f] * directions_[f][j];
    }
  }
  return true;
}

}  // namespace kasetsu::regression
