// Who has the one writer when many wait: single results, tables, and the tables of several.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

using campaign::Transaction;
using testing::StoreTest;
using namespace std::chrono_literals;

class WriterTurns : public StoreTest {
 protected:
  // A write that notes its name; rows and claimant as its share.
  void add(const std::string& name, std::size_t rows, const std::string& claimant = "",
           std::function<void()> work = {}) {
    database_->write_table(
        [this, name, work = std::move(work)](Transaction&) -> Status {
          {
            const std::lock_guard guard(mutex_);
            ran_.push_back(name);
          }
          if (work) work();
          return {};
        },
        [this](const Status& status) {
          EXPECT_TRUE(status.ok());
          ++committed_;
        },
        campaign::Repeat::allowed, {rows, rows, claimant, {}, false});
  }
  // The writer is busy until `gate` opens.
  void hold(std::latch& gate) {
    std::latch begun(1);
    add("hold", 1, "", [&] {
      begun.count_down();
      gate.wait();
    });
    begun.wait();
  }
  std::vector<std::string> finish() {
    database_.reset();
    return ran_;
  }

  std::mutex mutex_;
  std::vector<std::string> ran_;
  std::atomic<int> committed_{0};
};

using Names = std::vector<std::string>;

TEST_F(WriterTurns, ASingleResultWaitsForOneTableAtMost) {
  options_.group_rows = 100;
  open();
  std::latch gate(1);
  hold(gate);
  for (const char* name : {"table 1", "table 2", "table 3"}) add(name, 100, "rig");
  add("result 1", 1);
  add("result 2", 10);
  gate.count_down();
  EXPECT_EQ(finish(), (Names{"hold", "table 1", "result 1", "result 2", "table 2", "table 3"}));
}

TEST_F(WriterTurns, TablesOfSeveralAreTakenInTurn) {
  options_.group_rows = 100;
  open();
  std::latch gate(1);
  hold(gate);
  for (const char* name : {"a1", "a2", "a3", "a4"}) add(name, 100, "a");
  add("b1", 100, "b");
  add("c1", 100, "c");
  gate.count_down();
  EXPECT_EQ(finish(), (Names{"hold", "a1", "b1", "c1", "a2", "a3", "a4"}));
}

