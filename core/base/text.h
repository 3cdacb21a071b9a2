// Small helpers on text that several rooms need. Nothing here depends on the locale.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kasetsu {

// Without spaces, tabs, carriage returns and newlines at both ends.
std::string_view trim(std::string_view text);

// The first bytes of the text, at most so many, and no character of UTF-8 cut in two.
std::string_view cut_to(std::string_view text, std::size_t bytes);

// The whole text as one decimal number ("-1.5", "+2", "1e-3"); spaces at the ends are allowed.
// Nothing for anything else: empty text, a decimal comma, hexadecimal, "nan", "inf", a number too
// large for a double.
std::optional<double> parse_number(std::string_view text);

// The shortest decimal text that parses back to the same double ("0.1", "1e-07").
std::string format_number(double value);

// Up to `count` of the names that look most like `wanted` (edit distance, letter case counting
// little), nearest first, ties in the order given; names that differ in more than about half of
// their characters are left out. For the hint of an error message.
std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names,
                                       std::size_t count = 3);

// "a", "a or b", "a, b or c"; empty for none.
std::string join_or(std::span<const std::string> names);

}  // namespace kasetsu
