// Measurements, the newest first.
#pragma once

#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

struct NewestPage {
  std::vector<Measurement> measurements;  // the newest first
  std::int64_t before = 0;                // of the next page; 0: there is none
};

// Those with a seq below `before` (0: all), at most `limit`. Where few of the campaign's
// measurements pass the filter, a page may hold fewer although older ones follow.
NewestPage newest_measurements(const Reader& reader, const Campaign& campaign,
                               const MeasurementFilter& filter, std::int64_t before,
                               std::int64_t limit);

}  // namespace kasetsu::campaign