TEST_F(WriterTurns, SmallTablesShareACommit) {
  options_.group_rows = 100;
  open();
  std::latch gate(1);
  hold(gate);
  const auto before = database_->statistics().commits;
  for (int i = 0; i < 9; ++i) add("table", 30, "rig");
  add("large", 5'000, "rig");
  gate.count_down();
  add("last", 11, "rig");
  while (committed_ < 12) std::this_thread::sleep_for(1ms);
  // The one that held the writer, three times three tables, the large one, the last one.
  EXPECT_EQ(database_->statistics().commits - before, 6u);
}

TEST_F(WriterTurns, AfterATableThatHeldThemUpTheOthersHaveTheWriterForAWhile) {
  options_.long_commit = 1ms;
  open();
  std::latch gate(1), begun(1), second_done(1);
  add("table 1", 100, "rig", [&] {
    begun.count_down();
    gate.wait();
  });
  begun.wait();
  add("table 2", 100, "rig");
  std::latch first_done(1);
  database_->write([](Transaction&) -> Status { return {}; },
                   [&](const Status&) { first_done.count_down(); });
  std::this_thread::sleep_for(200ms);
  gate.count_down();
  first_done.wait();
  add("result", 1, "", [&] { second_done.count_down(); });
  second_done.wait();
  // Whoever stops does not wait for the others' share to end.
  EXPECT_EQ(finish(), (Names{"table 1", "result", "table 2"}));
}

// A table of 500 rows, and single results of a colleague that come while it is taken.
class LongTables : public WriterTurns {
 protected:
  void SetUp() override {
    options_.group_rows = 100;
    open();
    apply();
    std::vector<std::string> rows;
    for (int i = 0; i < kRows; ++i) {
      rows.push_back(row("\"Li\"", 1.0 + i, fmt::format("\"channel\":\"{}\"", i)));
    }
    auto prepared =
        campaign::prepare_delivery(body(rows, R"("source":"table","run":"t")"), {}, supports_);
    ASSERT_TRUE(prepared.ok());
    table_ = std::move(*prepared);
  }

  Status take_table(Transaction& tx, bool dry) {
    ++turns_;
    const auto taken = campaign::ingest(tx, "ocm", table_, context("table"));
    if (!taken) return taken.error();
    receipt_ = *taken;
    if (dry) return Error{ErrorCode::cancelled, "a dry run", "", "", ""};
    return {};
  }

  // Takes the table while colleagues post in each of its first `times` turns. They post before the
  // turn reads its first row: what is asked is that none of them waits for its end.
  void run(int times, bool dry = false) {
    std::promise<Status> done;
    database_->write_table(
        [&](Transaction& tx) -> Status {
          if (turns_ < times) {
            database_->write(
                [this](Transaction& other) -> Status {
                  const auto prepared = campaign::prepare_delivery(
                      body({row("\"Na\"", 7.0 + turns_)},
                           fmt::format(R"("source":"robot","run":"r{}")", turns_)),
                      {}, supports_);
                  const auto taken = campaign::ingest(other, "ocm", *prepared, context("robot"));
                  return taken ? Status() : Status(taken.error());
                },
                [this](const Status& status) {
                  EXPECT_TRUE(status.ok());
                  turns_before_.push_back(turns_);
                },
                campaign::Repeat::allowed);
          }
          return take_table(tx, dry);
        },
        [&](Status status) { done.set_value(std::move(status)); },
        dry ? campaign::Repeat::never : campaign::Repeat::allowed,
        {kRows, kRows, "rig", given_up_.get_token(), to_its_end_});
    ended_ = done.get_future().get();
  }

  static constexpr int kRows = 500;
  campaign::PreparedDelivery table_;
  campaign::IngestReceipt receipt_;
  Status ended_;
  int turns_ = 0;
  std::stop_source given_up_;
  bool to_its_end_ = false;
  std::vector<int> turns_before_;  // by colleague: turns of the table until the post was stored
};

TEST_F(LongTables, GiveWayToASingleResultAndAreTakenWhole) {
  run(3);
  ASSERT_TRUE(ended_.ok()) << ended_.error().to_string();
  EXPECT_EQ(turns_before_, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(turns_, 4);
  EXPECT_EQ(database_->statistics().gave_way, 3u);
  EXPECT_EQ(receipt_.ingest.accepted + receipt_.ingest.flagged, kRows);
  const auto stored = measurements();
  ASSERT_EQ(stored.size(), 3u + kRows);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    EXPECT_EQ(stored[i].source, i < 3 ? "robot" : "table") << i;
  }
  // What was undone left nothing of itself: the same delivery is known as a whole.
  reopen();
  turns_ = 0;
  run(0);
  ASSERT_TRUE(ended_.ok());
  EXPECT_TRUE(receipt_.replayed);
  EXPECT_EQ(measurements().size(), 3u + kRows);
}

TEST_F(LongTables, ADryRunGivesWayToo) {
  run(2, true);
  EXPECT_EQ(ended_.error().code, ErrorCode::cancelled);
  EXPECT_EQ(turns_before_, (std::vector<int>{1, 2}));
  EXPECT_EQ(measurements().size(), 2u);
  EXPECT_EQ(receipt_.ingest.rows, kRows);
}

TEST_F(LongTables, AreWrittenToTheirEndOnceTheirPatienceIsOver) {
  options_.table_patience = 0ms;
  reopen();
  run(1);
  ASSERT_TRUE(ended_.ok());
  EXPECT_EQ(turns_, 1);
  EXPECT_EQ(database_->statistics().gave_way, 0u);
  reopen();  // after the colleague's post is stored
  EXPECT_EQ(measurements().size(), 1u + kRows);
  EXPECT_EQ(measurements().front().source, "table");
}

TEST_F(LongTables, AreRefusedWhereTheyWouldHoldTheOthersUpForTooLong) {
  options_.table_patience = 0ms;
  options_.longest_hold = 0ms;
  reopen();
  run(1);
  ASSERT_FALSE(ended_.ok());
  EXPECT_EQ(ended_.error().code, ErrorCode::busy);
  EXPECT_NE(ended_.error().message.find("other results kept coming"), std::string::npos);
  EXPECT_EQ(turns_, 1);
  reopen();  // after the colleague's post is stored
  EXPECT_EQ(measurements().size(), 1u);
  // Nobody comes in between: the same table is taken.
  run(0);
  EXPECT_TRUE(ended_.ok());
  EXPECT_EQ(measurements().size(), 1u + kRows);
}

TEST_F(LongTables, OfTheOperatorsDriversAreWrittenToTheirEnd) {
  options_.table_patience = 0ms;
  options_.longest_hold = 0ms;
  to_its_end_ = true;
  reopen();
  run(1);
  ASSERT_TRUE(ended_.ok());
  EXPECT_EQ(turns_, 1);
}

TEST_F(LongTables, HoldTheOthersUpOneAtATime) {
  options_.table_patience = 1h;
  options_.longest_hold = 0ms;
  reopen();
  run(3);  // its time is not over: it gives way as often as others come
  EXPECT_TRUE(ended_.ok());
  EXPECT_EQ(turns_, 4);
}

TEST_F(LongTables, AreGivenUpWhereTheirSenderHasGone) {
  given_up_.request_stop();
  run(0);
  ASSERT_FALSE(ended_.ok());
  EXPECT_EQ(ended_.error().code, ErrorCode::busy);
  EXPECT_EQ(turns_, 0);
  EXPECT_TRUE(measurements().empty());
}

TEST_F(LongTables, AreGivenUpBetweenTwoRowsWhereTheirSenderGoes) {
  std::promise<Status> done;
  database_->write_table(
      [&](Transaction& tx) -> Status {
        given_up_.request_stop();
        return take_table(tx, false);
      },
      [&](Status status) { done.set_value(std::move(status)); }, campaign::Repeat::allowed,
      {kRows, kRows, "rig", given_up_.get_token(), true});
  EXPECT_EQ(done.get_future().get().error().code, ErrorCode::busy);
  EXPECT_EQ(turns_, 1);
  EXPECT_TRUE(measurements().empty());
}

TEST_F(LongTables, AreRefusedWhereTheStoreEnds) {
  std::promise<Status> done;
  database_->write_table(
      [&](Transaction& tx) -> Status {
        database_->end_tables();
        return take_table(tx, false);
      },
      [&](Status status) { done.set_value(std::move(status)); }, campaign::Repeat::allowed,
      {kRows, kRows, "rig", {}, true});
  EXPECT_EQ(done.get_future().get().error().code, ErrorCode::busy);
  EXPECT_EQ(turns_, 1);
  run(0);
  EXPECT_EQ(ended_.error().code, ErrorCode::busy);
  EXPECT_EQ(turns_, 1);
  EXPECT_TRUE(measurements().empty());
}

TEST_F(LongTables, OfFewRowsAndManyValuesGiveWayToo) {
  std::vector<std::string> order;
  std::promise<Status> done;
  database_->write_table(
      [&](Transaction& tx) -> Status {
        if (++turns_ == 1) {
          database_->write([&](Transaction&) -> Status { return {}; },
                           [&](const Status&) { order.push_back("result"); },
                           campaign::Repeat::allowed);
        }
        // What a row asks of the store.
        tx.find_catalyst("Li:1/MgO");
        return {};
      },
      [&](Status status) {
        order.push_back("table");
        done.set_value(std::move(status));
      },
      campaign::Repeat::allowed, {5, 4'000, "rig", {}, false});
  EXPECT_TRUE(done.get_future().get().ok());
  EXPECT_EQ(order, (std::vector<std::string>{"result", "table"}));
}

}  // namespace
}  // namespace kasetsu
