#include "daemon/base/time.h"

#include <fmt/format.h>

#include <charconv>

namespace kasetsu {
namespace {

Error bad_time(std::string_view text, std::string_view message) {
  return Error{ErrorCode::bad_data,
               std::string(message),
               {},
               std::string(text),
               "RFC 3339, such as 2026-03-01T09:30:00Z"};
}

// `count` digits at `position`, or -1.
int digits(std::string_view text, std::size_t position, std::size_t count) {
  if (position + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = position; i < position + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool is(std::string_view text, std::size_t position, std::string_view allowed) {
  return position < text.size() && allowed.find(text[position]) != std::string_view::npos;
}

}  // namespace

Time system_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

std::string format_time(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Duration> clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Result<Time> parse_time(std::string_view text) {
  using namespace std::chrono;
  const int year_number = digits(text, 0, 4);
  const int month_number = digits(text, 5, 2);
  const int day_number = digits(text, 8, 2);
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  if (year_number < 0 || month_number < 0 || day_number < 0 || hour < 0 || minute < 0 ||
      second < 0 || !is(text, 4, "-") || !is(text, 7, "-") || !is(text, 10, "Tt ") ||
      !is(text, 13, ":") || !is(text, 16, ":")) {
    return bad_time(text, "this is not a time");
  }
  std::size_t position = 19;
  std::int64_t micros = 0;
  if (is(text, position, ".")) {
    ++position;
    const std::size_t begin = position;
    std::int64_t unit = 100'000;
    while (position < text.size() && text[position] >= '0' && text[position] <= '9') {
      micros += unit * (text[position] - '0');
      unit /= 10;
      ++position;
    }
    if (position == begin || position - begin > 9) {
      return bad_time(text, "a second has one to nine decimals");
    }
  }
  int offset = 0;
  if (is(text, position, "Zz")) {
    ++position;
  } else if (is(text, position, "+-")) {
    const int hours_off = digits(text, position + 1, 2);
    const int minutes_off = digits(text, position + 4, 2);
    if (hours_off < 0 || hours_off > 23 || minutes_off < 0 || minutes_off > 59 ||
        !is(text, position + 3, ":")) {
      return bad_time(text, "the offset from UTC is not a time");
    }
    offset = (hours_off * 60 + minutes_off) * (text[position] == '-' ? -1 : 1);
    position += 6;
  } else {
    return bad_time(text, "this time does not say its offset from UTC");
  }
  const year_month_day date(year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number)));
  if (position != text.size() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return bad_time(text, "there is no such time");
  }
  const Time time = Time(sys_days(date)) + hours(hour) + minutes(minute - offset) +
                    seconds(second) + microseconds(micros);
  const int utc_year = static_cast<int>(year_month_day(floor<days>(time)).year());
  if (utc_year < 1970 || utc_year > 2200) {
    return bad_time(text, "this time is before 1970 or after 2200: is the clock right?");
  }
  return time;
}

}  // namespace kasetsu
