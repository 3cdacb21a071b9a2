#include "daemon/cli/results/campaign_bundle.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "daemon/base/secret_addresses.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/arguments.h"

namespace kasetsu::cli {
namespace {

struct Row {
  std::string key;
  chemistry::Catalyst catalyst;
  std::map<std::string, double> amounts;  // by element
  std::map<std::string, double> conditions;
  std::map<std::string, std::pair<double, int>> values;  // by property: sum and number
};

// The rows of a table, and what its columns are.
struct Rows {
  std::vector<Row> rows;
  std::set<std::string> elements, conditions, properties;
  bool any_support = false;
};

Result<Rows> rows_of(const Json& measurements, const chemistry::SupportTable& supports) {
  Rows found;
  std::map<std::string, std::size_t> places;
  for (const Json& item : measurements) {
    if (!is_live(item) || !member(item, "value").is_number()) continue;
    const Json& conditions = member(item, "conditions");
    const std::string key = field(member(item, "catalyst"), "key");
    const auto [place, fresh] =
        places.try_emplace(key + "\n" + field(item, "conditions"), found.rows.size());
    if (fresh) {
      auto catalyst = chemistry::parse_key(key, supports);
      if (!catalyst) return catalyst.error();
      Row row{key, std::move(*catalyst), {}, {}, {}};
      for (const auto& part : row.catalyst.active.parts()) {
        const std::string symbol(chemistry::element_symbol(part.element));
        row.amounts[symbol] = part.amount;
        found.elements.insert(symbol);
      }
      found.any_support = found.any_support || !row.catalyst.support.empty();
      for (const auto& [name, value] : conditions.items()) {
        if (!value.is_number()) continue;
        row.conditions[name] = value.get<double>();
        found.conditions.insert(name);
      }
      found.rows.push_back(std::move(row));
    }
    const std::string property = field(item, "property");
    auto& [sum, n] = found.rows[place->second].values[property];
    sum += number_of(item, "value");
    ++n;
    found.properties.insert(property);
  }
  return found;
}

constexpr const char* kNotebook = R"(# How to read this folder in a notebook: pandas only.
import json
import pathlib

import pandas

here = pathlib.Path(__file__).parent
catalysts = pandas.read_csv(here / "catalysts.csv")
measurements = pandas.read_json(here / "measurements.ndjson", lines=True)
ledger = pandas.read_json(here / "ledger.ndjson", lines=True)
proposals = pandas.read_json(here / "proposals.ndjson", lines=True)
campaign = json.loads((here / "campaign.json").read_text())
print(campaign["name"], campaign["state"], len(measurements), "measurements")
)";

std::string readme_of(const CampaignData& data) {
  return fmt::format(
      "# Campaign {0}\n\nEverything that the daemon knows of campaign {0} ({1}, version {2} of its "
      "file), written by `kasetsu export`.\n\n"
      "| file | what it is |\n|---|---|\n"
      "| `catalysts.csv` | one line a catalyst and its conditions, mean of the live values of "
      "every "
      "property: `kasetsu fit catalysts.csv --target ...` reads it |\n"
      "| `measurements.csv`, `measurements.ndjson` | every value that was ever measured, with "
      "marks "
      "(retracted, excluded, superseded) and where it came from |\n"
      "| `proposals.ndjson` | what was proposed, why, what was predicted, and what became of it |\n"
      "| `ledger.ndjson` | every prediction as it was written down before its measurement, and its "
      "error; `hypothesis` -1 is the ensemble |\n"
      "| `models.ndjson`, `batches.ndjson` | summaries of all models and batches |\n"
      "| `campaign.json`, `{3}` | the campaign, and its file (of webhooks only the hosts) |\n"
      "| `load.py` | reads all of it with pandas |\n\n"
      "Times are UTC. {4} measurements, {5} proposals, {6} models.\n",
      field(data.campaign, "name"), field(data.campaign, "state"), field(data.campaign, "version"),
      data.media_type == kJson ? "campaign-file.json" : "campaign.toml", data.measurements.size(),
      data.proposals.size(), data.models.size());
}

}  // namespace

std::string ndjson(const Json& items) {
  std::string text;
  for (const Json& item : items)
    text += item.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return text;
}

Result<std::string> catalysts_csv(const Json& measurements) {
  auto supports = TableArguments().load_supports();
  if (!supports) return supports.error();
  const auto found = rows_of(measurements, *supports);
  if (!found) return found.error();
  std::string csv = "key";
  for (const std::string& name : found->elements) csv += ',' + name;
  if (found->any_support) csv += ",Support";
  for (const std::string& name : found->conditions) csv += ',' + csv_cell(name);
  for (const std::string& name : found->properties) csv += ',' + csv_cell(name);
  csv += '\n';
  for (const Row& row : found->rows) {
    csv += csv_cell(row.key);
    for (const std::string& name : found->elements) {
      const auto amount = row.amounts.find(name);
      csv += ',' + format_number(amount == row.amounts.end() ? 0.0 : amount->second);
    }
    if (found->any_support) csv += ',' + csv_cell(row.catalyst.support);
    for (const std::string& name : found->conditions) {
      const auto value = row.conditions.find(name);
      csv += value == row.conditions.end() ? "," : ',' + format_number(value->second);
    }
    for (const std::string& name : found->properties) {
      const auto value = row.values.find(name);
      csv += value == row.values.end()
                 ? ","
                 : ',' + format_number(value->second.first / value->second.second);
    }
    csv += '\n';
  }
  return csv;
}

Result<std::vector<std::pair<std::string, std::string>>> campaign_bundle(const CampaignData& data) {
  auto catalysts = catalysts_csv(data.measurements);
  if (!catalysts) return catalysts.error();
  return std::vector<std::pair<std::string, std::string>>{
      {"README.md", readme_of(data)},
      {"catalysts.csv", std::move(*catalysts)},
      {"measurements.csv", measurements_csv(data.measurements)},
      {"measurements.ndjson", ndjson(data.measurements)},
      {"proposals.ndjson", ndjson(data.proposals)},
      {"ledger.ndjson", ndjson(data.ledger)},
      {"models.ndjson", ndjson(data.models)},
      {"batches.ndjson", ndjson(data.batches)},
      {"campaign.json", data.campaign.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"},
      {data.media_type == kJson ? "campaign-file.json" : "campaign.toml",
       without_secrets(data.text)},
      {"load.py", kNotebook}};
}

}  // namespace kasetsu::cli
