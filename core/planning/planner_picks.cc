// What each strategy takes from what the search found, and the sentences that go with it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/planner_impl.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

double squared_distance(const VectorXd& a, const VectorXd& b) {
  return (a - b).squaredNorm();
}

}  // namespace

std::string Planner::number(double value) const {
  return fmt::format("{:.4g}", value);
}

std::string Planner::with_unit(double value) const {
  if (problem_.unit.empty()) return number(value);
  return number(value) + " " + problem_.unit;
}

std::string Planner::as_good_as(double value) const {
  if (options_.aim.goal != Goal::target) return with_unit(value);
  return fmt::format("{} from {}", with_unit(value), number(options_.aim.value));
}

std::string Planner::interval(const Member& member) const {
  return fmt::format("{} (80 % interval {} to {})", with_unit(member.mean), number(member.low),
                     number(member.high));
}

// Greedy maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): the score, scaled to
// [0, 1] over the pool, less the similarity to the nearest pick of this batch. Similarity falls
// with the squared distance in units of the pool's median distance to its centre.
std::vector<std::size_t> Planner::diverse(const std::vector<Member>& pool, int count,
                                          const Rescore& rescore) {
  BatchBudget budget = budget_;
  std::vector<std::size_t> chosen;
  if (pool.empty()) return chosen;
  double low = kInfinity;
  double high = -kInfinity;
  VectorXd centre = VectorXd::Zero(surrogate_.dimensions());
  Index finite = 0;
  std::vector<double> scores;
  for (const Member& member : pool) {
    scores.push_back(member.score);
    low = std::min(low, member.score);
    high = std::max(high, member.score);
    if (member.coordinates.allFinite()) {
      centre += member.coordinates;
      ++finite;
    }
  }
  if (finite > 0) centre /= static_cast<double>(finite);
  std::vector<double> spread;
  for (const Member& member : pool) {
    if (member.coordinates.allFinite()) {
      spread.push_back(squared_distance(member.coordinates, centre));
    }
  }
  double scale = 1.0;
  if (!spread.empty()) {
    const auto middle = spread.begin() + static_cast<std::ptrdiff_t>(spread.size() / 2);
    std::nth_element(spread.begin(), middle, spread.end());
    if (*middle > 0.0) scale = *middle;
  }
  std::vector<double> similarity(pool.size(), 0.0);
  const auto meet = [&](const VectorXd& coordinates) {
    for (std::size_t i = 0; i < pool.size(); ++i) {
      const double squared = squared_distance(pool[i].coordinates, coordinates);
      if (std::isfinite(squared)) {
        similarity[i] = std::max(similarity[i], std::exp(-squared / scale));
      }
    }
  };
  for (const VectorXd& coordinates : picked_coordinates_) meet(coordinates);
  std::vector<bool> used(pool.size(), false);
  const double range = high > low ? high - low : 1.0;
  while (static_cast<int>(chosen.size()) < count) {
    std::size_t best = pool.size();
    double best_value = -kInfinity;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (used[i]) continue;
      const double value = (1.0 - options_.diversity) * (scores[i] - low) / range -
                           options_.diversity * similarity[i];
      if (value > best_value) {
        best_value = value;
        best = i;
      }
    }
    if (best == pool.size()) break;
    used[best] = true;
    if (!affordable(budget, pool[best].candidate)) continue;
    budget.spend(pool[best].candidate.catalyst);
    chosen.push_back(best);
    meet(pool[best].coordinates);
    if (rescore) rescore(best, scores);
  }
  return chosen;
}

