// The point of a polyhedron that is nearest to a given one: picks one minimiser where there are
// many.
#pragma once

#include <vector>

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
  int m_ = 0, count_ = 0;
  std::vector<double> a_, b_, factor_, v_, z_, multipliers_, r_, small_;
  std::vector<int> active_;
};

// In-place Cholesky of a symmetric m x m row-major matrix, lower triangle; false when a pivot is
// not above `smallest`.
bool cholesky(double* a, int m, double smallest);
// Solves L x = b and L' x = b in place.
void forward(const double* l, int m, double* x);
void backward(const double* l, int m, double* x);

}  // namespace kasetsu::regression
