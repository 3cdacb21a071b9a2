// A laboratory on a real database with a clock that a test turns, for the tests of jobs.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/random.h"
#include "core/chemistry/element.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/planning/leases.h"
#include "daemon/jobs/worker.h"
#include "daemon/store/sqlite_database.h"
#include "tests/shared_data.h"

namespace kasetsu::jobs {

using campaign::Reader;
using campaign::Transaction;

inline constexpr std::string_view kCampaign = R"(format = 1
name = "test"

[[targets]]
name = "Y"
unit = "%"
goal = "maximize"

[[space]]
kind = "slots"
slots = 2
none = true
repetition = true
elements = ["Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co", "Ni", "Zn"]
supports = ["MgO", "SiO2"]

[model]
size = 2
order = 0
hypotheses = 4
work = 20000000

[planner]
batch = 6

[planner.mix]
exploit = 3
explore = 3

[retrain]
when = "every_batch"
)";

class Laboratory {
 public:
  // text: of the campaign "test".
  explicit Laboratory(unsigned threads, std::uint64_t seed = 7, std::string_view text = kCampaign)
      : random_(seed), ids_([this] { return random_.next(); }) {
    folder_ =
        std::filesystem::temp_directory_path() /
        fmt::format("kasetsu-worker-{}-{}", ::getpid(), reinterpret_cast<std::uintptr_t>(this));
    std::filesystem::create_directories(folder_);
    auto elements = chemistry::ElementTable::from_csv(
        testing::read_file(testing::source_file("config/elements/general.csv")), "general.csv");
    EXPECT_TRUE(elements.ok());
    auto supports = chemistry::SupportTable::from_csv(
        testing::read_file(testing::source_file("config/elements/supports.csv")), "supports.csv");
    EXPECT_TRUE(supports.ok());
    science_ = {std::move(*elements), std::move(*supports)};
    open();
    apply(text);
    threads_ = threads;
  }
  ~Laboratory() {
    // The database outlives the worker's threads, and the worker the database's last commit.
    if (worker_) worker_->stop();
    database_.reset();
    worker_.reset();
    std::filesystem::remove_all(folder_);
  }

  // A campaign of a text, or its next version.
  void apply(std::string_view text) {
    const auto config = campaign::parse_campaign(text, "test.toml", kToml, science_.supports);
    ASSERT_TRUE(config.ok()) << config.error().to_string();
    second_ = config->targets.size() > 1;
    const Status applied = campaign::write_and_wait(*database_, [&](Transaction& tx) -> Status {
      const auto done =
          campaign::apply_campaign(tx, campaign::draft_of(*config, science_.supports), context());
      return done ? Status() : Status(done.error());
    });
    ASSERT_TRUE(applied.ok()) << applied.error().to_string();
  }

  void open() {
    store::StoreOptions options;
    options.path = (folder_ / "kasetsu.db").string();
    auto database = store::SqliteDatabase::open(options);
    ASSERT_TRUE(database.ok()) << database.error().to_string();
    database_ = std::move(*database);
  }

  const chemistry::SupportTable& supports() const { return science_.supports; }

  // The worker without its threads: nothing happens by itself.
  Worker& make_worker() {
    worker_ = std::make_unique<Worker>(
        *database_, science_, [this] { return now_; }, ids_, WorkerOptions{threads_, "test", {}});
    return *worker_;
  }

  void start_worker() {
    make_worker();
    database_->on_commit([this](std::int64_t last) { worker_->wake(last); });
    ASSERT_TRUE(worker_->start().ok());
  }

  // Posts rows of a truth that is a formula over the elements: Y = 5 electronegativity-like ranks +
  // support.
  void post(int first, int count, const std::string& campaign = "test") {
    static const char* kElements[] = {"Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co", "Ni", "Zn"};
    Json rows = Json::array();
    for (int i = first; i < first + count; ++i) {
      const int a = i % 10;
      const int b = (i * 7 + 3) % 10;
      const bool silica = i % 2 == 1;
      const double value = 3.0 + 0.8 * a + 0.5 * b + (silica ? 2.0 : 0.0) + 0.1 * std::sin(i);
      rows.push_back(
          {{"catalyst",
            {{"slots", {kElements[a], kElements[b]}}, {"support", silica ? "SiO2" : "MgO"}}},
           {"channel", fmt::format("{}", i)},
           {"sequence", i},
           {"values", {{"Y", value}}}});
      // A second target, where the campaign has it, at odds with the first; not of every row.
      if (second_ && i % 4 != 0) rows.back()["values"]["Z"] = 20.0 - value + 0.3 * b;
    }
    campaign::DeliveryOptions options;
    options.source = "rig";
    options.run = "r";
    const auto prepared = campaign::prepare_delivery(
        Json{{"source", "rig"}, {"run", "r"}, {"rows", rows}}.dump(), options, science_.supports);
    ASSERT_TRUE(prepared.ok()) << prepared.error().to_string();
    const Status done = campaign::write_and_wait(*database_, [&](Transaction& tx) -> Status {
      const auto receipt = campaign::ingest(tx, campaign, *prepared, context());
      if (!receipt) return receipt.error();
      EXPECT_GE(receipt->new_measurements, count);
      return {};
    });
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }

