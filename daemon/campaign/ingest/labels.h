// The one spelling of samples' labels: A1, a1 and A1 in full-width letters are one sample.
#pragma once

#include <cstdint>
#include <optional>

#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// The delivery with the labels under which the campaign knows its samples already, and a note that
// says so; none: all of its labels are written as they are stored, or new. Characters in another
// form (full width), capitals and small letters are looked for. Labels that differ by nothing but
// their spelling are two samples where the delivery has both.
std::optional<PreparedDelivery> with_stored_labels(const Reader& reader, std::int64_t campaign,
                                                   const PreparedDelivery& delivery);

}  // namespace kasetsu::campaign
