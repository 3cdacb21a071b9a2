// The one reader of laboratories' tables: rows that stand for themselves, the wrong ones with their
// reasons. The columns are those of a profile, or recognised by the header and by what is told of
// them. Nothing is guessed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/composition_rules.h"
#include "drivers/tables/profile.h"
#include "drivers/tables/sheet.h"

namespace kasetsu::tables {

enum class Shape {
  automatic,  // told from the header
  loadings,   // one column an element, cells are amounts
  slots,      // M1, M2, ..., and optionally Support; an empty slot is `none` or blank; repetition
              // counts
  formula     // one column of formulas or of names such as Mn-Na2WO4/SiO2
};

struct ReadOptions {
  Shape shape = Shape::automatic;
  std::shared_ptr<const Profile> profile;  // null: the columns are recognised
  std::optional<std::string> id;           // column of row names; none: the first text column that
                                           // is nothing else, else line numbers
  std::optional<std::string> composition;  // column of formulas or names, under any header
  std::vector<std::string> targets;        // columns that are measured; each must exist
  std::vector<std::string>
      conditions;  // columns that are inputs beside the composition; each must exist
  std::vector<std::string> ignore;  // columns that are known and not wanted; each must exist
  std::vector<std::string> ignore_present;  // the same, where they exist
  std::vector<std::string> columns;         // names of the columns of a file without a header
  std::string sheet;                        // of a workbook
  std::string encoding;                     // goes before the profile's; empty: its, or found out
  std::vector<std::string> fill_down;       // columns whose blank cells repeat the one above
  // What numbers before the elements of a name are ("1Zn1Zr/SiO2"): "wt%", "mol%"; empty: names
  // tell it.
  std::string name_amounts;
  std::vector<std::string> null;      // more words that say "not measured"
  char decimal = '\0';                // '.' or ','; 0: found out
  bool missing_targets = false;       // a row without a target is NaN instead of an error
  bool skip_missing_targets = false;  // ... is left out
  bool look = false;  // for people: what is wrong with columns does not end the reading
  // Deliveries: columns such as sample, channel and run say whose row it is, and names that come
  // near to one of them, of a target or of a condition are asked about.
  bool delivery = false;
  chemistry::CompositionRules rules;  // of the campaign; none: those of a table without one
  // Deliveries: what the campaign measures and varies; those that the table has are read.
  std::vector<std::string> known_targets, known_conditions;
  // Units of the targets, where the campaign tells them; a condition tells its own behind its last
  // "_" (temperature_C). Values in another unit of their kind are converted.
  std::map<std::string, std::string> known_units;
};

struct TableValue {
  std::string name;
  double value = 0.0;
  std::string unit;       // empty: neither profile nor file tells one
  bool censored = false;  // "<0.1": a limit of detection
  bool above = false;     // ">95": a limit from above
};

// A composition as it was read, once for all rows that write it alike.
struct ReadCatalyst {
  chemistry::Catalyst catalyst;
  std::string key;
  std::string told;            // amounts as they were told, where they became others; or empty
  std::string dropped_oxygen;  // chemistry::MadeCatalyst
};

struct TableRow {
  std::size_t line = 0;         // of the file, from 1
  std::vector<Error> problems;  // the rest counts only without one
  std::shared_ptr<const ReadCatalyst> catalyst;
  std::string kind;  // empty: catalyst
  std::string proposal, sample, source, run, channel;
  // The composition as it was told to what was exported, or with the oxygen that does not count.
  std::string told;
  std::optional<std::int64_t> sequence, replicate;
  std::map<std::string, double> conditions;
  std::vector<TableValue> values;
  std::vector<std::string> not_measured;  // names of values whose cells hold nothing
  std::optional<UtcTime> measured_at;
  // Of a row that the reduction made: the lines of its points, and whether the maximum stands
  // alone.
  std::vector<std::size_t> points;
  bool isolated_maximum = false;
  std::vector<std::pair<std::string, std::string>> cells;  // header and cell; only with a problem
};

// How a column was read, for those who look before they import.
struct ColumnReport {
  std::size_t number = 0;  // from 1
  std::string header;
  std::string use;   // "slot", "value", ..., "not used"
  std::string name;  // of the value, condition or element
  std::string of;    // of a slot's amount: the header of the slot
  std::string unit;
  std::string content;  // "numbers", "text", "blank"
  std::size_t filled = 0;
  std::vector<std::string> examples;  // the first cells that differ, three at most
};

struct TableRows {
  Shape shape = Shape::automatic;  // automatic: read by a profile
  std::string encoding;
  std::string delimiter;
  std::string sheet;  // of a workbook
  std::size_t header_line = 1;
  std::vector<TableRow> rows;       // in the order of the file, then what the reduction made
  std::vector<std::string> unused;  // headers of columns that nothing uses
  std::vector<std::string> unused_numbers;       // of those: all cells are numbers
  std::vector<std::string> composition;          // headers of the slot, element or formula columns
  std::vector<std::string> targets, conditions;  // names of what the columns hold
  std::vector<ColumnReport> columns;
  std::vector<std::string> notes;  // what was skipped or assumed, one sentence each
  std::vector<Error> problems;     // of columns; only with ReadOptions::look
  NumberStyle style;
  std::size_t header_at = 0, header_lines = 1;  // as in Sheet
  bool unit_row = false;
};

// How the sheet of a table is found, without a word on its columns.
SheetOptions sheet_options(const ReadOptions& options);

// Errors (bad_data, "file:line: column ...") are for the whole table: encoding, header, units, no
// rows.
Result<TableRows> read_rows(std::string_view bytes, std::string_view file_name,
                            const ReadOptions& options, const chemistry::SupportTable& supports,
                            std::size_t max_rows = 1'000'000);

}  // namespace kasetsu::tables
