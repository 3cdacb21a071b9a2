#include "core/planning/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "core/base/constants.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

double squared_distance(const VectorXd& a, const VectorXd& b) {
  return (a - b).squaredNorm();
}

// The median squared distance of the members to their centre; 1 where they all lie there.
double spread_of(const std::vector<Member>& pool, Index dimensions) {
  VectorXd centre = VectorXd::Zero(dimensions);
  Index finite = 0;
  for (const Member& member : pool) {
    if (!member.coordinates.allFinite()) continue;
    centre += member.coordinates;
    ++finite;
  }
  if (finite == 0) return 1.0;
  centre /= static_cast<double>(finite);
  std::vector<double> squares;
  for (const Member& member : pool) {
    if (member.coordinates.allFinite()) {
      squares.push_back(squared_distance(member.coordinates, centre));
    }
  }
  const auto middle = squares.begin() + static_cast<std::ptrdiff_t>(squares.size() / 2);
  std::nth_element(squares.begin(), middle, squares.end());
  return *middle > 0.0 ? *middle : 1.0;
}

}  // namespace

Member member_of(std::optional<std::uint64_t> index, const Candidate& candidate,
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

std::string short_number(double value) {
  return fmt::format("{:.4g}", value);
}

std::string with_unit(double value, const std::string& unit) {
  return unit.empty() ? short_number(value) : fmt::format("{:.4g} {}", value, unit);
}

Draft::Draft(const PlanProblem& of, const PlanOptions& with, const Control& by)
    : problem(of), options(with), control(by), space(*of.space), surrogate(*of.surrogate) {
  if (problem.materials != nullptr) budget_ = BatchBudget(*problem.materials);
  plan.surrogate = surrogate.name();
  plan.space_size = space.size();
}

// A pending proposal of another client may not tell its conditions: it repels from the middle of
// the levels, and stands for every level.
Candidate Draft::completed(Candidate candidate) const {
  for (std::size_t c = candidate.conditions.size(); c < space.conditions().size(); ++c) {
    std::vector<double> levels = space.conditions()[c].levels;
    std::sort(levels.begin(), levels.end());
    candidate.conditions.push_back(levels[levels.size() / 2]);
  }
  return candidate;
}

std::vector<std::uint64_t> Draft::ranks_of(const Candidate& candidate) const {
  std::vector<std::uint64_t> ranks;
  if (candidate.conditions.size() >= space.conditions().size()) {
    if (const auto index = space.rank(candidate)) ranks.push_back(*index);
    return ranks;
  }
  Candidate full = completed(candidate);
  if (!space.rank(full)) return ranks;
  const auto told = static_cast<std::ptrdiff_t>(candidate.conditions.size());
  for (std::uint64_t c = 0; c < space.condition_points(); ++c) {
    const std::vector<double> values = space.condition_values(c);
    std::copy(values.begin() + told, values.end(), full.conditions.begin() + told);
    if (const auto index = space.rank(full)) ranks.push_back(*index);
  }
  return ranks;
}

Status Draft::learn_known() {
  for (const KnownPoint& point : problem.known) known.push_back(completed(point.candidate));
  if (Status status = evaluate_known(); !status) return status;
  exclude_known();
  choose_acquisition();
  return {};
}

Status Draft::evaluate_known() {
  known_coordinates.resize(0, surrogate.dimensions());
  if (known.empty()) return {};
  known_evaluation.resize(static_cast<Index>(known.size()), surrogate.dimensions());
  if (Status status = surrogate.evaluate(known, known_evaluation); !status) return status;
  std::vector<Index> finite;
  for (std::size_t i = 0; i < known.size(); ++i) {
    known_keys.push_back(space.key(known[i]));
    if (known_evaluation.coordinates.row(static_cast<Index>(i)).allFinite()) {
      finite.push_back(static_cast<Index>(i));
      coordinate_keys.push_back(known_keys.back());
    }
  }
  known_coordinates = known_evaluation.coordinates(finite, Eigen::all);
  return {};
}

void Draft::exclude_known() {
  const auto allowed = [&](KnownState state) {
    switch (state) {
      case KnownState::measured:
        return options.allow_measured;
      case KnownState::proposed:
        return options.allow_proposed;
      case KnownState::pending:
        return options.allow_pending;
      case KnownState::failed:
        return options.allow_failed;
      case KnownState::infeasible:
        return false;
    }
    return false;
  };
  for (const KnownPoint& point : problem.known) {
    if (allowed(point.state)) continue;
    for (const std::uint64_t index : ranks_of(point.candidate)) excluded.push_back(index);
  }
  std::sort(excluded.begin(), excluded.end());
  excluded.erase(std::unique(excluded.begin(), excluded.end()), excluded.end());
  plan.excluded = excluded.size();
}

// What must be beaten is the value that the surrogate gives to the best tenth of what was measured.
// The best measured value is one lucky measurement among many. The best prediction would leave only
// its own neighbours, and a batch looks for several good catalysts.
void Draft::choose_acquisition() {
  acquirer.aim = options.aim;
  std::vector<double> predicted;
  for (std::size_t i = 0; i < problem.known.size(); ++i) {
    if (problem.known[i].state != KnownState::measured || !surrogate.predicts()) continue;
    const double mean = known_evaluation.mean[static_cast<Index>(i)];
    if (std::isfinite(mean)) predicted.push_back(acquirer.aim.utility(mean));
  }
  acquirer.best = -kInfinity;
  if (!predicted.empty()) {
    const auto tenth = predicted.begin() + static_cast<std::ptrdiff_t>(predicted.size() / 10);
    std::nth_element(predicted.begin(), tenth, predicted.end(), std::greater<>());
    acquirer.best = *tenth;
  }
  acquirer.acquisition = options.acquisition;
  if (acquirer.acquisition == Acquisition::automatic) {
    acquirer.acquisition =
        options.threshold ? Acquisition::probability : Acquisition::expected_improvement;
  }
  if (acquirer.acquisition == Acquisition::expected_improvement && !std::isfinite(acquirer.best)) {
    acquirer.acquisition = Acquisition::mean;
  }
  best = options.aim.goal == Goal::maximize ? acquirer.best : -acquirer.best;
  if (options.threshold) acquirer.threshold = options.aim.level_of(*options.threshold);
}

bool Draft::is_excluded(std::uint64_t index) const {
  return std::binary_search(excluded.begin(), excluded.end(), index);
}

std::set<std::string> Draft::busy_keys() const {
  std::set<std::string> busy;
  for (std::size_t i = 0; i < problem.known.size(); ++i) {
    const KnownState state = problem.known[i].state;
    if (state == KnownState::pending || state == KnownState::infeasible) {
      busy.insert(known_keys[i]);
    }
  }
  return busy;
}

Result<std::vector<Member>> Draft::members(const std::vector<Scored>& pool) const {
  std::vector<Candidate> candidates;
  std::vector<const Scored*> kept;
  for (const Scored& item : pool) {
    if (taken(item.index)) continue;
    kept.push_back(&item);
    candidates.push_back(space.unrank(item.index));
  }
  Result<std::vector<Member>> found = members(candidates);
  if (!found) return found;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    (*found)[i].index = kept[i]->index;
    (*found)[i].score = kept[i]->score;
  }
  return found;
}

