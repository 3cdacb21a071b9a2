#include "drivers/tables/part_words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/composition.h"
#include "core/chemistry/element.h"
#include "drivers/tables/cells.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"

namespace kasetsu::tables {
namespace {

template <std::size_t size>
bool is_among(std::string_view word, const std::array<std::string_view, size>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

std::optional<int> metal_of_symbol(std::string_view text) {
  const auto element = chemistry::atomic_number(text);
  return element && is_metal(*element) ? element : std::nullopt;
}

// A text without an amount that stands before it, behind it or behind it in brackets; `told`: there
// was one.
std::string_view without_amount(std::string_view text, bool& told) {
  const std::size_t digits = text.find_first_not_of("0123456789.,~<> ");
  if (digits == std::string_view::npos) return {};
  if (digits > 0) {
    told = true;
    text = text.substr(digits);
    for (const std::string_view unit :
         {"wt.%", "wt%", "wt. %", "wt %", "mol%", "mol %", "at.%", "at%", "%"}) {
      if (!text.starts_with(unit)) continue;
      text = trim(text.substr(unit.size()));
      break;
    }
  }
  const auto has_digit = [](std::string_view part) {
    return std::any_of(part.begin(), part.end(), is_digit);
  };
  const std::size_t open = text.rfind('(');
  if (text.ends_with(')') && open != std::string_view::npos && open > 0 &&
      (text[open - 1] == ' ' || is_digit(text[open + 1])) && has_digit(text.substr(open))) {
    told = true;
    return trim(text.substr(0, open));
  }
  const std::size_t space = text.find(' ');
  if (space != std::string_view::npos && space + 1 < text.size() && is_digit(text[space + 1])) {
    told = true;
    return text.substr(0, space);
  }
  return text;
}

// "K+", "La3+", "Ni(II)" without the charge.
std::string_view without_charge(std::string_view text, bool& told) {
  for (const std::string_view charge : {"(I)", "(II)", "(III)", "(IV)"}) {
    if (text.ends_with(charge)) return text.substr(0, text.size() - charge.size());
  }
  for (const std::string_view plus : {"+", "\u207A"}) {
    if (!text.ends_with(plus)) continue;
    std::string_view ion = text.substr(0, text.size() - plus.size());
    while (!ion.empty() && (is_digit(ion.back()) || ion.back() == '^')) ion.remove_suffix(1);
    if (!metal_of_symbol(ion)) continue;
    told = true;
    return ion;
  }
  return text;
}

// One part, without a list of them.
PartText one_part(std::string_view text) {
  PartText part;
  text = without_charge(without_amount(trim(text), part.sure), part.sure);
  if (text.empty()) return {};
  if (const auto element = metal_of_symbol(text)) {
    part.metals = {*element};
    part.sure = part.sure || text.size() == 2;
    return part;
  }
  if (const auto named = element_near_name(text)) return {{*named}, true};
  const auto formula = chemistry::parse_formula(text);
  if (!formula) return {};
  for (const auto& one : formula->parts()) {
    if (is_metal(one.element)) part.metals.push_back(one.element);
  }
  const bool all_capitals = std::all_of(text.begin(), text.end(), is_capital);
  if (all_capitals && text.size() > 2) return {};  // "PVP"
  part.sure = part.sure || (formula->parts().size() > 1 && !all_capitals);
  return part;
}

// Oxides by the names of supports.
std::vector<int> metals_of_oxide_name(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kNames = {
      {{"silica", "Si"},
       {"alumina", "Al"},
       {"titania", "Ti"},
       {"zirconia", "Zr"},
       {"ceria", "Ce"},
       {"magnesia", "Mg"},
       {"lanthana", "La"},
       {"yttria", "Y"},
       {"calcia", "Ca"}}};
  if (word == "sar") return {13, 14};  // silica to alumina ratio
  for (const auto& [name, symbol] : kNames) {
    if (name == word) return {*chemistry::atomic_number(symbol)};
  }
  return {};
}

bool is_additive_word(std::string_view word) {
  static constexpr std::array<std::string_view, 31> kWords = {
      "promoter",  "promoters",   "promotor",    "promoteur", "promotore",  "modifier",
      "modifiers", "modifikator", "modificador", "modifiant", "additive",   "additives",
      "additiv",   "additif",     "aditivo",     "additivo",  "dopant",     "dopants",
      "dopand",    "doping",      "dopante",     "dotierung", "zusatz",     "cocatalyst",
      "cometal",   "alkali",      "subpromoter", "doped",     "copromoter", "exchange",
      "exchanged"};
  static constexpr std::array<std::string_view, 9> kParts = {"\u52A9\u89E6\u5A92",
                                                             "\u6DFB\u52A0\u7269",
                                                             "\u6DFB\u52A0\u5143\u7D20",
                                                             "\u6DFB\u52A0\u91D1\u5C5E",
                                                             "\u6DFB\u52A0\u5264",
                                                             "\u4FC3\u9032\u5264",
                                                             "\u52A9\u5242",
                                                             "\u6539\u6027\u5242",
                                                             "\u63BA\u6742"};
  return is_among(word, kWords) || std::any_of(kParts.begin(), kParts.end(), [&](auto part) {
           return word.find(part) != std::string_view::npos;
         });
}

// Words that say how an amount is told.
bool is_amount_word(std::string_view word) {
  static constexpr std::array<std::string_view, 33> kWords = {"concentration",
                                                              "conc",
                                                              "\u6FC3\u5EA6",
                                                              "wt",
                                                              "mol",
                                                              "mole",
                                                              "moles",
                                                              "molar",
                                                              "at",
                                                              "atom",
                                                              "atoms",
                                                              "ppm",
                                                              "atomic",
                                                              "ppmw",
                                                              "mmol",
                                                              "weight",
                                                              "eq",
                                                              "equiv",
                                                              "equivalents",
                                                              "percent",
                                                              "gew",
                                                              "masse",
                                                              "nominal",
                                                              "theoretical",
                                                              "level",
                                                              "degree",
                                                              "added",
                                                              "dose",
                                                              "n",
                                                              "x",
                                                              "w",
                                                              "c",
                                                              "y"};
  return is_among(word, kWords);
}

bool is_filler(std::string_view word) {
  static constexpr std::array<std::string_view, 17> kWords = {
      "of",    "to",     "in", "the",     "and",      "per", "for", "metal", "metals",
      "total", "target", "en", "element", "elements", "by",  "g",   "von"};
  return is_among(word, kWords);
}

// "kaliumgehalt", "ceria content" in one word: what stands before "gehalt".
std::string_view without_share_ending(std::string_view word, bool& share) {
  for (const std::string_view last : {"gehalt", "anteil", "menge", "konzentration", "beladung"}) {
    if (word.size() <= last.size() || !word.ends_with(last)) continue;
    share = true;
    return word.substr(0, word.size() - last.size());
  }
  return word;
}

class AmountWords {
 public:
  explicit AmountWords(std::string_view header)
      : percent_(header.find('%') != header.npos), amount_(header.starts_with('[')) {
    for (const std::string& word : words_of(header)) {
      if (known_) take(word);
    }
  }

  ToldAmounts told() const {
    const bool catalyst_itself = tokens_ > 1 && !share_ && !amount_;
    if (!known_ || catalyst_itself) return {};
    // "K %" is potassium; "Y (%)" a yield.
    const bool sign = tokens_ == 1 && sign_ != '\0' && !share_ && !amount_ &&
                      !(percent_ && sign_ == 'K') && !additive_;
    if (sign) return {};
    return told_;
  }

 private:
  void take(const std::string& word) {
    const std::string small = fold_name(word);
    if (std::all_of(word.begin(), word.end(), is_digit)) return;
    if (is_share_word(small)) {
      share_ = true;
    } else if (const auto element = metal_of_symbol(word)) {
      if (word.size() == 1) sign_ = word[0];
      add({*element});
    } else if (is_amount_word(small)) {
      amount_ = true;
    } else if (is_additive_word(small)) {
      additive_ = told_.additive = true;
    } else if (!is_filler(small)) {
      take_compound(word, small);
    }
  }

  void take_compound(const std::string& word, const std::string& small) {
    const std::string_view name = without_share_ending(small, share_);
    if (const auto named = element_near_name(name)) return add({*named});
    if (const auto oxide = metals_of_oxide_name(name); !oxide.empty()) {
      amount_ = true;
      return add(oxide);
    }
    if (word.size() > 1 && (word[0] == 'n' || word[0] == 'x')) {
      if (const auto element = metal_of_symbol(std::string_view(word).substr(1))) {
        amount_ = true;
        return add({*element});
      }
    }
    const auto formula = chemistry::parse_formula(word);
    const bool code = std::all_of(word.begin(), word.end(), is_capital);  // "ICP"
    if (!formula || formula->parts().size() < 2 || code) {
      known_ = false;
      return;
    }
    const std::size_t before = told_.metals.size();
    for (const auto& part : formula->parts()) {
      if (is_metal(part.element)) told_.metals.insert(part.element);
    }
    ++tokens_;
    known_ = told_.metals.size() > before;
  }

  void add(const std::vector<int>& metals) {
    ++tokens_;
    told_.metals.insert(metals.begin(), metals.end());
  }

  bool percent_, amount_;
  bool known_ = true;  // each word is
  bool share_ = false, additive_ = false;
  std::size_t tokens_ = 0;  // words for elements and compounds
  char sign_ = '\0';        // a symbol of one letter
  ToldAmounts told_;
};

}  // namespace

bool is_metal(int element) {
  static constexpr std::array<int, 9> kOthers = {1, 6, 7, 8, 9, 16, 17, 35, 53};
  return chemistry::can_be_weighed(element) && !chemistry::is_noble_gas(element) &&
         std::find(kOthers.begin(), kOthers.end(), element) == kOthers.end();
}

PartText part_text(std::string_view text) {
  if (PartText one = one_part(text); !one.metals.empty()) return one;
  PartText all;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of("+,;/&-"), rest.size());
    const PartText part = one_part(rest.substr(0, end));
    if (part.metals.empty()) return {};
    all.metals.insert(all.metals.end(), part.metals.begin(), part.metals.end());
    all.sure = all.sure || part.sure;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return all;
}

bool says_nothing_added(std::string_view text) {
  if (is_none(text) || text == "0") return true;
  if (chemistry::atomic_number(text) && text != "No") return false;
  if (is_usual_null(text)) return true;
  static constexpr std::array<std::string_view, 16> kFirst = {
      "no",  "none",       "not",     "without",    "ohne", "kein", "keine",    "sans",
      "sin", "unpromoted", "undoped", "unmodified", "bare", "pure", "pristine", "parent"};
  const std::string folded = fold_name(text);
  const std::vector<std::string> words = words_of(folded);
  return folded.starts_with("w/o") || (!words.empty() && is_among(words.front(), kFirst)) ||
         folded.starts_with("\u7121") || folded.starts_with("\u65E0");
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  bool ideographs = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool sign = std::string_view(" _-()[],;:/.%+=|'").find(c) != std::string_view::npos;
    const bool dash = text.substr(at).starts_with("\u2013");
    const auto byte = static_cast<unsigned char>(c);
    // Bytes that continue a character keep what its first one says.
    const bool begins_ideograph = byte >= 0xE3 && byte < 0xF0;
    const bool continues = byte >= 0x80 && byte < 0xC0;
    const bool ideograph = begins_ideograph || (continues && ideographs);
    if ((sign || dash || ideograph != ideographs) && !words.back().empty()) words.emplace_back();
    ideographs = ideograph;
    if (dash) at += 2;
    if (!sign && !dash) words.back() += c;
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

bool names_an_additive(std::string_view header) {
  const std::vector<std::string> words = words_of(fold_name(header));
  const std::string whole = bare(header);
  return whole.find("cocatalyst") != std::string::npos ||
         whole.find("cometal") != std::string::npos ||
         whole.find("copromot") != std::string::npos ||
         std::any_of(words.begin(), words.end(), is_additive_word);
}

bool names_a_part(std::string_view header) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "metal",  "metals",     "metall", "zweitmetall", "component",   "komponente",
      "cation", "kation",     "ion",    "element",     "constituent", "impregnated",
      "prom",   "additional", "added",  "addition"};
  const std::vector<std::string> words = words_of(fold_name(header));
  return names_an_additive(header) ||
         std::any_of(words.begin(), words.end(), [](const std::string& word) {
           return is_among(word, kWords) || word.find("\u91D1\u5C5E") != std::string::npos;
         });
}

