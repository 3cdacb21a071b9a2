#include "drivers/tables/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "daemon/base/json.h"
#include "drivers/tables/encoding.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/profile_columns.h"
#include "drivers/tables/sheet_lines.h"
#include "drivers/tables/units.h"
#include "drivers/tables/workbook.h"

namespace kasetsu::tables {
namespace {

Error bad(std::string where, std::string message, std::string value, std::string expected) {
  return {ErrorCode::bad_data, std::move(message), std::move(where), std::move(value),
          std::move(expected)};
}

// How well the records fit a delimiter: the records of the most usual width, and that width.
std::pair<std::size_t, std::size_t> regularity(const std::vector<CsvRecord>& records) {
  std::map<std::size_t, std::size_t> widths;
  for (const CsvRecord& record : records) ++widths[record.fields.size()];
  std::pair<std::size_t, std::size_t> best{0, 0};
  for (const auto& [width, count] : widths) {
    if (width > 1) best = std::max(best, {count, width});
  }
  return best;
}

// Which of two ways to cut a file is better: with a profile, the one whose header has more of its
// columns.
std::pair<std::size_t, std::size_t> fitness(const std::vector<CsvRecord>& records,
                                            const Profile* profile) {
  if (profile == nullptr) return regularity(records);
  const auto header = static_cast<std::size_t>(profile->header_row) - 1;
  if (records.size() <= header) return {0, 0};
  return {count_matches(records[header].fields, *profile) + 1, 0};
}

Result<std::vector<CsvRecord>> cut(std::string_view text, std::string_view file_name,
                                   const Profile* profile, std::string& delimiter) {
  std::vector<std::string> candidates{",", ";", "tab", "|"};
  if (profile != nullptr && profile->delimiter != "auto") candidates = {profile->delimiter};
  const std::string_view first_line = text.substr(0, text.find('\n'));
  std::optional<Error> wrong;  // of the delimiter that cuts the first line into most cells
  std::ptrdiff_t cells_of_wrong = 0;
  std::optional<std::vector<CsvRecord>> best;
  std::pair<std::size_t, std::size_t> most{0, 0};
  for (const std::string& candidate : candidates) {
    CsvOptions options;
    options.delimiter = candidate == "tab" ? '\t' : candidate[0];
    auto records = read_csv(text, file_name, options);
    if (!records) {
      const auto cells = 1 + std::count(first_line.begin(), first_line.end(), options.delimiter);
      if (cells > cells_of_wrong) {
        wrong = records.error();
        cells_of_wrong = cells;
      }
      continue;
    }
    const auto fit = fitness(*records, profile);
    if (best && fit <= most) continue;
    most = fit;
    best = std::move(*records);
    delimiter = candidate;
  }
  // Cut without its own delimiter, a table that is wrong in another way has few columns.
  if (!best || (wrong && most.first <= 1 && cells_of_wrong > std::ssize(best->front().fields)))
    return *wrong;
  return std::move(*best);
}

std::string without_brackets(std::string_view cell) {
  std::string text(trim(plain_characters(cell)));
  const bool brackets = text.size() > 2 && (text.front() == '(' || text.front() == '[');
  return brackets ? text.substr(1, text.size() - 2) : text;
}

// Whether the line below the header holds units: none of its cells is a number or says that nothing
// was measured, numbers stand below each, and one is a unit that is known.
// Dashes alone say that nothing has a unit where they stand beside no catalyst.
bool holds_units(const std::vector<CsvRecord>& rows, const NumberStyle& style) {
  bool known = false, dashes = false, others = false, lacks = false;
  const auto nulls = usual_null_words();
  for (std::size_t i = 0; i < rows.front().fields.size(); ++i) {
    std::string cell = without_brackets(rows.front().fields[i]);
    if (labels_units(cell)) cell.clear();
    if (cell.empty() || cell == "-") {
      lacks = lacks || std::any_of(rows.begin() + 1, rows.end(), [&](const CsvRecord& row) {
                return i < row.fields.size() && !trim(row.fields[i]).empty() &&
                       !is_usual_null(row.fields[i]) && !read_number(row.fields[i], style);
              });
      dashes = dashes || !cell.empty();
      continue;
    }
    others = true;
    const bool null = std::find(nulls.begin(), nulls.end(), small_letters(cell)) != nulls.end();
    const bool numbers_below = std::any_of(rows.begin() + 1, rows.end(), [&](const CsvRecord& row) {
      return i < row.fields.size() && read_number(row.fields[i], style).ok();
    });
    if (null || !numbers_below || read_number(cell, style)) return false;
    known = known || is_unit(cell);
  }
  return known || (dashes && !others && lacks);
}

Result<std::vector<CsvRecord>> read_records(std::string_view bytes, std::string_view file_name,
                                            const SheetOptions& options, Sheet& sheet,
                                            std::vector<ShownUnit>& shown) {
  if (is_workbook(bytes)) {
    auto workbook = read_workbook(bytes, file_name, options.sheet);
    if (!workbook) return workbook.error();
    sheet.encoding = "utf-8";
    sheet.delimiter = "workbook";
    sheet.notes = std::move(workbook->notes);
    shown = std::move(workbook->units);
    sheet.name = std::move(workbook->sheet);
    sheet.other_sheets = std::move(workbook->other_sheets);
    return std::move(workbook->rows);
  }
  if (!options.sheet.empty()) {
    return bad(std::string(file_name), "this file is no workbook and has no sheets", options.sheet,
               "an .xlsx file, or no --sheet");
  }
  auto decoded = decode_text(bytes,
                             !options.encoding.empty() ? options.encoding
                             : options.profile         ? options.profile->encoding
                                                       : "auto",
                             file_name);
  if (!decoded) return decoded.error();
  sheet.encoding = decoded->encoding;
  if (trim(decoded->text).empty()) {
    return bad(csv_place(file_name, 1), "the file is empty", "", "a header and at least one row");
  }
  return cut(decoded->text, file_name, options.profile, sheet.delimiter);
}

}  // namespace

std::string trim_name(std::string_view name) {
  constexpr std::string_view kNoBreakSpace = "\xC2\xA0";
  for (std::size_t before = name.size() + 1; before != name.size();) {
    before = name.size();
    name = trim(name);
    if (name.starts_with(kNoBreakSpace)) name.remove_prefix(kNoBreakSpace.size());
    if (name.ends_with(kNoBreakSpace)) name.remove_suffix(kNoBreakSpace.size());
  }
  std::string text;
  for (const char c : name) {
    const bool line_end = c == '\n' || c == '\r' || c == '\t';
    if (line_end && text.ends_with(' ')) continue;
    text.push_back(line_end ? ' ' : c);
  }
  return text;
}

namespace {

// Whether a title is about what was measured, or how: "# selectivities in mol%".
bool is_about_results(const CsvRecord& title) {
  static constexpr std::string_view kWords[] = {
      "conversion",    "selectiv", "yield",   "umsatz",   "selektiv", "ausbeute", "rendement",
      "s\u00E9lectiv", "balance",  "feed",    "flow",     "ghsv",     "whsv",     "pressure",
      "removed",       "washed",   "product", "effluent", "gas "};
  return std::any_of(title.fields.begin(), title.fields.end(), [](const std::string& cell) {
    const std::string text = fold_name(cell.starts_with('#') ? cell.substr(1) : cell);
    return std::any_of(std::begin(kWords), std::end(kWords),
                       [&](std::string_view word) { return text.find(word) != std::string::npos; });
  });
}

// "# all amounts in wt%": a title that tells the unit of amounts.
void find_units_in(const CsvRecord& title, Sheet& sheet) {
  if (is_about_results(title)) return;
  for (const std::string& cell : title.fields) {
    const std::string text = plain_characters(cell);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find_first_of(" ()[],;:", at), text.size());
      const std::string word = text.substr(at, end - at);
      if (word.size() > 2 && chemistry::told_unit(word))
        sheet.title_units.emplace_back(title.line, word);
      at = end + 1;
    }
  }
}

