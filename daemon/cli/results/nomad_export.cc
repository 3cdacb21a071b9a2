#include "daemon/cli/results/nomad_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/cli/program/answers.h"

namespace kasetsu::cli {
namespace {

// What a key says, taken apart.
struct Key {
  std::vector<std::pair<std::string, std::string>> actives;  // symbol, amount
  std::string support, preparation;
};

Key take_apart(std::string_view key) {
  Key parts;
  const auto bar = key.find('|');
  if (bar != std::string_view::npos) parts.preparation = key.substr(bar + 1);
  const std::string_view body = key.substr(0, bar);
  const auto slash = body.find('/');
  if (slash != std::string_view::npos) parts.support = body.substr(slash + 1);
  std::string_view actives = body.substr(0, slash);
  if (actives == "-") return parts;
  while (!actives.empty()) {
    const std::size_t end = std::min(actives.find(';'), actives.size());
    const std::string_view one = actives.substr(0, end);
    const auto colon = one.find(':');
    parts.actives.emplace_back(one.substr(0, colon), one.substr(colon + 1));
    actives.remove_prefix(std::min(end + 1, actives.size()));
  }
  return parts;
}

// "2Mn-4Na-1W/SiO2", which reads back to the same key; empty for a bare support.
std::string name_of(const Key& key) {
  std::string name;
  for (const auto& [symbol, amount] : key.actives) {
    if (!name.empty()) name += '-';
    name += amount + symbol;
  }
  if (!name.empty() && !key.support.empty()) name += '/' + key.support;
  return name;
}

// Ending of our name, beginning of NOMAD's.
std::string condition_header(const std::string& name) {
  static const std::map<std::string, std::string> kNames = {
      {"temperature_C", "temperature"},
      {"set_temperature_C", "set_temperature"},
      {"time_on_stream_h", "TOS (h)"},
      {"set_pressure_bar", "set_pressure (bar)"},
      {"pressure_bar", "pressure (bar)"},
      {"flow_mL_min", "flow_rate (mL/min)"},
      {"GHSV_h", "GHSV (h^-1)"},
      {"WHSV_mL_g_h", "WHSV (ml/g/h)"},
      {"contact_time_s", "contact_time (s)"},
      {"mass_g", "mass (g)"}};
  if (const auto found = kNames.find(name); found != kNames.end()) return found->second;
  constexpr std::string_view kFraction = "fraction_";
  if (name.starts_with(kFraction)) return "x " + name.substr(kFraction.size()) + " (%)";
  return "condition " + name + " ()";
}

std::string value_header(const std::string& name, const std::string& unit) {
  const std::pair<std::string_view, std::string_view> kinds[] = {{"_conversion_by_products", "x_p"},
                                                                 {"_conversion", "x_r"},
                                                                 {"_selectivity", "S_p"},
                                                                 {"_yield", "y"}};
  if (unit == "%") {
    if (name == "carbon_balance") return "C-balance (%)";
    for (const auto& [ending, kind] : kinds) {
      if (name.ends_with(ending) && name.size() > ending.size()) {
        return fmt::format("{} {} (%)", kind, name.substr(0, name.size() - ending.size()));
      }
    }
  }
  return fmt::format("property {} ({})", name, unit);
}

std::string text_of(const Json& item, const char* name) {
  return member(item, name).is_null() ? "" : field(item, name);
}

Status check_name(const std::string& name) {
  if (!name.empty() && name.find_first_of(" #*\t\r\n") == std::string::npos) return {};
  return Error{ErrorCode::bad_data, "the name cannot stand in a header of NOMAD's tables", "", name,
               "a name without spaces, # and *"};
}

using Row = std::map<std::string, std::string>;  // cells by header

// What tells one run from another, without its values.
Result<Row> row_of(const Json& item, const Key& key) {
  const std::string kind = text_of(item, "kind");
  Row row;
  row["catalyst"] = kind == "blank" ? "blank" : name_of(key);
  if (key.actives.empty()) row["support"] = key.support;
  row["preparation_method"] = key.preparation;
  if (kind != "catalyst") row["sample_kind"] = kind;
  for (const auto& [header, name] :
       {std::pair{"sample_id", "sample"}, std::pair{"reaction_name", "run"},
        std::pair{"step", "sequence"}, std::pair{"channel", "channel"},
        std::pair{"replicate", "replicate"}, std::pair{"source", "source"},
        std::pair{"datetime", "measured_at"}}) {
    row[header] = text_of(item, name);
  }
  for (const auto& [name, value] : member(item, "conditions").items()) {
    if (const Status fine = check_name(name); !fine) return fine.error();
    if (value.is_number()) row[condition_header(name)] = format_number(value.get<double>());
  }
  return row;
}

std::string sample_line(const Key& key, const std::string& name, const std::string& label) {
  double total = 0.0;
  for (const auto& [symbol, amount] : key.actives) total += parse_number(amount).value_or(0.0);
  std::string elements, fractions;
  for (const auto& [symbol, amount] : key.actives) {
    const std::string fraction = format_number(parse_number(amount).value_or(0.0) / total);
    elements += fmt::format("{}{}", elements.empty() ? "" : ",", symbol);
    fractions += fmt::format("{}{}", fractions.empty() ? "" : ",", fraction);
  }
  return fmt::format("{},{},{},{},{},{}\n", csv_cell(name), csv_cell(label), csv_cell(key.support),
                     csv_cell(key.preparation), csv_cell(elements), csv_cell(fractions));
}

}  // namespace

Result<NomadTables> nomad_tables(const Json& measurements) {
  std::vector<std::string> header = {
      "catalyst",    "sample_id", "reaction_name", "step",   "support", "preparation_method",
      "sample_kind", "channel",   "replicate",     "source", "datetime"};
  std::vector<Row> rows;
  std::map<std::string, std::vector<std::size_t>> known;  // rows by what tells a run
  std::map<std::string, std::string> samples;             // line by name and label
  for (const Json& item : measurements) {
    const Key key = take_apart(field(member(item, "catalyst"), "key"));
    auto row = row_of(item, key);
    if (!row) return row.error();
    const std::string property = text_of(item, "property");
    if (const Status fine = check_name(property); !fine) return fine.error();
    const std::string measured = value_header(property, text_of(item, "unit"));
    std::string run = text_of(item, "ingest");
    for (const auto& [name, cell] : *row) run += '\x1f' + name + '\x1f' + cell;
    const auto column = [&](const std::string& name) {
      if (std::find(header.begin(), header.end(), name) == header.end()) header.push_back(name);
    };
    for (const auto& [name, value] : member(item, "conditions").items())
      column(condition_header(name));
    column(measured);
    // Two unnamed runs of one delivery may look alike: a value that is there already belongs to the
    // other one.
    auto& alike = known[run];
    const auto open = std::find_if(alike.begin(), alike.end(),
                                   [&](std::size_t at) { return !rows[at].contains(measured); });
    const std::size_t place = open == alike.end() ? rows.size() : *open;
    if (open == alike.end()) {
      alike.push_back(place);
      rows.push_back(std::move(*row));
    }
    rows[place][measured] = format_number(number_of(item, "value"));

    if (text_of(item, "kind") == "blank") continue;
    const std::string label = text_of(item, "sample");
    const std::string name = name_of(key).empty() ? key.support : name_of(key);
    samples[name + '\x1f' + key.preparation + '\x1f' + label] = sample_line(key, name, label);
  }
  NomadTables tables;
  tables.samples = "name,lab_id,support,preparation_method,Elements,atom_fractions\n";
  for (const auto& [name, line] : samples) tables.samples += line;
  for (const std::string& name : header)
    tables.reactions += (name == header[0] ? "" : ",") + csv_cell(name);
  tables.reactions += '\n';
  for (const Row& row : rows) {
    for (const std::string& name : header) {
      const auto cell = row.find(name);
      tables.reactions += (name == header[0] ? "" : ",") +
                          (cell == row.end() ? std::string() : csv_cell(cell->second));
    }
    tables.reactions += '\n';
  }
  return tables;
}

}  // namespace kasetsu::cli
