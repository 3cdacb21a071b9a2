#include "core/planning/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <unordered_set>

#include "core/planning/acquisition.h"
#include "core/planning/bounded_search.h"
#include "core/random.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t kBlock = 1024;  // candidates evaluated at once
constexpr std::size_t kWave = 32;       // blocks between two merges
constexpr std::size_t kSmallestPool = 256;

// Squared distance of each row to its nearest row of known; infinite where known is empty, NaN for
// a row that is not finite.
VectorXd squared_to_nearest(const MatrixXd& points, const MatrixXd& known) {
  VectorXd nearest = VectorXd::Constant(points.rows(), kInfinity);
  VectorXd sum(points.rows());
  for (Index k = 0; k < known.rows(); ++k) {
    sum.setZero();
    for (Index j = 0; j < points.cols(); ++j) {
      sum.array() += (points.col(j).array() - known(k, j)).square();
    }
    for (Index i = 0; i < points.rows(); ++i) {
      if (sum[i] < nearest[i]) nearest[i] = sum[i];
    }
  }
  for (Index i = 0; i < points.rows(); ++i) {
    if (!points.row(i).allFinite()) nearest[i] = kNan;
  }
  return nearest;
}

double squared_distance(const VectorXd& a, const VectorXd& b) {
  return (a - b).squaredNorm();
}

