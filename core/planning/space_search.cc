#include "core/planning/space_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "core/base/random.h"
#include "core/planning/surrogates/farthest_points.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

constexpr std::uint64_t kBlock = 1024;  // candidates evaluated at once
constexpr std::size_t kWave = 32;       // blocks between two merges

std::uint64_t hashed(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = index * 0x9e3779b97f4a7c15ULL + seed * 0xd1342543de82ef95ULL + 1;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

void Reservoir::add(std::vector<Row> rows) {
  for (Row& row : rows) rows_.push_back(std::move(row));
  if (rows_.size() > capacity_ + capacity_ / 2) shrink();
}

const std::vector<Reservoir::Row>& Reservoir::finish() {
  if (rows_.size() > capacity_) shrink();
  std::sort(rows_.begin(), rows_.end(),
            [](const Row& a, const Row& b) { return a.index < b.index; });
  return rows_;
}

void Reservoir::shrink() {
  const auto farther = [](const Row& a, const Row& b) {
    return a.squared != b.squared ? a.squared > b.squared : a.index < b.index;
  };
  const auto middle = rows_.begin() + static_cast<std::ptrdiff_t>(capacity_);
  std::nth_element(rows_.begin(), middle, rows_.end(), farther);
  // What is dropped from here on lies at most this far from the known points.
  threshold_ = std::max(threshold_, middle->squared);
  rows_.erase(middle, rows_.end());
  dropped_ = true;
}

// Of one block of candidates, and of all of them.
struct SpaceSearch::Findings {
  Best exploit, challenge, random, middle;
  std::vector<Reservoir::Row> far;
  std::vector<std::uint64_t> removed;  // by rule
  std::uint64_t allowed = 0;
  std::uint64_t unusable = 0;
  std::optional<Error> error;

  void merge(const Findings& other) {
    exploit.merge(other.exploit);
    challenge.merge(other.challenge);
    random.merge(other.random);
    middle.merge(other.middle);
    allowed += other.allowed;
    unusable += other.unusable;
    for (std::size_t r = 0; r < removed.size(); ++r) removed[r] += other.removed[r];
  }
};

SpaceSearch::SpaceSearch(Draft& draft, const SeveralTargets& targets, const Executor& executor,
                         const Control& control)
    : draft_(draft),
      targets_(targets),
      executor_(executor),
      control_(control),
      pool_(std::max<std::size_t>(256, static_cast<std::size_t>(draft.options.batch) * 16)) {
}

bool SpaceSearch::can_bound_exploit() const {
  return !targets_.active() && draft_.options.aim.goal != Goal::target;
}

void SpaceSearch::scan_block(std::uint64_t block, Look look, const Wanted& wanted,
                             Findings& out) const {
  const RuleSet* rules = draft_.problem.rules;
  const std::size_t rule_count = rules != nullptr ? rules->size() : 0;
  const std::uint64_t seed = draft_.options.seed;
  std::vector<Candidate> candidates;
  std::vector<std::uint64_t> indices;
  candidates.reserve(kBlock);
  indices.reserve(kBlock);
  out.removed.assign(rule_count, 0);
  for (std::uint64_t j = block * kBlock; j < std::min(visited_, (block + 1) * kBlock); ++j) {
    const std::uint64_t index = spread_index(j, visited_, draft_.space.size(), seed);
    Candidate candidate = draft_.space.unrank(index);
    bool allowed = true;
    for (std::size_t r = 0; r < rule_count; ++r) {
      if (!rules->broken(r, candidate)) continue;
      ++out.removed[r];
      allowed = false;
    }
    if (!allowed || draft_.is_excluded(index)) continue;
    indices.push_back(index);
    candidates.push_back(std::move(candidate));
  }
  out.allowed = indices.size();
  if (indices.empty()) return;
  if (look == Look::all) {
    out.random = Best(static_cast<std::size_t>(draft_.options.batch));
    // A double holds fewer bits than the hash: equal scores go to the smaller index.
    for (const std::uint64_t index : indices)
      out.random.offer({static_cast<double>(hashed(seed, index) >> 11), 0.0, index});
  }
  if (wanted.modelled() == 0) return;

  const auto rows = static_cast<Index>(indices.size());
  Evaluation evaluation;
  evaluation.resize(rows, draft_.surrogate.dimensions());
  Status status = draft_.surrogate.evaluate(candidates, evaluation);
  VectorXd of_front;
  if (status && targets_.active() && wanted.exploit > 0 && look != Look::middle)
    status = targets_.score(draft_.problem, candidates, evaluation, of_front);
  if (!status) {
    out.error = status.error();
    return;
  }
  if (look == Look::middle) {
    out.middle = Best(1);
    for (Index i = 0; i < rows; ++i) {
      if (!evaluation.coordinates.row(i).allFinite()) continue;
      out.middle.offer({-evaluation.coordinates.row(i).squaredNorm(), 0.0,
                        indices[static_cast<std::size_t>(i)]});
    }
    return;
  }
  offer_predictions(evaluation, indices, of_front, wanted, look, out);
  if (wanted.explore == 0 || look != Look::all) return;
  const VectorXd squared = squared_to_nearest(evaluation.coordinates, draft_.known_coordinates);
  for (Index i = 0; i < rows; ++i) {
    if (std::isnan(squared[i])) {
      if (!draft_.surrogate.predicts()) ++out.unusable;
    } else if (squared[i] >= reservoir.threshold()) {
      out.far.push_back({squared[i], indices[static_cast<std::size_t>(i)],
                         evaluation.coordinates.row(i).transpose()});
    }
  }
}

void SpaceSearch::offer_predictions(const Evaluation& evaluation,
                                    const std::vector<std::uint64_t>& indices,
                                    const VectorXd& of_front, const Wanted& wanted, Look look,
                                    Findings& out) const {
  if (!draft_.surrogate.predicts()) return;
  out.exploit = Best(wanted.exploit > 0 ? pool_ : 0);
  out.challenge = Best(wanted.challenge > 0 && look == Look::all ? pool_ : 0);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto row = static_cast<Index>(i);
    const double mean = evaluation.mean[row];
    const double sd = (evaluation.high[row] - evaluation.low[row]) / (2.0 * kHalfWidth80);
    if (!std::isfinite(mean) || !std::isfinite(sd)) {
      ++out.unusable;
      continue;
    }
    const double score = of_front.size() > 0 ? of_front[row] : draft_.acquirer.score(mean, sd);
    out.exploit.offer({score, draft_.acquirer.aim.utility(mean), indices[i]});
    if (std::isfinite(evaluation.disagreement[row])) {
      out.challenge.offer({evaluation.disagreement[row], 0.0, indices[i]});
    }
  }
}

