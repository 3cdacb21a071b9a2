// kasetsu doctor: what is wrong with an installation, and what to type.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "core/chemistry/element_table.h"
#include "daemon/base/data_files.h"
#include "daemon/base/time_zone.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string config = "/etc/kasetsu/kasetsud.toml";
  bool security = false;
};

enum class Found { fine, doubtful, wrong };

struct Check {
  std::string name;
  Found found = Found::fine;
  std::string text;
  std::string advice;  // what to type; empty: nothing
};

std::string_view word_of(Found found) {
  return found == Found::fine ? "ok" : found == Found::doubtful ? "warning" : "wrong";
}

class Doctor {
 public:
  explicit Doctor(const Arguments& arguments, Session& session)
      : arguments_(arguments), session_(session) {}

  std::vector<Check> look() {
    if (arguments_.security) {
      security();
      return std::move(checks_);
    }
    data_files();
    time_zones();
    configuration();
    daemon();
    return std::move(checks_);
  }

 private:
  void add(const std::string& name, Found found, const std::string& text,
           const std::string& advice = "") {
    checks_.push_back({name, found, text, advice});
  }

  void data_files() {
    const std::string advice =
        "reinstall the package, or set KASETSU_DATA_DIR to the folder that holds elements/";
    const auto path = find_data_file("elements/general.csv");
    if (!path) {
      add("element table", Found::wrong, path.error().to_string(), advice);
    } else {
      const auto text = read_file(*path);
      const auto table = text ? chemistry::ElementTable::from_csv(*text, *path)
                              : Result<chemistry::ElementTable>(text.error());
      if (table) {
        add("element table", Found::fine, *path);
      } else {
        add("element table", Found::wrong, table.error().to_string(), advice);
      }
    }
    TableArguments tables;
    const auto supports = tables.load_supports();
    if (supports) {
      add("table of supports", Found::fine, "readable");
    } else {
      add("table of supports", Found::wrong, supports.error().to_string(), advice);
    }
  }

  void time_zones() {
    const auto zone = TimeZone::read("Europe/Berlin");
    if (zone) {
      add("time zones", Found::fine, "readable");
    } else {
      add("time zones", Found::doubtful, zone.error().to_string(),
          "apt-get install tzdata     (nightly retraining in local time needs it)");
    }
  }

  // The daemon's own opinion of its configuration file, where both are on this machine.
  void configuration() {
    if (::access(arguments_.config.c_str(), F_OK) != 0) {
      add("daemon's configuration", Found::fine,
          fmt::format("no {}: the daemon uses its defaults", arguments_.config));
      return;
    }
    if (::access(arguments_.config.c_str(), R_OK) != 0) {
      add("daemon's configuration", Found::doubtful,
          fmt::format("{} cannot be read by you", arguments_.config), "sudo kasetsu doctor");
      return;
    }
    const auto told = ask_daemon("daemon's configuration", "--check-config");
    if (!told) return;
    const auto& [code, output] = *told;
    if (code == 0) {
      add("daemon's configuration", Found::fine, arguments_.config);
    } else {
      add("daemon's configuration", Found::wrong, output, "edit the line that is named");
    }
  }

  // What the daemon's program says of how safe its installation is.
  void security() {
    const auto told = ask_daemon("security", "--check-security");
    if (!told) return;
    const auto& [code, output] = *told;
    const Json report = Json::parse(output, nullptr, false);
    if (code != 0 || !report.is_object()) {
      add("security", Found::wrong, output, "edit the line that is named");
      return;
    }
    for (const Json& check : list_of(report, "checks")) {
      const std::string found = field(check, "found");
      add(field(check, "check"),
          found == "ok"        ? Found::fine
          : found == "warning" ? Found::doubtful
                               : Found::wrong,
          field(check, "text"), field(check, "advice"));
    }
  }

