#include "drivers/tables/header_text.h"

#include <array>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/composition.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

// Compatibility decompositions (Unicode NFKC) of what is found in laboratories' headers and cells.
constexpr std::array<std::pair<std::string_view, std::string_view>, 38> kAlike{{
    {"\u00A0", " "},
    {"\u3000", " "},
    {"\u2009", " "},
    {"\u202F", " "},
    {"\u200B", ""},
    {"\uFEFF", ""},
    {"\u2103",
     "\u00B0"
     "C"},
    {"\u2109",
     "\u00B0"
     "F"},
    {"\u00BA", "\u00B0"},
    {"\u02DA", "\u00B0"},
    {"\u00B5", "\u03BC"},
    {"\u2212", "-"},
    {"\u2010", "-"},
    {"\u2011", "-"},
    {"\u00B9", "1"},
    {"\u00B2", "2"},
    {"\u00B3", "3"},
    {"\u2070", "0"},
    {"\u207B", "-"},
    {"\u2080", "0"},
    {"\u2081", "1"},
    {"\u2082", "2"},
    {"\u2083", "3"},
    {"\u2084", "4"},
    {"\u2085", "5"},
    {"\u2086", "6"},
    {"\u2087", "7"},
    {"\u2088", "8"},
    {"\u2089", "9"},
    {"\u3396", "ml"},
    {"\u3397", "dl"},
    {"\u338E", "mg"},
    {"\u338F", "kg"},
    {"\u339C", "mm"},
    {"\u33D6", "mol"},
    {"\u3395", "\u03BCl"},
    {"\u00A9", "(C)"},
    {"\u212A", "K"},
}};

// Whether `text` at `at` is a full-width ASCII character (U+FF01 to U+FF5E); its ASCII form.
bool full_width(std::string_view text, std::size_t at, char* plain) {
  if (at + 2 >= text.size() || text[at] != '\xEF') return false;
  const auto second = static_cast<unsigned char>(text[at + 1]);
  const auto third = static_cast<unsigned char>(text[at + 2]);
  if (second == 0xBC && third >= 0x81 && third <= 0xBF) {
    *plain = static_cast<char>(0x21 + (third - 0x81));
    return true;
  }
  if (second == 0xBD && third >= 0x80 && third <= 0x9E) {
    *plain = static_cast<char>(0x60 + (third - 0x80));
    return true;
  }
  return false;
}

// Without what follows "#" and spaces at the ends; inner spaces single.
std::string single_spaces(std::string_view plain) {
  std::string name;
  for (const char c : trim(plain.substr(0, plain.find('#')))) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (space && name.ends_with(' ')) continue;
    name.push_back(space ? ' ' : c);
  }
  return name;
}

// Whether "T/K", "p/bar" or "X/%" is a quantity by its unit: "Ni/K" may be a catalyst, and what is
// told by gram or hour is a unit with a slash.
bool is_quantity(std::string_view before, std::string_view unit) {
  const bool usual =
      convert_units(unit, "K").ok() || convert_units(unit, "bar").ok() || unit.ends_with('%');
  const auto is_formula = [](std::string_view word) { return chemistry::parse_formula(word).ok(); };
  return usual && !before.empty() && before.find('/') == std::string_view::npos &&
         (before == "T" || !is_formula(unit) || !is_formula(before));
}

}  // namespace

namespace {

// Of superscripts, those that code pages had first lie apart.
bool is_raised_digit(std::string_view text) {
  for (const std::string_view one : {"\u00B9", "\u00B2", "\u00B3", "\u2070", "\u2074", "\u2075",
                                     "\u2076", "\u2077", "\u2078", "\u2079"}) {
    if (text.starts_with(one)) return true;
  }
  return false;
}

bool is_lowered_digit(std::string_view text) {
  return text.size() > 2 && text.starts_with("\xE2\x82") &&
         static_cast<unsigned char>(text[2]) <= 0x89;
}

std::string plain_text(std::string_view text, bool keep_raised) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      plain.push_back(text[at++]);
      continue;
    }
    char ascii = 0;
    if (full_width(text, at, &ascii)) {
      plain.push_back(ascii);
      at += 3;
      continue;
    }
    bool found = false;
    if (keep_raised && is_raised_digit(text.substr(at))) {
      plain.push_back(text[at++]);
      continue;
    }
    for (const auto& [from, to] : kAlike) {
      if (!text.substr(at).starts_with(from)) continue;
      plain += to;
      at += from.size();
      found = true;
      break;
    }
    if (!found) plain.push_back(text[at++]);
  }
  return plain;
}

}  // namespace

std::string plain_characters(std::string_view text) {
  return plain_text(text, false);
}

std::string plain_name(std::string_view text) {
  return plain_text(text, true);
}

bool has_small_digit(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_raised_digit(text.substr(at)) || is_lowered_digit(text.substr(at))) return true;
  }
  return false;
}

std::string fold_name(std::string_view text) {
  std::string name = single_spaces(plain_characters(text));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

HeaderName split_unit(std::string_view header) {
  const std::string plain = plain_characters(header);
  std::string_view text = trim(std::string_view(plain).substr(0, plain.find('#')));
  std::string_view unit;
  const auto in_brackets = [&](char open, char close) {
    if (!text.ends_with(close)) return false;
    const auto begin = text.rfind(open);
    if (begin == std::string_view::npos || begin == 0) return false;
    unit = trim(text.substr(begin + 1, text.size() - begin - 2));
    text = trim(text.substr(0, begin));
    return true;
  };
  if (!in_brackets('(', ')') && !in_brackets('[', ']')) {
    const auto slash = text.rfind(" / ");
    const auto comma = text.rfind(',');
    const auto is_known = [](std::string_view word) {
      return is_unit(word) || chemistry::told_unit(word).has_value();
    };
    const auto close = text.rfind('/');
    const bool parted = close != std::string_view::npos;
    const std::string_view before = parted ? trim(text.substr(0, close)) : std::string_view();
    const std::string_view behind = parted ? trim(text.substr(close + 1)) : std::string_view();
    if (slash != std::string_view::npos && is_known(trim(text.substr(slash + 3)))) {
      unit = trim(text.substr(slash + 3));
      text = trim(text.substr(0, slash));
    } else if (is_known(behind) && is_quantity(before, behind)) {
      unit = behind;
      text = before;
    } else if (comma != std::string_view::npos && comma > 0) {
      unit = trim(text.substr(comma + 1));
      text = trim(text.substr(0, comma));
    }
  }
  return {fold_name(text), single_spaces(text), std::string(unit)};
}

std::string campaign_name(std::string_view header, const NameLimits& limits) {
  std::string name;
  std::size_t characters = 0;
  for (const char c : trim(header)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xC0U) == 0x80U;
    if (!continues && ++characters > limits.longest) break;
    const bool sign = limits.forbidden.find(c) != std::string_view::npos;
    name += byte < 0x20 || byte == 0x7f || sign ? '_' : c;
  }
  return std::string(trim(name));
}

}  // namespace kasetsu::tables
