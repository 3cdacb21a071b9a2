// A campaign's report as one HTML page without other files, and as Markdown.
#pragma once

#include <string>

#include "daemon/campaign/file/campaign_file.h"
#include "daemon/cli/results/report_data.h"

namespace kasetsu::cli {

struct Report {
  std::string html;
  std::string markdown;
  Json summary;  // the figures of both: see make_report
};

// What was found, how well the model predicted it, what is proposed next, and how it was done.
// `config` is the campaign's decoded file. summary: {"campaign", "state", "measurements",
// "catalysts", "best": {...}, "models", "batches", "ledger": {"n", "mae", "coverage"}}.
Report make_report(const CampaignData& data, const campaign::CampaignConfig& config,
                   const std::string& made_at);

}  // namespace kasetsu::cli