// The farthest candidates from everything known: a bounded set that grows block by block and does
// not depend on their order.
class Reservoir {
 public:
  struct Row {
    double squared;  // to the nearest known point
    std::uint64_t index;
    VectorXd coordinates;
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

std::uint64_t hashed(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = index * 0x9e3779b97f4a7c15ULL + seed * 0xd1342543de82ef95ULL + 1;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

struct Demand {
  int exploit = 0;
  int challenge = 0;
  int explore = 0;
  int random = 0;
  int recheck = 0;
  int bridge = 0;
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
        surrogate_(*problem.surrogate) {}

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
    VectorXd coordinates;
  };

  Candidate completed(Candidate candidate) const;
  std::vector<std::uint64_t> ranks_of(const Candidate& candidate) const;
  Status learn_known();
  Result<Status> scan(bool centre_only);
  void scan_block(std::uint64_t block, bool centre_only, BlockResult& out) const;
  Result<std::vector<Member>> members(const std::vector<Scored>& pool) const;
  Status pick_exploit(int count);
  Status pick_challenge(int count);
  Status pick_explore(int count);
  Status pick_explore_bounded(int count);
  std::string explore_reason(const VectorXd& coordinates, double distance) const;
  Result<bool> search_by_bounds();
  Status pick_random(int count);
  Status pick_recheck(int count);
  Status pick_bridge(int count);
  std::vector<std::size_t> diverse(const std::vector<Member>& pool, int count) const;
  std::vector<std::size_t> improving(const std::vector<Member>& pool, const JointPrediction& joint,
                                     int count) const;
  void take(Strategy strategy, const Member& member, std::string reason,
            const std::string& runner_up);
  bool taken(std::uint64_t index) const { return taken_.count(index) > 0; }
  std::string number(double value) const;
  std::string with_unit(double value) const;
  std::string interval(const Member& member) const;

  const PlanProblem& problem_;
  const PlanOptions& options_;
  const Executor& executor_;
  const Control& control_;
  const CandidateSpace& space_;
  const Surrogate& surrogate_;

  Plan plan_;
  Demand demand_;
  Acquirer acquirer_;
  double best_ = kNan;  // what expected improvement improves on, unsigned
  std::vector<std::string> known_keys_;
  MatrixXd known_coordinates_;           // finite rows only
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
  std::vector<VectorXd> picked_coordinates_;
  std::vector<std::string> picked_keys_;
  std::map<Strategy, std::vector<Proposal>> picks_;
};

std::string Planner::number(double value) const {
  return fmt::format("{:.4g}", value);
}

std::string Planner::with_unit(double value) const {
  if (problem_.unit.empty()) return number(value);
  return number(value) + " " + problem_.unit;
}

std::string Planner::interval(const Member& member) const {
  return fmt::format("{} (80 % interval {} to {})", with_unit(member.mean), number(member.low),
                     number(member.high));
}

// A known point of a campaign that varies conditions may not tell all of its own (a pending
// proposal of another client): it repels from the middle of the levels, and stands for every level.
Candidate Planner::completed(Candidate candidate) const {
  for (std::size_t c = candidate.conditions.size(); c < space_.conditions().size(); ++c) {
    std::vector<double> levels = space_.conditions()[c].levels;
    std::sort(levels.begin(), levels.end());
    candidate.conditions.push_back(levels[levels.size() / 2]);
  }
  return candidate;
}

std::vector<std::uint64_t> Planner::ranks_of(const Candidate& candidate) const {
  std::vector<std::uint64_t> ranks;
  if (candidate.conditions.size() >= space_.conditions().size()) {
    if (const auto index = space_.rank(candidate)) ranks.push_back(*index);
    return ranks;
  }
  Candidate full = completed(candidate);
  if (!space_.rank(full)) return ranks;
  for (std::uint64_t c = 0; c < space_.condition_points(); ++c) {
    const std::vector<double> values = space_.condition_values(c);
    std::copy(values.begin() + static_cast<std::ptrdiff_t>(candidate.conditions.size()),
              values.end(),
              full.conditions.begin() + static_cast<std::ptrdiff_t>(candidate.conditions.size()));
    if (const auto index = space_.rank(full)) ranks.push_back(*index);
  }
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

Status Planner::learn_known() {
  std::vector<Candidate> candidates;
  for (const KnownPoint& point : problem_.known) candidates.push_back(completed(point.candidate));
  if (candidates.empty()) {
    known_coordinates_.resize(0, surrogate_.dimensions());
  } else {
    known_evaluation_.resize(static_cast<Index>(candidates.size()), surrogate_.dimensions());
    if (Status status = surrogate_.evaluate(candidates, known_evaluation_); !status) return status;
    std::vector<Index> finite;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      known_keys_.push_back(space_.key(candidates[i]));
      if (known_evaluation_.coordinates.row(static_cast<Index>(i)).allFinite()) {
        finite.push_back(static_cast<Index>(i));
        repel_keys_.push_back(known_keys_.back());
      }
    }
    known_coordinates_ = known_evaluation_.coordinates(finite, Eigen::all);
  }

  for (std::size_t i = 0; i < problem_.known.size(); ++i) {
    const KnownPoint& point = problem_.known[i];
    const bool excluded = [&] {
      switch (point.state) {
        case KnownState::measured:
          return !options_.allow_measured;
        case KnownState::proposed:
          return !options_.allow_proposed;
        case KnownState::pending:
          return !options_.allow_pending;
        case KnownState::failed:
          return !options_.allow_failed;
        case KnownState::infeasible:
          return true;
      }
      return true;
    }();
    if (!excluded) continue;
    for (const std::uint64_t index : ranks_of(point.candidate)) excluded_.push_back(index);
  }
  std::sort(excluded_.begin(), excluded_.end());
  excluded_.erase(std::unique(excluded_.begin(), excluded_.end()), excluded_.end());
  plan_.excluded = excluded_.size();

  acquirer_.sign = options_.goal == Goal::maximize ? 1.0 : -1.0;
  // What must be beaten: the value that the surrogate gives to the best tenth of what was measured.
  // Not the best measured value, which is one lucky measurement among many; and not the best
  // prediction, because a batch looks for several good catalysts, and improvement over the very
  // best one counts only its neighbours.
  std::vector<double> predicted;
  for (std::size_t i = 0; i < problem_.known.size(); ++i) {
    if (problem_.known[i].state != KnownState::measured || !surrogate_.predicts()) continue;
    const double mean = known_evaluation_.mean[static_cast<Index>(i)];
    if (std::isfinite(mean)) predicted.push_back(acquirer_.sign * mean);
  }
  double best = -kInfinity;
  if (!predicted.empty()) {
    const auto tenth = predicted.begin() + static_cast<std::ptrdiff_t>(predicted.size() / 10);
    std::nth_element(predicted.begin(), tenth, predicted.end(), std::greater<>());
    best = *tenth;
  }
  acquirer_.acquisition = options_.acquisition;
  if (acquirer_.acquisition == Acquisition::automatic) {
    acquirer_.acquisition =
        options_.threshold ? Acquisition::probability : Acquisition::expected_improvement;
  }
  if (acquirer_.acquisition == Acquisition::expected_improvement && !std::isfinite(best)) {
    acquirer_.acquisition = Acquisition::mean;
  }
  acquirer_.best = best;
  best_ = acquirer_.sign * best;
  if (options_.threshold) acquirer_.threshold = acquirer_.sign * *options_.threshold;
  return {};
}

void Planner::scan_block(std::uint64_t block, bool centre_only, BlockResult& out) const {
  const std::uint64_t end = std::min(visited_, (block + 1) * kBlock);
  std::vector<Candidate> candidates;
  std::vector<std::uint64_t> indices;
  candidates.reserve(kBlock);
  indices.reserve(kBlock);
  const std::size_t rules = problem_.rules ? problem_.rules->size() : 0;
  out.removed.assign(rules, 0);
  for (std::uint64_t j = block * kBlock; j < end; ++j) {
    const std::uint64_t index = spread_index(j, visited_, space_.size(), options_.seed);
    Candidate candidate = space_.unrank(index);
    bool allowed = true;
    for (std::size_t r = 0; r < rules; ++r) {
      if (problem_.rules->broken(r, candidate)) {
        ++out.removed[r];
        allowed = false;
      }
    }
    if (!allowed || std::binary_search(excluded_.begin(), excluded_.end(), index)) continue;
    indices.push_back(index);
    candidates.push_back(std::move(candidate));
  }
  out.allowed = indices.size();
  if (indices.empty()) return;

  if (demand_.random > 0) {
    out.random = Best(static_cast<std::size_t>(options_.batch));
    for (const std::uint64_t index : indices) {
      // The same few bits more than a double holds do not matter: ties go to the smaller index.
      out.random.offer({static_cast<double>(hashed(options_.seed, index) >> 11), 0.0, index});
    }
  }
  if (demand_.exploit + demand_.challenge + demand_.explore == 0) return;

  Evaluation evaluation;
  evaluation.resize(static_cast<Index>(indices.size()), surrogate_.dimensions());
  if (Status status = surrogate_.evaluate(candidates, evaluation); !status) {
    out.error = status.error();
    return;
  }
  const auto rows = static_cast<Index>(indices.size());
  if (centre_only) {
    out.centre = Best(1);
    for (Index i = 0; i < rows; ++i) {
      if (!evaluation.coordinates.row(i).allFinite()) continue;
      out.centre.offer({-evaluation.coordinates.row(i).squaredNorm(), 0.0,
                        indices[static_cast<std::size_t>(i)]});
    }
    return;
  }
  const std::size_t pool =
      std::max<std::size_t>(kSmallestPool, static_cast<std::size_t>(options_.batch) * 16);
  out.exploit = Best(demand_.exploit > 0 ? pool : 0);
  out.challenge = Best(demand_.challenge > 0 ? pool : 0);
  for (Index i = 0; i < rows && surrogate_.predicts(); ++i) {
    const double mean = evaluation.mean[i];
    const double sd = (evaluation.high[i] - evaluation.low[i]) / (2.0 * kHalfWidth80);
    if (!std::isfinite(mean) || !std::isfinite(sd)) {
      ++out.unusable;
      continue;
    }
    const std::uint64_t index = indices[static_cast<std::size_t>(i)];
    out.exploit.offer({acquirer_.score(mean, sd), acquirer_.sign * mean, index});
    if (std::isfinite(evaluation.disagreement[i])) {
      out.challenge.offer({evaluation.disagreement[i], 0.0, index});
    }
  }
  if (demand_.explore > 0) {
    const VectorXd squared = squared_to_nearest(evaluation.coordinates, known_coordinates_);
    for (Index i = 0; i < rows; ++i) {
      if (std::isnan(squared[i])) {
        if (!surrogate_.predicts()) ++out.unusable;
      } else if (squared[i] >= reservoir_.threshold()) {
        out.far.push_back({squared[i], indices[static_cast<std::size_t>(i)],
                           evaluation.coordinates.row(i).transpose()});
      }
    }
  }
}

Result<Status> Planner::scan(bool centre_only) {
  const std::uint64_t blocks = (visited_ + kBlock - 1) / kBlock;
  std::uint64_t allowed = 0;
  std::vector<std::uint64_t> removed(problem_.rules ? problem_.rules->size() : 0, 0);
  unusable_ = 0;
  for (std::uint64_t start = 0; start < blocks; start += kWave) {
    if (control_.should_stop()) {
      return Error{ErrorCode::cancelled,
                   control_.cancelled() ? "planning was cancelled"
                                        : "planning ran out of time before the space was searched",
                   "", "", ""};
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kWave, blocks - start));
    std::vector<BlockResult> results(count);
    executor_.parallel_for(count, [&](std::size_t i) {
      if (!control_.cancelled()) scan_block(start + i, centre_only, results[i]);
    });
    if (control_.cancelled()) continue;
    for (BlockResult& result : results) {
      if (result.error) return *result.error;
      exploit_.merge(result.exploit);
      challenge_.merge(result.challenge);
      random_.merge(result.random);
      centre_.merge(result.centre);
      reservoir_.add(std::move(result.far));
      allowed += result.allowed;
      unusable_ += result.unusable;
      for (std::size_t r = 0; r < removed.size(); ++r) removed[r] += result.removed[r];
    }
    control_.report(static_cast<double>(start + count) / static_cast<double>(blocks),
                    "searching the space");
  }
  plan_.allowed = allowed;
  plan_.evaluated = visited_;
  plan_.rules.clear();
  for (std::size_t r = 0; r < removed.size(); ++r) {
    RuleCount rule;
    rule.name = problem_.rules->rule(r).name;
    rule.estimated = plan_.sampled;
    rule.removed = plan_.sampled ? static_cast<std::uint64_t>(static_cast<double>(removed[r]) *
                                                              static_cast<double>(space_.size()) /
                                                              static_cast<double>(visited_))
                                 : removed[r];
    plan_.rules.push_back(std::move(rule));
  }
  return Status{};
}

Result<std::vector<Planner::Member>> Planner::members(const std::vector<Scored>& pool) const {
  std::vector<Candidate> candidates;
  std::vector<const Scored*> kept;
  for (const Scored& item : pool) {
    if (taken(item.index)) continue;
    kept.push_back(&item);
    candidates.push_back(space_.unrank(item.index));
  }
  std::vector<Member> result;
  if (candidates.empty()) return result;
  Evaluation evaluation;
  evaluation.resize(static_cast<Index>(candidates.size()), surrogate_.dimensions());
  if (Status status = surrogate_.evaluate(candidates, evaluation); !status) return status.error();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto row = static_cast<Index>(i);
    result.push_back({kept[i]->index, std::move(candidates[i]), evaluation.mean[row],
                      evaluation.low[row], evaluation.high[row], evaluation.novelty[row],
                      evaluation.disagreement[row], kept[i]->score,
                      evaluation.coordinates.row(row).transpose()});
  }
  return result;
}

