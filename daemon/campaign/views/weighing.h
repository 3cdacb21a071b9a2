// What to weigh in for the samples of a batch.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// {"proposals": [{"id", "weigh": [{"name", "gram"}], "price"}]} of the batch's proposals in any
// state, in the campaign's [materials]; none without them.
Json weighing(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
              const std::string& batch, const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
