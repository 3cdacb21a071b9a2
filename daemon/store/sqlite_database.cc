#include "daemon/store/sqlite_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/base/memory_reserve.h"
#include "daemon/store/lock_file.h"
#include "daemon/store/migrations.h"
#include "daemon/store/reached_file.h"
#include "daemon/store/restore_steps.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/transaction.h"
#include "daemon/store/writer_queue.h"

namespace kasetsu::store {
namespace {

// SQLite's own notes (recovery of a WAL, I/O errors) go to whoever opened a database last: the
// library has one place for them.
std::mutex sink_mutex;
std::function<void(const std::string&)> sink;

void pass_on(void*, int code, const char* message) {
  const std::lock_guard lock(sink_mutex);
  if (sink) sink(fmt::format("SQLite {}: {}", code, message));
}

void set_sink(std::function<void(const std::string&)> log) {
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_config(SQLITE_CONFIG_LOG, pass_on, nullptr);
    // Counting allocations takes a lock at each one, and nobody reads the counts.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  });
  const std::lock_guard lock(sink_mutex);
  sink = std::move(log);
}

// Above this a quick check would keep the service from starting at once.
constexpr std::uintmax_t kLargeFile = 32u << 20;

// What the database says of itself; nothing before it has its tables.
Reached held_by(Connection& connection) {
  if (connection.integer("PRAGMA user_version") == 0) return {};
  return {connection.text("SELECT value FROM settings WHERE name = 'timeline'"),
          connection.integer("SELECT coalesce(max(seq), 0) FROM events")};
}

// What is wrong with the file; empty: nothing that a quick look finds.
std::string quick_check(Connection& connection) {
  const std::string found = connection.text("PRAGMA quick_check(1)");
  if (found == "ok") return {};
  return fmt::format("the database is damaged: {}; restore a backup", found);
}

// Of what a task threw.
Error error_of(const std::exception& thrown) {
  if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr) {
    keep_memory_reserve();
    return Error{ErrorCode::busy, "the memory is full", {}, {}, "a try a little later"};
  }
  return Error{ErrorCode::internal, thrown.what(), {}, {}, {}};
}

Error refused_full() {
  return Error{ErrorCode::busy, "too many writes are waiting", {}, {}, "a try a little later"};
}

}  // namespace

int schema_version() {
  return schema_scripts().back().version;
}

struct SqliteDatabase::Implementation {
  StoreOptions options;
  LockFile lock;
  ReachedFile reached;
  std::unique_ptr<Connection> writer;
  std::unique_ptr<SqliteTransaction> transaction;
  std::function<void(std::int64_t)> listener;
  std::atomic<std::int64_t> last_event{0};

  WriterQueue queue{options};
  const WriterTurn* running = nullptr;  // the writer's thread alone

  mutable std::mutex readers_mutex;
  mutable std::condition_variable reader_free;
  mutable std::vector<std::unique_ptr<Connection>> free_readers;
  mutable std::size_t open_readers = 0;

  mutable std::mutex health_mutex;
  mutable Status health;
  mutable std::atomic<bool> failed{false};

  std::atomic<std::uint64_t> commits{0}, tasks{0}, failed_tasks{0}, gave_way{0};
  std::atomic<std::uint64_t> commit_nanoseconds{0};

  std::thread thread;

  // The quick check of a large file runs beside the service, so that it starts at once.
  std::unique_ptr<Connection> checked;
  std::thread checker;

  Status open_writer();

  void check_beside() {
    try {
      if (const std::string found = quick_check(*checked); !found.empty()) {
        note(StorageError(SQLITE_CORRUPT, found));
      }
    } catch (const StorageError& error) {
      if (error.code() != SQLITE_INTERRUPT) note(error);
    }
  }

  void log(const std::string& line) const {
    if (options.log) options.log(line);
  }

  // Notes what a failure says about the storage, and gives the error to report.
  Error note(const StorageError& error) const {
    Error reported = error.to_error();
    if (error.fatal()) {
      reported.code = ErrorCode::storage_failed;
      const std::lock_guard guard(health_mutex);
      if (!failed.exchange(true)) {
        log(fmt::format("the storage failed, nothing is written any more: {}", error.what()));
        health = reported;
      }
    } else if (reported.code == ErrorCode::storage_full) {
      const std::lock_guard guard(health_mutex);
      if (!failed) health = reported;
    }
    return reported;
  }

