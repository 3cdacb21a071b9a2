#include "drivers/tables/column_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/cells.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/own_columns.h"
#include "drivers/tables/sheet_lines.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

// The slot whose amount stands in this column, and the unit of that amount.
void take_slot(const Layout& layout, const Sheet& sheet, MatchedColumn& amount) {
  for (std::size_t k = 0; k < layout.amounts.size(); ++k) {
    const auto& [slot, beside] = layout.amounts[k];
    if (beside != amount.at) continue;
    amount.column.of = sheet.header.fields[slot];
    amount.file_unit = layout.amount_units[k];
    return;
  }
}

// The unit that the header or the line below it tells, for people.
std::string told_unit(const Sheet& sheet, std::size_t column) {
  if (column < sheet.units.size() && !sheet.units[column].empty()) return sheet.units[column];
  const std::string unit = split_unit(sheet.header.fields[column]).unit;
  return is_unit(unit) ? unit : std::string();
}

// "* measured twice", "# series B".
bool is_marked(std::string_view text) {
  return text.find_first_of("*#") == 0 || text.starts_with("\u2020");
}

// No symbol has three small letters.
bool has_word(std::string_view text) {
  std::size_t row = 0;
  for (const char c : text) {
    row = c >= 'a' && c <= 'z' ? row + 1 : 0;
    if (row == 3) return true;
  }
  return false;
}

void add_example(ColumnReport& report, std::string_view cell) {
  constexpr std::size_t kMost = 3;
  if (report.examples.size() >= kMost) return;
  if (std::find(report.examples.begin(), report.examples.end(), cell) != report.examples.end()) {
    return;
  }
  report.examples.emplace_back(cell);
}

}  // namespace

bool names_elements(ColumnUse use) {
  return use == ColumnUse::slot || use == ColumnUse::catalyst || use == ColumnUse::support ||
         use == ColumnUse::element_list;
}

bool is_composition(ColumnUse use) {
  return names_elements(use) || use == ColumnUse::slot_amount || use == ColumnUse::element ||
         use == ColumnUse::fraction_list || use == ColumnUse::preparation;
}

MatchedColumns columns_of(const Layout& layout, const Sheet& sheet) {
  MatchedColumns matched;
  matched.label = layout.label;
  std::size_t next_element = 0;
  for (std::size_t i = 0; i < sheet.header.fields.size(); ++i) {
    MatchedColumn column;
    column.at = i;
    column.header = sheet.header.fields[i];
    column.column.headers = {column.header};
    const auto named = layout.names.find(i);
    column.column.name = named != layout.names.end() ? named->second : column.header;
    switch (layout.roles[i]) {
      case Role::target:
      case Role::condition:
        column.column.use =
            layout.roles[i] == Role::target ? ColumnUse::value : ColumnUse::condition;
        if (const auto units = layout.value_units.find(i); units != layout.value_units.end()) {
          column.conversion = *convert_units(units->second.first, units->second.second);
          column.unit = units->second.second;
        }
        break;
      case Role::id:
        column.column.use = ColumnUse::sample;
        break;
      case Role::own:
        column.column.use = *own_column(column.column.name);
        column.column.name.clear();
        break;
      case Role::slot:
        column.column.use = ColumnUse::slot;
        break;
      case Role::slot_amount:
        column.column.use = ColumnUse::slot_amount;
        take_slot(layout, sheet, column);
        break;
      case Role::support:
        column.column.use = ColumnUse::support;
        break;
      case Role::formula:
        column.column.use = ColumnUse::catalyst;
        break;
      case Role::element:
        column.column.use = ColumnUse::element;
        column.element = layout.elements[next_element];
        column.column.name = chemistry::element_symbol(column.element);
        column.file_unit = layout.units[next_element++];
        break;
      case Role::preparation:
        column.column.use = ColumnUse::preparation;
        column.column.name.clear();
        break;
      case Role::ignored:
        continue;
      case Role::unused:
        if (!column.header.empty()) matched.unused.push_back(column.header);
        continue;
    }
    if (layout.roles[i] == Role::slot) column.formulas = layout.slots_of_formulas;
    // A name of rows that names their catalysts, too.
    if (layout.name == i && column.column.use != ColumnUse::catalyst) {
      MatchedColumn name = column;
      name.column.use = ColumnUse::catalyst;
      matched.columns.push_back(std::move(name));
    }
    matched.columns.push_back(std::move(column));
  }
  return matched;
}

