// Exact scores of sets, with a memory of those already scored, and the account of the work done.
// One a task; not shared between threads.
#pragma once

#include <cstdint>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "core/base/random.h"
#include "core/regression/huber/robust.h"
#include "core/selection/search/archive.h"
#include "core/selection/search/candidates.h"

namespace kasetsu::selection {

// Units of work: about one row of one candidate in a scan that keeps seven columns. What a scan and
// an exact leave-one-out cost in it was measured once and is part of the contract of `work`, as it
// decides when a search ends.
std::uint64_t scan_work(const Candidates& candidates, int kept_columns);
std::uint64_t exact_work(const Candidates& candidates);
std::uint64_t one_step_work(const Candidates& candidates);
// Units a second that any machine of the last ten years should reach on one core.
inline constexpr double kNominalSpeed = 1.8e9;

struct Account {
  std::uint64_t evaluations = 0;
  std::uint64_t exact_evaluations = 0;
  std::uint64_t work = 0;

  Account& operator+=(const Account& other) {
    evaluations += other.evaluations;
    exact_evaluations += other.exact_evaluations;
    work += other.work;
    return *this;
  }
};

class Evaluator {
 public:
  Evaluator(const Candidates& candidates, const std::stop_token& stop);

  // The exact robust leave-one-out error, or some value >= give_up when it is not below that;
  // infinite for a forbidden set, and when `stop` asked for an end. A set that was scored before
  // costs nothing.
  double mae_cv(const Subset& subset, double give_up);

  // An approximation of mae_cv at a fraction of its cost, for filtering only.
  double one_step(const Subset& subset);
  // Whether that is any better than least squares: at epsilon 1 and with ridge it is not.
  bool has_one_step() const { return has_one_step_; }
  void forget() { known_.clear(); }

  Account& account() { return account_; }

 private:
  struct Known {
    double value;
    bool exact;  // otherwise a lower bound
  };
  const Candidates& candidates_;
  regression::LooEngine engine_;
  std::unordered_map<Subset, Known, SubsetHash> known_;
  Account account_;
  bool has_one_step_ = false;
};

// A set that fulfils the constraints, members in the order drawn; false when none was found in many
// tries.
bool draw_admissible(const Candidates& candidates, Random& random, std::vector<int>& members);

}  // namespace kasetsu::selection