// Finds the header of `sheet` and leaves the rows below it. The lines of the header as they stand.
Result<std::vector<CsvRecord>> take_header(std::vector<CsvRecord>& records, Sheet& sheet,
                                           const SheetOptions& options,
                                           std::string_view file_name) {
  std::vector<CsvRecord> lines;
  std::size_t first = 0;
  if (!options.columns.empty()) {
    sheet.header.line = records.empty() ? 1 : records.front().line;
    sheet.header.fields = options.columns;
  } else {
    const Profile* const profile = options.profile;
    std::size_t at = profile != nullptr ? static_cast<std::size_t>(profile->header_row) - 1
                                        : find_header(records);
    if (at >= records.size()) {
      return bad(csv_place(file_name, 1), "the file is empty", "", "a header and at least one row");
    }
    bool groups = profile == nullptr && at > 0 && names_groups(records[at - 1], records[at]);
    if (groups) --at;
    if (!groups && profile == nullptr && repeats_groups(records, at)) {
      groups = true;
      records[at] = without_repeats(records[at]);
    }
    for (std::size_t i = 0; i < at; ++i) find_units_in(records[i], sheet);
    if (at > 0 && profile == nullptr) {
      sheet.notes.push_back(
          at == 1 ? fmt::format("line {} above the header is a title and was left out",
                                records.front().line)
                  : fmt::format("lines {} to {} above the header are titles and were left out",
                                records.front().line, records[at - 1].line));
    }
    const bool two =
        groups || (profile != nullptr ? profile->header_lines == 2 && at + 1 < records.size()
                                      : is_header_continued(records, at, find_style(records)));
    lines.push_back(records[at]);
    if (two) lines.push_back(records[at + 1]);
    sheet.header = two ? join_header(records[at], records[at + 1],
                                     groups || names_groups(records[at], records[at + 1]))
                       : records[at];
    sheet.header_at = at + 1;
    sheet.header_lines = lines.size();
    if (two && profile == nullptr) {
      sheet.notes.push_back(fmt::format("lines {} and {} are the header together", records[at].line,
                                        records[at + 1].line));
    }
    first = at + lines.size();
  }
  for (std::string& name : sheet.header.fields) name = trim_name(name);
  // A header behind the sign of a comment: "# Ni,Co,y".
  if (std::string& name = sheet.header.fields.front();
      options.profile == nullptr && name.starts_with("# ")) {
    name = trim_name(std::string_view(name).substr(1));
  }
  records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(first));
  std::erase_if(records, [](const CsvRecord& row) { return filled_cells(row) == 0; });
  return lines;
}

