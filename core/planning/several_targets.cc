#include "core/planning/several_targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// What is worse than everything on the front by this share of all that was seen does not count.
constexpr double kBelowFront = 0.1;

// Mean and standard deviation of every target, candidates x targets.
Status predict_all(const PlanProblem& problem, std::span<const Candidate> candidates,
                   const Evaluation& first, MatrixXd& mean, MatrixXd& sd) {
  const auto rows = static_cast<Index>(candidates.size());
  const auto targets = static_cast<Index>(1 + problem.also.size());
  mean.resize(rows, targets);
  sd.resize(rows, targets);
  for (Index t = 0; t < targets; ++t) {
    Evaluation other;
    if (t > 0) {
      const Surrogate& surrogate = *problem.also[static_cast<std::size_t>(t - 1)].surrogate;
      other.resize(rows, surrogate.dimensions());
      if (Status status = surrogate.evaluate(candidates, other); !status) return status;
    }
    const Evaluation& of = t == 0 ? first : other;
    mean.col(t) = of.mean;
    sd.col(t) = (of.high - of.low) / (2.0 * kHalfWidth80);
  }
  return {};
}

}  // namespace

// The front is made of what the models say of the measured catalysts. Single measurements may be
// lucky.
Status SeveralTargets::learn(Draft& draft) {
  const PlanProblem& problem = draft.problem;
  if (problem.also.empty() || !draft.surrogate.predicts()) return {};
  aims_ = {draft.options.aim};
  for (const AlsoWanted& also : problem.also) aims_.push_back(also.aim);
  const auto targets = static_cast<Index>(aims_.size());
  MatrixXd utilities, sd;
  if (Status status = predict_all(problem, draft.known, draft.known_evaluation, utilities, sd);
      !status) {
    return status;
  }
  for (Index i = 0; i < utilities.rows(); ++i) {
    const bool measured = problem.known[static_cast<std::size_t>(i)].state == KnownState::measured;
    for (Index t = 0; t < targets; ++t) {
      utilities(i, t) = measured ? aims_[static_cast<std::size_t>(t)].utility(utilities(i, t))
                                 : std::numeric_limits<double>::quiet_NaN();
    }
  }
  const std::vector<std::size_t> front = pareto_front(utilities);
  if (front.empty()) {
    draft.note(
        "No measured catalyst has a prediction of every target: the first one is planned for.");
    return {};
  }
  std::vector<Index> finite;
  for (Index row = 0; row < utilities.rows(); ++row) {
    if (utilities.row(row).allFinite()) finite.push_back(row);
  }
  VectorXd reference(targets);
  for (Index t = 0; t < targets; ++t) {
    const std::optional<double>& threshold =
        t == 0 ? draft.options.threshold : problem.also[static_cast<std::size_t>(t - 1)].threshold;
    if (threshold) {
      reference[t] = aims_[static_cast<std::size_t>(t)].level_of(*threshold);
      continue;
    }
    double worst = utilities(static_cast<Index>(front.front()), t);
    for (const std::size_t row : front)
      worst = std::min(worst, utilities(static_cast<Index>(row), t));
    const VectorXd seen = utilities(finite, t);
    reference[t] = worst - kBelowFront * (seen.maxCoeff() - seen.minCoeff());
  }
  front_.emplace(aims_, std::move(reference), utilities);
  draft.note(fmt::format(
      "exploit extends the front of {} targets, on which the models see {} of {} measured "
      "candidates.",
      targets, front.size(), finite.size()));
  return {};
}

Status SeveralTargets::score(const PlanProblem& problem, std::span<const Candidate> candidates,
                             const Evaluation& first, VectorXd& scores) const {
  MatrixXd mean, sd;
  if (Status status = predict_all(problem, candidates, first, mean, sd); !status) return status;
  scores.resize(mean.rows());
  for (Index i = 0; i < mean.rows(); ++i)
    scores[i] = front_->expected_improvement(mean.row(i).transpose(), sd.row(i).transpose());
  return {};
}

Status SeveralTargets::pick(Draft& draft, const std::vector<Scored>& from, int count) const {
  const Result<std::vector<Member>> pool = draft.members(from);
  if (!pool) return pool.error();
  if (pool->empty()) return {};
  std::vector<Candidate> candidates;
  Evaluation first;
  first.resize(static_cast<Index>(pool->size()), draft.surrogate.dimensions());
  for (const Member& member : *pool) {
    const auto row = static_cast<Index>(candidates.size());
    first.mean[row] = member.mean;
    first.low[row] = member.low;
    first.high[row] = member.high;
    candidates.push_back(member.candidate);
  }
  MatrixXd mean, sd;
  if (Status status = predict_all(draft.problem, candidates, first, mean, sd); !status)
    return status;
  const Index targets = mean.cols();
  Front front = *front_;
  const std::vector<std::size_t> chosen =
      draft.diverse(*pool, count, [&](std::size_t picked, std::vector<double>& scores) {
        VectorXd utilities(targets);
        for (Index t = 0; t < targets; ++t) {
          utilities[t] =
              aims_[static_cast<std::size_t>(t)].utility(mean(static_cast<Index>(picked), t));
        }
        front.add(utilities);
        for (Index i = 0; i < mean.rows(); ++i) {
          scores[static_cast<std::size_t>(i)] =
              front.expected_improvement(mean.row(i).transpose(), sd.row(i).transpose());
        }
      });
  const std::string runner_up = draft.runner_up(*pool, chosen);
  const double covered = front_->covered();
  for (const std::size_t i : chosen) {
    if (draft.control.cancelled()) return cancelled_error();
    const Member& member = (*pool)[i];
    std::string said = fmt::format("{} {}", draft.problem.target, draft.interval(member));
    for (Index t = 1; t < targets; ++t) {
      const AlsoWanted& also = draft.problem.also[static_cast<std::size_t>(t - 1)];
      said +=
          fmt::format(", {} {}", also.target, with_unit(mean(static_cast<Index>(i), t), also.unit));
    }
    const std::string gain = covered > 0.0 ? fmt::format("{:.2g} %", 100.0 * member.score / covered)
                                           : short_number(member.score);
    draft.take(Strategy::exploit, member,
               fmt::format("Predicted {}: expected to extend the front of {} targets by {}.", said,
                           targets, gain),
               runner_up);
  }
  return {};
}

Status predict_other_targets(const PlanProblem& problem, std::vector<Proposal>& proposals) {
  if (problem.also.empty() || proposals.empty()) return {};
  std::vector<Candidate> candidates;
  for (const Proposal& proposal : proposals) candidates.push_back(proposal.candidate);
  for (const AlsoWanted& also : problem.also) {
    Evaluation evaluation;
    evaluation.resize(static_cast<Index>(candidates.size()), also.surrogate->dimensions());
    if (Status status = also.surrogate->evaluate(candidates, evaluation); !status) return status;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const auto row = static_cast<Index>(i);
      proposals[i].also.push_back({evaluation.mean[row], evaluation.low[row], evaluation.high[row],
                                   evaluation.novelty[row]});
    }
  }
  return {};
}

}  // namespace kasetsu::planning
