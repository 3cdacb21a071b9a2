#include "drivers/tables/column_questions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/composition.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/amount_mention.h"
#include "drivers/tables/column_cells.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/named_amounts.h"
#include "drivers/tables/sheet_lines.h"

namespace kasetsu::tables {
namespace {

class Questions : private ColumnCells {
 public:
  Questions(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
            const Layout& layout, std::vector<Error>& problems)
      : ColumnCells(sheet, options, file_name),
        title_units_(sheet.title_units),
        layout_(layout),
        problems_(problems) {}

  void ask() {
    ask_about_elements();
    if (problems_.empty() || layout_.shape != Shape::automatic) ask_about_near_misses();
    ask_about_groups();
    ask_about_unnamed_supports();
    ask_about_unread_names();
    ask_about_lost_elements();
    ask_about_numbers_in_names();
    ask_about_lost_amounts();
    ask_about_percent();
  }

 private:
  // A column that is filled in the first row of each group only looks like merged cells.
  void ask_about_groups() {
    std::vector<std::size_t> merged;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (looks_merged(i)) merged.push_back(i);
    }
    // Other parts of the composition that are blank in the same rows belong to the same groups.
    std::string columns;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const bool same = std::any_of(merged.begin(), merged.end(), [&](std::size_t one) {
        return one == i || (is_part(i) && blank_together(i, one));
      });
      if (same) columns += fmt::format(" \"{}\"", header_[i]);
    }
    for (const std::size_t i : merged) {
      problems_.push_back(problem(
          i, "the column is filled in the first row of each group only; do blank cells repeat it?",
          std::string(cell(*rows_.front(), i)),
          fmt::format("--fill-down{}, or none in cells that hold nothing", columns)));
    }
    if (merged.empty()) ask_about_halves();
    if (merged.empty()) ask_about_missing_supports();
  }

  bool is_part(std::size_t column) const {
    const Role role = layout_.roles[column];
    return role == Role::support || role == Role::formula || role == Role::slot ||
           role == Role::slot_amount || role == Role::element || role == Role::preparation;
  }

