// kasetsu campaign: campaign files to the daemon, and the state of campaigns.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "daemon/base/data_files.h"
#include "daemon/cli/campaigns/campaign_draft.h"
#include "daemon/cli/campaigns/campaign_file.h"
#include "daemon/cli/campaigns/campaign_versions.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string name;
  std::string reason;
  std::string supports;
};

Status apply(const Arguments& arguments, const Client& client, Session& session) {
  // A mistake in the last file is found before the first is applied.
  TableArguments tables;
  tables.supports = arguments.supports;
  auto supports = tables.load_supports();
  if (!supports) return supports.error();
  std::vector<std::string> texts;  // read once: standard input has nothing the second time
  for (const std::string& file : arguments.files) {
    auto config = load_campaign(file, *supports);
    if (!config) return config.error();
    texts.push_back(std::move(config->text));
  }
  Json applied = Json::array();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string& file = arguments.files[i];
    HttpRequest request;
    request.method = "POST";
    request.path = "/v1/campaigns";
    request.body = std::move(texts[i]);
    request.content_type = campaign_media_type(file);
    auto answer = client.request(request);
    if (!answer) return answer.error().in(file);
    if (!session.json) {
      session.print(fmt::format("{}: {} (version {}, {})\n", field(*answer, "name"),
                                field(*answer, "outcome"), field(*answer, "version"),
                                field(*answer, "state")));
    }
    applied.push_back(std::move(*answer));
  }
  return session.show({{"campaigns", std::move(applied)}}, "");
}

Status list(const Arguments&, const Client& client, Session& session) {
  auto campaigns = client.list("/v1/campaigns", "campaigns");
  if (!campaigns) return campaigns.error();
  return show_list("campaigns", *campaigns,
                   {{"campaign", "name"},
                    {"state", "state"},
                    {"version", "version"},
                    {"owner", "owner"},
                    {"changed", "updated_at"}},
                   "no campaigns yet; kasetsu campaign apply FILE makes one", session);
}

// "  amounts in wt% that add up to 100, oxygen not counted".
std::string composition_text(const Json& composition) {
  if (!composition.is_object()) return {};
  const std::string basis = field(composition, "basis");
  const std::string unit = field(composition, "unit");
  const std::string total = field(composition, "total");
  const std::string tolerance = field(composition, "tolerance");
  std::string text = "  amounts: ";
  text += basis == "-" ? "no basis told" : basis;
  if (unit != "-" && !unit.empty()) text += " in " + unit;
  if (total != "-") text += ", total " + total;
  if (tolerance != "-") text += ", the same within " + tolerance;
  return text + fmt::format("; oxygen is {}\n", field(composition, "oxygen"));
}

Status show_campaign(const Result<Json>& campaign, Session& session) {
  if (!campaign) return campaign.error();
  std::string text = fmt::format("{}: {}, version {}", field(*campaign, "name"),
                                 field(*campaign, "state"), field(*campaign, "version"));
  if (field(*campaign, "reason") != "-") text += " (" + field(*campaign, "reason") + ")";
  text += '\n';
  for (const Json& property : list_of(*campaign, "properties")) {
    const bool target = field(property, "target") == "true";
    const std::string unit = field(property, "unit");
    text += fmt::format("  {} {}{}\n", target ? "target" : "measured", field(property, "name"),
                        unit == "-" || unit.empty() ? "" : " in " + unit);
  }
  text += composition_text(member(*campaign, "composition"));
  if (const Json& count = member(*campaign, "measurements"); count.is_number_unsigned())
    text += fmt::format("  {}\n", counted(count.get<std::size_t>(), "measurement"));
  return session.show(*campaign, text);
}

Status show(const Arguments& arguments, const Client& client, Session& session) {
  return show_campaign(client.get(address_of(arguments.name)), session);
}

// What people were to be told and were not: it waits, or could not be sent.
Status notifications(const Arguments& arguments, const Client& client, Session& session) {
  auto told = client.get("/v1/notifications" + query({{"campaign", arguments.name}}));
  if (!told) return told.error();
  Json all = Json::array();
  for (const char* state : {"waiting", "given_up"}) {
    for (Json item : list_of(*told, state)) {
      item["state"] = state;
      all.push_back(std::move(item));
    }
  }
  if (session.json) return session.show(*told, "");
  return show_list("notifications", all,
                   {{"state", "state"},
                    {"campaign", "campaign"},
                    {"kind", "kind"},
                    {"host", "host"},
                    {"attempts", "attempts"},
                    {"last error", "last_error"},
                    {"text", "text"}},
                   "no message waits, and all could be sent", session);
}

void add_draft(CLI::App& group, Session& session) {
  auto draft = std::make_shared<DraftArguments>();
  CLI::App* command =
      add_command(group, session, "draft", "a campaign file from a table of what was measured",
                  "  kasetsu campaign draft own.csv --target yield --unit % --goal maximize \\\n"
                  "    --name own --batch 8 --out own.toml");
  draft->table.add_to(*command);
  command->add_option("--name", draft->request.name, "name of the campaign")->required();
  command->add_option("--unit", draft->request.unit, "of the target; \"\" where there is none")
      ->required();
  command->add_option("--goal", draft->request.goal, "maximize or minimize")
      ->required()
      ->check(CLI::IsMember({"maximize", "minimize"}));
  command->add_option("--batch", draft->request.batch, "catalysts in a batch")
      ->required()
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--loading-unit", draft->request.loading_unit,
                   "unit of amounts that are loadings")
      ->capture_default_str();
  command->add_option("--out", draft->out, "file to write");
  run_when_chosen(*command, session, draft, draft_campaign);
}

