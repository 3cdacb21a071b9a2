// kasetsu drivers: the doors through which results come in by themselves.
#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string name;
};

constexpr Columns kColumns = {{"driver", "name"},          {"kind", "kind"},
                              {"campaign", "campaign"},    {"state", "state"},
                              {"accepted", "accepted"},    {"flagged", "flagged"},
                              {"duplicate", "duplicate"},  {"quarantined", "quarantined"},
                              {"dropped", "dropped"},      {"last delivery", "last_delivery_at"},
                              {"last error", "last_error"}};

Status list(const Arguments&, const Client& client, Session& session) {
  auto answer = client.get("/v1/drivers");
  if (!answer) return answer.error();
  const Json& drivers = list_of(*answer, "drivers");
  if (drivers.empty() && !session.json) {
    session.say("no drivers; they are defined in the daemon's file ([drivers.NAME])");
    return {};
  }
  return session.show(*answer, table_of(drivers, kColumns));
}

std::string reason_of(const Json& delivery) {
  for (const char* name : {"quarantine", "refuse"}) {
    if (const std::string reason = field(delivery, name); reason != "-") return reason;
  }
  const Json& problems = list_of(member(delivery, "verdicts"), "problems");
  return problems.empty() ? "" : field(problems[0], "reason");
}

Status check(const Arguments& arguments, const Client& client, Session& session) {
  auto answer = client.post("/v1/drivers/" + encode(arguments.name) + ":check", Json::object());
  if (!answer) return answer.error();
  if (session.json) return session.show(*answer, "");
  TextTable table({"what", "accepted", "flagged", "duplicate", "quarantined", "reason"});
  for (const Json& item : list_of(*answer, "would_take")) {
    const Json& verdicts = member(item, "verdicts");
    table.add({field(item, "name"), field(verdicts, "accepted"), field(verdicts, "flagged"),
               field(verdicts, "duplicate"), field(verdicts, "quarantined"), reason_of(item)});
  }
  if (list_of(*answer, "would_take").empty()) {
    session.say("nothing waits there now");
  } else {
    session.print(table);
  }
  say_notes(*answer, session);
  session.say("nothing was changed");
  return {};
}

}  // namespace

void add_drivers(CLI::App& app, Session& session) {
  CLI::App* group = add_group(app, "drivers", "doors through which results come in by themselves",
                              "With the daemon",
                              "  kasetsu drivers list\n"
                              "  kasetsu drivers check gc-folder");
  auto arguments = std::make_shared<Arguments>();
  add_daemon_command(*group, session, arguments, "list", "states and counters",
                     "  kasetsu drivers list", list);
  const auto add = [&](const std::string& verb, const std::string& summary, auto run) {
    add_daemon_command(*group, session, arguments, verb, summary,
                       "  kasetsu drivers " + verb + " gc-folder", run)
        ->add_option("NAME", arguments->name, "name of the driver")
        ->required();
  };
  for (const auto& [word, summary] :
       {std::pair{"show", "one driver"}, std::pair{"start", "start it (again)"},
        std::pair{"stop", "stop it until it is started, or the daemon is"}}) {
    const auto act = [verb = std::string(word)](const Arguments& chosen, const Client& client,
                                                Session& with) -> Status {
      const std::string path = "/v1/drivers/" + encode(chosen.name);
      auto answer =
          verb == "show" ? client.get(path) : client.post(path + ":" + verb, Json::object());
      if (!answer) return answer.error();
      return with.show(*answer, table_of(Json::array({*answer}), kColumns));
    };
    add(word, summary, act);
  }
  add("check", "what it would do now; changes nothing", check);
}

}  // namespace kasetsu::cli
