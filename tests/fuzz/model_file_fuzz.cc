// Model documents: what is read is written, and that is read again and written to the same bytes.
#include "daemon/campaign/learning/model_document.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto model = campaign::read_model(text);
  if (!model.ok()) {
    fuzz::expect_told(model.error());
    return 0;
  }
  const std::string written = campaign::write_model(model.value());
  const auto again = campaign::read_model(written);
  KASETSU_ASSERT(again.ok() && campaign::write_model(again.value()) == written);
  return 0;
}
