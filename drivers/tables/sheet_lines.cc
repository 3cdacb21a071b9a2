#include "drivers/tables/sheet_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/composition.h"
#include "core/chemistry/element.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/sheet.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

std::string_view cell_of(const CsvRecord& record, std::size_t column) {
  return column < record.fields.size() ? trim(record.fields[column]) : std::string_view();
}

bool holds_number(const CsvRecord& record, std::size_t column, const NumberStyle& style) {
  return read_number(cell_of(record, column), style).ok();
}

// What a summary's first cell says, without what stands in brackets or behind a sign: "Mean (n=3)",
// "AVERAGE:", "average of 3".
std::string summary_word(std::string_view cell) {
  std::string word = fold_name(cell);
  for (const std::string_view end : {"(", "[", ":", "=", "\u00B1", "+/-", " of ", ","}) {
    const std::size_t at = word.find(end);
    if (at != std::string::npos && at > 0) word.resize(at);
  }
  std::string plain;
  for (const char c : word) {
    if (c != '.' && c != '-' && c != '_' && c != ' ') plain += c;
  }
  for (const std::string_view last : {"value", "values"}) {
    if (plain.size() > last.size() && plain.ends_with(last))
      plain.resize(plain.size() - last.size());
  }
  return plain;
}

constexpr std::array<std::string_view, 80> kWords = {"average",
                                                     "averages",
                                                     "avg",
                                                     "mean",
                                                     "means",
                                                     "median",
                                                     "std",
                                                     "stdev",
                                                     "stdevs",
                                                     "stdevp",
                                                     "stddev",
                                                     "stddeviation",
                                                     "standarddeviation",
                                                     "standarderror",
                                                     "stderr",
                                                     "deviation",
                                                     "sd",
                                                     "sem",
                                                     "rsd",
                                                     "relstd",
                                                     "cv",
                                                     "variance",
                                                     "var",
                                                     "min",
                                                     "max",
                                                     "minimum",
                                                     "maximum",
                                                     "sum",
                                                     "subtotal",
                                                     "total",
                                                     "grandtotal",
                                                     "grandmean",
                                                     "range",
                                                     "count",
                                                     "best",
                                                     "worst",
                                                     "error",
                                                     "sigma",
                                                     "\u03C3",
                                                     "\u00F8",
                                                     "\u00D8",
                                                     "mittelwert",
                                                     "mittelwerte",
                                                     "mittel",
                                                     "durchschnitt",
                                                     "mw",
                                                     "summe",
                                                     "gesamt",
                                                     "gesamtsumme",
                                                     "anzahl",
                                                     "streuung",
                                                     "varianz",
                                                     "bereich",
                                                     "spannweite",
                                                     "fehler",
                                                     "standardabweichung",
                                                     "stabw",
                                                     "stabwn",
                                                     "stabws",
                                                     "stdabw",
                                                     "moyenne",
                                                     "m\u00E9diane",
                                                     "mediane",
                                                     "\u00E9carttype",
                                                     "\u00C9carttype",
                                                     "ecarttype",
                                                     "somme",
                                                     "promedio",
                                                     "media",
                                                     "mediana",
                                                     "desvest",
                                                     "desviaci\u00F3nest\u00E1ndar",
                                                     "suma",
                                                     "\u5E73\u5747",
                                                     "\u5E73\u5747\u5024",
                                                     "\u5408\u8A08",
                                                     "\u6A19\u6E96\u504F\u5DEE",
                                                     "\u6A19\u6E96\u8AA4\u5DEE",
                                                     "\u6700\u5927",
                                                     "\u6700\u5C0F"};
constexpr std::array<std::string_view, 3> kMore = {"\u6700\u5927\u5024", "\u6700\u5C0F\u5024",
                                                   "\u4E2D\u592E\u5024"};

// Of the words, those that no formula reads as.
bool is_summary_word(std::string_view cell) {
  const std::string word = summary_word(cell);
  const bool known = std::find(kWords.begin(), kWords.end(), word) != kWords.end() ||
                     std::find(kMore.begin(), kMore.end(), word) != kMore.end();
  return known && !chemistry::parse_formula(cell).ok();
}

