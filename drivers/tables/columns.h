// Which column of a result table is what: told by the header and by the names that the user gives.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/csv.h"
#include "core/base/result.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

enum class Role {
  unused,
  id,
  target,
  condition,
  ignored,
  own,  // sample, channel, ... of a delivery
  preparation,
  slot,         // M1, M2, ...; Metal 1, Metal 2, ... beside their amounts
  slot_amount,  // wt% 1, wt% 2, ...: of the slot with the same number
  support,      // Support
  element,      // a chemical symbol, perhaps with a unit
  formula       // formula, composition, catalyst, or the one column of compositions
};

struct Layout {
  Shape shape = Shape::automatic;
  std::vector<Role> roles;  // by column of the file
  std::vector<std::size_t>
      composition;                 // slot, element or formula columns, in the order of the file
  std::vector<int> elements;       // atomic numbers of `composition`, for Shape::loadings
  std::vector<std::string> units;  // that their headers tell; of each of `elements`
  std::vector<std::pair<std::size_t, std::size_t>> amounts;  // slot column and its amount
  std::vector<std::string> amount_units;                     // of each of `amounts`, where told
  std::optional<std::size_t> support, preparation;
  // Of names that tell the supports of catalysts whose elements other columns tell.
  std::optional<std::size_t> name;
  // Of names beside columns that tell the whole catalyst: what both tell must be the same.
  std::optional<std::size_t> label;
  bool slots_of_formulas = false;  // sites of a perovskite
  std::optional<std::size_t> id;
  std::vector<std::size_t> targets, conditions;
  std::map<std::size_t, std::string> names;  // of those whose header is not their name
  // Of values and conditions whose unit the table tells: that unit, and the campaign's.
  std::map<std::size_t, std::pair<std::string, std::string>> value_units;
  std::vector<Error> problems;  // with ReadOptions::look, instead of an error
};

// Errors (bad_data) name file, line of the header and column, all that were found together: names
// that are missing, given twice or empty, two shapes at once, none, and columns that look like part
// of the composition, or like something that was told, and are not.
Result<Layout> recognise(const Sheet& sheet, const ReadOptions& options,
                         std::string_view file_name);

}  // namespace kasetsu::tables
