#include "drivers/tables/local_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "core/base/text.h"

namespace kasetsu::tables {
namespace {

Error unreadable(std::string_view text, std::string message, std::string expected) {
  return Error{ErrorCode::bad_data, std::move(message), {}, std::string(text), std::move(expected)};
}

struct Fields {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0;
  bool afternoon = false, twelve = false;
  std::int64_t micros = 0;  // of the minute
};

// Up to `most` digits; nothing when there is none.
std::optional<int> digits(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t count = 0;
  int value = 0;
  while (count < most && count < text.size() && text[count] >= '0' && text[count] <= '9') {
    value = value * 10 + (text[count++] - '0');
  }
  if (count < least) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

bool take_field(char which, std::string_view& text, Fields& fields) {
  std::optional<int> value;
  switch (which) {
    case 'Y':
      value = digits(text, 4, 4);
      if (value) fields.year = *value;
      return value.has_value();
    case 'y':
      value = digits(text, 2, 2);
      if (value) fields.year = 2000 + *value;
      return value.has_value();
    case 'm':
      value = digits(text, 1, 2);
      if (value) fields.month = *value;
      return value.has_value();
    case 'd':
      value = digits(text, 1, 2);
      if (value) fields.day = *value;
      return value.has_value();
    case 'H':
    case 'I':
      value = digits(text, 1, 2);
      if (value) fields.hour = *value;
      fields.twelve = which == 'I';
      return value.has_value();
    case 'M':
      value = digits(text, 1, 2);
      if (value) fields.minute = *value;
      return value.has_value();
    case 'S': {
      value = digits(text, 1, 2);
      if (!value || *value > 59) return false;
      fields.micros = *value * 1'000'000LL;
      if (!text.empty() && (text[0] == '.' || text[0] == ',') && text.size() > 1 &&
          text[1] >= '0' && text[1] <= '9') {
        text.remove_prefix(1);
        for (std::int64_t place = 100'000; !text.empty() && text[0] >= '0' && text[0] <= '9';
             place /= 10) {
          fields.micros += place * (text[0] - '0');
          text.remove_prefix(1);
        }
      }
      return true;
    }
    case 'b': {
      if (text.size() < 3) return false;
      std::string name(text.substr(0, 3));
      for (char& c : name) c = static_cast<char>(c | 0x20);
      const auto found = std::find(kMonths.begin(), kMonths.end(), name);
      if (found == kMonths.end()) return false;
      fields.month = static_cast<int>(found - kMonths.begin()) + 1;
      text.remove_prefix(3);
      return true;
    }
    case 'p': {
      if (text.size() < 2 || (text[1] | 0x20) != 'm') return false;
      const char half = static_cast<char>(text[0] | 0x20);
      if (half != 'a' && half != 'p') return false;
      fields.afternoon = half == 'p';
      text.remove_prefix(2);
      return true;
    }
    default:
      return false;
  }
}

std::optional<std::int64_t> local_micros(const Fields& fields) {
  const std::chrono::year_month_day date{std::chrono::year(fields.year),
                                         std::chrono::month(static_cast<unsigned>(fields.month)),
                                         std::chrono::day(static_cast<unsigned>(fields.day))};
  if (!date.ok() || fields.minute > 59) return std::nullopt;
  int hour = fields.hour;
  if (fields.twelve) {
    if (hour < 1 || hour > 12) return std::nullopt;
    hour = hour % 12 + (fields.afternoon ? 12 : 0);
  }
  if (hour > 23) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return (static_cast<std::int64_t>(days) * 86'400 + hour * 3'600 + fields.minute * 60) *
             1'000'000 +
         fields.micros;
}

std::optional<std::int64_t> parse_with(std::string_view format, std::string_view text) {
  Fields fields;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '%' && i + 1 < format.size()) {
      if (!take_field(format[++i], text, fields)) return std::nullopt;
    } else {
      if (text.empty() || text[0] != format[i]) return std::nullopt;
      text.remove_prefix(1);
    }
  }
  if (!text.empty()) return std::nullopt;
  return local_micros(fields);
}

// Minutes of "Z", "+09:00", "-0330"; takes them off the end.
std::optional<int> take_offset(std::string_view& text) {
  if (text.ends_with('Z') || text.ends_with('z')) {
    text.remove_suffix(1);
    return 0;
  }
  const auto sign = text.find_last_of("+-");
  if (sign == std::string_view::npos || sign < 11) return std::nullopt;
  std::string_view rest = text.substr(sign + 1);
  const auto hours = digits(rest, 2, 2);
  if (rest.starts_with(':')) rest.remove_prefix(1);
  const auto minutes = digits(rest, 2, 2);
  if (!hours || !minutes || !rest.empty() || *hours > 14 || *minutes > 59) return std::nullopt;
  const int offset = (*hours * 60 + *minutes) * (text[sign] == '-' ? -1 : 1);
  text = text.substr(0, sign);
  return offset;
}

constexpr std::int64_t kMicros = 1'000'000;

// A time that the service's own form has: the years of daemon/base/time.h.
Result<UtcTime> within_years(UtcTime time, std::string_view given) {
  const Result<Time> again = parse_time(format_time(time));
  if (again.ok()) return time;
  return unreadable(given, again.error().message, again.error().expected);
}

}  // namespace

