// When a search has done enough: when more of it does not change what the ensemble predicts.
#pragma once

#include <Eigen/Core>
#include <unordered_map>

#include "core/base/executor.h"
#include "core/selection/search/archive.h"
#include "core/selection/search/candidates.h"

namespace kasetsu::selection {

// An ensemble has settled when its leave-one-out predictions moved by at most this share of its
// leave-one-out error in each of so many rounds of the search. Errors e whose predictions move by
// d, without a connection to e, grow by d^2 p(0) on average, p their density: where they follow
// Laplace's law of mean |e| = s, d^2 / (2 s^2) of themselves. At a tenth that is 0.5 %, which no
// table of a few hundred rows shows.
inline constexpr double kSettledChange = 0.1;
inline constexpr int kSettledRounds = 2;

// Mean |now - before| over mean |y - now|; 0 where both are 0.
double relative_change(const Eigen::VectorXd& before, const Eigen::VectorXd& now,
                       const Eigen::VectorXd& y);

class Convergence {
 public:
  explicit Convergence(const Candidates& candidates) : candidates_(candidates) {}

  // To be told the archive after every round; whether the ensemble has settled. Deterministic, for
  // any number of threads.
  bool settled(const Archive& archive, const Executor& executor);

 private:
  // Median of the hypotheses' leave-one-out predictions, by row.
  Eigen::VectorXd predictions(const Archive& archive, const Executor& executor);

  const Candidates& candidates_;
  std::unordered_map<Subset, Eigen::VectorXd, SubsetHash> known_;  // of each hypothesis, by row
  Eigen::VectorXd before_;                                         // empty in the first round
  int still_ = 0;                                                  // rounds without a change
};

}  // namespace kasetsu::selection
