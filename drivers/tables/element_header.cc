// Columns of amounts, as laboratories head them: "Ni (wt%)", "Ni/wt%", "Ni_at%", "%Ni", "x(Ni)",
// "Nickel (wt%)", "Ni (wt%; ICP)".
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/composition.h"
#include "core/chemistry/element.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"

namespace kasetsu::tables {
namespace {

// Solids by name, as catalysts hold them; gases and carbon head columns of products.
constexpr std::array<std::pair<std::string_view, std::string_view>, 93> kNames{{
    {"lithium", "Li"},      {"beryllium", "Be"}, {"boron", "B"},       {"bor", "B"},
    {"bore", "B"},          {"sodium", "Na"},    {"natrium", "Na"},    {"magnesium", "Mg"},
    {"aluminium", "Al"},    {"aluminum", "Al"},  {"silicon", "Si"},    {"silizium", "Si"},
    {"silicium", "Si"},     {"phosphorus", "P"}, {"phosphor", "P"},    {"phosphore", "P"},
    {"sulfur", "S"},        {"sulphur", "S"},    {"schwefel", "S"},    {"soufre", "S"},
    {"potassium", "K"},     {"kalium", "K"},     {"calcium", "Ca"},    {"scandium", "Sc"},
    {"titanium", "Ti"},     {"titan", "Ti"},     {"titane", "Ti"},     {"vanadium", "V"},
    {"chromium", "Cr"},     {"chrom", "Cr"},     {"chrome", "Cr"},     {"manganese", "Mn"},
    {"mangan", "Mn"},       {"iron", "Fe"},      {"eisen", "Fe"},      {"fer", "Fe"},
    {"cobalt", "Co"},       {"kobalt", "Co"},    {"nickel", "Ni"},     {"copper", "Cu"},
    {"kupfer", "Cu"},       {"cuivre", "Cu"},    {"zinc", "Zn"},       {"zink", "Zn"},
    {"gallium", "Ga"},      {"germanium", "Ge"}, {"arsenic", "As"},    {"selenium", "Se"},
    {"rubidium", "Rb"},     {"strontium", "Sr"}, {"yttrium", "Y"},     {"zirconium", "Zr"},
    {"niobium", "Nb"},      {"niob", "Nb"},      {"molybdenum", "Mo"}, {"molybd\u00E4n", "Mo"},
    {"ruthenium", "Ru"},    {"rhodium", "Rh"},   {"palladium", "Pd"},  {"silver", "Ag"},
    {"silber", "Ag"},       {"argent", "Ag"},    {"cadmium", "Cd"},    {"indium", "In"},
    {"tin", "Sn"},          {"zinn", "Sn"},      {"antimony", "Sb"},   {"antimon", "Sb"},
    {"tellurium", "Te"},    {"caesium", "Cs"},   {"cesium", "Cs"},     {"barium", "Ba"},
    {"lanthanum", "La"},    {"lanthan", "La"},   {"cerium", "Ce"},     {"cer", "Ce"},
    {"praseodymium", "Pr"}, {"neodymium", "Nd"}, {"samarium", "Sm"},   {"europium", "Eu"},
    {"gadolinium", "Gd"},   {"ytterbium", "Yb"}, {"hafnium", "Hf"},    {"tantalum", "Ta"},
    {"tungsten", "W"},      {"wolfram", "W"},    {"rhenium", "Re"},    {"iridium", "Ir"},
    {"platinum", "Pt"},     {"platin", "Pt"},    {"gold", "Au"},       {"lead", "Pb"},
    {"bismuth", "Bi"},
}};

std::optional<int> element_of_name(std::string_view name) {
  const std::string folded = fold_name(name);
  for (const auto& [known, symbol] : kNames) {
    if (known == folded) return chemistry::atomic_number(symbol);
  }
  return std::nullopt;
}

bool is_amount_unit(std::string_view unit) {
  return unit == "%" || chemistry::told_unit(unit).has_value();
}

// A header in parts. `quantity`: 'x' of "x(Ni)", a fraction of moles; 'w', one of mass; 'c'.
struct HeaderParts {
  std::string element, unit;
  char quantity = '\0';
  bool method = false;    // the unit's brackets say how it was measured, too
  bool of_other = false;  // they say that it is the amount of an oxide, or by gram of support
};

// "NiO", "support", "on", "relative": the unit is of something else than the element in the whole.
bool tells_other_reference(std::string_view word, const std::optional<chemistry::ToldUnit>& unit) {
  static constexpr std::array<std::string_view, 14> kWords = {
      "support", "carrier", "sup",  "supp",  "oxide",       "oxides",   "relative",
      "rel",     "on",      "oxid", "oxyde", "tr\u00E4ger", "gsupport", "gsup"};
  const std::string small = fold_name(word);
  if (std::find(kWords.begin(), kWords.end(), small) != kWords.end()) return true;
  if (unit && unit->basis == chemistry::Basis::mmol_per_g_support &&
      (small == "catalyst" || small == "cat" || small == "gcat")) {
    return true;
  }
  constexpr int kOxygen = 8;
  const auto formula = chemistry::parse_formula(word);
  return formula && formula->parts().size() > 1 && formula->amount(kOxygen) > 0.0;
}

// "wt%; ICP", "ICP, wt%", "wt% ICP": the unit among them.
void take_unit(std::string_view told, HeaderParts& parts) {
  if (is_amount_unit(told)) {
    parts.unit = told;
    return;
  }
  std::vector<std::string_view> others;
  std::optional<chemistry::ToldUnit> found;
  for (std::size_t at = 0; at <= told.size();) {
    const std::size_t end = std::min(told.find_first_of(",;: ", at), told.size());
    const std::string_view word = trim(told.substr(at, end - at));
    if (!word.empty() && word[0] >= '0' && word[0] <= '9') {  // "Ni (5 wt%)"
      parts.unit.clear();
      return;
    }
    if (parts.unit.empty() && word.size() > 1 && chemistry::told_unit(word)) {
      found = chemistry::told_unit(word);
      if (!found->weighed) parts.unit = word;
    } else if (!word.empty()) {
      others.push_back(word);
    }
    at = end + 1;
  }
  parts.method = !parts.unit.empty();
  parts.of_other = parts.method && std::any_of(others.begin(), others.end(), [&](auto word) {
                     return tells_other_reference(word, found);
                   });
}

// "x(Ni)", "w_Fe", "c Ni": the letter goes.
void take_quantity(HeaderParts& parts) {
  std::string& text = parts.element;
  if (text.size() < 3 || (text[0] != 'x' && text[0] != 'w' && text[0] != 'c')) return;
  std::string rest;
  if (text[1] == '(' && text.back() == ')') {
    rest = text.substr(2, text.size() - 3);
  } else if (text[1] == '_' || text[1] == ' ') {
    rest = text.substr(2);
  }
  if (!chemistry::atomic_number(rest)) return;
  parts.quantity = text[0];
  text = std::move(rest);
}

// "Ni content" is "Ni".
std::string_view without_word(std::string_view text) {
  for (const std::string_view last : {" content", " loading", " amount", " concentration"}) {
    if (text.ends_with(last)) return text.substr(0, text.size() - last.size());
  }
  return text;
}

bool is_an_element(std::string_view text) {
  HeaderParts parts;
  parts.element = without_word(text);
  take_quantity(parts);
  return chemistry::atomic_number(parts.element) || element_of_name(parts.element);
}

// "Ni wt%", "Ni_at%", "Ni/wt%", "Ni%", "wt% Ni", "%Ni": symbol and unit without brackets.
void take_apart(HeaderParts& parts) {
  const std::string text = parts.element;
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos &&
      is_amount_unit(trim(std::string_view(text).substr(slash + 1))) &&
      is_an_element(trim(std::string_view(text).substr(0, slash)))) {
    parts.unit = trim(std::string_view(text).substr(slash + 1));
    parts.element = trim(std::string_view(text).substr(0, slash));
    return;
  }
  for (const std::size_t length : {2U, 1U}) {
    if (text.size() <= length) continue;
    const std::string_view whole = text;
    const auto cut = [](std::string_view unit) {
      while (!unit.empty() && (unit.front() == ' ' || unit.front() == '_')) unit.remove_prefix(1);
      while (!unit.empty() && (unit.back() == ' ' || unit.back() == '_')) unit.remove_suffix(1);
      return unit;
    };
    const std::string_view head = whole.substr(0, length), behind = whole.substr(length);
    const std::string_view tail = whole.substr(whole.size() - length),
                           before = whole.substr(0, whole.size() - length);
    const auto parted = [](char c) { return c == ' ' || c == '_' || c == '%'; };
    if (chemistry::atomic_number(head) && parted(behind.front()) && is_amount_unit(cut(behind))) {
      parts.unit = cut(behind);
      parts.element = head;
      return;
    }
    if (chemistry::atomic_number(tail) && parted(before.back()) && is_amount_unit(cut(before))) {
      parts.unit = cut(before);
      parts.element = tail;
      return;
    }
  }
}

HeaderParts parts_of(std::string_view header) {
  HeaderParts parts;
  const std::string plain(trim(plain_characters(header)));
  parts.element = plain;
  take_quantity(parts);
  if (parts.quantity != '\0') return parts;
  const HeaderName split = split_unit(header);
  parts.element = split.cased;
  if (!split.unit.empty()) {
    take_unit(split.unit, parts);
  } else {
    take_apart(parts);
  }
  take_quantity(parts);
  parts.element = std::string(without_word(parts.element));
  return parts;
}

}  // namespace