Result<TimeZone> find_time_zone(std::string_view name) {
  if (name == "Z") return TimeZone::fixed(std::chrono::seconds(0));
  if (!name.starts_with('+') && !name.starts_with('-')) return TimeZone::read(name);
  const std::string padded = "0000-00-00T" + std::string(name);
  std::string_view text = padded;
  const auto offset = take_offset(text);
  if (!offset) return unreadable(name, "not an offset", "such as +09:00");
  return TimeZone::fixed(std::chrono::minutes(*offset));
}

Result<UtcTime> read_time(std::string_view given, std::span<const std::string> formats,
                          const TimeZone* zone) {
  const std::string_view text = trim(given);
  {
    std::string_view rest = text;
    const auto offset = take_offset(rest);
    if (offset && rest.size() >= 16) {
      std::string with_t(rest);
      if (with_t[10] == ' ' || with_t[10] == 't') with_t[10] = 'T';
      for (const std::string_view form : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"}) {
        if (const auto micros = parse_with(form, with_t)) {
          return within_years(UtcTime(std::chrono::microseconds(*micros - *offset * 60 * kMicros)),
                              given);
        }
      }
    }
  }
  std::optional<std::int64_t> local;
  bool excel = false;
  for (const std::string& format : formats) {
    if (format == "excel") {
      excel = true;
      const auto serial = parse_number(text);
      // 1954 to 2119: no year or count looks like it.
      if (serial && *serial > 20'000.0 && *serial < 80'000.0) {
        local = static_cast<std::int64_t>(std::llround((*serial - 25'569.0) * 86'400e3)) * 1'000;
      }
    } else {
      local = parse_with(format, text);
    }
    if (local) break;
  }
  if (!local) {
    const auto serial = parse_number(text);
    if (!excel && serial && *serial > 20'000.0 && *serial < 80'000.0) {
      return unreadable(given, "this looks like a serial date of a spreadsheet",
                        "a date, or \"excel\" among time_formats of the profile");
    }
    return unreadable(
        given, "not a time that the profile knows",
        formats.empty() ? std::string("such as 2026-03-01T09:30:00+09:00") : join_or(formats));
  }
  if (zone == nullptr) {
    return unreadable(given, "the time has no zone", "time_zone in the profile, or an offset");
  }
  const auto moment =
      std::chrono::local_time<std::chrono::microseconds>(std::chrono::microseconds(*local));
  const auto second = std::chrono::floor<std::chrono::seconds>(moment);
  const auto found = zone->moments(second);
  if (found.size() > 1) {
    return unreadable(given, "the clocks were put back: this hour came twice",
                      "a time with an offset such as +01:00, or in UTC");
  }
  if (found.empty()) {
    return unreadable(given, "the clocks were put forward: this hour did not happen",
                      "the instrument's time zone in the profile");
  }
  return within_years(found.front() + (moment - second), given);
}

}  // namespace kasetsu::tables
