// Campaign files. The first byte chooses TOML or JSON.
#include "daemon/campaign/file/campaign_file.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::string_view media = input.byte() % 2 == 0 ? kToml : kJson;
  const auto config = campaign::parse_campaign(input.rest(), "campaign", media, fuzz::supports());
  if (config.ok()) {
    KASETSU_ASSERT(!config.value().targets.empty());
    KASETSU_ASSERT(config.value().text == input.rest());
  } else {
    fuzz::expect_told(config.error());
  }
  return 0;
}
