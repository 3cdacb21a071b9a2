// Local time of a place, from the machine's time zone database (TZif files, RFC 8536). GCC 12's
// <chrono> has no time zones, and Debian's date library (3.0.1) does not follow the rule at the end
// of a file: for Berlin it knows no summer time after 2037.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "daemon/base/time.h"

namespace kasetsu {

class TimeZone {
 public:
  // Of the bytes of a TZif file, version 2 or newer. Errors: bad_data.
  static Result<TimeZone> parse(std::string_view bytes);
  // Of an IANA name, such as "Asia/Tokyo". Errors: bad_data with the nearest name; not_found where
  // the machine has no database (Debian's package tzdata).
  static Result<TimeZone> read(std::string_view name);
  // The same offset at all times.
  static TimeZone fixed(std::chrono::seconds offset);

  // Local time minus UTC at this moment.
  std::chrono::seconds offset(std::chrono::sys_seconds at) const;
  // The moments at which clocks show this local time, in order: one; none where they jump over it;
  // two where they are put back.
  std::vector<std::chrono::sys_seconds> moments(std::chrono::local_seconds local) const;
  // The moment at which `minute` (of the day, 0 to 1439) comes on this local date. A time that the
  // clocks jump over comes when they jump; one that they pass twice comes the first time: every
  // date has it once.
  std::chrono::sys_seconds at(std::chrono::year_month_day date, int minute) const;
  // The newest moment up to `now` at which `minute` came.
  std::chrono::sys_seconds newest(std::chrono::sys_seconds now, int minute) const;

 private:
  // Month m, week w (5: the last), weekday d, seconds after local midnight.
  struct Rule {
    unsigned month = 1, week = 1, weekday = 0;
    std::int64_t time = 7200;
    int day = -1;       // instead: day of the year
    bool leap = false;  // `day` counts 29 February (n), or never does (Jn)
    std::chrono::local_seconds in(std::chrono::year year) const;
  };
  struct Footer {
    std::chrono::seconds standard{0};
    std::optional<std::chrono::seconds> summer;
    Rule begin, end;
  };
  static std::optional<Footer> parse_footer(std::string_view text);

  std::vector<std::int64_t> moments_;          // of the changes, rising
  std::vector<std::chrono::seconds> offsets_;  // after each
  std::chrono::seconds before_{0};             // before the first
  std::optional<Footer> footer_;               // after the last
};

}  // namespace kasetsu
