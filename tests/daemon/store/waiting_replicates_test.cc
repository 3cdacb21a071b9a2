// The writer collects which measurements are replicates, and how many a campaign has, and writes
// both when a task ends or somebody asks: no answer shows the difference, whatever fails meanwhile.
#include "daemon/store/waiting_replicates.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <algorithm>
#include <latch>
#include <memory>

#include "daemon/store/rising_numbers.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

using campaign::Measurement;
using campaign::Reader;
using campaign::Repeat;
using campaign::Transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Waiting : public testing::StoreTest {
 protected:
  static constexpr const char* kCatalysts[] = {"\"Li\"", "\"Na\"", "\"K\"", "\"Mn\",\"Na\""};
  static constexpr const char* kKeys[] = {"Li:1/MgO", "Na:1/MgO", "K:1/MgO", "Mn:1;Na:1/MgO"};
  static constexpr const char* kConditions[] = {"{}", R"({"T":1.0})"};
  static constexpr const char* kCampaigns[] = {"ocm", "other"};

  struct Row {
    std::size_t campaign, catalyst, conditions;
    double value;
    std::int64_t sequence;
  };

  // Rows of one delivery, and the delivery.
  std::vector<Row> random_rows(std::size_t campaign, std::size_t count) {
    std::vector<Row> rows;
    rows.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      rows.push_back({campaign, random_.below(4), random_.below(2),
                      static_cast<double>(random_.below(1000)) / 8.0, ++sequence_});
    }
    return rows;
  }
  campaign::PreparedDelivery delivery(const std::vector<Row>& rows) {
    std::vector<std::string> texts;
    texts.reserve(rows.size());
    for (const Row& one : rows) {
      texts.push_back(row(kCatalysts[one.catalyst], one.value,
                          fmt::format(R"("sequence":{},"conditions":{})", one.sequence,
                                      kConditions[one.conditions])));
    }
    return *campaign::prepare_delivery(body(texts, R"("source":"rig","run":"r1")"), {}, supports_);
  }

  // One random question about everything that is there.
  Status ask(const Reader& reader, Transaction* tx, const std::vector<Row>& there) {
    const std::size_t campaign = random_.below(2);
    const auto of_campaign = [&](const Row& one) { return one.campaign == campaign; };
    const auto key = static_cast<std::int64_t>(campaign) + 1;
    std::vector<Row> mine;
    std::copy_if(there.begin(), there.end(), std::back_inserter(mine), of_campaign);
    switch (random_.below(tx != nullptr ? 5 : 4)) {
      case 0: {
        campaign::Page page;
        page.limit = 1'000'000;
        std::vector<double> values;
        for (const Measurement& m : reader.measurements(key, {}, page)) values.push_back(m.value);
        std::vector<double> expected;
        expected.reserve(mine.size());
        for (const Row& one : mine) expected.push_back(one.value);
        EXPECT_EQ(values, expected);
        break;
      }
      case 1: {
        const std::size_t catalyst = random_.below(4);
        const std::size_t conditions = random_.below(2);
        std::vector<double> expected;
        for (auto one = mine.rbegin(); one != mine.rend(); ++one) {
          if (one->catalyst == catalyst && one->conditions == conditions && expected.size() < 30)
            expected.push_back(one->value);
        }
        const auto found = reader.find_catalyst(kKeys[catalyst]);
        EXPECT_EQ(found
                      ? reader.replicates(key, "C2_yield", found->key, kConditions[conditions], 30)
                      : std::vector<double>(),
                  expected);
        break;
      }
      case 2:
        EXPECT_EQ(reader.count_measurements(key), std::ssize(mine));
        break;
      case 3: {
        const std::size_t catalyst = random_.below(4);
        campaign::MeasurementFilter filter;
        filter.catalyst = kKeys[catalyst];
        campaign::Page page;
        page.limit = 7;
        if (!there.empty()) page.after = static_cast<std::int64_t>(random_.below(there.size()));
        std::vector<double> expected;
        for (std::size_t i = static_cast<std::size_t>(page.after); i < there.size(); ++i) {
          if (of_campaign(there[i]) && there[i].catalyst == catalyst && expected.size() < 7)
            expected.push_back(there[i].value);
        }
        std::vector<double> values;
        for (const Measurement& m : reader.measurements(key, filter, page)) {
          values.push_back(m.value);
        }
        EXPECT_EQ(values, expected);
        break;
      }
      default: {
        if (mine.empty()) break;
        const Row& one = mine[random_.below(mine.size())];
        const auto run = tx->find_run(key, "rig", "r1", "", one.sequence, {});
        if (!run) return Error{ErrorCode::internal, "a run is missing", {}, {}, {}};
        const auto measured = reader.measurements_of_run(run->seq);
        EXPECT_EQ(measured.size(), 1u);
        EXPECT_EQ(measured.front().value, one.value);
        EXPECT_TRUE(reader.find_measurement(measured.front().id).has_value());
      }
    }
    return {};
  }

  Random random_{77};
  std::int64_t sequence_ = 0;
};

