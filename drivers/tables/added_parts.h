// Columns of text that hold promoters, dopants and other parts of catalysts which the composition
// of their rows lacks.
#pragma once

#include <string_view>
#include <vector>

#include "drivers/tables/columns.h"

namespace kasetsu::tables {

// Adds the questions to `problems`, each with its place and what settles it. Columns that
// `problems` name already are not asked about again.
void ask_about_added_parts(const Sheet& sheet, const ReadOptions& options,
                           std::string_view file_name, const Layout& layout,
                           std::vector<Error>& problems);

}  // namespace kasetsu::tables
