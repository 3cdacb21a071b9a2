// Formulas, catalyst names and canonical keys: what is read is written and read again to the same.
#include "core/chemistry/composition.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto formula = chemistry::parse_formula(text); formula.ok()) {
    const auto again = chemistry::parse_formula(chemistry::to_formula(formula.value()));
    KASETSU_ASSERT(again.ok() && again.value() == formula.value());
  } else {
    fuzz::expect_told(formula.error());
  }
  for (const auto& read : {chemistry::parse_catalyst_name(text, fuzz::supports()),
                           chemistry::parse_key(text, fuzz::supports())}) {
    if (!read.ok()) {
      fuzz::expect_told(read.error());
      continue;
    }
    const std::string key = chemistry::canonical_key(read.value());
    const auto again = chemistry::parse_key(key, fuzz::supports());
    KASETSU_ASSERT(again.ok() && chemistry::canonical_key(again.value()) == key);
    KASETSU_ASSERT(!chemistry::describe(read.value()).empty());
  }
  return 0;
}
