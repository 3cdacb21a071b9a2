// What comes after learning, the whole use case: is the campaign at its end, and if not, which
// batch is next. Reads the database, plans, and issues what was planned.
#pragma once

#include <string>

#include "core/base/result.h"
#include "daemon/base/json.h"
#include "daemon/campaign/learning/retrain.h"
#include "daemon/campaign/planning/recommend.h"

namespace kasetsu::campaign {

// Everything that recommend() wants of the database.
Result<RecommendInput> read_recommend_input(const Reader& reader, const Campaign& campaign,
                                            const CampaignConfig& config);

// Plans a batch and issues it; size 0: as the campaign says. Returns {"id", "proposals",
// "left_out", "notes"}. Errors: those of recommend() and issue_batch().
Result<Json> plan_batch(const Workbench& bench, int size);

// Completes the campaign when the measurements fulfil one of its stop rules. True when it did, and
// when a person ended it in between.
Result<bool> complete_if_done(Database& database, const Campaign& campaign,
                              const CampaignConfig& config, const Context& context);

// After a retraining: completes the campaign when its hypotheses agree ({"completed": reason}),
// else plans the next batch when nothing of the last one is open ({"batch": of plan_batch}).
Result<Json> follow_up(const Workbench& bench, int batch_size);

}  // namespace kasetsu::campaign
