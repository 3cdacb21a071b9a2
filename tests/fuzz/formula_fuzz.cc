// Formulas, catalyst names and canonical keys: what is read is written and read again to the same,
// and formulas are read as by an independent reader, or refused.
#include <cmath>

#include "core/chemistry/composition.h"
#include "core/chemistry/names.h"
#include "core/chemistry/told_catalyst.h"
#include "tests/fuzz/formula_reader.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

namespace {

// A dot before water is the dot of a hydrate, which the plain reader does not know.
bool may_be_hydrate(std::string_view text) {
  return text.find('.') != std::string_view::npos && text.find("H2O") != std::string_view::npos;
}

void compare_with_plain_reader(std::string_view text) {
  const auto plain = testing::PlainFormulaReader::read(text);
  if (!plain || may_be_hydrate(text)) return;
  const auto formula = chemistry::read_formula(text);
  if (!formula.ok()) return;
  std::size_t present = 0;
  for (const auto& [element, amount] : *plain) {
    present += amount > 0.0 ? 1 : 0;
    const double ours = formula->composition.amount(element);
    KASETSU_ASSERT(std::abs(ours - amount) <= 1e-12 * amount);
  }
  KASETSU_ASSERT(present == formula->composition.parts().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  compare_with_plain_reader(text);
  const std::string folded = chemistry::fold_name(text);
  KASETSU_ASSERT(chemistry::fold_name(folded) == folded);
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
