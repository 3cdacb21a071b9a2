#include "daemon/store/late_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>

#include "tests/daemon/store/fixture.h"

namespace kasetsu::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A small table of numbered rows with the index beside it.
constexpr LateIndexTable kTable = {"SELECT upto FROM upto",
                                   "SELECT number, row FROM things WHERE row > ?1 ORDER BY row",
                                   "SELECT row FROM numbers WHERE number = ?1",
                                   "SELECT 1 FROM numbers WHERE number BETWEEN ?1 AND ?2 LIMIT 1",
                                   "INSERT OR IGNORE INTO numbers (number, row) VALUES (?1, ?2)",
                                   "UPDATE upto SET upto = ?1"};

class LateIndexes : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = folder_ / "late.db";
    connection_ = std::make_unique<Connection>(path_, Access::write, "", true);
    connection_->turn_on_wal();
    connection_->execute(
        "CREATE TABLE things (row INTEGER PRIMARY KEY, number INTEGER);"
        "CREATE TABLE numbers (number INTEGER, row INTEGER, PRIMARY KEY (number, row)) WITHOUT "
        "ROWID;"
        "CREATE TABLE upto (upto INTEGER); INSERT INTO upto VALUES (0)");
    index_ = std::make_unique<LateIndex>(*connection_, kTable, kBatch);
  }
  void reopen() {
    index_.reset();
    connection_ = std::make_unique<Connection>(path_, Access::write, "", false);
    index_ = std::make_unique<LateIndex>(*connection_, kTable, kBatch);
  }
  void begin() { connection_->execute("BEGIN IMMEDIATE"); }
  void commit() {
    index_->write_some();
    connection_->execute("COMMIT");
    index_->committed();
  }
  void add(std::int64_t row, std::optional<std::int64_t> number) {
    connection_->prepare("INSERT INTO things VALUES (?1, ?2)").bind(row, number).run();
    index_->add(row, number);
  }
  std::int64_t count(const char* sql) { return connection_->integer(sql); }

  static constexpr std::size_t kBatch = 50;
  kasetsu::testing::TemporaryFolder folder_;
  std::string path_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<LateIndex> index_;
};

TEST_F(LateIndexes, TheNewestComesFirst) {
  begin();
  EXPECT_THAT(index_->find(7), IsEmpty());
  add(1, 7);
  add(2, 8);
  add(3, 7);
  EXPECT_THAT(index_->find(7), ElementsAre(3, 1));
  commit();
  EXPECT_THAT(index_->find(7), ElementsAre(3, 1));
  EXPECT_THAT(index_->find(8), ElementsAre(2));
  EXPECT_EQ(count("SELECT count(*) FROM numbers"), 0);
  reopen();
  EXPECT_THAT(index_->find(7), ElementsAre(3, 1));
}

TEST_F(LateIndexes, UpperHalvesAreFound) {
  const std::int64_t half = std::int64_t{-5} << 32;
  begin();
  EXPECT_FALSE(index_->any_like(half));
  add(1, half | 12345);
  EXPECT_TRUE(index_->any_like(half | 99));
  EXPECT_FALSE(index_->any_like(half + (std::int64_t{1} << 32)));
  EXPECT_FALSE(index_->any_like(half - 1));
  for (std::int64_t row = 2; row < 4 * static_cast<std::int64_t>(kBatch); ++row) add(row, {});
  commit();
  for (std::int64_t row = 1000; row < 1200; ++row) {
    begin();
    add(row, row);
    commit();
  }
  EXPECT_GT(count("SELECT count(*) FROM numbers"), 0);
  EXPECT_TRUE(index_->any_like(half | 99));
  EXPECT_FALSE(index_->any_like(half - 1));
}

