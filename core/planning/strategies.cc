#include "core/planning/strategies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/constants.h"
#include "core/planning/surrogates/farthest_points.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Hypotheses that differ by less than this share of the interval agree.
constexpr double kAgree = 1e-6;

std::string why_exploit(const Draft& draft, const Member& member) {
  switch (draft.acquirer.acquisition) {
    case Acquisition::expected_improvement:
      return fmt::format("expected improvement {} on {}, which one in ten of the measured reaches",
                         short_number(member.score), draft.as_good_as(draft.best));
    case Acquisition::probability:
      return fmt::format("probability {:.2f} of reaching {}", member.score,
                         draft.as_good_as(*draft.options.threshold));
    case Acquisition::conservative:
      return fmt::format(
          "nine chances in ten of {} or better",
          draft.as_good_as(draft.options.aim.goal == Goal::maximize ? member.score
                                                                    : -member.score));
    case Acquisition::automatic:
    case Acquisition::mean:
      break;
  }
  return "among the best predictions";
}

std::string why_explore(const Draft& draft, const VectorXd& coordinates, double distance) {
  if (!std::isfinite(distance)) return "Nothing is known yet: in the middle of the space.";
  return fmt::format(
      "Farthest from everything known and picked: the nearest, {}, is {} standard deviations away.",
      draft.nearest_key(coordinates), short_number(distance));
}

// Rows of the reservoir with their distance to the nearest of what is known and picked.
class FarRows {
 public:
  FarRows(const Draft& draft, const std::vector<Reservoir::Row>& rows)
      : draft_(draft), rows_(rows), unaffordable_(rows.size(), false) {
    for (const Reservoir::Row& row : rows) squared_.push_back(row.squared);
    for (const VectorXd& coordinates : draft.picked_coordinates) {
      if (draft.control.cancelled()) return;
      meet(coordinates);
    }
  }
  void meet(const VectorXd& coordinates) {
    for (std::size_t i = 0; i < rows_.size(); ++i)
      squared_[i] = std::min(squared_[i], squared_between(rows_[i].coordinates.data(),
                                                          coordinates.data(), coordinates.size()));
  }
  void pass_over(std::size_t row) { unaffordable_[row] = true; }
  double squared(std::size_t row) const { return squared_[row]; }
  // The farthest row and the next; rows.size() where there is none.
  std::pair<std::size_t, std::size_t> farthest() const {
    std::size_t best = rows_.size();
    std::size_t second = rows_.size();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (draft_.taken(rows_[i].index) || unaffordable_[i]) continue;
      if (best == rows_.size() || squared_[i] > squared_[best]) {
        second = best;
        best = i;
      } else if (second == rows_.size() || squared_[i] > squared_[second]) {
        second = i;
      }
    }
    return {best, second};
  }

 private:
  const Draft& draft_;
  const std::vector<Reservoir::Row>& rows_;
  std::vector<double> squared_;
  std::vector<bool> unaffordable_;
};

Status explore_by_bounds(Draft& draft, BoundedSearch& bounded, int count) {
  MatrixXd picked(static_cast<Index>(draft.picked_coordinates.size()),
                  draft.surrogate.dimensions());
  for (std::size_t i = 0; i < draft.picked_coordinates.size(); ++i)
    picked.row(static_cast<Index>(i)) = draft.picked_coordinates[i].transpose();
  const Result<std::vector<BoundedSearch::FarPick>> picks =
      bounded.farthest(count, picked, draft.taken(), draft.budget());
  if (!picks) return picks.error();
  for (const BoundedSearch::FarPick& pick : *picks) {
    if (draft.control.cancelled()) return cancelled_error();
    if (!(pick.distance > kSamePlace)) break;
    Result<std::vector<Member>> member =
        draft.members(std::vector<Scored>{{pick.distance, 0.0, pick.index}});
    if (!member) return member.error();
    if (member->empty()) continue;
    std::string reason = why_explore(draft, member->front().coordinates, pick.distance);
    draft.take(Strategy::explore, member->front(), std::move(reason), "").proven = pick.proven;
  }
  return {};
}

// The measured points, those first that serve as references best: what was measured most often (it
// has served before), then what is nearest to the median value.
std::vector<Candidate> natural_references(const Draft& draft) {
  const std::vector<KnownPoint>& known = draft.problem.known;
  std::vector<std::size_t> order;
  std::vector<double> values;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i].state != KnownState::measured || !std::isfinite(known[i].value)) continue;
    order.push_back(i);
    values.push_back(known[i].value);
  }
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (known[a].measurements != known[b].measurements)
      return known[a].measurements > known[b].measurements;
    return std::abs(known[a].value - *middle) < std::abs(known[b].value - *middle);
  });
  std::vector<Candidate> references;
  for (const std::size_t i : order) references.push_back(draft.known[i]);
  return references;
}

