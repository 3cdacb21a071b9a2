// Inside of the planner: shared by its files.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/planning/bounds/bounded_search.h"
#include "core/planning/planner.h"
#include "core/planning/space/materials.h"
#include "core/planning/surrogates/acquisition.h"
#include "core/planning/surrogates/pareto.h"

namespace kasetsu::planning {

// The farthest candidates from everything known: a bounded set that grows block by block and does
// not depend on their order.
class Reservoir {
 public:
  struct Row {
    double squared;  // to the nearest known point
    std::uint64_t index;
    Eigen::VectorXd coordinates;
  };

  explicit Reservoir(std::size_t capacity) : capacity_(capacity) {}

  double threshold() const { return threshold_; }
  bool dropped() const { return dropped_; }

  void add(std::vector<Row> rows) {
    for (Row& row : rows) rows_.push_back(std::move(row));
    if (rows_.size() > capacity_ + capacity_ / 2) shrink();
  }
  void finish() {
    if (rows_.size() > capacity_) shrink();
    std::sort(rows_.begin(), rows_.end(),
              [](const Row& a, const Row& b) { return a.index < b.index; });
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  void shrink() {
    const auto farther = [](const Row& a, const Row& b) {
      return a.squared != b.squared ? a.squared > b.squared : a.index < b.index;
    };
    const auto middle = rows_.begin() + static_cast<std::ptrdiff_t>(capacity_);
    std::nth_element(rows_.begin(), middle, rows_.end(), farther);
    // Everything from here on was at most this far from the known points, and is forgotten.
    threshold_ = std::max(threshold_, middle->squared);
    rows_.erase(middle, rows_.end());
    dropped_ = true;
  }

  std::size_t capacity_;
  std::vector<Row> rows_;
  double threshold_ = -1.0;
  bool dropped_ = false;
};

struct Demand {
  int exploit = 0;
  int challenge = 0;
  int explore = 0;
  int random = 0;
  int recheck = 0;
  int bridge = 0;
  int manual = 0;
};

class Planner {
 public:
  Planner(const PlanProblem& problem, const PlanOptions& options, const Executor& executor,
          const Control& control)
      : problem_(problem),
        options_(options),
        executor_(executor),
        control_(control),
        space_(*problem.space),
        surrogate_(*problem.surrogate) {
    if (problem.materials != nullptr) budget_ = BatchBudget(*problem.materials);
  }

  Result<Plan> run();

 private:
  struct BlockResult {
    Best exploit;
    Best challenge;
    Best random;
    Best centre;
    std::vector<Reservoir::Row> far;
    std::vector<std::uint64_t> removed;
    std::uint64_t allowed = 0;
    std::uint64_t unusable = 0;
    std::optional<Error> error;
  };
  // A proposal candidate with everything the surrogate says about it.
  struct Member {
    std::optional<std::uint64_t> index;
    Candidate candidate;
    double mean, low, high, novelty, disagreement, score;
    Eigen::VectorXd coordinates;
  };

  Candidate completed(Candidate candidate) const;
  std::vector<std::uint64_t> ranks_of(const Candidate& candidate) const;
  Status learn_known();
  Status of_all_targets(std::span<const Candidate> candidates, const Evaluation& first,
                        Eigen::MatrixXd& mean, Eigen::MatrixXd& sd) const;
  std::vector<Aim> aims() const;
  Status learn_front(const std::vector<Candidate>& known);
  Status score_front(std::span<const Candidate> candidates, const Evaluation& first,
                     Eigen::VectorXd& scores) const;
  Status pick_front(int count);
  Status predict_also();
  Result<Status> scan(bool centre_only);
  void scan_block(std::uint64_t block, bool centre_only, BlockResult& out) const;
  Result<std::vector<Member>> members(const std::vector<Scored>& pool) const;
  Status pick_exploit(int count);
  Status pick_challenge(int count);
  Status pick_explore(int count);
  Status pick_explore_bounded(int count);
  std::string explore_reason(const Eigen::VectorXd& coordinates, double distance) const;
  Result<bool> search_by_bounds();
  // Exploit can be bounded; else it is looked for in a sample where the space is large.
  bool bounds_exploit() const { return !front_ && acquirer_.aim.goal != Goal::target; }
  Result<Status> sample_exploit();
  Status pick_random(int count);
  Status pick_recheck(int count);
  Status pick_bridge(int count);
  Status pick_manual(int count);
  // rescore, where there is one, is told of each pick and changes the scores of the others.
  using Rescore = std::function<void(std::size_t picked, std::vector<double>& scores)>;
  std::vector<std::size_t> diverse(const std::vector<Member>& pool, int count,
                                   const Rescore& rescore = {});
  std::vector<std::size_t> improving(const std::vector<Member>& pool, const JointPrediction& joint,
                                     int count);
  static Member member_of(std::optional<std::uint64_t> index, const Candidate& candidate,
                          const Evaluation& evaluation, Eigen::Index row, double score);
  // Whether stock and budgets allow it beside what `budget` has; what they do not is counted.
  bool affordable(const BatchBudget& budget, const Candidate& candidate);
  void take(Strategy strategy, const Member& member, std::string reason,
            const std::string& runner_up);
  bool taken(std::uint64_t index) const { return taken_.count(index) > 0; }
  std::string number(double value) const;
  std::string with_unit(double value) const;
  std::string as_good_as(double value) const;
  std::string interval(const Member& member) const;

  const PlanProblem& problem_;
  const PlanOptions& options_;
  const Executor& executor_;
  const Control& control_;
  const CandidateSpace& space_;
  const Surrogate& surrogate_;

  Plan plan_;
  BatchBudget budget_;                   // what the picks so far leave
  std::map<std::string, int> too_dear_;  // candidates passed over, by what they would exceed
  Demand demand_;
  Acquirer acquirer_;
  std::optional<Front> front_;  // of several targets
  double best_ =
      std::numeric_limits<double>::quiet_NaN();  // what expected improvement improves on: a value,
                                                 // or with Goal::target how far from it
  std::vector<std::string> known_keys_;
  Eigen::MatrixXd known_coordinates_;    // finite rows only
  std::vector<std::string> repel_keys_;  // of those rows
  Evaluation known_evaluation_;
  std::vector<std::uint64_t> excluded_;  // ascending
  std::uint64_t visited_ = 0;            // candidates to scan
  Best exploit_;
  Best challenge_;
  Best random_;
  Best centre_;
  std::vector<Scored> exploit_pool_;
  std::vector<Scored> challenge_pool_;
  std::vector<Scored> random_pool_;
  std::unique_ptr<BoundedSearch> bounded_;  // in place of the reservoir
  Reservoir reservoir_{0};
  std::uint64_t unusable_ = 0;
  std::unordered_set<std::uint64_t> taken_;
  std::set<std::string> taken_keys_;
  std::vector<Eigen::VectorXd> picked_coordinates_;
  std::vector<std::string> picked_keys_;
  std::map<Strategy, std::vector<Proposal>> picks_;
};

}  // namespace kasetsu::planning
