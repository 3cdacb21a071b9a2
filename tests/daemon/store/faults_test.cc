// Promises 1 and 7 against a disk that loses power, fails, or fills up. KASETSU_POWER_CUTS sets how
// many cuts are tried (`./dev crash` asks for thousands).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <cstdlib>
#include <map>
#include <set>

#include "core/base/text.h"
#include "daemon/store/reached_file.h"
#include "daemon/store/sqlite.h"
#include "tests/daemon/store/fault_vfs.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

using campaign::DeliveryOptions;
using campaign::IngestReceipt;
using campaign::Measurement;
using campaign::Transaction;
using testing::FaultPlan;

class Faults : public testing::StoreTest {
 protected:
  Faults() {
    testing::register_fault_vfs();
    options_.vfs = testing::kFaultVfs;
    options_.readers = 1;
    testing::reset_faults({});
  }

  // One delivery of two rows under a number; true when it was acknowledged.
  Result<IngestReceipt> deliver(int number) {
    DeliveryOptions options;
    options.idempotency_key = "delivery " + std::to_string(number);
    return post(body({row("\"Li\",\"K\"", number, R"("channel":"1")"),
                      row("\"Na\"", number, R"("channel":"2")")},
                     fmt::format(R"("source":"rig","run":"{}")", number)),
                options);
  }

  // How often each number is there, by value of the rows.
  std::map<int, int> stored() {
    std::map<int, int> counts;
    for (const Measurement& m : measurements()) ++counts[static_cast<int>(m.value)];
    return counts;
  }

  // All acknowledged deliveries are there with both rows, none is there twice or in half.
  int lost(const std::set<int>& acknowledged) {
    const std::map<int, int> counts = stored();
    int missing = 0;
    for (const int number : acknowledged) missing += counts.contains(number) ? 0 : 1;
    for (const auto& [number, count] : counts) EXPECT_EQ(count, 2) << "delivery " << number;
    const auto report = database_->check();
    EXPECT_TRUE(report.ok() && report->ok) << "damaged";
    return missing;
  }

  // Deliveries until the power goes, at a random operation; then on again. Returns how many
  // acknowledged ones are missing.
  int cut_once(Random& random, bool reorder, bool lying) {
    FaultPlan plan;
    plan.power_cut = true;
    plan.lying_wal = lying;
    plan.fail_at = 1 + static_cast<std::int64_t>(random.below(400));
    testing::reset_faults(plan);
    std::set<int> acknowledged;
    auto opened = store::SqliteDatabase::open(options_);
    if (opened.ok()) {
      database_ = std::move(opened).value();
      for (int i = 0; i < 200 && !testing::power_is_off(); ++i) {
        if (deliver(next_).ok()) acknowledged.insert(next_);
        ++next_;
      }
      database_.reset();
    }
    testing::power_on(random, reorder);
    everything_.insert(acknowledged.begin(), acknowledged.end());
    if (lying) {
      // The note beside the database tells a loss at once: here it is counted.
      auto told = store::SqliteDatabase::open(options_);
      if (!told.ok()) ++losses_told_;
      database_.reset();
      std::filesystem::remove(options_.path + store::kReachedSuffix);
    }
    open();
    const int missing = lost(everything_);
    database_.reset();
    return missing;
  }

  void forget() {
    for (const char* suffix : {"", "-wal", "-shm", store::kReachedSuffix}) {
      std::filesystem::remove(options_.path + suffix);
    }
  }

  void start() {
    open();
    apply();
    database_.reset();
  }

  int next_ = 1;
  int losses_told_ = 0;
  std::set<int> everything_;  // ever acknowledged
};

int cuts(int usual) {
  const char* wanted = std::getenv("KASETSU_POWER_CUTS");
  return wanted != nullptr ? static_cast<int>(parse_number(wanted).value()) : usual;
}

TEST_F(Faults, PowerCutsLoseNothingThatWasAcknowledged) {
  Random random(2026);
  start();
  const int wanted = cuts(60);
  int lost = 0;
  std::size_t acknowledged = 0;
  std::int64_t indexed = 0;
  const auto look_at_indexes = [&] {
    store::Connection connection(options_.path, store::Access::read, {}, false);
    indexed = std::max(indexed, connection.integer("SELECT min(upto) FROM late_indexes"));
  };
  for (int i = 0; i < wanted; ++i) {
    if (i % 30 == 29) {
      // A small file keeps the rounds quick.
      look_at_indexes();
      acknowledged += everything_.size();
      forget();
      everything_.clear();
      testing::reset_faults({});
      start();
    }
    lost += cut_once(random, i % 2 == 0, false);
    ASSERT_EQ(lost, 0) << "cut " << i;
  }
  acknowledged += everything_.size();
  // The late indexes were being written meanwhile.
  look_at_indexes();
  EXPECT_GT(indexed, 0);
  RecordProperty("cuts", wanted);
  RecordProperty("acknowledged", static_cast<int>(acknowledged));
  std::printf("%d power cuts, %zu deliveries acknowledged, %d lost\n", wanted, acknowledged, lost);
  EXPECT_GT(acknowledged, static_cast<std::size_t>(wanted));
}