// Greedy maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): the score, scaled to
// [0, 1] over the pool, less the similarity to the nearest pick of this batch. Similarity falls
// with the squared distance in units of the pool's median distance to its centre.
std::vector<std::size_t> Planner::diverse(const std::vector<Member>& pool, int count) const {
  std::vector<std::size_t> chosen;
  if (pool.empty()) return chosen;
  double low = kInfinity;
  double high = -kInfinity;
  VectorXd centre = VectorXd::Zero(surrogate_.dimensions());
  Index finite = 0;
  for (const Member& member : pool) {
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
  for (int n = 0; n < count && chosen.size() < pool.size(); ++n) {
    std::size_t best = pool.size();
    double best_value = -kInfinity;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (used[i]) continue;
      const double value = (1.0 - options_.diversity) * (pool[i].score - low) / range -
                           options_.diversity * similarity[i];
      if (value > best_value) {
        best_value = value;
        best = i;
      }
    }
    used[best] = true;
    chosen.push_back(best);
    meet(pool[best].coordinates);
  }
  return chosen;
}

// One after another, each as if the earlier ones had been measured at their mean ("kriging
// believer", Ginsbourger, Le Riche and Carraro, 2010): the covariance shrinks, the mean stays.
std::vector<std::size_t> Planner::improving(const std::vector<Member>& pool,
                                            const JointPrediction& joint, int count) const {
  std::vector<std::size_t> chosen;
  MatrixXd covariance = joint.covariance;
  std::vector<bool> used(pool.size(), false);
  for (int n = 0; n < count && chosen.size() < pool.size(); ++n) {
    std::size_t best = pool.size();
    Scored best_score{-kInfinity, -kInfinity, 0};
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (used[i]) continue;
      const auto row = static_cast<Index>(i);
      const double sd = std::sqrt(std::max(0.0, covariance(row, row)));
      const Scored score{acquirer_.score(joint.mean[row], sd), acquirer_.sign * joint.mean[row],
                         pool[i].index.value_or(0)};
      if (best == pool.size() || better(score, best_score)) {
        best = i;
        best_score = score;
      }
    }
    used[best] = true;
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
                          number(member.score), with_unit(best_));
        break;
      case Acquisition::probability:
        why = fmt::format("probability {:.2f} of reaching {}", member.score,
                          with_unit(*options_.threshold));
        break;
      case Acquisition::conservative:
        why = fmt::format("nine chances in ten of {} or better",
                          with_unit(acquirer_.sign * member.score));
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
         fmt::format("The surviving hypotheses disagree by {} about it: its measurement tells them "
                     "apart.",
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
  const Result<std::vector<BoundedSearch::FarPick>> picks = bounded_->farthest(count, also, taken_);
  if (!picks) return picks.error();
  for (const BoundedSearch::FarPick& pick : *picks) {
    Result<std::vector<Member>> member = members({{pick.distance, 0.0, pick.index}});
    if (!member) return member.error();
    if (member->empty()) continue;
    std::string reason = explore_reason(member->front().coordinates, pick.distance);
    take(Strategy::explore, member->front(), std::move(reason), "");
  }
  return {};
}

