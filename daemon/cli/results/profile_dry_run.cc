#include "daemon/cli/results/profile_dry_run.h"

#include <fmt/format.h>

#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/base/plain_condition.h"
#include "daemon/base/time.h"
#include "daemon/campaign/ingest/profiles.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/arguments.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::cli {
namespace {

std::string problems_text(const tables::TableRow& row) {
  std::string text;
  for (const Error& problem : row.problems) {
    text += (text.empty() ? "" : "; ") + problem.to_string();
  }
  return text;
}

Json row_json(const tables::TableRow& row) {
  Json json = {{"line", row.line}};
  if (!row.problems.empty()) {
    json["verdict"] = "quarantined";
    json["reason"] = problems_text(row);
    return json;
  }
  json["verdict"] = "readable";
  if (row.catalyst) json["catalyst"] = row.catalyst->key;
  const std::pair<const char*, const std::string*> labels[] = {
      {"kind", &row.kind}, {"sample", &row.sample},   {"proposal", &row.proposal},
      {"run", &row.run},   {"channel", &row.channel}, {"source", &row.source}};
  for (const auto& [name, text] : labels) {
    if (!text->empty()) json[name] = *text;
  }
  if (row.sequence) json["sequence"] = *row.sequence;
  if (row.replicate) json["replicate"] = *row.replicate;
  for (const auto& [name, value] : row.conditions) {
    json["conditions"][name] = plain_condition(value);  // as they are kept
  }
  Json values = Json::object();
  for (const tables::TableValue& value : row.values) {
    values[value.name] = {{"value", value.value}, {"unit", value.unit}};
    if (value.censored) values[value.name]["censored"] = true;
    if (value.above) values[value.name]["above"] = true;
  }
  json["values"] = std::move(values);
  if (row.measured_at) json["measured_at"] = format_time(*row.measured_at);
  if (!row.points.empty()) json["points"] = row.points;
  if (row.isolated_maximum) json["flags"] = {"isolated_max"};
  return json;
}

// "header -> use name [unit]".
std::vector<std::string> column_texts(const tables::TableRows& table) {
  std::vector<std::string> texts;
  for (const tables::ColumnReport& column : table.columns) {
    if (column.use == "not used" || column.use == "ignore") continue;
    texts.push_back(fmt::format("{} -> {}{}{}", column.header, column.use,
                                column.name.empty() ? "" : " " + column.name,
                                column.unit.empty() ? "" : " [" + column.unit + "]"));
  }
  return texts;
}

std::string what(const Json& row) {
  if (row.contains("reason")) return row["reason"].get<std::string>();
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const char* name :
       {"kind", "sample", "proposal", "run", "channel", "sequence", "replicate"}) {
    if (row.contains(name)) add(fmt::format("{} {}", name, field(row, name)));
  }
  if (row.contains("conditions")) {
    for (const auto& [name, value] : row["conditions"].items()) {
      add(fmt::format("{}={}", name, format_number(value.get<double>())));
    }
  }
  for (const auto& [name, value] : row["values"].items()) {
    const std::string unit = value["unit"].get<std::string>();
    const char* const sign = value.contains("above") ? ">" : value.contains("censored") ? "<" : "=";
    add(fmt::format("{} {} {}{}{}", name, sign, format_number(value["value"].get<double>()),
                    unit.empty() ? "" : " ", unit));
  }
  if (row.contains("measured_at")) add(field(row, "measured_at"));
  if (row.contains("points")) add("made of " + counted(row["points"].size(), "row"));
  if (row.contains("flags")) add("isolated maximum");
  return text;
}

void print_rows(const tables::TableRows& table, const std::string& profile, const Json& rows,
                Session& session) {
  session.say(fmt::format("{}, separated by {}, by profile {}", table.encoding,
                          table.delimiter == "tab" ? "tabs" : table.delimiter, profile));
  for (const std::string& column : column_texts(table)) session.say("  " + column);
  if (!table.unused.empty())
    session.say(fmt::format("not used: {}", fmt::join(table.unused, ", ")));
  TextTable lines({"line", "verdict", "catalyst", "what"});
  for (const Json& row : rows) {
    lines.add({field(row, "line"), field(row, "verdict"),
               row.contains("catalyst") ? field(row, "catalyst") : "", what(row)});
  }
  session.print(lines);
  for (const std::string& note : table.notes) session.say(note);
}

}  // namespace

bool is_profile_file(const std::string& profile) {
  return profile.ends_with(".toml") || profile.find('/') != std::string::npos;
}

Status dry_run_offline(const std::string& file, const std::string& profile_name, Session& session) {
  const auto profile = load_profile(profile_name, "");
  if (!profile) return profile.error();
  const auto supports = TableArguments().load_supports();
  if (!supports) return supports.error();
  const auto text = read_file(file);
  if (!text) return text.error();
  tables::ReadOptions options;
  options.profile = *profile;
  const auto table = tables::read_rows(*text, file, options, *supports);
  if (!table) return table.error();
  std::size_t wrong = 0;
  std::string first;
  Json rows = Json::array();
  for (const tables::TableRow& row : table->rows) {
    rows.push_back(row_json(row));
    if (!row.problems.empty() && wrong++ == 0) first = problems_text(row);
  }
  if (session.json) {
    session.print_json({{"profile", (*profile)->name},
                        {"encoding", table->encoding},
                        {"delimiter", table->delimiter},
                        {"columns", column_texts(*table)},
                        {"unused", table->unused},
                        {"notes", table->notes},
                        {"quarantined", wrong},
                        {"rows", std::move(rows)}});
  } else {
    print_rows(*table, (*profile)->name, rows, session);
    session.say(fmt::format("{}, {} of them for quarantine; nothing was changed",
                            counted(table->rows.size(), "row"), wrong));
  }
  if (wrong == 0) return {};
  return Error{
      ErrorCode::bad_data,
      fmt::format("{} cannot be taken, the first because: {}", counted(wrong, "row"), first), "",
      "", "corrected rows"};
}

}  // namespace kasetsu::cli
