// A batch while it is put together: what the campaign knows, what was picked so far, and what that
// leaves for the next pick.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/base/control.h"
#include "core/planning/planner.h"
#include "core/planning/space/materials.h"
#include "core/planning/surrogates/acquisition.h"

namespace kasetsu::planning {

// Two candidates nearer than this (in standard deviations) have the same descriptors.
inline constexpr double kSamePlace = 1e-9;

// A candidate with everything that the surrogate says of it.
struct Member {
  std::optional<std::uint64_t> index;  // in the space
  Candidate candidate;
  double mean, low, high, novelty, disagreement, score;
  Eigen::VectorXd coordinates;
};

Member member_of(std::optional<std::uint64_t> index, const Candidate& candidate,
                 const Evaluation& evaluation, Eigen::Index row, double score);

std::string short_number(double value);
std::string with_unit(double value, const std::string& unit);

class Draft {
 public:
  Draft(const PlanProblem& problem, const PlanOptions& options, const Control& control);

  const PlanProblem& problem;
  const PlanOptions& options;
  const Control& control;  // picking ends early when it is cancelled
  const CandidateSpace& space;
  const Surrogate& surrogate;
  Plan plan;
  Acquirer acquirer;
  // What expected improvement improves on: a value, or with Goal::target how far from it.
  double best = std::numeric_limits<double>::quiet_NaN();

  // Of PlanProblem::known, by its order.
  std::vector<Candidate> known;  // with all conditions of the space
  std::vector<std::string> known_keys;
  Evaluation known_evaluation;
  // Those with finite coordinates: exploration keeps away from them.
  Eigen::MatrixXd known_coordinates;
  std::vector<std::string> coordinate_keys;
  std::vector<std::uint64_t> excluded;  // may not be proposed; ascending

  // Coordinates of the picks so far.
  std::vector<Eigen::VectorXd> picked_coordinates;

  // Evaluates what is known and decides what exploit looks for. Errors: those of the surrogate.
  Status learn_known();
  // A candidate with the middle level of every condition that it does not tell.
  Candidate completed(Candidate candidate) const;
  bool is_excluded(std::uint64_t index) const;
  // Keys of what is being made or can never be made.
  std::set<std::string> busy_keys() const;

  // What the surrogate says of those of the pool that are not taken.
  Result<std::vector<Member>> members(const std::vector<Scored>& pool) const;
  Result<std::vector<Member>> members(const std::vector<Candidate>& candidates) const;
  // Whether stock and budgets allow it beside what `budget` has; counts what they do not.
  bool affordable(const BatchBudget& budget, const Candidate& candidate);
  const BatchBudget& budget() const { return budget_; }
  bool taken(std::uint64_t index) const { return taken_.count(index) > 0; }
  bool taken(const std::string& key) const { return taken_keys_.count(key) > 0; }
  const std::unordered_set<std::uint64_t>& taken() const { return taken_; }

  // Adds a proposal.
  Proposal& take(Strategy strategy, const Member& member, std::string reason,
                 const std::string& runner_up);
  int count(Strategy strategy) const;
  std::vector<Proposal>& of(Strategy strategy) { return picks_[strategy]; }
  void note(std::string sentence) { plan.notes.push_back(std::move(sentence)); }
  // Key of the nearest of what is known and picked.
  std::string nearest_key(const Eigen::VectorXd& coordinates) const;

  // `count` members of the pool by score and diversity. `rescore`, where given, is told of each
  // pick and may change the scores of the others.
  using Rescore = std::function<void(std::size_t picked, std::vector<double>& scores)>;
  std::vector<std::size_t> diverse(const std::vector<Member>& pool, int count,
                                   const Rescore& rescore = {});
  // The same by acquisition alone, each pick as if the earlier ones had been measured.
  std::vector<std::size_t> improving(const std::vector<Member>& pool, const JointPrediction& joint,
                                     int count);
  // Key of the first of the pool that is not among the chosen.
  std::string runner_up(const std::vector<Member>& pool,
                        const std::vector<std::size_t>& chosen) const;

  std::string in_unit(double value) const { return with_unit(value, problem.unit); }
  std::string as_good_as(double value) const;
  std::string interval(const Member& member) const;

  // Notes how many candidates stock and budgets did not allow.
  void note_too_dear();
  // Moves the proposals into the plan.
  void finish();

 private:
  Status evaluate_known();
  void exclude_known();
  void choose_acquisition();
  std::vector<std::uint64_t> ranks_of(const Candidate& candidate) const;

  BatchBudget budget_;
  std::map<std::string, int> too_dear_;  // candidates passed over, by what they would exceed
  std::unordered_set<std::uint64_t> taken_;
  std::set<std::string> taken_keys_;
  std::vector<std::string> picked_keys_;
  std::map<Strategy, std::vector<Proposal>> picks_;
};

}  // namespace kasetsu::planning