constexpr std::size_t kMostJoint = 1'000;  // candidates whose covariance is asked for

}  // namespace

Status pick_exploit(Draft& draft, const std::vector<Scored>& from, int count) {
  const Result<std::vector<Member>> pool = draft.members(from);
  if (!pool) return pool.error();
  std::vector<Candidate> candidates;
  for (const Member& member : *pool) candidates.push_back(member.candidate);
  // The best of them where they are many: their covariance grows with the square.
  const bool few = static_cast<std::size_t>(count) <= kMostJoint / 4;
  if (candidates.size() > kMostJoint) candidates.resize(kMostJoint);
  const std::optional<JointPrediction> joint =
      candidates.empty() || !few ? std::nullopt : draft.surrogate.joint(candidates);
  const std::vector<std::size_t> chosen =
      joint ? draft.improving(*pool, *joint, count) : draft.diverse(*pool, count);
  const std::string runner_up = draft.runner_up(*pool, chosen);
  for (const std::size_t i : chosen) {
    if (draft.control.cancelled()) return cancelled_error();
    const Member& member = (*pool)[i];
    draft.take(Strategy::exploit, member,
               fmt::format("Predicted {}: {}.", draft.interval(member), why_exploit(draft, member)),
               runner_up);
  }
  return {};
}

Status pick_challenge(Draft& draft, const std::vector<Scored>& from, int count) {
  Result<std::vector<Member>> pool = draft.members(from);
  if (!pool) return pool.error();
  std::erase_if(*pool, [](const Member& member) {
    return !(member.disagreement > kAgree * (member.high - member.low));
  });
  const std::vector<std::size_t> chosen = draft.diverse(*pool, count);
  const std::string runner_up = draft.runner_up(*pool, chosen);
  for (const std::size_t i : chosen) {
    if (draft.control.cancelled()) return cancelled_error();
    const Member& member = (*pool)[i];
    draft.take(Strategy::challenge, member,
               fmt::format("The surviving hypotheses that have seen the like of it disagree by {}: "
                           "its measurement tells them apart.",
                           draft.in_unit(member.disagreement)),
               runner_up);
  }
  return {};
}

Status pick_explore(Draft& draft, SpaceSearch& search, int count) {
  if (search.bounded) return explore_by_bounds(draft, *search.bounded, count);
  const std::vector<Reservoir::Row>& rows = search.reservoir.finish();
  FarRows far(draft, rows);
  for (int n = 0; n < count;) {
    if (draft.control.cancelled()) return cancelled_error();
    const auto [best, second] = far.farthest();
    // Candidates with the descriptors of something known tell nothing new.
    if (best == rows.size() || !(far.squared(best) > kSamePlace * kSamePlace)) break;
    if (!draft.affordable(draft.budget(), draft.space.unrank(rows[best].index))) {
      far.pass_over(best);  // the budget only shrinks
      continue;
    }
    ++n;
    const double distance = std::sqrt(far.squared(best));
    if (search.reservoir.dropped() && !(far.squared(best) > search.reservoir.threshold()))
      draft.plan.exact = false;
    Result<std::vector<Member>> member =
        draft.members(std::vector<Scored>{{distance, 0.0, rows[best].index}});
    if (!member) return member.error();
    const std::string runner_up =
        second != rows.size() ? draft.space.key(draft.space.unrank(rows[second].index)) : "";
    std::string reason = why_explore(draft, rows[best].coordinates, distance);
    draft.take(Strategy::explore, member->front(), std::move(reason), runner_up);
    far.meet(rows[best].coordinates);
  }
  return {};
}

Status pick_random(Draft& draft, const std::vector<Scored>& from, int count) {
  std::vector<Scored> pool;
  BatchBudget budget = draft.budget();
  for (const Scored& item : from) {
    if (draft.taken(item.index) || static_cast<int>(pool.size()) == count) continue;
    const Candidate candidate = draft.space.unrank(item.index);
    if (!draft.affordable(budget, candidate)) continue;
    budget.spend(candidate.catalyst);
    pool.push_back(item);
  }
  Result<std::vector<Member>> chosen = draft.members(pool);
  if (!chosen) return chosen.error();
  for (Member& member : *chosen) {
    if (draft.control.cancelled()) return cancelled_error();
    member.score = kNaN;
    draft.take(Strategy::random, member, "Drawn at random from what the rules allow.", "");
  }
  return {};
}

