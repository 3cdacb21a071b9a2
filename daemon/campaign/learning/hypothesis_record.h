// What became of every hypothesis: its error on each batch that it foretold, whatever model it
// stood in. The paper's idea (METHOD section 5): as data are added, the error of hypotheses that
// fitted by accident rises above what they promised, that of the others does not.
#pragma once

#include <string_view>

#include "core/base/result.h"
#include "daemon/base/json.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// {"property", "unit", "batches": [{"batch" (number from 1), "id", "n", "mae_ensemble"}],
// "hypotheses": [{"descriptors", "state", "promised" (leave-one-out error of the first model that
// held it), "n", "mae", "errors": [{"batch", "n", "mae"}]}]}. Only of predictions that met their
// measurement; each measurement counts once, by the first prediction of it. state: "alive" (in the
// current model), "dormant" (without a place in it, and still judged), "eliminated", "dropped" (too
// many better ones). By mean error, the worst
// last. Errors: not_found (no such target); a model's document that cannot be read is passed over.
Result<Json> hypothesis_record(const Reader& reader, const Campaign& campaign,
                               std::string_view property);

}  // namespace kasetsu::campaign
