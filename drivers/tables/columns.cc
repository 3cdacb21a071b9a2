#include "drivers/tables/columns.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/problems.h"
#include "drivers/tables/sheet_lines.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

class Recogniser {
 public:
  Recogniser(const Sheet& sheet, const ReadOptions& options, std::string_view file_name)
      : header_(sheet.header.fields),
        units_(sheet.units),
        title_units_(sheet.title_units),
        style_(sheet.style),
        options_(options),
        file_name_(file_name),
        line_(sheet.header.line) {
    // Rows of another length than the header say nothing of its columns.
    for (const CsvRecord& row : sheet.rows) {
      if (row.fields.size() >= header_.size()) rows_.push_back(&row);
    }
    layout_.roles.assign(header_.size(), Role::unused);
  }

  Result<Layout> run() {
    if (auto status = check_names(); !status) return status.error();
    take_named();
    take_preparation();
    if (options_.delivery) take_known();
    if (auto status = find_shape(); !status) problems_.push_back(status.error());
    ask_about_elements();
    if (problems_.empty() || layout_.shape != Shape::automatic) ask_about_near_misses();
    ask_about_groups();
    ask_about_lost_amounts();
    ask_about_percent();
    if (!problems_.empty() && !options_.look) return together(file_name_, problems_);
    find_id();
    layout_.problems = std::move(problems_);
    return std::move(layout_);
  }

 private:
  Error problem(std::size_t column, std::string message, std::string value,
                std::string expected) const {
    return {ErrorCode::bad_data, std::move(message),
            csv_place(file_name_, line_, header_[column], column), std::move(value),
            std::move(expected)};
  }
  Error problem(std::string message, std::string value, std::string expected) const {
    return {ErrorCode::bad_data, std::move(message), csv_place(file_name_, line_), std::move(value),
            std::move(expected)};
  }

