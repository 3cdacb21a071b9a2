#include "daemon/base/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/text.h"

namespace kasetsu {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::string_view kFolder = "/usr/share/zoneinfo/";

Error malformed(std::string_view what) {
  return {ErrorCode::bad_data, fmt::format("not a time zone file: {}", what), "", "",
          "a TZif file of version 2 or newer"};
}

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  if (bytes.size() == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  return static_cast<std::int64_t>(value);
}

struct Header {
  std::size_t utc_flags, standard_flags, leaps, times, types, characters;
  std::size_t size(std::size_t width) const {
    return times * width + times + types * 6 + characters + leaps * (width + 4) + standard_flags +
           utc_flags;
  }
};

constexpr std::size_t kHeader = 44;

std::optional<Header> header_of(std::string_view bytes) {
  if (bytes.size() < kHeader || !bytes.starts_with("TZif") || bytes[4] < '2') return std::nullopt;
  const auto count = [&](std::size_t i) {
    return static_cast<std::size_t>(
        static_cast<std::uint32_t>(big_endian(bytes.substr(20 + 4 * i, 4))));
  };
  const Header header{count(0), count(1), count(2), count(3), count(4), count(5)};
  for (const std::size_t n : {header.utc_flags, header.standard_flags, header.leaps, header.times,
                              header.types, header.characters}) {
    if (n > 100'000) return std::nullopt;
  }
  return header;
}

// Reads a POSIX TZ text (RFC 8536, 3.3.1) piece by piece.
class Text {
 public:
  explicit Text(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool next(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool name() {
    const bool quoted = take('<');
    std::size_t n = 0;
    while (n < rest_.size() &&
           (quoted ? rest_[n] != '>'
                   : (rest_[n] >= 'A' && rest_[n] <= 'Z') || (rest_[n] >= 'a' && rest_[n] <= 'z')))
      ++n;
    rest_.remove_prefix(n);
    return n >= 3 && (!quoted || take('>'));
  }
  std::optional<int> number() {
    std::size_t n = 0;
    int value = 0;
    while (n < rest_.size() && n < 4 && rest_[n] >= '0' && rest_[n] <= '9')
      value = 10 * value + (rest_[n++] - '0');
    rest_.remove_prefix(n);
    return n == 0 ? std::nullopt : std::optional<int>(value);
  }
  // [+-]hh[:mm[:ss]]
  std::optional<std::int64_t> time() {
    const bool minus = next('-');
    if (minus || next('+')) rest_.remove_prefix(1);
    std::int64_t value = 0;
    for (const std::int64_t unit : {3600, 60, 1}) {
      const auto part = number();
      if (!part) return std::nullopt;
      value += *part * unit;
      if (!take(':')) break;
    }
    return minus ? -value : value;
  }

 private:
  std::string_view rest_;
};

bool is_zone_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '/' &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '_' || c == '-' || c == '+';
         });
}

// Empty where there is no such file.
std::string file_text(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The names that people use, for "did you mean".
std::vector<std::string> zone_names() {
  std::vector<std::string> names{"UTC"};
  std::ifstream table(std::string(kFolder) + "zone1970.tab");
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::size_t begin = 0;
    for (int tabs = 0; tabs < 2 && begin != std::string::npos; ++tabs) {
      begin = line.find('\t', begin);
      if (begin != std::string::npos) ++begin;
    }
    if (begin == std::string::npos) continue;
    names.push_back(line.substr(begin, line.find('\t', begin) - begin));
  }
  return names;
}

}  // namespace

local_seconds TimeZone::Rule::in(std::chrono::year year) const {
  using namespace std::chrono;
  if (day >= 0) {
    // Jn counts from 1 and never 29 February.
    int of_year = day;
    if (!leap) of_year -= (year.is_leap() && day > 59) ? 0 : 1;
    return local_days{year / January / 1} + days(of_year) + seconds(time);
  }
  const std::chrono::month in_month{month};
  const std::chrono::weekday on{weekday};
  const local_days date =
      week == 5 ? local_days{year / in_month / on[last]} : local_days{year / in_month / on[week]};
  return date + seconds(time);
}

std::optional<TimeZone::Footer> TimeZone::parse_footer(std::string_view text) {
  Footer footer;
  Text rest(text);
  if (!rest.name()) return std::nullopt;
  const auto standard = rest.time();
  if (!standard) return std::nullopt;
  footer.standard = seconds(-*standard);
  if (rest.done()) return footer;
  if (!rest.name()) return std::nullopt;
  footer.summer = footer.standard + seconds(3600);
  if (!rest.next(',')) {
    const auto summer = rest.time();
    if (!summer) return std::nullopt;
    footer.summer = seconds(-*summer);
  }
  for (Rule* rule : {&footer.begin, &footer.end}) {
    if (!rest.take(',')) return std::nullopt;
    if (rest.take('M')) {
      const auto month = rest.number();
      const bool first = rest.take('.');
      const auto week = rest.number();
      const bool second = rest.take('.');
      const auto weekday = rest.number();
      if (!month || !first || !week || !second || !weekday || *month < 1 || *month > 12 ||
          *week < 1 || *week > 5 || *weekday > 6) {
        return std::nullopt;
      }
      rule->month = static_cast<unsigned>(*month);
      rule->week = static_cast<unsigned>(*week);
      rule->weekday = static_cast<unsigned>(*weekday);
    } else {
      rule->leap = !rest.take('J');
      const auto day = rest.number();
      if (!day || *day > 365 || (!rule->leap && *day < 1)) return std::nullopt;
      rule->day = *day;
    }
    if (rest.take('/')) {
      const auto time = rest.time();
      if (!time) return std::nullopt;
      rule->time = *time;
    }
  }
  if (!rest.done()) return std::nullopt;
  return footer;
}

