#include "daemon/campaign/planning/stop_rules.h"

#include <fmt/format.h>

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/base/text.h"
#include "daemon/campaign/lifecycle/campaigns.h"

namespace kasetsu::campaign {
namespace {

// Of one catalyst under one set of conditions.
struct Group {
  int n = 0;
  double squares = 0.0;  // around the mean, by Welford's update
  double mean = 0.0;
  void add(double value) {
    ++n;
    const double before = mean;
    mean += (value - mean) / n;
    squares += (value - before) * (value - mean);
  }
};

using Groups = std::map<std::pair<std::string, std::string>, Group>;

const Group* best_of(const Groups& groups, const planning::Aim& aim) {
  const Group* best = nullptr;
  for (const auto& [key, group] : groups) {
    if (best == nullptr || aim.better(group.mean, best->mean)) best = &group;
  }
  return best;
}

// A reference or a blank is no candidate, and a doubtful value is no proof.
bool counts(const TrainingRow& row) {
  return row.kind == SampleKind::catalyst &&
         (row.flags & (kFlagOutOfRange | kFlagClock | kFlagCarbonBalance | kFlagSelectivitySum |
                       kFlagReplicateSpread)) == 0;
}

std::string no_improvement(int batches, const Target& target, const StopInput& input) {
  std::set<std::string> answered;
  for (const TrainingRow& row : input.rows) {
    if (counts(row) && !row.proposal.empty()) answered.insert(row.proposal);
  }
  std::vector<const FinishedBatch*> told;  // those that brought results
  for (const FinishedBatch& batch : input.batches) {
    if (std::any_of(batch.proposals.begin(), batch.proposals.end(),
                    [&](const auto& id) { return answered.contains(id); })) {
      told.push_back(&batch);
    }
  }
  // One batch at least comes before them, so that there is something to improve on.
  if (static_cast<int>(told.size()) <= batches) return {};
  std::set<std::string> newest;
  for (std::size_t i = told.size() - static_cast<std::size_t>(batches); i < told.size(); ++i)
    newest.insert(told[i]->proposals.begin(), told[i]->proposals.end());
  Groups before;
  Groups since;
  Groups all;
  for (const TrainingRow& row : input.rows) {
    if (!counts(row)) continue;
    const std::pair key(row.catalyst, row.conditions);
    (newest.contains(row.proposal) ? since : before)[key].add(row.value);
    all[key].add(row.value);
  }
  const Group* old_best = best_of(before, target.aim);
  const Group* new_best = best_of(since, target.aim);
  if (old_best == nullptr || new_best == nullptr) return {};
  double squares = 0.0;
  int df = 0;
  for (const auto& [key, group] : all) {
    squares += group.squares;
    df += group.n - 1;
  }
  const double error = df > 0 ? std::sqrt(squares / df) : 0.0;
  const double needed =
      df > 0 ? t_quantile_95(df) * error * std::sqrt(1.0 / old_best->n + 1.0 / new_best->n) : 0.0;
  const double gain = target.aim.utility(new_best->mean) - target.aim.utility(old_best->mean);
  if (gain > needed) return {};
  return fmt::format(
      "no improvement in {} batches: the best {} is {:.4g} before and {:.4g} since; better by more "
      "than {:.3g} would count ({} replicates)",
      batches, target.name, old_best->mean, new_best->mean, needed, df);
}

}  // namespace

double t_quantile_95(int df) {
  return boost::math::quantile(boost::math::students_t_distribution<double>(df), 0.95);
}

std::string stop_reason(const StopRules& rules, const Target& target, const StopInput& input) {
  if (rules.measurements && std::ssize(input.rows) >= *rules.measurements) {
    return fmt::format("the budget is used: {} measurements of {}", input.rows.size(), target.name);
  }
  if (rules.target_reached) {
    Groups groups;
    for (const TrainingRow& row : input.rows) {
      if (counts(row)) groups[{row.catalyst, row.conditions}].add(row.value);
    }
    const Group* best = best_of(groups, target.aim);
    if (best != nullptr &&
        target.aim.utility(best->mean) >= target.aim.level_of(*rules.target_reached)) {
      const std::string wanted =
          target.aim.goal == planning::Goal::target
              ? fmt::format("within {:.4g} of {:.4g}", *rules.target_reached, target.aim.value)
              : fmt::format("{:.4g} was to be reached", *rules.target_reached);
      return fmt::format("the target is reached: {} is {:.4g} in the mean of {} {} ({})",
                         target.name, best->mean, best->n,
                         best->n == 1 ? "measurement" : "measurements", wanted);
    }
  }
  if (rules.batches_without_improvement)
    return no_improvement(*rules.batches_without_improvement, target, input);
  return {};
}

std::vector<FinishedBatch> finished_batches(const Reader& reader, const Campaign& campaign) {
  std::vector<FinishedBatch> finished;
  for (const Batch& batch : reader.all_batches(campaign.key)) {
    ProposalFilter filter;
    filter.batch = batch.id;
    FinishedBatch done;
    done.id = batch.id;
    bool open = false;
    for (const Proposal& proposal : all_proposals(reader, campaign.key, filter)) {
      open = open || is_open(proposal.state);
      done.proposals.push_back(proposal.id);
    }
    if (!open) finished.push_back(std::move(done));
  }
  return finished;
}

}  // namespace kasetsu::campaign