  void note_success() {
    const std::lock_guard guard(health_mutex);
    if (!failed) health = {};
  }

  Error failure() const {
    const std::lock_guard guard(health_mutex);
    return health.ok() ? Error{ErrorCode::storage_failed, "the storage failed", {}, {}, {}}
                       : health.error();
  }

  void roll_back() {
    transaction->forget();
    if (!writer->in_transaction()) return;
    try {
      writer->execute("ROLLBACK");
    } catch (const StorageError& error) {
      note(error);
    }
  }

  // All tasks in one transaction without savepoints, which cost a copy of every page that a task
  // touches. False: a task failed and nothing was done; they must run again, each in its savepoint.
  bool run_bare(std::vector<WriterTask>& group, std::int64_t& newest) {
    if (!std::all_of(group.begin(), group.end(),
                     [](const WriterTask& task) { return task.repeatable; })) {
      return false;
    }
    try {
      writer->prepare("BEGIN IMMEDIATE").bind().run();
      for (WriterTask& task : group) {
        if (!task.work(*transaction).ok()) {
          roll_back();
          return false;
        }
      }
      transaction->write_waiting();
    } catch (const StorageError& error) {
      if (error.fatal()) note(error);
      roll_back();
      return false;
    } catch (const std::exception&) {
      roll_back();
      return false;
    }
    newest = transaction->newest_event();
    return true;
  }

  // One task in its savepoint. False: the whole transaction is gone.
  bool run_task(WriterTask& task, Status& status) {
    try {
      writer->prepare("SAVEPOINT task").bind().run();
      status = task.work(*transaction);
      if (status.ok()) transaction->write_waiting();
    } catch (const StorageError& error) {
      status = note(error);
    } catch (const std::exception& error) {
      status = error_of(error);
    }
    if (!writer->in_transaction()) return false;
    try {
      if (!status.ok()) {
        transaction->forget();
        writer->prepare("ROLLBACK TO task").bind().run();
      }
      writer->prepare("RELEASE task").bind().run();
    } catch (const StorageError& error) {
      status = note(error);
      return false;
    }
    return true;
  }

  // Each task in its savepoint; the error by which the whole transaction must go.
  Status run_guarded(std::vector<WriterTask>& group, std::vector<Status>& statuses,
                     std::int64_t& newest) {
    writer->prepare("BEGIN IMMEDIATE").bind().run();
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (!run_task(group[i], statuses[i])) {
        if (!statuses[i].ok()) return statuses[i];
        return Error{ErrorCode::internal, "the transaction ended early", {}, {}, {}};
      }
      if (failed) return failure();
      if (statuses[i].ok()) newest = std::max(newest, transaction->newest_event());
    }
    return {};
  }

  void run_group(std::vector<WriterTask>& group) {
    std::vector<Status> statuses(group.size());
    std::int64_t newest = 0;
    Status whole;
    try {
      if (!run_bare(group, newest)) {
        whole = failed ? Status(failure()) : run_guarded(group, statuses, newest);
      }
      if (whole.ok()) {
        transaction->finish();
        const auto begin = std::chrono::steady_clock::now();
        writer->prepare("COMMIT").bind().run();
        commit_nanoseconds += static_cast<std::uint64_t>(
            std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
      }
    } catch (const StorageError& error) {
      whole = note(error);
    } catch (const std::exception& error) {
      whole = error_of(error);
    }
    if (whole.ok()) {
      transaction->committed();
      ++commits;
      note_success();
      if (newest > last_event) {
        last_event = newest;
        reached.note(newest);
        if (listener) listener(newest);
      }
    } else {
      roll_back();
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      ++tasks;
      // Nothing of the group is on disk: a task that decided on its own to fail keeps its reason.
      if (!whole.ok() && statuses[i].ok()) statuses[i] = whole;
      if (!statuses[i].ok()) ++failed_tasks;
      tell(group[i], std::move(statuses[i]));
    }
  }

  // What `done` throws, such as std::bad_alloc, keeps the others from nothing.
  void tell(const WriterTask& task, Status status) const {
    try {
      task.done(std::move(status));
    } catch (const std::exception& error) {
      log(fmt::format("the end of a task could not be told: {}", error.what()));
    }
  }

  void add(WriterTask task) {
    if (failed || !queue.add(task)) task.done(failed ? failure() : refused_full());
  }

  void run() {
    for (;;) {
      WriterTurn turn = queue.take();
      if (turn.tasks.empty()) return;
      if (failed) {
        for (const WriterTask& task : turn.tasks) tell(task, failure());
        continue;
      }
      drop_refused(turn);
      if (turn.tasks.empty()) continue;
      running = &turn;
      try {
        run_group(turn.tasks);
        queue.finished(turn);
      } catch (const GivesWay&) {
        roll_back();
        give_way(turn);
      }
      running = nullptr;
    }
  }

  void drop_refused(WriterTurn& turn) const {
    std::erase_if(turn.tasks, [this](const WriterTask& task) {
      const auto refused = queue.refusal(task);
      if (refused) tell(task, *refused);
      return refused.has_value();
    });
  }

  // Of a turn that is undone. Of several tables, which are short, only the end of the store is a
  // reason.
  void give_way(WriterTurn& turn) {
    ++gave_way;
    if (turn.tasks.size() > 1) {
      drop_refused(turn);
      KASETSU_ASSERT(turn.tasks.empty());
      return;
    }
    if (const auto refused = queue.gave_way(turn)) tell(turn.tasks.front(), *refused);
  }

  std::unique_ptr<Connection> take_reader() const {
    std::unique_lock guard(readers_mutex);
    reader_free.wait(guard,
                     [this] { return !free_readers.empty() || open_readers < options.readers; });
    if (!free_readers.empty()) {
      auto reader = std::move(free_readers.back());
      free_readers.pop_back();
      return reader;
    }
    ++open_readers;
    guard.unlock();
    try {
      return std::make_unique<Connection>(options.path, Access::read, options.vfs, false);
    } catch (...) {
      guard.lock();
      --open_readers;
      reader_free.notify_one();
      throw;
    }
  }

  void give_back(std::unique_ptr<Connection> reader) const {
    const std::lock_guard guard(readers_mutex);
    free_readers.push_back(std::move(reader));
    reader_free.notify_one();
  }
};