Result<SpaceSearch::Findings> SpaceSearch::scan(Look look, const Wanted& wanted) {
  const std::uint64_t blocks = (visited_ + kBlock - 1) / kBlock;
  Findings all;
  all.exploit = Best(pool_);
  all.challenge = Best(pool_);
  all.random = Best(static_cast<std::size_t>(draft_.options.batch));
  all.middle = Best(1);
  all.removed.assign(draft_.problem.rules != nullptr ? draft_.problem.rules->size() : 0, 0);
  for (std::uint64_t start = 0; start < blocks; start += kWave) {
    if (control_.out_of_time()) {
      return Error{ErrorCode::cancelled, "planning ran out of time before the space was searched",
                   "", "", ""};
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kWave, blocks - start));
    std::vector<Findings> results(count);
    executor_.parallel_for(count, [&](std::size_t i) {
      if (!control_.cancelled()) scan_block(start + i, look, wanted, results[i]);
    });
    if (control_.cancelled())
      return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
    for (Findings& result : results) {
      if (result.error) return *result.error;
      all.merge(result);
      reservoir.add(std::move(result.far));
    }
    control_.report(static_cast<double>(start + count) / static_cast<double>(blocks),
                    "searching the space");
  }
  unusable_ = all.unusable;
  return all;
}

void SpaceSearch::count_rules_in_plan(const Findings& found) {
  Plan& plan = draft_.plan;
  plan.allowed = found.allowed;
  plan.evaluated = visited_;
  const auto size = static_cast<double>(draft_.space.size());
  for (std::size_t r = 0; r < found.removed.size(); ++r) {
    std::uint64_t removed = found.removed[r];
    if (plan.sampled) {
      removed = static_cast<std::uint64_t>(static_cast<double>(removed) * size /
                                           static_cast<double>(visited_));
    }
    plan.rules.push_back({draft_.problem.rules->rule(r).name, removed, plan.sampled});
  }
}

Status SpaceSearch::begin(const Wanted& wanted) {
  const PlanOptions& options = draft_.options;
  if (draft_.space.size() > options.most_evaluated && options.bounds &&
      draft_.surrogate.ensemble() != nullptr && draft_.known_coordinates.rows() > 0 &&
      wanted.modelled() > 0) {
    if (Status status = search_by_bounds(wanted); !status) return status;
  }
  visited_ = std::min(draft_.space.size(), options.most_evaluated);
  draft_.plan.sampled = !bounded && visited_ < draft_.space.size();
  if (draft_.plan.sampled) {
    draft_.plan.exact = false;
    draft_.note(fmt::format(
        "The space holds {} candidates, more than the {} that may be evaluated: an even sample of "
        "them was searched.",
        draft_.space.size(), visited_));
  }
  return {};
}

Result<std::vector<Scored>> SpaceSearch::middle() {
  Wanted any;
  any.explore = 1;
  const Result<Findings> found = scan(Look::middle, any);
  if (!found) return found.error();
  return found->middle.sorted();
}

Status SpaceSearch::run(const Wanted& wanted) {
  if (bounded)
    return wanted.exploit > 0 && !can_bound_exploit() ? sample_exploit(wanted) : Status();
  reservoir = Reservoir(draft_.options.reservoir);
  const Result<Findings> found = scan(Look::all, wanted);
  if (!found) return found.error();
  exploit = found->exploit.sorted();
  challenge = found->challenge.sorted();
  random = found->random.sorted();
  count_rules_in_plan(*found);
  return {};
}