// False where the space has too many sets of elements for it.
Result<bool> Planner::search_by_bounds() {
  BoundedProblem bounded;
  bounded.space = &space_;
  bounded.rules = problem_.rules;
  bounded.surrogate = &surrogate_;
  bounded.excluded = &excluded_;
  bounded.known = known_coordinates_;
  bounded.acquirer = acquirer_;
  bounded.pool =
      std::max<std::size_t>(kSmallestPool, static_cast<std::size_t>(options_.batch) * 16);
  bounded.exploit = demand_.exploit > 0;
  bounded.challenge = demand_.challenge > 0;
  bounded.explore = demand_.explore;
  bounded.seed = options_.seed;
  bounded_ = BoundedSearch::make(std::move(bounded), {}, executor_, control_);
  if (!bounded_) return false;
  if (Status status = bounded_->prepare(); !status) return status.error();
  if (demand_.exploit > 0) {
    Result<std::vector<Scored>> best = bounded_->best_exploit();
    if (!best) return best.error();
    exploit_pool_ = std::move(best).value();
  }
  if (demand_.challenge > 0) {
    Result<std::vector<Scored>> best = bounded_->best_challenge();
    if (!best) return best.error();
    challenge_pool_ = std::move(best).value();
  }
  Random random(options_.seed, 7);
  std::unordered_set<std::uint64_t> drawn;
  for (int trial = 0;
       trial < 1'000'000 && static_cast<int>(random_pool_.size()) < demand_.random * 2; ++trial) {
    const std::uint64_t index = random.below(space_.size());
    if (std::binary_search(excluded_.begin(), excluded_.end(), index) ||
        (problem_.rules && !problem_.rules->allows(space_.unrank(index))) ||
        !drawn.insert(index).second) {
      continue;
    }
    random_pool_.push_back({0.0, 0.0, index});
  }
  // How many each rule removes, from a sample: the search itself dismisses most candidates unseen.
  const RuleSet none;
  const Result<RuleCounts> counts =
      count_rules(space_, problem_.rules ? *problem_.rules : none, executor_, control_, 1'000'000);
  if (!counts) return counts.error();
  plan_.rules = counts->rules;
  plan_.allowed = counts->allowed - std::min(counts->allowed, plan_.excluded);
  plan_.evaluated = space_.size();
  return true;
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
  for (int n = 0; n < count; ++n) {
    std::size_t best = rows.size();
    std::size_t second = rows.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (taken(rows[i].index)) continue;
      if (best == rows.size() || squared[i] > squared[best]) {
        second = best;
        best = i;
      } else if (second == rows.size() || squared[i] > squared[second]) {
        second = i;
      }
    }
    if (best == rows.size()) break;
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
  for (const Scored& item : random_pool_) {
    if (!taken(item.index) && static_cast<int>(pool.size()) < count) pool.push_back(item);
  }
  Result<std::vector<Member>> chosen = members(pool);
  if (!chosen) return chosen.error();
  for (Member& member : *chosen) {
    member.score = kNan;
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
    const auto row = static_cast<Index>(i);
    Member member{space_.rank(point.candidate),
                  point.candidate,
                  known_evaluation_.mean[row],
                  known_evaluation_.low[row],
                  known_evaluation_.high[row],
                  known_evaluation_.novelty[row],
                  known_evaluation_.disagreement[row],
                  std::abs(point.loo_error),
                  known_evaluation_.coordinates.row(row).transpose()};
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
  for (const Candidate& candidate : references) {
    if (static_cast<int>(chosen.size()) == count) break;
    if (!taken_keys_.count(space_.key(candidate))) chosen.push_back(candidate);
  }
  if (chosen.empty()) return {};
  Evaluation evaluation;
  evaluation.resize(static_cast<Index>(chosen.size()), surrogate_.dimensions());
  if (Status status = surrogate_.evaluate(chosen, evaluation); !status) return status;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto row = static_cast<Index>(i);
    Member member{space_.rank(chosen[i]),
                  chosen[i],
                  evaluation.mean[row],
                  evaluation.low[row],
                  evaluation.high[row],
                  evaluation.novelty[row],
                  evaluation.disagreement[row],
                  kNan,
                  evaluation.coordinates.row(row).transpose()};
    take(Strategy::bridge, member, why, "");
  }
  return {};
}

