// Deliveries in a laboratory's own table: from a profile's rows to prepared rows.
#pragma once

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "daemon/campaign/ingest/ingest.h"

namespace kasetsu::campaign {

// Fills delivery.rows from its bytes by delivery.options.profile. Errors as prepare_delivery's.
Status prepare_by_profile(PreparedDelivery& delivery, const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
