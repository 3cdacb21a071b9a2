// What the daemon does by itself: backups on a schedule, the oldest removed; leases given back.
#include "daemon/service/upkeep.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "daemon/campaign/planning/leases.h"
#include "daemon/store/maintenance.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

namespace fs = std::filesystem;

class UpkeepTest : public testing::StoreTest {
 protected:
  UpkeepTest() {
    open();
    apply();
    time_ = to_micros(now_);
    upkeep_options_.look_every = std::chrono::milliseconds(2);
    upkeep_options_.backup_dir = folder_ / "backups";
    upkeep_options_.backup_every = std::chrono::hours(24);
    upkeep_options_.backups_kept = 3;
  }
  std::unique_ptr<Upkeep> start() {
    upkeep_options_.also = [this] { ++looks_; };
    auto upkeep = std::make_unique<Upkeep>(
        *database_, [this] { return from_micros(time_); }, ids_, upkeep_options_,
        std::make_shared<spdlog::logger>("upkeep",
                                         std::make_shared<spdlog::sinks::null_sink_mt>()));
    upkeep->start();
    return upkeep;
  }
  void pass(std::chrono::microseconds time) { time_ += time.count(); }
  std::vector<std::string> backups() const {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(upkeep_options_.backup_dir, ignored)) {
      if (entry.path().extension() == ".db") names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  // Waits until the thread has looked twice more, the second time with the clock as it is now.
  void wait_for_a_look() {
    const int before = looks_;
    wait_until([&] { return looks_ >= before + 2; });
  }
  // Waits until it holds; a test that never gets there fails by its time limit's sentence.
  template <typename Condition>
  static void wait_until(const Condition& condition) {
    for (int i = 0; i < 20'000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(condition());
  }

  UpkeepOptions upkeep_options_;
  std::atomic<std::int64_t> time_{0};
  std::atomic<int> looks_{0};
};

TEST_F(UpkeepTest, BacksUpWhenItIsDueAndKeepsTheNewest) {
  auto upkeep = start();
  wait_until([&] { return backups().size() == 1; });
  std::vector<std::string> made = backups();
  pass(std::chrono::hours(23));
  wait_for_a_look();
  EXPECT_EQ(backups(), made) << "not due yet";
  for (int day = 0; day < 5; ++day) {
    ASSERT_TRUE(
        post(body({row("\"Li\"", day)}, "\"source\":\"" + std::to_string(day) + "\"")).ok());
    pass(std::chrono::hours(25));
    wait_until([&] { return backups().back() != made.back(); });
    made.push_back(backups().back());
  }
  upkeep->stop();
  const auto kept = backups();
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), made.end() - 3)) << "the newest stay";
  for (const std::string& name : kept) {
    const auto report = check_database((fs::path(upkeep_options_.backup_dir) / name).string());
    ASSERT_TRUE(report.ok()) << report.error().to_string();
    EXPECT_TRUE(report->ok) << name;
  }
  // After a restart nothing is due that was done.
  upkeep = start();
  wait_for_a_look();
  upkeep->stop();
  EXPECT_EQ(backups(), kept);
}

// Three backups were made while the clock ran ten years ahead. Afterwards it is right again.
TEST_F(UpkeepTest, AClockThatRanAheadStopsNoBackup) {
  const std::string& folder = upkeep_options_.backup_dir;
  const auto kept = upkeep_options_.backups_kept;
  const Time ahead = now_ + std::chrono::hours(24 * 3650);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(back_up(*database_, folder, kept, ahead + std::chrono::hours(i)).ok());
  }
  const auto made = back_up(*database_, folder, kept, now_);
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(fs::exists(*made)) << "the path that is told is there";
  const auto before = backups();
  ASSERT_EQ(before.size(), 3u);
  pass(std::chrono::hours(25));
  auto upkeep = start();
  wait_until([&] { return backups() != before; });
  upkeep->stop();
  EXPECT_TRUE(fs::exists(*made)) << "those with impossible times go first";
}

// A failed backup is tried again a minute later, and nothing else waits for it.
TEST_F(UpkeepTest, AFailedBackupSlowsNothingElse) {
  std::ofstream(upkeep_options_.backup_dir) << "a file where the folder should be";
  auto upkeep = start();
  wait_until([&] { return looks_ > 5; });
  upkeep->stop();
}

