// Planning for several targets at once: exploit looks for what extends the front of the measured.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/planning/planner_impl.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// What is worse than everything on the front by this share of all that was seen does not count.
constexpr double kBelowFront = 0.1;

}  // namespace

// Of every target, the first one's as `first` has it.
Status Planner::of_all_targets(std::span<const Candidate> candidates, const Evaluation& first,
                               MatrixXd& mean, MatrixXd& sd) const {
  const auto rows = static_cast<Index>(candidates.size());
  const auto targets = static_cast<Index>(1 + problem_.also.size());
  mean.resize(rows, targets);
  sd.resize(rows, targets);
  for (Index t = 0; t < targets; ++t) {
    Evaluation other;
    if (t > 0) {
      const Surrogate& surrogate = *problem_.also[static_cast<std::size_t>(t - 1)].surrogate;
      other.resize(rows, surrogate.dimensions());
      if (Status status = surrogate.evaluate(candidates, other); !status) return status;
    }
    const Evaluation& of = t == 0 ? first : other;
    mean.col(t) = of.mean;
    sd.col(t) = (of.high - of.low) / (2.0 * kHalfWidth80);
  }
  return {};
}

std::vector<Aim> Planner::aims() const {
  std::vector<Aim> aims{options_.aim};
  for (const AlsoWanted& also : problem_.also) aims.push_back(also.aim);
  return aims;
}

