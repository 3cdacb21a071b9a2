#include "drivers/tables/slot_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "core/chemistry/basis.h"
#include "core/chemistry/composition.h"
#include "core/chemistry/element.h"
#include "drivers/tables/column_cells.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/name_amounts.h"

namespace kasetsu::tables {
namespace {

// The part of an element in a catalyst, as a header tells it without a number.
enum class Part { metal, promoter };

std::optional<Part> part_of(std::string_view word) {
  // Letters only; what is left of French and German words without their accents stands here, too.
  static constexpr std::string_view kMetals[] = {
      "metal",         "metals",          "active",      "activemetal",     "activephase",
      "activeelement", "activecomponent", "mainmetal",   "primarymetal",    "firstmetal",
      "noblemetal",    "metall",          "aktivmetall", "aktivkomponente", "hauptmetall",
      "mtal",          "mtalactif",       "metalactif",  "phaseactive"};
  static constexpr std::string_view kPromoters[] = {
      "promoter",       "promotor", "promoteur", "promoters",  "dopant",
      "additive",       "modifier", "cometal",   "copromoter", "secondmetal",
      "secondarymetal", "zusatz",   "dotierung", "dopeur",     "additiv"};
  if (std::find(std::begin(kMetals), std::end(kMetals), word) != std::end(kMetals)) {
    return Part::metal;
  }
  if (std::find(std::begin(kPromoters), std::end(kPromoters), word) != std::end(kPromoters)) {
    return Part::promoter;
  }
  return std::nullopt;
}

// "Promoter 1", "Promoter 2": parts of one kind are told apart by their numbers; 0: none.
struct NumberedPart {
  Part part = Part::metal;
  int number = 0;
  bool operator==(const NumberedPart&) const = default;
};

std::optional<NumberedPart> numbered_part_of(std::string_view word) {
  const std::size_t letters = word.find_last_not_of("0123456789") + 1;
  const auto part = part_of(word.substr(0, letters));
  const std::string_view digits = word.substr(letters);
  if (!part || digits.size() > 1) return std::nullopt;
  return NumberedPart{*part, digits.empty() ? 0 : digits[0] - '0'};
}

// "Promoter loading (wt%)", "wt% promoter", "Loading / wt%": whose amount, and its unit.
struct PartAmount {
  std::optional<NumberedPart> part;
  std::string unit;
};

std::optional<PartAmount> part_amount(std::string_view header) {
  const HeaderName split = split_unit(header);
  PartAmount amount{{}, split.unit};
  std::string rest;
  bool says_amount = false;
  for (std::size_t at = 0; at <= split.name.size();) {
    const std::size_t end = std::min(split.name.find_first_of(" _", at), split.name.size());
    const std::string word = split.name.substr(at, end - at);
    at = end + 1;
    static constexpr std::string_view kAmounts[] = {"loading",  "load",   "content", "amount",
                                                    "beladung", "gehalt", "teneur"};
    if (std::find(std::begin(kAmounts), std::end(kAmounts), word) != std::end(kAmounts)) {
      says_amount = true;
    } else if (amount.unit.empty() && word.size() > 2 && chemistry::told_unit(word)) {
      amount.unit = word;
    } else {
      rest += bare(word);
    }
  }
  const auto unit = chemistry::told_unit(amount.unit);
  if (!amount.unit.empty() && (!unit || unit->weighed)) return std::nullopt;
  if (!says_amount && !unit) return std::nullopt;
  amount.part = numbered_part_of(rest);
  if (!rest.empty() && !amount.part) return std::nullopt;
  return amount;
}

class SlotFinder : private ColumnCells {
 public:
  SlotFinder(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
             const std::vector<Role>& roles)
      : ColumnCells(sheet, options, file_name), roles_(roles) {}

  SlotColumns find(bool pairs_only) {
    numbered_pairs();
    if (!pairs_only) find_others();
    settle_units();
    return std::move(found_);
  }

 private:
  void find_others() {
    if (found_.slots.empty()) numbered();
    if (found_.slots.empty()) parts();
    if (found_.slots.empty()) sites();
  }

  bool is_free(std::size_t column) const {
    return roles_[column] == Role::unused && !header_[column].empty();
  }

  // Symbols in most rows, or in some, and not only the Y and N of yes and no.
  bool holds_symbols_in(std::size_t column, bool most) const {
    std::size_t symbols = 0, others = 0;
    bool sure = false;
    for (const CsvRecord* const row : rows_) {
      const std::string_view text = cell(*row, column);
      if (is_no_symbol(text)) continue;
      const bool symbol = chemistry::atomic_number(text).has_value();
      ++(symbol ? symbols : others);
      sure = sure || (symbol && text != "Y" && text != "N");
    }
    return sure && (!most || symbols > others);
  }

  // "-" and "n/a" say so as well as none.
  static bool is_no_symbol(std::string_view text) {
    return is_none(text) || text == "-" || small_letters(text) == "n/a";
  }

  void add_amount(std::size_t slot, std::size_t column, const std::string& unit) {
    found_.amounts.emplace_back(slot, column);
    found_.amount_units.push_back(unit.empty() ? unit_below(column) : unit);
  }

  // The first that is told. Empty: none is.
  std::string told_unit() const {
    for (const std::string& unit : found_.amount_units) {
      if (!unit.empty()) return unit;
    }
    return {};
  }

