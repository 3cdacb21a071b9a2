// kasetsu drivers: the doors through which results come in by themselves.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/client.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/wire_text.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  ConnectionArguments connection;
  std::string name;
};

void print_table(const Json& drivers, Session& session) {
  TextTable table({"driver", "kind", "campaign", "state", "accepted", "flagged", "duplicate",
                   "quarantined", "dropped", "last delivery", "last error"});
  for (const Json& item : drivers) {
    std::vector<std::string> cells;
    for (const char* name :
         {"name", "kind", "campaign", "state", "accepted", "flagged", "duplicate", "quarantined",
          "dropped", "last_delivery_at", "last_error"}) {
      cells.push_back(field(item, name));
    }
    table.add(std::move(cells));
  }
  session.print(table.text(Session::columns()));
}

Status list(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  auto answer = client->get("/v1/drivers");
  if (!answer) return answer.error();
  if (session.json) {
    session.print_json(*answer);
  } else if ((*answer)["drivers"].empty()) {
    session.say("no drivers; they are defined in the daemon's file ([drivers.NAME])");
  } else {
    print_table((*answer)["drivers"], session);
  }
  return {};
}

Status act(const Arguments& arguments, Session& session, const std::string& verb) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  const std::string path = "/v1/drivers/" + encode(arguments.name);
  auto answer =
      verb == "show" ? client->get(path) : client->post(path + ":" + verb, Json::object());
  if (!answer) return answer.error();
  if (session.json) {
    session.print_json(*answer);
    return {};
  }
  if (verb != "check") {
    print_table(Json::array({*answer}), session);
    return {};
  }
  TextTable table({"what", "accepted", "flagged", "duplicate", "quarantined", "reason"});
  for (const Json& item : (*answer)["would_take"]) {
    const Json verdicts = item.value("verdicts", Json::object());
    const auto count = [&](const char* name) {
      return verdicts.contains(name) ? field(verdicts, name) : std::string("-");
    };
    std::string reason = item.contains("quarantine") ? field(item, "quarantine")
                         : item.contains("refuse")   ? field(item, "refuse")
                                                     : std::string();
    if (reason.empty() && verdicts.contains("problems") && !verdicts["problems"].empty()) {
      reason = field(verdicts["problems"][0], "reason");
    }
    table.add({field(item, "name"), count("accepted"), count("flagged"), count("duplicate"),
               count("quarantined"), reason});
  }
  if ((*answer)["would_take"].empty()) {
    session.say("nothing waits there now");
  } else {
    session.print(table.text(Session::columns()));
  }
  for (const Json& note : answer->value("notes", Json::array())) {
    session.say(note.get<std::string>());
  }
  session.say("nothing was changed");
  return {};
}

}  // namespace

void add_drivers(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("drivers",
                                       "doors through which results come in by "
                                       "themselves");
  group->group("With the daemon");
  group->require_subcommand(1);
  group->footer(
      "  kasetsu drivers list\n"
      "  kasetsu drivers check gc-folder");
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
  add("list", "states and counters", "  kasetsu drivers list", list);
  const struct {
    const char* verb;
    const char* summary;
  } verbs[] = {{"show", "one driver"},
               {"start", "start it (again)"},
               {"stop", "stop it until it is started, or the daemon is"},
               {"check", "what it would do now; changes nothing"}};
  for (const auto& one : verbs) {
    const std::string verb = one.verb;
    CLI::App* command =
        add(verb, one.summary, "  kasetsu drivers " + verb + " gc-folder",
            [verb](const Arguments& given, Session& with) { return act(given, with, verb); });
    command->add_option("NAME", arguments->name, "name of the driver")->required();
  }
}

}  // namespace kasetsu::cli
