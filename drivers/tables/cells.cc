#include "drivers/tables/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

Error bad(std::string message, std::string_view value, std::string expected) {
  return Error{
      ErrorCode::bad_data, std::move(message), {}, std::string(value), std::move(expected)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Of a symbol: a capital, then a small letter.
bool is_letter(char c, std::size_t place) {
  return place == 0 ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z';
}

struct Stripped {
  std::string digits;  // the number alone
  char bound = '\0';
  bool percent = false;
  bool about = false;       // "~5"
  std::string uncertainty;  // what follows "±"
};

// Spaces that stand between thousands ("1 234,5") are taken out; any others stay, so that "12 5" is
// no number. One after the sign is forgiven.
std::string without_group_spaces(std::string_view text) {
  std::string out;
  std::size_t group = 0;  // digits since the beginning or the last space that was taken out
  bool grouped = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != ' ') {
      group = is_digit(text[at]) ? group + 1 : 0;
      out.push_back(text[at]);
      continue;
    }
    std::size_t next = 0;
    while (at + 1 + next < text.size() && is_digit(text[at + 1 + next])) ++next;
    const bool whole = out.find_first_of(".,eE") == std::string::npos;
    const bool thousands = whole && next == 3 && (grouped ? group == 3 : group >= 1 && group <= 3);
    grouped = grouped || thousands;
    group = 0;
    if (!thousands && out != "-" && out != "+") out.push_back(' ');
  }
  return out;
}

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
    if (!text.starts_with(about)) continue;
    stripped.about = true;
    text = trim(text.substr(about.size()));
  }
  const auto take_percent = [&stripped](std::string_view& number) {
    if (!number.ends_with('%')) return;
    stripped.percent = true;
    number = trim(number.substr(0, number.size() - 1));
  };
  take_percent(text);
  for (const std::string_view sign : {"\u00B1", "+/-", "+-"}) {
    const auto at = text.find(sign);
    if (at == std::string_view::npos || at == 0) continue;
    stripped.uncertainty = std::string(trim(text.substr(at + sign.size())));
    text = trim(text.substr(0, at));
    take_percent(text);
    break;
  }
  // The mark of a footnote, or an exponent: never a digit of the number.
  stripped.digits = has_small_digit(cell) ? std::string(cell) : without_group_spaces(text);
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
  static constexpr std::array<std::string_view, 9> kWords = {
      "none", "aucun", "aucune", "kein", "keine", "keiner", "keines", "ohne", "\u306A\u3057"};
  if (cell.empty()) return true;
  return std::find(kWords.begin(), kWords.end(), small_letters(cell)) != kWords.end();
}

std::string composition_text(std::string_view cell, const NumberStyle& style) {
  const std::string plain = plain_name(cell);
  std::string text(trim(plain));
  for (std::size_t at = 1; style.decimal == ',' && at + 1 < text.size(); ++at) {
    if (text[at] == ',' && is_digit(text[at - 1]) && is_digit(text[at + 1])) text[at] = '.';
  }
  return text;
}

std::optional<NumberedName> read_numbered_name(std::string_view name, std::string_view unit) {
  NumberedName read;
  const std::size_t slash = std::min(name.find('/'), name.size());
  if (slash < name.size()) read.support = std::string(trim(name.substr(slash + 1)));
  std::string_view rest = trim(name.substr(0, slash));
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
    const auto amount = parse_number(rest.substr(0, digits));
    if (!amount) return std::nullopt;
    rest = trim(rest.substr(digits));
    for (const std::string_view sign : {"wt%", "wt.%", "mol%", "at%", "%"}) {
      if (!rest.starts_with(sign)) continue;
      if (sign != "%" && !same_unit(sign, unit)) return std::nullopt;
      rest = trim(rest.substr(sign.size()));
      break;
    }
    std::size_t letters = 0;
    while (letters < rest.size() && letters < 2 && is_letter(rest[letters], letters)) ++letters;
    const std::string symbol(rest.substr(0, letters));
    if (!chemistry::atomic_number(symbol)) return std::nullopt;
    read.amounts.emplace_back(symbol, *amount);
    rest = rest.substr(letters);
    // "ZnO" and "Na2WO4" are no elements: a weight of theirs is another one.
    if (!rest.empty() && !is_digit(rest[0]) && rest[0] != '-' && rest[0] != ' ') {
      return std::nullopt;
    }
    while (!rest.empty() && (rest[0] == '-' || rest[0] == ' ')) rest.remove_prefix(1);
  }
  return read.amounts.empty() ? std::nullopt : std::optional(std::move(read));
}

