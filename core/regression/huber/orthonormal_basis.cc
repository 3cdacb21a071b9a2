#include "core/regression/huber/orthonormal_basis.h"

#include <algorithm>
#include <cmath>

namespace kasetsu::regression {

namespace {

constexpr double kDependent = 1e-10;

// Columns of a search lie anywhere in a matrix that is larger than the caches.
void prefetch(const double* column, int rows) {
  for (int k = 0; k < rows; k += 8) __builtin_prefetch(column + k);
}

}  // namespace

void OrthonormalBasis::reserve(int rows, int columns, const Kernels& kernels) {
  kernels_ = &kernels;
  stride_ = padded(rows);
  capacity_ = std::min(rows, columns + 1);
  q_.resize_to((capacity_ + 1) * stride_);
  r_.resize_to(capacity_ * capacity_);
  kept_.resize_to(capacity_, -1);
  scratch_.resize_to(2 * capacity_ + 2);
}

void OrthonormalBasis::build(const double* const* columns, int size, int rows, int left_out) {
  size_ = size;
  const int present = rows - (left_out >= 0 ? 1 : 0);
  const double root = std::sqrt(static_cast<double>(present));
  std::fill(q_.begin(), q_.begin() + rows, 1.0 / root);
  std::fill(q_.begin() + rows, q_.begin() + stride_, 0.0);
  if (left_out >= 0) q_[left_out] = 0.0;
  r_[0] = root;
  kept_[0] = -1;
  rank_ = 1;
  double* projection = scratch_.data();
  if (size > 0) prefetch(columns[0], rows);
  for (int j = 0; j < size && rank_ < std::min(present, capacity_); ++j) {
    if (j + 1 < size) prefetch(columns[j + 1], rows);
    double* x = q_.data() + static_cast<long>(rank_) * stride_;
    std::copy(columns[j], columns[j] + rows, x);
    std::fill(x + rows, x + stride_, 0.0);
    if (left_out >= 0) x[left_out] = 0.0;
    const double own = std::sqrt(kernels_->dot(x, x, stride_));
    if (!(own > 0.0)) continue;
    std::fill(projection, projection + rank_, 0.0);
    double before = own, after = own;
    for (int pass = 0; pass < 4; ++pass) {
      kernels_->project(q_.data(), rank_, x, projection, stride_);
      after = std::sqrt(kernels_->dot(x, x, stride_));
      if (after <= kDependent * own || after > 0.5 * before) break;
      before = after;
    }
    if (!(after > kDependent * own)) continue;
    const double inverse = 1.0 / after;
    for (int k = 0; k < rows; ++k) x[k] *= inverse;
    double* r = r_.data() + static_cast<long>(rank_) * capacity_;
    std::copy(projection, projection + rank_, r);
    r[rank_] = after;
    kept_[rank_] = j;
    ++rank_;
  }
}

void OrthonormalBasis::weights(const double* c, double* weights) const {
  double* w = scratch_.data();
  std::copy(c, c + rank_, w);
  for (int j = rank_ - 1; j >= 0; --j) {
    const double* r = r_.data() + static_cast<long>(j) * capacity_;
    w[j] /= r[j];
    for (int l = 0; l < j; ++l) w[l] -= w[j] * r[l];
  }
  std::fill(weights, weights + size_ + 1, 0.0);
  for (int j = 0; j < rank_; ++j) weights[kept_[j] + 1] = w[j];
}

void OrthonormalBasis::penalty(double* p) const {
  // Column j of R^-1 by substitution, its products accumulated: P = sum over weights of row' row.
  Array<double> inverse(rank_ * rank_);
  for (int j = 0; j < rank_; ++j) {
    double* w = scratch_.data();
    std::fill(w, w + rank_, 0.0);
    w[j] = 1.0;
    for (int m = j; m >= 0; --m) {
      const double* r = r_.data() + static_cast<long>(m) * capacity_;
      w[m] /= r[m];
      for (int l = 0; l < m; ++l) w[l] -= w[m] * r[l];
    }
    for (int m = 0; m < rank_; ++m) inverse[m * rank_ + j] = w[m];
  }
  for (int i = 0; i < rank_; ++i) {
    for (int j = 0; j < rank_; ++j) {
      double sum = 0.0;
      for (int m = 1; m < rank_; ++m) {
        sum += inverse[m * rank_ + i] * inverse[m * rank_ + j];
      }
      p[i * rank_ + j] = sum;
    }
  }
}

}  // namespace kasetsu::regression
