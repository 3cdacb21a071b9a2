// A map of the candidate space: what was measured of it, what is being made, and how many
// candidates lie where.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// In the two leading principal axes of the space's order-0 descriptors (planning::PrincipalAxes),
// which stay the same from batch to batch. {"property", "unit", "axes": [{"share", "descriptors":
// [words of the three that make most of it]}], "candidates" (size of the space), "density": {"x0",
// "x1", "y0", "y1", "counts": [row: [column: candidates of a sample]]} (rows from y0 to y1),
// "sampled" (size of the sample), "measured" (how many candidates were), "points": [{"x", "y",
// "state", "description", "conditions", "value"}]}. state: "measured" (value: the mean of its
// replicates), "pending" (someone is making it), "proposed" (it waits). Of more than 5,000 measured
// candidates every so many-th one. One axis has y 0 everywhere. Errors: those of PrincipalAxes.
Result<Json> coverage(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
                      const Target& target, const chemistry::ElementTable& elements,
                      const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
