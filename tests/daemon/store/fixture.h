// A database in a folder of its own, a clock that stands still until it is moved, and identifiers
// from a seed.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/planning/leases.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kasetsu-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline constexpr std::string_view kSupports =
    "support_name,formula,source\nMgO,MgO,formula\nSiO2,SiO2,formula\nZSM-5,SiO2,zeolite\n";

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() : ids_([this] { return random_.next(); }) {
    options_.path = folder_ / "kasetsu.db";
    options_.clock = [this] { return now_; };
    options_.index_batch = 6;  // begun, written and begun anew many times in every history
    auto supports = chemistry::SupportTable::from_csv(kSupports, "supports.csv");
    EXPECT_TRUE(supports.ok());
    supports_ = std::move(supports).value();
  }

  void open() {
    auto opened = store::SqliteDatabase::open(options_);
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    database_ = std::move(opened).value();
  }
  void reopen() {
    database_.reset();
    open();
  }

  campaign::Context context(std::string actor = "tester") {
    return campaign::Context{now_, &ids_, std::move(actor)};
  }

  // Runs a use case in a transaction and waits for its commit.
  template <typename T>
  Result<T> write(const std::function<Result<T>(campaign::Transaction&)>& task) {
    return campaign::write_and_wait<T>(*database_, task);
  }
  template <typename T>
  T read(const std::function<T(const campaign::Reader&)>& task) {
    auto result = campaign::read_value<T>(
        *database_, [&](const campaign::Reader& reader) -> Result<T> { return task(reader); });
    EXPECT_TRUE(result.ok()) << result.error().to_string();
    return std::move(result).value();
  }

  static campaign::CampaignDraft draft(std::string name = "ocm",
                                       std::string text = "format = 1\n") {
    campaign::CampaignDraft draft;
    draft.name = std::move(name);
    draft.owner = "lab";
    draft.text = std::move(text);
    draft.media_type = "application/toml";
    draft.properties = {{"C2_yield", "%", true, 0.0, 100.0}, {"CO2_yield", "%", false, {}, {}}};
    return draft;
  }
  campaign::Campaign apply(const campaign::CampaignDraft& draft = StoreTest::draft()) {
    auto applied = write<campaign::Applied>(
        [&](campaign::Transaction& tx) { return campaign::apply_campaign(tx, draft, context()); });
    EXPECT_TRUE(applied.ok()) << applied.error().to_string();
    return applied.ok() ? applied->campaign : campaign::Campaign{};
  }

  // Posts a delivery as the API does: prepare on this thread, commit on the writer's.
  Result<campaign::IngestReceipt> post(const std::string& body,
                                       campaign::DeliveryOptions options = {},
                                       const std::string& name = "ocm",
                                       const std::string& actor = "robot") {
    auto prepared = campaign::prepare_delivery(body, std::move(options), supports_);
    if (!prepared) return prepared.error();
    std::promise<Status> done;
    std::optional<campaign::IngestReceipt> receipt;
    database_->write(
        [&](campaign::Transaction& tx) -> Status {
          auto taken = campaign::ingest(tx, name, *prepared, context(actor));
          if (!taken) return taken.error();
          receipt = std::move(*taken);
          return {};
        },
        [&](Status status) { done.set_value(std::move(status)); }, campaign::Repeat::allowed);
    const Status status = done.get_future().get();
    if (!status) return status.error();
    return std::move(*receipt);
  }
  static std::string row(const std::string& slots, double yield, const std::string& more = {}) {
    return R"({"catalyst":{"slots":[)" + slots + R"(],"support":"MgO"},"values":{"C2_yield":)" +
           std::to_string(yield) + "}" + (more.empty() ? "" : "," + more) + "}";
  }
  static std::string body(const std::vector<std::string>& rows, const std::string& more = {}) {
    std::string text = "{" + more + (more.empty() ? "" : ",") + "\"rows\":[";
    for (std::size_t i = 0; i < rows.size(); ++i) text += (i ? "," : "") + rows[i];
    return text + "]}";
  }

  campaign::IssuedBatch issue(const std::vector<std::string>& catalysts,
                              const std::string& strategy = "explore") {
    campaign::PlannedBatch planned;
    for (const std::string& catalyst : catalysts) {
      campaign::PlannedProposal proposal;
      proposal.strategy = strategy;
      proposal.catalyst = catalyst;
      planned.proposals.push_back(proposal);
    }
    auto issued = write<campaign::IssuedBatch>([&](campaign::Transaction& tx) {
      return campaign::issue_batch(tx, "ocm", planned, context("planner"));
    });
    EXPECT_TRUE(issued.ok()) << issued.error().to_string();
    return issued.ok() ? *issued : campaign::IssuedBatch{};
  }
  campaign::Proposal proposal(const std::string& id) {
    return *read<std::optional<campaign::Proposal>>(
        [&](const campaign::Reader& reader) { return reader.find_proposal(id); });
  }
  std::vector<campaign::Measurement> measurements(bool live_only = false) {
    return read<std::vector<campaign::Measurement>>([&](const campaign::Reader& reader) {
      campaign::MeasurementFilter filter;
      filter.live_only = live_only;
      campaign::Page page;
      page.limit = 1'000'000;
      return reader.measurements(1, filter, page);
    });
  }

  TemporaryFolder folder_;
  Random random_{7};
  Time now_ = from_micros(1'772'000'000'000'000);
  UlidSource ids_;
  store::StoreOptions options_;
  chemistry::SupportTable supports_;
  std::unique_ptr<store::SqliteDatabase> database_;
};

}  // namespace kasetsu::testing
