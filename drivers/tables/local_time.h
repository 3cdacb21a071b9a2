// Times as instruments write them: local, in the format of the machine's settings.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kasetsu::tables {

using UtcTime = std::chrono::sys_time<std::chrono::microseconds>;

// "UTC", an offset such as "+09:00", or a name of the IANA database ("Asia/Tokyo"), which is read
// from the machine's zone files. Nothing here reads the environment.
class TimeZone {
 public:
  // zone_files: folder of compiled zones.
  static Result<TimeZone> find(std::string_view name,
                               const std::string& zone_files = "/usr/share/zoneinfo");

  // local: seconds since 1970 of the wall clock. bad_data for an hour that the clocks skipped, and
  // for one that came twice, of which nobody can say which it was.
  Result<std::int64_t> to_utc(std::int64_t local) const;

 private:
  struct Change {
    std::int64_t at;      // UTC seconds
    std::int32_t offset;  // from then on
  };
  std::int32_t first_offset_ = 0;
  std::vector<Change> changes_;  // by time
  std::int64_t last_known_ = INT64_MAX;
};

// formats: strftime's %Y %y %m %d %H %M %S (with decimals after a point or a comma) %b %p %I, and
// the word "excel" for serial days of a spreadsheet (of the 1900 system). The first that fits
// counts. RFC 3339 with an offset is read always. zone null: a time without an offset is refused,
// because it would be a guess.
Result<UtcTime> read_time(std::string_view text, std::span<const std::string> formats,
                          const TimeZone* zone);

}  // namespace kasetsu::tables
