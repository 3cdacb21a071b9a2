// kasetsu report and kasetsu export: a campaign for people, and for other programs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "daemon/base/data_files.h"
#include "daemon/base/time.h"
#include "daemon/cli/campaigns/campaign_file.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"
#include "daemon/cli/program/wire_text.h"
#include "daemon/cli/results/report.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  ConnectionArguments connection;
  std::string campaign;
  std::string out;
  std::string format = "html";
};

Result<campaign::CampaignConfig> decode(const CampaignData& data, const std::string& name) {
  TableArguments tables;
  auto supports = tables.load_supports();
  if (!supports) return supports.error();
  return campaign::parse_campaign(data.text, name, data.media_type, *supports);
}

Status report(const Arguments& arguments, Session& session) {
  const Control control = session.control();
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  auto data = read_campaign_data(*client, arguments.campaign, control);
  if (!data) return data.error();
  auto config = decode(*data, arguments.campaign);
  if (!config) return config.error();
  const Report made = make_report(*data, *config, format_time(system_now()));
  const std::string path =
      !arguments.out.empty() ? arguments.out
                             : arguments.campaign + (arguments.format == "html" ? ".html" : ".md");
  const bool markdown = arguments.out.empty()
                            ? arguments.format == "markdown"
                            : arguments.out.ends_with(".md") || arguments.format == "markdown";
  if (auto written = write_file(path, markdown ? made.markdown : made.html); !written)
    return written;
  if (session.json) {
    Json summary = made.summary;
    summary["file"] = path;
    session.print_json(summary);
  } else if (path != "-") {
    session.print(path + "\n");
  }
  return {};
}

// One JSON document a line, each a whole measurement.
std::string ndjson(const std::vector<Json>& items) {
  std::string text;
  for (const Json& item : items)
    text += item.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return text;
}

// One line a catalyst and conditions: amounts in a column an element, the support, and the means of
// the live values in a column a property. kasetsu fit reads it.
Result<std::string> catalysts_csv(const CampaignData& data) {
  TableArguments tables;
  auto supports = tables.load_supports();
  if (!supports) return supports.error();
  struct Row {
    std::string key;
    chemistry::Catalyst catalyst;
    std::map<std::string, double> conditions;
    std::map<std::string, std::pair<double, int>> values;  // sum, number
  };
  std::vector<Row> rows;
  std::map<std::string, std::size_t> places;
  std::set<std::string> elements, conditions, properties;
  bool any_support = false;
  for (const Json& item : data.measurements) {
    if (!is_live(item) || !item["value"].is_number()) continue;
    const Json told = item.value("conditions", Json::object());
    const std::string key = field(item["catalyst"], "key");
    const auto [place, fresh] = places.try_emplace(key + "\n" + told.dump(), rows.size());
    if (fresh) {
      auto catalyst = chemistry::parse_key(key, *supports);
      if (!catalyst) return catalyst.error();
      rows.push_back({key, std::move(*catalyst), {}, {}});
      Row& row = rows.back();
      for (const auto& part : row.catalyst.active.parts())
        elements.insert(std::string(chemistry::element_symbol(part.element)));
      any_support = any_support || !row.catalyst.support.empty();
      for (const auto& [name, value] : told.items()) {
        if (!value.is_number()) continue;
        row.conditions[name] = value.get<double>();
        conditions.insert(name);
      }
    }
    auto& [sum, n] = rows[place->second].values[field(item, "property")];
    sum += item["value"].get<double>();
    ++n;
    properties.insert(field(item, "property"));
  }
  std::string csv = "key";
  for (const std::string& name : elements) csv += fmt::format(",{}", name);
  if (any_support) csv += ",Support";
  for (const std::string& name : conditions) csv += fmt::format(",{}", csv_cell(name));
  for (const std::string& name : properties) csv += fmt::format(",{}", csv_cell(name));
  csv += "\n";
  for (const Row& row : rows) {
    csv += csv_cell(row.key);
    std::map<std::string, double> amounts;
    for (const auto& part : row.catalyst.active.parts())
      amounts[std::string(chemistry::element_symbol(part.element))] = part.amount;
    for (const std::string& name : elements)
      csv += fmt::format(",{}", format_number(amounts[name]));
    if (any_support) csv += fmt::format(",{}", csv_cell(row.catalyst.support));
    for (const std::string& name : conditions) {
      const auto found = row.conditions.find(name);
      csv += fmt::format(
          ",{}", found == row.conditions.end() ? std::string() : format_number(found->second));
    }
    for (const std::string& name : properties) {
      const auto found = row.values.find(name);
      csv += fmt::format(",{}", found == row.values.end()
                                    ? std::string()
                                    : format_number(found->second.first / found->second.second));
    }
    csv += "\n";
  }
  return csv;
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
      "| `proposals.ndjson` | what was asked for, why, what was foretold, and what became of it |\n"
      "| `ledger.ndjson` | every prediction as it was written down before its measurement, and its "
      "error; `hypothesis` -1 is the ensemble |\n"
      "| `models.ndjson`, `batches.ndjson` | summaries of all models and batches |\n"
      "| `campaign.json`, `{3}` | the campaign, and its file byte for byte |\n"
      "| `load.py` | reads all of it with pandas |\n\n"
      "Times are UTC. {4} measurements, {5} proposals, {6} models.\n",
      field(data.campaign, "name"), field(data.campaign, "state"), field(data.campaign, "version"),
      data.media_type == kJson ? "campaign-file.json" : "campaign.toml", data.measurements.size(),
      data.proposals.size(), data.models.size());
}

