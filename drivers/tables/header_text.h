// Names as people write them in headers, brought to one form: what a keyboard, a spreadsheet or a
// code page did to a name is undone, nothing else is.
#pragma once

#include <string>
#include <string_view>

namespace kasetsu::tables {

// Characters that look alike become one: full-width letters and digits, the degree signs of Celsius
// and Fahrenheit in one character, squared units (㎖), micro and mu, no-break and ideographic
// spaces, superscript digits, the minus sign. "©" becomes "(C)", which is what a spreadsheet had
// made it of. UTF-8 in and out.
std::string plain_characters(std::string_view text);

// Whether a raised or lowered digit stands in the text: "12\u00B9", "5\u2082".
bool has_small_digit(std::string_view text);
// plain_characters, but for raised digits: in a name they are the mark of a footnote, and lowered
// ones are amounts ("Al\u2082O\u2083").
std::string plain_name(std::string_view text);

// plain_characters, without spaces at the ends, inner ones single, without what follows "#", and
// ASCII letters small.
std::string fold_name(std::string_view text);

struct HeaderName {
  std::string name;   // folded, without the unit
  std::string cased;  // the same before its letters were made small; of the same length
  std::string unit;   // plain characters, letters as they were; empty: the header tells none
};
// "Temp. (℃)" is "temp." in "°C"; also [unit], ", unit" ("Temperature, K") and " / unit" at the end
// ("T / °C", where the unit is a known one).
HeaderName split_unit(std::string_view header);

// What the names of a campaign's properties and conditions may be.
struct NameLimits {
  std::size_t longest;         // in characters
  std::string_view forbidden;  // signs
};
inline constexpr NameLimits kPropertyNames{40, ""}, kConditionNames{20, "|@;=/"};
// A header as such a name: signs that it cannot hold become "_", and what is longer is cut.
std::string campaign_name(std::string_view header, const NameLimits& limits);

}  // namespace kasetsu::tables
