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
#include "drivers/tables/added_parts.h"
#include "drivers/tables/column_cells.h"
#include "drivers/tables/column_questions.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/lost_parts.h"
#include "drivers/tables/missing_composition.h"
#include "drivers/tables/name_amounts.h"
#include "drivers/tables/name_columns.h"
#include "drivers/tables/named_amounts.h"
#include "drivers/tables/own_columns.h"
#include "drivers/tables/problems.h"
#include "drivers/tables/sheet_lines.h"
#include "drivers/tables/slot_columns.h"
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
    take_amount_of_names();
    find_label();
    if (layout_.name && layout_.roles[*layout_.name] == Role::unused) {
      layout_.roles[*layout_.name] = Role::formula;
    }
    ask_about_columns(sheet_, options_, file_name_, layout_, problems_);
    ask_about_added_parts(sheet_, options_, file_name_, layout_, problems_);
    ask_about_lost_parts(sheet_, options_, file_name_, layout_, problems_);
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

  // What a header is where it and a condition's name, without their units, are the usual words for
  // one temperature or pressure: the campaign has no other.
  std::optional<QuantityName> same_quantity(std::string_view header,
                                            std::string_view condition) const {
    const auto is = quantity_name(header), wanted = quantity_name(condition);
    if (!is || !wanted || wanted->numbered || is->quantity != wanted->quantity) return {};
    const auto others =
        std::count_if(options_.known_conditions.begin(), options_.known_conditions.end(),
                      [&](const std::string& one) {
                        const auto known = quantity_name(known_unit(one, Role::condition).first);
                        return known && !known->numbered && known->quantity == wanted->quantity;
                      });
    return others == 1 ? is : std::nullopt;
  }

  // The header of a campaign's property or condition: its name, or what becomes that name where it
  // holds signs that names cannot hold, or the name with a unit behind it ("C2_yield (%)",
  // "temperature (K)" for temperature_C).
  std::optional<std::size_t> column_of_name(const std::string& name, Role role,
                                            const NameLimits& limits) const {
    const auto [bare_name, unit] = known_unit(name, role);
    std::vector<std::size_t> alike, with_unit;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] == Role::ignored) continue;
      if (header_[i] == name) return i;
      // Drafts of earlier versions kept no sign in a property's name either.
      if (campaign_name(header_[i], limits) == name ||
          campaign_name(header_[i], {limits.longest, kConditionNames.forbidden}) == name) {
        alike.push_back(i);
      }
      const HeaderName split = split_unit(header_[i]);
      const auto quantity = role == Role::condition ? same_quantity(split.cased, bare_name)
                                                    : std::optional<QuantityName>();
      const bool word = quantity && !quantity->numbered;
      const bool same = split.cased == bare_name || split.cased == name || word;
      if (!unit.empty() && same && !split.unit.empty() && convert_units(split.unit, unit).ok()) {
        with_unit.push_back(i);
      }
      // Neither the campaign nor the header tells a unit, or the header the usual one.
      const bool usual = word && quantity->quantity == Quantity::temperature &&
                         (split.unit.empty() || same_unit(split.unit, "\u00B0C"));
      if (unit.empty() && usual) with_unit.push_back(i);
    }
    if (alike.size() == 1) return alike.front();
    return alike.empty() && with_unit.size() == 1 ? std::optional(with_unit.front()) : std::nullopt;
  }

  // What the header or the line below it says of the unit must fit the campaign's.
  void take_unit(std::size_t column, const std::string& name, Role role) {
    const std::string unit = known_unit(name, role).second;
    std::string told = unit_below(column);
    const bool dash = column < units_.size() && units_[column] == "-";
    if (dash && split_unit(header_[column]).unit.empty() && convert_units("-", unit).ok()) {
      told = "-";
    }
    if (unit.empty() && role == Role::target && !told.empty() && !same_unit(told, "1")) {
      problems_.push_back(problem(
          column, fmt::format("the campaign tells no unit of {}, and the table does", name), told,
          fmt::format("unit = \"{}\" in the campaign file, or the numbers without their unit",
                      told)));
      return;
    }
    if (told.empty() && header_[column] != name) told = split_unit(header_[column]).unit;
    if (unit.empty() || told.empty()) return;
    if (convert_units(told, unit).ok()) {
      layout_.value_units[column] = {told, unit};
      if (same_unit(told, "1") && !same_unit(unit, "1")) check_fractions(column, told, unit);
    } else {
      problems_.push_back(problem(column, fmt::format("{} is measured in another unit", name), told,
                                  fmt::format("numbers in {}", unit)));
    }
  }

  // Without a unit a conversion is a fraction: 12 is none, where 1.03 may be measured of a balance.
  void check_fractions(std::size_t column, const std::string& told, const std::string& unit) {
    constexpr double kMost = 1.1;
    for (const CsvRecord* const row : rows_) {
      const auto number = read_number(cell(*row, column), style_);
      if (!number || number->percent || number->value <= kMost) continue;
      problems_.push_back(problem(
          column, fmt::format("the unit \"{}\" says fractions, and numbers are above 1", told),
          std::string(cell(*row, column)),
          fmt::format("the header \"{} ({})\" where they are in {}, or fractions from 0 to 1",
                      split_unit(header_[column]).cased, unit, unit)));
      return;
    }
  }

  // Headers that are another writing of a name that the table does not have, or a letter off it.
  void ask_about_near(const std::string& name, std::string_view what) {
    if (std::find(header_.begin(), header_.end(), name) != header_.end()) return;
    if (std::any_of(layout_.names.begin(), layout_.names.end(),
                    [&](const auto& taken) { return taken.second == name; })) {
      return;
    }
    std::vector<std::size_t> near;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] == Role::unused && !header_[i].empty() && is_near(i, name, what)) {
        near.push_back(i);
      }
    }
    for (const std::size_t i : near) {
      problems_.push_back(problem(
          i,
          fmt::format("the column is not used, but nearly has the name of the {} {}", what, name),
          header_[i],
          fmt::format("{}{}, or --ignore \"{}\" when it is something else",
                      header_for(name, what, split_unit(header_[i]).unit, near.size() > 1),
                      name == "sample" ? fmt::format(", --id \"{}\"", header_[i]) : "",
                      header_[i])));
    }
  }

  bool is_near(std::size_t column, const std::string& name, std::string_view what) const {
    const std::string& header = header_[column];
    const std::string wanted = bare(name), is = bare(header);
    const HeaderName split = split_unit(header);
    const std::string without_unit = bare(split.cased);
    if (is == wanted || (!without_unit.empty() && without_unit == wanted)) return true;
    if (what == "condition") {
      const auto quantity = same_quantity(split.cased, known_unit(name, Role::condition).first);
      // P alone is phosphorus.
      if (quantity && (header != "P" || quantity->quantity != Quantity::pressure)) return true;
    }
    return wanted.size() >= 5 && what != "column" && edit_distance(is, wanted) == 1 &&
           digits_of(is) == digits_of(wanted);
  }

  // What to write as the header of a column that is meant as `name` and tells this unit. Of several
  // that are near, the name itself says which one is meant.
  std::string header_for(const std::string& name, std::string_view what, const std::string& unit,
                         bool several) const {
    const Role role = what == "property" ? Role::target : Role::condition;
    const auto [bare_name, known] = known_unit(name, role);
    if (what == "column" || unit.empty() || known.empty()) return "the header " + name;
    if (!several && convert_units(unit, known).ok()) {
      return fmt::format("the header {} ({}), whose numbers are converted to {}", bare_name, unit,
                         known);
    }
    return fmt::format("the header {} over numbers in {}", name, known);
  }

  // Columns that may be the composition.
  struct Candidates {
    std::vector<std::size_t> slots, elements, formulas;
  };

  Status find_shape() {
    Candidates found;
    std::vector<std::size_t> plain, with_unit;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused) continue;
      if (slot_number(header_[i])) found.slots.push_back(i);
      if (refuse_amount_of_other(i)) continue;
      const auto element = element_header(header_[i]);
      if (element) (element->unit.empty() ? plain : with_unit).push_back(i);
      if (is_formula_name(header_[i])) found.formulas.push_back(i);
    }
    if (Status one = find_support(); !one) return one;
    const bool others = !plain.empty() || !with_unit.empty() || !found.slots.empty();
    for (std::size_t i = 0; !others && found.formulas.empty() && i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || !is_catalyst_word(header_[i])) continue;
      if (holds_compositions(i)) found.formulas.push_back(i);
    }
    keep_compositions(found.formulas);
    if (found.slots.empty() && layout_.composition.empty()) take_other_slots(found);
    if (layout_.slots_of_formulas) {  // B is a site, not boron
      std::erase_if(plain, [&](std::size_t i) {
        return std::find(found.slots.begin(), found.slots.end(), i) != found.slots.end();
      });
    }
    const bool told = !layout_.composition.empty() || options_.shape == Shape::formula;
    if (found.slots.empty() && !told) take_out_signs(plain, with_unit, found.formulas);
    found.elements = elements_among(std::move(plain), std::move(with_unit), found.slots);
    if (!layout_.composition.empty()) return use_told_composition(found);
    return use_shape(shape_of(found), found);
  }

  // "Ni (wt% NiO)" is no share of nickel, and "Ni (mg/g support)" none of the catalyst.
  bool refuse_amount_of_other(std::size_t column) {
    const auto element = amount_of_other(header_[column]);
    if (!element) return false;
    problems_.push_back(problem(
        column,
        "the header tells an amount of something else: of an oxide, or by gram of the support",
        header_[column],
        fmt::format("the amounts of the element itself by weight of the whole catalyst ({0} "
                    "(wt%)), or in mmol by gram of support ({0} (mmol/g)), or --ignore \"{1}\"",
                    chemistry::element_symbol(*element), header_[column])));
    layout_.roles[column] = Role::ignored;
    return true;
  }

  // A column "Support"; without one, a column such as "Support oxide".
  Status find_support() {
    for (const auto& is_one : {is_support_name, describes_support}) {
      for (std::size_t i = 0; i < header_.size(); ++i) {
        if (layout_.roles[i] != Role::unused || !is_one(header_[i])) continue;
        if (layout_.support) {
          return problem(i, "there are two support columns", header_[i],
                         "one; the other can be left out with --ignore");
        }
        layout_.support = i;
      }
      if (layout_.support) return {};
    }
    return {};
  }

  // "Metal 1, wt% 1", "Metal" and "Promoter", "A-site" and "B-site". Beside names of catalysts only
  // slots with their amounts are more than labels.
  void take_other_slots(Candidates& found) {
    if (options_.shape != Shape::slots && options_.shape != Shape::automatic) return;
    const bool names = std::any_of(
        found.formulas.begin(), found.formulas.end(),
        [&](std::size_t i) { return is_formula_name(header_[i]) && compare(i, {}).readable > 0; });
    SlotColumns other = find_slot_columns(sheet_, options_, file_name_, layout_.roles,
                                          names && options_.shape == Shape::automatic);
    found.slots = std::move(other.slots);
    layout_.amounts = std::move(other.amounts);
    layout_.amount_units = std::move(other.amount_units);
    layout_.slots_of_formulas = other.formulas;
    for (const auto& [slot, amount] : layout_.amounts) layout_.roles[amount] = Role::slot_amount;
    problems_.insert(problems_.end(), other.problems.begin(), other.problems.end());
  }

  int element_at(std::size_t column) const { return element_header(header_[column])->element; }

  bool is_weighed(std::size_t column) const {
    const auto unit = chemistry::told_unit(element_header(header_[column])->unit);
    return unit && unit->weighed;
  }

  // Bare signs of quantities beside amounts that have units, or beside names that tell no such
  // element: S may be sulfur or a selectivity. The composition is read without them, and asked
  // about.
  void take_out_signs(std::vector<std::size_t>& plain, const std::vector<std::size_t>& with_unit,
                      const std::vector<std::size_t>& formulas) {
    const auto is_sign = [&](std::size_t i) { return quantity_sign(header_[i]).has_value(); };
    const auto signs = static_cast<std::size_t>(std::count_if(plain.begin(), plain.end(), is_sign));
    const bool beside_amounts = with_unit.size() > plain.size() - signs;
    if (!beside_amounts && (signs < plain.size() || formulas.size() != 1)) return;
    const NamesBeside names =
        formulas.size() == 1 ? compare(formulas.front(), plain) : NamesBeside();
    if (!beside_amounts && names.readable == 0) return;
    std::erase_if(plain, [&](std::size_t i) {
      const auto sign = quantity_sign(header_[i]);
      const std::string unit = unit_below(i);
      const bool told = !unit.empty() && unit != "%";
      if (!sign || told || names.elements.contains(element_at(i))) return false;
      const std::string& header = header_[i];
      problems_.push_back(problem(
          i, fmt::format("amounts of {}, or {}?", sign->element, sign->quantity), header,
          fmt::format("the header \"{0} ({1})\" where the numbers are amounts; {2}--ignore \"{0}\" "
                      "where they are {3} or something else",
                      header,
                      with_unit.empty() ? "wt%" : element_header(header_[with_unit.front()])->unit,
                      options_.delivery ? "" : fmt::format("--conditions \"{}\" or ", header),
                      sign->quantity)));
      layout_.roles[i] = Role::ignored;
      return true;
    });
  }

  // Columns with units are the composition unless other columns without units are.
  std::vector<std::size_t> elements_among(std::vector<std::size_t> plain,
                                          std::vector<std::size_t> with_unit,
                                          const std::vector<std::size_t>& slots) {
    // "W (mg)" alone, or beside amounts, is how much catalyst was weighed in.
    const auto weighed = std::count_if(with_unit.begin(), with_unit.end(),
                                       [&](std::size_t i) { return is_weighed(i); });
    if (weighed == 1 || !plain.empty()) {
      std::erase_if(with_unit, [&](std::size_t i) { return is_weighed(i); });
    }
    // What was measured of an element beside what was weighed in, or asked for.
    const std::vector<std::size_t> all = with_unit;
    std::erase_if(with_unit, [&](std::size_t i) {
      return element_header(header_[i])->method &&
             std::any_of(all.begin(), all.end(), [&](std::size_t j) {
               return element_at(i) == element_at(j) && !element_header(header_[j])->method;
             });
    });
    if (!slots.empty() || with_unit.empty()) return plain;
    if (plain.empty()) return with_unit;
    const bool have_units = with_unit.size() > plain.size();
    std::vector<std::size_t>& elements = have_units ? with_unit : plain;
    for (const std::size_t i : have_units ? plain : with_unit) {
      const bool twice = std::any_of(elements.begin(), elements.end(),
                                     [&](std::size_t j) { return element_at(i) == element_at(j); });
      if (!twice) ask_about_unit(i, elements.front());
    }
    return std::move(elements);
  }

  // An amount without a unit beside some with one, or the other way round.
  void ask_about_unit(std::size_t column, std::size_t element) {
    const std::string& header = header_[column];
    const std::string symbol(chemistry::element_symbol(element_at(column)));
    const std::string unit = element_header(header)->unit;
    const std::string& units = unit.empty() ? element_header(header_[element])->unit : unit;
    unit_questions_.push_back(
        problem(column,
                unit.empty() ? "amounts without a unit stand beside amounts with one"
                             : "amounts with a unit stand beside amounts without one",
                header,
                unit.empty()
                    ? fmt::format("its unit in the header (\"{} ({})\"), or --ignore \"{}\"",
                                  symbol, units, header)
                    : fmt::format("a unit in the headers of all elements (\"{} ({})\"), the header "
                                  "{} where its numbers are as the others', or --ignore \"{}\"",
                                  header_[element], units, symbol, header)));
  }

  // --composition: the names alone, or the names of the supports of what columns of amounts tell.
  Status use_told_composition(const Candidates& found) {
    const std::size_t names = layout_.composition.front();
    const std::vector<std::size_t>& elements = found.elements;
    const NamesBeside told = compare(names, elements);
    if (!layout_.support && !told.amounts && tells_supports_of(told, elements)) {
      layout_.roles[names] = Role::unused;
      layout_.composition.clear();
      layout_.name = names;
      return use_shape(Shape::loadings, found);
    }
    layout_.shape = Shape::formula;
    if (layout_.support) layout_.roles[*layout_.support] = Role::support;
    return {};
  }

  Result<Shape> shape_of(Candidates& found) {
    const std::vector<std::size_t>& plain = found.elements;
    if (options_.shape != Shape::automatic) {
      if (options_.shape == Shape::formula && found.formulas.size() == 1) {
        const NamesBeside told = compare(found.formulas[0], plain);
        if (!layout_.support && !told.amounts && tells_supports_of(told, plain)) {
          layout_.name = found.formulas[0];
          return Shape::loadings;
        }
      }
      if (options_.shape != Shape::loadings) return options_.shape;
      if (Status names = find_names_beside(plain, false); !names) return names.error();
      return Shape::loadings;
    }
    if (!found.slots.empty() && !plain.empty()) {
      return problem(fmt::format("there are slot columns (\"{}\") and element columns (\"{}\")",
                                 header_[found.slots[0]], header_[plain[0]]),
                     "",
                     "one shape: say --profile slots or --profile loadings, or name the others "
                     "with --target, --conditions or --ignore");
    }
    if (!found.slots.empty()) {
      find_names_beside_slots(found.formulas);
      return layout_.slots_of_formulas ? Shape::formula : Shape::slots;
    }
    if (!plain.empty()) {
      const Status agree = found.formulas.empty() ? find_names_beside(plain, true)
                                                  : labels_agree(found.formulas, plain);
      if (!agree) return agree.error();
      return Shape::loadings;
    }
    if (found.formulas.empty()) {
      found.formulas = columns_of_names(sheet_, options_, file_name_, layout_, false);
    }
    if (found.formulas.empty()) return nothing_found();
    return Shape::formula;
  }

  bool holds_compositions(std::size_t column) const {
    std::size_t parts = 0;
    return !all_blank(column) && std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string text = composition_text(cell(*row, column), style_);
      return is_none(text) || reads_as_composition(text, parts);
    });
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

  NamesBeside compare(std::size_t names, const std::vector<std::size_t>& elements) const {
    std::vector<std::pair<std::size_t, int>> columns;
    columns.reserve(elements.size());
    for (const std::size_t i : elements) columns.emplace_back(i, element_at(i));
    return compare_names(sheet_, options_, file_name_, names, columns);
  }

  // Whether names tell the supports of what the columns of amounts tell: most of them name the very
  // elements that their rows hold. Those that do not are problems of their rows.
  bool tells_supports_of(const NamesBeside& names, const std::vector<std::size_t>& elements) const {
    return names.supports && 2 * names.agreeing >= names.readable &&
           std::any_of(elements.begin(), elements.end(),
                       [&](std::size_t i) { return names.elements.contains(element_at(i)); });
  }

  // Names beside columns that tell the whole catalyst, most of them of the elements that their rows
  // hold.
  void find_label() {
    if (layout_.name || layout_.label || layout_.slots_of_formulas || layout_.composition.empty() ||
        (layout_.shape != Shape::loadings && layout_.shape != Shape::slots)) {
      return;
    }
    std::vector<std::pair<std::size_t, int>> columns;
    for (const std::size_t i : layout_.composition) {
      columns.emplace_back(i, layout_.shape == Shape::slots ? 0 : element_at(i));
    }
    for (const std::size_t i : columns_of_names(sheet_, options_, file_name_, layout_, true)) {
      const NamesBeside told = compare_names(sheet_, options_, file_name_, i, columns);
      if (2 * told.agreeing < told.readable || !(told.supports || told.amounts)) continue;
      layout_.label = i;
      return;
    }
  }

  // Of names beside slots: the supports, which no other column tells.
  void find_names_beside_slots(std::vector<std::size_t> names) {
    if (layout_.support || layout_.slots_of_formulas) return;
    if (names.empty()) names = columns_of_names(sheet_, options_, file_name_, layout_, true);
    const auto telling = std::find_if(names.begin(), names.end(),
                                      [&](std::size_t i) { return compare(i, {}).supports; });
    if (telling != names.end()) layout_.name = *telling;
  }

  // Names with supports, which no other column tells, under any header.
  Status find_names_beside(const std::vector<std::size_t>& elements, bool ask) {
    if (layout_.support) return {};
    std::vector<std::size_t> names;
    for (const std::size_t i : columns_of_names(sheet_, options_, file_name_, layout_, true)) {
      const NamesBeside told = compare(i, elements);
      if (!told.supports) continue;
      if (ask) {
        names.push_back(i);
      } else if (tells_supports_of(told, elements)) {
        layout_.name = i;
        return {};
      }
    }
    return labels_agree(names, elements);
  }

  Status use_shape(Result<Shape> shape, const Candidates& found) {
    if (!shape) return shape.error();
    layout_.shape = *shape;
    switch (*shape) {
      case Shape::slots:
        if (found.slots.empty()) return none_of("slot columns", "columns M1, M2, ...");
        return use_slots(found.slots);
      case Shape::loadings:
        if (found.elements.empty())
          return none_of("element columns", "columns named by chemical symbols");
        for (const std::size_t i : found.elements) {
          layout_.composition.push_back(i);
          const auto told = element_header(header_[i]);
          layout_.elements.push_back(told->element);
          std::string unit = told->unit.empty() ? unit_below(i) : told->unit;
          if (unit.empty()) unit = unit_of_numbers(options_);
          layout_.units.push_back(std::move(unit));
          layout_.roles[i] = Role::element;
        }
        problems_.insert(problems_.end(), unit_questions_.begin(), unit_questions_.end());
        ask_about_elements_twice();
        break;
      case Shape::formula: {
        if (layout_.slots_of_formulas) return use_slots(found.slots);
        const std::vector<std::size_t>& formulas = found.formulas;
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
      }
      case Shape::automatic:
        break;
    }
    if (layout_.support) layout_.roles[*layout_.support] = Role::support;
    return {};
  }

  // Whether names tell amounts by numbers before or behind single elements ("5Ni/MgO"), if at all.
  bool tells_numbers_only(std::size_t names) const {
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string text = composition_text(cell(*row, names), style_);
      const auto name = chemistry::parse_catalyst_name(text, chemistry::SupportTable());
      if (!name || name->active.empty() || name->active.parts().front().amount == 1.0) return true;
      return !amounts_of_name(text).empty();
    });
  }

  // "Loading (wt%)" beside names of one element each.
  void take_amount_of_names() {
    if (layout_.shape != Shape::formula || layout_.composition.size() != 1) return;
    const std::size_t names = layout_.composition.front();
    const NamesBeside told = compare(names, {});
    if (told.readable == 0 || told.most_elements != 1 || !tells_numbers_only(names)) {
      return;
    }
    std::vector<std::pair<std::size_t, std::string>> amounts;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || !mostly_numbers(i)) continue;
      std::string unit = unit_of_loading(header_[i]);
      if (!unit.empty()) amounts.emplace_back(i, std::move(unit));
    }
    if (amounts.size() != 1) return;
    layout_.amounts.emplace_back(names, amounts[0].first);
    layout_.amount_units.push_back(amounts[0].second);
    layout_.roles[amounts[0].first] = Role::slot_amount;
  }

  // "Ni (wt%)" and "Ni (at%)": only one of them is the amount.
  void ask_about_elements_twice() {
    for (std::size_t k = 0; k < layout_.composition.size(); ++k) {
      for (std::size_t j = 0; j < k; ++j) {
        if (layout_.elements[j] != layout_.elements[k]) continue;
        const std::string& header = header_[layout_.composition[k]];
        problems_.push_back(problem(layout_.composition[k],
                                    fmt::format("two columns hold amounts of {}",
                                                chemistry::element_symbol(layout_.elements[k])),
                                    header,
                                    fmt::format("one: --ignore \"{}\", or --ignore \"{}\"", header,
                                                header_[layout_.composition[j]])));
      }
    }
  }

  Status use_slots(const std::vector<std::size_t>& slots) {
    layout_.composition = slots;
    for (const std::size_t i : slots) layout_.roles[i] = Role::slot;
    if (layout_.support) layout_.roles[*layout_.support] = Role::support;
    return check_slot_numbers(slots);
  }

  Status check_slot_numbers(const std::vector<std::size_t>& slots) {
    std::set<int> numbers;
    for (const std::size_t i : slots) {
      if (const auto number = slot_number(header_[i])) numbers.insert(*number);
    }
    if (numbers.empty() || !layout_.amounts.empty()) return {};
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
  // every cell names just the elements that its row holds (beside a column of supports: most cells,
  // and the others are problems of their rows). Names with supports that nothing else
  // tells are read together with the amounts. Anything else could be read two ways.
  Status labels_agree(const std::vector<std::size_t>& formulas,
                      const std::vector<std::size_t>& elements) {
    for (const std::size_t f : formulas) {
      const NamesBeside told = compare(f, elements);
      const bool only_names = told.supports && !layout_.support;
      if (only_names && tells_supports_of(told, elements) && !layout_.name) {
        layout_.name = f;
        continue;
      }
      if (told.readable == 0) continue;
      if (!only_names && (told.agreeing == rows_.size() ||
                          (layout_.support && 2 * told.agreeing >= told.readable))) {
        layout_.label = f;
        continue;
      }
      std::string columns;
      for (const std::size_t e : elements) {
        columns += fmt::format("{}\"{}\"", columns.empty() ? "" : ", ", header_[e]);
      }
      return problem(
          f,
          fmt::format("the composition could be this column or the element columns ({})", columns),
          header_[f],
          fmt::format(
              "{2}--composition \"{0}\", or --ignore \"{0}\"{1}", header_[f],
              options_.delivery
                  ? ""
                  : "; or name the others with --id, --target, --conditions or --ignore",
              only_names ? "a column Support, which keeps both supports and amounts; " : ""));
    }
    return {};
  }

  Error none_of(std::string_view what, std::string_view wanted) const {
    Error error = nothing_found();
    error.message = fmt::format("there are no {}", what);
    if (error.value.empty()) error.expected = wanted;
    return error;
  }

  Error nothing_found() const { return missing_composition(sheet_, options_, file_name_, layout_); }

  // Of a delivery a name is told: remarks that happen to differ are no names of rows.
  void find_id() {
    if (layout_.id || options_.delivery) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || all_numbers(i) || are_measured(i)) continue;
      if (is_unit(split_unit(header_[i]).unit)) continue;
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
  std::vector<Error> unit_questions_;  // where columns of amounts are the composition
};

}  // namespace

Result<Layout> recognise(const Sheet& sheet, const ReadOptions& options,
                         std::string_view file_name) {
  return Recogniser(sheet, options, file_name).run();
}

}  // namespace kasetsu::tables
