// Writes workbooks (.xlsx) that people fill in and that read_workbook reads back.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"

namespace kasetsu::tables {

using SheetCell = std::variant<std::string, double>;

struct SheetToWrite {
  std::string name;                          // at most 31 characters, none of []:*?/ and backslash
  std::vector<std::string> header;           // the first row, which stays in view
  std::vector<std::vector<SheetCell>> rows;  // as long as the header
  std::vector<bool> to_fill;  // by column: left for a person, and coloured; may be empty
};

// Texts are texts, whatever they begin with: no cell is a formula. The same sheets give the same
// bytes. Errors: internal, with what the archive's library says.
Result<std::string> write_workbook(const std::vector<SheetToWrite>& sheets);

}  // namespace kasetsu::tables
