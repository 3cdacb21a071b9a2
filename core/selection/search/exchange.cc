// Exchange search: swap descent from many starts. A descent goes round the places of a set; in each
// it tries every candidate by the scan and takes the best, first by least squares until nothing
// improves, then by the exact robust leave-one-out error among the best of each scan. Local optima
// are left by replacing a few members and descending again (iterated local search), from random
// sets and from the best sets so far. Tasks are independent within a round, so that the result does
// not depend on how many run at once.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>
#include <vector>

#include "core/base/random.h"
#include "core/selection/search/convergence.h"
#include "core/selection/search/methods.h"
#include "core/selection/search/scan.h"

namespace kasetsu::selection {
namespace {

constexpr std::size_t kTasks = 16;  // a round
// Work of a task, in scans and exact scores: about that of one descent from a random set.
constexpr std::uint64_t kScansATask = 40;
constexpr std::uint64_t kExactATask = 100;
// So many of a place's ranking by least squares are scored by the one-step approximation. The exact
// best of a place is nearly always among the first ten by least squares (80 % of the exact best
// eight among the first nine, near good sets).
constexpr int kFiltered = 16;
// Of those at most so many are scored exactly, while the approximation is not worse than this times
// the present error (it errs by less than 1 % where the error is small).
constexpr int kExact = 8;
constexpr double kSlack = 1.03;
// A step has to gain more than rounding.
constexpr double kGain = 1.0 - 1e-12;
// One task in so many starts from a random set, the others from one of the best so far.
constexpr std::size_t kFreshOneIn = 4;

class Climber {
 public:
  Climber(const Candidates& candidates, Random random, std::uint64_t quota, const Control& control)
      : candidates_(candidates),
        control_(control),
        random_(random),
        quota_(quota),
        scan_(candidates),
        evaluator_(candidates, control.stop),
        archive_(archive_capacity(candidates.options()),
                 shared_limit(candidates.options(), candidates.size())) {}

  // `start` empty: from a random set.
  void run(const Subset& start) {
    std::vector<int> current;
    double value = std::numeric_limits<double>::infinity();
    if (start.size == 0) {
      if (!draw_admissible(candidates_, random_, current)) return;
      value = climb(current);
    } else {
      current = start.to_vector();
      value = score(current, std::numeric_limits<double>::infinity());
    }
    while (!done()) {
      std::vector<int> changed = current;
      perturb(changed);
      const double reached = climb(changed);
      if (reached <= value) {
        value = reached;
        current = changed;
      }
    }
  }

  const Archive& archive() const { return archive_; }
  const Account& account() { return evaluator_.account(); }

 private:
  bool done() { return evaluator_.account().work >= quota_ || control_.should_stop(); }

  double score(const std::vector<int>& members, double give_up) {
    const Subset subset = Subset::of(members);
    const double value = evaluator_.mae_cv(subset, give_up);
    if (value < give_up && value < archive_.bar()) archive_.offer({value, subset});
    return value;
  }

  // Replaces up to half of the members, at random; they are moved to the front.
  void perturb(std::vector<int>& members) {
    const auto size = members.size();
    random_.shuffle(members);
    const auto replaced =
        1 + static_cast<std::size_t>(random_.below(std::max<std::uint64_t>(1, (size + 1) / 2)));
    const std::vector<int>& usable = candidates_.usable();
    for (std::size_t k = 0; k < replaced; ++k) {
      for (int attempt = 0; attempt < 32; ++attempt) {
        const int other = usable[static_cast<std::size_t>(random_.below(usable.size()))];
        bool fits = true;
        for (std::size_t m = 0; m < size && fits; ++m) {
          fits = m == k ? other != members[m] : candidates_.compatible(other, members[m]);
        }
        if (fits) {
          members[k] = other;
          break;
        }
      }
    }
  }

  // Ranks the candidates for a place; false when that was done for this very set already.
  bool scan_place(const std::vector<int>& members, std::size_t place) {
    fixed_.clear();
    for (std::size_t k = 0; k < members.size(); ++k) {
      if (k != place) fixed_.push_back(members[k]);
    }
    if (!ranked_[place].empty() && ranked_[place] == fixed_) return false;
    scan_.fix(fixed_);
    scan_.rank(kFiltered, rankings_[place]);
    ranked_[place] = fixed_;
    evaluator_.account().work += scan_work(candidates_, static_cast<int>(fixed_.size()));
    evaluator_.account().evaluations += static_cast<std::uint64_t>(candidates_.count());
    return true;
  }