  bool blank_together(std::size_t a, std::size_t b) const {
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      return filled_cells(*row) < 2 || !cell(*row, b).empty() || cell(*row, a).empty();
    });
  }

  // Rows whose composition is blank altogether, below a row that has one.
  bool looks_merged(std::size_t column) const {
    const Role role = layout_.roles[column];
    const bool amounts = role == Role::slot || role == Role::element;
    if (role != Role::support && role != Role::formula && !amounts) return false;
    std::size_t filled = 0, blank = 0, whole = 0;
    std::string_view last;
    bool groups = !rows_.empty() && !cell(*rows_.front(), column).empty();
    for (const CsvRecord* const row : rows_) {
      const std::string_view text = cell(*row, column);
      if (filled_cells(*row) < 2) continue;
      if (text.empty()) {
        ++blank;
        whole += composition_is_blank(*row) ? 1 : 0;
        continue;
      }
      groups = groups && (amounts || text != last) && small_letters(text) != "none";
      ++filled;
      last = text;
    }
    if (amounts) return blank > 0 && whole > 0 && !cell(*rows_.front(), column).empty();
    return groups && blank > 0 && (2 * blank >= filled + blank || (whole > 0 && whole == blank));
  }

  // Nor does the row say in another way which catalyst it is about.
  bool composition_is_blank(const CsvRecord& row) const {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if ((is_part(i) || layout_.roles[i] == Role::own) && !cell(row, i).empty()) return false;
    }
    return true;
  }

  // Filling down one part of a composition whose other parts are blank in the same rows would make
  // other catalysts of them.
  void ask_about_halves() {
    if (options_.fill_down.empty()) return;
    std::vector<bool> filled_down(header_.size());
    for (const std::string& name : options_.fill_down) {
      const auto found = std::find(header_.begin(), header_.end(), trim_name(name));
      if (found != header_.end())
        filled_down[static_cast<std::size_t>(found - header_.begin())] = true;
    }
    std::string others;
    std::size_t first = 0;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (!is_part(i) || filled_down[i]) continue;
      const bool blank_in_rows = std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
        bool rest = true;
        for (std::size_t j = 0; j < header_.size(); ++j) {
          rest = rest && (!is_part(j) || filled_down[j] || cell(*row, j).empty());
        }
        return rest;
      });
      if (!blank_in_rows || cell(*rows_.front(), i).empty()) continue;
      if (others.empty()) first = i;
      others += fmt::format(" \"{}\"", header_[i]);
    }
    if (others.empty()) return;
    problems_.push_back(problem(
        first, "rows whose other parts of the composition are filled down have nothing here", "",
        fmt::format("--fill-down{}{}, or none in cells that hold nothing",
                    join_options(options_.fill_down), others)));
  }

  static std::string join_options(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += fmt::format(" \"{}\"", name);
    return text;
  }

  // One blank support among many that are told is rather forgotten than none.
  void ask_about_missing_supports() {
    if (!layout_.support || rows_.size() < 4) return;
    std::vector<std::size_t> blank;
    bool says = false;
    for (const CsvRecord* const row : rows_) {
      const std::string_view text = cell(*row, *layout_.support);
      if (text.empty() && filled_cells(*row) > 1 && !composition_is_blank(*row)) {
        blank.push_back(row->line);
      }
      says = says || small_letters(text) == "none" || text == "-";
    }
    const bool few = blank.size() == 1 || 10 * blank.size() <= rows_.size();
    if (blank.empty() || (!few && !says)) return;
    problems_.push_back(
        problem(*layout_.support,
                fmt::format("{} {} a blank support where others have one", lines_text(blank),
                            blank.size() == 1 ? "has" : "have"),
                "",
                fmt::format("the support, none where there is none, or --fill-down \"{}\"",
                            header_[*layout_.support])));
  }

  // Oxides under any header beside elements on no support: "Matrix", "Substrate".
  void ask_about_unnamed_supports() {
    const bool told = layout_.support || layout_.name || layout_.label;
    if (told || (layout_.shape != Shape::loadings && layout_.shape != Shape::slots)) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || asked_about(i)) continue;
      if (!holds_oxides(i)) continue;
      problems_.push_back(problem(
          i, "the column holds oxides, and the composition would be read without them", header_[i],
          fmt::format(
              "the header Support where they are the supports; --ignore \"{0}\"{1} "
              "where they are something else",
              header_[i],
              options_.delivery ? std::string() : fmt::format(" or --id \"{}\"", header_[i]))));
    }
  }

  // "Cu/SSZ-13" under "Catalyst" beside "Cu (wt%)": the support stands there only.
  void ask_about_unread_names() {
    const bool told = layout_.support || layout_.name || layout_.label;
    if (told || (layout_.shape != Shape::loadings && layout_.shape != Shape::slots)) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || asked_about(i)) continue;
      std::size_t names = 0, others = 0;
      const CsvRecord* first = nullptr;
      for (const CsvRecord* const row : rows_) {
        const std::string_view text = cell(*row, i);
        if (is_none(text) || is_usual_null(text)) continue;
        const bool name = looks_supported(text);
        if (name && first == nullptr) first = row;
        ++(name ? names : others);
      }
      if (first == nullptr || names < others) continue;
      problems_.push_back(problem(
          i, "the column tells supports, and the composition would be read without them",
          std::string(cell(*first, i)),
          fmt::format("a column Support with what stands behind the metals, or --ignore \"{}\"",
                      header_[i])));
    }
  }

  // An element, a slash or hyphen, and two capitals or a capital and a digit: "Cu-ZSM-5".
  static bool looks_supported(std::string_view text) {
    const std::size_t sign = text.find_first_of("/-");
    if (sign == std::string_view::npos) return false;
    const std::size_t symbol = std::min(text.find_first_not_of("0123456789."), sign);
    const std::string_view head = text.substr(symbol, sign - symbol);
    if (!chemistry::parse_formula(head).ok()) return false;
    const std::string_view behind = text.substr(sign + 1);
    const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (text[sign] == '/') return !behind.empty() && is_capital(behind[0]);
    return std::count_if(behind.begin(), behind.end(), is_capital) > 1;
  }

  // "Metal A, wt% A, Metal B, wt% B": symbols that the columns of amounts of their rows, which were
  // read as those of boron, do not hold.
  void ask_about_lost_elements() {
    if (layout_.shape != Shape::loadings) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || asked_about(i)) continue;
      if (!holds_symbols(i)) continue;
      const auto lost = std::find_if(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
        const auto element = chemistry::atomic_number(cell(*row, i));
        return element && !holds_amount_of(*row, *element);
      });
      if (lost == rows_.end()) continue;
      problems_.push_back(problem(
          i, "the column holds elements, and the composition would be read without them",
          std::string(cell(**lost, i)),
          fmt::format("the headers Metal 1, wt% 1, Metal 2, wt% 2 where amounts stand beside "
                      "elements, or --ignore \"{}\"",
                      header_[i])));
    }
  }

  bool holds_amount_of(const CsvRecord& row, int element) const {
    for (std::size_t k = 0; k < layout_.composition.size(); ++k) {
      if (layout_.elements[k] != element) continue;
      const auto amount = read_number(cell(row, layout_.composition[k]), style_);
      if (amount && amount->value > 0.0) return true;
    }
    return false;
  }

  // Oxides in all cells, of other elements than those of the columns of elements.
  bool holds_oxides(std::size_t column) const {
    constexpr int kOxygen = 8;
    bool any = false;
    const bool all = std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string_view text = cell(*row, column);
      if (is_none(text) || is_usual_null(text)) return true;
      const auto formula = chemistry::parse_formula(composition_text(text, style_));
      if (!formula || formula->amount(kOxygen) == 0.0 || formula->parts().size() < 2) return false;
      any = true;
      return std::none_of(layout_.elements.begin(), layout_.elements.end(),
                          [&](int element) { return formula->amount(element) > 0.0; });
    });
    return any && all;
  }

  // A title above the header tells a unit of amounts, and no column of amounts has one.
  void ask_about_titles() {
    if (title_units_.empty() || layout_.composition.empty() || options_.name_amounts == "none" ||
        std::any_of(layout_.units.begin(), layout_.units.end(),
                    [](const auto& unit) { return !unit.empty(); })) {
      return;
    }
    const auto& [line, unit] = title_units_.front();
    problems_.push_back({ErrorCode::bad_data,
                         fmt::format("the line {} tells a unit, and the amounts have none",
                                     line < line_ ? "above the header" : "below the table"),
                         csv_place(file_name_, line), unit,
                         fmt::format("--name-amounts {} where that is meant, the unit in each "
                                     "header, such as {} ({}), or --name-amounts none where the "
                                     "line is about something else",
                                     unit, header_[layout_.composition.front()], unit)});
  }

  // Columns whose names are symbols, and that hold no amounts of an element.
  void ask_about_elements() {
    if (layout_.shape != Shape::loadings) return;
    ask_about_titles();
    ask_about_fractions();
    for (std::size_t k = 0; k < layout_.composition.size(); ++k) {
      const std::size_t i = layout_.composition[k];
      const auto number = [&](const CsvRecord* row) {
        return read_number(cell(*row, i), style_).ok();
      };
      const auto wrong = std::find_if(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
        return !is_amount(cell(*row, i)) && !number(row);
      });
      if (chemistry::is_noble_gas(layout_.elements[k])) {
        problems_.push_back(problem(
            i, "a noble gas is in no catalyst; is this column something else, such as a gas flow?",
            header_[i], fmt::format("--ignore \"{0}\", or --conditions \"{0}\"", header_[i])));
      } else if (!options_.delivery && looks_like_a_quantity(k)) {
        problems_.push_back(problem(
            i, "amounts of an element, or a quantity of the same sign?", header_[i],
            fmt::format(
                "--ignore \"{0}\" or --conditions \"{0}\"; where they are amounts, a unit in the "
                "headers of all elements (\"{0} (at%)\"), or --name-amounts",
                header_[i])));
      } else if (is_foreign(k)) {
        problems_.push_back(problem(
            i, "the campaign's space has no such element; is this column something else?",
            header_[i],
            fmt::format("--ignore \"{0}\"; where they are amounts, a unit in the headers of all "
                        "elements (\"{0} (at%)\"), --name-amounts with the unit of all, or {0} "
                        "among the elements of the campaign",
                        header_[i])));
      } else if (wrong != rows_.end() && std::none_of(rows_.begin(), rows_.end(), number)) {
        problems_.push_back(
            problem(i, "the column has the name of an element and holds no amounts",
                    std::string(cell(**wrong, i)),
                    fmt::format("amounts, or --ignore \"{}\" when it is no element", header_[i])));
      }
    }
  }

  // Amounts under a bare symbol that no catalyst of the campaign has: P may be a pressure. A unit
  // says what they are, and so does a profile.
  bool is_foreign(std::size_t k) const {
    const std::vector<int>& own = options_.rules.elements;
    constexpr int kOxygen = 8;
    if (!options_.delivery || own.empty() || !layout_.units[k].empty() ||
        layout_.elements[k] == kOxygen ||
        std::binary_search(own.begin(), own.end(), layout_.elements[k])) {
      return false;
    }
    return std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const auto amount = read_number(cell(*row, layout_.composition[k]), style_);
      return amount && amount->value != 0.0;
    });
  }

  // Amounts that sum to 1 or 100 in every row are a whole composition.
  bool are_shares() const {
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      double sum = 0.0;
      for (const std::size_t column : layout_.composition) {
        const auto amount = read_number(cell(*row, column), style_);
        sum += amount ? amount->value : 0.0;
      }
      return std::abs(sum - 1.0) <= 0.02 || std::abs(sum - 100.0) <= 2.0;
    });
  }

  // The sign of a quantity away from the other elements, such as a selectivity behind the support.
  bool stands_apart(std::size_t k) const {
    const std::size_t at = layout_.composition[k];
    return std::none_of(layout_.composition.begin(), layout_.composition.end(),
                        [&](std::size_t other) { return other + 1 == at || other == at + 1; });
  }

  // Where one sign is doubtful, the others are, too.
  bool any_sign_is_doubtful() const {
    if (are_shares()) return false;
    for (std::size_t k = 0; k < layout_.composition.size(); ++k) {
      if (!layout_.units[k].empty() || !is_sign(k)) continue;
      const bool seldom =
          std::string_view("HIFUN").find(header_[layout_.composition[k]]) != std::string_view::npos;
      if (seldom || stands_apart(k) || outweighs(k)) return true;
    }
    return false;
  }

  // P, T, F, S, ...: the sign of a quantity that is in every row and outweighs all elements
  // together is rather a pressure, a flow or a selectivity; and nobody makes catalysts of radium.
  bool looks_like_a_quantity(std::size_t k) const {
    if (!layout_.units[k].empty() || layout_.composition.size() < 2 || rows_.empty()) return false;
    constexpr int kBismuth = 83, kThorium = 90, kUranium = 92;
    const int element = layout_.elements[k];
    if (element > kBismuth && element != kThorium && element != kUranium) return true;
    return is_sign(k) && (outweighs(k) || any_sign_is_doubtful());
  }

  bool outweighs(std::size_t k) const {
    constexpr double kFar = 2.5;
    const bool only_signs = [&] {
      for (std::size_t j = 0; j < layout_.composition.size(); ++j) {
        if (!is_sign(j)) return false;
      }
      return true;
    }();
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      double own = 0.0, others = 0.0;
      for (std::size_t j = 0; j < layout_.composition.size(); ++j) {
        const auto amount = read_number(cell(*row, layout_.composition[j]), style_);
        if (!amount) continue;
        if (j == k) {
          own = amount->value;
        } else if (only_signs || !is_sign(j)) {
          others += amount->value;
        }
      }
      return own > kFar * others;
    });
  }

  // Of an element, and of a quantity: pressure, number, enthalpy, selectivity, voltage, flow, ...
  bool is_sign(std::size_t k) const {
    return quantity_sign(header_[layout_.composition[k]]).has_value();
  }

  // Whether a row's support, or the support in its name, is this oxide.
  bool is_a_support(const std::string& oxide) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      for (const auto& column : {layout_.support, layout_.name}) {
        if (column && cell(*row, *column).ends_with(oxide)) return true;
      }
      return false;
    });
  }

  // "Al2O3 (wt%)" beside "Ni (wt%)".
  bool ask_about_oxide(std::size_t column) {
    const auto oxide = oxide_header(header_[column]);
    if (!oxide || !mostly_numbers(column) || is_a_support(oxide->name)) {
      return false;
    }
    problems_.push_back(
        problem(column, "the column holds an oxide, and the composition would be read without it",
                header_[column],
                fmt::format("{}; a column Support where it is the support; or --ignore \"{}\"",
                            oxide_advice(*oxide), header_[column])));
    return true;
  }

  // "x(Ni)" is a fraction of moles, and its numbers may be percent.
  void ask_about_fractions() {
    for (std::size_t k = 0; k < layout_.composition.size(); ++k) {
      const std::size_t column = layout_.composition[k];
      const bool fraction = layout_.units[k] == "mol/mol" || layout_.units[k] == "g/g";
      if (!fraction || header_[column].find(layout_.units[k]) != std::string::npos) continue;
      if (!unit_below(column).empty()) continue;
      const auto above = std::find_if(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
        const auto amount = read_number(cell(*row, column), style_);
        return amount && amount->value > 1.0;
      });
      if (above == rows_.end()) continue;
      problems_.push_back(problem(column, "the header tells a fraction, and a number is above 1",
                                  std::string(cell(**above, column)),
                                  fmt::format("the unit in the header, such as {} ({})",
                                              chemistry::element_symbol(layout_.elements[k]),
                                              layout_.units[k] == "g/g" ? "wt%" : "mol%")));
    }
  }

  bool asked_about(std::size_t column) const {
    const std::string place = csv_place(file_name_, line_, header_[column], column);
    return std::any_of(problems_.begin(), problems_.end(),
                       [&](const Error& one) { return one.where == place; });
  }

  // "No" and its like, which head row numbers and other things.
  static bool never_weighed(std::string_view symbol) {
    const auto element = chemistry::atomic_number(symbol);
    return element && !chemistry::can_be_weighed(*element);
  }

  void ask_about_near_misses() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty()) continue;
      const std::string& name = header_[i];
      std::string meant;
      if (layout_.shape == Shape::loadings && ask_about_oxide(i)) continue;
      if (layout_.shape == Shape::slots) {
        if (const auto number = slot_near_miss(name)) {
          meant = fmt::format("M{}", *number);
        } else if (holds_elements(i)) {
          meant = fmt::format("M{}", layout_.composition.size() + 1);
        }
      } else if (layout_.shape == Shape::loadings &&
                 (mostly_numbers(i) || (!rows_.empty() && all_blank(i)))) {
        if (const auto element = element_near_miss(name)) {
          meant = chemistry::element_symbol(*element);
          // "CO" beside "Co", and "Ag XRF (at.%)" beside "Ag (at.%)", are something else.
          if (std::find(layout_.elements.begin(), layout_.elements.end(), *element) !=
              layout_.elements.end()) {
            meant.clear();
          }
        } else if (looks_like_symbol(name) && name != "Id" && !never_weighed(name) &&
                   !asked_about(i)) {
          problems_.push_back(
              problem(i, "unknown element", name,
                      "a chemical symbol such as Li; a column that is no element is named by "
                      "--target, --conditions, --id or --ignore"));
        }
      }
      if (layout_.shape == Shape::formula && holds_elements(i) && !repeats_composition(i)) {
        problems_.push_back(problem(
            i, "the column holds elements, and the composition would be read without them", name,
            fmt::format("M1, M2, ... as the headers of all columns of elements, or --ignore \"{}\"",
                        name)));
        continue;
      }
      if (meant.empty() && !layout_.support && is_support_near_miss(name)) meant = "Support";
      if (meant.empty() || asked_about(i)) continue;
      problems_.push_back(problem(
          i, "the column is no part of the composition, but looks like it", name,
          fmt::format(
              "the header {0} (or {0} with a unit, such as {0} (wt%)), if {0} is meant; else "
              "--ignore \"{1}\"; did you mean {0}?",
              meant, name)));
    }
  }

  // Formulas and names whose elements have amounts other than one.
  bool names_tell_amounts() const {
    if (layout_.shape != Shape::formula || layout_.composition.empty()) return false;
    return std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const auto name = chemistry::parse_catalyst_name(
          composition_text(cell(*row, layout_.composition.front()), style_),
          chemistry::SupportTable());
      if (!name) return false;
      const auto& parts = name->active.parts();
      return std::any_of(parts.begin(), parts.end(),
                         [](const auto& part) { return part.amount != 1.0; });
    });
  }

  // "5Ni/Al2O3" beside "Ni/MgO" or "Ni5/MgO": a number with the only element on a support is no
  // ratio, and what it is must be told.
  void ask_about_numbers_in_names() {
    // Slots count atoms.
    const bool told = !options_.name_amounts.empty() || options_.rules.basis.has_value() ||
                      options_.rules.slots > 0;
    if (told || layout_.shape != Shape::formula || layout_.composition.size() != 1 ||
        !layout_.amounts.empty()) {
      return;
    }
    const std::size_t column = layout_.composition.front();
    const CsvRecord* before = nullptr;
    const CsvRecord* behind = nullptr;
    const CsvRecord* without = nullptr;
    for (const CsvRecord* const row : rows_) {
      const std::string text = composition_text(cell(*row, column), style_);
      const auto name = chemistry::parse_catalyst_name(text, chemistry::SupportTable());
      if (!name || name->support.empty() || name->active.parts().size() != 1) continue;
      if (!amounts_of_name(text).empty()) {
        const bool leads = text[0] >= '0' && text[0] <= '9';
        (leads ? before : behind) = row;
      } else if (name->active.parts().front().amount == 1.0) {
        without = row;
      }
    }
    const CsvRecord* const one = before != nullptr ? before : behind;
    const CsvRecord* const other = without != nullptr ? without : behind;
    if (one == nullptr || other == nullptr || one == other) return;
    problems_.push_back(problem(
        column,
        fmt::format("names of one element are written with and without a number before it (lines "
                    "{} and {})",
                    one->line, other->line),
        std::string(cell(*one, column)),
        fmt::format("--name-amounts wt% (or mol%) where the numbers are amounts, and such a number "
                    "in every name, such as 5Ni/MgO for \"{}\"; --name-amounts none where they "
                    "count atoms and other names mean one",
                    cell(*other, column))));
  }

  // "Ni (wt%)" beside "Promoter".
  bool is_amount_beside_slots(std::size_t column) const {
    const auto element = element_header(header_[column]);
    const bool slots = layout_.shape == Shape::slots || layout_.slots_of_formulas;
    if (!slots || !element || element->method) return false;
    const auto unit = chemistry::told_unit(element->unit);
    return unit && !unit->weighed;
  }

  // Whether the composition, as it is read, tells how much of each of these elements there is;
  // none: of anything.
  bool tells_amounts_of(const AmountMention& mention) const {
    if (layout_.shape != Shape::loadings) {
      const bool without_sites = !layout_.slots_of_formulas && names_tell_amounts();
      return !layout_.amounts.empty() || without_sites;
    }
    // Shares of moles do not tell how much is on a support.
    const bool loading =
        std::any_of(layout_.units.begin(), layout_.units.end(), [](const std::string& one) {
          const auto unit = chemistry::told_unit(one);
          return one.empty() || (unit && unit->basis != chemistry::Basis::mole_fraction &&
                                 unit->basis != chemistry::Basis::atomic_ratio);
        });
    if (mention.elements.empty()) return loading || !layout_.support;
    return std::all_of(mention.elements.begin(), mention.elements.end(), [&](int element) {
      return std::find(layout_.elements.begin(), layout_.elements.end(), element) !=
             layout_.elements.end();
    });
  }

  // Numbers, with what may stand behind them: "5 wt%", "3:1".
  bool begins_with_numbers(std::size_t column) const {
    std::size_t numbers = 0, others = 0;
    for (const CsvRecord* const row : rows_) {
      std::string_view text = cell(*row, column);
      if (is_none(text) || is_usual_null(text)) continue;
      while (text.starts_with('<') || text.starts_with('~')) text.remove_prefix(1);
      ++(!text.empty() && text[0] >= '0' && text[0] <= '9' ? numbers : others);
    }
    return numbers > others;
  }

  // "wt% M1", "Loading (wt%)", "Ni-Gehalt (Gew.-%)", "Cu/Zn": amounts beside a composition that
  // has none of them.
  void ask_about_lost_amounts() {
    const bool amounts = !layout_.amounts.empty() || layout_.shape == Shape::loadings ||
                         layout_.shape == Shape::automatic || names_tell_amounts();
    for (std::size_t i = 0; layout_.shape != Shape::automatic && i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty()) continue;
      const auto mention = amount_mention(header_[i]);
      const bool mentioned = mention && begins_with_numbers(i) && !tells_amounts_of(*mention);
      const bool told =
          mentioned || (!amounts && mostly_numbers(i) &&
                        (tells_loading(header_[i]) || tells_unread_amount(header_[i]) ||
                         is_amount_beside_slots(i)));
      if (!told || asked_about(i)) continue;
      problems_.push_back(problem(
          i, "the column tells amounts, and the composition would be read without them", header_[i],
          fmt::format(
              "a column of amounts for each element (Ni (wt%), Co (wt%)), or beside each column of "
              "elements (Metal 1, wt% 1, ...; Metal, Metal loading (wt%), Promoter, Promoter "
              "loading (wt%)), in wt%, at%, mol% or mmol/g, or --ignore \"{}\"",
              header_[i])));
    }
  }

  // Cells with "%" among others without: 12 % beside 0.335.
  void ask_about_percent() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const Role role = layout_.roles[i];
      if (role != Role::target && role != Role::condition && role != Role::element &&
          role != Role::slot_amount) {
        continue;
      }
      const CsvRecord* with = nullptr;
      const CsvRecord* without = nullptr;
      double most_without = 0.0, least_with = std::numeric_limits<double>::infinity();
      for (const CsvRecord* const row : rows_) {
        const auto number = read_number(cell(*row, i), style_);
        if (!number || number->value == 0.0 || number->bound != '\0') continue;
        (number->percent ? with : without) = row;
        if (number->percent) {
          least_with = std::min(least_with, number->value);
        } else {
          most_without = std::max(most_without, number->value);
        }
      }
      if (with == nullptr || without == nullptr) continue;
      const std::string unit =
          split_unit(header_[i]).unit.empty() ? unit_below(i) : split_unit(header_[i]).unit;
      // The sign repeats what the header says, unless the others are fractions.
      const bool fractions = most_without <= 1.0 && least_with > 1.0;
      if (unit.find('%') != std::string::npos && !fractions) continue;
      problems_.push_back(
          problem(i,
                  fmt::format("cells with and without a percent sign stand in one column (lines {} "
                              "and {})",
                              with->line, without->line),
                  std::string(cell(*with, i)), "one writing for all cells"));
    }
  }

  // The same of a column whose header says what it holds, whatever its symbols and some cells.
  bool holds_elements(std::size_t column) const {
    if (holds_symbols(column)) return true;
    const std::string word = bare(header_[column]);
    static constexpr std::string_view kWords[] = {"promoter", "promotor",    "dopant",  "metal",
                                                  "active",   "activemetal", "additive"};
    if (std::find(std::begin(kWords), std::end(kWords), word) == std::end(kWords)) return false;
    std::size_t elements = 0, others = 0;
    bool sure = false;  // not only the Y and N of yes and no
    for (const CsvRecord* const row : rows_) {
      const std::string_view text = cell(*row, column);
      if (is_none(text)) continue;
      const bool element = chemistry::atomic_number(text).has_value();
      ++(element ? elements : others);
      sure = sure || (element && text != "Y" && text != "N");
    }
    if (sure) return elements >= others;
    return elements > 0 && others == 0 && layout_.shape == Shape::formula;
  }

  // Whether each element of the column is in the composition of its row, too.
  bool repeats_composition(std::size_t column) const {
    if (layout_.composition.empty()) return false;
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string_view text = cell(*row, column);
      if (is_none(text)) return true;
      const auto name = chemistry::parse_catalyst_name(
          composition_text(cell(*row, layout_.composition.front()), style_),
          chemistry::SupportTable());
      if (!name) return false;
      if (const auto element = chemistry::atomic_number(text)) {
        return name->active.amount(*element) > 0.0;
      }
      const auto several =
          chemistry::parse_catalyst_name(composition_text(text, style_), chemistry::SupportTable());
      if (!several || several->active.empty()) return false;
      const auto& parts = several->active.parts();
      return std::all_of(parts.begin(), parts.end(),
                         [&](const auto& part) { return name->active.amount(part.element) > 0.0; });
    });
  }

  const std::vector<std::pair<std::size_t, std::string>>& title_units_;
  const Layout& layout_;
  std::vector<Error>& problems_;
};

}  // namespace

void ask_about_columns(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
                       const Layout& layout, std::vector<Error>& problems) {
  Questions(sheet, options, file_name, layout, problems).ask();
}

}  // namespace kasetsu::tables
