#include "daemon/campaign/starting/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "daemon/campaign/file/campaign_file.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/name_amounts.h"
#include "drivers/tables/problems.h"
#include "drivers/tables/profile_text.h"
#include "drivers/tables/units.h"

namespace kasetsu::campaign {
namespace {

using tables::toml_text;

constexpr double kRounding = 0.005;  // how far from the whole a campaign takes a sum for it
constexpr std::size_t kMostLevels =
    12;  // of a condition or a grid that are listed as they were seen

std::string list_of(const std::set<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) out += (out.size() > 1 ? ", " : "") + toml_text(name);
  return out + "]";
}

// A file's name in a comment, which ends with its line.
std::string one_line(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = ' ';
  }
  return text;
}

bool is_multiple(double value, double step) {
  const double times = value / step;
  return std::abs(times - std::round(times)) < 1e-6;
}

double rounded(double value, int digits) {
  return parse_number(fmt::format("{:.{}g}", value, digits)).value_or(value);
}

// Few values as they are; of many, about eight between the least and the largest.
std::set<double> levels_of(const std::set<double>& seen) {
  if (seen.size() <= kMostLevels) return seen;
  constexpr int kSteps = 7;
  const double low = *seen.begin();
  const double high = *seen.rbegin();
  std::set<double> levels;
  for (int i = 0; i <= kSteps; ++i) levels.insert(rounded(low + (high - low) * i / kSteps, 3));
  if (low > 0.0) levels.erase(0.0);
  return levels;
}

// What the table's catalysts are made of.
struct Seen {
  std::set<std::string> elements, supports, preparations;
  std::set<double> amounts, totals;
  std::size_t least_elements = chemistry::kLastAtomicNumber;
  std::size_t most_elements = 0;

  explicit Seen(const tables::Table& table) {
    for (const chemistry::Catalyst& catalyst : table.catalysts) {
      const auto parts = catalyst.active.parts();
      for (const auto& part : parts) {
        elements.insert(std::string(chemistry::element_symbol(part.element)));
        amounts.insert(rounded(part.amount, 9));
      }
      if (!catalyst.support.empty()) supports.insert(catalyst.support);
      preparations.insert(catalyst.preparation);
      if (parts.empty()) continue;
      most_elements = std::max(most_elements, parts.size());
      least_elements = std::min(least_elements, parts.size());
      // Rounded, so that 0.1 + 0.2 + 0.7 is 1.
      totals.insert(std::round(catalyst.active.total() * 1e6) / 1e6);
    }
  }

  // Compositions of fractions or percent, whatever their rounding. Loadings on a support that
  // happen to be alike are none.
  bool same_total() const {
    if (*totals.rbegin() > 1.02 * *totals.begin()) return false;
    return supports.empty() || total() == 1.0 || total() == 100.0;
  }
  bool whole_numbers() const {
    return std::all_of(amounts.begin(), amounts.end(),
                       [](double a) { return a >= 1.0 && a <= 20.0 && is_multiple(a, 1.0); });
  }
  // Counts of atoms that places can hold.
  bool counts() const { return !totals.empty() && whole_numbers() && *totals.rbegin() <= 20.0; }
  double total() const {
    const double middle = 0.5 * (*totals.begin() + *totals.rbegin());
    for (const double usual : {1.0, 100.0}) {
      if (std::abs(middle / usual - 1.0) < 0.02) return usual;
    }
    return rounded(middle, 4);
  }
};

// A number with the only element on a support is no ratio: it is rather a loading.
bool has_lone_numbers(const tables::Table& table) {
  return table.shape == tables::Shape::formula &&
         std::any_of(table.catalysts.begin(), table.catalysts.end(), [](const auto& catalyst) {
           const auto& parts = catalyst.active.parts();
           return !catalyst.support.empty() && parts.size() == 1 && parts.front().amount != 1.0;
         });
}

std::string slots_text(const Seen& seen, const tables::Table& table) {
  const bool by_columns = table.shape == tables::Shape::slots;
  const auto largest = static_cast<std::size_t>(std::lround(*seen.totals.rbegin()));
  const std::size_t slots =
      std::min<std::size_t>(20, std::max(largest, by_columns ? table.slot_columns.size() : 1));
  const bool none = *seen.totals.begin() < static_cast<double>(slots);
  return fmt::format(
      "kind = \"slots\"         # places that are filled with elements\n"
      "{}slots = {}\n"
      "none = {}               # whether a place may stay empty\n"
      "repetition = {}         # whether an element may take several places\n",
      has_lone_numbers(table) ? "# assumed: the numbers of the table's names count atoms; where "
                                "they are amounts, draft "
                                "again with --name-amounts wt% (or mol%)\n"
                              : "",
      slots, none, *seen.amounts.rbegin() > 1.0);
}

