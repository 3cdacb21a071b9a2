// Columns of elements under other headers than M1, M2, ...: "Metal 1", "Metal" and "Promoter",
// "A-site" and "B-site", and their amounts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "drivers/tables/columns.h"
#include "drivers/tables/sheet.h"

namespace kasetsu::tables {

struct SlotColumns {
  std::vector<std::size_t> slots;                            // in the order of the file
  std::vector<std::pair<std::size_t, std::size_t>> amounts;  // slot column and its amount
  std::vector<std::string> amount_units;                     // of each of them, where told
  bool formulas = false;  // cells may be formulas, as of the sites of a perovskite
  std::vector<Error> problems;
};

// "Loading (wt%)", "Metal content / wt%": the unit of the amount of the only element, or of the
// metal. Empty: the header is another one, or tells no unit.
std::string unit_of_loading(std::string_view header);

// Of the unused columns. Empty: there are none. `pairs_only`: numbered ones with their amounts.
SlotColumns find_slot_columns(const Sheet& sheet, const ReadOptions& options,
                              std::string_view file_name, const std::vector<Role>& roles,
                              bool pairs_only);

}  // namespace kasetsu::tables
