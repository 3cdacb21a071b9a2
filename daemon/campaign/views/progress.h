// The measurements of a target in the order of arrival, and the best so far.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// More measurements than `most_points` come as bins of their order. {"property", "unit", "goal",
// "hit_threshold", "total", "batches": [{"number", "id", "first", "last"}] (places in the order of
// arrival), "points": [{"n", "value", "description", "conditions", "batch", "strategy",
// "replicates", "measurement"}], "bins": [{"from", "to", "mean", "low", "high"}], "best": [{"n",
// "value", "description"}] (where it rose), "random": [{"n", "value"}] (what the best of the first
// n would be, on average, had the same measurements come in random order; empty where the goal is a
// value), "top": [{"value", "description", "conditions", "replicates"}] (ten candidates by their
// means)}. A measurement that answers no proposal has batch null and strategy "given".
// unit: that of the campaign's amounts, in which catalysts are described.
Json progress(const Reader& reader, const Campaign& campaign, const Target& target,
              std::size_t most_points, std::string_view unit);

}  // namespace kasetsu::campaign
