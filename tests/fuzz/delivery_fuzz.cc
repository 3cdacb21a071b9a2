// Deliveries of results. The first byte chooses format and switches.
#include "daemon/base/json.h"
#include "daemon/campaign/ingest/ingest.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t how = input.byte();
  campaign::DeliveryOptions options;
  options.format = static_cast<campaign::DeliveryFormat>(how % 3);
  options.whole = (how & 4) != 0;
  options.revise = (how & 8) != 0;
  options.quarantine_unreadable = (how & 16) != 0;
  options.max_rows = 1000;
  if ((how & 32) != 0) options.conditions = {"T"};
  options.properties.resize(1);
  options.properties[0].name = std::string("yield");
  options.properties[0].unit = std::string(1, '%');
  const auto delivery =
      campaign::prepare_delivery(std::string(input.rest()), options, fuzz::supports());
  if (!delivery.ok()) {
    fuzz::expect_told(delivery.error());
    return 0;
  }
  KASETSU_ASSERT(!delivery.value().rows.empty() || !delivery.value().emptied.empty());
  KASETSU_ASSERT(delivery.value().bytes == input.rest());
  for (const campaign::PreparedRow& row : delivery.value().rows) {
    KASETSU_ASSERT(!row.pointer.empty() || !row.problem.empty());  // "": the whole document
    KASETSU_ASSERT(row.problem.empty() || parse_json(row.raw).ok());
    KASETSU_ASSERT(parse_json(row.conditions).ok());
    if (!row.problem.empty() || row.catalyst.empty()) continue;
    const auto again = campaign::prepare_row(campaign::row_to_json(row), fuzz::supports());
    KASETSU_ASSERT(again.ok() && again.value().catalyst == row.catalyst);
  }
  return 0;
}
