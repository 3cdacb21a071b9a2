#include "drivers/tables/row_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"
#include "drivers/tables/cells.h"
#include "drivers/tables/name_amounts.h"
#include "drivers/tables/named_amounts.h"

namespace kasetsu::tables {
namespace {

Error bad(std::string message, std::string value, std::string expected) {
  return Error{ErrorCode::bad_data, std::move(message), {}, std::move(value), std::move(expected)};
}

// "Ni-Al2O3" is nickel on alumina to most who write it, and a mixed oxide to some.
Status check_carrier(const std::string& name) {
  static constexpr std::array<std::string_view, 6> kCarriers = {"Al2O3", "SiO2", "TiO2",
                                                                "ZrO2",  "CeO2", "MgO"};
  const std::string folded = chemistry::fold_name(name);
  const std::vector<chemistry::NamePart> parts = chemistry::split_name(folded);
  if (parts.size() < 2 || folded.find('/') != std::string::npos) return {};
  const std::string_view first = parts.front().text, last = parts.back().text;
  const std::size_t digits = std::min(first.find_first_not_of("0123456789."), first.size());
  const auto element = chemistry::atomic_number(first.substr(digits));
  // "N-TiO2" is doped.
  static constexpr std::array<int, 9> kDopants = {1, 5, 6, 7, 9, 15, 16, 17, 53};
  if (!element || std::find(kDopants.begin(), kDopants.end(), *element) != kDopants.end() ||
      std::find(kCarriers.begin(), kCarriers.end(), last) == kCarriers.end()) {
    return {};
  }
  const auto begin = static_cast<std::size_t>(last.data() - folded.data());
  const std::string actives = folded.substr(0, folded.find_last_not_of("-+ ", begin - 1) + 1);
  return bad(
      fmt::format("{} is a usual support, and no slash stands before it", last), name,
      fmt::format("{}/{}, or its elements without their oxygen if they are active", actives, last));
}

// The elements that a row's columns tell.
std::set<std::string> held_by(const chemistry::ToldCatalyst& told) {
  std::set<std::string> held(told.slots.begin(), told.slots.end());
  for (const chemistry::ToldAmount& one : told.amounts) {
    if (one.amount > 0.0) held.insert(one.symbol);
  }
  return held;
}

std::set<std::string> named_by(const chemistry::Catalyst& name) {
  std::set<std::string> named;
  for (const auto& part : name.active.parts()) {
    named.insert(std::string(chemistry::element_symbol(part.element)));
  }
  return named;
}

bool same_elements(const chemistry::Composition& a, const chemistry::Composition& b) {
  return std::equal(
      a.parts().begin(), a.parts().end(), b.parts().begin(), b.parts().end(),
      [](const auto& one, const auto& other) { return one.element == other.element; });
}

// "Ni:5;K:1/MgO [wt%]": a key with what its export told of its amounts.
std::optional<std::pair<std::string, std::string>> split_exported_key(const std::string& text) {
  const std::size_t bracket = text.rfind(" [");
  if (!text.ends_with(']') || bracket == std::string::npos) return {};
  if (!chemistry::looks_like_key(text)) return {};
  return std::pair(text.substr(0, bracket), text.substr(bracket + 2, text.size() - bracket - 3));
}

std::string joined(const std::set<std::string>& symbols) {
  return symbols.empty() ? "none" : fmt::format("{}", fmt::join(symbols, "-"));
}

Error other_elements(const std::string& name, const AmountColumns& columns,
                     const std::set<std::string>& named, const std::set<std::string>& held) {
  return bad("the name and the columns of amounts tell different elements", name,
             fmt::format("the same elements in both (here {} and {}); or --ignore{} to read the "
                         "names alone",
                         joined(named), joined(held), columns.headers));
}

// The numbers of a name must be the amounts that the columns tell; slots tell one of each.
Status check_numbers(const std::string& name, const AmountColumns& columns,
                     std::vector<chemistry::ToldAmount> held,
                     const std::vector<std::string>& slots) {
  for (const std::string& slot : slots) held.push_back({slot, 1.0});
  const NamedAmounts named = amounts_of_name(name);
  if (columns.measured || named.empty() || amounts_agree(named, held)) return {};
  std::vector<std::string> of_name, of_columns;
  for (const auto& [symbol, amount] : named) {
    of_name.push_back(fmt::format("{:.6g} {}", amount, symbol));
  }
  for (const chemistry::ToldAmount& one : held) {
    if (one.amount == 0.0) continue;
    of_columns.push_back(fmt::format("{:.6g} {}{}{}", one.amount, one.unit,
                                     one.unit.empty() ? "" : " ", one.symbol));
  }
  return bad("the name and the columns tell different amounts", name,
             fmt::format("the same amounts in both (here {} and {}); --ignore{} to read the names "
                         "alone; where the columns hold what was measured, that in their headers, "
                         "such as {} (wt%; measured)",
                         fmt::join(of_name, ", "), fmt::join(of_columns, ", "), columns.headers,
                         named.front().first));
}

}  // namespace

std::vector<std::string> supports_of_table(const Sheet& sheet, const MatchedColumns& columns,
                                           const chemistry::SupportTable& supports) {
  std::set<std::string> texts;
  for (const MatchedColumn& column : columns.columns) {
    const ColumnUse use = column.column.use;
    if (use != ColumnUse::catalyst && use != ColumnUse::support) continue;
    for (const CsvRecord& row : sheet.rows) {
      if (column.at >= row.fields.size()) continue;
      std::string text = composition_text(trim(row.fields[column.at]), sheet.style);
      if (auto exported = split_exported_key(text)) text = std::move(exported->first);
      const std::size_t slash = text.rfind('/');
      if (use == ColumnUse::support) {
        texts.insert(text);
      } else if (slash != std::string::npos && slash > 0) {
        texts.insert(text.substr(slash + 1));
      }
    }
  }
  std::vector<std::string> names;
  for (const std::string& text : texts) {
    if (is_none(text) || is_usual_null(text)) continue;
    if (auto support = supports.read(text); support.ok()) names.push_back(support->name);
  }
  return names;
}

RowNames::RowNames(const ReadOptions& options, const chemistry::SupportTable& supports,
                   const chemistry::CompositionRules& rules)
    : amounts_(unit_of_numbers(options)),
      recognised_(!options.profile),
      of_campaign_(options.delivery || !options.rules.elements.empty()),
      supports_(supports),
      rules_(rules) {
}

Status RowNames::tell(const std::string& name, chemistry::ToldCatalyst& told) const {
  if (const auto exported = split_exported_key(name)) {
    return tell_exported(exported->first, exported->second, told);
  }
  const auto numbered = amounts_.empty() ? std::nullopt : read_numbered_name(name, amounts_);
  if (!numbered) {
    (chemistry::looks_like_key(name) ? told.key : told.name) = name;
    if (of_campaign_ || !told.key.empty()) return {};
    const Status amounts = check_amounts(name);
    return amounts ? check_carrier(name) : amounts;
  }
  for (const auto& [symbol, amount] : numbered->amounts) {
    told.amounts.push_back({symbol, amount, amounts_});
  }
  told.support = numbered->support;
  return {};
}

Status RowNames::tell_exported(const std::string& key, const std::string& unit,
                               chemistry::ToldCatalyst& told) const {
  const bool ratio = unit == kRatioOfExports;
  if (ratio ? rules_.unit().empty() : unit == rules_.unit()) {
    told.key = key;
    return {};
  }
  const auto read = chemistry::parse_key(key, supports_);
  if (!read) return read.error();
  for (const auto& part : read->active.parts()) {
    const std::string symbol(chemistry::element_symbol(part.element));
    if (ratio) {
      told.formula += symbol + format_number(part.amount);
    } else {
      told.amounts.push_back({symbol, part.amount, unit});
    }
  }
  told.support = read->support;
  told.preparation = read->preparation;
  return {};
}

// Where the numbers of names were told to be weights, a name on a support without any tells none.
Status RowNames::check_amounts(const std::string& name) const {
  if (amounts_.empty()) return {};
  const auto read = plainly(name);
  if (!read || read->support.empty() || read->active.empty()) return {};
  return bad("the name tells no amounts, and the numbers of other names are amounts", name,
             fmt::format("an amount in {} before each element, such as 5Ni-2Mg/Al2O3", amounts_));
}

// Without the campaign's basis, in which a name may tell too little.
Result<chemistry::Catalyst> RowNames::plainly(const std::string& name) const {
  chemistry::CompositionRules plain;
  plain.supports = rules_.supports;
  return chemistry::parse_catalyst_name(name, supports_, plain);
}

Result<std::optional<chemistry::Catalyst>> RowNames::of_one_element(const std::string& name) const {
  auto read = plainly(name);
  if (!read || read->active.empty()) return std::optional<chemistry::Catalyst>();
  const auto& parts = read->active.parts();
  if (parts.size() > 1 || (parts.front().amount != 1.0 && amounts_of_name(name).empty())) {
    return bad("one amount stands beside a name of several elements or amounts", name,
               "a column of amounts for each element, such as Ni (wt%)");
  }
  return std::optional(std::move(*read));
}

Status RowNames::check_amount(const std::string& name, const chemistry::ToldAmount& amount,
                              const AmountColumns& columns) const {
  return check_numbers(name, columns, {amount}, {});
}

Status RowNames::take_support(const std::string& name, const AmountColumns& columns,
                              chemistry::ToldCatalyst& told) const {
  const std::set<std::string> held = held_by(told);
  const bool bare = held.empty() && name.find('/') == std::string::npos;
  if (recognised_ && bare && supports_.read(name).ok()) {
    told.support = name;
    return {};
  }
  const auto read = plainly(name);
  if (!read) return recognised_ ? Status(composition_error(read.error(), name)) : Status();
  const std::set<std::string> named = named_by(*read);
  if (named == held) {
    told.support = read->support;
    return recognised_ ? check_numbers(name, columns, told.amounts, told.slots) : Status();
  }
  return recognised_ ? other_elements(name, columns, named, held) : Status();
}

Status RowNames::check_label(const std::string& name, const AmountColumns& columns,
                             const chemistry::ToldCatalyst& told) const {
  const auto read = plainly(name);
  if (!read) return {};
  const std::set<std::string> named = named_by(*read), held = held_by(told);
  if (named != held) {
    if (named.empty() || held.empty()) return {};  // "SiO2" may name the bare support
    return other_elements(name, columns, named, held);
  }
  if (Status same = check_numbers(name, columns, told.amounts, told.slots); !same) return same;
  return read->support.empty() ? Status() : check_support(name, read->support, told.support);
}

// Supports of the same elements are one here: a name may tell less than the column ("Ni/SiO2"
// beside SBA-15).
Status RowNames::check_support(const std::string& name, const std::string& own,
                               const std::string& told) const {
  const auto of_name = supports_.read(own), of_column = supports_.read(told);
  const bool none = told.empty() || chemistry::says_none(told);
  if (!none && (!of_name || !of_column)) return {};  // an error of its own
  if (!none && same_elements(of_name->formula, of_column->formula)) return {};
  return bad("the name and the column of supports tell different supports", name,
             fmt::format("the same support in both (here {} and {})", own, none ? "none" : told));
}

}  // namespace kasetsu::tables
