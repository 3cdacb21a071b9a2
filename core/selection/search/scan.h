// The one-swap scan: all members of a set but one stay, and every candidate is tried in the free
// place by the exact leave-one-out error of ordinary least squares. METHOD section 6.
//
// With Q an orthonormal basis of the members that stay (and the constant), r the residual of y on
// them and h their leverages, candidate z has v = z - QQ'z, n = |v|^2 and the leave-one-out
// residuals
//   e_i = (r_i - v_i (v'y)/n) / (1 - h_i - v_i^2/n).
// All candidates are ranked in 32-bit floats; `ols_mae` decides in 64-bit floats, in an order that
// does not depend on the instruction set.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
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

  // Ranks all candidates by 32-bit scores. Cost: rows x candidates.
  void score_all();
  // After score_all: the `keep` best by 32-bit score that are usable and compatible with the
  // members that stay, ties by index.
  void rank(int keep, std::vector<Scored>& out);
  // The same by 64-bit score: the `keep` best of the first keep + margin of `rank`. A candidate
  // that belongs to them is missed only when its 32-bit score is behind those of keep + margin
  // others.
  void best(int keep, int margin, std::vector<Scored>& out);

  // Mean |leave-one-out residual| of ordinary least squares with the candidate in the free place;
  // infinite where the candidate depends on the members that stay or a row decides alone.
  double ols_mae(int candidate);

  // The scores of score_all, by candidate: sums of |residual| in units of the target's standard
  // deviation (so that they stay within 32-bit numbers); kNever for dependent candidates.
  std::span<const float> scores() const;

 private:
  const Candidates& candidates_;
  std::vector<int> fixed_;
  Eigen::MatrixXd basis_;  // rows x 15; the first basis_columns_ are in use
  int basis_columns_ = 0;
  Eigen::VectorXd residual_;
  Eigen::VectorXd room_;  // 1 - leverage
  Eigen::VectorXd v_;
  Eigen::VectorXd along_;
  std::vector<float> rows_;  // what the kernel reads, row by row
  std::vector<float> raw_;   // scores_ before it is aligned
  float* scores_ = nullptr;
  double unit_ = 1.0;
};

}  // namespace kasetsu::selection
