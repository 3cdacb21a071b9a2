#include "drivers/tables/lost_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/composition.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/column_cells.h"
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

// Metals and semimetals: neither what gases and products are made of nor noble gases.
bool is_metal(int element) {
  static constexpr std::array<int, 9> kOthers = {1, 6, 7, 8, 9, 16, 17, 35, 53};
  return chemistry::can_be_weighed(element) && !chemistry::is_noble_gas(element) &&
         std::find(kOthers.begin(), kOthers.end(), element) == kOthers.end();
}

// The metals of "K", "K2CO3", "potassium", "1% K", "K 1 wt%"; empty: the text is something else.
std::vector<int> metals_of(std::string_view text) {
  const auto without_amount = [](std::string_view word) {
    for (const std::string_view unit : {"wt.%", "wt%", "mol%", "at.%", "at%", "%"}) {
      if (word.starts_with(unit)) return trim(word.substr(unit.size()));
    }
    return word;
  };
  const std::size_t digits = text.find_first_not_of("0123456789.,");
  if (digits == std::string_view::npos) return {};
  if (digits > 0) text = without_amount(trim(text.substr(digits)));
  const std::size_t space = text.find(' ');
  if (space != std::string_view::npos && is_digit(text[std::min(space + 1, text.size() - 1)])) {
    text = text.substr(0, space);
  }
  if (const auto element = chemistry::atomic_number(text)) {
    return is_metal(*element) ? std::vector<int>{*element} : std::vector<int>{};
  }
  if (const auto named = element_near_name(text)) return {*named};
  const auto formula = chemistry::parse_formula(text);
  std::vector<int> metals;
  if (!formula) return metals;
  for (const auto& part : formula->parts()) {
    if (is_metal(part.element)) metals.push_back(part.element);
  }
  return metals;
}

std::vector<std::string> words_of(std::string_view folded) {
  std::vector<std::string> words;
  for (std::string_view rest = folded; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(" _-()[],;:/."), rest.size());
    if (end > 0) words.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return words;
}

// "Modifier", "dopant (1 wt%)", "Zusatz": what is added to a catalyst.
bool names_an_additive(std::string_view header) {
  static constexpr std::array<std::string_view, 30> kWords = {"promoter",
                                                              "promoters",
                                                              "promotor",
                                                              "promoteur",
                                                              "promotore",
                                                              "modifier",
                                                              "modifiers",
                                                              "modifikator",
                                                              "modificador",
                                                              "modifiant",
                                                              "additive",
                                                              "additives",
                                                              "additiv",
                                                              "additif",
                                                              "aditivo",
                                                              "additivo",
                                                              "dopant",
                                                              "dopants",
                                                              "dopand",
                                                              "doping",
                                                              "dopante",
                                                              "dotierung",
                                                              "zusatz",
                                                              "cocatalyst",
                                                              "cometal",
                                                              "\u52A9\u89E6\u5A92",
                                                              "\u6DFB\u52A0\u7269",
                                                              "\u6DFB\u52A0\u5143\u7D20",
                                                              "\u6DFB\u52A0\u91D1\u5C5E",
                                                              "\u52A9\u5242"};
  const std::vector<std::string> words = words_of(fold_name(header));
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return is_among(word, kWords); });
}

bool is_share_word(std::string_view word) {
  static constexpr std::array<std::string_view, 20> kWords = {"ratio",
                                                              "ratios",
                                                              "fraction",
                                                              "share",
                                                              "proportion",
                                                              "portion",
                                                              "content",
                                                              "amount",
                                                              "anteil",
                                                              "gehalt",
                                                              "verh\u00E4ltnis",
                                                              "verhaeltnis",
                                                              "rapport",
                                                              "teneur",
                                                              "contenido",
                                                              "\u6BD4",
                                                              "\u30E2\u30EB\u6BD4",
                                                              "\u539F\u5B50\u6BD4",
                                                              "\u6BD4\u7387",
                                                              "\u5272\u5408"};
  return is_among(word, kWords);
}

