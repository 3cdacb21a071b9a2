// What a model believes, in a form that people look at.
#pragma once

#include "daemon/base/json.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

// {"model", "version", "property", "unit", "hypotheses" (how many), "honest" (whether parity is of
// predictions without the row in learning; else of leave-one-out), "parity": [{"description",
// "measured", "predicted", "low", "high"}], "mae", "inside", "coverage", "best": {"usual",
// "descriptors": [{"descriptor", "words", "effect"}]}, "descriptors": [{"descriptor", "words",
// "chosen", "share", "effect"}] by share, "history": [{"version", "shares": {descriptor: share}}]
// of the last twelve models, for the thirty descriptors of the largest share}. effect: of one
// standard deviation over the training set, in the target's unit; of the best hypothesis that has
// the descriptor. The intervals are those that the model gives a catalyst as far from its nearest
// other one. Errors: those of read_model.
Result<Json> insight(const Reader& reader, const Campaign& campaign, const Model& model,
                     const chemistry::SupportTable& supports, std::string_view unit);

}  // namespace kasetsu::campaign