void take_units(std::vector<CsvRecord>& rows, Sheet& sheet, const Profile* profile) {
  const bool unit_row = profile != nullptr ? profile->unit_row && !rows.empty()
                                           : rows.size() > 1 && holds_units(rows, sheet.style);
  if (!unit_row) return;
  sheet.unit_row = true;
  for (const std::string& unit : rows.front().fields) {
    sheet.units.push_back(without_brackets(unit));
  }
  if (profile == nullptr) {
    sheet.notes.push_back(fmt::format("line {} holds units", rows.front().line));
  }
  rows.erase(rows.begin());
}

// Lines that are neither rows nor lines of this header: what stands below them would be read as
// something else.
Status check_lines(const std::vector<CsvRecord>& header, const std::vector<CsvRecord>& rows,
                   const Sheet& sheet, const Profile* profile, std::string_view file_name) {
  const auto text_of = [](const CsvRecord& row) {
    std::vector<std::string_view> cells;
    for (const std::string& cell : row.fields) {
      if (!trim(cell).empty()) cells.push_back(trim(cell));
    }
    return fmt::format("{}", fmt::join(cells, ", "));
  };
  if (const CsvRecord* second = find_second_header(header, rows, sheet.style)) {
    return bad(csv_place(file_name, second->line),
               "another header stands here: what is below it belongs to another table",
               text_of(*second), "one table in a file or sheet, this one in another");
  }
  if (profile == nullptr && !sheet.unit_row && begins_with_text_over_numbers(rows, sheet.style)) {
    return bad(csv_place(file_name, rows.front().line),
               "the line below the header stands over numbers and is no unit that is known",
               text_of(rows.front()),
               "the unit in the header, such as rate (mmol/g/h), over numbers in it, and without "
               "this line");
  }
  return {};
}

// A unit that the number format of a cell shows.
struct CellUnit {
  std::size_t line, column;
  std::string unit;
};

std::vector<CsvRecord>::iterator row_at(std::vector<CsvRecord>& rows, std::size_t line) {
  const auto row = std::lower_bound(
      rows.begin(), rows.end(), line,
      [](const CsvRecord& record, std::size_t number) { return record.line < number; });
  return row != rows.end() && row->line == line ? row : rows.end();
}

std::vector<CellUnit> take_off_units(const std::vector<ShownUnit>& shown,
                                     std::vector<CsvRecord>& records) {
  std::vector<CellUnit> units;
  for (const ShownUnit& one : shown) {
    const auto row = row_at(records, one.line);
    if (row == records.end()) continue;
    std::string& text = row->fields[one.column];
    units.push_back({one.line, one.column, text.substr(text.size() - one.length)});
    text.resize(text.size() - one.length);
  }
  return units;
}

