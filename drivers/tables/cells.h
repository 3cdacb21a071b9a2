// What a cell of a laboratory's table says: a number in one of several writings, a bound, or that
// nothing was measured. Never a guess: what can be read in two ways is a problem of the cell.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/csv.h"
#include "core/base/result.h"

namespace kasetsu::tables {

// How a file writes its numbers.
struct NumberStyle {
  char decimal = '.';
  std::string thousands;  // character between thousands; empty: none
  // Cells such as "1,234" stand in the file, and nothing tells whether the comma is a decimal one.
  bool undecided = false;
};

// The style that the cells tell together. A comma before other than three digits is a decimal one
// ("8,2"); beside decimal points it stands between thousands.
NumberStyle find_style(std::span<const CsvRecord> rows);

struct CellNumber {
  double value = 0.0;
  char bound = '\0';       // '<' or '>': the value is a limit of detection, not a measurement
  bool percent = false;    // the cell itself says "%"
  bool uncertain = false;  // an uncertainty was told ("412 ± 5") and left out
};
// bad_data without a place: what is wrong and what to write. Spaces between thousands, "%" and an
// uncertainty ("± 5") at the end and "<", "~" before the number are read.
Result<CellNumber> read_number(std::string_view cell, const NumberStyle& style);

// A name or formula as it is read: plain characters, and points for the decimal commas of a file
// that writes them. amounts: the unit of numbers before elements, so that "15Ni5Ce/MgO" becomes
// "15wt%Ni-5wt%Ce/MgO"; empty: names tell their units. Names whose numbers stand in any other way
// are not changed.
std::string composition_text(std::string_view cell, const NumberStyle& style,
                             std::string_view amounts = {});
// The error of such a name, with the option that settles it.
Error composition_error(Error error);

// Words that say "not measured" in tables without a profile, letter case not counting.
std::span<const std::string_view> usual_null_words();

// ASCII letters small.
std::string small_letters(std::string_view text);

// Empty, or "none".
bool is_none(std::string_view cell);

}  // namespace kasetsu::tables
