#include "drivers/tables/lost_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "drivers/tables/amount_mention.h"
#include "drivers/tables/cells.h"
#include "drivers/tables/composition_cells.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/part_words.h"
#include "drivers/tables/sheet_lines.h"

namespace kasetsu::tables {
namespace {

template <std::size_t size>
bool is_among(std::string_view word, const std::array<std::string_view, size>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What was measured or fed: nothing of the catalyst's making.
bool is_of_a_measurement(const std::vector<std::string>& words) {
  static constexpr std::array<std::string_view, 35> kWords = {
      "conv",        "conversion", "sel",           "selectivity", "selektivit\u00E4t",
      "umsatz",      "yield",      "ausbeute",      "recovery",    "uptake",
      "consumption", "dispersion", "site",          "sites",       "surface",
      "feed",        "desorbed",   "chemisorption", "leached",     "leaching",
      "gas",         "steam",      "flow",          "product",     "products",
      "rate",        "tof",        "xps",           "xrd",         "xrf",
      "eds",         "edx",        "icp",           "peak",        "intensity"};
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
    const std::vector<int> some = part_text(rest.substr(0, end)).metals;
    if (some.empty() || is_digit(rest[0])) return {};
    ++(chemistry::atomic_number(rest.substr(0, end)) ? elements : compounds);
    metals.insert(some.begin(), some.end());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  // A catalyst on its support may head a column, too.
  const bool alike = elements == 0 || compounds == 0;
  return ratio && alike && metals.size() > 1 ? metals : std::set<int>{};
}

// "x in CexZr1-xO2", "x (Ni1-xCox)": the elements of a formula with a letter for a number.
std::set<int> metals_of_variable(std::string_view header) {
  const std::size_t space = header.find(' ');
  if (space != 1 || std::string_view("xyz").find(header[0]) == std::string_view::npos) return {};
  std::string_view formula = trim(header.substr(space));
  for (const std::string_view word : {"in ", "of ", "for "}) {
    if (formula.starts_with(word)) formula = trim(formula.substr(word.size()));
  }
  if (formula.find(header[0]) == std::string_view::npos) return {};
  std::set<int> metals;
  for (std::size_t at = 0; at < formula.size();) {
    if (formula[at] < 'A' || formula[at] > 'Z') {
      ++at;
      continue;
    }
    const bool small = at + 1 < formula.size() && formula[at + 1] >= 'a';
    std::size_t length = small && formula[at + 1] != header[0] ? 2 : 1;
    auto element = chemistry::atomic_number(formula.substr(at, length));
    if (!element && length == 2) element = chemistry::atomic_number(formula.substr(at, length = 1));
    if (element && is_metal(*element)) metals.insert(*element);
    at += length;
  }
  return metals.size() > 1 ? metals : std::set<int>{};
}

class LostParts : private CompositionCells {
 public:
  LostParts(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
            const Layout& layout, std::vector<Error>& problems)
      : CompositionCells(sheet, options, file_name, layout, problems) {}

  void ask() {
    if (layout_.shape == Shape::automatic) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || asked_about(i)) continue;
      if (!told_to_be_none(i)) ask_about_share(i);
      ask_about_averages(i);
    }
  }

 private:
  // "Zr" beside formulas that were told to be the composition.
  bool told_to_be_none(std::size_t column) const {
    return (options_.composition || options_.shape == Shape::formula) &&
           element_header(header_[column]);
  }

  // "average of 2" in a remark beside rows that are measurements: it is not a third one.
  void ask_about_averages(std::size_t column) {
    const auto says = [&](const CsvRecord& row) { return says_summary(cell(row, column)); };
    const auto average =
        std::find_if(rows_.begin(), rows_.end(), [&](const CsvRecord* row) { return says(*row); });
    if (average == rows_.end()) return;
    // The mean of one catalyst beside a measurement of another repeats nothing.
    const CsvRecord* const beside = differing_row(
        [&](const CsvRecord& row) { return std::string(says(row) ? "several" : "one"); });
    if (beside == nullptr) return;
    problems_.push_back(
        {ErrorCode::bad_data, "the row summarises others (an average, a deviation)",
         csv_place(file_name_, (*average)->line, header_[column], column),
         std::string(cell(**average, column)),
         fmt::format("the measured rows alone; --ignore \"{}\" where it is one", header_[column])});
  }

  // "K:Ni", "Co fraction", "x in CexZr1-xO2", "promoter loading", and "Ratio" beside slots.
  void ask_about_share(std::size_t column) {
    if (!begins_with_numbers(column)) return;
    const std::string plain = plain_characters(header_[column]);
    const HeaderName split = split_unit(plain);
    const std::vector<std::string> words = words_of(fold_name(plain));
    const bool measured = is_of_a_measurement(words);
    ToldAmounts told = told_amounts(plain);
    if (told.metals.empty()) told.metals = metals_of_ratio(plain);
    if (told.metals.empty() && !measured) told.metals = metals_of_ratio(split.cased);
    if (told.metals.empty()) told.metals = metals_of_variable(plain);
    if (told.metals.empty() && !measured) told.metals = mentioned_metals(plain);
    if (told.metals.empty()) {
      if (measured && !tells_a_loading(split)) return;
      const bool of_slots = tells_of_slots(split, words, column) && !has_amounts();
      const bool of_something = (told.additive || is_variable(column)) && differs(column);
      if (!of_slots && !of_something) return;
    } else if (tells_amounts_of(told.metals)) {
      return;
    }
    const bool parts_per_million = split.unit == "ppm" && told.metals.size() < 2;
    problems_.push_back(problem(
        column, "the column tells amounts, and the composition would be read without them",
        header_[column],
        fmt::format("a column of amounts for each element (Ni (wt%), Co (wt%){}), or names that "
                    "tell them (Ni0.2Co0.8); --ignore \"{}\" where it is something else",
                    parts_per_million ? "; ppmw where ppm are by weight" : "", header_[column])));
  }

