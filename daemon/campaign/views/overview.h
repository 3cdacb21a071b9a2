// A campaign at a glance: how far, how good, how sure, and what waits.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// {"name", "description", "state", "reason", "owner", "version", "targets": [{"name", "unit",
// "goal", "value", "hit_threshold", "best": {"value", "catalyst": {"key", "description"},
// "conditions", "replicates"}, "hits", "measured"}], "measurements", "catalysts", "proposals":
// {state: count}, "batches", "progress": [{"number", "id", "proposals", "done", "share"}] of the
// last twelve, "quarantined", "jobs": [{"id", "kind", "state", "progress", "stage"}], "model":
// {"id", "version", "property", "rows", "mae_honest", "created_at", "verdict"}, "newest"}. Best and
// hits are by the means of candidates.
// unit: that of the campaign's amounts, in which catalysts are described.
Json overview(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
              std::string_view unit);

}  // namespace kasetsu::campaign