// One after another, each as if the earlier ones had been measured at their mean ("kriging
// believer", Ginsbourger, Le Riche and Carraro, 2010): the covariance shrinks, the mean stays.
std::vector<std::size_t> Planner::improving(const std::vector<Member>& pool,
                                            const JointPrediction& joint, int count) {
  BatchBudget budget = budget_;
  std::vector<std::size_t> chosen;
  MatrixXd covariance = joint.covariance;
  std::vector<bool> used(pool.size(), false);
  while (static_cast<int>(chosen.size()) < count) {
    std::size_t best = pool.size();
    Scored best_score{-kInfinity, -kInfinity, 0};
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (used[i]) continue;
      const auto row = static_cast<Index>(i);
      const double sd = std::sqrt(std::max(0.0, covariance(row, row)));
      const Scored score{acquirer_.score(joint.mean[row], sd),
                         acquirer_.aim.utility(joint.mean[row]), pool[i].index.value_or(0)};
      if (best == pool.size() || better(score, best_score)) {
        best = i;
        best_score = score;
      }
    }
    if (best == pool.size()) break;
    used[best] = true;
    if (!affordable(budget, pool[best].candidate)) continue;
    budget.spend(pool[best].candidate.catalyst);
    chosen.push_back(best);
    const auto row = static_cast<Index>(best);
    const double variance = covariance(row, row) + joint.noise;
    if (variance > 0.0) {
      const VectorXd column = covariance.col(row);
      covariance.noalias() -= column * column.transpose() / variance;
    }
  }
  return chosen;
}

void Planner::take(Strategy strategy, const Member& member, std::string reason,
                   const std::string& runner_up) {
  Proposal proposal;
  proposal.strategy = strategy;
  proposal.candidate = member.candidate;
  proposal.key = space_.key(member.candidate);
  proposal.index = member.index;
  proposal.mean = member.mean;
  proposal.low = member.low;
  proposal.high = member.high;
  proposal.novelty = member.novelty;
  proposal.disagreement = member.disagreement;
  proposal.score = member.score;
  proposal.runner_up = runner_up;
  double nearest = kInfinity;
  if (member.coordinates.allFinite()) {
    for (Index k = 0; k < known_coordinates_.rows(); ++k) {
      const std::string& key = repel_keys_[static_cast<std::size_t>(k)];
      if (key == proposal.key) continue;
      const double squared =
          (known_coordinates_.row(k).transpose() - member.coordinates).squaredNorm();
      if (squared < nearest) {
        nearest = squared;
        proposal.nearest = key;
      }
    }
    picked_coordinates_.push_back(member.coordinates);
    picked_keys_.push_back(proposal.key);
  }
  proposal.distance = std::sqrt(nearest);
  proposal.reason = std::move(reason);
  if (surrogate_.predicts()) proposal.drivers = surrogate_.drivers(member.candidate);
  if (problem_.rules != nullptr) proposal.nearly = problem_.rules->nearly(member.candidate);
  budget_.spend(member.candidate.catalyst);
  if (member.index) taken_.insert(*member.index);
  taken_keys_.insert(proposal.key);
  picks_[strategy].push_back(std::move(proposal));
}

Status Planner::pick_exploit(int count) {
  Result<std::vector<Member>> pool = members(exploit_pool_);
  if (!pool) return pool.error();
  std::vector<Candidate> candidates;
  for (const Member& member : *pool) candidates.push_back(member.candidate);
  const std::optional<JointPrediction> joint =
      candidates.empty() ? std::nullopt : surrogate_.joint(candidates);
  const std::vector<std::size_t> chosen =
      joint ? improving(*pool, *joint, count) : diverse(*pool, count);
  std::set<std::size_t> used(chosen.begin(), chosen.end());
  std::string runner_up;
  for (std::size_t i = 0; i < pool->size(); ++i) {
    if (!used.count(i)) {
      runner_up = space_.key((*pool)[i].candidate);
      break;
    }
  }
  for (const std::size_t i : chosen) {
    const Member& member = (*pool)[i];
    std::string why;
    switch (acquirer_.acquisition) {
      case Acquisition::expected_improvement:
        why = fmt::format("expected improvement {} on {}, which one in ten of the measured reaches",
                          number(member.score), as_good_as(best_));
        break;
      case Acquisition::probability:
        why = fmt::format("probability {:.2f} of reaching {}", member.score,
                          as_good_as(*options_.threshold));
        break;
      case Acquisition::conservative:
        why = fmt::format(
            "nine chances in ten of {} or better",
            as_good_as(options_.aim.goal == Goal::maximize ? member.score : -member.score));
        break;
      case Acquisition::automatic:
      case Acquisition::mean:
        why = "among the best predictions";
        break;
    }
    take(Strategy::exploit, member, fmt::format("Predicted {}: {}.", interval(member), why),
         runner_up);
  }
  return {};
}

