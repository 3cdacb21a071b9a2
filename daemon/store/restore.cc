// Checking a database, and putting a backup in its place.
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

#include "daemon/store/check.h"
#include "daemon/store/lock_file.h"
#include "daemon/store/migrations.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu::store {
namespace {

// Error unless the file is a database of this program, of a version that it knows.
Status recognise_backup(Connection& connection, const std::string& path) {
  if (connection.integer("PRAGMA application_id") != kApplicationId) {
    return Error{ErrorCode::bad_data, "this file is no database of this service", path, {}, {}};
  }
  return recognise(connection, path, schema_version());
}

Status is_there(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return {};
  return Error{ErrorCode::not_found, "there is no such file", path, {}, {}};
}

}  // namespace

Result<campaign::CheckReport> check_file(const std::string& path, const std::string& vfs) {
  if (const Status found = is_there(path); !found) return found.error();
  campaign::CheckReport report;
  try {
    Connection snapshot(path, Access::snapshot, vfs, false);
    if (const Status ours = recognise_backup(snapshot, path); !ours) return ours.error();
    check_whole(snapshot, report.problems);
    report.schema_version = snapshot.integer("PRAGMA user_version");
  } catch (const StorageError& error) {
    return error.to_error().in(path);
  }
  report.sqlite_version = sqlite3_libversion();
  report.ok = report.problems.empty();
  return report;
}

Result<Reach> reach_of(const std::string& path) {
  if (const Status found = is_there(path); !found) return found.error();
  try {
    Connection snapshot(path, Access::snapshot, {}, false);
    if (const Status ours = recognise_backup(snapshot, path); !ours) return ours.error();
    Reach reach;
    Statement newest(snapshot.handle(),
                     "SELECT seq, created_at FROM events ORDER BY seq DESC LIMIT 1");
    if (newest.bind().step()) {
      reach.last_event = newest.integer(0);
      reach.at = newest.time(1);
    }
    return reach;
  } catch (const StorageError& error) {
    return error.to_error().in(path);
  }
}

Status restore(const std::string& backup, const std::string& path, Time now) {
  namespace fs = std::filesystem;
  LockFile lock;
  if (const Status locked = lock.take(path); !locked) return locked;
  std::error_code error;
  if (const Status found = is_there(backup); !found) return found;
  try {
    Connection snapshot(backup, Access::snapshot, {}, false);
    if (const Status ours = recognise_backup(snapshot, backup); !ours) return ours;
    std::vector<std::string> problems;
    check_whole(snapshot, problems);
    if (!problems.empty()) {
      return Error{
          ErrorCode::bad_data, "the backup is damaged: " + problems.front(), backup, {}, {}};
    }
    // Through SQLite and not by copying bytes: a backup may have a WAL file of its own.
    if (const Status copied = copy_database(snapshot, path + ".restored"); !copied) return copied;
  } catch (const StorageError& failure) {
    return failure.to_error().in(backup);
  }
  const std::string kept = fmt::format("{}.replaced-{}", path, to_micros(now));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    if (!fs::exists(path + suffix, error)) continue;
    fs::rename(path + suffix, kept + suffix, error);
    if (error) {
      return Error{ErrorCode::storage_failed,
                   fmt::format("cannot put the present database aside: {}", error.message()),
                   path + suffix,
                   {},
                   {}};
    }
  }
  fs::rename(path + ".restored", path, error);
  if (error) {
    return Error{ErrorCode::storage_failed,
                 fmt::format("cannot rename the restored database: {}", error.message()),
                 path,
                 {},
                 {}};
  }
  const std::string folder = fs::path(path).parent_path().string();
  const int directory =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace kasetsu::store
