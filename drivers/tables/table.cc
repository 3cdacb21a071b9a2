#include "drivers/tables/table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "drivers/tables/problems.h"
#include "drivers/tables/sheet_lines.h"

namespace kasetsu::tables {
namespace {

Error bad(std::string where, std::string message, std::string value, std::string expected) {
  return {ErrorCode::bad_data, std::move(message), std::move(where), std::move(value),
          std::move(expected)};
}

class TableMaker {
 public:
  TableMaker(TableRows rows, const ReadOptions& options, std::string_view file_name)
      : rows_(std::move(rows)), options_(options), file_name_(file_name) {
    table_.shape = rows_.shape;
    for (const std::string& name : options.targets) table_.target_names.push_back(trim_name(name));
    for (const std::string& name : options.conditions) {
      table_.condition_names.push_back(trim_name(name));
    }
    if (options.profile && options.conditions.empty()) table_.condition_names = rows_.conditions;
  }

  Result<Table> make() {
    check_names();
    for (const TableRow& row : rows_.rows) {
      if (row.points.empty() == (options_.profile && options_.profile->reduce)) continue;
      take(row);
    }
    if (!problems_.empty()) return together(file_name_, problems_);
    if (skipped_ > 0) {
      rows_.notes.push_back(
          fmt::format("{} rows without a measured target were left out", skipped_));
    }
    if (censored_ > 0) {
      rows_.notes.push_back(fmt::format(
          "{} values below or above a limit (\"<0.1\") count as not measured", censored_));
    }
    if (!blanks_.empty()) {
      rows_.notes.push_back(
          fmt::format("{} without a catalyst (blank), left out",
                      lines_text(blanks_) + (blanks_.size() == 1 ? " is a run" : " are runs")));
    }
    if (table_.catalysts.empty()) {
      return bad(std::string(file_name_), "no row of the table can be used", "",
                 "at least one row with a catalyst and a measured target");
    }
    fill_matrices();
    find_unit_of_amounts();
    table_.unused = std::move(rows_.unused);
    table_.unused_numbers = std::move(rows_.unused_numbers);
    table_.slot_columns = std::move(rows_.composition);
    table_.columns = std::move(rows_.columns);
    table_.notes = std::move(rows_.notes);
    return std::move(table_);
  }

 private:
  // A profile's columns are known only now.
  void check_names() {
    if (!options_.profile) return;
    const auto check = [&](const std::vector<std::string>& wanted, std::vector<std::string> there,
                           std::string_view what) {
      if (options_.profile->reduce && what == "target")
        there.push_back(options_.profile->reduce->name);
      for (const std::string& name : wanted) {
        if (std::find(there.begin(), there.end(), name) != there.end()) continue;
        problems_.push_back(bad(csv_place(file_name_, rows_.header_line),
                                fmt::format("the profile reads no such {}", what), name,
                                join_or(there)));
      }
    };
    check(table_.target_names, rows_.targets, "target");
    check(table_.condition_names, rows_.conditions, "condition");
  }

  std::string place(const TableRow& row, const std::string& name) const {
    for (const ColumnReport& column : rows_.columns) {
      if (column.name == name && column.use != "not used") {
        return csv_place(file_name_, row.line, column.header, column.number - 1);
      }
    }
    return csv_place(file_name_, row.line);
  }

  void take(const TableRow& row) {
    if (!row.problems.empty()) {
      problems_.insert(problems_.end(), row.problems.begin(), row.problems.end());
      return;
    }
    if (!row.catalyst && row.kind == "blank") {
      blanks_.push_back(row.line);
      return;
    }
    if (!row.catalyst) {
      problems_.push_back(
          bad(csv_place(file_name_, row.line), "the row has no composition", "", "a catalyst"));
      return;
    }
    std::vector<double> targets;
    bool missing = false;
    for (const std::string& name : table_.target_names) {
      const auto value = std::find_if(row.values.begin(), row.values.end(),
                                      [&](const TableValue& one) { return one.name == name; });
      const bool measured = value != row.values.end() && !value->censored;
      if (value != row.values.end() && value->censored) ++censored_;
      targets.push_back(measured ? value->value : std::numeric_limits<double>::quiet_NaN());
      missing = missing || !measured;
      if (!measured && !options_.missing_targets && !options_.skip_missing_targets) {
        problems_.push_back(
            bad(place(row, name),
                value == row.values.end()
                    ? "the cell is blank or says that nothing was measured (n.d., nan)"
                    : "only a limit was measured",
                "", "a finite number, or --skip-rows-without-target"));
      }
    }
    if (missing && options_.skip_missing_targets) {
      ++skipped_;
      return;
    }
    std::vector<double> conditions;
    for (const std::string& name : table_.condition_names) {
      const auto found = row.conditions.find(name);
      if (found == row.conditions.end()) {
        problems_.push_back(bad(place(row, name), "the cell is empty", "", "a finite number"));
      }
      conditions.push_back(found == row.conditions.end() ? 0.0 : found->second);
    }
    if (options_.id) check_id(row);
    table_.ids.push_back(row.sample.empty() ? std::to_string(row.line) : row.sample);
    table_.lines.push_back(row.line);
    table_.catalysts.push_back(row.catalyst->catalyst);
    targets_.push_back(std::move(targets));
    conditions_.push_back(std::move(conditions));
  }

