#include "daemon/cli/results/report_data.h"
#include "daemon/base/spreadsheet.h"

#include <fmt/format.h>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/cli/program/wire_text.h"

namespace kasetsu::cli {

Result<CampaignData> read_campaign_data(const Client& client, const std::string& name,
                                        const Control& control) {
  const std::string path = "/v1/campaigns/" + encode(name);
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
    std::vector<Json>* into;
  };
  const List lists[] = {{"/measurements?limit=1000", "measurements", &data.measurements},
                        {"/proposals?limit=1000", "proposals", &data.proposals},
                        {"/batches?limit=1000", "batches", &data.batches},
                        {"/models?limit=100", "models", &data.models},
                        {"/ledger?limit=10000", "ledger", &data.ledger}};
  double done = 0.0;
  for (const List& list : lists) {
    control.report(done / 5.0, fmt::format("reading {}", list.member));
    auto status = client.each(path + list.address, list.member, [&](const Json& item) {
      list.into->push_back(item);
      return Status();
    });
    if (!status) return status.error();
    done += 1.0;
  }
  auto hypotheses = client.get(path + "/hypotheses");
  if (!hypotheses) return hypotheses.error();
  data.hypotheses = std::move(*hypotheses);
  return data;
}

bool is_live(const Json& item) {
  return !item.value("retracted", false) && !item.value("excluded", false) &&
         (!item.contains("superseded_by") || item["superseded_by"].is_null()) &&
         item.value("kind", std::string("catalyst")) == "catalyst";
}

std::string measurements_csv(const std::vector<Json>& measurements) {
  std::string csv =
      "id,catalyst,description,property,value,unit,source,run,channel,sequence,replicate,sample,"
      "proposal,measured_at,received_at,retracted,excluded,superseded_by,kind,conditions\n";
  for (const Json& item : measurements) {
    const auto cell = [&item](const char* name) {
      const std::string text = field(item, name);
      return text == "-" ? "" : spreadsheet_cell(text);
    };
    const bool number = item.contains("value") && item["value"].is_number();
    csv +=
        fmt::format("{},{},{},{},{}", cell("id"), spreadsheet_cell(field(item["catalyst"], "key")),
                    spreadsheet_cell(field(item["catalyst"], "description")), cell("property"),
                    number ? format_number(item["value"].get<double>()) : "");
    for (const char* name :
         {"unit", "source", "run", "channel", "sequence", "replicate", "sample", "proposal",
          "measured_at", "received_at", "retracted", "excluded", "superseded_by"}) {
      csv += ',';
      csv += cell(name);
    }
    const auto conditions = item.find("conditions");
    const bool told = conditions != item.end() && conditions->is_object();
    csv += fmt::format(",{},{}\n", cell("kind"), told ? csv_cell(conditions->dump()) : "");
  }
  return csv;
}

}  // namespace kasetsu::cli