// Microwaves, the best catalyst, an electron microscope: words that samples are called, too.
bool is_name_too(std::string_view cell) {
  static constexpr std::array<std::string_view, 12> kNames = {"mw",    "best", "worst", "sem",
                                                              "max",   "min",  "range", "bereich",
                                                              "count", "var",  "cv",    "error"};
  return std::find(kNames.begin(), kNames.end(), summary_word(cell)) != kNames.end();
}

// "sel (%)" alone, with rows below: what a header says of one column.
bool is_part_of_header(const CsvRecord& row) {
  for (std::size_t i = 0; i < row.fields.size(); ++i) {
    const std::string_view cell = cell_of(row, i);
    if (cell.empty()) continue;
    const bool footnote = cell.front() == '*' || cell.front() == '#';
    return !footnote && (cell.ends_with(')') || cell.ends_with(']')) &&
           is_unit(split_unit(cell).unit);
  }
  return false;
}

// Of each column, what most rows have.
struct ColumnHabit {
  std::size_t filled = 0, numbers = 0, summaries = 0;
};

std::vector<ColumnHabit> habits_of(const std::vector<CsvRecord>& rows, const NumberStyle& style) {
  std::vector<ColumnHabit> habits;
  for (const CsvRecord& row : rows) {
    habits.resize(std::max(habits.size(), row.fields.size()));
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      if (cell_of(row, i).empty()) continue;
      ++habits[i].filled;
      habits[i].numbers += holds_number(row, i, style) ? 1 : 0;
      habits[i].summaries += is_summary_word(cell_of(row, i)) ? 1 : 0;
    }
  }
  return habits;
}

// The first cell names a summary where more is missing than in other rows, or where nothing but
// summaries follows.
bool is_summary(const CsvRecord& row, const std::vector<ColumnHabit>& habits, std::size_t rows,
                bool at_the_end) {
  bool first = true, leads = false, among_numbers = false, lacks = false, may_be_a_name = false;
  for (std::size_t i = 0; i < habits.size(); ++i) {
    const std::string_view cell = cell_of(row, i);
    const ColumnHabit& habit = habits[i];
    if (cell.empty()) {
      lacks = lacks || 2 * habit.filled > rows;
      continue;
    }
    if (is_summary_word(cell)) {
      leads = leads || first;
      may_be_a_name = may_be_a_name || (first && is_name_too(cell));
      among_numbers =
          among_numbers || (habit.numbers > 0 && habit.numbers + habit.summaries == habit.filled);
    }
    first = false;
  }
  return among_numbers || (leads && (lacks || (at_the_end && !may_be_a_name)));
}

// Rows that have none of these columns get those of the row above.
void repeat_above(const std::vector<std::size_t>& columns, std::vector<CsvRecord>& rows) {
  const CsvRecord* above = nullptr;
  for (CsvRecord& row : rows) {
    const bool blank = std::all_of(columns.begin(), columns.end(), [&](std::size_t column) {
      return cell_of(row, column).empty();
    });
    if (!blank) above = &row;
    // A footer below the last group holds a single text, or none in the other columns.
    if (!blank || above == nullptr || filled_cells(row) < 2) continue;
    for (const std::size_t column : columns) {
      if (column < row.fields.size() && column < above->fields.size()) {
        row.fields[column] = above->fields[column];
      }
    }
  }
}

}  // namespace

std::size_t filled_cells(const CsvRecord& record) {
  return static_cast<std::size_t>(
      std::count_if(record.fields.begin(), record.fields.end(),
                    [](const std::string& cell) { return !trim(cell).empty(); }));
}

namespace {

bool is_comment(const CsvRecord& record) {
  const std::string_view first = cell_of(record, 0);
  return first.size() > 1 && first.starts_with('#');
}

// A line of names: several cells, none of them a number.
bool is_line_of_names(const CsvRecord& record) {
  bool numbers = false;
  for (std::size_t i = 0; i < record.fields.size(); ++i) {
    numbers = numbers || holds_number(record, i, NumberStyle());
  }
  return !numbers && filled_cells(record) > 1;
}

// Whether the line is a comment and no header: a line of names follows. "# Ni,Fe,y" above numbers
// is a header.
bool is_comment_above(const std::vector<CsvRecord>& records, std::size_t at) {
  if (!is_comment(records[at])) return false;
  std::size_t next = at + 1;
  while (next < records.size() && is_comment(records[next])) ++next;
  return next + 1 < records.size() && is_line_of_names(records[next]);
}

}  // namespace

