// Points in time as the service keeps them: microseconds since 1970 in UTC, passed in, never read
// from a global clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kasetsu {

using Duration = std::chrono::microseconds;
using Time = std::chrono::sys_time<Duration>;
using Clock = std::function<Time()>;

// The machine's clock; main passes it in, tests pass a fake one.
Time system_now();

inline std::int64_t to_micros(Time time) {
  return time.time_since_epoch().count();
}
inline Time from_micros(std::int64_t micros) {
  return Time(Duration(micros));
}

// RFC 3339 in UTC with microseconds: "2026-03-01T09:30:00.000000Z".
std::string format_time(Time time);
// RFC 3339 with "Z" or a numeric offset, at most nine decimals (kept to microseconds), years 1970
// to 2200. A time without an offset is refused: it would be a guess.
Result<Time> parse_time(std::string_view text);

}  // namespace kasetsu