// Opens the writer's connection, on a file that is whole and of the present schema.
Status SqliteDatabase::Implementation::open_writer() {
  const auto restored = finish_restore(options.path);
  if (!restored) return restored.error();
  if (*restored) log("a restore that was interrupted is finished");
  std::error_code ignored;
  const bool exists = std::filesystem::exists(options.path, ignored);
  if (!exists && !options.create) {
    return Error{ErrorCode::not_found, "there is no such database", options.path, {}, {}};
  }
  if (!exists) {
    if (Status none = was_none_before(options.path); !none) return none;
    // Compositions are nobody else's business: readable by the owner only, the WAL file too.
    const int file = ::open(options.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) ::close(file);
  }
  writer = std::make_unique<Connection>(options.path, Access::write, options.vfs, options.create);
  // Before anything is written: another program's file is left as it is.
  if (Status ours = recognise(*writer, options.path, schema_version()); !ours) return ours;
  writer->turn_on_wal();
  std::error_code unknown;
  const bool large = std::filesystem::file_size(options.path, unknown) > kLargeFile && !unknown;
  if (exists && !large) {
    if (const std::string found = quick_check(*writer); !found.empty()) {
      return Error{ErrorCode::bad_data, found, options.path, {}, {}};
    }
  }
  if (Status same = ReachedFile::compare(options.path, held_by(*writer)); !same) return same;
  const Time now = options.clock ? options.clock() : system_now();
  if (Status migrated = migrate(*writer, options.path, schema_scripts(), now, options.log);
      !migrated) {
    return migrated;
  }
  renew(*writer, options.renew_keys, now, options.log);
  if (options.max_pages > 0) {
    writer->execute(fmt::format("PRAGMA max_page_count={}", options.max_pages).c_str());
  }
  transaction = std::make_unique<SqliteTransaction>(*writer, options.index_batch);
  transaction->give_way_when([this] { return running && queue.is_to_give_way(*running); });
  if (transaction->setting("timeline").empty()) {
    transaction->set_setting("timeline", writer->text("SELECT lower(hex(randomblob(8)))"));
  }
  last_event = transaction->last_event();
  if (Status noted = reached.open(options.path, {transaction->setting("timeline"), last_event});
      !noted) {
    log(noted.error().to_string());
  }
  if (large) checked = std::make_unique<Connection>(options.path, Access::read, options.vfs, false);
  return {};
}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const StoreOptions& options) {
  auto implementation = std::make_unique<Implementation>();
  implementation->options = options;
  implementation->options.readers = std::max<std::size_t>(1, options.readers);
  implementation->options.group = std::max<std::size_t>(1, options.group);
  set_sink(options.log);
  if (const Status locked = implementation->lock.take(options.path); !locked) return locked.error();
  try {
    if (const Status opened = implementation->open_writer(); !opened) return opened.error();
  } catch (const StorageError& error) {
    return error.to_error().in(options.path);
  }
  Implementation* raw = implementation.get();
  implementation->thread = std::thread([raw] { raw->run(); });
  if (raw->checked) implementation->checker = std::thread([raw] { raw->check_beside(); });
  return std::unique_ptr<SqliteDatabase>(new SqliteDatabase(std::move(implementation)));
}

