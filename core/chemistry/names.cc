#include "core/chemistry/names.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/element.h"

namespace kasetsu::chemistry {
namespace {

constexpr std::string_view kGreek[] = {
    "alpha", "beta",   "gamma",   "delta", "epsilon", "zeta",    "eta",  "theta", "iota",
    "kappa", "lambda", "mu",      "nu",    "xi",      "omicron", "pi",   "rho",   "sigma",
    "sigma", "tau",    "upsilon", "phi",   "chi",     "psi",     "omega"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
bool is_letter(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct CodePoint {
  std::uint32_t value;  // 0xFFFFFFFF for a byte that is no UTF-8
  std::size_t length;
};

CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {0xFFFFFFFF, 1};
  std::uint32_t value = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return {0xFFFFFFFF, 1};
    value = value << 6 | (byte(at + i) & 0x3FU);
  }
  return {value, length};
}

bool among(std::uint32_t c, std::initializer_list<std::uint32_t> list) {
  return std::find(list.begin(), list.end(), c) != list.end();
}

// The plain form of a character that is not ASCII; `original` where it has none.
std::string plain(std::uint32_t c, std::string_view original) {
  if ((c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
      among(c, {0x00AD, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xFEFF, 0x180E})) {
    return "";
  }
  if ((c >= 0x2000 && c <= 0x200A) ||
      among(c, {0x0085, 0x00A0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000})) {
    return " ";
  }
  if (c >= 0xFF01 && c <= 0xFF5E) return std::string(1, static_cast<char>(c - 0xFF01 + '!'));
  if (c >= 0x2080 && c <= 0x2089) return std::string(1, static_cast<char>(c - 0x2080 + '0'));
  if (c == 0x208A) return "+";
  if (c == 0x2093) return "x";
  if ((c >= 0x2010 && c <= 0x2015) ||
      among(c, {0x2043, 0x208B, 0x2212, 0x2E3A, 0x2E3B, 0xFE58, 0xFE63})) {
    return "-";
  }
  if (among(c, {0x2022, 0x2027, 0x2219, 0x22C5, 0x30FB, 0xFF65})) return "\u00B7";
  if (among(c, {0x2044, 0x2215})) return "/";
  if (c == 0x00B5) return "mu";
  if (c == 0x03D1) return "theta";
  if (c == 0x03D5) return "phi";
  if (c >= 0x03B1 && c <= 0x03C9) return std::string(kGreek[c - 0x03B1]);
  if (c >= 0x0391 && c <= 0x03A9) return std::string(kGreek[c - 0x0391]);
  return std::string(original);
}

// Neither a noble gas nor radioactive: what a mistyped formula may mean.
bool is_familiar(int element) {
  constexpr int kOthers[] = {2, 10, 18, 36, 43, 54, 61};
  return element <= 83 &&
         std::find(std::begin(kOthers), std::end(kOthers), element) == std::end(kOthers);
}

// A Greek prefix at text[at], with what joins it to the name: its length, or 0.
std::size_t greek_prefix_at(std::string_view text, std::size_t at, std::string_view& name) {
  for (const std::string_view greek : kGreek) {
    const std::string_view here = text.substr(at, greek.size());
    if (!same_but_for_case(here, greek)) continue;
    std::size_t end = at + greek.size();
    const bool joined = end < text.size() && (text[end] == '-' || text[end] == ' ');
    if (joined) ++end;
    // What follows is a formula: it begins with a capital. Without a hyphen, and for the short
    // names ("PI", "MU"), the prefix itself must be in small letters.
    if (end >= text.size() || text[end] < 'A' || text[end] > 'Z') continue;
    if ((!joined || greek.size() < 3) && here != greek) continue;
    name = greek;
    return end - at;
  }
  return 0;
}

}  // namespace

FoldedText fold_characters(std::string_view text) {
  FoldedText folded;
  std::size_t character = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    ++character;
    const std::string form = c.value == '\t' || c.value == '\n' || c.value == '\r'
                                 ? " "
                                 : plain(c.value, text.substr(at, c.length));
    folded.text += form;
    folded.character.insert(folded.character.end(), form.size(), character);
    at += c.length;
  }
  folded.character.push_back(character + 1);
  return folded;
}

namespace {

std::string folded_once(std::string_view text) {
  const bool ascii =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  const std::string folded = ascii ? std::string(text) : fold_characters(text).text;
  std::string spaced;
  for (const char c : trim(folded)) {
    if (c != ' ' || spaced.back() != ' ') spaced += c;
  }
  std::string out;
  std::size_t prefix_end = 0;
  for (std::size_t at = 0; at < spaced.size();) {
    const bool begins = at == prefix_end || !(is_letter(spaced[at - 1]) ||
                                              (spaced[at - 1] >= '0' && spaced[at - 1] <= '9'));
    std::string_view name;
    const std::size_t length = begins ? greek_prefix_at(spaced, at, name) : 0;
    if (length > 0) {
      out.append(name).append("-");
      at += length;
      prefix_end = at;
    } else {
      out += spaced[at++];
    }
  }
  return out;
}

// Length in bytes of the sign that separates active parts at text[at] of a folded name, 0 where
// there is none: the sign of an exponent (1e-3) and of a deviation (O3-delta) separate nothing.
std::size_t separator_at(std::string_view text, std::size_t at) {
  constexpr std::string_view kDot = "\u00B7";
  if (text.substr(at).starts_with(kDot)) return kDot.size();
  if (text[at] != '-' && text[at] != '+') return 0;
  const std::string_view rest = text.substr(at + 1);
  if (at >= 2 && !rest.empty() && is_digit(rest[0]) &&
      (text[at - 1] == 'e' || text[at - 1] == 'E') &&
      (is_digit(text[at - 2]) || text[at - 2] == '.')) {
    return 0;
  }
  for (const std::string_view letter : {"delta", "x", "y", "z", "d"}) {
    if (rest.starts_with(letter) &&
        (rest.size() == letter.size() || !is_letter(rest[letter.size()])))
      return 0;
  }
  return 1;
}

}  // namespace

std::string fold_name(std::string_view text) {
  // What is taken out may join its neighbours to another character or prefix, so this goes on until
  // nothing changes.
  constexpr int kMostPasses = 16;
  std::string folded = folded_once(text);
  for (int pass = 1; pass < kMostPasses; ++pass) {
    std::string again = folded_once(folded);
    if (again == folded) break;
    folded = std::move(again);
  }
  return folded;
}

bool is_greek_prefix(const std::string& prefix) {
  return prefix.size() > 1 && std::all_of(prefix.begin(), prefix.end(), is_letter) &&
         fold_name(prefix + " Al2O3") == prefix + "-Al2O3";
}

std::vector<NamePart> split_name(std::string_view text) {
  std::vector<NamePart> parts;
  std::size_t begin = 0;
  bool hyphen = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = separator_at(text, i);
    if (length == 0) {
      ++i;
      continue;
    }
    parts.push_back({trim(text.substr(begin, i - begin)), hyphen});
    hyphen =
        text[i] == '-' && i > 0 && text[i - 1] != ' ' && i + 1 < text.size() && text[i + 1] != ' ';
    i += length;
    begin = i;
  }
  parts.push_back({trim(text.substr(begin)), hyphen});
  return parts;
}

std::string small_letters(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char c : small_letters(name)) {
    const bool sign =
        static_cast<unsigned char>(c) < 0x80 && !is_letter(c) && !(c >= '0' && c <= '9');
    if (!sign) letters += c;
  }
  return letters;
}

bool same_but_for_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string with_usual_capitals(std::string_view formula) {
  std::string out;
  for (std::size_t at = 0; at < formula.size();) {
    if (!is_letter(formula[at])) {
      out += formula[at++];
      continue;
    }
    std::string two(1, upper(formula[at]));
    if (at + 1 < formula.size() && is_letter(formula[at + 1])) two += lower(formula[at + 1]);
    if (const auto element = two.size() == 2 ? atomic_number(two) : std::nullopt;
        element && is_familiar(*element)) {
      out += two;
      at += 2;
    } else if (atomic_number(two.substr(0, 1))) {
      out += two[0];
      at += 1;
    } else {
      return "";
    }
  }
  return out;
}

}  // namespace kasetsu::chemistry
