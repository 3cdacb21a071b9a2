#include "drivers/tables/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "drivers/tables/header_text.h"

namespace kasetsu::tables {
namespace {

Error bad(std::string message, std::string_view value, std::string expected) {
  return Error{
      ErrorCode::bad_data, std::move(message), {}, std::string(value), std::move(expected)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Stripped {
  std::string digits;  // the number alone
  char bound = '\0';
  bool percent = false;
};

// Takes off what stands around a number.
Stripped strip(std::string_view cell) {
  Stripped stripped;
  const std::string plain = plain_characters(trim(cell));
  std::string_view text = plain;
  for (const std::string_view bound : {"<=", ">=", "<", ">", "\u2264", "\u2265"}) {
    if (!text.starts_with(bound)) continue;
    stripped.bound = bound[0] == '>' || bound == "\u2265" ? '>' : '<';
    text = trim(text.substr(bound.size()));
    break;
  }
  for (const std::string_view about : {"~", "\u2248"}) {
    if (text.starts_with(about)) text = trim(text.substr(about.size()));
  }
  if (text.ends_with('%')) {
    stripped.percent = true;
    text = trim(text.substr(0, text.size() - 1));
  }
  stripped.digits = std::string(text);
  return stripped;
}

enum class Comma { none, decimal, thousands, either, neither };

// What the marks of a number say: those in groups of three stand between thousands.
Comma judge(std::string_view digits, char mark, char other) {
  const auto first = digits.find(mark);
  if (first == std::string_view::npos) return Comma::none;
  if (digits.find_first_not_of("0123456789,.+-eE") != std::string_view::npos) return Comma::neither;
  const std::size_t start = digits.find_first_of("0123456789,.");
  bool groups = first > start && first - start <= 3 && digits[start] != '0';
  std::size_t count = 0;
  for (std::size_t at = first; at != std::string_view::npos; at = digits.find(mark, at + 1)) {
    ++count;
    std::size_t length = 0;
    while (at + 1 + length < digits.size() && is_digit(digits[at + 1 + length])) ++length;
    groups = groups && length == 3;
  }
  const auto beside = digits.find(other);
  if (beside != std::string_view::npos) {
    if (digits.find(other, beside + 1) != std::string_view::npos) return Comma::neither;
    if (beside > digits.rfind(mark)) return groups ? Comma::thousands : Comma::neither;
    return count == 1 ? Comma::decimal : Comma::neither;
  }
  if (count > 1) return groups ? Comma::thousands : Comma::neither;
  return groups ? Comma::either : Comma::decimal;
}

}  // namespace

std::string small_letters(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_none(std::string_view cell) {
  return cell.empty() || small_letters(cell) == "none";
}

std::span<const std::string_view> usual_null_words() {
  static constexpr std::array<std::string_view, 22> kWords = {
      "-",   "--",   "\u2013", "\u2014",       "n.d.",    "n.d",  "nd",   "n/d",
      "n/a", "n.a.", "na",     "nan",          "null",    "none", "#n/a", "n.m.",
      "n/m", "nm",   "?",      "not measured", "missing", "#na"};
  return kWords;
}

NumberStyle find_style(std::span<const CsvRecord> rows) {
  bool comma_decimal = false, comma_thousands = false, either = false, point_decimal = false;
  for (const CsvRecord& row : rows) {
    for (const std::string& cell : row.fields) {
      if (cell.empty() || cell.find_first_of(",.") == std::string::npos) continue;
      const std::string digits = strip(cell).digits;
      if (digits.empty() || digits.find_first_not_of("0123456789,.+-eE ") != std::string::npos) {
        continue;
      }
      switch (judge(digits, ',', '.')) {
        case Comma::decimal:
          comma_decimal = true;
          break;
        case Comma::thousands:
          comma_thousands = true;
          break;
        case Comma::either:
          either = true;
          break;
        case Comma::none:
          point_decimal = point_decimal || judge(digits, '.', ',') == Comma::decimal;
          break;
        case Comma::neither:
          break;
      }
    }
  }
  NumberStyle style;
  if (comma_decimal && !point_decimal && !comma_thousands) {
    style.decimal = ',';
    style.thousands = ".";
  } else if (comma_thousands || point_decimal) {
    style.thousands = ",";
  } else {
    style.undecided = either;
  }
  return style;
}

Result<CellNumber> read_number(std::string_view cell, const NumberStyle& style) {
  const Stripped stripped = strip(cell);
  std::string text = stripped.digits;
  std::erase(text, ' ');
  const bool number_like = text.find_first_not_of("0123456789,.+-eE") == std::string::npos;
  const char mark = style.decimal;
  const char other = mark == ',' ? '.' : ',';
  if (number_like && text.find(other) != std::string::npos) {
    const Comma meaning = judge(text, other, mark);
    const bool groups = meaning == Comma::thousands || meaning == Comma::either;
    if (style.undecided && meaning == Comma::either) {
      return bad("the comma may stand between thousands or before decimals", cell,
                 "--decimal point or --decimal comma (in a profile: decimal and thousands)");
    }
    if (!groups || style.thousands != std::string(1, other)) {
      if (!style.thousands.empty() && style.thousands == std::string(1, other)) {
        return bad(fmt::format("\"{}\" does not stand between thousands", other), cell,
                   fmt::format("a number whose decimals follow \"{}\"", mark));
      }
      return other == ','
                 ? bad("a comma in a number", cell,
                       "a number written with a decimal point; or --decimal comma (in a profile: "
                       "decimal = \",\" or thousands = \",\")")
                 : bad("a decimal point where the file has decimal commas", cell,
                       "a number such as 8,2");
    }
    std::erase(text, other);
  } else if (!style.thousands.empty() && style.thousands.find_first_of(",.") == std::string::npos) {
    for (std::size_t at; (at = text.find(style.thousands)) != std::string::npos;) {
      text.erase(at, style.thousands.size());
    }
  }
  if (mark == ',') std::replace(text.begin(), text.end(), ',', '.');
  if (const auto value = parse_number(text)) {
    return CellNumber{*value, stripped.bound, stripped.percent};
  }
  const std::string word = small_letters(text);
  if (word.find("inf") != std::string::npos || word.find("nan") != std::string::npos ||
      (number_like && text.find_first_of("eE") != std::string::npos)) {
    return bad("not a finite number", cell, "a finite number");
  }
  return bad("not a number", cell, "a finite number");
}

}  // namespace kasetsu::tables
