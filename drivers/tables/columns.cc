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
#include "drivers/tables/column_cells.h"
#include "drivers/tables/column_questions.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/own_columns.h"
#include "drivers/tables/problems.h"
#include "drivers/tables/sheet_lines.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

class Recogniser : private ColumnCells {
 public:
  Recogniser(const Sheet& sheet, const ReadOptions& options, std::string_view file_name)
      : ColumnCells(sheet, options, file_name), sheet_(sheet) {
    layout_.roles.assign(header_.size(), Role::unused);
  }

  Result<Layout> run() {
    if (auto status = check_names(); !status) return status.error();
    take_named();
    take_preparation();
    if (options_.delivery) take_known();
    if (auto status = find_shape(); !status) problems_.push_back(status.error());
    ask_about_columns(sheet_, options_, file_name_, layout_, problems_);
    if (!problems_.empty() && !options_.look) return together(file_name_, problems_);
    find_id();
    layout_.problems = std::move(problems_);
    return std::move(layout_);
  }

 private:
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
    for (const std::string& name : sheet_.exported.conditions) {
      const auto at = static_cast<std::size_t>(std::find(header_.begin(), header_.end(), name) -
                                               header_.begin());
      if (at == header_.size() || layout_.roles[at] != Role::unused) continue;
      layout_.roles[at] = Role::condition;
      layout_.conditions.push_back(at);
    }
    for (const auto& [at, name] : find_own_columns(sheet_, layout_.roles, layout_.id.has_value())) {
      layout_.roles[at] = Role::own;
      if (header_[at] != name) layout_.names[at] = name;
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
  std::pair<std::string, std::string> known_unit(const std::string& name, Role role) const {
    if (role == Role::target) {
      const auto known = options_.known_units.find(name);
      return {name, known == options_.known_units.end() ? std::string() : known->second};
    }
    const auto last = name.rfind('_');
    if (last != std::string::npos && last != 0 && is_unit(name.substr(last + 1))) {
      return {name.substr(0, last), name.substr(last + 1)};
    }
    const HeaderName split = split_unit(name);
    if (!is_unit(split.unit)) return {name, {}};
    return {split.cased, split.unit};
  }

  // Whether two names, without their units, are the usual words for one temperature: the campaign
  // has no other.
  bool is_the_temperature(std::string_view header, std::string_view condition) const {
    const auto is = [](std::string_view name) {
      const std::string word = bare(name);
      return word == "t" || word == "temp" || word == "temperature";
    };
    return is(header) && is(condition) &&
           std::count_if(options_.known_conditions.begin(), options_.known_conditions.end(),
                         [&](const std::string& one) {
                           return is(known_unit(one, Role::condition).first);
                         }) == 1;
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
      const bool same = split.cased == bare_name || split.cased == name ||
                        (role == Role::condition && is_the_temperature(split.cased, bare_name));
      if (!unit.empty() && same && !split.unit.empty() && convert_units(split.unit, unit).ok()) {
        with_unit.push_back(i);
      }
    }
    if (alike.size() == 1) return alike.front();
    return alike.empty() && with_unit.size() == 1 ? std::optional(with_unit.front()) : std::nullopt;
  }

  // What the header or the line below it says of the unit must fit the campaign's.
  void take_unit(std::size_t column, const std::string& name, Role role) {
    const std::string unit = known_unit(name, role).second;
    std::string told = unit_below(column);
    if (told.empty() && header_[column] != name) told = split_unit(header_[column]).unit;
    if (unit.empty() || told.empty()) return;
    if (convert_units(told, unit).ok()) {
      layout_.value_units[column] = {told, unit};
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
      const bool near =
          is == wanted || (!without_unit.empty() && without_unit == wanted) ||
          (what == "condition" &&
           is_the_temperature(without_unit, known_unit(name, Role::condition).first)) ||
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

  const Sheet& sheet_;
  Layout layout_;
  std::vector<Error> problems_;
};

}  // namespace

Result<Layout> recognise(const Sheet& sheet, const ReadOptions& options,
                         std::string_view file_name) {
  return Recogniser(sheet, options, file_name).run();
}

}  // namespace kasetsu::tables