TEST_F(UpkeepTest, WhatKilledBackupsLeftIsRemoved) {
  const fs::path folder = upkeep_options_.backup_dir;
  const auto leave = [&](const std::string& name) {
    fs::create_directories(folder);
    std::ofstream(folder / name) << "half a database";
  };
  leave("kasetsu-20260101T000000.000000Z.db.part");
  leave("kasetsu-20260101T000000.000000Z.db.part-journal");
  leave("notes.part");
  upkeep_options_.backup_every = std::chrono::seconds(0);
  {
    const auto upkeep = start();
    wait_for_a_look();
  }
  const auto there = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  };
  EXPECT_EQ(there(), std::vector<std::string>{"notes.part"});
  // A backup on demand removes them as well, and stays itself.
  leave("kasetsu-20260101T000000.000000Z.db.part");
  const auto made = back_up(*database_, folder, 3, now_);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(there(), (std::vector<std::string>{fs::path(*made).filename(), "notes.part"}));
}

// A copy that somebody laid beside the backups is theirs, and so are the rights of a folder that
// was there.
TEST_F(UpkeepTest, WhatAPersonPutThereStaysAsItIs) {
  const fs::path folder = upkeep_options_.backup_dir;
  fs::create_directories(folder);
  const auto rights = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec;
  fs::permissions(folder, rights);
  const std::vector<std::string> own = {"kasetsu-.db",
                                        "kasetsu-20260101T000000.000000Z-old.db",
                                        "kasetsu-2026010XT000000.000000Z.db",
                                        "kasetsu-before-upgrade.db",
                                        "kasetsu-before-upgrade.db.part",
                                        "notes.db"};
  for (const std::string& name : own) std::ofstream(folder / name) << "a copy of somebody's";
  std::vector<std::string> made;
  for (int hour = 0; hour < 3; ++hour) {
    const auto path = back_up(*database_, folder, 2, now_ + std::chrono::hours(hour));
    ASSERT_TRUE(path.ok()) << path.error().to_string();
    made.push_back(fs::path(*path).filename());
  }
  for (const std::string& name : own) EXPECT_TRUE(fs::exists(folder / name)) << name;
  EXPECT_FALSE(fs::exists(folder / made[0])) << "two are kept";
  EXPECT_TRUE(fs::exists(folder / made[1]));
  EXPECT_TRUE(fs::exists(folder / made[2]));
  EXPECT_EQ(fs::status(folder).permissions(), rights);
  ASSERT_TRUE(back_up(*database_, folder / "new", 2, now_).ok());
  EXPECT_EQ(fs::status(folder / "new").permissions(), fs::perms::owner_all);
}

TEST_F(UpkeepTest, LeasesThatRanOutAreGivenBack) {
  upkeep_options_.backup_every = std::chrono::seconds(0);
  const auto issued = issue({"Li:1/MgO"});
  const std::string id = issued.proposals.at(0).id;
  ASSERT_TRUE(write<campaign::Proposal>([&](campaign::Transaction& tx) {
                return campaign::claim(tx, id, "robot", std::chrono::hours(1), context());
              }).ok());
  auto upkeep = start();
  pass(std::chrono::minutes(59));
  wait_for_a_look();
  EXPECT_EQ(proposal(id).state, campaign::ProposalState::active);
  pass(std::chrono::minutes(2));
  wait_until([&] { return proposal(id).state == campaign::ProposalState::requested; });
  upkeep->stop();
  EXPECT_TRUE(backups().empty()) << "0 hours: never by itself";
}

TEST_F(UpkeepTest, TheNewestBackupBeforeATimeIsRestored) {
  std::vector<std::int64_t> events;
  std::vector<Time> times;
  for (int i = 0; i < 4; ++i) {
    now_ += std::chrono::hours(1);
    ASSERT_TRUE(post(body({row("\"Li\"", i)}, "\"source\":\"" + std::to_string(i) + "\"")).ok());
    ASSERT_TRUE(back_up(*database_, upkeep_options_.backup_dir, 10, now_).ok());
    events.push_back(database_->last_event());
    times.push_back(now_);
  }
  database_.reset();
  const auto restore = [&](std::optional<Time> at) {
    now_ += std::chrono::seconds(1);
    return restore_database(upkeep_options_.backup_dir, at, options_.path, now_);
  };
  for (std::size_t i = 0; i < times.size(); ++i) {
    for (const auto later : {std::chrono::minutes(0), std::chrono::minutes(59)}) {
      const auto restored = restore(times[i] + later);
      ASSERT_TRUE(restored.ok()) << restored.error().to_string();
      EXPECT_EQ(restored->last_event, events[i]);
      open();
      EXPECT_EQ(measurements().size(), i + 1);
      database_.reset();
    }
  }
  EXPECT_EQ(restore(times[0] - std::chrono::seconds(1)).error().code, ErrorCode::not_found);
  const auto newest = restore(std::nullopt);
  ASSERT_TRUE(newest.ok());
  EXPECT_EQ(newest->last_event, events.back());
  EXPECT_EQ(newest->at, times.back());
}

}  // namespace
}  // namespace kasetsu
