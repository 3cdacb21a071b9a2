// Two targets against each other.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// Candidates that were measured for both, by their means: {"points": [{"x", "y", "description",
// "conditions", "front"}], "total"}. front: no other one is as good in both and better in one. Of
// more than 5,000 candidates, those of the front and every so many-th other one.
// unit: that of the campaign's amounts, in which catalysts are described.
Json front(const Reader& reader, const Campaign& campaign, const Target& x, const Target& y,
           std::string_view unit);

}  // namespace kasetsu::campaign
