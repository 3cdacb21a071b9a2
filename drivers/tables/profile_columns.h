// Which column of a file is which column of its profile, and in which unit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/csv.h"
#include "core/base/result.h"
#include "drivers/tables/profile.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {

struct MatchedColumn {
  std::size_t at = 0;     // in the file
  std::string header;     // as the file writes it
  ProfileColumn column;   // with "*" filled in
  int element = 0;        // of ColumnUse::element
  bool formulas = false;  // of ColumnUse::slot: cells may be formulas
  Conversion conversion;
  std::string unit;       // after conversion
  std::string file_unit;  // of amounts, which are converted row by row
};

struct MatchedColumns {
  std::vector<MatchedColumn> columns;  // in the order of the file
  std::vector<std::string> unused;
  // Names of catalysts that other columns tell: what both tell must be the same.
  std::optional<std::size_t> label;
};

// units: the cells of the unit row, or empty. Errors (bad_data) name the header's line and column:
// a required column that is missing (with the nearest header), one that is there twice, a name that
// is only nearly right, a unit that is unknown, missing or of another kind.
Result<MatchedColumns> match_columns(const CsvRecord& header, const std::vector<std::string>& units,
                                     const Profile& profile, std::string_view file_name);

// How many columns of the profile the header has; to tell delimiters from one another.
std::size_t count_matches(const std::vector<std::string>& header, const Profile& profile);

}  // namespace kasetsu::tables