std::string simplex_text(const Seen& seen, std::size_t most_elements) {
  const double total = seen.total();
  const auto fits = [&](double percent) {
    return std::all_of(seen.amounts.begin(), seen.amounts.end(),
                       [&](double a) { return is_multiple(100.0 * a / total, percent); });
  };
  constexpr double kSteps[] = {50.0, 25.0, 20.0, 10.0, 5.0, 2.5, 2.0, 1.0};
  const auto found = std::find_if(std::begin(kSteps), std::end(kSteps), fits);
  const bool exact = found != std::end(kSteps);
  return fmt::format(
      "kind = \"simplex\"       # amounts that add up to the same total\n"
      "step_at_percent = {:g}{}\n"
      "min_elements = {}\n"
      "max_elements = {}\n"
      "total = {:g}\n",
      exact ? *found : 5.0, exact ? "" : "    # assumed: the table's amounts lie on no common step",
      std::min(seen.least_elements, most_elements), most_elements, total);
}

// Why the amounts have this unit; empty: the table tells it.
std::string unit_comment(const tables::Table& table, bool told) {
  if (told) return "";
  return table.amounts.empty()
             ? "   # assumed: the table tells no unit of its amounts"
             : fmt::format("   # made of the table's {}, which do not go together as they are",
                           table.amounts);
}

std::string grid_text(const Seen& seen, const std::string& unit, const std::string& comment,
                      std::size_t most_elements) {
  const std::set<double> levels = levels_of(seen.amounts);
  return fmt::format(
      "kind = \"grid\"          # every element in one of these amounts\n"
      "{}loadings = [{}]\n"
      "loading_unit = {}{}\n"
      "min_elements = {}\n"
      "max_elements = {}\n",
      levels == seen.amounts
          ? ""
          : fmt::format(
                "# assumed: the table has {} different amounts from {:g} to {:g}; write what "
                "can be made\n",
                seen.amounts.size(), *seen.amounts.begin(), *seen.amounts.rbegin()),
      fmt::join(levels, ", "), toml_text(unit), comment,
      std::min(seen.least_elements, most_elements), most_elements);
}

// A header as the name of a condition that no other has.
std::string condition_name(const std::string& header, std::set<std::string>& taken) {
  std::string name = tables::campaign_name(header, tables::kConditionNames);
  if (name.empty()) name = "condition";
  const std::string first = name;
  for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{}_{}", first, n);
  return name;
}

std::string conditions_text(const tables::Table& table) {
  if (table.condition_names.empty()) return "";
  std::string text = "\n[conditions]\n";
  std::set<std::string> taken;
  for (std::size_t c = 0; c < table.condition_names.size(); ++c) {
    std::set<double> seen;
    for (const double value : table.conditions.col(static_cast<Eigen::Index>(c))) {
      if (std::isfinite(value)) seen.insert(value);
    }
    if (seen.empty()) continue;
    const std::string& header = table.condition_names[c];
    const std::string name = condition_name(header, taken);
    if (name != header) text += fmt::format("# the table's column {}\n", toml_text(header));
    const std::set<double> levels = levels_of(seen);
    if (levels != seen) {
      text += fmt::format("# assumed: the table has {} values from {:g} to {:g}\n", seen.size(),
                          *seen.begin(), *seen.rbegin());
    }
    text += fmt::format("{} = [{}]\n", toml_text(name), fmt::join(levels, ", "));
  }
  return text;
}

// The basis that the headers of the amounts tell, all in the same unit.
chemistry::CompositionRules rules_of(const tables::Table& table,
                                     const tables::ReadOptions& options) {
  chemistry::CompositionRules rules;
  std::optional<chemistry::ToldUnit> unit;
  if (table.shape == tables::Shape::formula) {
    unit = chemistry::told_unit(tables::unit_of_numbers(options));
    if (!unit) unit = chemistry::told_unit(table.amounts);  // of an export
  }
  for (const tables::ColumnReport& column : table.columns) {
    if (column.use != "element" && column.use != "slot_amount") continue;
    const auto told = chemistry::told_unit(column.unit);
    if (!told || told->weighed || (unit && unit->basis != told->basis)) return {};
    unit = told;
  }
  if (!unit) return rules;
  rules.basis = unit->basis;
  if (unit->basis == chemistry::Basis::mole_fraction && unit->scale != 1.0) rules.total = 100.0;
  return rules;
}