// What was measured or fed: nothing of the catalyst's making.
bool is_of_a_measurement(const std::vector<std::string>& words) {
  static constexpr std::array<std::string_view, 36> kWords = {
      "conv",        "conversion", "sel",           "selectivity", "selektivit\u00E4t",
      "umsatz",      "yield",      "ausbeute",      "recovery",    "uptake",
      "consumption", "dispersion", "site",          "sites",       "surface",
      "feed",        "desorbed",   "chemisorption", "leached",     "leaching",
      "gas",         "steam",      "flow",          "product",     "products",
      "rate",        "tof",        "xps",           "xrd",         "xrf",
      "eds",         "edx",        "icp",           "peak",        "intensity",
      "mass"};
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return is_among(word, kWords); });
}

// "K/(K+Ni)", "n(K)/n(Ni)", "K:Ni", "SiO2/Al2O3": the metals of a ratio; empty: it is none.
std::set<int> metals_of_ratio(std::string_view header) {
  std::string plain;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool wraps = i + 1 < header.size() && header[i + 1] == '(' &&
                       (header[i] == 'n' || header[i] == 'x' || header[i] == 'm') &&
                       (i == 0 || header[i - 1] == '/' || header[i - 1] == ':');
    if (wraps || header[i] == '(' || header[i] == ')' || header[i] == ' ') continue;
    plain += header[i];
  }
  std::set<int> metals;
  std::size_t elements = 0, compounds = 0;
  bool ratio = false;
  for (std::string_view rest = plain; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of("/:+"), rest.size());
    ratio = ratio || (end < rest.size() && rest[end] != '+');
    const std::vector<int> some = metals_of(rest.substr(0, end));
    if (some.empty() || is_digit(rest[0])) return {};
    ++(chemistry::atomic_number(rest.substr(0, end)) ? elements : compounds);
    metals.insert(some.begin(), some.end());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  // A catalyst on its support may head a column, too.
  const bool alike = elements == 0 || compounds == 0;
  return ratio && alike && metals.size() > 1 ? metals : std::set<int>{};
}

// "x in CexZr1-xO2": the elements of a formula with a letter for a number.
std::set<int> metals_of_variable(std::string_view header) {
  const std::vector<std::string> words = words_of(header);
  if (words.size() < 3 || words[0].size() != 1 || std::string("xyz").find(words[0]) > 2 ||
      (words[1] != "in" && words[1] != "of" && words[1] != "for")) {
    return {};
  }
  std::set<int> metals;
  const std::string& formula = words[2];
  for (std::size_t at = 0; at < formula.size();) {
    if (formula[at] < 'A' || formula[at] > 'Z') {
      ++at;
      continue;
    }
    std::size_t length = at + 1 < formula.size() && formula[at + 1] >= 'a' ? 2 : 1;
    auto element = chemistry::atomic_number(formula.substr(at, length));
    if (!element && length == 2) element = chemistry::atomic_number(formula.substr(at, length = 1));
    if (element && is_metal(*element)) metals.insert(*element);
    at += length;
  }
  return metals;
}

class LostParts : private ColumnCells {
 public:
  LostParts(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
            const Layout& layout, std::vector<Error>& problems)
      : ColumnCells(sheet, options, file_name), layout_(layout), problems_(problems) {}

