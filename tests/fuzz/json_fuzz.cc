// JSON from outside: what is read is written and read again to the same, however deep.
#include "daemon/base/json.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = parse_json(text);
  if (!value.ok()) {
    fuzz::expect_told(value.error());
    return 0;
  }
  const auto again = parse_json(dump_json(value.value()));
  KASETSU_ASSERT(again.ok() && again.value() == value.value());
  return 0;
}
