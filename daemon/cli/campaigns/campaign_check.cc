// What a campaign file says and what it would change, without touching anything.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/planning/planner.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/planning/recommend.h"
#include "daemon/cli/campaigns/campaign_file.h"
#include "daemon/cli/campaigns/campaign_versions.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/client.h"

namespace kasetsu::cli {
namespace {

Result<chemistry::SupportTable> load_supports(const std::string& path) {
  TableArguments arguments;
  arguments.supports = path;
  return arguments.load_supports();
}

std::string goal_text(const planning::Aim& aim) {
  std::string text(planning::to_string(aim.goal));
  if (aim.goal == planning::Goal::target) text += fmt::format(" {:g} of", aim.value);
  return text;
}

Json targets_json(const campaign::CampaignConfig& config) {
  Json targets = Json::array();
  for (const campaign::Target& target : config.targets) {
    Json item = {{"name", target.name},
                 {"unit", target.unit},
                 {"goal", planning::to_string(target.aim.goal)}};
    if (target.aim.goal == planning::Goal::target) item["value"] = target.aim.value;
    targets.push_back(std::move(item));
  }
  return targets;
}

// What the daemon has under this name.
struct Change {
  std::string word;  // "new", "unchanged", "changed", "unknown"
  std::string text;
  std::string diff;                // of a changed one
  Json withdraws = Json::array();  // proposals that would be withdrawn: id, catalyst, reason
};

// How long planning takes on this machine: a batch is planned and thrown away, on at most kTried
// candidates of the space, and the time for all of them is extrapolated.
struct PlanningTime {
  double seconds = 0.0;
  std::uint64_t candidates = 0;  // that one batch looks at
  std::uint64_t tried = 0;
};
constexpr std::uint64_t kTried = 20'000;

Result<PlanningTime> planning_time(const campaign::CampaignConfig& config, const std::string& file,
                                   std::uint64_t space_size,
                                   const chemistry::SupportTable& supports, Session& session,
                                   const Control& control) {
  auto science = load_science(config, file, FeatureArguments(), supports);
  if (!science) return science.error();
  PlanningTime found;
  found.candidates = std::min(space_size, config.planner.most_evaluated);
  found.tried = std::min(found.candidates, kTried);
  campaign::CampaignConfig asked = config;
  asked.planner.most_evaluated = found.tried;
  const Effort effort;
  auto planned = campaign::recommend(asked, campaign::RecommendInput(), 0, *science,
                                     session.executor(), control);
  if (!planned) return planned.error();
  found.seconds = effort.wall_seconds() * static_cast<double>(found.candidates) /
                  static_cast<double>(std::max<std::uint64_t>(1, found.tried));
  return found;
}

// What ends the campaign, in words.
std::string stop_text(const campaign::CampaignConfig& config) {
  const campaign::StopRules& stop = config.stop;
  const campaign::Target& target = config.targets.front();
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

std::string retrain_text(const campaign::Retrain& retrain) {
  switch (retrain.when) {
    case campaign::RetrainWhen::every_batch:
      return "after every batch";
    case campaign::RetrainWhen::every_results:
      return fmt::format("after every {} results", retrain.results);
    case campaign::RetrainWhen::nightly:
      return fmt::format("every night at {:02}:{:02} {}", retrain.at_minute / 60,
                         retrain.at_minute % 60, retrain.time_zone);
    case campaign::RetrainWhen::by_hand:
      return "by hand";
  }
  return "by hand";
}

std::string rules_text(const planning::RuleCounts& counts) {
  std::string text;
  for (const planning::RuleCount& rule : counts.rules) {
    text += fmt::format("rule \"{}\": removes {}{}\n", rule.name, rule.estimated ? "about " : "",
                        rule.removed);
  }
  if (!counts.rules.empty())
    text += fmt::format("allowed: {}{}\n", counts.estimated ? "about " : "", counts.allowed);
  return text;
}

Result<Change> change_of(const campaign::CampaignConfig& config, const Client& client) {
  const std::string path = "/v1/campaigns/" + encode(config.name);
  auto found = client.get(path);
  if (!found) {
    if (found.error().code == ErrorCode::not_found) {
      return Change{"new", fmt::format("{} would be a new campaign", config.name), ""};
    }
    if (found.error().code == ErrorCode::unavailable) {
      return Change{"unknown",
                    fmt::format("no daemon at {}: what would change is not known", client.url()),
                    ""};
    }
    return found.error();
  }
  const std::string version = field(*found, "version");
  auto text = client.get(path + "/configs/" + version);
  if (!text) return text.error();
  if (field(*text, "text") == config.text) {
    return Change{"unchanged",
                  fmt::format("{} is this file already (version {})", config.name, version), ""};
  }
  Change change{"changed",
                fmt::format("{} would get a new version after {} ({})", config.name, version,
                            field(*found, "state")),
                line_diff(field(*text, "text"), config.text)};
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/campaigns:validate";
  request.body = config.text;
  request.content_type = config.media_type;
  const auto checked = client.request(request);
  if (!checked) return checked.error();
  change.withdraws = list_of(*checked, "withdraws");
  for (const Json& fallen : change.withdraws) {
    change.diff += fmt::format("withdrawn: {} ({}): {}\n", field(fallen, "catalyst"),
                               field(fallen, "state"), field(fallen, "reason"));
  }
  return change;
}

}  // namespace

std::string campaign_media_type(const std::string& file) {
  return std::string(file.ends_with(".json") ? kJson : kToml);
}

Result<campaign::CampaignConfig> load_campaign(const std::string& file,
                                               const chemistry::SupportTable& supports) {
  auto text = read_file(file);
  if (!text) return text.error();
  return campaign::parse_campaign(*text, file, campaign_media_type(file), supports);
}

Result<campaign::Science> load_science(const campaign::CampaignConfig& config,
                                       const std::string& campaign_file,
                                       const FeatureArguments& features,
                                       chemistry::SupportTable supports) {
  FeatureArguments chosen = features;
  if (chosen.elements.empty() && config.elements != "general") {
    // A path in a campaign file is meant from where that file lies.
    const std::filesystem::path path(config.elements);
    chosen.elements = path.is_absolute()
                          ? path.string()
                          : (std::filesystem::path(campaign_file).parent_path() / path)
                                .lexically_normal()
                                .string();
  }
  auto elements = chosen.load_elements();
  if (!elements) return elements.error();
  return campaign::Science{std::move(*elements), std::move(supports)};
}

Status validate_campaigns(const std::vector<std::string>& files, const std::string& supports,
                          Session& session) {
  auto known = load_supports(supports);
  if (!known) return known.error();
  Json list = Json::array();
  for (const std::string& file : files) {
    auto config = load_campaign(file, *known);
    if (!config) return config.error();
    auto space = planning::CandidateSpace::make(config->space);
    if (!space) return space.error().in(file);
    const std::vector<std::string> warnings = campaign::campaign_warnings(*config);
    list.push_back({{"file", file},
                    {"valid", true},
                    {"name", config->name},
                    {"targets", targets_json(*config)},
                    {"warnings", warnings},
                    {"space_size", space->size()}});
    if (session.json) continue;
    session.print(fmt::format("{}: valid, campaign {}, {}\n", file, config->name,
                              counted(space->size(), "candidate")));
    for (const std::string& warning : warnings) session.print(fmt::format("note: {}\n", warning));
  }
  return session.show({{"campaigns", std::move(list)}}, "");
}

namespace {

// What `kasetsu campaign plan` found out about a file.
struct FilePlan {
  campaign::CampaignConfig config;
  std::uint64_t space_size = 0;
  planning::RuleCounts counts;
  planning::PlanOptions options;
  std::vector<int> shares;  // of the batch, by strategy
  PlanningTime time;
  Change change;
};

Result<FilePlan> look_at(const std::string& file, const std::string& supports, Session& session) {
  auto known = load_supports(supports);
  if (!known) return known.error();
  auto config = load_campaign(file, *known);
  if (!config) return config.error();
  auto space = planning::CandidateSpace::make(config->space);
  if (!space) return space.error().in(file);
  auto rules = planning::RuleSet::make(config->rules, *space);
  if (!rules) return rules.error().in(file);
  const Control control = session.control();
  auto counts = planning::count_rules(*space, *rules, session.executor(), control);
  if (!counts) return counts.error();
  const planning::PlanOptions options = config->plan_options(1);
  auto shares = planning::divide(options.mix, options.batch);
  if (!shares) return shares.error().in(file);
  auto time = planning_time(*config, file, space->size(), *known, session, control);
  if (!time) return time.error().in(file);
  auto client = Client::connect(session.connection, session.stop());
  if (!client) return client.error();
  auto change = change_of(*config, *client);
  if (!change) return change.error();
  return FilePlan{*config, space->size(), *counts, options, *shares, *time, *change};
}

Json to_json(const FilePlan& plan) {
  Json effects = Json::array();
  for (const planning::RuleCount& rule : plan.counts.rules) {
    effects.push_back(
        {{"rule", rule.name}, {"removed", rule.removed}, {"estimated", rule.estimated}});
  }
  Json mix = Json::object();
  for (std::size_t i = 0; i < plan.options.mix.size(); ++i)
    mix[std::string(planning::to_string(plan.options.mix[i].strategy))] = plan.shares[i];
  return {{"name", plan.config.name},
          {"change", plan.change.word},
          {"diff", plan.change.diff},
          {"withdraws", plan.change.withdraws},
          {"warnings", campaign::campaign_warnings(plan.config)},
          {"targets", targets_json(plan.config)},
          {"space_size", plan.space_size},
          {"allowed", plan.counts.allowed},
          {"rules", std::move(effects)},
          {"batch", plan.options.batch},
          {"mix", std::move(mix)},
          {"estimate",
           {{"plan_seconds", plan.time.seconds},
            {"candidates", plan.time.candidates},
            {"tried", plan.time.tried}}},
          {"retrain", retrain_text(plan.config.retrain)},
          {"ends", stop_text(plan.config)}};
}

std::string to_text(const FilePlan& plan) {
  std::string text = plan.change.text + "\n" + plan.change.diff;
  for (const campaign::Target& target : plan.config.targets) {
    text += fmt::format("target: {} {}{}\n", goal_text(target.aim), target.name,
                        target.unit.empty() ? "" : " in " + target.unit);
  }
  text += fmt::format("space: {}\n", counted(plan.space_size, "candidate"));
  text += rules_text(plan.counts);
  text += fmt::format("batch: {}", plan.options.batch);
  for (std::size_t i = 0; i < plan.options.mix.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? " (" : ", ",
                        planning::to_string(plan.options.mix[i].strategy), plan.shares[i]);
  }
  text += plan.options.mix.empty() ? "\n" : ")\n";
  for (const std::string& warning : campaign::campaign_warnings(plan.config))
    text += fmt::format("note: {}\n", warning);
  return text + fmt::format(
                    "retrained: {}\nends: {}\ntime: about {} to plan a first batch on this machine "
                    "({} candidates looked at, {} tried); nothing was changed\n",
                    retrain_text(plan.config.retrain), stop_text(plan.config),
                    format_seconds(plan.time.seconds), plan.time.candidates, plan.time.tried);
}

}  // namespace

Status plan_campaign(const std::string& file, const std::string& supports, Session& session) {
  const Effort effort;
  auto plan = look_at(file, supports, session);
  if (!plan) return plan.error();
  Json document = to_json(*plan);
  document["wall_seconds"] = effort.wall_seconds();
  return session.show(document, to_text(*plan));
}

}  // namespace kasetsu::cli
