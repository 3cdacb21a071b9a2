// Campaign files on the command line.
#pragma once

#include <string>

#include "core/base/result.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/cli/program/arguments.h"

namespace kasetsu::cli {

std::string campaign_media_type(const std::string& file);

// Reads and decodes; errors name file, line and key.
Result<campaign::CampaignConfig> load_campaign(const std::string& file,
                                               const chemistry::SupportTable& supports);

// The tables that a campaign's models are made with. `elements`: a path that overrides the file's.
Result<campaign::Science> load_science(const campaign::CampaignConfig& config,
                                       const std::string& campaign_file,
                                       const FeatureArguments& features,
                                       chemistry::SupportTable supports);

// kasetsu campaign validate, kasetsu campaign plan (campaign_check.cc).
Status validate_campaigns(const std::vector<std::string>& files, const std::string& supports,
                          Session& session);
Status plan_campaign(const std::string& file, const std::string& supports, Session& session);

}  // namespace kasetsu::cli
