// kasetsu campaign: campaign files to the daemon, and the state of campaigns.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "daemon/base/data_files.h"
#include "daemon/cli/campaigns/campaign_draft.h"
#include "daemon/cli/campaigns/campaign_file.h"
#include "daemon/cli/campaigns/campaign_versions.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/client.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"
#include "daemon/cli/program/wire_text.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  ConnectionArguments connection;
  std::vector<std::string> files;
  std::string name;
  std::string reason;
  std::string supports;
};

Status apply(const Arguments& arguments, Session& session) {
  // A mistake in the last file is found before the first is applied.
  TableArguments tables;
  tables.supports = arguments.supports;
  auto supports = tables.load_supports();
  if (!supports) return supports.error();
  for (const std::string& file : arguments.files) {
    if (auto config = load_campaign(file, *supports); !config) return config.error();
  }
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  Json applied = Json::array();
  for (const std::string& file : arguments.files) {
    auto text = read_file(file);
    if (!text) return text.error();
    HttpRequest request;
    request.method = "POST";
    request.path = "/v1/campaigns";
    request.body = std::move(*text);
    request.content_type = campaign_media_type(file);
    auto answer = client->request(request);
    if (!answer) return answer.error().in(file);
    const std::string line =
        fmt::format("{}: {} (version {}, {})", field(*answer, "name"), field(*answer, "outcome"),
                    field(*answer, "version"), field(*answer, "state"));
    if (session.json) {
      applied.push_back(std::move(*answer));
    } else {
      session.print(line + "\n");
    }
  }
  if (session.json) session.print_json({{"campaigns", std::move(applied)}});
  return {};
}

Status list(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  Json campaigns = Json::array();
  auto status = client->each("/v1/campaigns", "campaigns", [&](const Json& item) {
    campaigns.push_back(item);
    return Status();
  });
  if (!status) return status;
  if (session.json) {
    session.print_json({{"campaigns", std::move(campaigns)}});
    return {};
  }
  if (campaigns.empty()) {
    session.say("no campaigns yet; kasetsu campaign apply FILE makes one");
    return {};
  }
  TextTable table({"campaign", "state", "version", "owner", "changed"});
  for (const Json& item : campaigns) {
    table.add({field(item, "name"), field(item, "state"), field(item, "version"),
               field(item, "owner"), field(item, "updated_at")});
  }
  session.print(table.text(Session::columns()));
  return {};
}

void print_campaign(const Json& campaign, Session& session) {
  if (session.json) {
    session.print_json(campaign);
    return;
  }
  std::string text = fmt::format("{}: {}, version {}", field(campaign, "name"),
                                 field(campaign, "state"), field(campaign, "version"));
  if (field(campaign, "reason") != "-") text += " (" + field(campaign, "reason") + ")";
  text += '\n';
  if (campaign.contains("properties") && campaign["properties"].is_array()) {
    for (const Json& property : campaign["properties"]) {
      const bool target = property.value("target", false);
      text += fmt::format("  {} {}{}\n", target ? "target" : "measured", field(property, "name"),
                          field(property, "unit") == "-" ? "" : " in " + field(property, "unit"));
    }
  }
  if (campaign.contains("measurements")) {
    text += fmt::format("  {} measurements\n", field(campaign, "measurements"));
  }
  session.print(text);
}

Status show(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  auto campaign = client->get("/v1/campaigns/" + encode(arguments.name));
  if (!campaign) return campaign.error();
  print_campaign(*campaign, session);
  return {};
}

Status steer(const Arguments& arguments, const std::string& verb, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  Json body = Json::object();
  if (!arguments.reason.empty()) body["reason"] = arguments.reason;
  auto campaign = client->post("/v1/campaigns/" + encode(arguments.name) + ":" + verb, body);
  if (!campaign) return campaign.error();
  print_campaign(*campaign, session);
  return {};
}

// What people were to be told and were not: it waits, or was given up on.
Status notifications(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  auto told =
      client->get(arguments.name.empty() ? std::string("/v1/notifications")
                                         : "/v1/notifications?campaign=" + encode(arguments.name));
  if (!told) return told.error();
  if (session.json) {
    session.print_json(*told);
    return {};
  }
  TextTable table({"state", "campaign", "kind", "host", "attempts", "last error", "text"});
  std::size_t count = 0;
  for (const char* state : {"waiting", "given_up"}) {
    for (const Json& item : (*told)[state]) {
      ++count;
      table.add({state, field(item, "campaign"), field(item, "kind"), field(item, "host"),
                 field(item, "attempts"), field(item, "last_error"), field(item, "text")});
    }
  }
  if (count == 0) {
    session.say("nothing waits and nothing was given up on");
  } else {
    session.print(table.text(Session::columns()));
  }
  return {};
}

}  // namespace

