// What people see on a terminal: numbers, tables, and text that comes from elsewhere made harmless.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kasetsu::cli {

// `text` with everything that could steer a terminal or mislead its reader written out as \u001b:
// control characters (also those above U+007F), marks that change the direction of writing,
// characters of no width, bytes that are no UTF-8. Line ends and tabs stay where `lines` is true.
std::string printable(std::string_view text, bool lines = true);

// "1 row", "2 rows".
std::string counted(std::size_t count, std::string_view one, std::string_view many = "");

// "1.23 s", "2 min 5 s", "3 h 20 min".
std::string format_seconds(double seconds);
// A number for people: `digits` significant digits, without an exponent where that is shorter; "-"
// where it is not finite.
std::string format_short(double value, int digits = 5);

// The first `width` characters of UTF-8 text.
std::string cut_to(std::string_view text, std::size_t width);

// Whether text to this file descriptor may be coloured: only on a terminal, not with NO_COLOR or
// TERM=dumb.
bool colours_on(int file);
// Width of the terminal; 80 when there is none.
int terminal_columns();

// A table of text: columns padded to the same width, numbers to the right. Cells are made
// printable; on a terminal lines are cut to its width.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);
  void add(std::vector<std::string> cells);
  // One line a row; the first one is the header.
  std::vector<std::string> lines() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace kasetsu::cli
