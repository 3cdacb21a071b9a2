#include "drivers/tables/header_meaning.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/composition.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "core/chemistry/weights.h"
#include "drivers/tables/cells.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Whether what follows a symbol in a name tells an amount: "(wt%)", "_mol", " loading", "%".
bool tells_amount(std::string_view rest) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "at",      "atom", "atomic", "amount", "content", "frac",    "fraction", "load",
      "loading", "mmol", "mol",    "molar",  "percent", "portion", "ppm",      "wt"};
  // What was measured: CO conversion (%), CO sel. (%).
  static constexpr std::array<std::string_view, 10> kOutcomes = {
      "conv",  "conversion", "sel",      "selectivity", "umsatz",
      "yield", "ausbeute",   "recovery", "selektivit",  "balance"};
  bool amount = rest.find('%') != std::string_view::npos;
  for (std::size_t at = 0; at < rest.size();) {
    std::size_t end = at;
    while (end < rest.size() && is_letter(rest[end])) ++end;
    const std::string word = small_letters(rest.substr(at, end - at));
    if (std::find(kOutcomes.begin(), kOutcomes.end(), word) != kOutcomes.end()) return false;
    amount = amount || std::find(kWords.begin(), kWords.end(), word) != kWords.end();
    at = std::max(end, at + 1);
  }
  return amount;
}

// "(CO) (%)", "_C2H4 / %": of which product a selectivity or yield is.
bool is_of_a_product(std::string_view rest) {
  if (rest[0] != '(' && rest[0] != '[' && rest[0] != '_' && rest[0] != ' ') return false;
  rest.remove_prefix(std::min(rest.find_first_not_of("([_ "), rest.size()));
  const std::string_view product = rest.substr(0, rest.find_first_of(")]/ _,"));
  return !product.empty() && product[0] >= 'A' && product[0] <= 'Z' &&
         std::all_of(product.begin(), product.end(),
                     [](char c) { return is_letter(c) || is_digit(c); });
}

}  // namespace

std::string bare(std::string_view name) {
  std::string result;
  for (const char c : small_letters(name)) {
    if (is_letter(c) || is_digit(c)) result += c;
  }
  return result;
}

std::optional<int> slot_number(std::string_view name) {
  if (name.size() < 2 || name.size() > 3 || name[0] != 'M' || name[1] == '0') return std::nullopt;
  int number = 0;
  const auto [end, problem] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  if (problem != std::errc() || end != name.data() + name.size() || number < 1) return std::nullopt;
  return number;
}

std::optional<int> slot_near_miss(std::string_view name) {
  const std::string text = bare(name);
  const std::size_t digits = text.find_first_of("0123456789");
  if (digits == std::string::npos || digits == 0 || text.size() - digits > 3) return std::nullopt;
  if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(digits), text.end(), is_digit)) {
    return std::nullopt;
  }
  const std::string word = text.substr(0, digits);
  const bool only_m = word.find_first_not_of('m') == std::string::npos;
  // "mtal" and "lment" are what is left of the French words.
  static constexpr std::array<std::string_view, 9> kWords = {
      "metal", "slot", "element", "cation", "active", "component", "metall", "mtal", "lment"};
  if (!only_m && std::find(kWords.begin(), kWords.end(), word) == kWords.end()) return std::nullopt;
  int number = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), number);
  return number > 0 ? std::optional<int>(number) : std::nullopt;
}

std::optional<AmountHeader> slot_amount(std::string_view name) {
  const HeaderName split = split_unit(name);
  const std::string_view text = split.name;
  const std::size_t digits = text.find_last_not_of("0123456789");
  if (digits == std::string_view::npos || digits + 1 == text.size() || text.size() - digits > 3) {
    return std::nullopt;
  }
  std::string_view word = trim(text.substr(0, digits + 1));
  while (word.ends_with('_') || word.ends_with('-') || word.ends_with('.')) word.remove_suffix(1);
  static constexpr std::array<std::string_view, 7> kWords = {
      "amount", "content", "loading", "load", "ratio", "fraction", "molar ratio"};
  AmountHeader header;
  if (std::find(kWords.begin(), kWords.end(), word) != kWords.end()) {
    header.unit = split.unit;
  } else if (const auto unit = chemistry::told_unit(word); unit && !unit->weighed) {
    header.unit = std::string(word);
  } else {
    return std::nullopt;
  }
  std::from_chars(text.data() + digits + 1, text.data() + text.size(), header.number);
  return header.number > 0 ? std::optional(header) : std::nullopt;
}

