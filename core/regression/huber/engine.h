// Exact leave-one-out on standardised columns: the one path under loo_robust and LooEngine.
#pragma once

#include <deque>
#include <stop_token>
#include <utility>

#include "core/regression/huber/orthonormal_basis.h"
#include "core/regression/huber/robust.h"
#include "core/regression/huber/solver.h"

namespace kasetsu::regression {

class Engine {
 public:
  // y: as measured. size: the largest number of columns.
  Engine(const double* y, int rows, int size, const RobustOptions& options);

  // Fit on all rows; weights (size + 1, the constant first) on the standardised columns.
  void fit(const double* const* columns, int size);
  void weights(double* weights) const;
  double sigma() const { return fast_ ? task_.sigma : solver_.sigma(); }

  // After fit(): residuals (rows, may be null) of the left-out rows; returns their mean |.|, or,
  // as soon as it cannot be below give_up, a value >= give_up.
  double leave_one_out(double give_up, double* residuals);
  double one_step();

  void stop_when(std::stop_token stop) { stop_ = std::move(stop); }  // then infinity

  int rows() const { return rows_; }
  LooEngine::Counts counts() const;

 private:
  double* doubles(int count);
  int* integers(int count);
  unsigned char* bytes(int count);
  void reserve_vertex(int rank);
  void reserve_huber();
  void problem(const OrthonormalBasis& basis, int left_out, Problem& out);
  double fold(int row);
  const double* fast_fold(int row);
  void prepare_folds();
  double slow_folds(const int* rows, int count, double* left_out, double sum, double limit);

  int rows_, size_ = 0;
  RobustOptions options_;
  double mean_ = 0.0, resolution_ = 0.0;
  const Kernels* kernels_;
  bool fast_ = false;  // the last fit came from the kernel
  HuberTask task_;
  VertexTask vertex_;
  Start hint_;
  // The arrays that task_ and vertex_ point to.
  std::deque<Array<double>> doubles_;
  std::deque<Array<int>> integers_;
  std::deque<Array<unsigned char>> bytes_;
  Array<double> y_;
  Array<double> penalty_, fold_penalty_, weights_, leverage_;
  Array<double> c_;
  const double* const* columns_ = nullptr;
  OrthonormalBasis basis_, fold_basis_;
  Solver solver_, fold_solver_;
  Start start_;
  std::stop_token stop_;
  long subsets_ = 0;
};

}  // namespace kasetsu::regression
