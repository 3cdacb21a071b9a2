// Checking a database, and putting a backup in its place.
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "daemon/store/check.h"
#include "daemon/store/lock_file.h"
#include "daemon/store/migrations.h"
#include "daemon/store/reached_file.h"
#include "daemon/store/restore_steps.h"
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

namespace fs = std::filesystem;

// Beside a database while a backup takes its place.
constexpr const char* kRestored = ".restored";
constexpr const char* kRestoring = ".restoring";

Error cannot(std::string_view what, const std::string& path, const std::error_code& error) {
  return Error{
      ErrorCode::storage_failed, fmt::format("cannot {}: {}", what, error.message()), path, {}, {}};
}

void sync_folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  const int directory =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

// For its user alone; what root makes is for the daemon's user, to whom the folder belongs.
void give_to_owner_of_folder(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  struct stat owner {};
  struct stat found {};
  // The daemon's user may put a link there, which root is not to follow.
  const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return;
  if (::fstat(file, &found) == 0 && S_ISREG(found.st_mode) && ::fchmod(file, 0600) == 0 &&
      ::geteuid() == 0 && ::stat(folder.empty() ? "." : folder.c_str(), &owner) == 0 &&
      ::fchown(file, owner.st_uid, owner.st_gid) != 0) {
    // The daemon says at its start that it may not open the file.
  }
  ::close(file);
}

// A small file that is there whole or not at all.
Status write_whole(const std::string& path, const std::string& text) {
  const std::string part = path + ".part";
  ::unlink(part.c_str());
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == std::ssize(text) &&
                       ::fsync(file) == 0;
  const std::error_code failure(errno, std::generic_category());
  if (file >= 0) ::close(file);
  if (!written) return cannot("write the note of the restore", part, failure);
  std::error_code error;
  fs::rename(part, path, error);
  if (error) return cannot("rename the note of the restore", path, error);
  sync_folder_of(path);
  return {};
}

// What a restore left that was killed before its copy was whole; the journal of an older copy would
// be taken for the new one's.
void remove_left_over(const std::string& path) {
  std::error_code ignored;
  for (const char* left : {kRestored, ".restored-journal", ".restored.part",
                           ".restored.part-journal", ".restoring.part"}) {
    fs::remove(path + left, ignored);
  }
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

Status begin_restore(const std::string& backup, const std::string& path, Time now) {
  if (const Status found = is_there(backup); !found) return found;
  const std::string restored = path + kRestored;
  remove_left_over(path);
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
    if (const Status copied = copy_database(snapshot, restored); !copied) return copied;
  } catch (const StorageError& failure) {
    return failure.to_error().in(backup);
  }
  try {
    // The next who opens it gives it a new one.
    Connection copy(restored, Access::write, {}, false);
    copy.execute("DELETE FROM settings WHERE name = 'timeline'");
  } catch (const StorageError& failure) {
    return failure.to_error().in(restored);
  }
  give_to_owner_of_folder(restored);
  return write_whole(path + kRestoring, fmt::format("{}\n", to_micros(now)));
}

Result<bool> finish_restore(const std::string& path) {
  std::ifstream note(path + kRestoring);
  std::int64_t micros = 0;
  std::error_code error;
  if (!note || !(note >> micros)) {
    if (!fs::exists(path, error)) return false;
    remove_left_over(path);
    return false;
  }
  const std::string kept = fmt::format("{}.replaced-{}", path, micros);
  if (fs::exists(path + kRestored, error)) {
    for (const char* suffix : {"", "-wal", "-shm", kReachedSuffix}) {
      if (!fs::exists(path + suffix, error)) continue;
      fs::rename(path + suffix, kept + suffix, error);
      if (error) return cannot("put the present database aside", path + suffix, error);
    }
    fs::rename(path + kRestored, path, error);
    if (error) return cannot("rename the restored database", path, error);
    sync_folder_of(path);
  } else if (!fs::exists(path, error)) {
    return Error{ErrorCode::bad_data,
                 "a restore was interrupted here, and its copy of the backup is gone", path, "",
                 fmt::format("the backup again (kasetsu restore); what was there is {}", kept)};
  }
  fs::remove(path + kRestoring, error);
  if (error) return cannot("remove the note of the restore", path + kRestoring, error);
  sync_folder_of(path);
  return true;
}

Status restore(const std::string& backup, const std::string& path, Time now) {
  LockFile lock;
  if (const Status locked = lock.take(path); !locked) return locked;
  give_to_owner_of_folder(path + ".lock");
  if (const Status found = is_there(backup); !found) return found;
  // What an interrupted restore left; where it cannot be finished, this one is what helps.
  const auto earlier = finish_restore(path);
  if (const Status begun = begin_restore(backup, path, now); !begun) return begun;
  const auto finished = finish_restore(path);
  if (!finished) return finished.error();
  return {};
}

}  // namespace kasetsu::store
