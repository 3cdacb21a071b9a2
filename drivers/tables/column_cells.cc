#include "drivers/tables/column_cells.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/cells.h"
#include "drivers/tables/name_amounts.h"

namespace kasetsu::tables {

ColumnCells::ColumnCells(const Sheet& sheet, const ReadOptions& options, std::string_view file_name)
    : header_(sheet.header.fields),
      units_(sheet.units),
      style_(sheet.style),
      options_(options),
      file_name_(file_name),
      line_(sheet.header.line) {
  // Rows of another length than the header say nothing of its columns, nor do runs without a
  // catalyst.
  std::vector<const CsvRecord*> blanks;
  for (const CsvRecord& row : sheet.rows) {
    if (row.fields.size() < header_.size()) continue;
    const bool blank = std::any_of(row.fields.begin(), row.fields.end(),
                                   [](const std::string& cell) { return is_blank_run(cell); });
    (blank ? blanks : rows_).push_back(&row);
  }
  if (rows_.empty()) rows_ = std::move(blanks);
}

Error ColumnCells::problem(std::size_t column, std::string message, std::string value,
                           std::string expected) const {
  return {ErrorCode::bad_data, std::move(message),
          csv_place(file_name_, line_, header_[column], column), std::move(value),
          std::move(expected)};
}

Error ColumnCells::problem(std::string message, std::string value, std::string expected) const {
  return {ErrorCode::bad_data, std::move(message), csv_place(file_name_, line_), std::move(value),
          std::move(expected)};
}

std::string_view ColumnCells::cell(const CsvRecord& row, std::size_t column) const {
  return trim(row.fields[column]);
}

bool ColumnCells::is_amount(std::string_view cell) const {
  const auto nulls = usual_null_words();
  const auto number = read_number(cell, style_);
  return cell.empty() || (number && number->value >= 0.0) ||
         std::find(nulls.begin(), nulls.end(), small_letters(cell)) != nulls.end();
}

bool ColumnCells::all_numbers(std::size_t column) const {
  return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
    return cell(*row, column).empty() || read_number(cell(*row, column), style_).ok();
  });
}

bool ColumnCells::mostly_numbers(std::size_t column) const {
  std::size_t numbers = 0, others = 0;
  for (const CsvRecord* const row : rows_) {
    const std::string_view text = cell(*row, column);
    if (text.empty() || is_usual_null(text)) continue;
    ++(read_number(text, style_).ok() ? numbers : others);
  }
  return numbers > others;
}

bool ColumnCells::are_measured(std::size_t column) const {
  bool number = false;
  return std::all_of(rows_.begin(), rows_.end(),
                     [&](const CsvRecord* row) {
                       const std::string_view text = cell(*row, column);
                       const bool read = read_number(text, style_).ok();
                       number = number || read;
                       return read || text.empty() || is_usual_null(text);
                     }) &&
         number;
}

bool ColumnCells::all_blank(std::size_t column) const {
  return std::all_of(rows_.begin(), rows_.end(),
                     [&](const CsvRecord* row) { return cell(*row, column).empty(); });
}

bool ColumnCells::reads_as_composition(const std::string& text, std::size_t& parts) const {
  if (const std::string unit = unit_of_numbers(options_); !unit.empty()) {
    if (const auto numbered = read_numbered_name(text, unit)) {
      parts = numbered->amounts.size() + (numbered->support.empty() ? 0 : 1);
      return true;
    }
  }
  const auto name = chemistry::parse_catalyst_name(text, chemistry::SupportTable());
  if (name) parts = name->active.parts().size() + (name->support.empty() ? 0 : 1);
  return name.ok();
}

std::string ColumnCells::unit_below(std::size_t column) const {
  return column < units_.size() && units_[column] != "-" ? units_[column] : std::string();
}

bool ColumnCells::holds_symbols(std::size_t column) const {
  bool sure = false;
  for (const CsvRecord* const row : rows_) {
    const std::string_view text = cell(*row, column);
    if (is_none(text)) continue;
    if (!chemistry::atomic_number(text)) return false;
    sure = sure || text.size() == 2;
  }
  return sure;
}

}  // namespace kasetsu::tables