  void ask() {
    if (layout_.shape == Shape::automatic) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || asked_about(i)) continue;
      ask_about_additive(i);
      if (!asked_about(i)) ask_about_share(i);
      ask_about_averages(i);
    }
  }

 private:
  bool asked_about(std::size_t column) const {
    const std::string place = csv_place(file_name_, line_, header_[column], column);
    return std::any_of(problems_.begin(), problems_.end(),
                       [&](const Error& one) { return one.where == place; });
  }

  // "average of 2" in a remark beside rows that are measurements: it is not a third one.
  void ask_about_averages(std::size_t column) {
    static constexpr std::array<std::string_view, 13> kWords = {
        "average", "averages",     "averaged", "avg",      "mean",  "means",       "mittelwert",
        "mittel",  "durchschnitt", "moyenne",  "promedio", "media", "\u5E73\u5747"};
    const CsvRecord* average = nullptr;
    std::size_t others = 0;
    for (const CsvRecord* const row : rows_) {
      const std::vector<std::string> words = words_of(fold_name(cell(*row, column)));
      const bool says = !words.empty() && is_among(words.front(), kWords);
      if (says && average == nullptr) average = row;
      others += says ? 0 : 1;
    }
    if (average == nullptr || others == 0) return;
    problems_.push_back(
        {ErrorCode::bad_data, "the row is an average beside others that are not",
         csv_place(file_name_, average->line, header_[column], column),
         std::string(cell(*average, column)),
         fmt::format("the measured rows alone; --ignore \"{}\" where it is one", header_[column])});
  }

  // Elements and compounds under "Modifier", and symbols under any header, that the composition of
  // their rows does not hold.
  void ask_about_additive(std::size_t column) {
    const bool named = names_an_additive(header_[column]);
    std::size_t parts = 0, others = 0;
    const CsvRecord* lost = nullptr;
    for (const CsvRecord* const row : rows_) {
      const std::string_view text = cell(*row, column);
      if (is_none(text)) continue;
      const auto element = chemistry::atomic_number(text);
      if (!element && is_usual_null(text)) continue;
      const bool yes_or_no = text == "Y" || text == "N";
      const std::vector<int> metals =
          yes_or_no || read_number(text, style_).ok() ? std::vector<int>{} : metals_of(text);
      const bool is_part = named ? !metals.empty() : element && text.size() == 2;
      ++(is_part && !metals.empty() ? parts : others);
      if (is_part && lost == nullptr && !holds(*row, metals)) lost = row;
    }
    if (lost == nullptr || (named ? parts < others : others > 0)) return;
    problems_.push_back(problem(
        column, "the column holds parts of catalysts, and they would be read without them",
        std::string(cell(*lost, column)),
        fmt::format("the whole catalyst in one column, or columns of elements and their amounts "
                    "(Ni (wt%), K (wt%); M1, M2); --ignore \"{}\" where it is something else",
                    header_[column])));
  }

  // "K:Ni", "Co fraction", "x in CexZr1-xO2", and "Ratio" beside slots.
  void ask_about_share(std::size_t column) {
    if (!begins_with_numbers(column)) return;
    const std::string plain = plain_characters(header_[column]);
    const std::string cased = split_unit(plain).cased;
    const std::vector<std::string> words = words_of(fold_name(plain));
    if (is_of_a_measurement(words)) return;
    std::set<int> metals = metals_of_ratio(plain);
    if (metals.empty()) metals = metals_of_ratio(cased);
    if (metals.empty()) metals = metals_of_variable(plain);
    const bool share = std::any_of(words.begin(), words.end(), is_share_word);
    if (metals.empty() && share) {
      for (const std::string& word : words_of(cased)) {
        const auto element = chemistry::atomic_number(word);
        if (element && is_metal(*element)) metals.insert(*element);
      }
    }
    const bool lost = metals.empty() ? tells_of_slots(plain, words, column) && !has_amounts()
                                     : !tells_amounts_of(metals);
    if (!lost) return;
    problems_.push_back(problem(
        column, "the column tells amounts, and the composition would be read without them",
        header_[column],
        fmt::format("a column of amounts for each element (Ni (wt%), Co (wt%)), or names that "
                    "tell them (Ni0.2Co0.8); --ignore \"{}\" where it is something else",
                    header_[column])));
  }

  // "Ratio", "Molar ratio", "M1:M2", "Loading (wt% on support)": of the parts of the catalyst,
  // whatever they are.
  bool tells_of_slots(std::string_view header, const std::vector<std::string>& words,
                      std::size_t column) const {
    static constexpr std::array<std::string_view, 22> kParts = {
        "metal", "metals", "promoter", "dopant", "active",  "m1",      "m2",     "m3",
        "a",     "b",      "molar",    "mole",   "atomic",  "atom",    "weight", "wt",
        "mol",   "at",     "of",       "the",    "element", "elements"};
    const bool parts = std::all_of(words.begin(), words.end(), [](const std::string& word) {
      return is_share_word(word) || is_among(word, kParts) || is_digit(word[0]);
    });
    const bool says_ratio =
        std::any_of(words.begin(), words.end(), is_share_word) ||
        (words.size() > 1 && header.find_first_of(":/") != std::string_view::npos);
    const bool slots = layout_.shape == Shape::slots || layout_.composition.size() > 1;
    if (parts && says_ratio) return slots || holds_ratios(column);
    return tells_a_loading(header, words);
  }

  // A loading in a unit with words behind it, or of one that is not read.
  static bool tells_a_loading(std::string_view header, const std::vector<std::string>& words) {
    const bool loading = std::any_of(words.begin(), words.end(), [](const std::string& word) {
      return word == "loading" || word == "loadings" || word == "beladung" || word == "charge";
    });
    const bool of_other = std::any_of(words.begin(), words.end(), [](const std::string& word) {
      return word == "catalyst" || word == "bed" || word == "reactor";
    });
    const std::string unit = fold_name(split_unit(header).unit);
    const bool share =
        std::any_of(unit.begin(), unit.end(), [](char c) { return c == '%'; }) ||
        unit.find("ppm") != std::string::npos || unit.find("mol") != std::string::npos ||
        unit.find("monolayer") != std::string::npos || unit.find("g/g") != std::string::npos;
    return loading && !of_other && share;
  }

  // "2:1", "2/1".
  bool holds_ratios(std::size_t column) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string_view text = cell(*row, column);
      const std::size_t sign = text.find_first_of(":/");
      return sign != std::string_view::npos && sign > 0 && sign + 1 < text.size() &&
             is_digit(text[sign - 1]) && is_digit(text[sign + 1]);
    });
  }

  bool begins_with_numbers(std::size_t column) const {
    std::size_t numbers = 0, others = 0;
    for (const CsvRecord* const row : rows_) {
      const std::string_view text = cell(*row, column);
      if (is_none(text) || is_usual_null(text)) continue;
      ++(is_digit(text[0]) ? numbers : others);
    }
    return numbers > others;
  }

  // Whether the composition of a row has all of these elements.
  bool holds(const CsvRecord& row, const std::vector<int>& metals) const {
    const std::set<int> held = elements_of(row);
    return std::all_of(metals.begin(), metals.end(), [&](int one) { return held.contains(one); });
  }

  std::set<int> elements_of(const CsvRecord& row) const {
    std::set<int> held;
    const auto take = [&held](const chemistry::Composition& composition) {
      for (const auto& part : composition.parts()) held.insert(part.element);
    };
    for (std::size_t k = 0; k < layout_.composition.size(); ++k) {
      const std::string_view text = cell(row, layout_.composition[k]);
      if (layout_.shape == Shape::loadings) {
        const auto amount = read_number(text, style_);
        if (amount && amount->value > 0.0) held.insert(layout_.elements[k]);
      } else if (const auto name = named(text)) {
        take(name->active);
      }
    }
    for (const auto& column : {layout_.name, layout_.label}) {
      if (!column) continue;
      if (const auto name = named(cell(row, *column))) take(name->active);
    }
    return held;
  }

  Result<chemistry::Catalyst> named(std::string_view text) const {
    return chemistry::parse_catalyst_name(composition_text(text, style_),
                                          chemistry::SupportTable());
  }

  // Whether the composition tells any amounts.
  bool has_amounts() const {
    if (!layout_.amounts.empty() || layout_.shape == Shape::loadings) return true;
    return std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      return std::any_of(
          layout_.composition.begin(), layout_.composition.end(), [&](std::size_t column) {
            const auto name = named(cell(*row, column));
            return name && std::any_of(name->active.parts().begin(), name->active.parts().end(),
                                       [](const auto& part) { return part.amount != 1.0; });
          });
    });
  }

  // Whether it tells how much of these elements there is in every row that it can be read of.
  bool tells_amounts_of(const std::set<int>& metals) const {
    if (!has_amounts()) return false;
    if (layout_.shape == Shape::loadings) {
      return std::all_of(metals.begin(), metals.end(), [&](int element) {
        return std::find(layout_.elements.begin(), layout_.elements.end(), element) !=
               layout_.elements.end();
      });
    }
    return std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      return holds(*row, {metals.begin(), metals.end()});
    });
  }

  const Layout& layout_;
  std::vector<Error>& problems_;
};

}  // namespace

void ask_about_lost_parts(const Sheet& sheet, const ReadOptions& options,
                          std::string_view file_name, const Layout& layout,
                          std::vector<Error>& problems) {
  LostParts(sheet, options, file_name, layout, problems).ask();
}

}  // namespace kasetsu::tables
