// Who has the one writer when many wait: single results, tables, and the tables of several.
#include <atomic>
#include <chrono>
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
        campaign::Repeat::allowed, rows, claimant);
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

}  // namespace
}  // namespace kasetsu
