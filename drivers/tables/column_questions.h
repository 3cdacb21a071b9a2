// What has to be asked about columns once it is known what they are: what looks like something that
// it was not taken for, and what was taken for something that it may not be.
#pragma once

#include <string_view>
#include <vector>

#include "drivers/tables/columns.h"

namespace kasetsu::tables {

// Adds the questions to `problems`, each with its column and what settles it. Names that come near
// to others are not asked about where no shape was found and something else is wrong already.
void ask_about_columns(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
                       const Layout& layout, std::vector<Error>& problems);

}  // namespace kasetsu::tables
