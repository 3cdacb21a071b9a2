// A campaign as the daemon tells it, for reports and exports.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/cli/program/client.h"
#include "daemon/cli/program/session.h"

namespace kasetsu::cli {

struct CampaignData {
  Json campaign;     // GET /v1/campaigns/{name}
  std::string text;  // its file
  std::string media_type;
  std::string version;             // of the daemon
  std::vector<Json> measurements;  // all, in the order of arrival
  std::vector<Json> proposals, batches, models, ledger;
  Json hypotheses;  // GET .../hypotheses
};

// Asks for everything, page by page, with progress.
Result<CampaignData> read_campaign_data(const Client& client, const std::string& name,
                                        const Control& control);

// A measurement that counts: live, of a catalyst (no support, blank or reference).
bool is_live(const Json& measurement);

// Measurements as CSV: one line a value, with flags and marks; empty cells for what is not known.
std::string measurements_csv(const std::vector<Json>& measurements);

}  // namespace kasetsu::cli