// A unit that all cells of a column show stands for one that the table does not tell. What differs
// from the table's own goes back into the cells.
void put_back_units(const std::vector<CellUnit>& units, std::vector<CsvRecord>& rows,
                    Sheet& sheet) {
  std::map<std::size_t, std::set<std::string>> of_columns;
  for (const CellUnit& one : units) of_columns[one.column].emplace(trim(one.unit));
  std::map<std::size_t, std::string> told;
  for (const auto& [column, shown] : of_columns) {
    if (column >= sheet.header.fields.size()) continue;
    std::string& unit = told[column];
    unit = split_unit(sheet.header.fields[column]).unit;
    if (unit.empty() && column < sheet.units.size()) unit = sheet.units[column];
    const std::string& first = *shown.begin();
    if (!unit.empty() || shown.size() > 1 || !(is_unit(first) || chemistry::told_unit(first))) {
      continue;
    }
    unit = first;
    sheet.units.resize(sheet.header.fields.size());
    sheet.units[column] = first;
  }
  for (const CellUnit& one : units) {
    const auto row = row_at(rows, one.line);
    if (row == rows.end() || same_unit(one.unit, told[one.column])) continue;
    row->fields[one.column] += one.unit;
  }
}

void tell_lines(const std::vector<std::size_t>& lines, std::string_view one, std::string_view many,
                Sheet& sheet) {
  if (lines.empty()) return;
  sheet.notes.push_back(
      fmt::format("{} {}, left out", lines_text(lines), lines.size() == 1 ? one : many));
}

}  // namespace

Result<Sheet> read_sheet(std::string_view bytes, std::string_view file_name,
                         const SheetOptions& options) {
  Sheet sheet;
  std::vector<ShownUnit> shown;
  auto rows = read_records(bytes, file_name, options, sheet, shown);
  if (!rows) return rows.error();
  const Profile* const profile = options.profile;
  const std::vector<CellUnit> units = take_off_units(shown, *rows);
  const auto header_lines = take_header(*rows, sheet, options, file_name);
  if (!header_lines) return header_lines.error();
  tell_lines(take_out_headers(*header_lines, *rows), "repeats the header", "repeat the header",
             sheet);
  sheet.style = profile != nullptr ? NumberStyle{profile->decimal, profile->thousands, false}
                                   : find_style(*rows);
  if (options.decimal != '\0') {
    sheet.style = {options.decimal, options.decimal == ',' ? "." : ",", false};
  }
  take_units(*rows, sheet, profile);
  put_back_units(units, *rows, sheet);
  if (const Status one = check_lines(*header_lines, *rows, sheet, profile, file_name); !one) {
    return one.error();
  }
  tell_lines(take_out_summaries(*rows, sheet.style), "summarises others", "summarise others",
             sheet);
  if (rows->empty()) {
    return bad(csv_place(file_name, sheet.header.line), "the file has a header and no rows", "",
               "at least one row");
  }
  if (rows->size() > options.max_rows) {
    return bad(std::string(file_name), fmt::format("the table has {} rows", rows->size()), "",
               fmt::format("at most {}: split it into several", options.max_rows));
  }
  std::vector<std::string> groups = options.fill_down;
  if (profile != nullptr) {
    groups.insert(groups.end(), profile->fill_down.begin(), profile->fill_down.end());
  }
  if (const Status filled = fill_down(groups, sheet.header, *rows, file_name); !filled) {
    return filled.error();
  }
  // "* Ni loadings in wt%" below the table says what a title above it would.
  for (auto row = rows->rbegin(); profile == nullptr && row != rows->rend(); ++row) {
    if (filled_cells(*row) != 1 || sheet.header.fields.size() < 2) break;
    find_units_in(*row, sheet);
  }
  sheet.rows = std::move(*rows);
  if (profile == nullptr) join_exported_rows(sheet);
  return sheet;
}

namespace {

// Puts the values of an export's rows together that are of one run.
class ExportJoiner {
 public:
  explicit ExportJoiner(Sheet& sheet) : sheet_(sheet), header_(sheet.header.fields) {}

  void join() {
    for (const std::string_view name : {"catalyst", "property", "value", "conditions"}) {
      if (column(name) == header_.size()) return;
    }
    for (const std::string_view name : {"catalyst", "kind", "source", "run", "channel", "sequence",
                                        "replicate", "sample", "measured_at"}) {
      if (column(name) == header_.size()) continue;
      kept_.push_back(column(name));
      names_.emplace_back(name);
    }
    for (const CsvRecord& row : sheet_.rows) {
      if (row.fields.size() >= header_.size()) take(row);
    }
    if (joined_.empty()) return;
    for (CsvRecord& row : joined_) row.fields.resize(names_.size());
    units_.resize(names_.size());
    sheet_.exported = std::move(exported_);
    sheet_.exported.are = true;
    const bool any_unit = std::any_of(units_.begin(), units_.end(),
                                      [](const std::string& unit) { return !unit.empty(); });
    if (any_unit && sheet_.units.empty()) sheet_.units = std::move(units_);
    if (left_out_ > 0) {
      sheet_.notes.push_back(fmt::format(
          "{} measurements that were retracted, excluded or superseded were left out", left_out_));
    }
    sheet_.rows = std::move(joined_);
    sheet_.header.fields = std::move(names_);
  }