Status SpaceSearch::search_by_bounds(const Wanted& wanted) {
  BoundedProblem problem;
  problem.space = &draft_.space;
  problem.rules = draft_.problem.rules;
  problem.surrogate = &draft_.surrogate;
  problem.excluded = &draft_.excluded;
  problem.known = draft_.known_coordinates;
  problem.acquirer = draft_.acquirer;
  problem.pool = pool_;
  problem.exploit = wanted.exploit > 0 && can_bound_exploit();
  problem.challenge = wanted.challenge > 0;
  problem.explore = wanted.explore;
  problem.seed = draft_.options.seed;
  const bool exploiting = problem.exploit;
  bounded = BoundedSearch::make(std::move(problem), {}, executor_, control_);
  if (control_.cancelled())
    return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
  if (!bounded) return {};  // the space holds what cannot be bounded
  if (Status status = bounded->prepare(); !status) return status;
  if (exploiting) {
    Result<std::vector<Scored>> best = bounded->best_exploit();
    if (!best) return best.error();
    exploit = std::move(best).value();
  }
  if (wanted.challenge > 0) {
    Result<std::vector<Scored>> best = bounded->best_challenge();
    if (!best) return best.error();
    challenge = std::move(best).value();
  }
  draw_random(wanted.random);
  // How many each rule removes is counted on a sample: the search dismisses most candidates unseen.
  const RuleSet none;
  const RuleSet& rules = draft_.problem.rules != nullptr ? *draft_.problem.rules : none;
  const Result<RuleCounts> counts =
      count_rules(draft_.space, rules, executor_, control_, 1'000'000);
  if (!counts) return counts.error();
  Plan& plan = draft_.plan;
  plan.rules = counts->rules;
  plan.allowed = counts->allowed - std::min(counts->allowed, plan.excluded);
  plan.evaluated = draft_.space.size();
  return {};
}

void SpaceSearch::draw_random(int count) {
  if (!bounded) return;
  // Twice as many as wanted: some may be taken by then.
  const std::size_t wanted = 2 * static_cast<std::size_t>(std::max(0, count));
  Random draw(draft_.options.seed, 7);
  std::unordered_set<std::uint64_t> drawn;
  random.clear();
  for (int trial = 0; trial < 1'000'000 && random.size() < wanted; ++trial) {
    const std::uint64_t index = draw.below(draft_.space.size());
    if (draft_.is_excluded(index) ||
        (draft_.problem.rules != nullptr &&
         !draft_.problem.rules->allows(draft_.space.unrank(index))) ||
        !drawn.insert(index).second) {
      continue;
    }
    random.push_back({0.0, 0.0, index});
  }
}

// Beside a search by bounds, which cannot bound what exploit looks for here.
Status SpaceSearch::sample_exploit(const Wanted& wanted) {
  Wanted only;
  only.exploit = wanted.exploit;
  const Result<Findings> found = scan(Look::exploit, only);
  if (!found) return found.error();
  exploit = found->exploit.sorted();
  draft_.note(fmt::format(
      "exploit looked at an even sample of {} candidates: what it looks for cannot be bounded.",
      visited_));
  return {};
}

void SpaceSearch::report(const Wanted& wanted) {
  Plan& plan = draft_.plan;
  if (bounded) {
    std::vector<std::string_view> unproven;
    for (const auto& [strategy, proven] :
         {std::pair{Strategy::exploit,
                    wanted.exploit == 0 || (can_bound_exploit() && bounded->exploit_proven())},
          {Strategy::challenge, bounded->challenge_proven()},
          {Strategy::explore, bounded->explore_proven()}}) {
      if (proven) continue;
      unproven.push_back(to_string(strategy));
      if (strategy == Strategy::explore) continue;  // marked pick by pick
      for (Proposal& proposal : draft_.of(strategy)) proposal.proven = false;
    }
    plan.exact = unproven.empty();
    draft_.note(fmt::format(
        "{} sets of elements were bounded, in {} groups of them; {} sets were opened and {} "
        "candidates looked at one by one{}",
        bounded->sets(), bounded->bounded(), bounded->opened(), bounded->evaluated(),
        plan.exact ? "; the others cannot be better." : "."));
    if (!plan.exact) {
      draft_.note(fmt::format(
          "Not every pick of {} is proven to be that of a full search: the bounds leave more "
          "candidates than were looked at.",
          fmt::join(unproven, " and ")));
    }
  }
  draft_.note_too_dear();
  if (unusable_ > 0) {
    draft_.note(fmt::format(
        "{} candidates lie where a descriptor of the model is not defined and were left out.",
        unusable_));
  }
  if (!plan.exact && !plan.sampled && !bounded) {
    draft_.note(fmt::format(
        "The farthest points are not proven to be the farthest of the whole space: more than {} "
        "candidates lie farther from everything known than the last pick.",
        draft_.options.reservoir));
  }
}

}  // namespace kasetsu::planning
