// Reads the real tables for these tests: loading columns, slots, and the oracles' matrices.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/element.h"
#include "core/chemistry/element_table.h"
#include "tests/shared_data.h"

namespace kasetsu::testing {

inline std::vector<CsvRecord> shared_csv(const std::string& path) {
  return read_csv(read_file(shared_data(path)), path).value();
}

inline chemistry::ElementTable shared_elements(const std::string& name) {
  return chemistry::ElementTable::from_csv(read_file(shared_data("elements/" + name)), name)
      .value();
}

inline double cell_number(const std::string& cell) {
  if (cell == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (cell == "inf") return std::numeric_limits<double>::infinity();
  return parse_number(cell).value();
}

// One column an element; the first column is a name, the last the target.
inline std::vector<chemistry::Catalyst> loading_table(const std::string& path) {
  const std::vector<CsvRecord> records = shared_csv(path);
  std::vector<chemistry::Catalyst> catalysts;
  for (std::size_t i = 1; i < records.size(); ++i) {
    chemistry::Catalyst catalyst;
    for (std::size_t j = 1; j + 1 < records[0].fields.size(); ++j) {
      catalyst.active.add(chemistry::atomic_number(records[0].fields[j]).value(),
                          cell_number(records[i].fields[j]));
    }
    catalysts.push_back(catalyst);
  }
  return catalysts;
}

// No,M1,M2,M3,Support,...
inline std::vector<chemistry::Catalyst> slot_table(const std::string& path) {
  const std::vector<CsvRecord> records = shared_csv(path);
  std::vector<chemistry::Catalyst> catalysts;
  for (std::size_t i = 1; i < records.size(); ++i) {
    const std::vector<std::string>& fields = records[i].fields;
    chemistry::Catalyst catalyst;
    for (std::size_t j = 1; j <= 3; ++j) {
      if (fields[j] == "none") continue;
      catalyst.active.add(chemistry::atomic_number(fields[j]).value(), 1.0);
    }
    catalyst.support = fields[4];
    catalyst.support_formula = chemistry::SupportTable().formula(fields[4]).value();
    catalysts.push_back(catalyst);
  }
  return catalysts;
}

}  // namespace kasetsu::testing