 private:
  std::size_t column(std::string_view name) const {
    return static_cast<std::size_t>(std::find(header_.begin(), header_.end(), name) -
                                    header_.begin());
  }

  std::string cell(const CsvRecord& row, std::string_view name) const {
    const std::size_t at = column(name);
    return at < row.fields.size() ? std::string(trim(row.fields[at])) : std::string();
  }

  // Flags stand with spaces between them, and none is a part of another one.
  bool has_flag(const CsvRecord& row, std::string_view flag) const {
    return cell(row, "flags").find(flag) != std::string::npos;
  }

  std::size_t place_of(const std::string& name) {
    const auto at =
        static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
    if (at == names_.size()) names_.push_back(name);
    return at;
  }

  void take(const CsvRecord& row) {
    const bool censored = has_flag(row, "censored");
    if (cell(row, "retracted") == "true" || !cell(row, "superseded_by").empty() ||
        (cell(row, "excluded") == "true" && !censored)) {
      ++left_out_;
      return;
    }
    const std::size_t into = place_of(cell(row, "property"));
    CsvRecord& target = run_of(row, into);
    target.fields.resize(std::max(target.fields.size(), into + 1));
    target.fields[into] = trim(row.fields[column("value")]);
    if (censored) target.fields[into].insert(0, 1, has_flag(row, "above_limit") ? '>' : '<');
    units_.resize(std::max(units_.size(), into + 1));
    if (units_[into].empty()) units_[into] = cell(row, "unit");
    if (has_flag(row, "isolated_max")) exported_.isolated_maxima.insert(target.line);
  }

  // The row of the run whose value stands in `row`, to be written into column `into`.
  CsvRecord& run_of(const CsvRecord& row, std::size_t into) {
    const std::string conditions = cell(row, "conditions");
    const std::string as_told = cell(row, "told");
    const std::string unit = cell(row, "amounts_unit");
    std::string name = conditions + '\0' + as_told + '\0' + unit;
    for (const std::size_t at : kept_) name += '\0' + row.fields[at];
    auto& same = runs_[name];
    // A run has a property once: the next value of it belongs to the next run.
    const auto open = std::find_if(same.begin(), same.end(), [&](std::size_t at) {
      return joined_[at].fields.size() <= into || joined_[at].fields[into].empty();
    });
    if (open != same.end()) return joined_[*open];
    same.push_back(joined_.size());
    CsvRecord& target = joined_.emplace_back(CsvRecord{row.line, {}});
    for (const std::size_t at : kept_) target.fields.push_back(row.fields[at]);
    if (!unit.empty() && target.fields.front().find(':') != std::string::npos) {
      target.fields.front() += fmt::format(" [{}]", unit);
    }
    if (!as_told.empty()) exported_.told[row.line] = as_told;
    // A blank that came under its name is one: what was no catalyst has no key.
    const auto kind = std::find(names_.begin(), names_.end(), "kind");
    const std::string& key = target.fields.front();
    if (kind != names_.end() &&
        (key == "-" || (key.empty() && cell(row, "description") == "blank"))) {
      target.fields[static_cast<std::size_t>(kind - names_.begin())] = "blank";
    }
    // Readers that know no kinds of samples know a blank by its name.
    if (kind != names_.end() &&
        target.fields[static_cast<std::size_t>(kind - names_.begin())] == "blank") {
      target.fields.front() = "blank";
    }
    if (const auto told = parse_json(conditions); told && told->is_object()) {
      for (const auto& [condition, number] : told->items()) {
        const std::size_t at = place_of(condition);
        target.fields.resize(std::max(target.fields.size(), at + 1));
        target.fields[at] = number.dump();
        auto& known = exported_.conditions;
        if (std::find(known.begin(), known.end(), condition) == known.end()) {
          known.push_back(condition);
        }
      }
    }
    return target;
  }

  Sheet& sheet_;
  const std::vector<std::string> header_;
  std::vector<std::size_t> kept_;
  std::vector<std::string> names_, units_;
  std::vector<CsvRecord> joined_;
  std::map<std::string, std::vector<std::size_t>> runs_;  // rows of joined_ under one name
  ExportedRows exported_;
  std::size_t left_out_ = 0;
};

}  // namespace

void join_exported_rows(Sheet& sheet) {
  ExportJoiner(sheet).join();
}

}  // namespace kasetsu::tables