namespace {

std::optional<int> element_of(const HeaderParts& parts) {
  auto element = chemistry::atomic_number(parts.element);
  // C (%), S (%) and Y (%) are conversion, selectivity and yield.
  if (element && parts.unit == "%" && parts.element.size() == 1) return std::nullopt;
  if (!element && parts.quantity == '\0') element = element_of_name(parts.element);
  return element && chemistry::can_be_weighed(*element) ? element : std::nullopt;
}

}  // namespace

std::optional<int> amount_of_other(std::string_view name) {
  const HeaderParts parts = parts_of(name);
  return parts.of_other ? element_of(parts) : std::nullopt;
}

std::optional<ElementHeader> element_header(std::string_view name) {
  if (const auto exact = chemistry::atomic_number(name)) {
    if (!chemistry::can_be_weighed(*exact)) return std::nullopt;  // "No" heads row numbers
    return ElementHeader{*exact, {}, false};
  }
  HeaderParts parts = parts_of(name);
  if (parts.quantity == 'x' || parts.quantity == 'w') {
    const bool moles = parts.quantity == 'x';
    if (parts.unit.empty()) parts.unit = moles ? "mol/mol" : "g/g";
    if (parts.unit == "%") parts.unit = moles ? "mol%" : "wt%";
  }
  if (parts.unit.empty() || parts.of_other) return std::nullopt;
  const auto element = element_of(parts);
  if (!element) return std::nullopt;
  return ElementHeader{*element, std::move(parts.unit), parts.method};
}

std::optional<int> element_near_name(std::string_view name) {
  if (name.size() < 4) return std::nullopt;  // "Tin" may be a temperature
  const auto element = element_of_name(name);
  constexpr int kLead = 82;
  return element == kLead ? std::nullopt : element;
}

}  // namespace kasetsu::tables