SqliteDatabase::SqliteDatabase(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {
}

SqliteDatabase::~SqliteDatabase() {
  implementation_->queue.stop();
  implementation_->thread.join();
  if (implementation_->checker.joinable()) {
    sqlite3_interrupt(implementation_->checked->handle());
    implementation_->checker.join();
  }
  implementation_->checked.reset();
  // Readers first: the writer is the last one out and checkpoints.
  implementation_->free_readers.clear();
  implementation_->transaction.reset();
  implementation_->writer.reset();
}

void SqliteDatabase::write(std::function<Status(campaign::Transaction&)> task,
                           std::function<void(Status)> done, campaign::Repeat repeat) {
  implementation_->add({std::move(task), std::move(done), repeat == campaign::Repeat::allowed});
}

void SqliteDatabase::write_table(std::function<Status(campaign::Transaction&)> task,
                                 std::function<void(Status)> done, campaign::Repeat repeat,
                                 campaign::TableShare share) {
  implementation_->add(
      {std::move(task), std::move(done), repeat == campaign::Repeat::allowed, std::move(share)});
}

void SqliteDatabase::end_tables() {
  implementation_->queue.end_tables();
}

Status SqliteDatabase::read(const std::function<Status(const campaign::Reader&)>& task) const {
  std::unique_ptr<Connection> connection;
  Status status;
  try {
    connection = implementation_->take_reader();
    connection->prepare("BEGIN").bind().run();
    const SqliteReader reader(*connection);
    status = task(reader);
  } catch (const StorageError& error) {
    status = error.to_error();
    if ((error.code() & 0xFF) == SQLITE_CORRUPT) status = implementation_->note(error);
  } catch (const std::exception& error) {
    status = error_of(error);
  }
  if (connection) {
    try {
      if (connection->in_transaction()) connection->prepare("ROLLBACK").bind().run();
    } catch (const StorageError&) {
      // The connection is of no more use, and closing it ends its transaction.
      const std::lock_guard guard(implementation_->readers_mutex);
      connection.reset();
      --implementation_->open_readers;
      implementation_->reader_free.notify_one();
      return status;
    }
    implementation_->give_back(std::move(connection));
  }
  return status;
}

void SqliteDatabase::on_commit(std::function<void(std::int64_t)> listener) {
  implementation_->listener = std::move(listener);
}

std::int64_t SqliteDatabase::last_event() const {
  return implementation_->last_event;
}

Status SqliteDatabase::health() const {
  const std::lock_guard guard(implementation_->health_mutex);
  return implementation_->health;
}

Status SqliteDatabase::backup(const std::string& path) const {
  try {
    Connection snapshot(implementation_->options.path, Access::snapshot,
                        implementation_->options.vfs, false);
    return copy_database(snapshot, path);
  } catch (const StorageError& error) {
    return error.to_error().in(path);
  }
}

Result<campaign::CheckReport> SqliteDatabase::check() const {
  return check_file(implementation_->options.path, implementation_->options.vfs);
}

SqliteDatabase::Statistics SqliteDatabase::statistics() const {
  Statistics statistics;
  statistics.waiting = implementation_->queue.waiting();
  statistics.gave_way = implementation_->gave_way;
  statistics.commits = implementation_->commits;
  statistics.tasks = implementation_->tasks;
  statistics.failed_tasks = implementation_->failed_tasks;
  statistics.commit_seconds = static_cast<double>(implementation_->commit_nanoseconds) * 1e-9;
  std::error_code absent;
  const auto database = std::filesystem::file_size(implementation_->options.path, absent);
  if (!absent) statistics.database_bytes = database;
  const auto wal = std::filesystem::file_size(implementation_->options.path + "-wal", absent);
  if (!absent) statistics.wal_bytes = wal;
  return statistics;
}

}  // namespace kasetsu::store
