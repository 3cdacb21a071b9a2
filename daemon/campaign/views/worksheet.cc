#include "daemon/campaign/views/worksheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/csv.h"
#include "core/chemistry/element.h"
#include "core/planning/space/materials.h"
#include "daemon/base/json.h"
#include "drivers/tables/workbook_writer.h"

namespace kasetsu::campaign {
namespace {

using tables::SheetCell;
using tables::SheetToWrite;

struct SheetPlace {
  double channel = 0.0;
  Proposal proposal;
  chemistry::Catalyst catalyst;
};

// Open proposals by the channels that the planner gave their ranks. An amended proposal has the
// rank of the one that it replaces.
std::vector<SheetPlace> places_of(const Reader& reader, const Campaign& campaign,
                                  const Batch& batch, const chemistry::SupportTable& supports) {
  std::map<std::int64_t, double> channels;
  const Json summary = Json::parse(batch.summary, nullptr, false);
  if (summary.is_object() && summary.contains("plate")) {
    for (const Json& place : summary["plate"]) {
      if (place.contains("rank")) channels[place["rank"].get<std::int64_t>()] = place["channel"];
    }
  }
  ProposalFilter filter;
  filter.batch = batch.id;
  std::vector<SheetPlace> places;
  for (Proposal& proposal : reader.proposals(campaign.key, filter, {0, 10'000})) {
    auto catalyst = chemistry::parse_key(proposal.catalyst, supports);
    if (!is_open(proposal.state) || !catalyst) continue;
    const auto channel = channels.find(proposal.rank);
    places.push_back(
        {channel == channels.end() ? static_cast<double>(proposal.rank) : channel->second,
         std::move(proposal), std::move(*catalyst)});
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const SheetPlace& a, const SheetPlace& b) { return a.channel < b.channel; });
  return places;
}

SheetCell condition_of(const Proposal& proposal, const std::string& name) {
  const Json conditions = Json::parse(proposal.conditions, nullptr, false);
  if (!conditions.is_object() || !conditions.contains(name)) return std::string();
  return conditions[name].get<double>();
}

SheetToWrite results_sheet(const std::vector<SheetPlace>& places, const CampaignConfig& config) {
  std::set<int> elements;
  bool prepared = false;
  for (const SheetPlace& place : places) {
    for (const auto& part : place.catalyst.active.parts()) elements.insert(part.element);
    prepared = prepared || !place.catalyst.preparation.empty();
  }
  SheetToWrite sheet;
  sheet.name = "results";
  sheet.header = {"proposal", "channel", "sample"};
  for (const int element : elements) {
    sheet.header.emplace_back(chemistry::element_symbol(element));
  }
  sheet.header.emplace_back("Support");
  if (prepared) sheet.header.emplace_back("Preparation");
  const std::vector<std::string> conditions = config.conditions();
  sheet.header.insert(sheet.header.end(), conditions.begin(), conditions.end());
  sheet.to_fill.assign(sheet.header.size(), false);
  sheet.to_fill[2] = true;
  for (const Target& target : config.targets) {
    sheet.header.push_back(target.name);
    sheet.to_fill.push_back(true);
  }
  for (const SheetPlace& place : places) {
    std::vector<SheetCell> row = {place.proposal.id, place.channel, std::string()};
    for (const int element : elements) row.emplace_back(place.catalyst.active.amount(element));
    row.emplace_back(place.catalyst.support);
    if (prepared) row.emplace_back(place.catalyst.preparation);
    for (const std::string& name : conditions) row.push_back(condition_of(place.proposal, name));
    row.resize(sheet.header.size(), std::string());
    sheet.rows.push_back(std::move(row));
  }
  return sheet;
}

SheetToWrite weighing_sheet(const std::vector<SheetPlace>& places,
                            const planning::Materials& materials, std::string_view unit) {
  const auto name_of = [](const planning::Weighing& one, const SheetPlace& place) {
    return one.element > 0 ? std::string(chemistry::element_symbol(one.element))
                           : place.catalyst.support;
  };
  std::vector<std::string> names;
  for (const SheetPlace& place : places) {
    for (const auto& one : planning::weighings(materials, place.catalyst)) {
      const std::string name = name_of(one, place);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  SheetToWrite sheet;
  sheet.name = "weigh in";
  sheet.header = {"channel", "catalyst"};
  for (const std::string& name : names) sheet.header.push_back(fmt::format("{} (mg)", name));
  for (const SheetPlace& place : places) {
    std::vector<SheetCell> row = {place.channel, chemistry::describe(place.catalyst, unit)};
    row.resize(sheet.header.size(), std::string());
    for (const auto& one : planning::weighings(materials, place.catalyst)) {
      const auto found = std::find(names.begin(), names.end(), name_of(one, place));
      row[2 + static_cast<std::size_t>(found - names.begin())] = 1'000.0 * one.gram;
    }
    sheet.rows.push_back(std::move(row));
  }
  return sheet;
}

std::string csv_of(const SheetToWrite& sheet) {
  std::string text;
  const auto add = [&](std::size_t column, const std::string& cell) {
    text += (column == 0 ? "" : ",") + cell;
  };
  for (std::size_t c = 0; c < sheet.header.size(); ++c) add(c, csv_cell(sheet.header[c]));
  text += "\n";
  for (const auto& row : sheet.rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string* const words = std::get_if<std::string>(&row[c]);
      add(c, words != nullptr ? csv_cell(*words) : fmt::format("{}", std::get<double>(row[c])));
    }
    text += "\n";
  }
  return text;
}

}  // namespace

Result<std::string> worksheet(const Reader& reader, const Campaign& campaign,
                              const CampaignConfig& config, const std::string& id,
                              SheetFormat format, const chemistry::SupportTable& supports) {
  const auto batch = reader.find_batch(id);
  if (!batch || batch->campaign != campaign.key) {
    return Error{ErrorCode::not_found, "no such batch", "batch", id,
                 "the id of a batch of this campaign"};
  }
  const std::vector<SheetPlace> places = places_of(reader, campaign, *batch, supports);
  std::vector<SheetToWrite> sheets = {results_sheet(places, config)};
  if (format == SheetFormat::csv) return csv_of(sheets.front());
  if (config.materials)
    sheets.push_back(weighing_sheet(places, *config.materials, config.composition.unit()));
  return tables::write_workbook(sheets);
}

}  // namespace kasetsu::campaign