  // Descends to a local optimum; returns its exact error.
  double climb(std::vector<int>& members) {
    const std::size_t size = members.size();
    std::size_t place = 0;
    for (std::size_t idle = 0; idle < size && !done(); place = (place + 1) % size) {
      ++idle;
      if (improve_least_squares(members, place)) idle = 1;
    }
    double value = score(members, std::numeric_limits<double>::infinity());
    for (std::size_t idle = 0; idle < size && !done(); place = (place + 1) % size) {
      ++idle;
      if (improve_exact(members, place, value)) idle = 1;
    }
    return value;
  }

  bool improve_least_squares(std::vector<int>& members, std::size_t place) {
    if (!scan_place(members, place)) scan_.fix(fixed_);
    const std::vector<Scored>& ranking = rankings_[place];
    if (ranking.empty() || ranking.front().candidate == members[place]) return false;
    if (!(ranking.front().score < kGain * scan_.ols_mae(members[place]))) return false;
    members[place] = ranking.front().candidate;
    return true;
  }

  bool improve_exact(std::vector<int>& members, std::size_t place, double& value) {
    scan_place(members, place);
    const int before = members[place];
    int best = before;
    order_ = rankings_[place];
    if (evaluator_.has_one_step()) {
      for (Scored& entry : order_) {
        members[place] = entry.candidate;
        entry.score = entry.candidate == before ? value : evaluator_.one_step(Subset::of(members));
      }
      std::sort(order_.begin(), order_.end());
    }
    int tried = 0;
    for (const Scored& entry : order_) {
      if (entry.candidate == before) continue;
      if (tried++ == kExact) break;
      if (evaluator_.has_one_step() && entry.score > kSlack * value) break;
      if (control_.cancelled()) break;
      members[place] = entry.candidate;
      const double reached = score(members, value);
      if (reached < kGain * value) {
        value = reached;
        best = entry.candidate;
      }
    }
    members[place] = best;
    return best != before;
  }

  const Candidates& candidates_;
  const Control& control_;
  Random random_;
  std::uint64_t quota_;
  SwapScan scan_;
  Evaluator evaluator_;
  Archive archive_;
  std::vector<int> fixed_;
  std::array<std::vector<int>, kLargestSize> ranked_;  // the members that stayed, by place
  std::array<std::vector<Scored>, kLargestSize> rankings_;
  std::vector<Scored> order_;
};

}  // namespace

Found search_exchange(const Candidates& candidates, const Limits& limits, const Executor& executor,
                      const Control& control) {
  const SearchOptions& options = candidates.options();
  Found found{Archive(archive_capacity(options), shared_limit(options, options.size)), {}, ""};
  const std::uint64_t usual = kScansATask * scan_work(candidates, candidates.size() - 1) +
                              kExactATask * exact_work(candidates);
  std::uint64_t stream = 1;
  Convergence convergence(candidates);
  for (std::uint64_t round = 0; found.stopped_by.empty(); ++round) {
    const std::uint64_t left = limits.work - std::min(limits.work, found.account.work);
    const std::uint64_t quota = std::min(usual, std::max<std::uint64_t>(left / kTasks, 1));
    std::array<Subset, kTasks> starts{};
    Random draw(options.seed, stream++);
    const std::vector<Entry>& elites = found.archive.entries();
    for (std::size_t task = 0; task < kTasks; ++task) {
      if (elites.empty() || task % kFreshOneIn == 0) continue;
      const double u = draw.uniform();
      starts[task] =
          elites[static_cast<std::size_t>(u * u * static_cast<double>(elites.size()))].subset;
    }
    std::vector<Archive> archives(kTasks, Archive(0, 0));
    std::array<Account, kTasks> accounts{};
    executor.parallel_for(kTasks, [&](std::size_t task) {
      if (control.should_stop() && (round > 0 || task > 0)) return;
      Climber climber(candidates, Random(options.seed, stream + task), quota, control);
      climber.run(starts[task]);
      archives[task] = climber.archive();
      accounts[task] = climber.account();
    });
    stream += kTasks;
    found.gather(archives, accounts);
    if (!found.must_stop(control, limits) && limits.until_converged &&
        convergence.settled(found.archive, executor)) {
      found.stopped_by = "converged";
    }
    if (control.cancelled()) break;
    found.report(control, limits, "exchange search");
  }
  return found;
}

}  // namespace kasetsu::selection
