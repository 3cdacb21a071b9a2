#include "daemon/store/maintenance.h"

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <vector>

#include "daemon/store/sqlite_database.h"

namespace kasetsu {
namespace {

namespace fs = std::filesystem;

// The newest backup of a folder that ends at `at` or before.
Result<std::string> choose(const std::string& folder, std::optional<Time> at) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".db") files.push_back(entry->path());
  }
  if (error) {
    return Error{ErrorCode::not_found, "the folder of backups cannot be read", folder,
                 error.message(), "a backup, or a folder of backups"};
  }
  std::optional<fs::path> best;
  store::Reach reached;
  for (const fs::path& file : files) {
    // A file that is no backup is no reason to restore nothing.
    const auto reach = store::reach_of(file.string());
    // One without an event holds nothing: no state of any time to go back to.
    if (!reach || (at && (reach->last_event == 0 || reach->at > *at))) continue;
    // By time first: after a restore the numbers of events begin anew from those of the backup, so
    // that a backup of what was thrown away may have the higher ones.
    if (!best || std::tuple(reach->at, reach->last_event, file) >
                     std::tuple(reached.at, reached.last_event, *best)) {
      best = file;
      reached = *reach;
    }
  }
  if (best) return best->string();
  return Error{ErrorCode::not_found,
               at ? "no backup of the folder is as old as that" : "the folder holds no backup",
               folder, at ? format_time(*at) : std::string(), ""};
}

}  // namespace

std::string database_path(const std::string& folder_or_file) {
  std::error_code ignored;
  if (!fs::is_directory(folder_or_file, ignored)) return folder_or_file;
  return (fs::path(folder_or_file) / "kasetsu.db").string();
}

Result<campaign::CheckReport> check_database(const std::string& folder_or_file) {
  return store::check_file(database_path(folder_or_file));
}

Result<Restored> restore_database(const std::string& backup, std::optional<Time> at,
                                  const std::string& folder_or_file, Time now) {
  Restored restored;
  restored.backup = backup;
  restored.database = database_path(folder_or_file);
  std::error_code ignored;
  if (fs::is_directory(backup, ignored)) {
    const auto chosen = choose(backup, at);
    if (!chosen) return chosen.error();
    restored.backup = *chosen;
  }
  const auto reach = store::reach_of(restored.backup);
  if (!reach) return reach.error();
  if (at && reach->at > *at) {
    return Error{ErrorCode::not_found, "this backup was made after that time", restored.backup,
                 format_time(*at), "an older backup, or a folder of backups"};
  }
  restored.last_event = reach->last_event;
  restored.at = reach->at;
  const Status done = store::restore(restored.backup, restored.database, now);
  if (!done) {
    Error error = done.error();
    // Another process holds the lock: later it may not.
    if (error.code == ErrorCode::conflict) error.code = ErrorCode::busy;
    return error;
  }
  return restored;
}

}  // namespace kasetsu