  // Of the first column of the composition that has a unit, or of the first amount in a name.
  void find_unit_of_amounts() {
    for (const ColumnReport& column : rows_.columns) {
      const bool composition = std::find(rows_.composition.begin(), rows_.composition.end(),
                                         column.header) != rows_.composition.end();
      if (!composition && column.of.empty()) continue;
      table_.amounts = column.unit;
      if (!table_.amounts.empty()) return;
    }
    for (const TableRow& row : rows_.rows) {
      if (!row.catalyst) continue;
      // "5 wt% Ni + 2 wt% Mg"
      const std::string& told = row.catalyst->told;
      const std::size_t from = told.find(' ');
      const std::size_t to = from == std::string::npos ? from : told.find(' ', from + 1);
      if (to == std::string::npos) continue;
      table_.amounts = told.substr(from + 1, to - from - 1);
      return;
    }
  }

  void check_id(const TableRow& row) {
    const std::string where = place(row, trim_name(*options_.id));
    if (row.sample.empty()) {
      problems_.push_back(bad(where, "the id is empty", "", "a name for every row"));
      return;
    }
    const auto [first, is_new] = line_of_id_.try_emplace(row.sample, row.line);
    if (is_new) return;
    problems_.push_back(bad(where, fmt::format("the id is already that of line {}", first->second),
                            row.sample, "an id of its own for every row"));
  }

  void fill_matrices() {
    const auto fill = [](const std::vector<std::vector<double>>& rows, std::size_t columns,
                         Eigen::MatrixXd& matrix) {
      matrix.resize(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(columns));
      for (std::size_t r = 0; r < rows.size(); ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          matrix(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)) = rows[r][c];
        }
      }
    };
    fill(targets_, table_.target_names.size(), table_.targets);
    fill(conditions_, table_.condition_names.size(), table_.conditions);
  }

  TableRows rows_;
  const ReadOptions& options_;
  std::string_view file_name_;
  Table table_;
  std::vector<std::vector<double>> targets_, conditions_;
  std::map<std::string, std::size_t> line_of_id_;
  std::vector<Error> problems_;
  std::size_t skipped_ = 0, censored_ = 0;
  std::vector<std::size_t> blanks_;  // lines of runs without a catalyst
};

}  // namespace

Result<Table> read_table(std::string_view bytes, std::string_view file_name,
                         const ReadOptions& options, const chemistry::SupportTable& supports) {
  auto rows = read_rows(bytes, file_name, options, supports);
  if (!rows) return rows.error();
  return TableMaker(std::move(*rows), options, file_name).make();
}

Result<std::map<std::size_t, std::string>> column_cells(std::string_view bytes,
                                                        std::string_view file_name,
                                                        const ReadOptions& options,
                                                        const std::string& column) {
  const auto sheet = read_sheet(bytes, file_name, sheet_options(options));
  if (!sheet) return sheet.error();
  const std::vector<std::string>& header = sheet->header.fields;
  const auto found = std::find(header.begin(), header.end(), trim_name(column));
  if (found == header.end()) {
    return bad(csv_place(file_name, sheet->header.line), "there is no such column", column,
               join_or(header));
  }
  const auto at = static_cast<std::size_t>(found - header.begin());
  std::map<std::size_t, std::string> cells;
  for (const CsvRecord& row : sheet->rows) {
    if (at < row.fields.size()) cells[row.line] = trim(row.fields[at]);
  }
  return cells;
}

}  // namespace kasetsu::tables
