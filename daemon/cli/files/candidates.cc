// kasetsu candidates: what the rules of a campaign file leave of its space, and why a composition
// is out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/planning/space/rules.h"
#include "daemon/cli/campaigns/campaign_file.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/help.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string campaign;
  std::string supports;
  std::vector<std::string> catalysts;
};

// What is to be said of one composition.
struct Verdict {
  std::string key;
  bool in_space = false;  // in some place of the space, whatever the conditions
  std::vector<std::string> broken;
  std::vector<std::string> nearly;
};

Result<Verdict> verdict_of(const std::string& text, const planning::CandidateSpace& space,
                           const planning::RuleSet& rules,
                           const chemistry::SupportTable& supports) {
  const bool key = text.find(':') != std::string::npos || text.starts_with("-/");
  auto catalyst =
      key ? chemistry::parse_key(text, supports) : chemistry::parse_catalyst_name(text, supports);
  if (!catalyst) return catalyst.error();
  planning::Candidate candidate{std::move(*catalyst), {}};
  for (const planning::ConditionLevels& condition : space.conditions()) {
    candidate.conditions.push_back(condition.levels.front());
  }
  Verdict verdict;
  verdict.key = chemistry::canonical_key(candidate.catalyst);
  verdict.in_space = space.rank(candidate).has_value();
  verdict.broken = rules.explain(candidate);
  verdict.nearly = rules.nearly(candidate);
  return verdict;
}

Status explain(const Arguments& arguments, Session& session) {
  TableArguments table;
  table.supports = arguments.supports;
  auto supports = table.load_supports();
  if (!supports) return supports.error();
  auto config = load_campaign(arguments.campaign, *supports);
  if (!config) return config.error();
  auto space = planning::CandidateSpace::make(config->space);
  if (!space) return space.error();
  auto rules = planning::RuleSet::make(config->rules, *space);
  if (!rules) return rules.error();
  std::vector<Verdict> verdicts;
  for (const std::string& catalyst : arguments.catalysts) {
    auto verdict = verdict_of(catalyst, *space, *rules, *supports);
    if (!verdict) return verdict.error();
    verdicts.push_back(std::move(*verdict));
  }
  auto counts = planning::count_rules(*space, *rules, session.executor(), session.control());
  session.end_progress();
  if (!counts) return counts.error();

  if (session.json) {
    Json removed = Json::array();
    for (const planning::RuleCount& rule : counts->rules) {
      Json item = Json::object();
      item["rule"] = rule.name;
      item["removed"] = rule.removed;
      item["estimated"] = rule.estimated;
      removed.push_back(std::move(item));
    }
    Json list = Json::array();
    for (const Verdict& verdict : verdicts) {
      Json item = Json::object();
      item["key"] = verdict.key;
      item["in_space"] = verdict.in_space;
      item["allowed"] = verdict.in_space && verdict.broken.empty();
      item["broken"] = verdict.broken;
      item["nearly"] = verdict.nearly;
      list.push_back(std::move(item));
    }
    Json document = Json::object();
    document["space_size"] = counts->size;
    document["allowed"] = counts->allowed;
    document["estimated"] = counts->estimated;
    document["rules"] = std::move(removed);
    document["candidates"] = std::move(list);
    session.print_json(document);
    return {};
  }
  const std::string_view about = counts->estimated ? "about " : "";
  for (const planning::RuleCount& rule : counts->rules) {
    session.print(
        fmt::format("rule \"{}\" removes {}{} candidates\n", rule.name, about, rule.removed));
  }
  session.print(
      fmt::format("{}{} of {} candidates are left\n", about, counts->allowed, counts->size));
  for (const Verdict& verdict : verdicts) {
    if (verdict.in_space && verdict.broken.empty()) {
      session.print(fmt::format("{}: allowed\n", verdict.key));
    } else if (!verdict.in_space) {
      session.print(fmt::format("{}: not a candidate of the space\n", verdict.key));
    }
    for (const std::string& why : verdict.broken) {
      session.print(fmt::format("{}: {}\n", verdict.key, why));
    }
    for (const std::string& why : verdict.nearly) {
      session.print(fmt::format("{}: kept, but {}\n", verdict.key, why));
    }
  }
  return {};
}

}  // namespace

void add_candidates(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("candidates", "the candidate space of a campaign file");
  group->group(kMoreGroup);
  group->require_subcommand(1);
  group->footer("  kasetsu candidates explain --campaign ocm.toml");
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(*group, session, "explain", "what each rule removes, and why something is out",
                  "  kasetsu candidates explain --campaign ocm.toml\n"
                  "  kasetsu candidates explain --campaign ocm.toml \"K:1;Pb:2/MgO\"");
  command->add_option("--campaign", arguments->campaign, "campaign file")->required();
  command->add_option("--supports", arguments->supports, "table of supports (CSV)");
  command->add_option("CATALYST", arguments->catalysts, "to be explained: \"Li:1;Mn:2/MgO\"");
  add_threads(*command, session);
  command->callback([arguments, &session] {
    session.action = [=, &session] { return explain(*arguments, session); };
  });
}

}  // namespace kasetsu::cli
