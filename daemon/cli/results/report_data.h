// A campaign as the daemon tells it, for reports and exports.
#pragma once

#include <string>
#include <string_view>

#include "daemon/cli/program/client.h"
#include "daemon/cli/program/session.h"

namespace kasetsu::cli {

struct CampaignData {
  Json campaign;     // GET /v1/campaigns/{name}
  std::string text;  // its file
  std::string media_type;
  std::string version;  // of the daemon
  // Lists: all measurements in the order of arrival, and so on.
  Json measurements, proposals, batches, models, ledger;
  Json hypotheses;  // GET .../hypotheses
  Json progress;    // {target: GET .../progress}
  Json insight;     // GET .../models/current/insight of the first target; null: no model
  Json foretold;    // GET .../foretold of the first target
};

// Asks for everything, page by page, with progress.
Result<CampaignData> read_campaign_data(const Client& client, const std::string& name,
                                        const Control& control);

// A measurement that counts: live, of a catalyst (no support, blank or reference).
bool is_live(const Json& measurement);

// Measurements as CSV: one line a value, with flags and marks; empty cells for what is not known.
std::string measurements_csv(const Json& measurements);
// The same in pieces: the line of names, and a measurement's line behind what is there.
std::string measurements_csv_header();
void append_csv(std::string& csv, const Json& measurement);

}  // namespace kasetsu::cli
