#include "daemon/store/migrations.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "daemon/base/digest.h"

namespace kasetsu::store {
namespace {

Error file_error(std::string_view doing, const std::string& path, int number) {
  Error error;
  error.code =
      number == ENOSPC || number == EDQUOT ? ErrorCode::storage_full : ErrorCode::storage_failed;
  error.message = fmt::format("{}: {}", doing, std::strerror(number));
  error.where = path;
  return error;
}

Status sync_path(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) return file_error("cannot open to sync", path, errno);
  const int result = ::fsync(file);
  const int number = errno;
  ::close(file);
  if (result != 0) return file_error("cannot sync", path, number);
  return {};
}

}  // namespace

Status copy_database(Connection& snapshot, const std::string& target) {
  const std::string part = target + ".part";
  std::error_code ignored;
  std::filesystem::remove(part, ignored);
  try {
    Statement vacuum(snapshot.handle(), "VACUUM INTO ?1");
    vacuum.bind(part).run();
  } catch (const StorageError& error) {
    std::filesystem::remove(part, ignored);
    return error.to_error().in(target);
  }
  if (const Status synced = sync_path(part, O_RDONLY); !synced) return synced;
  if (::rename(part.c_str(), target.c_str()) != 0) {
    return file_error("cannot rename the copy", target, errno);
  }
  const std::string folder = std::filesystem::path(target).parent_path().string();
  return sync_path(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

Status recognise(Connection& connection, const std::string& path, int newest) {
  if (connection.integer("PRAGMA application_id") != kApplicationId &&
      connection.integer("SELECT count(*) FROM sqlite_schema") != 0) {
    return Error{ErrorCode::bad_data,
                 "this file is a database of another program",
                 path,
                 {},
                 "a database made by kasetsud"};
  }
  const std::int64_t version = connection.integer("PRAGMA user_version");
  if (version <= newest) return {};
  return Error{ErrorCode::bad_data,
               fmt::format("this database has schema version {}, made by a newer version of the "
                           "service; this one knows versions up to {}: install the newer one, or "
                           "restore the copy \"{}.pre-v...\" that it made",
                           version, newest, path),
               path,
               {},
               {}};
}

Status applied_as_written(Connection& connection, const std::string& path,
                          const std::vector<Script>& scripts) {
  Statement applied(connection.handle(),
                    "SELECT version, name, sha256 FROM schema_migrations ORDER BY version");
  std::size_t number = 0;
  applied.bind();
  while (applied.step()) {
    ++number;
    if (number > scripts.size()) continue;
    if (applied.integer(0) != scripts[number - 1].version ||
        applied.digest(2) != sha256(scripts[number - 1].sql)) {
      return Error{ErrorCode::bad_data,
                   "the script by which this database was migrated differs from this program's",
                   path, applied.text(1), "the script of the same version unchanged"};
    }
  }
  if (number == scripts.size()) return {};
  return Error{ErrorCode::bad_data,
               fmt::format("the database says schema version {} but lists {} migrations",
                           scripts.size(), number),
               path,
               {},
               {}};
}

Status migrate(Connection& connection, const std::string& path, const std::vector<Script>& scripts,
               Time now, const std::function<void(const std::string&)>& log) {
  const int newest = scripts.empty() ? 0 : scripts.back().version;
  if (Status ours = recognise(connection, path, newest); !ours) return ours;
  const std::int64_t version = connection.integer("PRAGMA user_version");
  if (version > 0) {
    std::vector<Script> done = scripts;
    done.resize(static_cast<std::size_t>(version));
    if (Status same = applied_as_written(connection, path, done); !same) return same;
  }
  if (version == newest) return {};

  if (version > 0) {
    const std::string copy = fmt::format("{}.pre-v{}", path, version);
    if (log) log(fmt::format("copying the database to {} before migrating it", copy));
    if (const Status copied = copy_database(connection, copy); !copied) return copied;
  }
  // A table that is made anew is dropped for a moment; every reference is looked at before COMMIT.
  // (Inside a transaction the setting does nothing.)
  connection.execute("PRAGMA foreign_keys=OFF");
  for (const Script& script : scripts) {
    if (script.version <= version) continue;
    KASETSU_ASSERT(script.version == &script - scripts.data() + 1);
    connection.execute("BEGIN IMMEDIATE");
    try {
      connection.execute(std::string(script.sql).c_str());
      Statement(connection.handle(),
                "INSERT INTO schema_migrations (version, name, sha256, applied_at) "
                "VALUES (?1, ?2, ?3, ?4)")
          .bind(script.version, script.name, sha256(script.sql), now)
          .run();
      Statement broken(connection.handle(), "PRAGMA foreign_key_check");
      if (broken.bind().step()) {
        throw StorageError(
            1, fmt::format("{} breaks a foreign key of table {}", script.name, broken.text(0)));
      }
      connection.execute(fmt::format("PRAGMA application_id={}", kApplicationId).c_str());
      connection.execute(fmt::format("PRAGMA user_version={}", script.version).c_str());
      connection.execute("COMMIT");
    } catch (...) {
      if (connection.in_transaction()) connection.execute("ROLLBACK");
      connection.execute("PRAGMA foreign_keys=ON");
      throw;
    }
    if (log) log(fmt::format("applied {}", script.name));
  }
  connection.execute("PRAGMA foreign_keys=ON");
  return {};
}

}  // namespace kasetsu::store
