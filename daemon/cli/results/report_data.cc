#include "daemon/cli/results/report_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/cli/program/answers.h"

namespace kasetsu::cli {
namespace {

constexpr const char* kAfterValue[] = {
    "unit",          "source",   "run",         "channel",     "sequence",  "replicate",
    "sample",        "proposal", "measured_at", "received_at", "retracted", "excluded",
    "superseded_by", "kind",     "conditions",  "told",        "flags",     "amounts_unit"};

// What the dashboard draws, too.
Status read_views(const Client& client, const std::string& path, CampaignData& data) {
  data.progress = Json::object();
  std::string first;
  for (const Json& property : list_of(data.campaign, "properties")) {
    if (field(property, "target") != "true") continue;
    const std::string name = field(property, "name");
    if (first.empty()) first = name;
    auto progress = client.get(path + "/progress" + query({{"property", name}}));
    if (!progress) return progress.error();
    data.progress[name] = std::move(*progress);
  }
  const std::pair<const char*, Json*> answers[] = {{"/hypotheses", &data.hypotheses},
                                                   {"/foretold", &data.foretold},
                                                   {"/models/current/insight", &data.insight}};
  for (const auto& [address, into] : answers) {
    auto answer = client.get(path + address + query({{"property", first}}));
    // Without a model there is nothing to look into.
    if (!answer && answer.error().code == ErrorCode::not_found && into == &data.insight) continue;
    if (!answer) return answer.error();
    *into = std::move(*answer);
  }
  return {};
}

}  // namespace

Result<CampaignData> read_campaign_data(const Client& client, const std::string& name,
                                        const Control& control) {
  const std::string path = address_of(name);
  CampaignData data;
  auto campaign = client.get(path);
  if (!campaign) return campaign.error();
  data.campaign = std::move(*campaign);
  auto text = client.get(path + "/configs/" + field(data.campaign, "version"));
  if (!text) return text.error();
  data.text = field(*text, "text");
  data.media_type = field(*text, "media_type");
  if (auto version = client.get("/version")) data.version = field(*version, "version");
  struct List {
    const char* address;
    const char* member;
    Json* into;
  };
  const List lists[] = {{"/measurements?limit=1000", "measurements", &data.measurements},
                        {"/proposals?limit=1000", "proposals", &data.proposals},
                        {"/batches?limit=1000", "batches", &data.batches},
                        {"/models?limit=100", "models", &data.models},
                        {"/ledger?limit=10000", "ledger", &data.ledger}};
  double done = 0.0;
  for (const List& list : lists) {
    control.report(done / 5.0, fmt::format("reading {}", list.member));
    auto items = client.list(path + list.address, list.member);
    if (!items) return items.error();
    *list.into = std::move(*items);
    done += 1.0;
  }
  const Status views = read_views(client, path, data);
  if (!views) return views.error();
  return data;
}

bool is_live(const Json& item) {
  if (!member(item, "value").is_number()) return false;
  const std::string kind = field(item, "kind");
  return field(item, "retracted") != "true" && field(item, "excluded") != "true" &&
         member(item, "superseded_by").is_null() && (kind == "-" || kind == "catalyst");
}

std::string measurements_csv_header() {
  std::string csv = "id,catalyst,description,property,value";
  for (const char* name : kAfterValue) csv += fmt::format(",{}", name);
  return csv + '\n';
}

void append_csv(std::string& csv, const Json& measurement) {
  const auto cell = [](const Json& object, const char* name) {
    std::string text;
    for (const Json& one : list_of(object, name)) {
      if (!text.empty()) text += ' ';
      text += one.get<std::string>();
    }
    if (!member(object, name).is_array()) text = field(object, name);
    return text == "-" ? "" : csv_cell(text);
  };
  const Json& catalyst = member(measurement, "catalyst");
  const double value = number_of(measurement, "value");
  csv += fmt::format("{},{},{},{},{}", cell(measurement, "id"), cell(catalyst, "key"),
                     cell(catalyst, "description"), cell(measurement, "property"),
                     std::isfinite(value) ? format_number(value) : "");
  for (const char* name : kAfterValue) csv += ',' + cell(measurement, name);
  csv += '\n';
}

std::string measurements_csv(const Json& measurements) {
  std::string csv = measurements_csv_header();
  for (const Json& item : measurements) append_csv(csv, item);
  return csv;
}

}  // namespace kasetsu::cli
