// What the cells of a table's columns hold, whatever the columns are for: shared by those who
// recognise columns and those who ask about them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/csv.h"
#include "core/base/result.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

// Keeps references to what it is made of.
class ColumnCells {
 protected:
  ColumnCells(const Sheet& sheet, const ReadOptions& options, std::string_view file_name);

  // Errors with the place of the header, of one column or of all.
  Error problem(std::size_t column, std::string message, std::string value,
                std::string expected) const;
  Error problem(std::string message, std::string value, std::string expected) const;

  std::string_view cell(const CsvRecord& row, std::size_t column) const;
  // A number from 0, blank, or a word for no value.
  bool is_amount(std::string_view cell) const;
  bool all_numbers(std::size_t column) const;  // blank cells do not count
  // Numbers in most cells: the others are problems of their rows, or say that nothing was measured.
  bool mostly_numbers(std::size_t column) const;
  // Numbers and words that say "not measured", at least one number.
  bool are_measured(std::size_t column) const;
  bool all_blank(std::size_t column) const;
  // Cells that are chemical symbols or `none`, at least one of them with two letters (columns of
  // yes and no hold Y and N).
  bool holds_symbols(std::size_t column) const;
  // Whether a text is a name or formula; `parts`: of active elements and support.
  bool reads_as_composition(const std::string& text, std::size_t& parts) const;
  // What the line of units says of a column; empty: nothing.
  std::string unit_below(std::size_t column) const;

  const std::vector<std::string>& header_;
  const std::vector<std::string>& units_;
  std::vector<const CsvRecord*> rows_;  // those as long as the header, without blank runs
  const NumberStyle& style_;
  const ReadOptions& options_;
  std::string_view file_name_;
  std::size_t line_;  // of the header
};

}  // namespace kasetsu::tables
