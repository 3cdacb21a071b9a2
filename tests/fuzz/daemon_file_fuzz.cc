// The daemon's configuration file.
#include "daemon/service/daemon_file.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = parse_daemon_config(text, "kasetsud.toml");
  if (config.ok()) {
    KASETSU_ASSERT(config.value().validate().ok());
  } else {
    fuzz::expect_told(config.error());
  }
  return 0;
}