// Whether the table's catalysts have the sums that a campaign in this basis asks for.
bool add_up(const tables::Table& table, chemistry::CompositionRules rules) {
  rules.plain_names_are_amounts = false;
  return std::all_of(table.catalysts.begin(), table.catalysts.end(), [&](const auto& catalyst) {
    const double whole = rules.whole(!catalyst.support.empty());
    return whole == 0.0 || catalyst.active.empty() ||
           std::abs(catalyst.active.total() - whole) <= kRounding * whole;
  });
}

// The rows whose amounts do not sum to the whole where most rows' nearly do: they are wrong, or not
// measured completely.
std::vector<Error> rows_without_the_whole(const tables::Table& table,
                                          chemistry::CompositionRules rules,
                                          std::string_view file_name) {
  constexpr double kNear = 0.02;  // such a sum is meant to be the whole
  constexpr std::array<double, 3> kScales = {1.0, 0.01, 100.0};  // fractions and percent
  rules.plain_names_are_amounts = false;
  std::vector<Error> wrong;
  std::size_t rows = 0, whole = 0;
  for (std::size_t i = 0; i < table.catalysts.size(); ++i) {
    const chemistry::Catalyst& catalyst = table.catalysts[i];
    if (catalyst.active.empty()) continue;
    ++rows;
    const double wanted = rules.whole(!catalyst.support.empty());
    if (wanted == 0.0) return {};
    const double sum = catalyst.active.total();
    const auto within = [&](double share) {
      return std::any_of(kScales.begin(), kScales.end(), [&](double scale) {
        return std::abs(sum * scale / wanted - 1.0) <= share;
      });
    };
    if (within(kNear)) ++whole;
    if (within(kRounding)) continue;
    wrong.push_back(
        {ErrorCode::bad_data, "the amounts do not sum to the whole, and those of most rows do",
         csv_place(file_name, table.lines[i]), fmt::format("{:.6g} {}", sum, table.amounts),
         "the missing amounts; or the table without this row"});
  }
  return 2 * whole > rows ? wrong : std::vector<Error>();
}

// Shares of the whole that leave most rows' wholes open, and no support is told that could be the
// rest: they can be read in no basis.
Status check_rest(const tables::Table& table, chemistry::CompositionRules rules,
                  std::string_view file_name) {
  rules.plain_names_are_amounts = false;
  double least = std::numeric_limits<double>::infinity(), most = 0.0;
  for (const chemistry::Catalyst& catalyst : table.catalysts) {
    if (!catalyst.support.empty() || rules.whole(false) == 0.0) return {};
    if (catalyst.active.empty()) continue;
    least = std::min(least, catalyst.active.total());
    most = std::max(most, catalyst.active.total());
  }
  if (most == 0.0) return {};
  return Error{
      ErrorCode::bad_data,
      fmt::format("the amounts are shares of the whole ({}), sum to {:.4g} to {:.4g}, and no "
                  "support is told",
                  table.amounts, least, most),
      std::string(file_name), "",
      "a column Support, where the rest is one; else the elements that are missing"};
}

// Formulas of bulk catalysts tell shares of atoms.
bool are_bulk_formulas(const tables::Table& table) {
  const Seen seen(table);
  return table.shape == tables::Shape::formula && seen.supports.empty() && !seen.elements.empty() &&
         !seen.counts();
}

std::string composition_text(const chemistry::CompositionRules& rules, const tables::Table& table) {
  std::string text;
  if (rules.basis) {
    const bool headers = std::any_of(
        table.columns.begin(), table.columns.end(), [](const tables::ColumnReport& column) {
          return column.use == "element" || column.use == "slot_amount";
        });
    text = fmt::format("basis = {}   # as the table's {}\n",
                       toml_text(chemistry::kBasisNames.to_name(*rules.basis)),
                       headers                                           ? "headers say"
                       : *rules.basis == chemistry::Basis::mole_fraction ? "formulas say"
                                                                         : "names were told");
    if (rules.total > 0.0) text += fmt::format("total = {:g}\n", rules.total);
  }
  const auto merged =
      std::find_if(table.notes.begin(), table.notes.end(), [](const std::string& note) {
        return note.find("in nothing but oxygen") != std::string::npos;
      });
  if (merged != table.notes.end()) {
    text += "# oxygen = \"counted\"    # " + merged->substr(0, merged->find(". oxygen")) + "\n";
  }
  return text.empty() ? text : "[composition]\n" + text + "\n";
}

// What the person says of the target's unit against what the table does.
Status check_unit(const DraftRequest& request, const tables::Table& table) {
  for (const tables::ColumnReport& column : table.columns) {
    if (column.use != "value" || column.name != table.target_names.front()) continue;
    if (column.unit.empty() || (request.unit.empty() && tables::same_unit(column.unit, "1"))) {
      continue;
    }
    if (tables::same_unit(column.unit, request.unit)) continue;
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("the table's column {} is in {}", toml_text(column.header), column.unit),
        "--unit", request.unit, column.unit};
  }
  return {};
}

