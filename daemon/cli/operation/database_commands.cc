// kasetsu check and kasetsu restore: a database without its daemon.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "core/chemistry/told_catalyst.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/commands.h"
#include "daemon/store/maintenance.h"
#include "daemon/store/written_keys.h"

namespace kasetsu::cli {
namespace {

constexpr const char* kUsualFolder = "/var/lib/kasetsud";

struct DatabaseArguments {
  std::string data_dir = kUsualFolder;
  std::string backup;
  std::string at;
};

// Keys of earlier versions that the daemon renewed when it opened the file, and how much each had.
Result<Json> renewed_json(const std::string& path) {
  const auto renewed = store::renewed_keys(path);
  if (!renewed) return renewed.error();
  Json list = Json::array();
  for (const auto& [campaign, key] : *renewed) {
    list.push_back({{"campaign", campaign},
                    {"key", key.now},
                    {"was", key.was},
                    {"measurements", key.measurements},
                    {"proposals", key.proposals},
                    {"renewed_at", format_time(key.renewed_at)}});
  }
  return list;
}

std::string renewed_text(const Json& keys) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_key;
  for (const Json& key : keys) {
    by_key[{field(key, "campaign"), field(key, "key")}].push_back(
        fmt::format("{} ({})", field(key, "was"),
                    counted(key["measurements"].get<std::size_t>(), "measurement")));
  }
  std::string text;
  for (const auto& [of, was] : by_key) {
    text += was.size() > 1 ? fmt::format("note: campaign {}: {} became one, {}\n", of.first,
                                         fmt::join(was, " and "), of.second)
                           : fmt::format("note: campaign {}: {} is written {} now\n", of.first,
                                         was.front(), of.second);
  }
  return text;
}

// What the present rules of names and compositions make of keys that wait for the daemon's next
// start, and of those that they cannot read.
Result<Json> keys_json(const std::string& path) {
  const auto written = store::written_keys(path);
  if (!written) return written.error();
  const auto supports = TableArguments().load_supports();
  if (!supports) return supports.error();
  Json list = Json::array();
  for (const store::WrittenKeys& of : *written) {
    const auto config = campaign::parse_campaign(of.text, of.campaign, of.media_type, *supports);
    if (!config) continue;  // the daemon and `kasetsu doctor` name such campaigns
    const auto renewed = chemistry::renew_keys(of.keys, *supports, config->composition);
    if (renewed.changed.empty() && renewed.unreadable.empty()) continue;
    list.push_back({{"campaign", of.campaign},
                    {"changed", renewed.changed},
                    {"merged", renewed.merged},
                    {"unreadable", renewed.unreadable}});
  }
  return list;
}

std::string keys_text(const Json& campaigns) {
  std::string text;
  for (const Json& of : campaigns) {
    const std::string name = field(of, "campaign");
    if (!of["changed"].empty()) {
      text += fmt::format("note: campaign {}: the daemon's next start renews {}\n", name,
                          counted(of["changed"].size(), "key"));
    }
    for (const auto& [key, was] : of["merged"].items()) {
      text += fmt::format("note: campaign {}: {} would become one, {}\n", name,
                          fmt::join(was.get<std::vector<std::string>>(), " and "), key);
    }
    for (const auto& [key, why] : of["unreadable"].items()) {
      text += fmt::format("note: campaign {}: {} would not be read: {}\n", name, key,
                          why.get<std::string>());
    }
  }
  return text;
}

Status check(const DatabaseArguments& arguments, Session& session) {
  const auto report = check_database(arguments.data_dir);
  if (!report) return report.error();
  std::string text;
  for (const std::string& problem : report->problems) text += problem + "\n";
  Json keys = Json::array(), renewed = Json::array();
  if (report->ok) {
    auto before = renewed_json(database_path(arguments.data_dir));
    if (!before) return before.error();
    renewed = std::move(*before);
    text += renewed_text(renewed);
    auto found = keys_json(database_path(arguments.data_dir));
    if (!found) return found.error();
    keys = std::move(*found);
    text += keys_text(keys);
  }
  if (report->ok) {
    text += fmt::format("ok, schema version {}, SQLite {}\n", report->schema_version,
                        report->sqlite_version);
  }
  static_cast<void>(session.show({{"ok", report->ok},
                                  {"problems", report->problems},
                                  {"keys", std::move(keys)},
                                  {"renewed_keys", std::move(renewed)},
                                  {"schema_version", report->schema_version},
                                  {"sqlite_version", report->sqlite_version}},
                                 text));
  if (report->ok) return {};
  return Error{ErrorCode::bad_data, "the database is damaged; restore a backup",
               database_path(arguments.data_dir), report->problems.front(), ""};
}

Status restore(const DatabaseArguments& arguments, Session& session) {
  std::optional<Time> at;
  if (!arguments.at.empty()) {
    const auto time = parse_time(arguments.at);
    if (!time) return time.error().in("--at");
    at = *time;
  }
  const auto done = restore_database(arguments.backup, at, arguments.data_dir, system_now());
  if (!done) return done.error();
  const bool empty = done->last_event == 0;
  session.say("the database that was there is kept beside it as *.replaced-*");
  return session.show({{"backup", done->backup},
                       {"database", done->database},
                       {"last_event", done->last_event},
                       {"at", empty ? Json() : Json(format_time(done->at))}},
                      fmt::format("{} is {}, {}\n", done->database, done->backup,
                                  empty ? "in which nothing had happened yet"
                                        : fmt::format("up to event {} of {}", done->last_event,
                                                      format_time(done->at))));
}

}  // namespace

void add_check(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<DatabaseArguments>();
  CLI::App* command =
      add_command(app, session, "check", "whether a database is whole; the daemon may be running",
                  "  kasetsu check --data-dir /var/lib/kasetsud");
  command->group("Operation");
  command->add_option("--data-dir", arguments->data_dir, "the daemon's folder, or a database file")
      ->capture_default_str();
  run_when_chosen(*command, session, arguments, check);
}

void add_restore(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<DatabaseArguments>();
  CLI::App* command = add_command(
      app, session, "restore", "put a backup in the place of the database (daemon stopped)",
      "  kasetsu restore /var/lib/kasetsud/backups\n"
      "  kasetsu restore /var/lib/kasetsud/backups --at 2026-03-01T09:30:00Z");
  command->group("Operation");
  command->add_option("BACKUP", arguments->backup, "a backup, or a folder of them: the newest")
      ->required();
  command->add_option("--at", arguments->at,
                      "the newest backup of which no event is later than this time");
  command->add_option("--data-dir", arguments->data_dir, "the daemon's folder")
      ->capture_default_str();
  run_when_chosen(*command, session, arguments, restore);
}

}  // namespace kasetsu::cli
