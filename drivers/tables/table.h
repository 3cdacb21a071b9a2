// A result table for those who learn from it: catalysts, targets and conditions as matrices.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

// Columns that are neither composition nor named are left out, and listed in `unused`.
struct Table {
  Shape shape = Shape::automatic;
  std::vector<std::string> ids;
  std::vector<chemistry::Catalyst> catalysts;
  std::vector<std::string> target_names;
  Eigen::MatrixXd targets;  // rows x targets; NaN only with missing_targets
  std::vector<std::string> condition_names;
  Eigen::MatrixXd conditions;      // rows x conditions
  std::vector<std::size_t> lines;  // physical line of each row, from 1
  std::vector<std::string> unused;
  std::vector<std::string>
      unused_numbers;                     // of those: all cells are numbers, so it may be a target
  std::string amounts;                    // unit in which they were told ("wt%"); empty: none
  std::vector<std::string> slot_columns;  // or element columns, in the order of the file
  std::vector<ColumnReport> columns;
  std::vector<std::string> notes;  // what was skipped or assumed, one sentence each
};

// bytes: of the file, a table or a workbook. All problems of the rows are one error (bad_data). A
// value below a limit of detection ("<0.1") counts as not measured. With a profile, targets and
// conditions are named as the profile names them; all its conditions are read when none is named.
Result<Table> read_table(std::string_view bytes, std::string_view file_name,
                         const ReadOptions& options, const chemistry::SupportTable& supports);

// The cells of one column by the physical lines of their rows, without spaces around them.
// bad_data: there is no such column.
Result<std::map<std::size_t, std::string>> column_cells(std::string_view bytes,
                                                        std::string_view file_name,
                                                        const ReadOptions& options,
                                                        const std::string& column);

}  // namespace kasetsu::tables
