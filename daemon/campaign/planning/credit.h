// What each strategy has earned in a campaign, from the database: for the automatic mix.
#pragma once

#include <vector>

#include "core/planning/automatic_mix.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// A proposal counts as measured where `training` has a row of it, and as a hit where the mean of
// its rows is one. The eliminations are those that the summaries of the target's models tell; each
// is divided among strategies by the |errors| that the ledger has of it. In the order of the
// strategies' names.
std::vector<planning::StrategyCredit> strategy_credits(const Reader& reader,
                                                       const Campaign& campaign,
                                                       const Target& target,
                                                       const TrainingSet& training);

}  // namespace kasetsu::campaign
