// The database in one SQLite file. Exactly one connection writes and checkpoints, on its own
// thread; readers are read-only. (SQLite before 3.51.3, Debian 12's among them, can corrupt a WAL
// file when two connections write or checkpoint at the same instant; with one there is no second
// party.)
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "daemon/campaign/records/store_port.h"
#include "daemon/campaign/records/table_writer.h"
#include "daemon/store/renewal.h"

namespace kasetsu::store {

struct StoreOptions {
  std::string path;
  std::size_t readers = 6;    // read-only connections, opened when first needed
  std::size_t queue = 4096;   // waiting tasks; more are refused with busy
  std::size_t group = 512;    // most tasks in one commit: bounds how long a task waits for others
  std::size_t few_rows = 10;  // a task of more is a table: tables are committed by themselves
  std::size_t group_rows = 2'000;  // most rows of the tables of one commit, unless it is one table
  // After a commit of tables for which others waited longer than this, the others have the writer
  // for ten times as long, at most ten seconds.
  std::chrono::milliseconds long_commit{50};
  // A table of more than group_rows (or as many values) is undone, and begun anew, where others
  // come while it is written. This long after its first turn, and after another table did so, it
  // holds the others up for at most longest_hold; what is longer than that is refused, or written
  // to its end where its share says so.
  std::chrono::milliseconds table_patience{30'000};
  std::chrono::milliseconds longest_hold{2'000};
  bool create = true;                // make the file when it is absent
  std::size_t index_batch = 16'384;  // see daemon/store/late_index.h; small in tests
  std::int64_t max_pages =
      0;                 // PRAGMA max_page_count of the writer, for tests of a full disk; 0: none
  std::string vfs;       // SQLite VFS by name, for fault injection; empty: the default
  Clock clock;           // empty: the machine's
  RenewKeys renew_keys;  // empty: keys of earlier versions stay as they are for now
  // One line a call: WAL recovery, migrations, I/O errors. May be called from any thread.
  std::function<void(const std::string& line)> log;
};

class SqliteDatabase final : public campaign::Database, public campaign::TableWriter {
 public:
  // Takes the lock file, migrates (after a copy to `<path>.pre-vN`), checks quickly (a file above
  // 32 MiB beside the service, which stops writing when damage is found), starts the writer.
  // Errors: conflict (another process holds `<path>.lock`: its pid is named); bad_data (not a
  // database of this program, damaged, or of a newer version); storage_full, storage_failed.
  static Result<std::unique_ptr<SqliteDatabase>> open(const StoreOptions& options);
  // Waits for the tasks that are queued, checkpoints, releases the lock.
  ~SqliteDatabase() override;
  // Refuses tables from now on, also the one that is written: none of them is acknowledged yet.
  void end_tables();

  void write(std::function<Status(campaign::Transaction&)> task, std::function<void(Status)> done,
             campaign::Repeat repeat = campaign::Repeat::never) override;
  // A task of more than StoreOptions::group_rows may be undone and run again, whatever `repeat`.
  void write_table(std::function<Status(campaign::Transaction&)> task,
                   std::function<void(Status)> done, campaign::Repeat repeat,
                   campaign::TableShare share) override;
  Status read(const std::function<Status(const campaign::Reader&)>& task) const override;
  void on_commit(std::function<void(std::int64_t)> listener) override;
  std::int64_t last_event() const override;
  Status health() const override;
  Status backup(const std::string& path) const override;
  Result<campaign::CheckReport> check() const override;

  // Waiting tasks, commits and tasks done since the start, size of the WAL file in bytes: for
  // /metrics.
  struct Statistics {
    std::size_t waiting = 0;
    std::uint64_t commits = 0, tasks = 0, failed_tasks = 0;
    std::uint64_t gave_way = 0;   // turns of tables that were undone because others came
    double commit_seconds = 0.0;  // in COMMIT, all together
    std::uint64_t database_bytes = 0, wal_bytes = 0;
  };
  Statistics statistics() const;

 private:
  struct Implementation;
  explicit SqliteDatabase(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

// The schema version that this program writes.
int schema_version();

// integrity_check and foreign_key_check of a database, which a daemon may be using. Errors:
// not_found; bad_data (no database of this program); storage_failed.
Result<campaign::CheckReport> check_file(const std::string& path, const std::string& vfs = {});

// How far a database or a backup goes.
struct Reach {
  std::int64_t last_event = 0;
  Time at;  // of that event; the epoch when there is none
};
Result<Reach> reach_of(const std::string& path);

// Verifies that `backup` is a whole database of this program (integrity, foreign keys, version),
// then puts it at `path`; the file that was there is kept as `<path>.replaced-<micros>`. No daemon
// may hold the lock.
Status restore(const std::string& backup, const std::string& path, Time now);

}  // namespace kasetsu::store