Status Planner::pick_challenge(int count) {
  Result<std::vector<Member>> pool = members(challenge_pool_);
  if (!pool) return pool.error();
  const std::vector<std::size_t> chosen = diverse(*pool, count);
  std::set<std::size_t> used(chosen.begin(), chosen.end());
  std::string runner_up;
  for (std::size_t i = 0; i < pool->size(); ++i) {
    if (!used.count(i)) {
      runner_up = space_.key((*pool)[i].candidate);
      break;
    }
  }
  for (const std::size_t i : chosen) {
    const Member& member = (*pool)[i];
    take(Strategy::challenge, member,
         fmt::format("The surviving hypotheses that have seen the like of it disagree by {}: its "
                     "measurement tells them apart.",
                     with_unit(member.disagreement)),
         runner_up);
  }
  return {};
}

std::string Planner::explore_reason(const VectorXd& coordinates, double distance) const {
  if (!std::isfinite(distance)) return "Nothing is known yet: in the middle of the space.";
  // Whichever is nearest of what was known before and what this batch already holds.
  std::string key;
  double least = kInfinity;
  for (Index k = 0; k < known_coordinates_.rows(); ++k) {
    const double d = (known_coordinates_.row(k).transpose() - coordinates).squaredNorm();
    if (d < least) {
      least = d;
      key = repel_keys_[static_cast<std::size_t>(k)];
    }
  }
  for (std::size_t p = 0; p < picked_coordinates_.size(); ++p) {
    const double d = squared_distance(picked_coordinates_[p], coordinates);
    if (d < least) {
      least = d;
      key = picked_keys_[p];
    }
  }
  return fmt::format(
      "Farthest from everything known and picked: the nearest, {}, is {} standard deviations away.",
      key, number(distance));
}

Status Planner::pick_explore_bounded(int count) {
  MatrixXd also(static_cast<Index>(picked_coordinates_.size()), surrogate_.dimensions());
  for (std::size_t i = 0; i < picked_coordinates_.size(); ++i) {
    also.row(static_cast<Index>(i)) = picked_coordinates_[i].transpose();
  }
  const Result<std::vector<BoundedSearch::FarPick>> picks =
      bounded_->farthest(count, also, taken_, budget_);
  if (!picks) return picks.error();
  for (const BoundedSearch::FarPick& pick : *picks) {
    Result<std::vector<Member>> member = members({{pick.distance, 0.0, pick.index}});
    if (!member) return member.error();
    if (member->empty()) continue;
    std::string reason = explore_reason(member->front().coordinates, pick.distance);
    take(Strategy::explore, member->front(), std::move(reason), "");
    picks_[Strategy::explore].back().proven = pick.proven;
  }
  return {};
}

Status Planner::pick_explore(int count) {
  if (bounded_) return pick_explore_bounded(count);
  reservoir_.finish();
  const std::vector<Reservoir::Row>& rows = reservoir_.rows();
  std::vector<double> squared(rows.size());
  std::vector<std::string> nearest(rows.size());
  const auto meet = [&](const VectorXd& coordinates) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      squared[i] = std::min(squared[i], squared_distance(rows[i].coordinates, coordinates));
    }
  };
  for (std::size_t i = 0; i < rows.size(); ++i) squared[i] = rows[i].squared;
  for (const VectorXd& coordinates : picked_coordinates_) meet(coordinates);
  std::vector<bool> dear(rows.size(), false);
  for (int n = 0; n < count;) {
    std::size_t best = rows.size();
    std::size_t second = rows.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (taken(rows[i].index) || dear[i]) continue;
      if (best == rows.size() || squared[i] > squared[best]) {
        second = best;
        best = i;
      } else if (second == rows.size() || squared[i] > squared[second]) {
        second = i;
      }
    }
    if (best == rows.size()) break;
    if (!affordable(budget_, space_.unrank(rows[best].index))) {
      dear[best] = true;  // the budget only shrinks
      continue;
    }
    ++n;
    const double distance = std::sqrt(squared[best]);
    if (reservoir_.dropped() && !(squared[best] > reservoir_.threshold())) plan_.exact = false;
    Result<std::vector<Member>> member = members({{distance, 0.0, rows[best].index}});
    if (!member) return member.error();
    std::string runner_up;
    if (second != rows.size()) runner_up = space_.key(space_.unrank(rows[second].index));
    std::string reason = explore_reason(rows[best].coordinates, distance);
    take(Strategy::explore, member->front(), std::move(reason), runner_up);
    meet(rows[best].coordinates);
  }
  return {};
}