  // Measures every open proposal, and beside them the catalysts of `references` (keys): the truth
  // is linear in the atomic numbers; `drift` and a little noise are added to all values.
  void answer(const std::vector<std::string>& references, double drift, int round) {
    Json rows = Json::array();
    const auto add = [&](const std::string& key, const std::string& proposal) {
      const auto catalyst = chemistry::parse_key(key, science_.supports).value();
      Json amounts = Json::object();
      double value = drift + 0.1 * std::sin(37.0 * static_cast<double>(rows.size()) + round);
      for (const auto& part : catalyst.active.parts()) {
        amounts[std::string(chemistry::element_symbol(part.element))] = part.amount;
        value += 0.2 * part.element * part.amount;
      }
      Json row = {{"catalyst", {{"amounts", amounts}, {"support", catalyst.support}}},
                  {"channel", fmt::format("{}", rows.size())},
                  {"sequence", 1000 * round + static_cast<int>(rows.size())},
                  {"values", {{"Y", value}}}};
      if (!proposal.empty()) row["proposal"] = proposal;
      rows.push_back(std::move(row));
    };
    ASSERT_TRUE(database_
                    ->read([&](const Reader& reader) -> Status {
                      const auto found = reader.find_campaign("test");
                      campaign::ProposalFilter open;
                      open.state = campaign::ProposalState::requested;
                      for (const auto& proposal : reader.proposals(found->key, open, {0, 100}))
                        add(proposal.catalyst, proposal.id);
                      return {};
                    })
                    .ok());
    for (const std::string& key : references) add(key, "");
    campaign::DeliveryOptions options;
    options.source = "rig";
    options.run = fmt::format("round {}", round);
    const auto prepared = campaign::prepare_delivery(
        Json{{"source", "rig"}, {"run", options.run}, {"rows", rows}}.dump(), options,
        science_.supports);
    ASSERT_TRUE(prepared.ok()) << prepared.error().to_string();
    const Status done = campaign::write_and_wait(*database_, [&](Transaction& tx) -> Status {
      const auto receipt = campaign::ingest(tx, "test", *prepared, context());
      return receipt ? Status() : Status(receipt.error());
    });
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }

  template <typename Condition>
  bool wait(Condition condition) {
    for (int i = 0; i < 3000; ++i) {
      bool met = false;
      EXPECT_TRUE(database_
                      ->read([&](const Reader& reader) -> Status {
                        met = condition(reader);
                        return {};
                      })
                      .ok());
      if (met) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  static bool idle(const Reader& reader) {
    return reader.jobs(std::nullopt, campaign::JobState::scheduled, {0, 10}).empty() &&
           reader.jobs(std::nullopt, campaign::JobState::running, {0, 10}).empty();
  }

  campaign::Context context() { return {now_, &ids_, "test"}; }
  campaign::Database& database() { return *database_; }
  void close() { database_.reset(); }
  void stop() {
    worker_->stop();
    database_.reset();
    worker_.reset();
  }
  void set_now(Time now) { now_ = now; }
  Time now() const { return now_; }
  UlidSource& ids() { return ids_; }
  const campaign::Science& science() const { return science_; }

 private:
  std::filesystem::path folder_;
  Random random_;
  UlidSource ids_;
  Time now_ = from_micros(1'750'000'000'000'000);
  campaign::Science science_;
  std::unique_ptr<store::SqliteDatabase> database_;
  std::unique_ptr<Worker> worker_;
  unsigned threads_ = 1;
  bool second_ = false;
};

}  // namespace kasetsu::jobs
