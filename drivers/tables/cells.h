// What a cell of a laboratory's table says: a number in one of several writings, a bound, or that
// nothing was measured. Never a guess: what can be read in two ways is a problem of the cell.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
  // Decimal commas, and nothing shows that points stand between thousands: "1.234" is asked about.
  bool mixed = false;
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
// that writes them.
std::string composition_text(std::string_view cell, const NumberStyle& style);

// "15Ni5Ce/MgO", "5wt%Ni-2%Mg/Al2O3": elements with a number before each, and a support.
struct NumberedName {
  std::vector<std::pair<std::string, double>> amounts;  // by symbol
  std::string support;
};
// Nothing for names of any other form, and where the name tells another unit than `unit`.
std::optional<NumberedName> read_numbered_name(std::string_view name, std::string_view unit);
// The error of a name; with the option that settles it, where it is a numbered one.
Error composition_error(Error error, std::string_view name);

// Words that say "not measured" in tables without a profile, letter case not counting.
std::span<const std::string_view> usual_null_words();

// Whether a cell is one of them.
bool is_usual_null(std::string_view cell);

// Whether a cell says that a run had no catalyst: "blank".
bool is_blank_run(std::string_view cell);

// ASCII letters small.
std::string small_letters(std::string_view text);

// Empty, or "none" in one of the languages of laboratories ("aucun", "kein").
bool is_none(std::string_view cell);

}  // namespace kasetsu::tables