std::size_t find_header(const std::vector<CsvRecord>& records) {
  std::size_t first = 0;
  while (first < records.size() && is_comment_above(records, first)) ++first;
  std::size_t widest = 0;
  for (std::size_t i = first; i < records.size(); ++i) {
    widest = std::max(widest, filled_cells(records[i]));
  }
  for (std::size_t i = first; i + 1 < records.size() && i < first + 20; ++i) {
    if (5 * filled_cells(records[i]) >= 3 * widest) return i;
  }
  return first;
}

bool is_header_continued(const std::vector<CsvRecord>& records, std::size_t at,
                         const NumberStyle& style) {
  if (at + 2 >= records.size()) return false;
  const CsvRecord& upper = records[at];
  const CsvRecord& lower = records[at + 1];
  bool names_more = false;
  std::size_t numbers_below = 0;
  for (std::size_t i = 0; i < lower.fields.size(); ++i) {
    const std::string_view cell = cell_of(lower, i);
    if (cell.empty()) continue;
    if (holds_number(lower, i, style)) return false;
    names_more = names_more || cell_of(upper, i).empty();
    numbers_below +=
        std::any_of(records.begin() + static_cast<std::ptrdiff_t>(at) + 2, records.end(),
                    [&](const CsvRecord& record) { return holds_number(record, i, style); })
            ? 1
            : 0;
  }
  // The names above stand for themselves: they are no row of values.
  for (std::size_t i = 0; i < upper.fields.size(); ++i) {
    if (holds_number(upper, i, style)) return false;
  }
  return names_more && numbers_below > 0 && filled_cells(lower) > 1;
}

bool names_groups(const CsvRecord& upper, const CsvRecord& lower) {
  const std::size_t named = filled_cells(upper);
  if (named == 0 || 5 * named >= 3 * filled_cells(lower)) return false;
  bool unit = false;
  std::set<std::string> names;
  bool twice = false;
  for (std::size_t i = 0; i < std::max(upper.fields.size(), lower.fields.size()); ++i) {
    const std::string_view above = cell_of(upper, i), below = cell_of(lower, i);
    if (below.empty() && !above.empty()) return false;
    if (!below.empty()) twice = !names.insert(trim_name(below)).second || twice;
    unit = unit || chemistry::told_unit(split_unit(above).unit).has_value();
  }
  return unit || (twice && named > 1);
}

bool repeats_groups(const std::vector<CsvRecord>& records, std::size_t at) {
  if (at + 2 >= records.size() || !is_line_of_names(records[at + 1])) return false;
  const CsvRecord& upper = records[at];
  const CsvRecord& lower = records[at + 1];
  const bool numbers = std::any_of(
      records.begin() + static_cast<std::ptrdiff_t>(at) + 2, records.end(),
      [](const CsvRecord& row) { return filled_cells(row) > 1 && !is_line_of_names(row); });
  if (!numbers) return false;
  std::set<std::string> groups, names;
  std::string last;
  for (std::size_t i = 0; i < std::max(upper.fields.size(), lower.fields.size()); ++i) {
    const std::string above = trim_name(cell_of(upper, i)), below = trim_name(cell_of(lower, i));
    if (below.empty() || !names.insert(below).second) return false;
    if (above.empty()) continue;
    if (above != last && !groups.insert(above).second) return false;  // it is not one group
    last = above;
  }
  return groups.size() < filled_cells(upper);
}

CsvRecord without_repeats(CsvRecord upper) {
  for (std::size_t i = upper.fields.size(); i-- > 1;) {
    if (trim_name(upper.fields[i]) == trim_name(upper.fields[i - 1])) upper.fields[i].clear();
  }
  return upper;
}

