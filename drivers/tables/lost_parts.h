// What an unread column says that the rows, as they are read, do not: a ratio beside slots, a
// loading, that a row is the average of others. Each is asked about: read without it, different
// catalysts would be repetitions of one.
#pragma once

#include <string_view>
#include <vector>

#include "drivers/tables/columns.h"

namespace kasetsu::tables {

// Adds the questions to `problems`, each with its place and what settles it. Columns that
// `problems` name already are not asked about again.
void ask_about_lost_parts(const Sheet& sheet, const ReadOptions& options,
                          std::string_view file_name, const Layout& layout,
                          std::vector<Error>& problems);

}  // namespace kasetsu::tables