  // Amounts without a unit beside some with one are asked about. Two writings of one unit are one.
  void settle_units() {
    const std::string told = told_unit();
    const auto first = chemistry::told_unit(told);
    for (std::size_t k = 0; !told.empty() && k < found_.amount_units.size(); ++k) {
      std::string& own = found_.amount_units[k];
      if (own.empty()) own = unit_of_numbers(options_);
      const auto unit = chemistry::told_unit(own);
      if (unit && first && unit->basis == first->basis && unit->scale == first->scale) own = told;
      if (!own.empty()) continue;
      const std::size_t column = found_.amounts[k].second;
      found_.problems.push_back(
          problem(column, "amounts without a unit stand beside amounts with one", header_[column],
                  fmt::format("its unit in the header (\"{0} ({1})\"), or --ignore \"{0}\"",
                              header_[column], told)));
    }
  }

  // "Metal 1, wt% 1, Metal 2, wt% 2": slots whose amounts stand beside them.
  void numbered_pairs() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const auto number = slot_near_miss(header_[i]);
      if (!is_free(i) || !number) continue;
      for (std::size_t j = 0; j < header_.size(); ++j) {
        const auto amount = slot_amount(header_[j]);
        if (!is_free(j) || !amount || amount->number != *number) continue;
        found_.slots.push_back(i);
        add_amount(i, j, amount->unit);
        break;
      }
    }
  }

  // "Metal 1, Metal 2": numbers from one without a gap, over symbols.
  void numbered() {
    std::set<int> numbers;
    std::vector<std::size_t> slots;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const auto number = slot_near_miss(header_[i]);
      if (!is_free(i) || !number) continue;
      if (!holds_symbols_in(i, true) || !numbers.insert(*number).second) return;
      slots.push_back(i);
    }
    if (slots.empty() || *numbers.rbegin() != static_cast<int>(slots.size())) return;
    found_.slots = std::move(slots);
  }

  // Beside one column of symbols another one has unusual cells, which are problems of their rows.
  std::vector<NumberedPart> take_parts() {
    std::vector<NumberedPart> parts;
    bool most = false;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const auto part = numbered_part_of(bare(header_[i]));
      if (!is_free(i) || !part || !holds_symbols_in(i, false)) continue;
      most = most || holds_symbols_in(i, true);
      found_.slots.push_back(i);
      parts.push_back(*part);
    }
    if (most) return parts;
    found_.slots.clear();
    return {};
  }

  // "Metal, Promoter, Support", with "Loading (wt%)" and "Promoter loading (wt%)".
  void parts() {
    const std::vector<NumberedPart> parts = take_parts();
    if (parts.empty()) return;
    std::vector<std::optional<std::size_t>> amount_of(parts.size());
    std::vector<std::pair<std::size_t, std::string>> of_all;
    for (std::size_t j = 0; j < header_.size(); ++j) {
      const auto amount = part_amount(header_[j]);
      if (!is_free(j) || !amount || !mostly_numbers(j)) continue;
      const auto owner = std::find(parts.begin(), parts.end(), amount->part);
      if (!amount->part || std::count(parts.begin(), parts.end(), *amount->part) != 1) {
        of_all.emplace_back(j, amount->unit);
        continue;
      }
      const auto at = static_cast<std::size_t>(owner - parts.begin());
      if (amount_of[at]) continue;
      amount_of[at] = j;
      add_amount(found_.slots[at], j, amount->unit);
    }
    // "Loading" alone is that of the one part without an amount.
    const auto without = std::count(amount_of.begin(), amount_of.end(), std::nullopt);
    if (without == 1 && of_all.size() == 1) {
      const auto at = std::find(amount_of.begin(), amount_of.end(), std::nullopt);
      add_amount(found_.slots[static_cast<std::size_t>(at - amount_of.begin())], of_all[0].first,
                 of_all[0].second);
    } else if (without > 0 && !found_.amounts.empty()) {
      const auto at = std::find(amount_of.begin(), amount_of.end(), std::nullopt);
      const std::size_t slot = found_.slots[static_cast<std::size_t>(at - amount_of.begin())];
      found_.problems.push_back(problem(
          slot, "the other columns of elements have amounts beside them, and this one has none",
          header_[slot],
          fmt::format("a column \"{} loading ({})\", or --ignore \"{}\"", header_[slot],
                      told_unit().empty() ? "wt%" : told_unit(), header_[slot])));
    }
  }

  // "A-site, B-site": what stands on the sites of a perovskite, together.
  void sites() {
    std::vector<std::size_t> named, letters;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (!is_free(i) || !holds_formulas(i)) continue;
      const std::string word = bare(header_[i]);
      if (word == "asite" || word == "bsite") named.push_back(i);
      if (header_[i] == "A" || header_[i] == "B") letters.push_back(i);
    }
    for (const std::vector<std::size_t>& columns : {named, letters}) {
      if (columns.size() < 2 || !found_.slots.empty()) continue;
      found_.slots = columns;
      found_.formulas = true;
    }
  }

  bool holds_formulas(std::size_t column) const {
    return !rows_.empty() && std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string_view text = cell(*row, column);
      return is_no_symbol(text) || chemistry::parse_formula(composition_text(text, style_)).ok();
    });
  }

  const std::vector<Role>& roles_;
  SlotColumns found_;
};

}  // namespace

std::string unit_of_loading(std::string_view header) {
  auto amount = part_amount(header);
  if (!amount || (amount->part && amount->part->part == Part::promoter)) return {};
  // "wt% metal" is one; a bare "wt%" may be the weight of anything.
  const bool bare_unit = !amount->part && bare(header) == bare(amount->unit);
  return bare_unit ? std::string() : std::move(amount->unit);
}

SlotColumns find_slot_columns(const Sheet& sheet, const ReadOptions& options,
                              std::string_view file_name, const std::vector<Role>& roles,
                              bool pairs_only) {
  return SlotFinder(sheet, options, file_name, roles).find(pairs_only);
}

}  // namespace kasetsu::tables