CsvRecord join_header(const CsvRecord& upper, const CsvRecord& lower, bool only_groups) {
  CsvRecord joined{lower.line, {}};
  const std::size_t width = std::max(upper.fields.size(), lower.fields.size());
  std::vector<std::string> groups(width);  // the name over several columns that a column is below
  std::string group;
  for (std::size_t i = 0; i < width; ++i) {
    const std::string_view above = cell_of(upper, i), below = cell_of(lower, i);
    const bool goes_on =
        only_groups || (cell_of(upper, i + 1).empty() && !cell_of(lower, i + 1).empty());
    if (!above.empty()) group = goes_on && !below.empty() ? trim_name(above) : std::string();
    if (below.empty()) group.clear();
    groups[i] = group;
  }
  std::multiset<std::string> names;
  for (std::size_t i = 0; i < width; ++i) names.insert(trim_name(cell_of(lower, i)));
  for (std::size_t i = 0; i < width; ++i) {
    const std::string above = trim_name(cell_of(upper, i)), below = trim_name(cell_of(lower, i));
    std::string name = below.empty() ? above : below;
    if (!groups[i].empty() && !below.empty()) {
      const std::string unit = split_unit(groups[i]).unit;
      const bool amount = chemistry::atomic_number(below) || slot_amount(below);
      const bool takes_unit =
          only_groups || chemistry::told_unit(unit) ? amount : !is_support_name(below);
      if (names.count(below) > 1) {
        name = groups[i] + ' ' + below;
      } else if (!unit.empty() && takes_unit && split_unit(below).unit.empty()) {
        name = fmt::format("{} ({})", below, unit);
      }
    } else if (!above.empty() && !below.empty() && above != below) {
      name = above + ' ' + below;
    }
    joined.fields.push_back(std::move(name));
  }
  return joined;
}

std::vector<std::size_t> take_out_headers(const std::vector<CsvRecord>& header,
                                          std::vector<CsvRecord>& rows) {
  std::vector<std::size_t> lines;
  std::erase_if(rows, [&](const CsvRecord& row) {
    const bool again = std::any_of(header.begin(), header.end(), [&](const CsvRecord& one) {
      if (filled_cells(one) < 2) return false;
      for (std::size_t i = 0; i < std::max(one.fields.size(), row.fields.size()); ++i) {
        if (cell_of(one, i) != cell_of(row, i)) return false;
      }
      return true;
    });
    if (again) lines.push_back(row.line);
    return again;
  });
  return lines;
}