Result<std::vector<Member>> Draft::members(const std::vector<Candidate>& candidates) const {
  std::vector<Member> result;
  if (candidates.empty()) return result;
  Evaluation evaluation;
  evaluation.resize(static_cast<Index>(candidates.size()), surrogate.dimensions());
  if (Status status = surrogate.evaluate(candidates, evaluation); !status) return status.error();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    result.push_back(member_of(std::nullopt, candidates[i], evaluation, static_cast<Index>(i),
                               std::numeric_limits<double>::quiet_NaN()));
  }
  return result;
}

bool Draft::affordable(const BatchBudget& budget, const Candidate& candidate) {
  if (!budget.limited()) return true;
  const std::string exceeded = budget.exceeded_by(candidate.catalyst);
  if (exceeded.empty()) return true;
  ++too_dear_[exceeded];
  return false;
}

Proposal& Draft::take(Strategy strategy, const Member& member, std::string reason,
                      const std::string& runner_up) {
  Proposal proposal;
  proposal.strategy = strategy;
  proposal.candidate = member.candidate;
  proposal.key = space.key(member.candidate);
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
    for (Index k = 0; k < known_coordinates.rows(); ++k) {
      const std::string& key = coordinate_keys[static_cast<std::size_t>(k)];
      if (key == proposal.key) continue;
      const double squared =
          (known_coordinates.row(k).transpose() - member.coordinates).squaredNorm();
      if (squared < nearest) {
        nearest = squared;
        proposal.nearest = key;
      }
    }
    picked_coordinates.push_back(member.coordinates);
    picked_keys_.push_back(proposal.key);
  }
  proposal.distance = std::sqrt(nearest);
  proposal.reason = std::move(reason);
  if (surrogate.predicts()) proposal.drivers = surrogate.drivers(member.candidate);
  if (problem.rules != nullptr) proposal.nearly = problem.rules->nearly(member.candidate);
  budget_.spend(member.candidate.catalyst);
  if (member.index) taken_.insert(*member.index);
  taken_keys_.insert(proposal.key);
  std::vector<Proposal>& mine = picks_[strategy];
  mine.push_back(std::move(proposal));
  return mine.back();
}

