// Whether a campaign may get a new version of its file.
#pragma once

#include "daemon/campaign/lifecycle/campaigns.h"

namespace kasetsu::campaign {

// Of a campaign that is there; its present file may always. Errors: conflict (STOPPED or COMPLETED;
// the unit of a property that has measurements changed; another basis of compositions than the one
// of what was measured).
Status may_update(const Reader& reader, const Campaign& campaign, const CampaignDraft& draft);

}  // namespace kasetsu::campaign
