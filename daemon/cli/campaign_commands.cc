// kasetsu campaign: campaign files to the daemon, and the state of campaigns.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "daemon/cli/arguments.h"
#include "daemon/cli/campaign_file.h"
#include "daemon/cli/client.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/wire_text.h"
#include "daemon/data_files.h"

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

}  // namespace

void add_campaign(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("campaign", "campaign files, and the state of campaigns");
  group->group("With the daemon");
  group->require_subcommand(1);
  group->footer(
      "  kasetsu campaign validate ocm.toml\n"
      "  kasetsu campaign apply ocm.toml\n"
      "  kasetsu campaign list");
  auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const std::string& name, const std::string& summary,
                       const std::string& examples, auto run) {
    CLI::App* command = add_command(*group, session, name, summary, examples);
    arguments->connection.add_to(*command);
    command->callback([arguments, &session, run] {
      session.action = [=, &session] { return run(*arguments, session); };
    });
    return command;
  };
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