Error composition_error(Error error, std::string_view name) {
  if (read_numbered_name(name, "wt%")) {
    error.expected += "; or --name-amounts wt% where the numbers are percentages of weight";
  }
  return error;
}

std::span<const std::string_view> usual_null_words() {
  // Those after "#na": German, French and Japanese laboratories, and the errors of spreadsheets.
  static constexpr std::array<std::string_view, 56> kWords = {
      "-",
      "--",
      "\u2013",
      "\u2014",
      "n.d.",
      "n.d",
      "nd",
      "n/d",
      "n/a",
      "n.a.",
      "na",
      "nan",
      "null",
      "none",
      "#n/a",
      "n.m.",
      "n/m",
      "nm",
      "?",
      "not measured",
      "missing",
      "#na",
      "n. d.",
      "n. a.",
      "n.b.",
      "n. b.",
      "n. m.",
      "k.a.",
      "k. a.",
      "bdl",
      "b.d.l.",
      "lod",
      "<lod",
      "#div/0!",
      "#ref!",
      "#value!",
      "#num!",
      "#name?",
      "#null!",
      "#nv",
      "#wert!",
      "#zahl!",
      "#bezug!",
      "#valeur!",
      "#nombre!",
      "\u2015",
      "\u30FC",
      "\u6B20\u6E2C",
      "\u306A\u3057",
      "\u2026",
      "...",
      "n.g.",
      "\u672A\u6E2C\u5B9A",
      "\u6E2C\u5B9A\u4E0D\u53EF",
      "\u691C\u51FA\u9650\u754C\u4EE5\u4E0B",
      "\u4E0D\u691C\u51FA"};
  return kWords;
}

bool is_usual_null(std::string_view cell) {
  const auto words = usual_null_words();
  return std::find(words.begin(), words.end(), small_letters(plain_characters(trim(cell)))) !=
         words.end();
}

bool is_blank_run(std::string_view cell) {
  return small_letters(plain_characters(trim(cell))) == "blank";
}

NumberStyle find_style(std::span<const CsvRecord> rows) {
  bool comma_decimal = false, comma_thousands = false, either = false, point_decimal = false;
  bool point_thousands = false;
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
          point_thousands = point_thousands || digits.find('.') != std::string::npos;
          break;
        case Comma::thousands:
          comma_thousands = true;
          break;
        case Comma::either:
          either = true;
          break;
        case Comma::none:
          point_decimal = point_decimal || judge(digits, '.', ',') == Comma::decimal;
          point_thousands = point_thousands || judge(digits, '.', ',') == Comma::thousands;
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
    style.mixed = !point_thousands;
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
  if (!stripped.uncertainty.empty()) {
    const auto uncertainty = read_number(stripped.uncertainty, style);
    if (!uncertainty || stripped.bound != '\0') return bad("not a number", cell, "a finite number");
  }
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
    if (style.mixed && meaning == Comma::either) {
      return bad(fmt::format("the {} may stand between thousands or before decimals",
                             other == '.' ? "point" : "comma"),
                 cell, fmt::format("all numbers with \"{}\" before their decimals", mark));
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
    return CellNumber{*value, stripped.bound, stripped.percent,
                      stripped.about || !stripped.uncertainty.empty()};
  }
  const std::string word = small_letters(text);
  if (word.find("inf") != std::string::npos || word.find("nan") != std::string::npos ||
      (number_like && text.find_first_of("eE") != std::string::npos)) {
    return bad("not a finite number", cell, "a finite number");
  }
  if (has_small_digit(cell)) {
    return bad("a raised or lowered digit stands in a number", cell,
               "the number without the mark of its footnote, and powers of ten as in 1.2e3");
  }
  return bad("not a number", cell,
             fmt::format("a finite number; or --null \"{}\" where that says \"not measured\"",
                         trim(cell)));
}

}  // namespace kasetsu::tables
