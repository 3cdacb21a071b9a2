// Times as instruments write them: local, in the format of the machine's settings.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "daemon/base/time_zone.h"

namespace kasetsu::tables {

using UtcTime = std::chrono::sys_time<std::chrono::microseconds>;

// "UTC", an offset such as "+09:00", or a name of the IANA database ("Asia/Tokyo").
Result<TimeZone> find_time_zone(std::string_view name);

// formats: strftime's %Y %y %m %d %H %M %S (with decimals after a point or a comma) %b %p %I, and
// the word "excel" for serial days of a spreadsheet (of the 1900 system). The first that fits
// counts. RFC 3339 with an offset is read always. zone null: a time without an offset is refused,
// because it would be a guess; so is one that the clocks skipped or that came twice.
Result<UtcTime> read_time(std::string_view text, std::span<const std::string> formats,
                          const TimeZone* zone);

}  // namespace kasetsu::tables