Status export_data(const Arguments& arguments, Session& session) {
  const Control control = session.control();
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  if (arguments.format == "sqlite") {
    // The daemon makes the copy: the whole database, of all campaigns, on its own machine.
    auto made = client->post("/v1/admin:backup", Json::object());
    if (!made) return made.error();
    const std::string path = field(*made, "path");
    if (!arguments.out.empty()) {
      std::error_code error;
      std::filesystem::copy_file(path, arguments.out,
                                 std::filesystem::copy_options::overwrite_existing, error);
      if (error) {
        return Error{ErrorCode::storage_failed,
                     "the snapshot is on the daemon's machine and cannot be copied from there",
                     path, error.message(), "the file itself, or this command there"};
      }
    }
    const std::string where = arguments.out.empty() ? path : arguments.out;
    if (session.json) {
      session.print_json({{"file", where}});
    } else {
      session.print(where + "\n");
    }
    return {};
  }
  auto data = read_campaign_data(*client, arguments.campaign, control);
  if (!data) return data.error();
  if (arguments.format != "bundle") {
    const std::string text = arguments.format == "csv" ? measurements_csv(data->measurements)
                                                       : ndjson(data->measurements);
    const std::string path = arguments.out.empty() ? "-" : arguments.out;
    if (session.json && path == "-") {
      session.print_json({{"measurements", data->measurements}});
      return {};
    }
    if (auto written = write_file(path, text); !written) return written;
    if (session.json) {
      session.print_json({{"file", path}, {"measurements", data->measurements.size()}});
    } else if (path != "-") {
      session.say(fmt::format("{} measurements in {}", data->measurements.size(), path));
    }
    return {};
  }
  const std::filesystem::path folder =
      arguments.out.empty() ? arguments.campaign + "-export" : arguments.out;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return Error{ErrorCode::storage_failed, "the folder cannot be made", "--out", folder.string(),
                 error.message()};
  }
  const std::string file_name = data->media_type == kJson ? "campaign-file.json" : "campaign.toml";
  auto catalysts = catalysts_csv(*data);
  if (!catalysts) return catalysts.error();
  const std::pair<std::string, std::string> files[] = {
      {"README.md", readme_of(*data)},
      {"catalysts.csv", *catalysts},
      {"measurements.csv", measurements_csv(data->measurements)},
      {"measurements.ndjson", ndjson(data->measurements)},
      {"proposals.ndjson", ndjson(data->proposals)},
      {"ledger.ndjson", ndjson(data->ledger)},
      {"models.ndjson", ndjson(data->models)},
      {"batches.ndjson", ndjson(data->batches)},
      {"campaign.json", data->campaign.dump(2) + "\n"},
      {file_name, data->text},
      {"load.py", kNotebook}};
  Json names = Json::array();
  for (const auto& [name, text] : files) {
    if (auto written = write_file((folder / name).string(), text); !written) return written;
    names.push_back(name);
  }
  if (session.json) {
    session.print_json({{"folder", folder.string()}, {"files", std::move(names)}});
  } else {
    session.print(folder.string() + "\n");
  }
  return {};
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_daemon_command(
      app, session, arguments, "report", "a campaign as one page for people (HTML or Markdown)",
      "  kasetsu report ocm                    (writes ocm.html)\n"
      "  kasetsu report ocm --out ocm.md",
      report);
  command->group("With the daemon");
  command->add_option("CAMPAIGN", arguments->campaign, "name of the campaign")->required();
  command->add_option("--format", arguments->format, "html or markdown")
      ->check(CLI::IsMember({"html", "markdown"}))
      ->capture_default_str();
  command->add_option("--out", arguments->out, "file to write (- for standard output)");
}

void add_export(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  arguments->format = "csv";
  CLI::App* command = add_daemon_command(
      app, session, arguments, "export", "a campaign for other programs",
      "  kasetsu export ocm --out ocm.csv\n"
      "  kasetsu export ocm --format bundle --out ocm    (a folder for a notebook)",
      export_data);
  command->group("With the daemon");
  command->add_option("CAMPAIGN", arguments->campaign, "name of the campaign")->required();
  command->add_option("--format", arguments->format, "csv, ndjson, bundle or sqlite")
      ->check(CLI::IsMember({"csv", "ndjson", "bundle", "sqlite"}))
      ->capture_default_str();
  command->add_option("--out", arguments->out, "file, or folder of a bundle");
}

}  // namespace kasetsu::cli