std::string whole_text(const DraftRequest& request, const tables::Table& table, const Seen& seen,
                       const chemistry::CompositionRules& rules, std::size_t most_elements) {
  const bool slots = !rules.basis && (table.shape == tables::Shape::slots || seen.counts());
  const std::string unit =
      rules.basis ? std::string(rules.unit()) : std::string(request.loading_unit);
  std::string text = fmt::format(
      "# Drafted from {} ({} rows). Read it, and correct what is meant otherwise.\n"
      "format = 1\n"
      "name = {}\n\n"
      "[[targets]]\n"
      "name = {}\n"
      "unit = {}\n"
      "goal = {}\n"
      "# hit_threshold = ...     # as good as this counts as a hit\n\n"
      "{}[[space]]\n"
      "{}elements = {}\n",
      one_line(request.file_name), table.catalysts.size(), toml_text(request.name),
      toml_text(tables::campaign_name(table.target_names.front(), tables::kPropertyNames)),
      toml_text(request.unit), toml_text(request.goal), composition_text(rules, table),
      slots ? slots_text(seen, table)
      : seen.same_total()
          ? simplex_text(seen, most_elements)
          : grid_text(seen, unit, unit_comment(table, rules.basis.has_value()), most_elements),
      list_of(seen.elements));
  if (!slots && most_elements < seen.most_elements) {
    text += fmt::format(
        "# assumed: at most {} elements, so that the candidates can be counted; the "
        "table has up to {}\n",
        most_elements, seen.most_elements);
  }
  if (!seen.supports.empty()) text += fmt::format("supports = {}\n", list_of(seen.supports));
  if (seen.preparations.size() > 1 || !seen.preparations.begin()->empty())
    text += fmt::format("preparations = {}\n", list_of(seen.preparations));
  text += conditions_text(table);
  // Eight descriptors want more than a hundred catalysts; two are few enough for twenty.
  const int size = std::clamp(static_cast<int>(table.catalysts.size()) / 12, 1, 8);
  return text +
         fmt::format(
             "\n[model]\n"
             "size = {}                # descriptors in a hypothesis; the paper's 8 want 100 "
             "catalysts\n\n"
             "[planner]\n"
             "batch = {}\n",
             size, request.batch);
}

Result<DraftedFile> draft_of(const DraftRequest& request, const tables::Table& table,
                             const chemistry::SupportTable& supports,
                             const chemistry::CompositionRules& rules) {
  const Seen seen(table);
  if (seen.elements.empty()) {
    return Error{ErrorCode::bad_data, "no catalyst of the table has an active element",
                 request.file_name, "", "a table of catalysts"};
  }
  for (auto most = std::min<std::size_t>(seen.most_elements, kMostElements);; --most) {
    DraftedFile draft{whole_text(request, table, seen, rules, most), 0};
    const auto config = parse_campaign(draft.text, "the draft", kToml, supports);
    // Too many candidates to count: fewer elements in each.
    if (!config && most <= 1) return config.error();
    if (!config) continue;
    const auto space = planning::CandidateSpace::make(config->space);
    if (!space) return space.error().in(request.file_name);
    draft.space_size = space->size();
    return draft;
  }
}

}  // namespace

Result<DraftedFile> draft_campaign_file(const DraftRequest& request, tables::ReadOptions options,
                                        const ReadTable& read,
                                        const chemistry::SupportTable& supports) {
  options.missing_targets = true;  // what was not measured yet is part of the space, too
  auto table = read(options);
  if (!table) return table.error();
  if (Status unit = check_unit(request, *table); !unit.ok()) return unit.error();
  // In the basis that was seen: what the headers tell is not converted to anything else.
  options.rules = rules_of(*table, options);
  if (!options.rules.basis && are_bulk_formulas(*table)) {
    options.rules.basis = chemistry::Basis::mole_fraction;
  }
  if (options.rules.basis) {
    auto again = read(options);
    if (again && add_up(*again, options.rules)) {
      table = std::move(again);
    } else {
      const tables::Table& seen = again ? *again : *table;
      const auto wrong = rows_without_the_whole(seen, options.rules, request.file_name);
      if (!wrong.empty()) return tables::together(request.file_name, wrong);
      if (Status rest = check_rest(seen, options.rules, request.file_name); !rest.ok()) {
        return rest.error();
      }
      options.rules = {};
    }
  }
  return draft_of(request, *table, supports, options.rules);
}

}  // namespace kasetsu::campaign
