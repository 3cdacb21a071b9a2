// Columns of a delivery that say whose row it is: sample, run, channel, replicate and their like.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/tables/columns.h"

namespace kasetsu::tables {

// Names of such columns.
std::optional<ColumnUse> own_column(std::string_view name);

// Which columns that have no role yet are such ones, and under which name. A header in another
// writing ("Run", "Measured at") is meant where it is the only one and its cells fit: a kind of
// sample, a whole number, a time, the id of a proposal. `has_id`: another column names the rows, so
// that only "sample" itself is one.
std::map<std::size_t, std::string> find_own_columns(const Sheet& sheet,
                                                    const std::vector<Role>& roles, bool has_id);

}  // namespace kasetsu::tables