Result<Plan> Planner::run() {
  if (Status status = options_.validate(); !status) return status.error();
  const Result<std::vector<int>> counts = divide(options_.mix, options_.batch);
  if (!counts) return counts.error();
  for (std::size_t i = 0; i < counts->size(); ++i) {
    const int count = (*counts)[i];
    switch (options_.mix[i].strategy) {
      case Strategy::explore:
        demand_.explore += count;
        break;
      case Strategy::challenge:
        demand_.challenge += count;
        break;
      case Strategy::recheck:
        demand_.recheck += count;
        break;
      case Strategy::exploit:
        demand_.exploit += count;
        break;
      case Strategy::bridge:
        demand_.bridge += count;
        break;
      case Strategy::random:
        demand_.random += count;
        break;
    }
  }
  plan_.surrogate = surrogate_.name();
  plan_.space_size = space_.size();
  if (!surrogate_.predicts() && demand_.exploit + demand_.challenge > 0) {
    plan_.notes.push_back(fmt::format(
        "There is no model yet: {} proposals of exploit and challenge were given to explore.",
        demand_.exploit + demand_.challenge));
    demand_.explore += demand_.exploit + demand_.challenge;
    demand_.exploit = 0;
    demand_.challenge = 0;
  }
  if (Status status = learn_known(); !status) return status.error();
  if (acquirer_.acquisition == Acquisition::probability && !options_.threshold) {
    return Error{ErrorCode::invalid_argument, "acquisition probability needs a threshold",
                 "threshold", "", "the value that counts as a hit"};
  }

  // Known points first: they cost no search, and what they cannot fill goes to exploration.
  if (demand_.bridge > 0) {
    if (Status status = pick_bridge(demand_.bridge); !status) return status.error();
  }
  if (demand_.recheck > 0) {
    if (Status status = pick_recheck(demand_.recheck); !status) return status.error();
  }
  const auto missing = [&](Strategy strategy, int wanted) {
    return wanted - static_cast<int>(picks_[strategy].size());
  };
  for (const auto& [strategy, wanted] :
       {std::pair{Strategy::bridge, demand_.bridge}, {Strategy::recheck, demand_.recheck}}) {
    const int left = missing(strategy, wanted);
    if (left <= 0) continue;
    plan_.notes.push_back(fmt::format("{} found only {} of {}: the other {} were given to explore.",
                                      to_string(strategy), wanted - left, wanted, left));
    demand_.explore += left;
  }

  bool by_bounds = false;
  if (space_.size() > options_.most_evaluated && options_.bounds &&
      surrogate_.ensemble() != nullptr && known_coordinates_.rows() > 0 &&
      demand_.exploit + demand_.challenge + demand_.explore > 0) {
    const Result<bool> searched = search_by_bounds();
    if (!searched) return searched.error();
    by_bounds = *searched;
  }
  visited_ = std::min(space_.size(), options_.most_evaluated);
  plan_.sampled = !by_bounds && visited_ < space_.size();
  if (plan_.sampled) {
    plan_.exact = false;
    plan_.notes.push_back(fmt::format(
        "The space holds {} candidates, more than the {} that may be evaluated: an even sample of "
        "them was searched.",
        space_.size(), visited_));
  }
  if (demand_.exploit + demand_.challenge + demand_.explore + demand_.random > 0) {
    if (demand_.explore > 0 && known_coordinates_.rows() == 0 && picked_coordinates_.empty()) {
      centre_ = Best(1);
      Result<Status> status = scan(true);
      if (!status) return status.error();
      Result<std::vector<Member>> middle = members(centre_.sorted());
      if (!middle) return middle.error();
      if (!middle->empty()) {
        middle->front().score = kNan;
        take(Strategy::explore, middle->front(),
             "Nothing is known yet: the candidate nearest to the middle of the space.", "");
        known_coordinates_ = middle->front().coordinates.transpose();
        repel_keys_.push_back(space_.key(middle->front().candidate));
      }
    }
    if (!by_bounds) {
      const std::size_t pool =
          std::max<std::size_t>(kSmallestPool, static_cast<std::size_t>(options_.batch) * 16);
      exploit_ = Best(pool);
      challenge_ = Best(pool);
      random_ = Best(static_cast<std::size_t>(options_.batch));
      reservoir_ = Reservoir(options_.reservoir);
      Result<Status> status = scan(false);
      if (!status) return status.error();
      exploit_pool_ = exploit_.sorted();
      challenge_pool_ = challenge_.sorted();
      random_pool_ = random_.sorted();
    }
    if (demand_.exploit > 0) {
      if (Status done = pick_exploit(demand_.exploit); !done) return done.error();
    }
    if (demand_.challenge > 0) {
      if (Status done = pick_challenge(demand_.challenge); !done) return done.error();
    }
    if (demand_.explore > 0) {
      if (Status done = pick_explore(missing(Strategy::explore, demand_.explore)); !done) {
        return done.error();
      }
    }
    if (demand_.random > 0) {
      if (Status done = pick_random(demand_.random); !done) return done.error();
    }
  } else {
    plan_.evaluated = 0;
  }

  if (bounded_) {
    plan_.exact = bounded_->exact();
    plan_.notes.push_back(
        fmt::format("{} sets of elements were bounded and {} candidates looked at one by one{}",
                    bounded_->nodes(), bounded_->evaluated(),
                    plan_.exact ? "; the others cannot be better." : "."));
    if (!plan_.exact) {
      plan_.notes.push_back(
          "Not every pick is proven to be that of a full search: the bounds leave more candidates "
          "than were looked at.");
    }
  }
  if (unusable_ > 0) {
    plan_.notes.push_back(fmt::format(
        "{} candidates lie where a descriptor of the model is not defined and were left out.",
        unusable_));
  }
  if (!plan_.exact && !plan_.sampled && !bounded_) {
    plan_.notes.push_back(fmt::format(
        "The farthest points are not proven to be the farthest of the whole space: more than {} "
        "candidates lie farther from everything known than the last pick.",
        options_.reservoir));
  }
  std::set<Strategy> listed;
  for (const MixEntry& entry : options_.mix) {
    if (!listed.insert(entry.strategy).second) continue;
    for (Proposal& proposal : picks_[entry.strategy]) {
      plan_.proposals.push_back(std::move(proposal));
    }
    picks_[entry.strategy].clear();
  }
  for (auto& [strategy, proposals] : picks_) {
    for (Proposal& proposal : proposals) plan_.proposals.push_back(std::move(proposal));
  }
  int wanted = 0;
  for (const int count : *counts) wanted += count;
  if (static_cast<int>(plan_.proposals.size()) < wanted) {
    plan_.notes.push_back(
        fmt::format("Only {} of {} proposals: the space, the rules and what is known leave no more "
                    "for these strategies.",
                    plan_.proposals.size(), wanted));
  }
  control_.report(1.0, "planned");
  return std::move(plan_);
}

}  // namespace

