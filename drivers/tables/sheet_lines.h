// Which lines of a table are what: titles above the header, a header of two lines, the header
// again at a page break, groups that are named in their first row only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/csv.h"
#include "core/base/result.h"
#include "drivers/tables/cells.h"

namespace kasetsu::tables {

// Cells with something in them.
std::size_t filled_cells(const CsvRecord& record);

// The line that names the columns: lines above it with few cells are titles, and so are comments
// ("# ...") above a line of names. 0 where none is seen.
std::size_t find_header(const std::vector<CsvRecord>& records);

// Whether the line below the header at `at` belongs to it: it names columns that the first line
// leaves without a name, none of its cells is a number, and numbers follow below them.
bool is_header_continued(const std::vector<CsvRecord>& records, std::size_t at,
                         const NumberStyle& style);
// Whether the upper line names groups of the columns that the lower line names one by one, and
// tells the unit of their amounts ("Metals (wt%)" above Ni, Co) or keeps equal names apart.
bool names_groups(const CsvRecord& upper, const CsvRecord& lower);
// Whether the upper line repeats the name of a group in each of its columns, above a line of names
// ("Catalyst,Catalyst,Test,Test") with numbers below; and that line with each name once.
bool repeats_groups(const std::vector<CsvRecord>& records, std::size_t at);
CsvRecord without_repeats(CsvRecord upper);
// One name a column: a name over several columns stands before the names below it only where those
// alone would be the same; its unit is theirs where they tell none, and an amount's is an amount's.
// `only_groups`: the upper line names nothing but groups.
CsvRecord join_header(const CsvRecord& upper, const CsvRecord& lower, bool only_groups);

// Takes out rows that repeat the header; their lines.
std::vector<std::size_t> take_out_headers(const std::vector<CsvRecord>& header,
                                          std::vector<CsvRecord>& rows);

// The row that begins another table: it repeats the header in part, or tells units as a header
// does, and names something else over a column of numbers. Null: none does.
const CsvRecord* find_second_header(const std::vector<CsvRecord>& header,
                                    const std::vector<CsvRecord>& rows, const NumberStyle& style);

// Whether the first row stands over numbers without being one of them, beside no catalyst: its
// cells are texts, where others have numbers, and where others have texts it has nothing.
bool begins_with_text_over_numbers(const std::vector<CsvRecord>& rows, const NumberStyle& style);

// "unit", "[Einheit]", "(name)": what stands in front of a line of units, and is none itself.
bool labels_units(std::string_view cell);

// "average of 2", "SD", "Mittelwert (n=3)": a text that says that its row summarises others. Not
// those that samples are called, too ("max", "MW").
bool says_summary(std::string_view text);

// Takes out rows that summarise others, such as averages and standard deviations: one of the usual
// words is their first cell and a cell is blank that others have, or it stands in a column of
// numbers (replicate 1, 2, avg). Their lines.
std::vector<std::size_t> take_out_summaries(std::vector<CsvRecord>& rows, const NumberStyle& style);

// A blank cell of these columns repeats the one above it. bad_data: there is no such column.
Status fill_down(const std::vector<std::string>& columns, const CsvRecord& header,
                 std::vector<CsvRecord>& rows, std::string_view file_name);

// "line 3", "lines 3, 4 and 9", "lines 3, 4, 5, ... (12 of them)".
std::string lines_text(const std::vector<std::size_t>& lines);

}  // namespace kasetsu::tables
