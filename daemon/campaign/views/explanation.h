// Why a proposal was predicted as it was.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// By the model that planned the proposal: {"proposal", "model", "unit", "usual", "agree",
// "hypotheses", "parts": [{"name", "weight", "says"}], "contributions": [{"descriptor", "words",
// "contribution", "outside"}], "neighbours": [{"catalyst", "description", "distance",
// "measured"}]}, as selection::Explanation tells them. Without a model: "model" null and the lists
// empty. Errors: not_found for a proposal that is not of this campaign; a model that does not read.
Result<Json> explanation(const Reader& reader, const Campaign& campaign,
                         const CampaignConfig& config, const std::string& proposal,
                         const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