std::string_view to_string(Strategy strategy) {
  switch (strategy) {
    case Strategy::explore:
      return "explore";
    case Strategy::challenge:
      return "challenge";
    case Strategy::recheck:
      return "recheck";
    case Strategy::exploit:
      return "exploit";
    case Strategy::bridge:
      return "bridge";
    case Strategy::random:
      return "random";
  }
  return "explore";
}

std::optional<Strategy> parse_strategy(std::string_view text) {
  for (const Strategy strategy : {Strategy::explore, Strategy::challenge, Strategy::recheck,
                                  Strategy::exploit, Strategy::bridge, Strategy::random}) {
    if (text == to_string(strategy)) return strategy;
  }
  return std::nullopt;
}

std::string_view to_string(Acquisition acquisition) {
  switch (acquisition) {
    case Acquisition::automatic:
      return "automatic";
    case Acquisition::expected_improvement:
      return "expected_improvement";
    case Acquisition::probability:
      return "probability";
    case Acquisition::conservative:
      return "conservative";
    case Acquisition::mean:
      return "mean";
  }
  return "automatic";
}

std::optional<Acquisition> parse_acquisition(std::string_view text) {
  for (const Acquisition acquisition :
       {Acquisition::automatic, Acquisition::expected_improvement, Acquisition::probability,
        Acquisition::conservative, Acquisition::mean}) {
    if (text == to_string(acquisition)) return acquisition;
  }
  return std::nullopt;
}