void add_file_commands(CLI::App& group, Session& session,
                       const std::shared_ptr<Arguments>& arguments) {
  const auto files = [&](CLI::App& command) {
    command.add_option("--supports", arguments->supports,
                       "table of supports that are not simply a formula");
    return command.add_option("FILE", arguments->files, "campaign files (TOML, or JSON by name)")
        ->required();
  };
  CLI::App* command =
      add_command(group, session, "validate", "whether campaign files are right, without a daemon",
                  "  kasetsu campaign validate ocm.toml");
  files(*command);
  run_when_chosen(*command, session, arguments, [](const Arguments& chosen, Session& with) {
    return validate_campaigns(chosen.files, chosen.supports, with);
  });
  command = add_command(group, session, "plan",
                        "what a campaign file would change and what its rules do; touches nothing",
                        "  kasetsu campaign plan ocm.toml");
  files(*command)->expected(1);
  add_connection(*command, session);
  add_threads(*command, session);
  run_when_chosen(*command, session, arguments, [](const Arguments& chosen, Session& with) {
    return plan_campaign(chosen.files.at(0), chosen.supports, with);
  });
  files(*add_daemon_command(
      group, session, arguments, "apply",
      "create a campaign, or give it a new version; the same file changes nothing",
      "  kasetsu campaign apply ocm.toml", apply));
}

void add_versions(CLI::App& group, Session& session) {
  auto versions = std::make_shared<VersionArguments>();
  const auto add = [&](const std::string& name, const std::string& summary,
                       const std::string& examples, auto run) {
    return add_daemon_command(group, session, versions, name, summary, examples, run);
  };
  const auto to_version = [&](CLI::App& command, const std::string& text) {
    command.add_option("--version", versions->to, text)->check(CLI::PositiveNumber);
  };
  CLI::App* command = add("diff", "what a file, or a campaign's newest version, changed",
                          "  kasetsu campaign diff ocm.toml     (the file against the daemon's)\n"
                          "  kasetsu campaign diff ocm --from 1 --version 3",
                          diff_campaign);
  command->add_option("WHAT", versions->what, "a file, or the name of a campaign")->required();
  command
      ->add_option("--from", versions->from,
                   "version to start from (default: the newest, or the one before)")
      ->check(CLI::PositiveNumber);
  to_version(*command, "of a campaign: version to end at (default: the newest)");
  command = add("history", "what happened to a campaign, its models and batches",
                "  kasetsu campaign history ocm", campaign_history);
  add_campaign_name(*command, versions->what);
  command = add("export", "the campaign's file, byte for byte as it was applied",
                "  kasetsu campaign export ocm --out ocm.toml", export_campaign);
  add_campaign_name(*command, versions->what);
  to_version(*command, "which version (default: the newest)");
  command->add_option("--out", versions->out, "file to write");
  command = add("fork", "a new campaign with the same file, and its results if wanted",
                "  kasetsu campaign fork ocm ocm-low-temperature --with-results", fork_campaign);
  add_campaign_name(*command, versions->what);
  command->add_option("NEW", versions->new_name, "name of the new campaign")->required();
  to_version(*command, "which version (default: the newest)");
  command->add_flag("--with-results", versions->with_results, "copy its live results, too");
}

}  // namespace

void add_campaign(CLI::App& app, Session& session) {
  CLI::App* group =
      add_group(app, "campaign", "campaign files, and the state of campaigns", "With the daemon",
                "  kasetsu campaign plan ocm.toml      (what it would do; touches nothing)\n"
                "  kasetsu campaign apply ocm.toml\n"
                "  kasetsu campaign list");
  auto arguments = std::make_shared<Arguments>();
  add_draft(*group, session);
  add_file_commands(*group, session, arguments);
  const auto add = [&](const std::string& name, const std::string& summary,
                       const std::string& examples, auto run) {
    return add_daemon_command(*group, session, arguments, name, summary, examples, run);
  };
  add("list", "all campaigns", "  kasetsu campaign list --json", list);
  add_campaign_name(*add("show", "one campaign", "  kasetsu campaign show ocm", show),
                    arguments->name);
  add_versions(*group, session);
  add("notifications", "messages that wait to be sent, or could not be sent",
      "  kasetsu campaign notifications ocm", notifications)
      ->add_option("CAMPAIGN", arguments->name, "name of the campaign (default: all)");
  for (const auto& [word, summary] :
       {std::pair{"start", "begin a campaign that was applied as a draft"},
        std::pair{"pause", "no new proposals and no retraining until resumed"},
        std::pair{"resume", "go on after a pause"}, std::pair{"complete", "the search has ended"},
        std::pair{"stop", "end the search without success"}}) {
    const auto steer = [verb = std::string(word)](const Arguments& chosen, const Client& client,
                                                  Session& with) {
      Json body = Json::object();
      if (!chosen.reason.empty()) body["reason"] = chosen.reason;
      return show_campaign(client.post(address_of(chosen.name) + ":" + verb, body), with);
    };
    CLI::App* command = add(word, summary, fmt::format("  kasetsu campaign {} ocm", word), steer);
    add_campaign_name(*command, arguments->name);
    command->add_option("--reason", arguments->reason, "why, for the record");
  }
}

}  // namespace kasetsu::cli
