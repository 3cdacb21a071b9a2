// Columns of names beside columns that tell the amounts: what the names say, and whether it is the
// same.
#pragma once

#include <cstddef>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/tables/columns.h"
#include "drivers/tables/sheet.h"

namespace kasetsu::tables {

struct NamesBeside {
  std::size_t readable = 0;       // cells that are names or formulas
  std::size_t agreeing = 0;       // of those, names of just the elements that their rows hold
  bool supports = false;          // a name tells a support
  bool amounts = false;           // a name tells amounts other than one
  std::size_t most_elements = 0;  // of a name
  std::set<int> elements;         // that any name tells
};

// `elements`: columns of amounts, and whose they are; 0: the column's cells are symbols.
NamesBeside compare_names(const Sheet& sheet, const ReadOptions& options,
                          std::string_view file_name, std::size_t names,
                          const std::vector<std::pair<std::size_t, int>>& elements);

// Columns whose cells are all names or formulas, most of them of several parts. `roles`: the
// columns with one of these roles are looked at.
std::vector<std::size_t> columns_of_names(const Sheet& sheet, const ReadOptions& options,
                                          std::string_view file_name, const Layout& layout,
                                          bool labels_too);

}  // namespace kasetsu::tables