Mix default_mix() {
  return {{Strategy::exploit, 0, 0.4},
          {Strategy::explore, 0, 0.3},
          {Strategy::challenge, 0, 0.2},
          {Strategy::recheck, 0, 0.1}};
}

Result<std::vector<int>> divide(const Mix& mix, int batch) {
  const auto wrong = [](std::string message, std::string value, std::string expected) {
    return Error{ErrorCode::invalid_argument, std::move(message), "mix", std::move(value),
                 std::move(expected)};
  };
  if (mix.empty()) return wrong("the mix is empty", "", "at least one strategy");
  int fixed = 0;
  double shares = 0.0;
  for (const MixEntry& entry : mix) {
    if (entry.count < 0) {
      return wrong(fmt::format("the number of {} is negative", to_string(entry.strategy)),
                   std::to_string(entry.count), "0 or more");
    }
    if (!(entry.share >= 0.0) || !std::isfinite(entry.share)) {
      return wrong(fmt::format("the share of {} is not a number from 0", to_string(entry.strategy)),
                   fmt::format("{:g}", entry.share), "0 or more");
    }
    if (entry.share > 0.0) {
      shares += entry.share;
    } else {
      if (entry.count > batch - fixed) {
        return wrong("the numbers of the mix are larger than the batch",
                     fmt::format("more than {}", batch), fmt::format("at most {}", batch));
      }
      fixed += entry.count;
    }
  }
  std::vector<int> counts(mix.size(), 0);
  std::vector<std::pair<double, std::size_t>> remainders;
  const int rest = batch - fixed;
  int given = 0;
  for (std::size_t i = 0; i < mix.size(); ++i) {
    if (mix[i].share > 0.0) {
      const double exact = rest * (mix[i].share / shares);
      counts[i] = static_cast<int>(std::floor(exact));
      given += counts[i];
      remainders.emplace_back(exact - counts[i], i);
    } else {
      counts[i] = mix[i].count;
    }
  }
  std::stable_sort(remainders.begin(), remainders.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t n = 0; n < remainders.size() && given < rest; ++n, ++given) {
    ++counts[remainders[n].second];
  }
  return counts;
}

