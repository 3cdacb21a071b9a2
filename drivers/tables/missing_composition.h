// What to say of a table in which no column holds the composition: the column that comes nearest to
// one, and what to write.
#pragma once

#include <string_view>

#include "core/base/result.h"
#include "drivers/tables/columns.h"
#include "drivers/tables/sheet.h"

namespace kasetsu::tables {

Error missing_composition(const Sheet& sheet, const ReadOptions& options,
                          std::string_view file_name, const Layout& layout);

}  // namespace kasetsu::tables
