// Recognised columns in the form of a profile's, and what people see of columns.
#pragma once

#include "core/base/csv.h"
#include "drivers/tables/columns.h"
#include "drivers/tables/profile_columns.h"
#include "drivers/tables/sheet.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

// Cells that hold symbols of elements.
bool names_elements(ColumnUse use);
bool is_composition(ColumnUse use);

// The recognised columns in the form of a profile's.
MatchedColumns columns_of(const Layout& layout, const Sheet& sheet);

// Fills `columns`, `unused_numbers` and notes.
void report(const Sheet& sheet, const MatchedColumns& columns, TableRows& table);

// A row whose only cell is a text outside of the composition heads a group, or stands below the
// table.
bool is_section(const CsvRecord& record, const MatchedColumns& columns, const NumberStyle& style);
// The same of several words in the place of a composition: "Series A", "* measured twice".
bool is_remark(const CsvRecord& record, const MatchedColumns& columns, const NumberStyle& style,
               const chemistry::SupportTable& supports);
// A line of text that has fewer cells than the header: "* measured twice", "series B: promoted".
// `last`: of the table, where it may also be a row that was cut off.
bool is_short_remark(const CsvRecord& record, std::size_t width, bool last,
                     const NumberStyle& style);

}  // namespace kasetsu::tables