// The front is that of what the models say of the measured catalysts, not of single lucky
// measurements.
Status Planner::learn_front(const std::vector<Candidate>& known) {
  std::vector<Aim> aims = this->aims();
  const auto targets = static_cast<Index>(aims.size());
  MatrixXd utilities, sd;
  if (Status status = of_all_targets(known, known_evaluation_, utilities, sd); !status)
    return status;
  for (Index i = 0; i < utilities.rows(); ++i) {
    const bool measured = problem_.known[static_cast<std::size_t>(i)].state == KnownState::measured;
    for (Index t = 0; t < targets; ++t) {
      utilities(i, t) = measured ? aims[static_cast<std::size_t>(t)].utility(utilities(i, t))
                                 : std::numeric_limits<double>::quiet_NaN();
    }
  }
  const std::vector<std::size_t> front = pareto_front(utilities);
  if (front.empty()) {
    plan_.notes.push_back(
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
        t == 0 ? options_.threshold : problem_.also[static_cast<std::size_t>(t - 1)].threshold;
    if (threshold) {
      reference[t] = aims[static_cast<std::size_t>(t)].level_of(*threshold);
      continue;
    }
    double worst = utilities(static_cast<Index>(front.front()), t);
    for (const std::size_t row : front)
      worst = std::min(worst, utilities(static_cast<Index>(row), t));
    const VectorXd seen = utilities(finite, t);
    reference[t] = worst - kBelowFront * (seen.maxCoeff() - seen.minCoeff());
  }
  front_.emplace(std::move(aims), std::move(reference), utilities);
  plan_.notes.push_back(fmt::format(
      "exploit extends the front of {} targets, on which the models see {} of {} measured "
      "candidates.",
      targets, front.size(), finite.size()));
  return {};
}

Status Planner::score_front(std::span<const Candidate> candidates, const Evaluation& first,
                            VectorXd& scores) const {
  MatrixXd mean, sd;
  if (Status status = of_all_targets(candidates, first, mean, sd); !status) return status;
  scores.resize(mean.rows());
  for (Index i = 0; i < mean.rows(); ++i)
    scores[i] = front_->expected_improvement(mean.row(i).transpose(), sd.row(i).transpose());
  return {};
}

// One after another, each as if the earlier ones had been measured at their mean and stood on the
// front.
Status Planner::pick_front(int count) {
  Result<std::vector<Member>> pool = members(exploit_pool_);
  if (!pool) return pool.error();
  if (pool->empty()) return {};
  std::vector<Candidate> candidates;
  for (const Member& member : *pool) candidates.push_back(member.candidate);
  Evaluation first;
  first.resize(static_cast<Index>(candidates.size()), surrogate_.dimensions());
  for (std::size_t i = 0; i < pool->size(); ++i) {
    const auto row = static_cast<Index>(i);
    first.mean[row] = (*pool)[i].mean;
    first.low[row] = (*pool)[i].low;
    first.high[row] = (*pool)[i].high;
  }
  MatrixXd mean, sd;
  if (Status status = of_all_targets(candidates, first, mean, sd); !status) return status;
  const std::vector<Aim> aims = this->aims();
  const Index targets = mean.cols();
  const double covered = front_->covered();
  Front front = *front_;
  const std::vector<std::size_t> chosen =
      diverse(*pool, count, [&](std::size_t picked, std::vector<double>& scores) {
        VectorXd utilities(targets);
        for (Index t = 0; t < targets; ++t) {
          utilities[t] =
              aims[static_cast<std::size_t>(t)].utility(mean(static_cast<Index>(picked), t));
        }
        front.add(utilities);
        for (Index i = 0; i < mean.rows(); ++i) {
          scores[static_cast<std::size_t>(i)] =
              front.expected_improvement(mean.row(i).transpose(), sd.row(i).transpose());
        }
      });
  std::set<std::size_t> used(chosen.begin(), chosen.end());
  std::string runner_up;
  for (std::size_t i = 0; i < pool->size() && runner_up.empty(); ++i) {
    if (!used.count(i)) runner_up = space_.key((*pool)[i].candidate);
  }
  for (const std::size_t i : chosen) {
    const Member& member = (*pool)[i];
    std::string said = fmt::format("{} {}", problem_.target, interval(member));
    for (Index t = 1; t < targets; ++t) {
      const AlsoWanted& also = problem_.also[static_cast<std::size_t>(t - 1)];
      said += fmt::format(", {} {}{}", also.target, number(mean(static_cast<Index>(i), t)),
                          also.unit.empty() ? "" : " " + also.unit);
    }
    std::string gain = fmt::format("expected to extend the front of {} targets by {}", targets,
                                   number(member.score));
    if (covered > 0.0) {
      gain = fmt::format("expected to extend the front of {} targets by {:.2g} %", targets,
                         100.0 * member.score / covered);
    }
    take(Strategy::exploit, member, fmt::format("Predicted {}: {}.", said, gain), runner_up);
  }
  return {};
}

Status Planner::predict_also() {
  if (problem_.also.empty() || plan_.proposals.empty()) return {};
  std::vector<Candidate> candidates;
  for (const Proposal& proposal : plan_.proposals) candidates.push_back(proposal.candidate);
  for (const AlsoWanted& also : problem_.also) {
    Evaluation evaluation;
    evaluation.resize(static_cast<Index>(candidates.size()), also.surrogate->dimensions());
    if (Status status = also.surrogate->evaluate(candidates, evaluation); !status) return status;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const auto row = static_cast<Index>(i);
      plan_.proposals[i].also.push_back({evaluation.mean[row], evaluation.low[row],
                                         evaluation.high[row], evaluation.novelty[row]});
    }
  }
  return {};
}

// Beside a search by bounds, which cannot bound what exploit looks for here.
Result<Status> Planner::sample_exploit() {
  const Demand demand = demand_;
  demand_ = {};
  demand_.exploit = demand.exploit;
  const std::vector<RuleCount> rules = plan_.rules;
  const std::uint64_t allowed = plan_.allowed;
  const std::uint64_t evaluated = plan_.evaluated;
  const std::size_t pool =
      std::max<std::size_t>(256, static_cast<std::size_t>(options_.batch) * 16);
  exploit_ = Best(pool);
  Result<Status> status = scan(false);
  if (!status) return status;
  exploit_pool_ = exploit_.sorted();
  demand_ = demand;
  plan_.rules = rules;
  plan_.allowed = allowed;
  plan_.evaluated = evaluated;
  plan_.notes.push_back(fmt::format(
      "exploit looked at an even sample of {} candidates: what it looks for cannot be bounded.",
      visited_));
  return Status{};
}

}  // namespace kasetsu::planning