Status pick_recheck(Draft& draft, int count) {
  const std::vector<KnownPoint>& known = draft.problem.known;
  const std::set<std::string> busy = draft.busy_keys();
  std::vector<std::pair<double, std::size_t>> order;  // score, which
  for (std::size_t i = 0; i < known.size(); ++i) {
    const KnownPoint& point = known[i];
    if (point.state != KnownState::measured || !std::isfinite(point.loo_error) ||
        point.candidate.conditions.size() != draft.space.conditions().size() ||
        (draft.problem.rules != nullptr && !draft.problem.rules->allows(point.candidate)) ||
        point.measurements >= draft.options.most_measurements || busy.count(draft.known_keys[i]) ||
        draft.taken(draft.known_keys[i])) {
      continue;
    }
    // The mean of n measurements is wrong by chance less often.
    order.emplace_back(std::abs(point.loo_error) * std::sqrt(std::max(1, point.measurements)), i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  int left = count;
  for (std::size_t n = 0; n < order.size() && left > 0; ++n) {
    if (draft.control.cancelled()) return cancelled_error();
    const std::size_t i = order[n].second;
    const KnownPoint& point = known[i];
    if (draft.taken(draft.known_keys[i]) || !draft.affordable(draft.budget(), point.candidate))
      continue;
    const Member member =
        member_of(draft.space.rank(point.candidate), point.candidate, draft.known_evaluation,
                  static_cast<Index>(i), std::abs(point.loo_error));
    draft.take(
        Strategy::recheck, member,
        fmt::format("Measured {} ({}), {} away from what the others predict for it: repeat "
                    "it before a hypothesis is built on it.",
                    draft.in_unit(point.value),
                    point.measurements == 1 ? "once" : fmt::format("{} times", point.measurements),
                    draft.in_unit(std::abs(point.loo_error))),
        n + 1 < order.size() ? draft.known_keys[order[n + 1].second] : "");
    --left;
  }
  return {};
}

namespace {

// Whether a rule forbids it; then a note says which. `named`: "was asked for by hand".
bool forbidden(Draft& draft, const Candidate& candidate, std::string_view named) {
  if (draft.problem.rules == nullptr) return false;
  const std::vector<std::string> broken = draft.problem.rules->explain(candidate);
  if (broken.empty()) return false;
  draft.note(fmt::format("{} {}, and is forbidden: {}.", draft.space.key(candidate), named,
                         broken.front()));
  return true;
}

}  // namespace

Status pick_bridge(Draft& draft, int count) {
  std::vector<Candidate> references = draft.options.references;
  std::string why = "A reference of the campaign, repeated in every batch to see drift.";
  if (references.empty()) {
    references = natural_references(draft);
    why =
        "Repeated to see drift between batches: the campaign names no references, and this one "
        "is measured most often or nearest to the median.";
  }
  std::vector<Candidate> chosen;
  BatchBudget budget = draft.budget();
  for (const Candidate& candidate : references) {
    if (static_cast<int>(chosen.size()) == count) break;
    if (forbidden(draft, candidate, "is a reference")) continue;
    if (draft.taken(draft.space.key(candidate)) || !draft.affordable(budget, candidate)) continue;
    budget.spend(candidate.catalyst);
    chosen.push_back(candidate);
  }
  Result<std::vector<Member>> members = draft.members(chosen);
  if (!members) return members.error();
  for (Member& member : *members) {
    if (draft.control.cancelled()) return cancelled_error();
    member.index = draft.space.rank(member.candidate);
    draft.take(Strategy::bridge, member, why, "");
  }
  return {};
}

// What lies outside of the space may be asked for by hand; what a rule forbids may not.
Status pick_manual(Draft& draft, int count) {
  const std::set<std::string> busy = draft.busy_keys();
  for (const Candidate& asked : draft.options.manual) {
    if (draft.control.cancelled()) return cancelled_error();
    if (draft.count(Strategy::manual) == count) break;
    const Candidate candidate = draft.completed(asked);
    const std::string key = draft.space.key(candidate);
    if (busy.count(key) > 0) {
      draft.note(
          fmt::format("{} was asked for by hand, but is being made or cannot be made.", key));
      continue;
    }
    if (draft.taken(key) || forbidden(draft, candidate, "was asked for by hand")) continue;
    Result<std::vector<Member>> member = draft.members(std::vector<Candidate>{candidate});
    if (!member) return member.error();
    member->front().index = draft.space.rank(candidate);
    std::string reason = "Asked for by hand";
    const std::string dear = draft.budget().exceeded_by(candidate.catalyst);
    if (!dear.empty()) reason += "; it exceeds " + dear;
    draft.take(Strategy::manual, member->front(), reason + ".", "");
  }
  return {};
}

}  // namespace kasetsu::planning