bool names_no_part(std::string_view header) {
  static constexpr std::array<std::string_view, 74> kWords = {
      "precursor",   "precursors", "vorstufe",   "salt",       "precipitant", "precipitating",
      "reductant",   "reducing",   "reduction",  "oxidant",    "oxidizing",   "pretreatment",
      "treatment",   "washing",    "wash",       "base",       "acid",        "solvent",
      "electrolyte", "electrode",  "anode",      "cathode",    "counter",     "substrate",
      "radiation",   "source",     "tube",       "standard",   "calibration", "internal",
      "phase",       "phases",     "phasen",     "xrd",        "xps",         "eds",
      "edx",         "xrf",        "icp",        "tem",        "sem",         "tpr",
      "diluent",     "dilution",   "diluted",    "bed",        "reactor",     "reaktor",
      "gas",         "feed",       "purge",      "atmosphere", "flow",        "poison",
      "contaminant", "impurity",   "impurities", "by",         "operator",    "user",
      "person",      "name",       "lab",        "supplier",   "vendor",      "group",
      "series",      "batch",      "well",       "position",   "rig",         "line",
      "reactant",    "product"};
  const std::vector<std::string> words = words_of(fold_name(header));
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return is_among(word, kWords); });
}

bool is_share_word(std::string_view word) {
  static constexpr std::array<std::string_view, 34> kWords = {"ratio",
                                                              "ratios",
                                                              "stoichiometry",
                                                              "st\u00F6chiometrie",
                                                              "composition",
                                                              "fraction",
                                                              "share",
                                                              "proportion",
                                                              "portion",
                                                              "content",
                                                              "amount",
                                                              "loading",
                                                              "loadings",
                                                              "anteil",
                                                              "gehalt",
                                                              "menge",
                                                              "beladung",
                                                              "verh\u00E4ltnis",
                                                              "verhaeltnis",
                                                              "molverh\u00E4ltnis",
                                                              "rapport",
                                                              "teneur",
                                                              "contenido",
                                                              "\u6BD4",
                                                              "\u30E2\u30EB\u6BD4",
                                                              "\u539F\u5B50\u6BD4",
                                                              "\u6BD4\u7387",
                                                              "\u5272\u5408",
                                                              "\u91CF",
                                                              "\u6DFB\u52A0\u91CF",
                                                              "\u542B\u91CF",
                                                              "\u542B\u6709\u91CF",
                                                              "\u62C5\u6301\u91CF",
                                                              "\u62C5\u6301\u7387"};
  return is_among(word, kWords);
}

ToldAmounts told_amounts(std::string_view header) {
  return AmountWords(plain_characters(header)).told();
}

}  // namespace kasetsu::tables
