// What a correction reaches: the proposals that were planned on the result, and runs that came
// without proposals are batches like others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "daemon/jobs/schedule.h"
#include "tests/daemon/jobs/laboratory.h"

namespace kasetsu::jobs {
namespace {

using ::testing::HasSubstr;

std::vector<campaign::Proposal> proposals_of(Laboratory& lab) {
  std::vector<campaign::Proposal> all;
  EXPECT_TRUE(lab.database()
                  .read([&](const Reader& reader) -> Status {
                    all = reader.proposals(reader.find_campaign("test")->key, {}, {0, 100});
                    return {};
                  })
                  .ok());
  return all;
}

std::size_t models_of(const Reader& reader) {
  return reader.models(reader.find_campaign("test")->key, {0, 100}).size();
}

// Kind 29: a value of 1,500 % was learnt from, and eight proposals were planned on it.
TEST(Corrections, ReachTheProposalsThatWerePlannedOnThem) {
  Laboratory lab(2);
  lab.post(0, 20);
  campaign::DeliveryOptions options;
  options.source = "rig";
  const auto wrong = campaign::prepare_delivery(
      R"({"source":"rig","rows":[{"catalyst":{"slots":["Li","Li"],"support":"MgO"},)"
      R"("values":{"Y":1500}},{"catalyst":{"slots":["Li","Na"],"support":"MgO"},)"
      R"("values":{"Y":1400}}]})",
      options, lab.supports());
  ASSERT_TRUE(wrong.ok()) << wrong.error().to_string();
  std::vector<std::string> measurements;
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                auto receipt = campaign::ingest(tx, "test", *wrong, lab.context());
                if (!receipt) return receipt.error();
                for (const auto& row : receipt->rows)
                  measurements.push_back(row.measurements.at(0));
                return {};
              }).ok());
  lab.start_worker();
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    return models_of(reader) == 1 && Laboratory::idle(reader) &&
           !reader.proposals(reader.find_campaign("test")->key, {}, {0, 100}).empty();
  }));
  const auto before = proposals_of(lab);
  ASSERT_FALSE(before.empty());
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                for (const std::string& id : measurements) {
                  const auto done =
                      campaign::retract(tx, id, "a decimal point was lost", "", lab.context());
                  if (!done) return done.error();
                }
                const auto job = request_retraining(tx, "test", false, lab.context());
                return job ? Status() : Status(job.error());
              }).ok());
  ASSERT_TRUE(lab.wait(
      [](const Reader& reader) { return models_of(reader) >= 2 && Laboratory::idle(reader); }));
  std::size_t told = 0;
  for (const campaign::Proposal& proposal : proposals_of(lab)) {
    for (const campaign::Proposal& old : before) {
      if (old.id != proposal.id || !old.mean) continue;
      ++told;
      EXPECT_THAT(proposal.state_reason, HasSubstr("2 results that its plan had learnt from"));
      EXPECT_EQ(proposal.mean, old.mean) << "what it was issued with stays";
    }
  }
  EXPECT_GT(told, 0U);
}

// Kind 33: three catalysts in each of three imported runs, the instrument three higher each time.
TEST(Corrections, RunsWithoutProposalsAreBatchesThatBridgesTellApart) {
  std::string text(kCampaign);
  text.replace(text.find("work = 20000000"), 0, "batch_offsets = true\n");
  text.replace(text.find("when = \"every_batch\""), 20, "when = \"by_hand\"");
  Laboratory lab(2, 7, text);
  lab.start_worker();
  const std::vector<std::string> bridges = {"Li:2/MgO", "Fe:1;K:1/SiO2", "Zn:2/SiO2"};
  const std::vector<std::vector<std::string>> others = {
      {"Mn:2/MgO", "Ni:2/SiO2", "Co:1;Li:1/MgO", "K:1;Na:1/SiO2"},
      {"Fe:2/MgO", "Mg:2/SiO2", "Mn:1;Zn:1/MgO", "Ca:2/SiO2"},
      {"Na:2/MgO", "K:2/SiO2", "Ca:1;Mg:1/MgO", "Co:2/SiO2"}};
  for (std::size_t run = 0; run < others.size(); ++run) {
    std::vector<std::string> keys = bridges;
    keys.insert(keys.end(), others[run].begin(), others[run].end());
    lab.answer(keys, 3.0 * static_cast<double>(run), static_cast<int>(run) + 1);
  }
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const auto job = request_retraining(tx, "test", false, lab.context());
                return job ? Status() : Status(job.error());
              }).ok());
  ASSERT_TRUE(lab.wait(
      [](const Reader& reader) { return models_of(reader) == 1 && Laboratory::idle(reader); }));
  ASSERT_TRUE(
      lab.database()
          .read([](const Reader& reader) -> Status {
            const auto model = reader.current_model(reader.find_campaign("test")->key, "Y");
            const Json offsets = parse_json(model->summary).value().at("batch_offsets");
            std::map<std::string, double> found;
            for (const Json& batch : offsets.at("batches"))
              found[batch["batch"].get<std::string>()] = batch["offset"].get<double>();
            EXPECT_EQ(found.size(), 3U);
            EXPECT_NEAR(found["run round 2 of rig"] - found["run round 1 of rig"], 3.0, 0.4);
            EXPECT_NEAR(found["run round 3 of rig"] - found["run round 2 of rig"], 3.0, 0.4);
            return {};
          })
          .ok());
}

}  // namespace
}  // namespace kasetsu::jobs