Status PlanOptions::validate() const {
  const auto wrong = [](std::string field, std::string value, std::string expected) {
    return Error{ErrorCode::invalid_argument, field + " is out of range", field, std::move(value),
                 std::move(expected)};
  };
  if (batch < 1 || batch > 10'000) return wrong("batch", std::to_string(batch), "1 to 10000");
  if (!(diversity >= 0.0 && diversity <= 1.0)) {
    return wrong("diversity", fmt::format("{:g}", diversity), "0 to 1");
  }
  if (threshold && !std::isfinite(*threshold)) {
    return wrong("threshold", fmt::format("{:g}", *threshold), "a finite number");
  }
  if (most_measurements < 1) {
    return wrong("most_measurements", std::to_string(most_measurements), "1 or more");
  }
  if (most_evaluated < 1) return wrong("most_evaluated", "0", "1 or more");
  if (reservoir < static_cast<std::size_t>(batch)) {
    return wrong("reservoir", std::to_string(reservoir), "at least the batch");
  }
  return {};
}

Result<Plan> plan(const PlanProblem& problem, const PlanOptions& options, const Executor& executor,
                  const Control& control) {
  KASETSU_ASSERT(problem.space != nullptr && problem.surrogate != nullptr);
  return Planner(problem, options, executor, control).run();
}

double covering_radius(const MatrixXd& points, const MatrixXd& known) {
  const VectorXd squared = squared_to_nearest(points, known);
  double largest = 0.0;
  for (Index i = 0; i < squared.size(); ++i) {
    if (!std::isnan(squared[i])) largest = std::max(largest, squared[i]);
  }
  return std::sqrt(largest);
}

std::vector<std::size_t> farthest_points(const MatrixXd& points, const MatrixXd& known,
                                         std::size_t count) {
  std::vector<std::size_t> picks;
  VectorXd squared = squared_to_nearest(points, known);
  std::vector<bool> used(static_cast<std::size_t>(points.rows()), false);
  const bool nothing_known = known.rows() == 0;
  for (std::size_t n = 0; n < count; ++n) {
    Index best = -1;
    for (Index i = 0; i < points.rows(); ++i) {
      if (used[static_cast<std::size_t>(i)] || std::isnan(squared[i])) continue;
      const double value = nothing_known && n == 0 ? -points.row(i).squaredNorm() : squared[i];
      const double best_value = best < 0                  ? -kInfinity
                                : nothing_known && n == 0 ? -points.row(best).squaredNorm()
                                                          : squared[best];
      if (best < 0 || value > best_value) best = i;
    }
    if (best < 0) break;
    used[static_cast<std::size_t>(best)] = true;
    picks.push_back(static_cast<std::size_t>(best));
    for (Index i = 0; i < points.rows(); ++i) {
      const double d = (points.row(i) - points.row(best)).squaredNorm();
      if (d < squared[i]) squared[i] = d;
    }
  }
  return picks;
}

}  // namespace kasetsu::planning