int Draft::count(Strategy strategy) const {
  const auto found = picks_.find(strategy);
  return found == picks_.end() ? 0 : static_cast<int>(found->second.size());
}

std::string Draft::nearest_key(const VectorXd& coordinates) const {
  std::string key;
  double least = kInfinity;
  for (Index k = 0; k < known_coordinates.rows(); ++k) {
    const double d = (known_coordinates.row(k).transpose() - coordinates).squaredNorm();
    if (d < least) {
      least = d;
      key = coordinate_keys[static_cast<std::size_t>(k)];
    }
  }
  for (std::size_t p = 0; p < picked_coordinates.size(); ++p) {
    const double d = squared_distance(picked_coordinates[p], coordinates);
    if (d < least) {
      least = d;
      key = picked_keys_[p];
    }
  }
  return key;
}

// Greedy maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): the score, scaled to
// [0, 1] over the pool, less the similarity to the nearest pick of this batch. Similarity falls
// with the squared distance in units of the pool's median distance to its centre.
std::vector<std::size_t> Draft::diverse(const std::vector<Member>& pool, int count,
                                        const Rescore& rescore) {
  BatchBudget budget = budget_;
  std::vector<std::size_t> chosen;
  if (pool.empty()) return chosen;
  double low = kInfinity;
  double high = -kInfinity;
  std::vector<double> scores;
  for (const Member& member : pool) {
    scores.push_back(member.score);
    low = std::min(low, member.score);
    high = std::max(high, member.score);
  }
  const double scale = spread_of(pool, surrogate.dimensions());
  std::vector<double> similarity(pool.size(), 0.0);
  const auto meet = [&](const VectorXd& coordinates) {
    for (std::size_t i = 0; i < pool.size(); ++i) {
      const double squared = squared_distance(pool[i].coordinates, coordinates);
      if (std::isfinite(squared)) {
        similarity[i] = std::max(similarity[i], std::exp(-squared / scale));
      }
    }
  };
  for (const VectorXd& coordinates : picked_coordinates) {
    if (control.cancelled()) return chosen;
    meet(coordinates);
  }
  std::vector<bool> used(pool.size(), false);
  const double range = high > low ? high - low : 1.0;
  while (static_cast<int>(chosen.size()) < count && !control.cancelled()) {
    std::size_t best_at = pool.size();
    double best_value = -kInfinity;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (used[i]) continue;
      const double value =
          (1.0 - options.diversity) * (scores[i] - low) / range - options.diversity * similarity[i];
      if (value > best_value) {
        best_value = value;
        best_at = i;
      }
    }
    if (best_at == pool.size()) break;
    used[best_at] = true;
    if (!affordable(budget, pool[best_at].candidate)) continue;
    budget.spend(pool[best_at].candidate.catalyst);
    chosen.push_back(best_at);
    meet(pool[best_at].coordinates);
    if (rescore) rescore(best_at, scores);
  }
  return chosen;
}