  std::string_view cell(const CsvRecord& row, std::size_t column) const {
    return trim(row.fields[column]);
  }
  bool is_amount(std::string_view cell) const {
    const auto nulls = usual_null_words();
    const auto number = read_number(cell, style_);
    return cell.empty() || (number && number->value >= 0.0) ||
           std::find(nulls.begin(), nulls.end(), small_letters(cell)) != nulls.end();
  }
  bool all_numbers(std::size_t column) const {
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      return cell(*row, column).empty() || read_number(cell(*row, column), style_).ok();
    });
  }
  bool all_blank(std::size_t column) const {
    return std::all_of(rows_.begin(), rows_.end(),
                       [&](const CsvRecord* row) { return cell(*row, column).empty(); });
  }
  std::vector<std::string> quoted_names() const {
    std::vector<std::string> names;
    for (const std::string& name : header_) {
      if (!name.empty()) names.push_back('"' + name + '"');
    }
    return names;
  }

  Status check_names() {
    if (std::all_of(header_.begin(), header_.end(),
                    [](const std::string& name) { return parse_number(name).has_value(); })) {
      return problem("the first line holds numbers, not column names", header_[0],
                     "a header that names the columns (or --columns)");
    }
    for (std::size_t i = 0; i < header_.size(); ++i) {
      // An index without a name (as data frames write it) and empty columns at the end (as
      // spreadsheets do) hold nothing that could be missed.
      if (header_[i].empty() && i != 0 && !all_blank(i)) {
        return problem(i, "a column with values has no name", "", "a name in the header");
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (!header_[i].empty() && header_[i] == header_[j]) {
          return problem(i, fmt::format("columns {} and {} have the same name", j + 1, i + 1),
                         header_[i], "a name of its own for every column");
        }
      }
    }
    return {};
  }

  Result<std::size_t> find(const std::string& name, std::string_view what) const {
    const std::string wanted = trim_name(name);
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (!wanted.empty() && header_[i] == wanted) return i;
    }
    const auto meant = nearest(wanted);
    std::string expected = meant.empty()
                               ? "one of the columns " + join_or(quoted_names())
                               : fmt::format("a column of the table; did you mean \"{}\"?", meant);
    return problem(fmt::format("there is no such {} column", what), name, std::move(expected));
  }

  // The column that was probably meant: misspelt, or told in part ("T50" for "T50(NO)").
  std::string nearest(std::string_view wanted) const {
    for (const std::string& name : nearest_names(wanted, header_, 1)) {
      if (!name.empty()) return name;
    }
    const std::string part = bare(wanted);
    for (const std::string& name : header_) {
      if (part.size() >= 2 && bare(name).find(part) != std::string::npos) return name;
    }
    return "";
  }

  std::optional<std::size_t> take(const std::string& name, Role role, std::string_view what) {
    auto found = find(name, what);
    if (!found) {
      problems_.push_back(found.error());
      return {};
    }
    if (layout_.roles[*found] != Role::unused) {
      problems_.push_back(
          problem(*found, fmt::format("the column is named twice, the second time as {}", what),
                  name, "one use for a column"));
      return {};
    }
    layout_.roles[*found] = role;
    return *found;
  }

  void take_named() {
    for (const std::string& name : options_.targets) {
      if (const auto at = take(name, Role::target, "target")) layout_.targets.push_back(*at);
    }
    for (const std::string& name : options_.conditions) {
      if (const auto at = take(name, Role::condition, "condition")) {
        layout_.conditions.push_back(*at);
      }
    }
    for (const std::string& name : options_.ignore) (void)take(name, Role::ignored, "ignored");
    for (const std::string& name : options_.ignore_present) {
      for (std::size_t i = 0; i < header_.size(); ++i) {
        if (header_[i] == trim(name) && layout_.roles[i] == Role::unused) {
          layout_.roles[i] = Role::ignored;
        }
      }
    }
    if (options_.id) layout_.id = take(*options_.id, Role::id, "id");
    if (options_.composition) {
      if (const auto at = take(*options_.composition, Role::formula, "composition")) {
        layout_.composition = {*at};
      }
    }
  }

  // A preparation is a part of the catalyst, whatever the table is for.
  void take_preparation() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const std::string name = bare(header_[i]);
      if (layout_.roles[i] != Role::unused ||
          (name != "preparation" && name != "preparationmethod")) {
        continue;
      }
      if (layout_.preparation) {
        problems_.push_back(problem(i, "there are two columns of preparations", header_[i],
                                    "one; the other can be left out with --ignore"));
        return;
      }
      layout_.preparation = i;
      layout_.roles[i] = Role::preparation;
    }
  }

  // Of a delivery: the campaign's properties and conditions that are there, columns that say whose
  // row it is, and what comes near to one of them.
  void take_known() {
    const auto take_all = [&](const std::vector<std::string>& names, Role role,
                              const NameLimits& limits, std::vector<std::size_t>& columns) {
      for (const std::string& name : names) {
        const auto at = column_of_name(name, role, limits);
        if (!at || layout_.roles[*at] != Role::unused) continue;
        layout_.roles[*at] = role;
        columns.push_back(*at);
        if (header_[*at] != name) layout_.names[*at] = name;
        take_unit(*at, name, role);
      }
    };
    take_all(options_.known_targets, Role::target, kPropertyNames, layout_.targets);
    take_all(options_.known_conditions, Role::condition, kConditionNames, layout_.conditions);
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] == Role::unused && own_column(header_[i])) layout_.roles[i] = Role::own;
    }
    for (const auto& [names, what] : {std::pair{&options_.known_targets, "property"},
                                      {&options_.known_conditions, "condition"}}) {
      for (const std::string& name : *names) ask_about_near(name, what);
    }
    for (const std::string& name : column_uses()) {
      if (own_column(name)) ask_about_near(name, "column");
    }
    if (layout_.targets.empty()) {
      problems_.push_back(
          problem("the table has no column of a property that the campaign measures", {},
                  options_.known_targets.empty() ? std::string()
                                                 : "a column " + join_or(options_.known_targets)));
    }
  }

  // The name without its unit, and the unit of what is known under it; empty: none is told.
  std::pair<std::string_view, std::string_view> known_unit(std::string_view name, Role role) const {
    if (role == Role::target) {
      const auto known = options_.known_units.find(std::string(name));
      return {name, known == options_.known_units.end() ? std::string_view() : known->second};
    }
    const auto last = name.rfind('_');
    if (last == std::string_view::npos || last == 0 || !is_unit(name.substr(last + 1))) {
      return {name, {}};
    }
    return {name.substr(0, last), name.substr(last + 1)};
  }

  // The header of a campaign's property or condition: its name, or what becomes that name where it
  // holds signs that names cannot hold, or the name with a unit behind it ("C2_yield (%)",
  // "temperature (K)" for temperature_C).
  std::optional<std::size_t> column_of_name(const std::string& name, Role role,
                                            const NameLimits& limits) const {
    const auto [bare_name, unit] = known_unit(name, role);
    std::vector<std::size_t> alike, with_unit;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (header_[i] == name) return i;
      // Drafts of earlier versions kept no sign in a property's name either.
      if (campaign_name(header_[i], limits) == name ||
          campaign_name(header_[i], {limits.longest, kConditionNames.forbidden}) == name) {
        alike.push_back(i);
      }
      const HeaderName split = split_unit(header_[i]);
      if (!unit.empty() && (split.cased == bare_name || split.cased == name) &&
          !split.unit.empty() && convert_units(split.unit, unit).ok()) {
        with_unit.push_back(i);
      }
    }
    if (alike.size() == 1) return alike.front();
    return alike.empty() && with_unit.size() == 1 ? std::optional(with_unit.front()) : std::nullopt;
  }

  // What the header or the line below it says of the unit must fit the campaign's.
  void take_unit(std::size_t column, const std::string& name, Role role) {
    const std::string_view unit = known_unit(name, role).second;
    std::string told = unit_below(column);
    if (told.empty() && header_[column] != name) told = split_unit(header_[column]).unit;
    if (unit.empty() || told.empty()) return;
    if (convert_units(told, unit).ok()) {
      layout_.value_units[column] = {told, std::string(unit)};
    } else {
      problems_.push_back(problem(column, fmt::format("{} is measured in another unit", name), told,
                                  fmt::format("numbers in {}", unit)));
    }
  }

  // Headers that are another writing of a name that the table does not have, or a letter off it.
  void ask_about_near(const std::string& name, std::string_view what) {
    if (std::find(header_.begin(), header_.end(), name) != header_.end()) return;
    if (std::any_of(layout_.names.begin(), layout_.names.end(),
                    [&](const auto& taken) { return taken.second == name; })) {
      return;
    }
    const std::string wanted = bare(name);
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty()) continue;
      const std::string is = bare(header_[i]);
      const std::string without_unit = bare(split_unit(header_[i]).cased);
      const bool near = is == wanted || (!without_unit.empty() && without_unit == wanted) ||
                        (wanted.size() >= 5 && what != "column" && edit_distance(is, wanted) == 1 &&
                         digits_of(is) == digits_of(wanted));
      if (!near) continue;
      problems_.push_back(problem(
          i,
          fmt::format("the column is not used, but nearly has the name of the {} {}", what, name),
          header_[i],
          fmt::format("{}{}, or --ignore \"{}\" when it is something else",
                      header_for(name, what, split_unit(header_[i]).unit),
                      name == "sample" ? fmt::format(", --id \"{}\"", header_[i]) : "",
                      header_[i])));
    }
  }

  // What to write as the header of a column that is meant as `name` and tells this unit.
  std::string header_for(const std::string& name, std::string_view what,
                         const std::string& unit) const {
    const Role role = what == "property" ? Role::target : Role::condition;
    const auto [bare_name, known] = known_unit(name, role);
    if (what == "column" || unit.empty() || known.empty()) return "the header " + name;
    if (convert_units(unit, known).ok()) {
      return fmt::format("the header {} ({}), whose numbers are converted to {}", bare_name, unit,
                         known);
    }
    return fmt::format("the header {} over numbers in {}", name, known);
  }

  Status find_shape() {
    std::vector<std::size_t> slots, elements, formulas, with_unit;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused) continue;
      if (slot_number(header_[i])) slots.push_back(i);
      const auto element = element_header(header_[i]);
      if (element) (element->unit.empty() ? elements : with_unit).push_back(i);
      if (is_formula_name(header_[i])) formulas.push_back(i);
      if (is_support_name(header_[i])) {
        if (layout_.support) {
          return problem(i, "there are two support columns", header_[i],
                         "one; the other can be left out with --ignore");
        }
        layout_.support = i;
      }
    }
    if (slots.empty()) slots = slot_pairs();
    // "W (mg)" alone is how much catalyst was weighed in.
    if (with_unit.size() == 1) {
      const auto unit = chemistry::told_unit(element_header(header_[with_unit[0]])->unit);
      if (unit && unit->weighed) with_unit.clear();
    }
    // Columns with units are the composition unless other columns without units are.
    if (elements.empty() && slots.empty()) elements = with_unit;
    // "No" heads a column of row numbers far more often than amounts of nobelium.
    std::vector<std::size_t> plain = elements;
    std::erase_if(plain, [&](std::size_t i) { return header_[i] == "No"; });

    keep_compositions(formulas);
    Shape shape = options_.shape;
    if (!layout_.composition.empty()) {
      layout_.shape = Shape::formula;
      if (layout_.support) layout_.roles[*layout_.support] = Role::support;
      return {};
    }
    if (shape == Shape::automatic) {
      if (!slots.empty() && !plain.empty()) {
        return problem(fmt::format("there are slot columns (\"{}\") and element columns (\"{}\")",
                                   header_[slots[0]], header_[plain[0]]),
                       "",
                       "one shape: say --profile slots or --profile loadings, or name the others "
                       "with --target, --conditions or --ignore");
      }
      if (!slots.empty()) {
        shape = Shape::slots;
      } else if (!plain.empty() && !formulas.empty()) {
        if (auto status = labels_agree(formulas, plain); !status) return status;
        shape = Shape::loadings;
      } else if (!plain.empty()) {
        if (auto status = labels_agree(names_with_supports(), plain); !status) return status;
        shape = Shape::loadings;
      } else {
        if (formulas.empty()) formulas = columns_of_compositions();
        if (formulas.empty()) return nothing_found();
        shape = Shape::formula;
      }
    }
    return use_shape(shape, slots, elements, formulas);
  }

  // Labels under the header of a composition ("Catalyst": Cat-1, Cat-2) beside compositions.
  void keep_compositions(std::vector<std::size_t>& formulas) const {
    std::vector<std::size_t> kept = formulas;
    std::erase_if(kept, [&](std::size_t i) {
      return std::none_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
        std::size_t parts = 0;
        return reads_as_composition(composition_text(cell(*row, i), style_), parts);
      });
    });
    if (!kept.empty()) formulas = std::move(kept);
  }

  // Whether a text is a name or formula; `parts`: of active elements and support.
  bool reads_as_composition(const std::string& text, std::size_t& parts) const {
    if (!options_.name_amounts.empty()) {
      if (const auto numbered = read_numbered_name(text, options_.name_amounts)) {
        parts = numbered->amounts.size() + (numbered->support.empty() ? 0 : 1);
        return true;
      }
    }
    const auto name = chemistry::parse_catalyst_name(text, chemistry::SupportTable());
    if (name) parts = name->active.parts().size() + (name->support.empty() ? 0 : 1);
    return name.ok();
  }

  // Of those, the ones that tell supports, which no other column does.
  std::vector<std::size_t> names_with_supports() const {
    std::vector<std::size_t> found;
    if (layout_.support) return found;
    for (const std::size_t i : columns_of_compositions()) {
      const bool supports = std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
        return cell(*row, i).find('/') != std::string_view::npos;
      });
      if (supports) found.push_back(i);
    }
    return found;
  }

  // Columns whose cells are all names or formulas of catalysts, whatever their header.
  std::vector<std::size_t> columns_of_compositions() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || i == layout_.support) continue;
      std::size_t read = 0, compounds = 0;
      const bool all = std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
        const std::string text = composition_text(cell(*row, i), style_);
        if (text.empty()) return true;
        ++read;
        std::size_t parts = 0;
        const bool readable = reads_as_composition(text, parts);
        compounds += parts > 1 ? 1 : 0;
        return readable;
      });
      if (all && read > 0 && 2 * compounds > read) found.push_back(i);
    }
    return found;
  }

  Status use_shape(Shape shape, const std::vector<std::size_t>& slots,
                   const std::vector<std::size_t>& elements,
                   const std::vector<std::size_t>& formulas) {
    layout_.shape = shape;
    switch (shape) {
      case Shape::slots:
        if (slots.empty()) return none_of("slot columns", "columns M1, M2, ...");
        layout_.composition = slots;
        for (const std::size_t i : slots) layout_.roles[i] = Role::slot;
        return check_slot_numbers(slots);
      case Shape::loadings:
        if (elements.empty())
          return none_of("element columns", "columns named by chemical symbols");
        for (const std::size_t i : elements) {
          if (header_[i] == "No") {
            problems_.push_back(
                problem(i, "row numbers, or amounts of nobelium?", "No", "--id No or --ignore No"));
            layout_.roles[i] = Role::ignored;
            continue;
          }
          layout_.composition.push_back(i);
          const auto told = element_header(header_[i]);
          layout_.elements.push_back(told->element);
          std::string unit = told->unit.empty() ? unit_below(i) : told->unit;
          if (unit.empty()) unit = options_.name_amounts;
          layout_.units.push_back(std::move(unit));
          layout_.roles[i] = Role::element;
        }
        break;
      case Shape::formula:
        if (formulas.empty()) {
          return none_of("formula column", "a column named formula, composition or catalyst");
        }
        if (formulas.size() > 1) {
          return problem(
              formulas[1], "two columns hold compositions", header_[formulas[1]],
              fmt::format("one: --composition \"{}\", or the other left out with --ignore",
                          header_[formulas[0]]));
        }
        layout_.composition = formulas;
        layout_.roles[formulas[0]] = Role::formula;
        break;
      case Shape::automatic:
        break;
    }
    if (layout_.support) layout_.roles[*layout_.support] = Role::support;
    return {};
  }

  std::string unit_below(std::size_t column) const {
    return column < units_.size() && units_[column] != "-" ? units_[column] : std::string();
  }

  // "Metal 1, wt% 1, Metal 2, wt% 2": slots whose amounts stand beside them.
  std::vector<std::size_t> slot_pairs() {
    std::vector<std::size_t> slots;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const auto number = slot_near_miss(header_[i]);
      if (layout_.roles[i] != Role::unused || !number) continue;
      for (std::size_t j = 0; j < header_.size(); ++j) {
        const auto amount = slot_amount(header_[j]);
        if (layout_.roles[j] != Role::unused || !amount || amount->number != *number) continue;
        slots.push_back(i);
        layout_.amounts.emplace_back(i, j);
        layout_.roles[j] = Role::slot_amount;
        if (layout_.amounts_unit.empty()) {
          layout_.amounts_unit = amount->unit.empty() ? unit_below(j) : amount->unit;
        }
        break;
      }
    }
    return slots;
  }

  Status check_slot_numbers(const std::vector<std::size_t>& slots) {
    if (layout_.support) layout_.roles[*layout_.support] = Role::support;
    if (!layout_.amounts.empty()) return {};
    std::set<int> numbers;
    for (const std::size_t i : slots) numbers.insert(*slot_number(header_[i]));
    const int last = *numbers.rbegin();
    for (int number = 1; number <= last; ++number) {
      if (numbers.contains(number)) continue;
      const std::string wanted = fmt::format("M{}", number);
      for (std::size_t i = 0; i < header_.size(); ++i) {
        if (layout_.roles[i] != Role::unused) continue;
        if (slot_near_miss(header_[i]) == number || edit_distance(header_[i], wanted) <= 1 ||
            holds_symbols(i)) {
          return problem(
              i, fmt::format("slot column {} is missing, and this column looks like it", wanted),
              header_[i], wanted);
        }
      }
      return problem(fmt::format("slot column {} is missing", wanted), "",
                     fmt::format("columns M1 to M{} without a gap", last));
    }
    return {};
  }

  // A formula column beside element columns is a label when no cell of it is a composition, or when
  // every cell names just the elements that its row holds. Anything else could be read two ways.
  Status labels_agree(const std::vector<std::size_t>& formulas,
                      const std::vector<std::size_t>& elements) const {
    const chemistry::SupportTable supports;
    for (const std::size_t f : formulas) {
      std::size_t read = 0;
      std::size_t agreeing = 0;
      for (const CsvRecord* const row : rows_) {
        const auto name =
            chemistry::parse_catalyst_name(composition_text(cell(*row, f), style_), supports);
        if (!name) continue;
        ++read;
        std::set<int> named, held;
        for (const auto& part : name->active.parts()) named.insert(part.element);
        // A support that only the name tells would be lost.
        if (!name->support.empty() && !layout_.support) continue;
        for (const std::size_t e : elements) {
          const auto amount = read_number(cell(*row, e), style_);
          if (amount && amount->value > 0) held.insert(element_header(header_[e])->element);
        }
        if (named == held) ++agreeing;
      }
      if (read != 0 && agreeing != rows_.size()) {
        return problem(f,
                       fmt::format("the composition could be this column or the element columns "
                                   "(\"{}\", ...)",
                                   header_[elements[0]]),
                       header_[f],
                       options_.delivery
                           ? fmt::format("--composition \"{0}\", or --ignore \"{0}\"", header_[f])
                           : "one shape: say --profile formula or --profile loadings, or name the "
                             "others with --id, --target, --conditions or --ignore");
      }
    }
    return {};
  }

  // Cells that are chemical symbols or `none`, at least one of them with two letters (columns of
  // yes and no hold Y and N).
  bool holds_symbols(std::size_t column) const {
    bool sure = false;
    for (const CsvRecord* const row : rows_) {
      const std::string_view text = cell(*row, column);
      if (is_none(text)) continue;
      if (!chemistry::atomic_number(text)) return false;
      sure = sure || text.size() == 2;
    }
    return sure;
  }

  // The same of a column whose header says what it holds, whatever its symbols.
  bool holds_elements(std::size_t column) const {
    if (holds_symbols(column)) return true;
    const std::string word = bare(header_[column]);
    static constexpr std::string_view kWords[] = {"promoter", "promotor",    "dopant",  "metal",
                                                  "active",   "activemetal", "additive"};
    if (std::find(std::begin(kWords), std::end(kWords), word) == std::end(kWords)) return false;
    return !rows_.empty() && std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string_view text = cell(*row, column);
      return is_none(text) || chemistry::atomic_number(text).has_value();
    });
  }

  // Whether each symbol of the column is in the composition of its row, too.
  bool repeats_composition(std::size_t column) const {
    if (layout_.composition.empty()) return false;
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string_view text = cell(*row, column);
      if (is_none(text)) return true;
      const auto name = chemistry::parse_catalyst_name(
          composition_text(cell(*row, layout_.composition.front()), style_),
          chemistry::SupportTable());
      return name.ok() && name->active.amount(*chemistry::atomic_number(text)) > 0.0;
    });
  }

  Error none_of(std::string_view what, std::string_view wanted) const {
    Error error = nothing_found();
    error.message = fmt::format("there are no {}", what);
    if (error.value.empty()) error.expected = wanted;
    return error;
  }

  Error nothing_found() const {
    constexpr std::string_view kShapes =
        "one column an element (Li, Na, ...), slots (M1, M2, ..., Support), slots with amounts "
        "(Metal 1, wt% 1, ..., Support), or one column formula, composition or catalyst (under "
        "another header: --composition)";
    if (const auto nearly = nearly_compositions()) return *nearly;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty()) continue;
      std::string meant;
      if (const auto oxide = oxide_header(header_[i])) {
        return problem(
            i, "no column holds the composition; this one holds an oxide", header_[i],
            fmt::format("amounts of elements, such as {} (wt%): 1 {} of {} is {:.4g} of {}",
                        oxide->symbol, oxide->unit, oxide->name, oxide->share, oxide->symbol));
      }
      if (const auto number = slot_near_miss(header_[i])) {
        meant = fmt::format("M{}", *number);
      } else if (is_formula_near_miss(header_[i])) {
        meant = "catalyst, composition or formula";
      } else if (const auto element = element_near_miss(header_[i]); element && all_numbers(i)) {
        meant = chemistry::element_symbol(*element);
      }
      if (!meant.empty()) {
        return problem(i, "no column holds the composition; this one comes near", header_[i],
                       fmt::format("{}; did you mean {}?", kShapes, meant));
      }
    }
    Error error = problem("no column holds the composition", "", std::string(kShapes));
    error.message += "; the columns are " + join_or(quoted_names());
    return error;
  }

  // A column of text most of whose cells are names of catalysts: the first cell that is none.
  // Names that only an option makes readable count as names.
  std::optional<Error> nearly_compositions() const {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || i == layout_.support) continue;
      std::size_t names = 0, compounds = 0, wrong = 0;
      std::optional<Error> first;
      for (const CsvRecord* const row : rows_) {
        const std::string text = composition_text(cell(*row, i), style_);
        if (text.empty() || read_number(text, style_)) continue;
        std::size_t parts = 0;
        const bool readable = reads_as_composition(text, parts);
        const bool name = readable || read_numbered_name(text, "wt%");
        names += name ? 1 : 0;
        compounds += parts > 1 || (name && !readable) ? 1 : 0;
        if (readable) continue;
        ++wrong;
        if (!first) first = name_error(*row, i, text);
      }
      if (!first || compounds == 0 || names < wrong) continue;
      first->message = fmt::format(
          "this column comes nearest to compositions, but {} of its cells cannot be read, the "
          "first because: {}",
          wrong, first->message);
      return first;
    }
    return {};
  }

  Error name_error(const CsvRecord& row, std::size_t column, const std::string& text) const {
    Error error = chemistry::parse_catalyst_name(text, chemistry::SupportTable()).error();
    error.where = csv_place(file_name_, row.line, header_[column], column);
    return composition_error(std::move(error), text);
  }

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

  // A title above the header tells a unit of amounts, and no column of amounts has one.
  void ask_about_titles() {
    if (title_units_.empty() || layout_.composition.empty() ||
        std::any_of(layout_.units.begin(), layout_.units.end(),
                    [](const auto& unit) { return !unit.empty(); })) {
      return;
    }
    const auto& [line, unit] = title_units_.front();
    problems_.push_back({ErrorCode::bad_data,
                         "the line above the header tells a unit, and the amounts have none",
                         csv_place(file_name_, line), unit,
                         fmt::format("--name-amounts {} where that is meant, or the unit in each "
                                     "header, such as {} ({})",
                                     unit, header_[layout_.composition.front()], unit)});
  }

  // Columns whose names are symbols, and that hold no amounts of an element.
  void ask_about_elements() {
    if (layout_.shape != Shape::loadings) return;
    ask_about_titles();
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
                "--ignore \"{0}\" or --conditions \"{0}\"; where they are amounts, their unit "
                "in the headers (\"{0} (at%)\")",
                header_[i])));
      } else if (is_foreign(k)) {
        problems_.push_back(problem(
            i, "the campaign's space has no such element; is this column something else?",
            header_[i],
            fmt::format("--ignore \"{0}\"; where they are amounts, a unit in the headers of "
                        "all elements (\"{0} (at%)\"), or {0} among the elements of the campaign",
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

  // P, T, F, S, ...: the sign of a quantity that is in every row and outweighs all elements
  // together is rather a pressure, a flow or a selectivity; and nobody makes catalysts of radium.
  bool looks_like_a_quantity(std::size_t k) const {
    if (!layout_.units[k].empty() || layout_.composition.size() < 2 || rows_.empty()) return false;
    constexpr int kBismuth = 83, kThorium = 90, kUranium = 92;
    const int element = layout_.elements[k];
    if (element > kBismuth && element != kThorium && element != kUranium) return true;
    if (!is_sign(k)) return false;
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
    const std::string& name = header_[layout_.composition[k]];
    return name.size() == 1 &&
           std::string_view("PNHSIVFKCUBWY").find(name) != std::string_view::npos;
  }

  bool asked_about(std::size_t column) const {
    const std::string place = csv_place(file_name_, line_, header_[column], column);
    return std::any_of(problems_.begin(), problems_.end(),
                       [&](const Error& one) { return one.where == place; });
  }

  void ask_about_near_misses() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty()) continue;
      const std::string& name = header_[i];
      std::string meant;
      if (layout_.shape == Shape::slots) {
        if (const auto number = slot_near_miss(name)) {
          meant = fmt::format("M{}", *number);
        } else if (holds_symbols(i)) {
          meant = fmt::format("M{}", layout_.composition.size() + 1);
        }
      } else if (layout_.shape == Shape::loadings && !rows_.empty() && all_numbers(i)) {
        if (const auto element = element_near_miss(name)) {
          meant = chemistry::element_symbol(*element);
          // "CO" beside "Co", and "Ag XRF (at.%)" beside "Ag (at.%)", are something else.
          if (std::find(layout_.elements.begin(), layout_.elements.end(), *element) !=
              layout_.elements.end()) {
            meant.clear();
          }
        } else if (looks_like_symbol(name) && name != "Id") {
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

  // "wt% M1", "Loading (wt%)": amounts beside a composition that has none.
  void ask_about_lost_amounts() {
    const bool amounts = !layout_.amounts.empty() || layout_.shape == Shape::loadings ||
                         layout_.shape == Shape::automatic || names_tell_amounts();
    for (std::size_t i = 0; !amounts && i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || !all_numbers(i) || all_blank(i)) continue;
      if (!tells_loading(header_[i]) || asked_about(i)) continue;
      problems_.push_back(problem(
          i, "the column tells amounts, and the composition would be read without them", header_[i],
          fmt::format(
              "a column of amounts beside each column of elements (Metal 1, wt% 1, Metal 2, "
              "wt% 2, ...), or --ignore \"{}\"",
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
      for (const CsvRecord* const row : rows_) {
        const auto number = read_number(cell(*row, i), style_);
        if (!number || number->value == 0.0 || number->bound != '\0') continue;
        (number->percent ? with : without) = row;
      }
      if (with == nullptr || without == nullptr) continue;
      const std::string unit =
          split_unit(header_[i]).unit.empty() ? unit_below(i) : split_unit(header_[i]).unit;
      if (unit.find('%') != std::string::npos) continue;  // the sign repeats what the header says
      problems_.push_back(
          problem(i,
                  fmt::format("cells with and without a percent sign stand in one column (lines {} "
                              "and {})",
                              with->line, without->line),
                  std::string(cell(*with, i)), "one writing for all cells"));
    }
  }

  // Of a delivery a name is told: remarks that happen to differ are no names of rows.
  void find_id() {
    if (layout_.id || options_.delivery) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || all_numbers(i)) continue;
      std::set<std::string_view> seen;
      const bool distinct = std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
        return !cell(*row, i).empty() && seen.insert(cell(*row, i)).second;
      });
      if (!distinct) continue;
      layout_.id = i;
      layout_.roles[i] = Role::id;
      return;
    }
  }

  const std::vector<std::string>& header_;
  const std::vector<std::string>& units_;
  const std::vector<std::pair<std::size_t, std::string>>& title_units_;
  std::vector<const CsvRecord*> rows_;
  const NumberStyle& style_;
  const ReadOptions& options_;
  std::string_view file_name_;
  std::size_t line_;
  Layout layout_;
  std::vector<Error> problems_;
};

}  // namespace

Result<Layout> recognise(const Sheet& sheet, const ReadOptions& options,
                         std::string_view file_name) {
  return Recogniser(sheet, options, file_name).run();
}

std::optional<ColumnUse> own_column(std::string_view name) {
  static constexpr std::pair<std::string_view, ColumnUse> kOwn[] = {
      {"proposal", ColumnUse::proposal},
      {"sample", ColumnUse::sample},
      {"kind", ColumnUse::kind},
      {"channel", ColumnUse::channel},
      {"sequence", ColumnUse::sequence},
      {"replicate", ColumnUse::replicate},
      {"source", ColumnUse::source},
      {"run", ColumnUse::run},
      {"measured_at", ColumnUse::measured_at}};
  for (const auto& [known, use] : kOwn) {
    if (known == name) return use;
  }
  return {};
}

}  // namespace kasetsu::tables
