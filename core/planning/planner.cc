#include "core/planning/planner.h"
#include "core/base/constants.h"
#include "core/planning/surrogates/farthest_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/base/random.h"
#include "core/planning/planner_impl.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::uint64_t kBlock = 1024;  // candidates evaluated at once
constexpr std::size_t kWave = 32;       // blocks between two merges
constexpr std::size_t kSmallestPool = 256;
std::uint64_t hashed(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = index * 0x9e3779b97f4a7c15ULL + seed * 0xd1342543de82ef95ULL + 1;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

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

  acquirer_.aim = options_.aim;
  // What must be beaten: the value that the surrogate gives to the best tenth of what was measured.
  // Not the best measured value, which is one lucky measurement among many; and not the best
  // prediction, because a batch looks for several good catalysts, and improvement over the very
  // best one counts only its neighbours.
  std::vector<double> predicted;
  for (std::size_t i = 0; i < problem_.known.size(); ++i) {
    if (problem_.known[i].state != KnownState::measured || !surrogate_.predicts()) continue;
    const double mean = known_evaluation_.mean[static_cast<Index>(i)];
    if (std::isfinite(mean)) predicted.push_back(acquirer_.aim.utility(mean));
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
  best_ = options_.aim.goal == Goal::maximize ? best : -best;
  if (options_.threshold) acquirer_.threshold = options_.aim.level_of(*options_.threshold);
  if (!problem_.also.empty() && surrogate_.predicts()) return learn_front(candidates);
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
  VectorXd of_front;
  if (front_ && demand_.exploit > 0) {
    if (Status status = score_front(candidates, evaluation, of_front); !status) {
      out.error = status.error();
      return;
    }
  }
  for (Index i = 0; i < rows && surrogate_.predicts(); ++i) {
    const double mean = evaluation.mean[i];
    const double sd = (evaluation.high[i] - evaluation.low[i]) / (2.0 * kHalfWidth80);
    if (!std::isfinite(mean) || !std::isfinite(sd)) {
      ++out.unusable;
      continue;
    }
    const std::uint64_t index = indices[static_cast<std::size_t>(i)];
    const double utility = acquirer_.aim.utility(mean);
    out.exploit.offer(
        {front_ ? (demand_.exploit > 0 ? of_front[i] : kNaN) : acquirer_.score(mean, sd), utility,
         index});
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
    result.push_back(member_of(kept[i]->index, candidates[i], evaluation, row, kept[i]->score));
  }
  return result;
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
  bounded.exploit = demand_.exploit > 0 && bounds_exploit();
  bounded.challenge = demand_.challenge > 0;
  bounded.explore = demand_.explore;
  bounded.seed = options_.seed;
  bounded_ = BoundedSearch::make(std::move(bounded), {}, executor_, control_);
  if (!bounded_) return false;
  if (Status status = bounded_->prepare(); !status) return status.error();
  if (demand_.exploit > 0 && bounds_exploit()) {
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
      case Strategy::manual:
        demand_.manual += count;
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
  if (!front_ && acquirer_.acquisition == Acquisition::probability && !options_.threshold) {
    return Error{ErrorCode::invalid_argument, "acquisition probability needs a threshold",
                 "threshold", "", "the value that counts as a hit"};
  }

  if (demand_.manual > 0) {
    if (Status status = pick_manual(demand_.manual); !status) return status.error();
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
  for (const auto& [strategy, wanted] : {std::pair{Strategy::manual, demand_.manual},
                                         {Strategy::bridge, demand_.bridge},
                                         {Strategy::recheck, demand_.recheck}}) {
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
        middle->front().score = kNaN;
        take(Strategy::explore, middle->front(),
             "Nothing is known yet: the candidate nearest to the middle of the space.", "");
        known_coordinates_ = middle->front().coordinates.transpose();
        repel_keys_.push_back(space_.key(middle->front().candidate));
      }
    }
    if (by_bounds && demand_.exploit > 0 && !bounds_exploit()) {
      Result<Status> status = sample_exploit();
      if (!status) return status.error();
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
      if (Status done = front_ ? pick_front(demand_.exploit) : pick_exploit(demand_.exploit); !done)
        return done.error();
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
    std::vector<std::string> unproven;
    for (const auto& [strategy, proven] :
         {std::pair{Strategy::exploit,
                    demand_.exploit == 0 || (bounds_exploit() && bounded_->exploit_proven())},
          {Strategy::challenge, bounded_->challenge_proven()},
          {Strategy::explore, bounded_->explore_proven()}}) {
      if (proven) continue;
      unproven.emplace_back(to_string(strategy));
      if (strategy == Strategy::explore) continue;  // told pick by pick
      for (Proposal& proposal : picks_[strategy]) proposal.proven = false;
    }
    plan_.exact = unproven.empty();
    plan_.notes.push_back(fmt::format(
        "{} sets of elements were bounded, {} of them opened and {} candidates looked at one by "
        "one{}",
        bounded_->nodes(), bounded_->opened(), bounded_->evaluated(),
        plan_.exact ? "; the others cannot be better." : "."));
    if (!plan_.exact) {
      plan_.notes.push_back(fmt::format(
          "Not every pick of {} is proven to be that of a full search: the bounds leave more "
          "candidates than were looked at.",
          fmt::join(unproven, " and ")));
    }
  }
  for (const auto& [what, count] : too_dear_) {
    plan_.notes.push_back(
        fmt::format("{} candidates were passed over: they would exceed {}.", count, what));
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
  if (Status done = predict_also(); !done) return done.error();
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

Result<Plan> plan(const PlanProblem& problem, const PlanOptions& options, const Executor& executor,
                  const Control& control) {
  KASETSU_ASSERT(problem.space != nullptr && problem.surrogate != nullptr);
  return Planner(problem, options, executor, control).run();
}

}  // namespace kasetsu::planning