Result<TimeZone> TimeZone::parse(std::string_view bytes) {
  const auto old = header_of(bytes);
  if (!old) return malformed("no header");
  const std::size_t second = kHeader + old->size(4);
  if (bytes.size() < second) return malformed("it ends early");
  bytes.remove_prefix(second);
  const auto header = header_of(bytes);
  if (!header || header->types == 0) return malformed("no second header");
  if (bytes.size() < kHeader + header->size(8)) return malformed("it ends early");
  const std::string_view times = bytes.substr(kHeader);
  const std::string_view indices = times.substr(8 * header->times);
  const std::string_view types = indices.substr(header->times);
  const auto offset_of = [&](std::size_t type) {
    return seconds(big_endian(types.substr(6 * type, 4)));
  };
  TimeZone zone;
  zone.before_ = offset_of(0);
  for (std::size_t i = 0; i < header->times; ++i) {
    const std::size_t type = static_cast<unsigned char>(indices[i]);
    if (type >= header->types) return malformed("a type that is not there");
    const std::int64_t moment = big_endian(times.substr(8 * i, 8));
    if (!zone.moments_.empty() && moment <= zone.moments_.back())
      return malformed("changes out of order");
    zone.moments_.push_back(moment);
    zone.offsets_.push_back(offset_of(type));
  }
  std::string_view footer = bytes.substr(kHeader + header->size(8));
  if (footer.size() > 2 && footer.front() == '\n') {
    footer = footer.substr(1, footer.find('\n', 1) - 1);
    if (!footer.empty()) {
      zone.footer_ = parse_footer(footer);
      if (!zone.footer_) return malformed("a rule that cannot be read");
    }
  }
  return zone;
}

Result<TimeZone> TimeZone::read(std::string_view name) {
  const auto unknown = [&] {
    const auto near = nearest_names(std::string(name), zone_names(), 1);
    return Error{ErrorCode::bad_data, "unknown time zone", "", std::string(name),
                 near.empty() ? "an IANA name such as \"Asia/Tokyo\""
                              : fmt::format("an IANA name such as \"Asia/Tokyo\"; did you mean {}?",
                                            near.front())};
  };
  if (!is_zone_name(name)) return unknown();
  if (name == "UTC") {
    TimeZone zone;
    return zone;
  }
  const std::string bytes = file_text(std::string(kFolder) + std::string(name));
  if (bytes.starts_with("TZif")) return parse(bytes);
  if (zone_names().size() == 1) {
    return Error{ErrorCode::not_found, "this machine has no time zones", std::string(kFolder),
                 std::string(name), "the package tzdata, or UTC"};
  }
  return unknown();
}

seconds TimeZone::offset(sys_seconds at) const {
  const std::int64_t moment = at.time_since_epoch().count();
  const auto after = std::upper_bound(moments_.begin(), moments_.end(), moment);
  if (after != moments_.end() || !footer_) {
    if (after == moments_.begin()) return before_;
    return offsets_[static_cast<std::size_t>(after - moments_.begin()) - 1];
  }
  if (!footer_->summer) return footer_->standard;
  const auto year =
      std::chrono::year_month_day(std::chrono::floor<days>(at + footer_->standard)).year();
  const auto moment_of = [](local_seconds local, seconds offset) {
    return sys_seconds(local.time_since_epoch() - offset);
  };
  const sys_seconds begin = moment_of(footer_->begin.in(year), footer_->standard);
  const sys_seconds end = moment_of(footer_->end.in(year), *footer_->summer);
  // South of the equator summer ends before it begins.
  const bool summer = begin < end ? begin <= at && at < end : at < end || begin <= at;
  return summer ? *footer_->summer : footer_->standard;
}

TimeZone TimeZone::fixed(seconds offset) {
  TimeZone zone;
  zone.before_ = offset;
  return zone;
}

std::vector<sys_seconds> TimeZone::moments(local_seconds local) const {
  const sys_seconds as_utc(local.time_since_epoch());
  // No zone has moved by more than a day at once.
  std::vector<sys_seconds> found;
  for (const sys_seconds near : {as_utc - days(1), as_utc + days(1)}) {
    const sys_seconds moment = as_utc - offset(near);
    if (offset(moment) == offset(near) && (found.empty() || found.back() != moment)) {
      found.push_back(moment);
    }
  }
  return found;
}

sys_seconds TimeZone::at(std::chrono::year_month_day date, int minute) const {
  const local_seconds wanted = local_days(date) + std::chrono::minutes(minute);
  if (const auto found = moments(wanted); !found.empty()) return found.front();
  // Jumped over: the first moment with the later offset.
  const sys_seconds as_utc(wanted.time_since_epoch());
  sys_seconds low = as_utc - days(1);
  sys_seconds high = as_utc + days(1);
  const seconds before = offset(low);
  while (high - low > seconds(1)) {
    const sys_seconds middle = low + (high - low) / 2;
    (offset(middle) == before ? low : high) = middle;
  }
  return high;
}

sys_seconds TimeZone::newest(sys_seconds now, int minute) const {
  const auto today = std::chrono::floor<days>(now + offset(now));
  // A date may be skipped or repeated where a zone crosses the date line.
  for (int back = -1; back < 4; ++back) {
    const sys_seconds moment = at(std::chrono::year_month_day(today - days(back)), minute);
    if (moment <= now) return moment;
  }
  return now - days(1);
}

}  // namespace kasetsu
