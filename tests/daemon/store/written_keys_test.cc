#include "daemon/store/written_keys.h"

#include <gmock/gmock.h>

#include "core/chemistry/told_catalyst.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu::store {
namespace {

using ::testing::ElementsAre;

class WrittenKeysTest : public kasetsu::testing::StoreTest {};

// Keys of earlier versions are put into the database as they were written then.
TEST_F(WrittenKeysTest, AreThoseOfMeasurementsAndTellWhatBecomesOne) {
  open();
  apply();
  const auto post_as = [&](const std::string& key, double value) {
    campaign::PreparedDelivery delivery = *campaign::prepare_delivery(
        body({row("\"Li\"", value)}, R"("source":"rig","run":")" + key + "\""), {}, supports_);
    delivery.rows[0].catalyst = key;
    const auto receipt = write<campaign::IngestReceipt>([&](campaign::Transaction& tx) {
      return campaign::ingest(tx, "ocm", delivery, context());
    });
    ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  };
  post_as("Ni:1/sio2", 1.0);
  post_as("Ni:1/SiO2", 2.0);
  post_as("Li:1/MgO", 3.0);
  database_.reset();
  const auto written = written_keys(options_.path);
  ASSERT_TRUE(written.ok()) << written.error().to_string();
  ASSERT_EQ(written->size(), 1U);
  EXPECT_EQ(written->front().campaign, "ocm");
  EXPECT_THAT(written->front().keys, ElementsAre("Li:1/MgO", "Ni:1/SiO2", "Ni:1/sio2"));
  const auto renewed = chemistry::renew_keys(written->front().keys, supports_, {});
  EXPECT_EQ(renewed.changed.at("Ni:1/sio2"), "Ni:1/SiO2");
  EXPECT_THAT(renewed.merged.at("Ni:1/SiO2"), ElementsAre("Ni:1/SiO2", "Ni:1/sio2"));
  EXPECT_FALSE(written_keys(folder_ / "nothing.db").ok());
}

}  // namespace
}  // namespace kasetsu::store
