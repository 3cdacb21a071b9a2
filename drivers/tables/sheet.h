// A table as it lies in a file: which line is the header, how the cells are separated, how numbers
// are written. What the columns mean is the affair of columns.h and profile_columns.h.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/csv.h"
#include "core/base/result.h"
#include "drivers/tables/cells.h"
#include "drivers/tables/profile.h"

namespace kasetsu::tables {

// What an export tells of amounts of which only the ratios count, instead of a unit.
inline constexpr std::string_view kRatioOfExports = "ratio";

// What an export of the project tells of its measurements beside the columns that they become.
struct ExportedRows {
  bool are = false;
  std::vector<std::string> conditions;      // names of columns, whether a campaign varies them
  std::map<std::size_t, std::string> told;  // compositions as they were told, by line
  std::set<std::size_t> isolated_maxima;    // lines
};

struct Sheet {
  std::string encoding;
  std::string delimiter;           // "," ";" "tab" "|", or "workbook"
  CsvRecord header;                // names without spaces around them, line ends as spaces
  std::size_t header_at = 0;       // which of the lines that are not empty is the header, from 1
  std::size_t header_lines = 1;    // one or two
  std::vector<std::string> units;  // of the line below the header, or of formats of numbers
  bool unit_row = false;           // the line below the header told units
  // Units of amounts that titles above the header tell, with their lines.
  std::vector<std::pair<std::size_t, std::string>> title_units;
  std::vector<CsvRecord> rows;  // without blank ones; each as long as the header, or faulty
  NumberStyle style;
  std::vector<std::string> notes;  // what was skipped or found out, for people
  ExportedRows exported;
  std::string name;  // of a workbook's sheet
  std::vector<std::string> other_sheets;
};

struct SheetOptions {
  const Profile* profile = nullptr;    // null: everything is found out
  std::vector<std::string> columns;    // names of the columns of a file without a header
  std::string sheet;                   // of a workbook; empty: the first one
  std::string encoding;                // goes before the profile's; empty: its, or found out
  std::vector<std::string> fill_down;  // columns whose blank cells repeat the one above
  char decimal = '\0';                 // '.' or ','; 0: found out
  std::size_t max_rows = 1'000'000;
};

// Errors (bad_data) are for the whole file: its encoding, its form, no header, no rows.
Result<Sheet> read_sheet(std::string_view bytes, std::string_view file_name,
                         const SheetOptions& options);

// The measurements as `results export` and GET /v1/.../measurements write them, one value a row,
// become one row a run: a column for each property and condition. Limits of detection become
// "<5" again, and a key with active elements has the unit of its amounts behind it
// ("Ni:5/MgO [wt%]"). Rows that were retracted, excluded or superseded are left out. Does nothing
// to other tables.
void join_exported_rows(Sheet& sheet);

// A column's name without spaces, tabs and no-break spaces at both ends, line ends as spaces.
std::string trim_name(std::string_view name);

}  // namespace kasetsu::tables
