// The one-swap scan: all members of a set but one stay, and every candidate is tried in the free
// place by the exact leave-one-out error of ordinary least squares. METHOD section 6.
//
// With Q an orthonormal basis of the members that stay (and the constant), r the residual of y on
// them and h their leverages, candidate z has v = z - QQ'z, n = |v|^2 and the leave-one-out
// residuals
//   e_i = (r_i - v_i (v'y)/n) / (1 - h_i - v_i^2/n).
// Few candidates can be among the best, and a bound that costs a third of a score tells which: as
// |a| >= sign(r) a,
//   sum |e_i| >= sum |r_i - v_i (v'y)/n| / (1 - h_i) >= S - (v'y)(v'g)/n,
//   S = sum |r_i| / (1 - h_i),  g_i = sign(r_i) / (1 - h_i).
// Bounds and first scores are 32-bit numbers with a margin above their rounding; `ols_mae` decides
// in 64-bit numbers, in an order that does not depend on the instruction set.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/selection/search/candidates.h"

namespace kasetsu::selection {

struct Scored {
  double score;  // mean |leave-one-out residual|, least squares
  int candidate;
  auto operator<=>(const Scored&) const = default;
};

class SwapScan {
 public:
  explicit SwapScan(const Candidates& candidates);

  // The members that stay: at most 15. Members that depend on earlier ones add nothing.
  void fix(std::span<const int> members);

  // The `keep` best candidates by ols_mae that are usable and compatible with the members that
  // stay, ties by index; without those of infinite error. Cost: rows x candidates.
  void rank(int keep, std::vector<Scored>& out);
  // Candidates that the last rank() had to score, beyond their bounds.
  std::size_t scored() const { return scored_; }

  // Mean |leave-one-out residual| of ordinary least squares with the candidate in the free place;
  // infinite where the candidate depends on the members that stay or a row decides alone.
  double ols_mae(int candidate);

 private:
  const Candidates& candidates_;
  std::vector<int> fixed_;
  Eigen::MatrixXd basis_;  // rows x 15; the first basis_columns_ are in use
  int basis_columns_ = 0;
  Eigen::VectorXd residual_;
  Eigen::VectorXd room_;  // 1 - leverage
  Eigen::VectorXd v_;
  Eigen::VectorXd along_;
  void write_rows();
  bool may_be_taken(int candidate) const;
  float largest_that_counts(int tile) const;
  void consider(int candidate, float score, std::size_t keep, double& bar);

  std::vector<float> rows_;  // what the kernels read, row by row
  double without_ = 0.0;     // S, in units of the target's standard deviation, as are scores
  std::vector<float> raw_;   // gains_ and scores_ before they are aligned
  float* gains_ = nullptr;   // by candidate
  float* scores_ = nullptr;  // of a few tiles
  std::vector<std::pair<float, int>> tiles_;  // the largest gain in a tile, and the tile; a heap
  std::vector<float> least_;                  // the `keep` least scores so far; a heap
  std::vector<std::pair<float, int>> near_;   // scores that may be among them, and candidates
  std::size_t scored_ = 0;
  double unit_ = 1.0;
};

}  // namespace kasetsu::selection