Status Planner::pick_random(int count) {
  std::vector<Scored> pool;
  BatchBudget budget = budget_;
  for (const Scored& item : random_pool_) {
    if (taken(item.index) || static_cast<int>(pool.size()) == count) continue;
    const Candidate candidate = space_.unrank(item.index);
    if (!affordable(budget, candidate)) continue;
    budget.spend(candidate.catalyst);
    pool.push_back(item);
  }
  Result<std::vector<Member>> chosen = members(pool);
  if (!chosen) return chosen.error();
  for (Member& member : *chosen) {
    member.score = kNaN;
    take(Strategy::random, member, "Drawn at random from what the rules allow.", "");
  }
  return {};
}

Status Planner::pick_recheck(int count) {
  struct Known {
    double score;
    std::size_t at;
  };
  std::set<std::string> busy;
  for (std::size_t i = 0; i < problem_.known.size(); ++i) {
    const KnownState state = problem_.known[i].state;
    if (state == KnownState::pending || state == KnownState::infeasible) {
      busy.insert(known_keys_[i]);
    }
  }
  std::vector<Known> order;
  for (std::size_t i = 0; i < problem_.known.size(); ++i) {
    const KnownPoint& point = problem_.known[i];
    if (point.state != KnownState::measured || !std::isfinite(point.loo_error) ||
        point.candidate.conditions.size() != space_.conditions().size() ||
        point.measurements >= options_.most_measurements || busy.count(known_keys_[i]) ||
        taken_keys_.count(known_keys_[i])) {
      continue;
    }
    // The mean of n measurements is wrong by chance less often.
    order.push_back({std::abs(point.loo_error) * std::sqrt(std::max(1, point.measurements)), i});
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Known& a, const Known& b) { return a.score > b.score; });
  std::size_t left = static_cast<std::size_t>(std::max(0, count));
  for (std::size_t n = 0; n < order.size() && left > 0; ++n) {
    const std::size_t i = order[n].at;
    if (taken_keys_.count(known_keys_[i])) continue;
    const KnownPoint& point = problem_.known[i];
    if (!affordable(budget_, point.candidate)) continue;
    const auto row = static_cast<Index>(i);
    const Member member = member_of(space_.rank(point.candidate), point.candidate,
                                    known_evaluation_, row, std::abs(point.loo_error));
    take(Strategy::recheck, member,
         fmt::format("Measured {} ({}), {} away from what the others predict for it: repeat it "
                     "before a hypothesis is built on it.",
                     with_unit(point.value),
                     point.measurements == 1 ? "once" : fmt::format("{} times", point.measurements),
                     with_unit(std::abs(point.loo_error))),
         n + 1 < order.size() ? known_keys_[order[n + 1].at] : "");
    --left;
  }
  return {};
}

