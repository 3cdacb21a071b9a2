// Inside of the search by bounds: shared by its two files.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/planning/bounds/bounded_search.h"
#include "core/planning/bounds/ensemble_bounds.h"

namespace kasetsu::planning {

struct BoundedSearch::Impl {
  // A node with a number that none of its candidates is better than.
  struct Entry {
    double bound;
    std::uint64_t node;
    std::uint64_t index;  // of the best candidate, where the bound is reached
    std::uint32_t round;  // picks of this search that the bound knows of
    bool reached;         // the bound is that of candidate `index`
  };
  // Larger bounds first, then smaller nodes: an order that does not depend on threads.
  static bool before(const Entry& a, const Entry& b) {
    return a.bound != b.bound ? a.bound > b.bound : a.node < b.node;
  }
  // Entries with the largest bounds; `dropped` is the largest bound that was forgotten.
  struct Entries {
    std::vector<Entry> items;
    double dropped = -std::numeric_limits<double>::infinity();
    void add(const std::vector<Entry>& more, std::size_t most);
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

  Entries exploit, challenge, explore;
  Best best_of_exploit, best_of_challenge;
  double far_limit = -std::numeric_limits<double>::infinity();  // no entry has a smaller bound
  // The first sample where exploration is asked for: what is left to pick from where nothing is
  // above the limit.
  std::vector<std::pair<std::uint64_t, Eigen::VectorXd>> of_sample;
  std::uint64_t evaluated = 0;
  std::uint64_t opened = 0;
  bool exploit_proven = true, challenge_proven = true, explore_proven = true;

  bool build();
  // Scratch of one thread.
  struct Worker {
    Worker(const Impl& owner, bool predictions);
    std::optional<Bounder> all;  // where predictions are wanted
    Bounder place;
    std::vector<double> amounts, coordinates, squared;
    std::vector<Eigen::Index> order;  // of points, see bounded_explore.cc
    std::uint64_t steps = 0;
  };

  void bound_node(const ElementSets& group, std::uint64_t node, Worker& worker,
                  std::vector<Entry>& to_exploit, std::vector<Entry>& to_challenge,
                  std::vector<Entry>& to_explore) const;
  // No score of the purpose is larger, for candidates of the bounder's box and any context (null)
  // or this one. May stop early with a number below `limit`.
  double score_bound(Purpose purpose, const ElementSets& group, const Context* context, bool exact,
                     double limit, Bounder& bounder) const;
  void open(Purpose purpose, std::uint64_t node, double limit, Worker& worker,
            std::vector<Promise>& out) const;
  Status run_best(Purpose purpose);

  // Offers these candidates to the lists of the best; `keep`: coordinates of those that are
  // allowed, row by row.
  // keep: gets the coordinates of those that the rules allow, kept_indices which they are.
  Status evaluate(const std::vector<std::uint64_t>& indices, Eigen::MatrixXd* keep = nullptr,
                  std::vector<std::uint64_t>* kept_indices = nullptr);
  Status sample();
  Status climb();
  void neighbours_of(std::uint64_t of, std::vector<std::uint64_t>& next) const;

  // The farthest allowed candidate of a node: its squared distance to the nearest of the points and
  // its index, or `floor` (and not `reached`) where none is at least that far.
  Entry farthest_of(std::uint64_t node, const Eigen::MatrixXd& points, double floor,
                    const std::unordered_set<std::uint64_t>& taken, const BatchBudget& budget,
                    Worker& worker) const;

  bool usable(std::uint64_t index) const {
    if (std::binary_search(problem.excluded->begin(), problem.excluded->end(), index)) return false;
    return problem.rules == nullptr || problem.rules->allows(problem.space->unrank(index));
  }
  // Indices in the space of one composition on one support under one condition: one a preparation.
  template <typename Visit>
  void visit_indices(const ElementSets& group, std::uint64_t node, std::uint64_t pattern,
                     const Context& context, const Visit& visit) const {
    const auto& part = problem.space->parts()[group.part];
    const std::uint64_t composition = part.family->first(group.count) +
                                      (node - group.first) * part.family->patterns(group.count) +
                                      pattern;
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
