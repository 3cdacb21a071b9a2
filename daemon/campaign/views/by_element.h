// What was measured of each element and support.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// Of candidates by their means. {"property", "unit", "elements": [{"symbol", "catalysts",
// "measurements", "best", "mean", "effect"}], "supports": [{"name", "catalysts", "best", "mean",
// "share"}]}. effect: the mean of the candidates with the element minus that of those without it;
// null where one of the two is missing. Elements of the campaign's space that were not measured
// have no measurements. share: of the candidates, between 0 and 1.
Json by_element(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
                const Target& target, const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