  // Those of "Kaliumgehalt (wt%)"; none where other elements are among them ("I/B ratio").
  static std::set<int> mentioned_metals(std::string_view header) {
    const auto mention = amount_mention(header);
    if (!mention || !std::all_of(mention->elements.begin(), mention->elements.end(), is_metal)) {
      return {};
    }
    return {mention->elements.begin(), mention->elements.end()};
  }

  // Whether rows of one catalyst have different numbers.
  bool differs(std::size_t column) const {
    return differing_row([&](const CsvRecord& row) {
             return std::string(says_nothing_added(cell(row, column)) ? "" : cell(row, column));
           }) != nullptr;
  }

  // "x" of a formula that does not tell it: fractions beside names without amounts.
  bool is_variable(std::size_t column) const {
    if (fold_name(header_[column]) != "x" || has_amounts()) return false;
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const auto number = read_number(cell(*row, column), style_);
      return !number || (number->value >= 0.0 && number->value <= 1.0);
    });
  }

  // "Ratio", "Molar ratio", "M1:M2", "Loading (wt% on support)": of the parts of the catalyst,
  // whatever they are.
  bool tells_of_slots(const HeaderName& header, const std::vector<std::string>& words,
                      std::size_t column) const {
    static constexpr std::array<std::string_view, 31> kParts = {
        "metal",  "metals", "promoter", "dopant", "active",  "m1",          "m2",     "m3",
        "a",      "b",      "molar",    "mole",   "atomic",  "atom",        "weight", "wt",
        "mol",    "at",     "of",       "the",    "element", "elements",    "phase",  "nominal",
        "actual", "target", "real",     "total",  "gew",     "theoretical", "mass"};
    const auto is_part = [](const std::string& word) {
      return is_share_word(word) || is_among(word, kParts) || is_digit(word[0]);
    };
    const bool parts = std::all_of(words.begin(), words.end(), is_part);
    const bool says_share =
        std::any_of(words.begin(), words.end(), is_share_word) ||
        header.cased.find('%') != std::string::npos ||
        (words.size() > 1 && header.cased.find_first_of(":/") != std::string::npos);
    const bool slots = layout_.shape == Shape::slots || layout_.composition.size() > 1;
    if (parts && says_share) {
      return slots || holds_ratios(column) || tells_a_loading(header) ||
             (names_of_several() && differs(column));
    }
    return tells_a_loading(header);
  }

  // Whether a name tells several active elements.
  bool names_of_several() const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const CsvRecord* row) { return elements_of(*row).size() > 1; });
  }

  // A loading in whatever unit, but of the reactor: "Nominal loading", "Loading (atoms/nm2)".
  static bool tells_a_loading(const HeaderName& header) {
    static constexpr std::array<std::string_view, 17> kSays = {
        "metal",       "active", "phase",    "nominal", "actual", "target",
        "theoretical", "real",   "total",    "of",      "the",    "element",
        "elements",    "wt",     "promoter", "dopant",  "metals"};
    const std::vector<std::string> words = words_of(header.name);
    const bool loading = std::any_of(words.begin(), words.end(), is_loading_word);
    const bool share = header.unit.empty() && header.cased.find('%') != std::string::npos;
    const bool says = std::all_of(words.begin(), words.end(), [](const std::string& word) {
      return is_loading_word(word) || is_among(word, kSays);
    });
    return (loading || share) && says && !words.empty() && !is_of_reactor(header.unit);
  }

  // Weights, volumes and times, by the area of an electrode, too: "mg", "mg/cm2", but not "mg/g".
  static bool is_of_reactor(std::string_view text) {
    static constexpr std::array<std::string_view, 7> kOthers = {"ml",  "mL", "cm3",    "s",
                                                                "min", "h",  "\u00B0C"};
    const std::string unit = fold_name(text);
    if (is_among(text, kOthers) || unit.find("bed") != std::string::npos ||
        unit.find("reactor") != std::string::npos) {
      return true;
    }
    for (const std::string_view weight : {"mg", "kg", "\u03BCg", "g"}) {
      if (unit.starts_with(weight)) return unit.find('g', weight.size()) == std::string::npos;
    }
    return false;
  }

  static bool is_loading_word(std::string_view word) {
    static constexpr std::array<std::string_view, 7> kWords = {
        "loading",  "loadings",           "beladung",          "charge",
        "coverage", "\u62C5\u6301\u91CF", "\u62C5\u6301\u7387"};
    return is_among(word, kWords);
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

  // Whether it tells how much of these elements there is in every row that it can be read of.
  bool tells_amounts_of(const std::set<int>& metals) const {
    if (!has_amounts()) return false;
    if (layout_.shape == Shape::loadings) {
      return std::all_of(metals.begin(), metals.end(), [&](int element) {
        return std::find(layout_.elements.begin(), layout_.elements.end(), element) !=
                   layout_.elements.end() ||
               (metals.size() == 1 &&
                std::any_of(rows_.begin(), rows_.end(),
                            [&](const CsvRecord* row) { return holds(*row, {element}, true); }));
      });
    }
    return std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      return holds(*row, {metals.begin(), metals.end()});
    });
  }
};

}  // namespace

void ask_about_lost_parts(const Sheet& sheet, const ReadOptions& options,
                          std::string_view file_name, const Layout& layout,
                          std::vector<Error>& problems) {
  LostParts(sheet, options, file_name, layout, problems).ask();
}

}  // namespace kasetsu::tables
