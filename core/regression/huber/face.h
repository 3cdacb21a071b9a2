// The point of a polyhedron that is nearest to a given one: picks one minimiser where there are
// many.
#pragma once

#include "core/regression/huber/aligned.h"

namespace kasetsu::regression {

// Strictly convex quadratic programme by the dual method of Goldfarb and Idnani (Math. Programming
// 27, 1983): it needs no feasible start and copes with many constraints through one point.
class NearestOnFace {
 public:
  void reserve(int dimensions, int constraints);
  void start(int dimensions);
  // a.u >= b. The m numbers are copied.
  void add(const double* a, double b);
  // Minimises u'Gu/2 + g'u (G: m x m row-major, positive definite). False when no point satisfies
  // all constraints to `tolerance` in units of b.
  bool solve(const double* G, const double* g, double tolerance, double* u);

 private:
  int most_violated(double tolerance, double& gap) const;
  bool project(const double* a);
  bool satisfy(int worst, double gap);

  int m_ = 0, count_ = 0, active_count_ = 0;
  Array<double> a_, b_, factor_, v_, z_, multipliers_, r_, small_;
  Array<int> active_;
};

// In-place Cholesky of a symmetric m x m row-major matrix, lower triangle; false when a pivot is
// not above `smallest`.
bool cholesky(double* a, int m, double smallest);
// Solves L x = b and L' x = b in place.
void forward(const double* l, int m, double* x);
void backward(const double* l, int m, double* x);

}  // namespace kasetsu::regression
