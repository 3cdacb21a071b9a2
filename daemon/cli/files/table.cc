// kasetsu table: how a table is read, before anything is done with it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/ingest/profiles.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/commands.h"
#include "drivers/tables/problems.h"
#include "drivers/tables/profile_text.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  TableArguments table;
  std::string write_profile;
};

// A property or a label, as people say it.
std::string role_of(const tables::ColumnReport& column) {
  if (column.use == "value") return "target";
  if (column.use == "slot_amount") return fmt::format("amount of {}", column.of);
  if (column.use == "element") return fmt::format("element {}", column.name);
  if (column.use == "sample") return "row name";
  if (column.use == "ignore") return "left out";
  return column.use;
}

// What to say where a column that nothing uses is wanted.
std::string option_of(const tables::ColumnReport& column) {
  if (column.use != "not used" || column.header.empty() || column.content == "blank") return "";
  return column.content == "numbers" ? "--target or --conditions, to use it" : "--id, to use it";
}

// What was measured in a target column.
struct MeasuredCounts {
  std::size_t values = 0, limits = 0;
};
MeasuredCounts counts_of(const tables::TableRows& table, const std::string& target) {
  MeasuredCounts counts;
  for (const tables::TableRow& row : table.rows) {
    for (const tables::TableValue& value : row.values) {
      if (value.name == target && row.problems.empty())
        ++(value.censored ? counts.limits : counts.values);
    }
  }
  return counts;
}

std::vector<Error> problems_of(const tables::TableRows& table) {
  std::vector<Error> problems = table.problems;
  for (const tables::TableRow& row : table.rows) {
    problems.insert(problems.end(), row.problems.begin(), row.problems.end());
  }
  return problems;
}

bool is_about(const Error& problem, const std::string& header) {
  return !header.empty() && problem.where.ends_with(": column \"" + header + "\"");
}

Json problem_json(const Error& problem) {
  return {{"where", problem.where},
          {"message", problem.message},
          {"value", problem.value},
          {"expected", problem.expected}};
}

Json column_json(const tables::ColumnReport& column, const tables::TableRows& table,
                 const std::vector<Error>& problems) {
  Json json = {
      {"number", column.number},   {"header", column.header}, {"role", role_of(column)},
      {"use", column.use},         {"name", column.name},     {"unit", column.unit},
      {"content", column.content}, {"filled", column.filled}, {"examples", column.examples}};
  if (column.use == "value") {
    const MeasuredCounts counts = counts_of(table, column.name);
    json["measured"] = counts.values;
    json["limits"] = counts.limits;
  }
  Json about = Json::array();
  for (const Error& problem : problems) {
    if (is_about(problem, column.header)) about.push_back(problem_json(problem));
  }
  json["problems"] = std::move(about);
  json["option"] = option_of(column);
  return json;
}

Json document_of(const tables::TableRows& table, const std::string& file,
                 const std::vector<Error>& problems, std::size_t readable) {
  Json columns = Json::array(), all = Json::array();
  for (const tables::ColumnReport& column : table.columns) {
    columns.push_back(column_json(column, table, problems));
  }
  for (const Error& problem : problems) all.push_back(problem_json(problem));
  return {{"file", file},
          {"encoding", table.encoding},
          {"delimiter", table.delimiter},
          {"sheet", table.sheet},
          {"decimal", std::string(1, table.style.decimal)},
          {"header_line", table.header_line},
          {"composition", table.composition},
          {"rows", table.rows.size()},
          {"readable", readable},
          {"columns", std::move(columns)},
          {"notes", table.notes},
          {"problems", std::move(all)}};
}

TextTable columns_table(const tables::TableRows& table, const std::vector<Error>& problems) {
  TextTable text({"column", "header", "read as", "unit", "content", "filled", "examples"});
  for (const tables::ColumnReport& column : table.columns) {
    const bool wrong = std::any_of(problems.begin(), problems.end(), [&](const Error& problem) {
      return is_about(problem, column.header);
    });
    const std::string option = wrong ? "see below" : option_of(column);
    text.add({std::to_string(column.number), column.header,
              option.empty() ? role_of(column) : fmt::format("{} ({})", role_of(column), option),
              column.unit, column.content, std::to_string(column.filled),
              fmt::format("{}", fmt::join(column.examples, " | "))});
  }
  return text;
}

void print(const tables::TableRows& table, const std::string& file,
           const std::vector<Error>& problems, std::size_t readable, Session& session) {
  session.print(fmt::format("{}: {}{}, header in line {}\n", file,
                            table.delimiter == "workbook"
                                ? fmt::format("workbook, sheet \"{}\"", table.sheet)
                                : fmt::format("{}, separated by {}", table.encoding,
                                              table.delimiter == "tab" ? "tabs" : table.delimiter),
                            table.style.decimal == ',' ? ", decimal commas" : "",
                            table.header_line));
  session.print(columns_table(table, problems));
  for (const std::string& note : table.notes) session.print(note + "\n");
  for (const std::string& target : table.targets) {
    const MeasuredCounts counts = counts_of(table, target);
    session.print(fmt::format("{}: {} measured, {} below or above a limit\n", target, counts.values,
                              counts.limits));
  }
  session.print(fmt::format("{}, {} can be read\n", counted(table.rows.size(), "row"), readable));
}

Result<tables::TableRows> look_at(const Arguments& arguments, tables::ReadOptions& options) {
  const std::string& file = arguments.table.data;
  auto supports = arguments.table.load_supports();
  if (!supports) return supports.error();
  auto bytes = read_file(file);
  if (!bytes) return bytes.error();
  auto reading = arguments.table.reading();
  if (!reading) return reading.error();
  options = std::move(*reading);
  options.look = true;
  return tables::read_rows(*bytes, file == "-" ? "standard input" : file, options, *supports);
}

Status run(const Arguments& arguments, Session& session) {
  tables::ReadOptions options;
  const auto table = look_at(arguments, options);
  if (!table) return table.error();
  const std::string& file = arguments.table.data;
  const std::vector<Error> problems = problems_of(*table);
  const auto readable = static_cast<std::size_t>(
      std::count_if(table->rows.begin(), table->rows.end(),
                    [](const tables::TableRow& row) { return row.problems.empty(); }));
  if (session.json) {
    session.print_json(document_of(*table, file, problems, readable));
  } else {
    print(*table, file, problems, readable, session);
  }
  if (!problems.empty()) return tables::together(file, problems);
  if (arguments.write_profile.empty()) return {};
  if (options.profile) {
    return Error{ErrorCode::invalid_argument, "the table is read by a profile already",
                 "--write-profile", arguments.write_profile, "no --profile"};
  }
  const std::string text = tables::profile_text(*table, options, file);
  if (auto written = write_file(arguments.write_profile, text); !written) return written;
  const std::string target = table->targets.empty()
                                 ? " --target COLUMN"
                                 : fmt::format(" --target \"{}\"", table->targets[0]);
  session.say(fmt::format("written; now: kasetsu fit {} --profile {}{}", file,
                          arguments.write_profile, target));
  return {};
}

}  // namespace

void add_table(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(
      app, session, "table", "how a table is read: columns, units, problems",
      "  kasetsu table catalysts.csv\n"
      "  kasetsu table results.xlsx --sheet \"Round 3\" --target yield\n"
      "  kasetsu table results.csv --encoding cp932 --target yield --write-profile lab.toml\n"
      "Every problem names the option that settles it. Exit code 65 while there are any.");
  command->group("More on files");
  arguments->table.add_to(*command);
  command->add_option("--write-profile", arguments->write_profile,
                      "write what was recognised as a profile, for --profile of every command");
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