TEST_F(Waiting, NoAnswerTellsThatResultsWait) {
  open();
  apply();
  apply(draft("other"));
  std::vector<Row> there;
  std::size_t failed = 0, in_one_group = 0;
  for (int round = 0; round < 150; ++round) {
    // The writer is held until all tasks of the round wait, so that they share one commit.
    std::latch gate(1);
    std::latch begun(1);
    database_->write(
        [&](Transaction&) -> Status {
          begun.count_down();
          gate.wait();
          return {};
        },
        [](const Status&) {}, Repeat::allowed);
    begun.wait();
    const std::size_t tasks = 1 + random_.below(6);
    std::latch finished(static_cast<std::ptrdiff_t>(tasks));
    // A task may run twice: what is there before it is known when all tasks are.
    struct Task {
      std::vector<Row> rows;
      campaign::PreparedDelivery delivery;
      bool fails = false;
      std::vector<Row> before;
    };
    std::vector<std::unique_ptr<Task>> all;
    const std::vector<Row> at_first = there;
    for (std::size_t t = 0; t < tasks; ++t) {
      auto task = std::make_unique<Task>();
      task->fails = random_.below(12) == 0;
      task->rows = random_rows(random_.below(2), 1 + random_.below(40));
      task->delivery = delivery(task->rows);
      task->before = there;
      if (!task->fails) there.insert(there.end(), task->rows.begin(), task->rows.end());
      failed += task->fails ? 1 : 0;
      all.push_back(std::move(task));
    }
    in_one_group = std::max(in_one_group, tasks);
    for (const auto& task : all) {
      database_->write(
          [&, task = task.get()](Transaction& tx) -> Status {
            if (const Status asked = ask(tx, &tx, task->before); !asked) return asked;
            const auto receipt = campaign::ingest(tx, kCampaigns[task->rows.front().campaign],
                                                  task->delivery, context());
            if (!receipt) return receipt.error();
            std::vector<Row> after = task->before;
            after.insert(after.end(), task->rows.begin(), task->rows.end());
            if (const Status asked = ask(tx, &tx, after); !asked) return asked;
            if (task->fails) return Error{ErrorCode::conflict, "no", {}, {}, {}};
            return {};
          },
          [&, task = task.get()](const Status& status) {
            EXPECT_EQ(status.ok(), !task->fails);
            finished.count_down();
          },
          random_.below(10) == 0 ? Repeat::never : Repeat::allowed);
    }
    gate.count_down();
    finished.wait();
    ASSERT_TRUE(
        read<Status>([&](const Reader& reader) { return ask(reader, nullptr, there); }).ok());
    if (round % 40 == 39) reopen();
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
  EXPECT_GT(failed, 10u);
  EXPECT_EQ(in_one_group, 6u);
  const auto report = database_->check();
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->problems, IsEmpty());
  // They did wait.
  store::Connection connection(options_.path, store::Access::read, {}, false);
  EXPECT_LT(connection.integer("SELECT count(*) FROM replicates"), std::ssize(there) / 2);
}

// More measurements than a transaction keeps waiting.
TEST_F(Waiting, MoreThanFitIsWrittenMeanwhile) {
  open();
  apply();
  constexpr int kRows = 70'000;
  std::string table = "M1,M2,Support,C2_yield,CO2_yield\n";
  for (int i = 0; i < kRows; ++i) {
    table += fmt::format("{},{},MgO,{},{}\n", i % 2 == 0 ? "Li" : "Na", i % 3 == 0 ? "K" : "Mn",
                         i % 90, i % 70);
  }
  campaign::DeliveryOptions options;
  options.format = campaign::DeliveryFormat::csv;
  options.properties = draft().properties;
  options.source = "rig";
  const auto receipt = post(table, options);
  ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  EXPECT_EQ(receipt->new_measurements, 2 * kRows);
  EXPECT_EQ(measurements().size(), 2u * kRows);
  const auto report = database_->check();
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->problems, IsEmpty());
  store::Connection connection(options_.path, store::Access::read, {}, false);
  EXPECT_EQ(connection.integer("SELECT measurements FROM campaigns"), 2 * kRows);
}

TEST(RisingNumbers, ComeBackAsTheyWere) {
  Random random(5);
  std::vector<std::int64_t> numbers = {1, 2, 129, 130, 16'513, 1LL << 40, (1LL << 62) + 5};
  std::string bytes;
  std::int64_t before = 0;
  for (const std::int64_t number : numbers) {
    store::append_rising(bytes, before, number);
    before = number;
  }
  EXPECT_EQ(store::all_rising(bytes), numbers);
  EXPECT_THAT(store::all_rising(""), IsEmpty());
  // Cut short, the whole ones come; a difference that has no end is the list's end.
  EXPECT_EQ(store::all_rising(std::string_view(bytes).substr(0, bytes.size() - 1)),
            std::vector<std::int64_t>(numbers.begin(), numbers.end() - 1));
  EXPECT_THAT(store::all_rising(std::string(12, '\xFF')), IsEmpty());
}

TEST_F(Waiting, MembersAreATableInSql) {
  open();
  store::Connection connection(options_.path, store::Access::read, {}, false);
  store::Statement members(connection.handle(),
                           "SELECT measurement FROM members(7, x'010280' || x'01') "
                           "WHERE measurement <> 8 ORDER BY measurement DESC");
  members.bind();
  std::vector<std::int64_t> found;
  while (members.step()) found.push_back(members.integer(0));
  EXPECT_THAT(found, ElementsAre(138, 10, 7));
  EXPECT_EQ(connection.integer("SELECT count(*) FROM members(7, x'')"), 1);
  EXPECT_EQ(connection.integer("SELECT count(*) FROM members(7, NULL)"), 1);
  EXPECT_THROW(connection.integer("SELECT count(*) FROM members(7)"), store::StorageError);
  EXPECT_THROW(connection.integer("SELECT count(*) FROM members"), store::StorageError);
}

}  // namespace
}  // namespace kasetsu
