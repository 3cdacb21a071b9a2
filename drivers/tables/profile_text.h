// A profile written from a table that was read without one: what was recognised and told, kept.
#pragma once

#include <string>
#include <string_view>

#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

// A text as TOML writes it, on one line.
std::string toml_text(std::string_view text);

// The text of a profile that reads tables of this form as `table` was read with `options`. Columns
// that nothing uses are written as `ignore`, for whoever wants to give them a use.
std::string profile_text(const TableRows& table, const ReadOptions& options,
                         std::string_view file_name);

}  // namespace kasetsu::tables