// Rows without a number do not keep the next opening busy.
TEST_F(LateIndexes, RowsThatAreNotLookedForLeaveNothingBehind) {
  begin();
  add(100'000, {});
  commit();
  begin();
  add(100'001, {});
  commit();
  EXPECT_EQ(count("SELECT upto FROM upto"), 100'000);
  EXPECT_EQ(count("SELECT count(*) FROM numbers"), 0);
}

// Against a plain list: random additions, savepoints and transactions undone, openings anew; at any
// time what is found is what is there, and what the table says to be complete is.
TEST_F(LateIndexes, FindsWhatIsThereWhateverHappens) {
  std::mt19937_64 random(20261122);
  const auto chance = [&](int percent) { return random() % 100 < static_cast<unsigned>(percent); };
  std::multimap<std::int64_t, std::int64_t> committed, now;
  std::int64_t row = 0, newest_committed = 0;
  std::size_t written = 0, reopened = 0, undone = 0;
  const auto check = [&](std::int64_t number) {
    std::vector<std::int64_t> expected;
    const auto [first, last] = now.equal_range(number);
    for (auto known = first; known != last; ++known) expected.push_back(known->second);
    std::sort(expected.rbegin(), expected.rend());
    ASSERT_EQ(index_->find(number), expected);
    const std::int64_t half = number >> 32;
    ASSERT_EQ(index_->any_like(number), std::any_of(now.begin(), now.end(), [&](const auto& entry) {
                return entry.first >> 32 == half;
              }));
  };
  const auto number = [&] {
    return static_cast<std::int64_t>((random() % 6 - 3) << 32 | random() % 40);
  };
  for (int round = 0; round < 600; ++round) {
    begin();
    const int tasks = 1 + static_cast<int>(random() % 5);
    for (int task = 0; task < tasks; ++task) {
      connection_->execute("SAVEPOINT task");
      const auto before = now;
      const std::int64_t row_before = row;
      const int rows = static_cast<int>(random() % 6);
      for (int i = 0; i < rows; ++i) {
        row += 1 + static_cast<std::int64_t>(random() % 3);
        if (chance(80)) {
          const std::int64_t of_row = number();
          add(row, of_row);
          now.emplace(of_row, row);
        } else {
          add(row, {});
        }
        if (chance(20)) check(number());
      }
      if (chance(15)) {
        connection_->execute("ROLLBACK TO task");
        index_->forget();
        now = before;
        row = row_before;
        ++undone;
      }
      connection_->execute("RELEASE task");
      if (chance(30)) check(number());
    }
    if (chance(15)) {
      if (chance(50)) index_->write_some();
      connection_->execute("ROLLBACK");
      index_->forget();
      now = committed;
      row = newest_committed;
      ++undone;
    } else {
      commit();
      committed = now;
      newest_committed = row;
    }
    if (chance(3)) {
      reopen();
      ++reopened;
    }
    check(number());
    const std::int64_t missing = count(
        "SELECT count(*) FROM things t WHERE number IS NOT NULL AND row <= (SELECT upto FROM upto) "
        "AND NOT EXISTS (SELECT 1 FROM numbers n WHERE n.number = t.number AND n.row = t.row)");
    ASSERT_EQ(missing, 0);
    const std::int64_t invented = count(
        "SELECT count(*) FROM numbers n WHERE NOT EXISTS (SELECT 1 FROM things t WHERE t.number = "
        "n.number AND t.row = n.row)");
    ASSERT_EQ(invented, 0);
    written = static_cast<std::size_t>(count("SELECT upto FROM upto"));
  }
  // The case is what it says it is.
  EXPECT_GT(written, 10 * kBatch);
  EXPECT_GT(reopened, 5u);
  EXPECT_GT(undone, 100u);
}

TEST(LateIndexNumbers, RunsOfOneNameShareTheUpperHalf) {
  const auto upper = [](std::int64_t number) { return number >> 32; };
  const std::int64_t one = run_number(1, "rig", "r1", "c", 7, {}).value();
  EXPECT_EQ(upper(one), upper(run_number(1, "rig", "r1", "d", {}, 2).value()));
  EXPECT_EQ(upper(one), upper(lowest_run_number(1, "rig", "r1")));
  EXPECT_NE(upper(one), upper(lowest_run_number(2, "rig", "r1")));
  EXPECT_NE(upper(one), upper(lowest_run_number(1, "rig", "r2")));
  EXPECT_NE(lowest_run_number(1, "ab", "c"), lowest_run_number(1, "a", "bc"));
  EXPECT_EQ(run_number(1, "rig", "r1", "c", 8, {}), one + 1);
  EXPECT_NE(run_number(1, "rig", "r1", "d", 7, {}), one);
  EXPECT_NE(run_number(1, "rig", "r1", "c", 7, 1), one);
  EXPECT_FALSE(run_number(1, "rig", "", "c", 7, {}));
  EXPECT_FALSE(run_number(1, "rig", "r1", "", {}, 1));
}

// They stand in files: worked out in another language from what the header says.
TEST(LateIndexNumbers, NeverChange) {
  EXPECT_EQ(run_number(1, "rig", "r1", "c", 7, {}), -6297869646192181241);
  EXPECT_EQ(run_number(2, "rig-2", "r", "a", {}, 3), 4098480398025910402);
  EXPECT_EQ(run_number(9, "", "x", "", (1 << 21) + 5, {}), 6755055949202849797);
  EXPECT_EQ(conditions_hash("{}"), 0);
  EXPECT_EQ(conditions_hash(R"({"T":900})"), -4568522418733916718);
}

}  // namespace
}  // namespace kasetsu::store
