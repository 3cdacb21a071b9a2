// Texts in tables that people open with a spreadsheet program.
#pragma once

#include <string>
#include <string_view>

#include "core/base/csv.h"

namespace kasetsu {

// A CSV cell that no spreadsheet program takes for a formula: before "=", "+", "-" and "@" stands
// an apostrophe, which the readers of this project take off again.
inline std::string spreadsheet_cell(std::string_view text) {
  const bool runs = !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != text.npos;
  std::string cell = csv_cell(runs ? "'" + std::string(text) : std::string(text));
  // Programs that cut cells at semicolons leave a quoted one whole.
  if (cell.find(';') != std::string::npos && !cell.starts_with('"')) cell = '"' + cell + '"';
  return cell;
}

}  // namespace kasetsu
