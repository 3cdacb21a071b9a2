// Workbooks (.xlsx): the cells of one sheet as texts, as a person sees them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/csv.h"
#include "core/base/result.h"

namespace kasetsu::tables {

struct ShownUnit {
  std::size_t line, column;  // CsvRecord::line, from 0
  std::size_t length;        // of the text, in bytes
};

struct Workbook {
  std::vector<CsvRecord> rows;     // all as long as the longest; `line` is the sheet's row number
  std::vector<std::string> notes;  // hidden rows, other sheets
  std::string sheet;               // that was read
  std::vector<std::string> other_sheets;
  // Cells whose number format shows a text behind the number ("673.15 K"), from top to bottom.
  std::vector<ShownUnit> units;
};

// Whether the bytes begin like a zip archive.
bool is_workbook(std::string_view bytes);

// What all parts together unpack to, as the archive says; 0: it cannot be read.
std::uint64_t unpacked_bytes(std::string_view bytes);

// sheet: a name; empty: the first sheet that is not hidden. Cells of formulas give the values that
// the program kept; dates are RFC 3339 without an offset; percent formats give "55.1 %", and what
// else a format shows stands in the cell ("<0.1"). Limits against hostile files: 64 MiB unpacked
// for each part, a ratio of 200, 1,000,000 rows, 1,000 columns, 1,500,000 cells, 256 MiB of text in
// all cells together. Errors (bad_data): no workbook, an unknown sheet (with those that there are),
// rows that do not go from top to bottom, a limit. Text that is merged over several rows of one
// column stands in each of them.
Result<Workbook> read_workbook(std::string_view bytes, std::string_view file_name,
                               std::string_view sheet);

}  // namespace kasetsu::tables
