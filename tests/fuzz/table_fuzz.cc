// Result tables and property tables. The first byte chooses how the table is read.
#include <cmath>

#include "core/base/csv.h"
#include "core/chemistry/element_table.h"
#include "drivers/tables/table.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t how = input.byte();
  tables::ReadOptions options;
  options.shape = static_cast<tables::Shape>(how % 4);
  if ((how & 4) != 0) options.targets = {"yield"};
  if ((how & 8) != 0) options.conditions = {"T"};
  if ((how & 16) != 0) options.id = "name";
  options.missing_targets = (how & 32) != 0;
  if ((how & 64) != 0) options.columns = {"M1", "M2", "Support", "yield"};
  const auto table = tables::read_table(input.rest(), "input", options, fuzz::supports());
  if (table.ok()) {
    const tables::Table& read = table.value();
    const auto rows = static_cast<Eigen::Index>(read.catalysts.size());
    KASETSU_ASSERT(read.ids.size() == read.catalysts.size());
    KASETSU_ASSERT(read.lines.size() == read.catalysts.size());
    KASETSU_ASSERT(read.targets.rows() == rows && read.conditions.rows() == rows);
    for (Eigen::Index i = 0; i < read.targets.size(); ++i) {
      const double value = read.targets.data()[i];
      KASETSU_ASSERT(std::isfinite(value) || (options.missing_targets && std::isnan(value)));
    }
    KASETSU_ASSERT(read.conditions.size() == 0 || read.conditions.allFinite());
  } else {
    fuzz::expect_told(table.error());
  }
  if (const auto elements = chemistry::ElementTable::from_csv(input.rest(), "input");
      !elements.ok()) {
    fuzz::expect_told(elements.error());
  }
  return 0;
}
