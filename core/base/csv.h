// Comma-separated values as RFC 4180 has them, strictly: one tokenizer for element tables, support
// tables and result tables.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kasetsu {

struct CsvOptions {
  char delimiter = ',';
  std::size_t max_bytes = 64U << 20;       // of the whole text: a table is read into memory
  std::size_t max_records = 1'000'000;     // far above any table of catalysts
  std::size_t max_fields = 10'000;         // in one record
  std::size_t max_field_bytes = 1U << 16;  // in one cell: more is an unclosed quote, not a value
  // Returns one sentence naming field, value and bound.
  Status validate() const;
};

struct CsvRecord {
  std::size_t line;                 // physical line on which the record begins, from 1
  std::vector<std::string> fields;  // quotes taken off; at least one
};

// The records of a text, the header among them. A UTF-8 byte order mark is skipped; lines end with
// LF or CRLF, the last one also with the end of the text; quoted cells may hold delimiters, doubled
// quotes and line ends. Lines without a single character are skipped. Cells are bytes as they stand
// (no trimming, no change of encoding).
// Errors (bad_data, `where` "file:line"): a quote inside an unquoted cell, text after a closing
// quote, a quote that is never closed, a carriage return that ends no line, a NUL byte (with a hint
// when the text looks like UTF-16), and the limits above.
Result<std::vector<CsvRecord>> read_csv(std::string_view text, std::string_view file_name,
                                        const CsvOptions& options = {});

// A table of the project's own kind: rows that begin with "#" before the data are comments, then a
// header, then rows of the same width. name: "element table", for messages.
struct CsvTable {
  CsvRecord header;
  std::vector<CsvRecord> rows;
};
Result<CsvTable> read_csv_table(std::string_view text, std::string_view file_name,
                                std::string_view name, std::string_view expected_header);

// "file:line", or "file:line: column \"name\"" for `where` of an error; a column without a name is
// given by its number from 1.
std::string csv_place(std::string_view file_name, std::size_t line);
std::string csv_place(std::string_view file_name, std::size_t line, std::string_view column_name,
                      std::size_t column_index);

// A cell as it must be written so that read_csv gives it back, and so that no spreadsheet runs it:
// an apostrophe stands before what would be a formula (=, +, -, @), and read_csv takes it off
// again. Cells with semicolons are quoted for any delimiter: programs that cut there, and readers
// that find out where to cut, leave a quoted cell whole.
std::string csv_cell(std::string_view text, char delimiter = ',');
// Takes that apostrophe off a cell that comes from elsewhere, such as a workbook into which such a
// table was put.
void take_off_apostrophe(std::string& cell);

}  // namespace kasetsu
