// Planning for several targets at once: exploit looks for what extends the front of the measured.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <span>
#include <vector>

#include "core/planning/draft.h"
#include "core/planning/surrogates/pareto.h"

namespace kasetsu::planning {

class SeveralTargets {
 public:
  // Learns the front. Inactive with one target, without a model, and (with a note) where no
  // measured catalyst has a prediction of every target. Errors: those of the surrogates.
  Status learn(Draft& draft);
  bool active() const { return front_.has_value(); }
  // By candidate, how much it is expected to extend the front; `first` holds what the first
  // target's surrogate says of them.
  Status score(const PlanProblem& problem, std::span<const Candidate> candidates,
               const Evaluation& first, Eigen::VectorXd& scores) const;
  // Picks by exploit from the pool, each as if the earlier ones had been measured at their mean and
  // stood on the front.
  Status pick(Draft& draft, const std::vector<Scored>& pool, int count) const;

 private:
  std::vector<Aim> aims_;
  std::optional<Front> front_;
};

// Fills what the proposals are predicted to be in the other targets.
Status predict_other_targets(const PlanProblem& problem, std::vector<Proposal>& proposals);

}  // namespace kasetsu::planning