// Each pick as if the earlier ones had been measured at their mean ("kriging believer",
// Ginsbourger, Le Riche and Carraro, 2010): the covariance shrinks, the mean stays.
std::vector<std::size_t> Draft::improving(const std::vector<Member>& pool,
                                          const JointPrediction& joint, int count) {
  BatchBudget budget = budget_;
  std::vector<std::size_t> chosen;
  MatrixXd covariance = joint.covariance;
  const auto asked = static_cast<std::size_t>(joint.mean.size());  // the first of the pool
  std::vector<bool> used(asked, false);
  while (static_cast<int>(chosen.size()) < count && !control.cancelled()) {
    std::size_t best_at = asked;
    Scored best_score{-kInfinity, -kInfinity, 0};
    for (std::size_t i = 0; i < asked; ++i) {
      if (used[i]) continue;
      const auto row = static_cast<Index>(i);
      const double sd = std::sqrt(std::max(0.0, covariance(row, row)));
      const Scored score{acquirer.score(joint.mean[row], sd), acquirer.aim.utility(joint.mean[row]),
                         pool[i].index.value_or(0)};
      if (best_at == asked || better(score, best_score)) {
        best_at = i;
        best_score = score;
      }
    }
    if (best_at == asked) break;
    used[best_at] = true;
    if (!affordable(budget, pool[best_at].candidate)) continue;
    budget.spend(pool[best_at].candidate.catalyst);
    chosen.push_back(best_at);
    const auto row = static_cast<Index>(best_at);
    const double variance = covariance(row, row) + joint.noise;
    if (variance > 0.0) {
      const VectorXd column = covariance.col(row);
      covariance.noalias() -= column * column.transpose() / variance;
    }
  }
  return chosen;
}

std::string Draft::runner_up(const std::vector<Member>& pool,
                             const std::vector<std::size_t>& chosen) const {
  for (std::size_t i = 0; i < pool.size(); ++i) {
    if (std::find(chosen.begin(), chosen.end(), i) == chosen.end()) {
      return space.key(pool[i].candidate);
    }
  }
  return "";
}

std::string Draft::as_good_as(double value) const {
  if (options.aim.goal != Goal::target) return in_unit(value);
  return fmt::format("{} from {}", in_unit(value), short_number(options.aim.value));
}

std::string Draft::interval(const Member& member) const {
  return fmt::format("{} (80 % interval {} to {})", in_unit(member.mean), short_number(member.low),
                     short_number(member.high));
}

void Draft::note_too_dear() {
  for (const auto& [what, count] : too_dear_) {
    note(fmt::format("{} candidates were passed over: they would exceed {}.", count, what));
  }
}

void Draft::finish() {
  const auto move_out = [&](Strategy strategy) {
    for (Proposal& proposal : picks_[strategy]) plan.proposals.push_back(std::move(proposal));
    picks_[strategy].clear();
  };
  for (const MixEntry& entry : options.mix) move_out(entry.strategy);
  for (const auto& entry : kStrategyNames.entries) move_out(entry.value);
}

}  // namespace kasetsu::planning
