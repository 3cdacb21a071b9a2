// kasetsu check and kasetsu restore: a database without its daemon.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/commands.h"
#include "daemon/store/maintenance.h"

namespace kasetsu::cli {
namespace {

constexpr const char* kUsualFolder = "/var/lib/kasetsud";

struct DatabaseArguments {
  std::string data_dir = kUsualFolder;
  std::string backup;
  std::string at;
};

Status check(const DatabaseArguments& arguments, Session& session) {
  const auto report = check_database(arguments.data_dir);
  if (!report) return report.error();
  std::string text;
  for (const std::string& problem : report->problems) text += problem + "\n";
  if (report->ok) {
    text += fmt::format("ok, schema version {}, SQLite {}\n", report->schema_version,
                        report->sqlite_version);
  }
  static_cast<void>(session.show({{"ok", report->ok},
                                  {"problems", report->problems},
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