namespace {

constexpr std::array<std::string_view, 12> kSupportWords = {
    "support",     "supports", "supp",    "carrier",  "carriers",     "traeger",
    "tr\u00E4ger", "porteur",  "soporte", "supporto", "\u62C5\u4F53", "\u8F7D\u4F53"};
// What stands before or behind them: "Support oxide", "Tr\u00E4geroxid", "oxide support".
constexpr std::array<std::string_view, 16> kSupportAdditions = {
    "material",    "oxide",   "oxid",   "oxyde",  "metaloxide",
    "name",        "type",    "typ",    "kind",   "catalyst",
    "composition", "formula", "\u7A2E", "\u540D", "\u9178\u5316\u7269",
    "\u6750\u6599"};

// A temperature of the reaction, in the languages of laboratories.
constexpr std::array<std::string_view, 24> kTemperatures = {"t",
                                                            "temp",
                                                            "temperature",
                                                            "temperatur",
                                                            "temp\u00E9rature",
                                                            "temp\u00C9rature",
                                                            "temperatura",
                                                            "temperatuur",
                                                            "\u6E29\u5EA6",
                                                            "\u53CD\u5FDC\u6E29\u5EA6",
                                                            "\u53CD\u5E94\u6E29\u5EA6",
                                                            "reactiontemperature",
                                                            "reactiontemp",
                                                            "reactortemperature",
                                                            "reactortemp",
                                                            "bedtemperature",
                                                            "testtemperature",
                                                            "temperatureofreaction",
                                                            "reaktionstemperatur",
                                                            "reaktortemperatur",
                                                            "temp\u00E9ratureder\u00E9action",
                                                            "temperaturadereacci\u00F3n",
                                                            "treaction",
                                                            "trxn"};

constexpr std::array<std::string_view, 17> kPressures = {"p",
                                                         "press",
                                                         "pressure",
                                                         "totalpressure",
                                                         "reactionpressure",
                                                         "reactorpressure",
                                                         "ptotal",
                                                         "druck",
                                                         "gesamtdruck",
                                                         "reaktionsdruck",
                                                         "pression",
                                                         "presi\u00F3n",
                                                         "presion",
                                                         "pressione",
                                                         "\u5727\u529B",
                                                         "\u538B\u529B",
                                                         "\u53CD\u5FDC\u5727\u529B"};

bool is_one_of(std::string_view text, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// The header without spaces, signs and ASCII capitals; other letters stay.
std::string letters_only(std::string_view name) {
  std::string text;
  for (const char c : fold_name(name)) {
    if (static_cast<unsigned char>(c) >= 0x80 || is_letter(c)) text += c;
  }
  return text;
}

}  // namespace

std::optional<QuantityName> quantity_name(std::string_view name) {
  const bool numbered = !digits_of(fold_name(name)).empty();
  const std::string letters = letters_only(name);
  if (is_one_of(letters, kTemperatures)) return QuantityName{Quantity::temperature, numbered};
  if (is_one_of(letters, kPressures)) return QuantityName{Quantity::pressure, numbered};
  return std::nullopt;
}

bool is_support_name(std::string_view name) {
  return name.find('/') == std::string_view::npos && is_one_of(letters_only(name), kSupportWords);
}

bool describes_support(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return false;
  const std::string letters = letters_only(name);
  const std::string_view text = letters;
  return std::any_of(kSupportWords.begin(), kSupportWords.end(), [&](std::string_view word) {
    return (text.starts_with(word) && is_one_of(text.substr(word.size()), kSupportAdditions)) ||
           (text.ends_with(word) &&
            is_one_of(text.substr(0, text.size() - word.size()), kSupportAdditions));
  });
}

bool is_support_near_miss(std::string_view name) {
  const std::string text = bare(name);
  return text.size() >= 5 && edit_distance(text, "support") <= 2;
}

bool is_formula_name(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames = {
      "formula", "Formula", "composition", "Composition", "catalyst", "Catalyst"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool is_catalyst_word(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kNames = {
      "catalyseur",         "katalysator",        "catalizador",  "catalizzatore", "\u89E6\u5A92",
      "\u50AC\u5316\u5242", "\u89E6\u5A92\u540D", "\u7D44\u6210", "catalysts"};
  return is_one_of(letters_only(name), kNames);
}

bool is_formula_near_miss(std::string_view name) {
  const std::string text = bare(name);
  for (const std::string_view word : {"formula", "composition", "catalyst"}) {
    if (edit_distance(text, word) <= 2) return true;
  }
  return false;
}

std::optional<int> element_near_miss(std::string_view name) {
  if (const auto named = element_near_name(name)) return named;
  std::size_t letters = 0;
  while (letters < name.size() && is_letter(name[letters])) ++letters;
  if (letters == 0 || letters > 2) return std::nullopt;
  std::string symbol = small_letters(name.substr(0, letters));
  symbol[0] = static_cast<char>(symbol[0] - 'a' + 'A');
  const auto element = chemistry::atomic_number(symbol);
  constexpr int kPlutonium =
      94;  // nobody makes catalysts of what comes after it: NO is no nobelium
  if (!element || *element > kPlutonium || symbol == name) return std::nullopt;
  // Single letters in the other case (y, n, x) are names of their own, not misspelt symbols.
  if (letters == name.size()) return letters == 1 ? std::nullopt : element;
  const std::string_view rest = name.substr(letters);
  // CO2, N2O, H2S: molecules.
  if (is_digit(rest[0]) || !tells_amount(rest)) return std::nullopt;
  if (letters == 1 && is_of_a_product(rest)) return std::nullopt;
  // C (%), S (%) and Y (%) are conversion, selectivity and yield.
  if (letters == 1 && std::none_of(rest.begin(), rest.end(), is_letter)) return std::nullopt;
  return element;
}

std::optional<OxideHeader> oxide_header(std::string_view name) {
  const HeaderName split = split_unit(name);
  const auto unit = chemistry::told_unit(split.unit);
  if (!unit && !split.unit.empty()) return std::nullopt;
  const auto formula = chemistry::parse_formula(split.cased);
  constexpr int kOxygen = 8;
  if (!formula || formula->parts().size() != 2 || formula->amount(kOxygen) == 0.0) {
    return std::nullopt;
  }
  const auto& parts = formula->parts();
  const chemistry::Composition::Part& metal = parts[parts[0].element == kOxygen ? 1 : 0];
  // Gases and water are in feeds: H2O, CO2, NO, SO2, oxides of halogens.
  for (const int gas : {1, 6, 7, 9, 16, 17, 35, 53}) {
    if (metal.element == gas) return std::nullopt;
  }
  const auto weight = chemistry::atomic_weight(metal.element);
  const auto oxygen = chemistry::atomic_weight(kOxygen);
  if (!weight || !oxygen) return std::nullopt;
  const bool by_weight = !unit || unit->basis == chemistry::Basis::wt_percent_of_catalyst ||
                         unit->basis == chemistry::Basis::mass_fraction;
  const double of_metal = *weight * metal.amount;
  return OxideHeader{
      split.cased, std::string(chemistry::element_symbol(metal.element)), split.unit,
      by_weight ? of_metal / (of_metal + *oxygen * formula->amount(kOxygen)) : metal.amount};
}

std::string oxide_advice(const OxideHeader& oxide) {
  const std::string unit = oxide.unit.empty() ? "wt%" : oxide.unit;
  return fmt::format("amounts of elements, such as {} ({}): 1 {} of {} is {:.4g} of {}{}",
                     oxide.symbol, unit, unit, oxide.name, oxide.share, oxide.symbol,
                     oxide.unit.empty() ? ", where the numbers are weights" : "");
}

namespace {

// Shares of a catalyst in units that are not read: a percent sign or a fraction, and no other words
// than those that say of what ("% en poids", "w/w %", "g/100 g", "mmol/gcat").
bool is_unread_share(std::string_view unit) {
  if (chemistry::told_unit(unit)) return false;
  static constexpr std::array<std::string_view, 30> kWords = {
      "w",  "wt", "weight", "m",      "mass", "masse", "massique", "en",       "poids", "gew",
      "ma", "at", "atom",   "atomic", "mol",  "mole",  "moles",    "mmol",     "umol",  "g",
      "mg", "kg", "gcat",   "kgcat",  "cat",  "per",   "of",       "catalyst", "by",    "total"};
  bool share = false;
  for (std::size_t at = 0; at < unit.size();) {
    std::size_t end = at;
    while (end < unit.size() && is_letter(unit[end])) ++end;
    const std::string word = small_letters(unit.substr(at, end - at));
    if (end > at && std::find(kWords.begin(), kWords.end(), word) == kWords.end()) return false;
    const bool power = is_digit(unit[at]) && at > 0 && is_letter(unit[at - 1]);
    if (power) return false;  // m2/g
    share = share || word == "per" || (end == at && (unit[at] == '%' || unit[at] == '/'));
    at = std::max(end, at + 1);
  }
  return share;
}

}  // namespace

bool tells_unread_amount(std::string_view name) {
  const HeaderName split = split_unit(name);
  if (split.unit.empty() || !is_unread_share(split.unit)) return false;
  std::string_view text = split.cased;
  for (const std::string_view last : {" content", " loading", " amount"}) {
    if (text.ends_with(last)) text.remove_suffix(last.size());
  }
  const auto element = chemistry::atomic_number(text);
  if (!element) return element_near_name(text).has_value();
  // C (%), S (%) and Y (%) are conversion, selectivity and yield.
  return (text.size() == 2 || split.unit != "%") && chemistry::can_be_weighed(*element) &&
         !chemistry::is_noble_gas(*element);
}

bool tells_loading(std::string_view name) {
  const HeaderName split = split_unit(name);
  const auto unit = chemistry::told_unit(split.unit);
  const bool unread = is_unread_share(split.unit);
  if (!split.unit.empty() && !unread && (!unit || unit->weighed)) return false;  // a force, mg/cm2
  const std::string word = bare(split.cased);
  for (const std::string_view loading :
       {"loading", "metalloading", "promoterloading", "metalcontent", "totalloading", "beladung",
        "metallbeladung"}) {
    if (word == loading) return true;
  }
  const std::size_t digits = std::min(word.find_first_of("0123456789"), word.size());
  const std::string_view head = std::string_view(word).substr(0, digits);
  for (const std::string_view slot :
       {"loadingm", "wtm", "molm", "atm", "amountm", "mwt", "mloading"}) {
    if (digits < word.size() && head == slot) return true;
  }
  return unit &&
         (word.find("loading") != std::string::npos || word.find("metal") != std::string::npos ||
          word.find("promoter") != std::string::npos);
}

std::optional<QuantitySign> quantity_sign(std::string_view name) {
  static constexpr std::array<QuantitySign, 13> kSigns = {{{"P", "phosphorus", "a pressure"},
                                                           {"N", "nitrogen", "a number"},
                                                           {"H", "hydrogen", "an enthalpy"},
                                                           {"S", "sulfur", "a selectivity"},
                                                           {"I", "iodine", "a current"},
                                                           {"V", "vanadium", "a volume"},
                                                           {"F", "fluorine", "a flow"},
                                                           {"K", "potassium", "a constant"},
                                                           {"C", "carbon", "a conversion"},
                                                           {"U", "uranium", "a voltage"},
                                                           {"B", "boron", "a batch"},
                                                           {"W", "tungsten", "a weight"},
                                                           {"Y", "yttrium", "a yield"}}};
  const auto found = std::find_if(kSigns.begin(), kSigns.end(),
                                  [&](const QuantitySign& one) { return one.sign == name; });
  return found == kSigns.end() ? std::nullopt : std::optional(*found);
}

bool looks_like_symbol(std::string_view name) {
  return name.size() == 2 && name[0] >= 'A' && name[0] <= 'Z' && name[1] >= 'a' && name[1] <= 'z';
}

std::string digits_of(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), is_digit);
  return digits;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace kasetsu::tables
