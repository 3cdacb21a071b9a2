// Which column of a result table is what: told by the header and by the names that the user gives.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/csv.h"
#include "core/base/result.h"
#include "drivers/tables/table.h"

namespace kasetsu::tables {

enum class Role {
  unused,
  id,
  target,
  condition,
  ignored,
  slot,     // M1, M2, ...
  support,  // Support
  element,  // a chemical symbol
  formula   // formula, composition, catalyst
};

struct Layout {
  Shape shape = Shape::automatic;
  std::vector<Role> roles;  // by column of the file
  std::vector<std::size_t>
      composition;            // slot, element or formula columns, in the order of the file
  std::vector<int> elements;  // atomic numbers of `composition`, for Shape::loadings
  std::optional<std::size_t> support;
  std::optional<std::size_t> id;
  std::vector<std::size_t> targets;     // in the order of ReadOptions::targets
  std::vector<std::size_t> conditions;  // in the order of ReadOptions::conditions
};

// A column's name without the spaces, tabs and no-break spaces (which spreadsheets leave in
// headers) at both ends.
std::string trim_name(std::string_view name);

// header: names without spaces around them; rows: all of header.size() cells. Errors (bad_data)
// name file, line of the header and column: names that are missing, given twice or empty, two
// shapes at once, none, and columns that look like part of the composition and are not.
Result<Layout> recognise(std::span<const std::string> header, std::span<const CsvRecord> rows,
                         const ReadOptions& options, std::string_view file_name,
                         std::size_t header_line);

// Insertions, deletions and substitutions that make one text of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace kasetsu::tables