// The control: on a disk that forgets what it was told to sync (what synchronous=NORMAL amounts to)
// the same harness finds lost rows. If it did not, the test above would show nothing.
TEST_F(Faults, TheHarnessSeesADiskThatLies) {
  Random random(7);
  int lost = 0;
  for (int i = 0; i < 20; ++i) {
    forget();
    everything_.clear();
    testing::reset_faults({});
    start();
    lost += cut_once(random, false, true);
  }
  EXPECT_GT(lost, 10);
  EXPECT_GT(losses_told_, 3);
}

// An I/O error at every operation in turn: a failure is told, what was acknowledged stays, and
// nothing is damaged.
TEST_F(Faults, AnErrorAtEveryOperationNeitherLiesNorDamages) {
  const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_FULL};
  int runs = 0;
  for (const bool for_ever : {false, true}) {
    for (const int code : codes) {
      std::int64_t step = 1;
      for (std::int64_t at = 1;; at += step) {
        forget();
        FaultPlan plan;
        plan.fail_at = at;
        plan.for_ever = for_ever;
        plan.code = code;
        testing::reset_faults(plan);
        std::set<int> acknowledged;
        bool refused = false;
        auto opened = store::SqliteDatabase::open(options_);
        if (opened.ok()) {
          database_ = std::move(opened).value();
          const auto applied = write<campaign::Applied>(
              [&](Transaction& tx) { return campaign::apply_campaign(tx, draft(), context()); });
          refused = !applied.ok();
          for (int i = 1; i <= 6 && applied.ok(); ++i) {
            const auto receipt = deliver(i);
            if (receipt.ok()) {
              acknowledged.insert(i);
            } else {
              refused = true;
              EXPECT_THAT(receipt.error().code,
                          ::testing::AnyOf(ErrorCode::storage_failed, ErrorCode::storage_full))
                  << receipt.error().to_string();
            }
          }
          if (code != SQLITE_FULL && refused) {
            // After a failed write or sync nothing is written any more in this process.
            EXPECT_EQ(database_->health().error().code, ErrorCode::storage_failed);
            EXPECT_FALSE(deliver(99).ok());
          }
          database_.reset();
        } else {
          refused = true;
        }
        const bool hit = testing::fault_happened();
        testing::reset_faults({});
        auto again = store::SqliteDatabase::open(options_);
        ASSERT_TRUE(again.ok()) << again.error().to_string();
        database_ = std::move(again).value();
        const auto applied = write<campaign::Applied>(
            [&](Transaction& tx) { return campaign::apply_campaign(tx, draft(), context()); });
        ASSERT_TRUE(applied.ok());
        ASSERT_EQ(lost(acknowledged), 0) << "operation " << at << " code " << code;
        // Whoever was refused sends again: everything once.
        for (int i = 1; i <= 6; ++i) ASSERT_TRUE(deliver(i).ok());
        ASSERT_EQ(lost({1, 2, 3, 4, 5, 6}), 0);
        database_.reset();
        ++runs;
        if (!hit) break;
        // Every operation of the first deliveries, then a sample of the rest.
        if (at > 40) step = 13;
      }
    }
  }
  std::printf("%d runs with one failing operation or more\n", runs);
  EXPECT_GT(runs, 200);
}

TEST_F(Faults, WritingResumesWhenSpaceReturnsWithoutARestart) {
  open();
  apply();
  std::set<int> acknowledged;
  int number = 1;
  for (; number <= 20; ++number) {
    if (deliver(number).ok()) acknowledged.insert(number);
  }
  ASSERT_EQ(acknowledged.size(), 20u);
  testing::set_full(true);
  int refused = 0;
  for (; number <= 2000 && refused < 5; ++number) {
    const auto receipt = deliver(number);
    if (receipt.ok()) {
      acknowledged.insert(number);
    } else {
      EXPECT_EQ(receipt.error().code, ErrorCode::storage_full) << receipt.error().to_string();
      ++refused;
    }
  }
  EXPECT_EQ(refused, 5);
  EXPECT_EQ(database_->health().error().code, ErrorCode::storage_full);
  EXPECT_EQ(lost(acknowledged), 0);  // reading goes on
  testing::set_full(false);
  const auto receipt = deliver(number);
  ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  acknowledged.insert(number);
  EXPECT_TRUE(database_->health().ok());
  EXPECT_EQ(lost(acknowledged), 0);
}

TEST_F(Faults, AFailedDiskIsToldAndReadingGoesOn) {
  open();
  apply();
  ASSERT_TRUE(deliver(1).ok());
  FaultPlan plan;
  plan.fail_at = 1;
  plan.for_ever = true;
  plan.code = SQLITE_IOERR_FSYNC;
  testing::reset_faults(plan);
  const auto refused = deliver(2);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::storage_failed);
  testing::reset_faults({});
  // The disk is well again, and still nothing is written: what it holds is not known before a
  // restart.
  EXPECT_EQ(deliver(3).error().code, ErrorCode::storage_failed);
  EXPECT_EQ(stored().size(), 1u);
  reopen();
  EXPECT_TRUE(deliver(2).ok());
  EXPECT_EQ(stored().size(), 2u);
}

}  // namespace
}  // namespace kasetsu