Status Planner::pick_bridge(int count) {
  std::vector<Candidate> references = options_.references;
  std::string why = "A reference of the campaign, repeated in every batch to see drift.";
  if (references.empty()) {
    std::vector<std::pair<double, std::size_t>> order;
    std::vector<double> values;
    for (const KnownPoint& point : problem_.known) {
      if (point.state == KnownState::measured && std::isfinite(point.value)) {
        values.push_back(point.value);
      }
    }
    if (!values.empty()) {
      const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
      std::nth_element(values.begin(), middle, values.end());
      for (std::size_t i = 0; i < problem_.known.size(); ++i) {
        const KnownPoint& point = problem_.known[i];
        if (point.state == KnownState::measured && std::isfinite(point.value)) {
          order.emplace_back(std::abs(point.value - *middle), i);
        }
      }
      // What served as a bridge before has been measured most often and stays one.
      std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
        const int na = problem_.known[a.second].measurements;
        const int nb = problem_.known[b.second].measurements;
        return na != nb ? na > nb : a.first < b.first;
      });
      for (const auto& [distance, i] : order) {
        references.push_back(completed(problem_.known[i].candidate));
      }
      why =
          "Repeated to see drift between batches: the campaign names no references, and this one "
          "is measured most often or nearest to the median.";
    }
  }
  std::vector<Candidate> chosen;
  BatchBudget budget = budget_;
  for (const Candidate& candidate : references) {
    if (static_cast<int>(chosen.size()) == count) break;
    if (taken_keys_.count(space_.key(candidate)) || !affordable(budget, candidate)) continue;
    budget.spend(candidate.catalyst);
    chosen.push_back(candidate);
  }
  if (chosen.empty()) return {};
  Evaluation evaluation;
  evaluation.resize(static_cast<Index>(chosen.size()), surrogate_.dimensions());
  if (Status status = surrogate_.evaluate(chosen, evaluation); !status) return status;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto row = static_cast<Index>(i);
    const Member member = member_of(space_.rank(chosen[i]), chosen[i], evaluation, row, kNaN);
    take(Strategy::bridge, member, why, "");
  }
  return {};
}

// What a person asked for is made, whatever the rules say of it: they are told.
Status Planner::pick_manual(int count) {
  std::set<std::string> busy;
  for (std::size_t i = 0; i < problem_.known.size(); ++i) {
    const KnownState state = problem_.known[i].state;
    if (state == KnownState::pending || state == KnownState::infeasible) {
      busy.insert(known_keys_[i]);
    }
  }
  for (const Candidate& asked : options_.manual) {
    if (static_cast<int>(picks_[Strategy::manual].size()) == count) break;
    const Candidate candidate = completed(asked);
    const std::string key = space_.key(candidate);
    if (busy.count(key) > 0) {
      plan_.notes.push_back(
          fmt::format("{} was asked for by hand, but is being made or cannot be made.", key));
      continue;
    }
    if (taken_keys_.count(key) > 0) continue;
    Evaluation evaluation;
    evaluation.resize(1, surrogate_.dimensions());
    if (Status status = surrogate_.evaluate({&candidate, 1}, evaluation); !status) return status;
    std::string reason = "Asked for by hand";
    if (problem_.rules != nullptr) {
      for (const std::string& rule : problem_.rules->explain(candidate)) reason += "; " + rule;
    }
    const std::string dear = budget_.exceeded_by(candidate.catalyst);
    if (!dear.empty()) reason += "; it exceeds " + dear;
    take(Strategy::manual, member_of(space_.rank(candidate), candidate, evaluation, 0, kNaN),
         reason + ".", "");
  }
  return {};
}

Planner::Member Planner::member_of(std::optional<std::uint64_t> index, const Candidate& candidate,
                                   const Evaluation& evaluation, Index row, double score) {
  return {index,
          candidate,
          evaluation.mean[row],
          evaluation.low[row],
          evaluation.high[row],
          evaluation.novelty[row],
          evaluation.disagreement[row],
          score,
          evaluation.coordinates.row(row).transpose()};
}

bool Planner::affordable(const BatchBudget& budget, const Candidate& candidate) {
  if (!budget.limited()) return true;
  const std::string exceeded = budget.exceeded_by(candidate.catalyst);
  if (exceeded.empty()) return true;
  ++too_dear_[exceeded];
  return false;
}

}  // namespace kasetsu::planning