  // The exit code of kasetsud with `flag`, and what it prints; nothing where it could not be run,
  // which is added as `check`.
  std::optional<std::pair<int, std::string>> ask_daemon(const std::string& check,
                                                        const char* flag) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::filesystem::path program = self.parent_path() / "kasetsud";
    if (error || ::access(program.c_str(), X_OK) != 0) {
      add(check, Found::doubtful, "kasetsud is not installed beside this program", "");
      return {};
    }
    const bool configured = ::access(arguments_.config.c_str(), F_OK) == 0;
    std::string output;
    int ends[2];
    if (::pipe(ends) != 0) return {};
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execl(program.c_str(), program.c_str(), flag, configured ? "--config" : nullptr,
              arguments_.config.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    char bytes[512];
    for (ssize_t n = 0; (n = ::read(ends[0], bytes, sizeof bytes)) > 0;)
      output.append(bytes, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    if (child > 0) ::waitpid(child, &status, 0);
    while (output.ends_with('\n')) output.pop_back();
    return std::pair(WIFEXITED(status) ? WEXITSTATUS(status) : -1, output);
  }

  void daemon() {
    const auto connection = find_connection(session_.connection);
    if (!connection) {
      add("connection", Found::wrong, connection.error().to_string(),
          "correct or remove that file");
      return;
    }
    auto client = Client::connect(session_.connection, session_.stop());
    if (!client) {
      add("connection", Found::wrong, client.error().to_string(), "");
      return;
    }
    const std::string where = fmt::format("{} (from {})", connection->url, connection->url_from);
    auto version = client->get("/version");
    if (!version) {
      const bool service = ::access("/run/systemd/system", F_OK) == 0;
      add("daemon", Found::wrong, version.error().to_string(),
          fmt::format("{}, or export KASETSU_URL=http://HOST:PORT for another machine's",
                      service ? "systemctl start kasetsud; journalctl -u kasetsud"
                              : "kasetsud --data-dir ~/kasetsu"));
      return;
    }
    const std::string theirs = field(*version, "version");
    if (theirs == KASETSU_VERSION) {
      add("daemon", Found::fine, fmt::format("{}, version {}", where, theirs));
    } else {
      add("daemon", Found::doubtful,
          fmt::format("{} has version {}, this program {}", where, theirs, KASETSU_VERSION),
          "install the same version of both");
    }
    HttpRequest ready;
    ready.path = "/readyz";
    if (const auto answer = client->send(ready); answer && answer->status == 200) {
      add("readiness", Found::fine, "takes results");
    } else {
      add("readiness", Found::wrong,
          answer ? fmt::format("not ready: {}", answer->body) : answer.error().to_string(),
          "journalctl -u kasetsud; df -h");
    }
    auto campaigns = client->get("/v1/campaigns");
    if (!campaigns) {
      add("token", Found::wrong, campaigns.error().to_string(),
          "on the daemon's machine: kasetsu token create NAME --scope read --scope results --file "
          "TOKENS; here: export KASETSU_TOKEN=...");
      return;
    }
    const Json& list = list_of(*campaigns, "campaigns");
    add("campaigns", list.empty() ? Found::doubtful : Found::fine,
        fmt::format("{} on this daemon", list.size()),
        list.empty() ? "kasetsu campaign apply FILE" : "");
    for (const Json& campaign : list) troubles_of(*client, field(campaign, "name"));
    const auto told = client->get("/v1/notifications");
    if (!told) return;
    const Json& given_up = list_of(*told, "given_up");
    if (given_up.empty()) {
      add("notifications", Found::fine, "all could be sent");
    } else {
      add("notifications", Found::doubtful,
          fmt::format("{} could not be sent; the last error: {}",
                      counted(given_up.size(), "message"), field(given_up.back(), "last_error")),
          "kasetsu campaign notifications");
    }
  }

  void troubles_of(const Client& client, const std::string& name) {
    auto waiting =
        client.get(fmt::format("/v1/campaigns/{}/quarantine?state=waiting&limit=1", encode(name)));
    if (waiting && !list_of(*waiting, "quarantine").empty()) {
      add("campaign " + name, Found::doubtful, "rows wait in quarantine",
          fmt::format("kasetsu results quarantine {}", name));
    }
    if (const auto campaign = client.get("/v1/campaigns/" + encode(name))) {
      tell_renewed_keys(*campaign, name);
    }
    // Jobs come oldest first; the newest one of the last page says how it stands.
    Json newest, retraining;
    const Status read = client.each(fmt::format("/v1/jobs?campaign={}&limit=1000", encode(name)),
                                    "jobs", [&](const Json& job) {
                                      newest = job;
                                      if (field(job, "kind") == "retrain") retraining = job;
                                      return Status();
                                    });
    if (read && field(newest, "state") == "FAILED") {
      add("campaign " + name, Found::wrong,
          fmt::format("its last job failed: {}", field(newest, "error")),
          fmt::format("kasetsu retrain {} --wait", name));
    }
    if (read) tell_left_out(retraining, name);
  }

  // Results that nothing was learnt from.
  void tell_left_out(const Json& retraining, const std::string& name) {
    const std::string why = field(retraining, "error");
    if (field(retraining, "state") == "SKIPPED" && !why.starts_with("nothing new")) {
      add("campaign " + name, Found::doubtful, fmt::format("it has no new model: {}", why),
          fmt::format("kasetsu retrain {} --wait, when that was mended", name));
      return;
    }
    for (const Json& text : list_of(member(retraining, "result"), "left_out")) {
      add("campaign " + name, Found::doubtful, text.get<std::string>(),
          "kasetsu results import TABLE --revise, with a column for each condition");
    }
  }

  // Catalysts that earlier versions told apart.
  void tell_renewed_keys(const Json& campaign, const std::string& name) {
    std::map<std::string, std::vector<std::string>> by_key;
    for (const Json& key : list_of(campaign, "renewed_keys")) {
      by_key[field(key, "key")].push_back(
          fmt::format("{} (measurements: {})", field(key, "was"), field(key, "measurements")));
    }
    for (const auto& [key, was] : by_key) {
      if (was.size() < 2) continue;
      add("campaign " + name, Found::fine,
          fmt::format("{} are one catalyst since keys were renewed, {}", fmt::join(was, " and "),
                      key),
          "");
    }
  }

  const Arguments& arguments_;
  Session& session_;
  std::vector<Check> checks_;
};

Status doctor(const Arguments& arguments, Session& session) {
  const std::vector<Check> checks = Doctor(arguments, session).look();
  int wrong = 0;
  Json list = Json::array();
  std::string text;
  for (const Check& check : checks) {
    wrong += check.found == Found::wrong;
    list.push_back({{"check", check.name},
                    {"found", word_of(check.found)},
                    {"text", check.text},
                    {"advice", check.advice}});
    text += fmt::format("{:<8} {}: {}\n", word_of(check.found), check.name, check.text);
    if (check.found != Found::fine && !check.advice.empty())
      text += fmt::format("         type: {}\n", check.advice);
  }
  static_cast<void>(session.show({{"ok", wrong == 0}, {"checks", std::move(list)}}, text));
  if (wrong == 0) return {};
  return Error{ErrorCode::internal, fmt::format("{} of {} checks failed", wrong, checks.size()), "",
               "", ""};
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(app, session, "doctor", "what is wrong with an installation, and what to type",
                  "  kasetsu doctor\n"
                  "  sudo kasetsu doctor --security");
  command->group("Operation");
  add_connection(*command, session);
  run_when_chosen(*command, session, arguments, doctor);
  command->add_option("--config", arguments->config, "the daemon's configuration file")
      ->capture_default_str();
  command->add_flag("--security", arguments->security,
                    "look at who can reach the daemon, read its files and use its tokens instead");
}

}  // namespace kasetsu::cli
