// Descriptor names: what is read is written and read again to the same.
#include <vector>

#include "core/descriptors/descriptor.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;
using descriptors::Block;
using descriptors::Operation;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<descriptors::Primary> primaries = {
      {"en_pauling_avg", "en_pauling", Block::active, Operation::average},
      {"en_pauling_max", "en_pauling", Block::active, Operation::maximum},
      {"density_prod", "density", Block::active, Operation::product},
      {"support.density_own_var", "density", Block::support, Operation::own_variance},
      {"support_cation.density", "density", Block::support_cation, Operation::value},
      {"condition.T/K (oven)", "T/K (oven)", Block::condition, Operation::value}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto descriptor = descriptors::parse_descriptor(text, primaries);
  if (!descriptor.ok()) {
    fuzz::expect_told(descriptor.error());
    return 0;
  }
  const std::string name = descriptors::to_text(descriptor.value(), primaries);
  const auto again = descriptors::parse_descriptor(name, primaries);
  KASETSU_ASSERT(again.ok() && again.value() == descriptor.value());
  KASETSU_ASSERT(!descriptors::describe(descriptor.value(), primaries).empty());
  return 0;
}
