// Predictions that were written down before their measurements.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// Of the whole model, each measurement once, by the first prediction of it: {"property", "points":
// [{"description", "measured", "predicted", "low", "high", "predicted_at"}] (the newest 5,000),
// "mae", "inside" (share of the measurements in their intervals), "coverage" (what the intervals
// promise)}. Without any: mae and inside null.
// unit: that of the campaign's amounts, in which catalysts are described.
Json foretold(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
              const Target& target, std::string_view unit);

// {"mae", "inside", "coverage"} of points with "measured", "predicted", "low" and "high".
Json judged(const Json& points, double coverage);

}  // namespace kasetsu::campaign
