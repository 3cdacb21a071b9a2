// The store itself: settings, group commit, migrations, locking, trouble, backup.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <latch>
#include <mutex>
#include <set>
#include <thread>

#include "daemon/store/migrations.h"
#include "daemon/store/sqlite.h"
#include "tests/daemon/store/fixture.h"
#include "tests/shared_data.h"

namespace kasetsu {
namespace {

using campaign::Event;
using campaign::Reader;
using campaign::Transaction;
using ::testing::HasSubstr;
using testing::StoreTest;

class Store : public StoreTest {
 protected:
  Status note(const std::string& id) {
    return campaign::write_and_wait(*database_, [&](Transaction& tx) -> Status {
      Event event;
      event.at = now_;
      event.object = "note";
      event.verb = "made";
      event.id = id;
      tx.append_event(event);
      return {};
    });
  }
  std::vector<std::string> notes() {
    return read<std::vector<std::string>>([](const Reader& reader) {
      std::vector<std::string> ids;
      for (const Event& event : reader.events(0, 1'000'000, "")) ids.push_back(event.id);
      return ids;
    });
  }
};

TEST_F(Store, SettingsAreWhatThePromisesNeed) {
  open();
  store::Connection writer(options_.path, store::Access::write, {}, false);
  EXPECT_EQ(writer.text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(writer.integer("PRAGMA synchronous"), 2);
  EXPECT_EQ(writer.integer("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(writer.integer("PRAGMA trusted_schema"), 0);
  EXPECT_EQ(writer.integer("PRAGMA application_id"), store::kApplicationId);
  store::Connection reader(options_.path, store::Access::read, {}, false);
  EXPECT_EQ(reader.integer("PRAGMA wal_autocheckpoint"), 0);
  EXPECT_EQ(reader.integer("PRAGMA query_only"), 1);
  EXPECT_THROW(reader.execute("DELETE FROM settings"), store::StorageError);
  struct stat mode {};
  ASSERT_EQ(::stat(options_.path.c_str(), &mode), 0);
  EXPECT_EQ(mode.st_mode & 0777, 0600u);
}

TEST_F(Store, EveryTableIsStrictAndRefusesInfinity) {
  open();
  store::Connection connection(options_.path, store::Access::write, {}, false);
  store::Statement tables(connection.handle(),
                          "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' "
                          "AND name NOT LIKE 'sqlite_%' AND type = 'table'");
  tables.bind();
  int count = 0;
  while (tables.step()) {
    ++count;
    EXPECT_EQ(tables.integer(1), 1) << tables.text(0);
  }
  EXPECT_GT(count, 15);
  // Every column of real numbers says in its own words that it is finite.
  store::Statement columns(
      connection.handle(),
      "SELECT t.name, c.name, t.sql FROM sqlite_schema t JOIN pragma_table_info(t.name) c "
      "WHERE t.type = 'table' AND c.type = 'REAL'");
  columns.bind();
  while (columns.step()) {
    const std::string check = "CHECK (" + columns.text(1) + " BETWEEN ";
    EXPECT_THAT(columns.text(2), HasSubstr(check)) << columns.text(0);
  }
}

TEST_F(Store, WhatIsAcknowledgedIsThereAfterReopening) {
  open();
  ASSERT_TRUE(note("a"));
  ASSERT_TRUE(note("b"));
  reopen();
  EXPECT_THAT(notes(), ::testing::ElementsAre("a", "b"));
  EXPECT_EQ(database_->last_event(), 2);
}

// The doors took bodies that no row of the database could hold.
TEST_F(Store, ADeliveryOfTheLargestSizeIsKept) {
  open();
  apply();
  const auto keep = [&](const std::string& bytes) {
    return write<std::int64_t>([&](Transaction& tx) -> Result<std::int64_t> {
      campaign::Ingest ingest;
      ingest.id = ids_.next(now_);
      ingest.campaign = 1;
      ingest.media_type = "text/csv";
      ingest.sha256 = sha256(bytes);
      ingest.received_at = now_;
      tx.keep_content(ingest.sha256, bytes, now_);
      return tx.insert_ingest(ingest);
    });
  };
  std::string bytes(static_cast<std::size_t>(campaign::kLargestContentMiB) << 20, 'x');
  const auto kept = keep(bytes);
  ASSERT_TRUE(kept.ok()) << kept.error().to_string();
  EXPECT_EQ(read<std::size_t>([&](const Reader& reader) { return reader.content(*kept)->size(); }),
            bytes.size());
  bytes.resize(bytes.size() + (2U << 20));
  const auto refused = keep(bytes);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_data);
  EXPECT_TRUE(database_->health().ok());
}

TEST_F(Store, AFailedTaskUndoesOnlyItself) {
  open();
  // The first task holds the writer until the others wait, so that they share one commit.
  std::latch gate(1);
  std::latch finished(4);
  std::vector<Status> statuses(4);
  const auto submit = [&](std::size_t i, bool fail, bool wait) {
    database_->write(
        [&, i, fail, wait](Transaction& tx) -> Status {
          if (wait) gate.wait();
          Event event;
          event.object = "note";
          event.verb = "made";
          event.id = std::to_string(i);
          tx.append_event(event);
          if (fail) return Error{ErrorCode::conflict, "no", {}, {}, {}};
          return {};
        },
        [&, i](Status status) {
          statuses[i] = std::move(status);
          finished.count_down();
        });
  };
  submit(0, false, true);
  submit(1, false, false);
  submit(2, true, false);
  submit(3, false, false);
  const auto before = database_->statistics().commits;
  gate.count_down();
  finished.wait();
  EXPECT_TRUE(statuses[0].ok());
  EXPECT_TRUE(statuses[1].ok());
  ASSERT_FALSE(statuses[2].ok());
  EXPECT_EQ(statuses[2].error().code, ErrorCode::conflict);
  EXPECT_TRUE(statuses[3].ok());
  EXPECT_THAT(notes(), ::testing::ElementsAre("0", "1", "3"));
  EXPECT_LE(database_->statistics().commits - before, 2u);  // not one a task
}

TEST_F(Store, AnExceptionInATaskIsAnErrorOfThatTask) {
  open();
  const Status status = campaign::write_and_wait(
      *database_, [](Transaction&) -> Status { throw std::runtime_error("broken"); });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::internal);
  EXPECT_TRUE(note("after").ok());
}

TEST_F(Store, ManyThreadsLoseNothingAndDoubleNothing) {
  open();
  constexpr int kThreads = 16;
  constexpr int kEach = 100;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> failures{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        if (!note(std::to_string(t) + "-" + std::to_string(i)).ok()) ++failures;
        if (i % 10 == 0) notes();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  const auto all = notes();
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

TEST_F(Store, ADoneTaskIsVisibleToReadersAtOnce) {
  open();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(note(std::to_string(i)).ok());
    EXPECT_EQ(notes().size(), static_cast<std::size_t>(i) + 1);
  }
}

TEST_F(Store, AReaderSeesOneStateWhileOthersWrite) {
  open();
  ASSERT_TRUE(note("first"));
  const Status status = database_->read([&](const Reader& reader) -> Status {
    EXPECT_EQ(reader.events(0, 10, "").size(), 1u);
    std::thread([&] { EXPECT_TRUE(note("second").ok()); }).join();
    EXPECT_EQ(reader.events(0, 10, "").size(), 1u);
    return {};
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(notes().size(), 2u);
}

TEST_F(Store, AFullQueueAnswersBusyAtOnce) {
  options_.queue = 2;
  open();
  std::latch gate(1), begun(1);
  std::latch finished(1);
  database_->write(
      [&](Transaction&) -> Status {
        begun.count_down();
        gate.wait();
        return {};
      },
      [&](const Status&) { finished.count_down(); });
  begun.wait();
  std::atomic<int> done{0}, busy{0};
  for (int i = 0; i < 5; ++i) {
    database_->write([](Transaction&) -> Status { return {}; },
                     [&](const Status& status) {
                       ++done;
                       if (!status.ok() && status.error().code == ErrorCode::busy) ++busy;
                     });
  }
  EXPECT_EQ(busy, 3);
  gate.count_down();
  finished.wait();
  database_.reset();  // drains
  EXPECT_EQ(done, 5);
}

TEST_F(Store, ListenersHearOfCommittedEvents) {
  open();
  std::vector<std::int64_t> heard;
  database_->on_commit([&](std::int64_t last) { heard.push_back(last); });
  ASSERT_TRUE(note("a"));
  ASSERT_TRUE(note("b"));
  EXPECT_THAT(heard, ::testing::ElementsAre(1, 2));
}

TEST_F(Store, ASecondDaemonIsToldWhoHoldsTheDatabase) {
  open();
  const auto second = store::SqliteDatabase::open(options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(::getpid())));
  database_.reset();
  EXPECT_TRUE(store::SqliteDatabase::open(options_).ok());
}

TEST_F(Store, AnotherProgramsDatabaseIsRefusedAndUntouched) {
  {
    store::Connection foreign(options_.path, store::Access::write, {}, true);
    foreign.execute("PRAGMA journal_mode=DELETE; CREATE TABLE theirs (x INTEGER) STRICT");
  }
  std::string before;
  {
    std::ifstream in(options_.path, std::ios::binary);
    before.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto opened = store::SqliteDatabase::open(options_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::bad_data);
  EXPECT_EQ(testing::read_file(options_.path), before);
}

TEST_F(Store, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(options_.path) << std::string(5000, 'x');
  const auto opened = store::SqliteDatabase::open(options_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::bad_data) << opened.error().to_string();
}

TEST_F(Store, ANewerFileIsRefusedWithASentence) {
  open();
  database_.reset();
  {
    store::Connection newer(options_.path, store::Access::write, {}, false);
    newer.execute("PRAGMA user_version=999");
  }
  const auto opened = store::SqliteDatabase::open(options_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::bad_data);
  EXPECT_THAT(opened.error().message, HasSubstr("999"));
  EXPECT_THAT(opened.error().message, HasSubstr("newer"));
}

TEST_F(Store, AnOlderFileIsCopiedThenMigrated) {
  const std::vector<store::Script>& now = store::schema_scripts();
  const int next = now.back().version + 1;
  std::vector<store::Script> later = now;
  later.push_back({next, "9999_test.sql", "CREATE TABLE added (x INTEGER NOT NULL) STRICT;"});
  open();
  ASSERT_TRUE(note("kept"));
  database_.reset();
  {
    store::Connection writer(options_.path, store::Access::write, {}, false);
    ASSERT_TRUE(store::migrate(writer, options_.path, later, now_, {}).ok());
    EXPECT_EQ(writer.integer("PRAGMA user_version"), next);
    EXPECT_EQ(writer.integer("SELECT count(*) FROM added"), 0);
    EXPECT_EQ(writer.integer("SELECT count(*) FROM events"), 1);
  }
  const std::string copy = options_.path + ".pre-v" + std::to_string(now.back().version);
  store::Connection before(copy, store::Access::read, {}, false);
  EXPECT_EQ(before.integer("PRAGMA user_version"), now.back().version);
  EXPECT_EQ(before.integer("SELECT count(*) FROM events"), 1);
}

TEST_F(Store, AMigrationThatFailsChangesNothing) {
  std::vector<store::Script> broken = store::schema_scripts();
  broken.push_back({broken.back().version + 1, "9999_test.sql",
                    "CREATE TABLE added (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"});
  open();
  ASSERT_TRUE(note("kept"));
  database_.reset();
  {
    store::Connection writer(options_.path, store::Access::write, {}, false);
    EXPECT_THROW((void)store::migrate(writer, options_.path, broken, now_, {}),
                 store::StorageError);
  }
  open();
  EXPECT_THAT(notes(), ::testing::ElementsAre("kept"));
}

TEST_F(Store, AnEditedMigrationIsNoticed) {
  open();
  database_.reset();
  std::vector<store::Script> edited = store::schema_scripts();
  const std::string sql = std::string(edited[0].sql) + "-- a later thought\n";
  edited[0].sql = sql;
  store::Connection writer(options_.path, store::Access::write, {}, false);
  const Status status = store::migrate(writer, options_.path, edited, now_, {});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::bad_data);
}

TEST_F(Store, MigrationScriptsAreNumberedWithoutGaps) {
  int version = 0;
  for (const store::Script& script : store::schema_scripts()) {
    EXPECT_EQ(script.version, ++version);
    const std::string on_disk =
        testing::read_file(testing::source_file("schema/" + std::string(script.name)));
    EXPECT_EQ(script.sql, on_disk);
  }
  EXPECT_GE(version, 1);
}

TEST_F(Store, NothingThatWasWrittenDownCanBeChangedOrDeleted) {
  open();
  apply();
  ASSERT_TRUE(post(body({row("\"Li\"", 3.5, "\"sample\":\"s1\"")})).ok());
  database_.reset();
  store::Connection connection(options_.path, store::Access::write, {}, false);
  for (const char* sql : {"UPDATE measurements SET value = 99",
                          "DELETE FROM measurements",
                          "UPDATE runs SET run = 'x'",
                          "DELETE FROM runs",
                          "UPDATE contents SET bytes = x'00'",
                          "DELETE FROM contents",
                          "UPDATE events SET verb = 'x'",
                          "DELETE FROM events",
                          "DELETE FROM ingests",
                          "UPDATE ingests SET received_at = 0",
                          "UPDATE catalysts SET canonical = 'x'",
                          "DELETE FROM catalysts",
                          "UPDATE campaign_versions SET text = 'x'",
                          "DELETE FROM campaign_versions",
                          "DELETE FROM campaigns",
                          "DELETE FROM properties",
                          "UPDATE samples SET label = 'x'",
                          "DELETE FROM samples",
                          "UPDATE replicates SET more = x''",
                          "DELETE FROM replicates",
                          "UPDATE measurements SET id = 'x'"}) {
    try {
      connection.execute(sql);
      ADD_FAILURE() << sql << " was not refused";
    } catch (const store::StorageError& error) {
      EXPECT_THAT(std::string(error.what()),
                  ::testing::AnyOf(HasSubstr("never"), HasSubstr("finished once")))
          << sql;
    }
  }
}

TEST_F(Store, AFullDiskIsToldAndReadingGoesOn) {
  options_.max_pages = 120;
  open();
  std::set<std::string> acknowledged;
  Status status;
  for (int i = 0; i < 100'000 && status.ok(); ++i) {
    const std::string id = std::to_string(i) + std::string(500, 'x');
    status = note(id);
    if (status.ok()) acknowledged.insert(id);
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::storage_full);
  EXPECT_FALSE(database_->health().ok());
  EXPECT_GT(acknowledged.size(), 20u);
  const auto kept = notes();
  EXPECT_EQ(std::set<std::string>(kept.begin(), kept.end()), acknowledged);
  // More space: the same database takes writes again, also without a restart (see faults_test.cc).
  options_.max_pages = 0;
  reopen();
  EXPECT_TRUE(note("again").ok());
  EXPECT_EQ(notes().size(), acknowledged.size() + 1);
}

TEST_F(Store, BackupsAreWholeWhileOthersWrite) {
  open();
  std::atomic<bool> stop{false};
  std::atomic<int> acknowledged{0};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      if (note(std::to_string(i)).ok()) ++acknowledged;
    }
  });
  for (int round = 0; round < 10; ++round) {
    const int before = acknowledged;
    const std::string copy = folder_ / ("backup-" + std::to_string(round));
    const Status made = database_->backup(copy);
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    store::Connection reader(copy, store::Access::read, {}, false);
    EXPECT_EQ(reader.text("PRAGMA integrity_check"), "ok");
    // Events 1 ... n without a gap: the state of one commit, not older than the call.
    const std::int64_t n = reader.integer("SELECT count(*) FROM events");
    EXPECT_EQ(reader.integer("SELECT coalesce(max(seq), 0) FROM events"), n);
    EXPECT_GE(n, before);
  }
  stop = true;
  writer.join();
}

TEST_F(Store, RestoreVerifiesAndKeepsWhatWasThere) {
  open();
  ASSERT_TRUE(note("old"));
  const std::string copy = folder_ / "backup.db";
  ASSERT_TRUE(database_->backup(copy).ok());
  ASSERT_TRUE(note("new"));
  EXPECT_EQ(store::restore(copy, options_.path, now_).error().code, ErrorCode::conflict);
  database_.reset();
  const Status restored = store::restore(copy, options_.path, now_);
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  open();
  EXPECT_THAT(notes(), ::testing::ElementsAre("old"));
  const std::string aside = options_.path + ".replaced-" + std::to_string(to_micros(now_));
  store::Connection replaced(aside, store::Access::read, {}, false);
  EXPECT_EQ(replaced.integer("SELECT count(*) FROM events"), 2);
}

TEST_F(Store, ADamagedBackupIsNotRestored) {
  open();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(note(std::string(400, 'x') + std::to_string(i)));
  const std::string copy = folder_ / "backup.db";
  ASSERT_TRUE(database_->backup(copy).ok());
  database_.reset();
  {
    std::fstream file(copy, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(0, std::ios::end);
    const auto size = static_cast<std::int64_t>(file.tellp());
    for (std::int64_t at = size / 2; at < size; at += 512) {
      file.seekp(at);
      file.write("damaged!", 8);
    }
  }
  const Status restored = store::restore(copy, options_.path, now_);
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(restored.error().code, ErrorCode::bad_data) << restored.error().to_string();
  open();
  EXPECT_EQ(notes().size(), 200u);
}

// A large file is checked beside the service: it starts at once, and stops writing when damage is
// found.
TEST_F(Store, DamageInALargeFileStopsWriting) {
  open();
  ASSERT_TRUE(campaign::write_and_wait(*database_, [&](Transaction& tx) -> Status {
                const std::string block(1 << 20, 'x');
                for (int i = 0; i < 40; ++i) {
                  const std::string bytes = std::to_string(i) + block;
                  tx.keep_content(sha256(bytes), bytes, now_);
                }
                return {};
              }).ok());
  reopen();
  EXPECT_TRUE(note("sound").ok());
  EXPECT_TRUE(database_->health().ok());
  database_.reset();
  {
    // The root page of a table says that it is what it is not.
    std::int64_t page = 0;
    {
      store::Connection look(options_.path, store::Access::read, {}, false);
      page = look.integer("SELECT rootpage FROM sqlite_schema WHERE name = 'jobs'");
    }
    std::fstream file(options_.path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp((page - 1) * 4096);
    file.write("\x42\x42\x42\x42\x42\x42\x42\x42", 8);
  }
  open();
  for (int i = 0; i < 2000 && database_->health().ok(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_FALSE(database_->health().ok());
  EXPECT_THAT(database_->health().error().message, HasSubstr("damaged"));
  EXPECT_EQ(note("refused").error().code, ErrorCode::storage_failed);
}

TEST_F(Store, CheckFindsNothingWrongWithASoundFile) {
  open();
  apply();
  ASSERT_TRUE(post(body({row("\"Li\"", 3.5)})).ok());
  const auto report = database_->check();
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->ok);
  EXPECT_EQ(report->schema_version, store::schema_version());
}

}  // namespace
}  // namespace kasetsu
