// Inside of the search by bounds: shared by its files.
#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "core/planning/bounds/bounded_search.h"
#include "core/planning/bounds/branches.h"
#include "core/planning/bounds/ensemble_bounds.h"

namespace kasetsu::planning {

Error planning_stopped();

struct BoundedSearch::Impl {
  // Branches to be looked at, the largest bound first. Of too many those with the largest bounds
  // are kept; `dropped` is the largest bound that was forgotten.
  class Queue {
   public:
    explicit Queue(std::size_t most) : most_(most) {}
    bool empty() const { return heap_.empty(); }
    const Branch& front() const { return heap_.front(); }
    Branch pop();
    void push(const Branch& branch);
    bool forgot() const { return dropped_ > -std::numeric_limits<double>::infinity(); }
    double dropped() const { return dropped_; }

   private:
    std::size_t most_;
    std::vector<Branch> heap_;
    double dropped_ = -std::numeric_limits<double>::infinity();
  };
  enum class Purpose { exploit, challenge };
  // One candidate with a number that its score does not exceed.
  struct Promise {
    double bound;
    std::uint64_t index;
  };

  Impl(BoundedProblem p, BoundedOptions o, const Executor& e, const Control& c)
      : problem(std::move(p)), options(o), executor(e), control(c) {}

  BoundedProblem problem;
  BoundedOptions options;
  const Executor& executor;
  const Control& control;
  std::unique_ptr<EnsembleBounds> tables;       // of all hypotheses
  std::unique_ptr<EnsembleBounds> coordinates;  // of the best one
  Eigen::MatrixXd training, known;              // coordinates, one column a point
  double typical = 0.0;

  Best best_of_exploit, best_of_challenge;
  double far_limit = -std::numeric_limits<double>::infinity();  // no entry has a smaller bound
  // The first sample where exploration is asked for: what is left to pick from where nothing is
  // above the limit.
  std::vector<std::pair<std::uint64_t, Eigen::VectorXd>> of_sample;
  std::uint64_t evaluated = 0;
  std::uint64_t bounded = 0;
  std::uint64_t opened = 0;
  bool exploit_proven = true, challenge_proven = true, explore_proven = true;

  bool build();
  // Scratch of one thread, and its effort.
  struct Worker {
    explicit Worker(const EnsembleBounds& tables) : bounder(tables) {}
    Bounder bounder;
    std::vector<double> amounts, coordinates, squared, bounds;
    std::vector<Eigen::Index> order;  // of points, see bounded_explore.cc
    std::vector<Branch> parts;
    std::vector<char> asked;  // of a branch's elements
    std::uint64_t steps = 0, bounded = 0, opened = 0;
  };

  // What candidates reach: what the companions may say (cut down where it matters), what the
  // hypotheses do, and how new they are at most.
  struct Reach {
    Interval companions = kEverything;
    Bounder::Predicted predicted{};
    double unseen = 0.0;          // of their novelty: elements and supports that nobody measured
    double distance = kInfinity;  // squared, from the nearest of the training set, at most
  };
  double novelty_of(const Reach& reach, double squared) const {
    return reach.unseen + (typical > 0.0 ? std::sqrt(squared) / typical : 0.0);
  }
  // No score of exploit is larger; median, companion: the most, or, where small is good, the least.
  double exploit_bound(double median, double companion, Interval spread, double novelty) const;
  // No score of the purpose is larger, for candidates of the bounder's branch or point (`exact`),
  // and any context of its hull (null) or this one. May stop early with a number below `limit`.
  double score_bound(Purpose purpose, const Context* context, bool exact, double limit,
                     Bounder& bounder, Reach& reach) const;
  void bound_branch(Purpose purpose, Branch& branch, double limit, Worker& worker) const;
  double drop_elements(Purpose purpose, Branch& branch, double limit, const Reach& reach,
                       Worker& worker) const;
  // The parts of a branch that may reach the limit, or, of a composition, its candidates.
  void look_into(Purpose purpose, const Branch& branch, double limit, Worker& worker,
                 std::vector<Branch>& parts, std::vector<Promise>& promises) const;
  void open(Purpose purpose, const Branch& branch, double limit, Worker& worker,
            std::vector<Promise>& out) const;
  Status run_best(Purpose purpose);
  Status keep_promises(Purpose purpose, std::vector<Promise> promises, std::uint64_t start);

  // Offers these candidates to the lists of the best.
  Status evaluate(const std::vector<std::uint64_t>& indices);
  Status sample();
  void sample_places();
  Status climb();
  // Those of the candidates that may enter a list of the best, by their exact bounds.
  Result<std::vector<std::uint64_t>> promising(const std::vector<std::uint64_t>& indices);
  void neighbours_of(std::uint64_t of, std::vector<std::uint64_t>& next) const;
  // Loads a candidate of a family and evaluates it; its context, or null where it is a list's.
  const Context* visit(const EnsembleBounds& of, std::uint64_t index, Worker& worker) const;

  // The farthest allowed candidate of a composition: its squared distance to the nearest of the
  // points and its index, or `floor` (and not `reached`) where none is at least that far.
  Branch farthest_of(const Branch& branch, const Eigen::MatrixXd& points, double floor,
                     const std::unordered_set<std::uint64_t>& taken, const BatchBudget& budget,
                     Worker& worker) const;

  bool usable(std::uint64_t index) const {
    if (std::binary_search(problem.excluded->begin(), problem.excluded->end(), index)) return false;
    return problem.rules == nullptr || problem.rules->allows(problem.space->unrank(index));
  }
  // True where the rules forbid all of a branch.
  bool forbidden(const EnsembleBounds& of, const Branch& branch) const;
  // Indices in the space of one composition on one support under one condition: one a preparation.
  template <typename Visit>
  void visit_indices(const ElementSets& group, std::uint64_t composition, const Context& context,
                     const Visit& visit) const {
    const auto& part = problem.space->parts()[group.part];
    for (std::size_t p = 0; p < part.preparations.size(); ++p) {
      const std::uint64_t local =
          (composition * part.supports.size() + context.support) * part.preparations.size() + p;
      if (const auto index = problem.space->index_of(group.part, local, context.condition)) {
        visit(*index);
      }
    }
  }
};

}  // namespace kasetsu::planning
