// An orthonormal basis of the constant and the chosen columns, over the rows that are in.
#pragma once

#include "core/regression/huber/aligned.h"
#include "core/regression/huber/kernels.h"

namespace kasetsu::regression {

// Sum of a[k] b[k], k < stride, in eight lanes that are added pairwise at the end: the same order
// on every machine. stride is a multiple of 8; what lies beyond the rows is zero.
double dot(const double* a, const double* b, int stride);

inline int padded(int rows) {
  return (rows + 7) / 8 * 8;
}

// Gram-Schmidt in the order of the columns, each column projected again until it no longer shrinks
// by more than half ("twice is enough": Giraud, Langou, Rozloznik, Numer. Math. 101, 2005). A
// column whose remainder is below 1e-10 of its own norm depends on earlier ones and is dropped.
class OrthonormalBasis {
 public:
  void reserve(int rows, int columns, const Kernels& kernels);
  // columns[j]: `rows` doubles. left_out: a row that is absent, or -1.
  void build(const double* const* columns, int size, int rows, int left_out);

  int rank() const { return rank_; }      // counts the constant
  int stride() const { return stride_; }  // padded rows
  const double* column(int j) const { return q_.data() + static_cast<long>(j) * stride_; }
  double at(int row, int j) const { return q_[j * stride_ + row]; }
  int kept(int j) const {
    return kept_[j];
  }  // j-th basis vector came from this column; -1: constant

  // weights (size + 1): the constant's, then each column's, 0 where dropped, of the vector whose
  // coordinates in the basis are c.
  void weights(const double* c, double* weights) const;
  // (rank x rank, row-major) P with |weights without the constant's|^2 = c'Pc.
  void penalty(double* p) const;

 private:
  int rank_ = 0, stride_ = 0, size_ = 0, capacity_ = 0;
  const Kernels* kernels_ = nullptr;
  Array<double> q_;
  Array<double> r_;  // column j of the triangle at r_[j * capacity_]
  Array<int> kept_;
  mutable Array<double> scratch_;
};

}  // namespace kasetsu::regression