void report(const Sheet& sheet, const MatchedColumns& columns, TableRows& table) {
  std::size_t uncertain = 0;
  for (std::size_t i = 0; i < sheet.header.fields.size(); ++i) {
    ColumnReport report;
    report.number = i + 1;
    report.header = sheet.header.fields[i];
    report.use = "not used";
    bool numbers = true, any_number = false, percent = false;
    for (const CsvRecord& row : sheet.rows) {
      if (i >= row.fields.size() || trim(row.fields[i]).empty()) continue;
      ++report.filled;
      const auto number = read_number(row.fields[i], sheet.style);
      any_number = any_number || number.ok();
      numbers = numbers && (number.ok() || is_usual_null(row.fields[i]));
      uncertain += number && number->uncertain ? 1 : 0;
      percent = percent || row.fields[i].ends_with('%');
      add_example(report, trim(row.fields[i]));
    }
    numbers = numbers && (any_number || report.filled == 0);
    report.content = report.filled == 0 ? "blank" : numbers ? "numbers" : "text";
    const auto used = std::find_if(columns.columns.begin(), columns.columns.end(),
                                   [&](const MatchedColumn& column) { return column.at == i; });
    if (used != columns.columns.end()) {
      report.use = to_string(used->column.use);
      report.name = used->column.name;
      report.of = used->column.of;
      report.unit = !used->file_unit.empty() ? used->file_unit : used->unit;
      if (report.unit.empty()) report.unit = told_unit(sheet, i);
      if (report.unit.empty() && used->column.use == ColumnUse::value && percent) report.unit = "%";
      if (used->column.use == ColumnUse::value && same_unit(told_unit(sheet, i), "1") &&
          used->conversion.factor != 1.0) {
        table.notes.push_back(
            fmt::format("column \"{}\" holds fractions: {:g} times its numbers are in {}",
                        report.header, used->conversion.factor, used->unit));
      }
    } else if (numbers && report.filled > 0 && !report.header.empty()) {
      table.unused_numbers.push_back(report.header);
    }
    table.columns.push_back(std::move(report));
  }
  if (uncertain > 0) {
    table.notes.push_back(
        fmt::format("{} numbers tell their uncertainty (\"412 ± 5\"); it is not used", uncertain));
  }
}

bool is_remark(const CsvRecord& record, const MatchedColumns& columns, const NumberStyle& style,
               const chemistry::SupportTable& supports) {
  if (record.fields.size() < 2 || filled_cells(record) != 1) return false;
  const auto only = std::find_if(record.fields.begin(), record.fields.end(),
                                 [](const std::string& cell) { return !trim(cell).empty(); });
  const std::string text = composition_text(trim(*only), style);
  const auto at = static_cast<std::size_t>(only - record.fields.begin());
  const bool composition = std::any_of(
      columns.columns.begin(), columns.columns.end(),
      [&](const MatchedColumn& one) { return one.at == at && names_elements(one.column.use); });
  if (!composition) return false;
  const bool words = has_word(text) && text.find(' ') != std::string::npos;
  return (is_marked(text) || words) && text.find('/') == std::string::npos &&
         !supports.read(text).ok() && !chemistry::parse_catalyst_name(text, supports).ok();
}

bool is_short_remark(const CsvRecord& record, std::size_t width, bool last,
                     const NumberStyle& style) {
  if (record.fields.empty() || record.fields.size() >= width) return false;
  const bool number = std::any_of(record.fields.begin(), record.fields.end(),
                                  [&](const auto& cell) { return read_number(cell, style).ok(); });
  const std::string_view text = trim(record.fields.front());
  if (number || text.empty()) return false;
  if (is_marked(text)) return true;
  const auto spaces = std::count(text.begin(), text.end(), ' ');
  return has_word(text) && text.find('/') == std::string_view::npos && spaces >= (last ? 2 : 1);
}

bool is_section(const CsvRecord& record, const MatchedColumns& columns, const NumberStyle& style) {
  if (record.fields.size() < 3 || filled_cells(record) != 1) return false;
  const auto only = std::find_if(record.fields.begin(), record.fields.end(),
                                 [](const std::string& cell) { return !trim(cell).empty(); });
  if (read_number(*only, style)) return false;
  const auto at = static_cast<std::size_t>(only - record.fields.begin());
  return std::none_of(
      columns.columns.begin(), columns.columns.end(), [&](const MatchedColumn& column) {
        return column.at == at &&
               (is_composition(column.column.use) || column.column.use == ColumnUse::proposal);
      });
}

}  // namespace kasetsu::tables
