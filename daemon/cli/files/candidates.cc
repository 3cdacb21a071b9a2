// kasetsu candidates: what the rules of a campaign file leave of its space, and why a composition
// is out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/chemistry/told_catalyst.h"
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
                           const planning::RuleSet& rules, const chemistry::SupportTable& supports,
                           const chemistry::CompositionRules& composition) {
  chemistry::ToldCatalyst told;
  (chemistry::looks_like_key(text) ? told.key : told.name) = text;
  auto made = chemistry::make_catalyst(told, supports, composition);
  if (!made) return made.error();
  planning::Candidate candidate{std::move(made->catalyst), {}};
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

Json to_json(const planning::RuleCounts& counts, const std::vector<Verdict>& verdicts) {
  Json removed = Json::array();
  for (const planning::RuleCount& rule : counts.rules) {
    removed.push_back(
        {{"rule", rule.name}, {"removed", rule.removed}, {"estimated", rule.estimated}});
  }
  Json list = Json::array();
  for (const Verdict& verdict : verdicts) {
    list.push_back({{"key", verdict.key},
                    {"in_space", verdict.in_space},
                    {"allowed", verdict.in_space && verdict.broken.empty()},
                    {"broken", verdict.broken},
                    {"nearly", verdict.nearly}});
  }
  return {{"space_size", counts.size},
          {"allowed", counts.allowed},
          {"estimated", counts.estimated},
          {"rules", std::move(removed)},
          {"candidates", std::move(list)}};
}

std::string to_text(const planning::RuleCounts& counts, const std::vector<Verdict>& verdicts) {
  const std::string_view about = counts.estimated ? "about " : "";
  std::string text;
  for (const planning::RuleCount& rule : counts.rules) {
    text += fmt::format("rule \"{}\" removes {}{}\n", rule.name, about,
                        counted(rule.removed, "candidate"));
  }
  text +=
      fmt::format("{}{} of {} remain\n", about, counts.allowed, counted(counts.size, "candidate"));
  for (const Verdict& verdict : verdicts) {
    if (!verdict.in_space) {
      text += verdict.key + ": not a candidate of the space\n";
    } else if (verdict.broken.empty()) {
      text += verdict.key + ": allowed\n";
    }
    for (const std::string& why : verdict.broken) text += fmt::format("{}: {}\n", verdict.key, why);
    for (const std::string& why : verdict.nearly)
      text += fmt::format("{}: kept, but {}\n", verdict.key, why);
  }
  return text;
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
    auto verdict = verdict_of(catalyst, *space, *rules, *supports, config->composition);
    if (!verdict) return verdict.error();
    verdicts.push_back(std::move(*verdict));
  }
  auto counts = planning::count_rules(*space, *rules, session.executor(), session.control());
  session.end_progress();
  if (!counts) return counts.error();

  return session.show(to_json(*counts, verdicts), to_text(*counts, verdicts));
}

}  // namespace

void add_candidates(CLI::App& app, Session& session) {
  CLI::App* group = add_group(app, "candidates", "the candidate space of a campaign file",
                              "More on files", "  kasetsu candidates explain --campaign ocm.toml");
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(*group, session, "explain", "what each rule removes, and why something is out",
                  "  kasetsu candidates explain --campaign ocm.toml\n"
                  "  kasetsu candidates explain --campaign ocm.toml \"K:1;Pb:2/MgO\"");
  command->add_option("--campaign", arguments->campaign, "campaign file")->required();
  command->add_option("--supports", arguments->supports, "table of supports (CSV)");
  command->add_option("CATALYST", arguments->catalysts, "to be explained: \"Li:1;Mn:2/MgO\"");
  add_threads(*command, session);
  run_when_chosen(*command, session, arguments, explain);
}

}  // namespace kasetsu::cli
