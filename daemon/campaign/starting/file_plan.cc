#include "daemon/campaign/starting/file_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "core/planning/planner.h"
#include "daemon/campaign/file/retrain_names.h"
#include "daemon/campaign/planning/recommend.h"

namespace kasetsu::campaign {
namespace {

// What ends the campaign, in words.
std::string stop_text(const CampaignConfig& config) {
  const StopRules& stop = config.stop;
  const Target& target = config.targets.front();
  std::vector<std::string> rules;
  if (stop.measurements) rules.push_back(fmt::format("{} measurements", *stop.measurements));
  if (stop.target_reached) {
    rules.push_back(target.aim.goal == planning::Goal::target
                        ? fmt::format("{} is within {:g} of {:g}", target.name,
                                      *stop.target_reached, target.aim.value)
                        : fmt::format("{} reaches {:g}", target.name, *stop.target_reached));
  }
  if (stop.batches_without_improvement) {
    rules.push_back(
        fmt::format("{} batches without improvement", *stop.batches_without_improvement));
  }
  if (stop.hypotheses_agree)
    rules.push_back(fmt::format("the hypotheses agree within {:g}", *stop.hypotheses_agree));
  return rules.empty() ? "only by hand" : fmt::format("{}", fmt::join(rules, ", or "));
}

std::string clock_text(int minute) {
  return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

std::string retrain_text(const Retrain& retrain) {
  switch (retrain.when) {
    case RetrainWhen::every_batch:
      return "after every batch";
    case RetrainWhen::every_results:
      return fmt::format("after every {} results", retrain.results);
    case RetrainWhen::nightly:
      return fmt::format("every night at {} {}", clock_text(retrain.at_minute), retrain.time_zone);
    case RetrainWhen::by_hand:
      return "by hand";
  }
  return "by hand";
}

// [retrain] and [stop] of the file with what it leaves out, for those who say it in other words.
Json retrain_json(const Retrain& retrain) {
  Json json = {{"when", kRetrainWhenNames.to_name(retrain.when)}};
  if (retrain.when == RetrainWhen::every_results) json["results"] = retrain.results;
  if (retrain.when == RetrainWhen::nightly) {
    json["at"] = clock_text(retrain.at_minute);
    json["time_zone"] = retrain.time_zone;
  }
  return json;
}

Json stop_json(const StopRules& stop) {
  Json json = Json::object();
  if (stop.measurements) json["measurements"] = *stop.measurements;
  if (stop.target_reached) json["target_reached"] = *stop.target_reached;
  if (stop.batches_without_improvement)
    json["batches_without_improvement"] = *stop.batches_without_improvement;
  if (stop.hypotheses_agree) json["hypotheses_agree_within"] = *stop.hypotheses_agree;
  return json;
}

// "temperature_C 800, flow 20"; empty where the space varies none.
std::string conditions_words(const CampaignConfig& config, const planning::Candidate& candidate) {
  std::string text;
  for (std::size_t i = 0; i < candidate.conditions.size(); ++i) {
    text += fmt::format("{}{} {:g}", i == 0 ? "" : ", ", config.space.conditions[i].name,
                        candidate.conditions[i]);
  }
  return text;
}

Json levels_of(const CampaignConfig& config, const planning::Candidate& candidate) {
  Json levels = Json::object();
  for (std::size_t i = 0; i < candidate.conditions.size(); ++i)
    levels[config.space.conditions[i].name] = candidate.conditions[i];
  return levels;
}

std::optional<double> price_of(const CampaignConfig& config, const planning::Plan& plan) {
  if (!config.materials) return std::nullopt;
  planning::BatchBudget budget(*config.materials);
  for (const planning::Proposal& proposal : plan.proposals) {
    budget.spend(proposal.candidate.catalyst);
  }
  return budget.price();
}

}  // namespace

Result<FilePlan> plan_file(const CampaignConfig& config, const Executor& executor,
                           const Control& control) {
  const auto space = planning::CandidateSpace::make(config.space);
  if (!space) return space.error();
  const auto rules = planning::RuleSet::make(config.rules, *space);
  if (!rules) return rules.error();
  auto counts = planning::count_rules(*space, *rules, executor, control);
  if (!counts) return counts.error();
  const planning::PlanOptions options = config.plan_options(1);
  const auto shares = planning::divide(options.mix, options.batch);
  if (!shares) return shares.error();
  FilePlan plan;
  plan.space_size = space->size();
  plan.rules = std::move(*counts);
  plan.batch = options.batch;
  for (std::size_t i = 0; i < options.mix.size(); ++i) {
    plan.mix.emplace_back(planning::to_string(options.mix[i].strategy), (*shares)[i]);
  }
  plan.retrain = retrain_text(config.retrain);
  plan.ends = stop_text(config);
  plan.warnings = campaign_warnings(config);
  return plan;
}

Result<FirstBatch> plan_first_batch(const CampaignConfig& config, std::uint64_t space_size,
                                    const Science& science, const Executor& executor,
                                    const Control& control) {
  using SteadyClock = std::chrono::steady_clock;
  FirstBatch first;
  first.candidates = std::min(space_size, config.planner.most_evaluated);
  first.tried = std::min(first.candidates, kMostTried);
  CampaignConfig asked = config;
  asked.planner.most_evaluated = first.tried;
  const auto start = SteadyClock::now();
  const auto planned = recommend(asked, RecommendInput(), 0, science, executor, control);
  if (!planned) return planned.error();
  const double spent = std::chrono::duration<double>(SteadyClock::now() - start).count();
  first.seconds = spent * static_cast<double>(first.candidates) /
                  static_cast<double>(std::max<std::uint64_t>(1, first.tried));
  first.price = price_of(config, planned->plan);
  first.proposals = Json::array();
  for (std::size_t i = 0; i < planned->plan.proposals.size(); ++i) {
    const planning::Proposal& proposal = planned->plan.proposals[i];
    first.proposals.push_back({{"rank", i + 1},
                               {"strategy", planning::to_string(proposal.strategy)},
                               {"description", chemistry::describe(proposal.candidate.catalyst,
                                                                   config.composition.unit())},
                               {"key", proposal.key},
                               {"conditions", conditions_words(config, proposal.candidate)},
                               {"levels", levels_of(config, proposal.candidate)},
                               {"reason", proposal.reason},
                               {"card", proposal_card(proposal)}});
  }
  return first;
}

Json targets_json(const CampaignConfig& config) {
  Json targets = Json::array();
  for (const Target& target : config.targets) {
    Json item = {{"name", target.name},
                 {"unit", target.unit},
                 {"goal", planning::to_string(target.aim.goal)}};
    if (target.aim.goal == planning::Goal::target) item["value"] = target.aim.value;
    targets.push_back(std::move(item));
  }
  return targets;
}

Json plan_json(const CampaignConfig& config, const FilePlan& plan) {
  Json rules = Json::array();
  for (const planning::RuleCount& rule : plan.rules.rules) {
    rules.push_back(
        {{"rule", rule.name}, {"removed", rule.removed}, {"estimated", rule.estimated}});
  }
  Json mix = Json::object();
  for (const auto& [strategy, count] : plan.mix) mix[strategy] = count;
  Json json = {{"name", config.name},
               {"warnings", plan.warnings},
               {"targets", targets_json(config)},
               {"space_size", plan.space_size},
               {"allowed", plan.rules.allowed},
               {"rules", std::move(rules)},
               {"batch", plan.batch},
               {"mix", std::move(mix)},
               {"retrain", plan.retrain},
               {"ends", plan.ends},
               {"retraining", retrain_json(config.retrain)},
               {"stop", stop_json(config.stop)}};
  if (!plan.first) return json;
  json["estimate"] = {{"plan_seconds", plan.first->seconds},
                      {"candidates", plan.first->candidates},
                      {"tried", plan.first->tried}};
  json["first_batch"] = plan.first->proposals;
  json["price"] = plan.first->price ? Json(*plan.first->price) : Json(nullptr);
  return json;
}

}  // namespace kasetsu::campaign
