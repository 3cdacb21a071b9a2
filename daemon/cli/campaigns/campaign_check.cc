// What a campaign file says and what it would change, without touching anything.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "daemon/base/data_files.h"
#include "daemon/campaign/starting/file_plan.h"
#include "daemon/campaign/starting/line_diff.h"
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

// What the daemon has under this name.
struct Change {
  std::string word;  // "new", "unchanged", "changed", "unknown"
  std::string text;
  std::string diff;                // of a changed one
  Json withdraws = Json::array();  // proposals that would be withdrawn: id, catalyst, reason
};

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
                campaign::line_diff(field(*text, "text"), config.text)};
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
  for (const Json& sentence : list_of(*checked, "left_out")) {
    change.diff += fmt::format("{}\n", sentence.get<std::string>());
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
                    {"targets", campaign::targets_json(*config)},
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
struct Found {
  campaign::CampaignConfig config;
  campaign::FilePlan plan;
  Change change;
};

Result<Found> look_at(const std::string& file, const std::string& supports, Session& session) {
  auto known = load_supports(supports);
  if (!known) return known.error();
  auto config = load_campaign(file, *known);
  if (!config) return config.error();
  const Control control = session.control();
  auto plan = campaign::plan_file(*config, session.executor(), control);
  if (!plan) return plan.error().in(file);
  auto science = load_science(*config, file, FeatureArguments(), *known);
  if (!science) return science.error();
  auto first =
      campaign::plan_first_batch(*config, plan->space_size, *science, session.executor(), control);
  if (!first) return first.error().in(file);
  plan->first = std::move(*first);
  auto client = Client::connect(session.connection, session.stop());
  if (!client) return client.error();
  auto change = change_of(*config, *client);
  if (!change) return change.error();
  return Found{std::move(*config), std::move(*plan), std::move(*change)};
}

std::string to_text(const Found& found) {
  const campaign::FilePlan& plan = found.plan;
  std::string text = found.change.text + "\n" + found.change.diff;
  for (const campaign::Target& target : found.config.targets) {
    text += fmt::format("target: {} {}{}\n", goal_text(target.aim), target.name,
                        target.unit.empty() ? "" : " in " + target.unit);
  }
  text += fmt::format("space: {}\n", counted(plan.space_size, "candidate"));
  text += rules_text(plan.rules);
  text += fmt::format("batch: {}", plan.batch);
  for (std::size_t i = 0; i < plan.mix.size(); ++i)
    text += fmt::format("{}{} {}", i == 0 ? " (" : ", ", plan.mix[i].first, plan.mix[i].second);
  text += plan.mix.empty() ? "\n" : ")\n";
  for (const std::string& warning : plan.warnings) text += fmt::format("note: {}\n", warning);
  return text + fmt::format(
                    "retrained: {}\nends: {}\ntime: about {} to plan a first batch on this machine "
                    "({} candidates looked at, {} tried); nothing was changed\n",
                    plan.retrain, plan.ends, format_seconds(plan.first->seconds),
                    plan.first->candidates, plan.first->tried);
}

}  // namespace

Status plan_campaign(const std::string& file, const std::string& supports, Session& session) {
  const Effort effort;
  auto found = look_at(file, supports, session);
  if (!found) return found.error();
  Json document = campaign::plan_json(found->config, found->plan);
  document["change"] = found->change.word;
  document["diff"] = found->change.diff;
  document["withdraws"] = found->change.withdraws;
  document["wall_seconds"] = effort.wall_seconds();
  return session.show(document, to_text(*found));
}

}  // namespace kasetsu::cli