void add_campaign(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("campaign", "campaign files, and the state of campaigns");
  group->group("With the daemon");
  group->require_subcommand(1);
  group->footer(
      "  kasetsu campaign plan ocm.toml      (what it would do; touches nothing)\n"
      "  kasetsu campaign apply ocm.toml\n"
      "  kasetsu campaign list");
  auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const std::string& name, const std::string& summary,
                       const std::string& examples, auto run) {
    return add_daemon_command(*group, session, arguments, name, summary, examples, run);
  };
  auto draft = std::make_shared<DraftArguments>();
  CLI::App* first =
      add_command(*group, session, "draft", "a campaign file from a table of what was measured",
                  "  kasetsu campaign draft own.csv --target yield --unit % --goal maximize \\\n"
                  "    --name own --batch 8 --out own.toml");
  draft->table.add_to(*first);
  first->add_option("--name", draft->request.name, "name of the campaign")->required();
  first->add_option("--unit", draft->request.unit, "of the target; \"\" where there is none")
      ->required();
  first->add_option("--goal", draft->request.goal, "maximize or minimize")
      ->required()
      ->check(CLI::IsMember({"maximize", "minimize"}));
  first->add_option("--batch", draft->request.batch, "catalysts in a batch")
      ->required()
      ->check(CLI::PositiveNumber);
  first
      ->add_option("--loading-unit", draft->request.loading_unit,
                   "unit of amounts that are loadings")
      ->capture_default_str();
  first->add_option("--out", draft->out, "file to write");
  first->callback([draft, &session] {
    session.action = [=, &session] { return draft_campaign(*draft, session); };
  });
  CLI::App* command =
      add("validate", "whether campaign files are right, without a daemon",
          "  kasetsu campaign validate ocm.toml", [](const Arguments& chosen, Session& with) {
            return validate_campaigns(chosen.files, chosen.supports, with);
          });
  command->add_option("FILE", arguments->files, "campaign files (TOML, or JSON by name)")
      ->required();
  command->add_option("--supports", arguments->supports,
                      "table of supports that are not simply a formula");
  command =
      add("plan", "what a campaign file would change and what its rules do; touches nothing",
          "  kasetsu campaign plan ocm.toml", [](const Arguments& chosen, Session& with) {
            return plan_campaign(chosen.files.at(0), chosen.supports, chosen.connection, with);
          });
  command->add_option("FILE", arguments->files, "campaign file (TOML, or JSON by name)")
      ->required()
      ->expected(1);
  command->add_option("--supports", arguments->supports,
                      "table of supports that are not simply a formula");
  add_threads(*command, session);
  command =
      add("apply", "create a campaign, or give it a new version; the same file changes nothing",
          "  kasetsu campaign apply ocm.toml", apply);
  command->add_option("FILE", arguments->files, "campaign files (TOML, or JSON by name)")
      ->required();
  add("list", "all campaigns", "  kasetsu campaign list --json", list);
  command = add("show", "one campaign", "  kasetsu campaign show ocm", show);
  command->add_option("CAMPAIGN", arguments->name, "name of the campaign")->required();
  auto versions = std::make_shared<VersionArguments>();
  const auto add_version = [&](const std::string& name, const std::string& summary,
                               const std::string& examples, auto run) {
    return add_daemon_command(*group, session, versions, name, summary, examples, run);
  };
  const auto from_version = [&](CLI::App& at, const std::string& text) {
    at.add_option("--from", versions->from, text)->check(CLI::PositiveNumber);
  };
  const auto to_version = [&](CLI::App& at, const std::string& text) {
    at.add_option("--version", versions->to, text)->check(CLI::PositiveNumber);
  };
  command = add_version("diff", "what a file, or a campaign's newest version, changed",
                        "  kasetsu campaign diff ocm.toml     (the file against the daemon's)\n"
                        "  kasetsu campaign diff ocm --from 1 --version 3",
                        diff_campaign);
  command->add_option("WHAT", versions->what, "a file, or the name of a campaign")->required();
  from_version(*command, "version to start from (default: the newest, or the one before)");
  to_version(*command, "of a campaign: version to end at (default: the newest)");
  command = add_version("history", "what happened to a campaign, its models and batches",
                        "  kasetsu campaign history ocm", campaign_history);
  command->add_option("CAMPAIGN", versions->what, "name of the campaign")->required();
  command = add_version("export", "the campaign's file, byte for byte as it was applied",
                        "  kasetsu campaign export ocm --out ocm.toml", export_campaign);
  command->add_option("CAMPAIGN", versions->what, "name of the campaign")->required();
  to_version(*command, "which version (default: the newest)");
  command->add_option("--out", versions->out, "file to write");
  command =
      add_version("fork", "a new campaign with the same file, and its results if wanted",
                  "  kasetsu campaign fork ocm ocm-low-temperature --with-results", fork_campaign);
  command->add_option("CAMPAIGN", versions->what, "name of the campaign")->required();
  command->add_option("NEW", versions->new_name, "name of the new campaign")->required();
  to_version(*command, "which version (default: the newest)");
  command->add_flag("--with-results", versions->with_results, "copy its live results, too");
  command = add("notifications", "messages that wait to be sent, or were given up on",
                "  kasetsu campaign notifications ocm", notifications);
  command->add_option("CAMPAIGN", arguments->name, "name of the campaign (default: all)");
  for (const auto& [verb, summary] :
       {std::pair{"start", "begin a campaign that was applied as a draft"},
        std::pair{"pause", "no new proposals and no retraining until resumed"},
        std::pair{"resume", "go on after a pause"}, std::pair{"complete", "the search has ended"},
        std::pair{"stop", "end the search without success"}}) {
    command = add(verb, summary, fmt::format("  kasetsu campaign {} ocm", verb),
                  [verb = std::string(verb)](const Arguments& chosen, Session& with) {
                    return steer(chosen, verb, with);
                  });
    command->add_option("CAMPAIGN", arguments->name, "name of the campaign")->required();
    command->add_option("--reason", arguments->reason, "why, for the record");
  }
}

}  // namespace kasetsu::cli