const CsvRecord* find_second_header(const std::vector<CsvRecord>& header,
                                    const std::vector<CsvRecord>& rows, const NumberStyle& style) {
  const std::vector<ColumnHabit> habits = habits_of(rows, style);
  const auto is_name = [&](std::string_view cell) {
    const auto first = static_cast<unsigned char>(cell.empty() ? '0' : cell[0]);
    const bool letter =
        first >= 0x80 || (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
    return letter && !is_usual_null(cell);
  };
  for (std::size_t r = 1; r < rows.size(); ++r) {
    const CsvRecord& row = rows[r];
    if (r + 1 < rows.size() && filled_cells(row) == 1 && is_part_of_header(row)) return &row;
    if (filled_cells(row) < 2 || !is_line_of_names(row)) continue;
    bool repeats = false, names = false, units = false;
    for (std::size_t i = 0; i < std::min(row.fields.size(), habits.size()); ++i) {
      const std::string_view cell = cell_of(row, i);
      if (!is_name(cell)) continue;
      const bool same = std::any_of(header.begin(), header.end(), [&](const CsvRecord& line) {
        return fold_name(cell_of(line, i)) == fold_name(cell);
      });
      repeats = repeats || same;
      if (same || 2 * habits[i].numbers <= habits[i].filled) continue;
      names = true;
      units = units || is_unit(split_unit(cell).unit);
    }
    if (names && (repeats || units)) return &row;
  }
  return nullptr;
}

bool begins_with_text_over_numbers(const std::vector<CsvRecord>& rows, const NumberStyle& style) {
  if (rows.size() < 2) return false;
  const std::vector<ColumnHabit> habits = habits_of(rows, style);
  bool texts = false, lacks = false;
  for (std::size_t i = 0; i < habits.size(); ++i) {
    const std::string_view cell = cell_of(rows.front(), i);
    if (cell.empty() || (habits[i].numbers == 0 && labels_units(cell))) {
      lacks = lacks || habits[i].filled > habits[i].numbers;
      continue;
    }
    if (i == 0 || habits[i].numbers == 0 || holds_number(rows.front(), i, style)) return false;
    if (is_usual_null(cell)) return false;
    texts = true;
  }
  return texts && lacks;
}

bool labels_units(std::string_view cell) {
  static constexpr std::array<std::string_view, 12> kWords = {
      "unit",   "units",      "einheit", "einheiten", "unit\u00E9", "unit\u00E9s",
      "unidad", "unit\u00E0", "name",    "names",     "text",       "\u5358\u4F4D"};
  std::string word = fold_name(cell);
  std::erase_if(word,
                [](char c) { return std::string_view("()[]:").find(c) != std::string::npos; });
  return std::find(kWords.begin(), kWords.end(), trim(word)) != kWords.end();
}

bool says_summary(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kFirst = {
      "average",    "averages", "averaged",     "avg",     "mean",     "means",
      "mittelwert", "mittel",   "durchschnitt", "moyenne", "promedio", "\u5E73\u5747"};
  for (const std::string_view sign : {"\u00B1", "+/-"}) {
    if (text.starts_with(sign)) text = trim(text.substr(sign.size()));
  }
  const std::string folded = fold_name(text);
  const std::string first = folded.substr(0, folded.find_first_of(" .,:;(["));
  return std::find(kFirst.begin(), kFirst.end(), first) != kFirst.end() ||
         (is_summary_word(text) && !is_name_too(text) && first != "sigma" && first != "media");
}

std::vector<std::size_t> take_out_summaries(std::vector<CsvRecord>& rows,
                                            const NumberStyle& style) {
  const std::vector<ColumnHabit> habits = habits_of(rows, style);
  const std::size_t all = rows.size();
  std::vector<std::size_t> lines;
  std::vector<bool> summary(all);
  bool at_the_end = true;
  for (std::size_t i = all; i-- > 0;) {
    summary[i] = is_summary(rows[i], habits, all, at_the_end);
    at_the_end = at_the_end && summary[i];
  }
  std::size_t next = 0;
  std::erase_if(rows, [&](const CsvRecord& row) {
    const bool out = summary[next++];
    if (out) lines.push_back(row.line);
    return out;
  });
  return lines;
}

Status fill_down(const std::vector<std::string>& columns, const CsvRecord& header,
                 std::vector<CsvRecord>& rows, std::string_view file_name) {
  std::vector<std::size_t> parts;  // slots and amounts: a row that has one of them has them all
  for (const std::string& name : columns) {
    const auto found = std::find(header.fields.begin(), header.fields.end(), trim_name(name));
    if (found == header.fields.end()) {
      return Error{ErrorCode::bad_data, "there is no such column to fill down",
                   csv_place(file_name, header.line), name, join_or(header.fields)};
    }
    const auto column = static_cast<std::size_t>(found - header.fields.begin());
    if (slot_near_miss(*found) || slot_amount(*found) || element_header(*found)) {
      parts.push_back(column);
    } else {
      repeat_above({column}, rows);
    }
  }
  if (!parts.empty()) repeat_above(parts, rows);
  return {};
}

std::string lines_text(const std::vector<std::size_t>& lines) {
  constexpr std::size_t kMost = 8;
  std::string text = lines.size() == 1 ? "line " : "lines ";
  for (std::size_t i = 0; i < std::min(lines.size(), kMost); ++i) {
    text += (i == 0                                           ? ""
             : i + 1 == lines.size() && lines.size() <= kMost ? " and "
                                                              : ", ") +
            std::to_string(lines[i]);
  }
  if (lines.size() > kMost) text += fmt::format(", ... ({} of them)", lines.size());
  return text;
}

}  // namespace kasetsu::tables
