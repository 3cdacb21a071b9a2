// Result tables as laboratories write them, read into catalysts and values. Never a guess: what is
// not understood is an error that names file, line, column, value and what was expected.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"

namespace kasetsu::tables {

enum class Shape {
  automatic,  // told from the header
  loadings,   // one column an element, cells are amounts
  slots,      // M1, M2, ..., and optionally Support; an empty slot is `none` or blank; repetition
              // counts
  formula     // one column `formula`, `composition` or `catalyst`: a formula, or a name such as
              // Mn-Na2WO4/SiO2
};

struct ReadOptions {
  Shape shape = Shape::automatic;
  std::optional<std::string> id;     // column of row names; none: the first text column that is
                                     // nothing else, else line numbers
  std::vector<std::string> targets;  // columns that are measured; each must exist
  std::vector<std::string>
      conditions;  // columns that are inputs beside the composition; each must exist
  std::vector<std::string> ignore;  // columns that are known and not wanted; each must exist
  std::vector<std::string> ignore_present;  // the same, where they exist
  std::vector<std::string> columns;         // names of the columns of a file without a header
  bool missing_targets = false;             // a blank target cell is NaN instead of an error
};

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
  std::vector<std::string> slot_columns;  // or element columns, in the order of the file
};

// text: the file's bytes (UTF-8, with or without a byte-order mark).
Result<Table> read_table(std::string_view text, std::string_view file_name,
                         const ReadOptions& options, const chemistry::SupportTable& supports);

}  // namespace kasetsu::tables
