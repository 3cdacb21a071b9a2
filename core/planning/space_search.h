// Looks through the candidate space for what the strategies choose from: all of it or an even
// sample, candidate by candidate, or all of it by bounds.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/planning/bounds/bounded_search.h"
#include "core/planning/draft.h"
#include "core/planning/several_targets.h"

namespace kasetsu::planning {

// The farthest candidates from everything known. What it keeps does not depend on their order.
class Reservoir {
 public:
  struct Row {
    double squared;  // distance to the nearest known point
    std::uint64_t index;
    Eigen::VectorXd coordinates;
  };

  explicit Reservoir(std::size_t capacity) : capacity_(capacity) {}

  void add(std::vector<Row> rows);
  // The rows that are kept, by index. Nothing is added after it.
  const std::vector<Row>& finish();
  // A candidate nearer than this is of no use: so many farther ones are kept.
  double threshold() const { return threshold_; }
  bool dropped() const { return dropped_; }

 private:
  void shrink();

  std::size_t capacity_;
  std::vector<Row> rows_;
  double threshold_ = -1.0;
  bool dropped_ = false;
};

// What is looked for.
struct Wanted {
  int exploit = 0, challenge = 0, explore = 0, random = 0;
  int modelled() const { return exploit + challenge + explore; }
};

class SpaceSearch {
 public:
  SpaceSearch(Draft& draft, const SeveralTargets& targets, const Executor& executor,
              const Control& control);

  // Decides how the space is looked through, and says so in the plan. Errors: cancelled, those of
  // the surrogate.
  Status begin(const Wanted& wanted);
  // The candidate nearest to the middle of the space; empty: none is allowed.
  Result<std::vector<Scored>> middle();
  // Fills the pools.
  Status run(const Wanted& wanted);
  // Draws more candidates at random where the search by bounds looked at none one by one.
  void draw_random(int count);
  // Writes into the plan what is proven, and how the space was looked through.
  void report(const Wanted& wanted);

  // The best of each purpose, best first.
  std::vector<Scored> exploit, challenge, random;
  Reservoir reservoir{0};
  std::unique_ptr<BoundedSearch> bounded;  // null: the reservoir holds what explore picks from

 private:
  enum class Look { all, exploit, middle };
  struct Findings;
  void scan_block(std::uint64_t block, Look look, const Wanted& wanted, Findings& out) const;
  void offer_predictions(const Evaluation& evaluation, const std::vector<std::uint64_t>& indices,
                         const Eigen::VectorXd& of_front, const Wanted& wanted, Look look,
                         Findings& out) const;
  Result<Findings> scan(Look look, const Wanted& wanted);
  void count_rules_in_plan(const Findings& found);
  Status search_by_bounds(const Wanted& wanted);
  Status sample_exploit(const Wanted& wanted);
  bool can_bound_exploit() const;

  Draft& draft_;
  const SeveralTargets& targets_;
  const Executor& executor_;
  const Control& control_;
  std::size_t pool_;            // candidates kept for a strategy to choose from
  std::uint64_t visited_ = 0;   // candidates to scan
  std::uint64_t unusable_ = 0;  // candidates without a prediction
};

}  // namespace kasetsu::planning
