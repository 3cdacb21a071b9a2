#include "daemon/base/time_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/random.h"

namespace kasetsu::campaign {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// Oracle: the C library's own reader of the same files.
TEST(TimeZone, AgreesWithTheCLibrary) {
  Random random(1);
  for (const char* name :
       {"UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "America/St_Johns",
        "Australia/Lord_Howe", "Australia/Sydney", "Africa/Casablanca", "Africa/Cairo",
        "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo", "Europe/Dublin", "Asia/Gaza"}) {
    SCOPED_TRACE(name);
    const auto zone = TimeZone::read(name);
    ASSERT_TRUE(zone.ok()) << zone.error().to_string();
    ::setenv("TZ", name, 1);
    ::tzset();
    for (int i = 0; i < 20'000; ++i) {
      // 1970 to 2100: beyond the table the rule of the last line holds.
      const auto moment = static_cast<time_t>(random.below(4'102'444'800));
      tm local{};
      ::localtime_r(&moment, &local);
      ASSERT_EQ(zone->offset(sys_seconds(seconds(moment))).count(), local.tm_gmtoff) << moment;
    }
    ::unsetenv("TZ");
    ::tzset();
  }
}

TEST(TimeZone, EveryDateHasItsTimeOnce) {
  using namespace std::chrono;
  const auto berlin = TimeZone::read("Europe/Berlin");
  ASSERT_TRUE(berlin.ok());
  const auto at = [&](year_month_day date, int minute) {
    return berlin->at(date, minute).time_since_epoch().count();
  };
  // 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC; 02:30 is jumped over.
  EXPECT_EQ(at(2026y / March / 29, 150), 1'774'746'000);
  EXPECT_EQ(at(2026y / March / 29, 60), 1'774'742'400);
  EXPECT_EQ(at(2026y / March / 29, 200), 1'774'747'200);
  // 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC; 02:30 comes first at 00:30 UTC.
  EXPECT_EQ(at(2026y / October / 25, 150), 1'792'888'200);
  const auto newest = [&](std::int64_t now) {
    return berlin->newest(sys_seconds(seconds(now)), 150).time_since_epoch().count();
  };
  EXPECT_EQ(newest(1'792'888'200), 1'792'888'200);
  EXPECT_EQ(newest(1'792'888'200 + 3600), 1'792'888'200);  // 02:30 again
  EXPECT_EQ(newest(1'792'888'199), 1'792'888'200 - 86'400);
}

// Oracle: a moment shows a local time if the C library says so.
TEST(TimeZone, EveryLocalTimeHasTheMomentsOfTheCLibrary) {
  Random random(2);
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                           "Pacific/Apia", "Africa/Casablanca"}) {
    SCOPED_TRACE(name);
    const auto zone = TimeZone::read(name);
    ASSERT_TRUE(zone.ok());
    ::setenv("TZ", name, 1);
    ::tzset();
    for (int i = 0; i < 2'000; ++i) {
      const auto local = static_cast<std::int64_t>(random.below(4'102'444'800)) / 1'800 * 1'800;
      std::vector<std::int64_t> expected;
      for (std::int64_t back = 26 * 3'600; back >= -26 * 3'600; back -= 1'800) {
        const auto moment = static_cast<time_t>(local - back);
        tm shown{};
        ::localtime_r(&moment, &shown);
        if (moment + shown.tm_gmtoff == local) expected.push_back(moment);
      }
      std::vector<std::int64_t> found;
      for (const auto moment : zone->moments(std::chrono::local_seconds(seconds(local)))) {
        found.push_back(moment.time_since_epoch().count());
      }
      ASSERT_EQ(found, expected) << local;
    }
    ::unsetenv("TZ");
    ::tzset();
  }
}

// A "slim" file holds few changes; the rule of its last line goes on from there.
TEST(TimeZone, SlimFilesGoOnByTheirRule) {
  const auto big = [](std::uint64_t value, int bytes) {
    std::string text;
    while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
    return text;
  };
  const auto header = [&](std::uint64_t times, std::uint64_t types) {
    return "TZif2" + std::string(15, '\0') + big(0, 4) + big(0, 4) + big(0, 4) + big(times, 4) +
           big(types, 4) + big(4, 4);
  };
  const std::string types =
      big(3'600, 4) + std::string(2, '\0') + big(7'200, 4) + std::string("\1\0", 2);
  // One change: 31 March 1996, 01:00 UTC, to summer time.
  const std::string bytes = header(0, 1) + big(3'600, 4) + std::string(2, '\0') + "CET" +
                            std::string(1, '\0') + header(1, 2) + big(828'234'000, 8) + "\1" +
                            types + "CET" + std::string(1, '\0') + "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
  const auto slim = TimeZone::parse(bytes);
  ASSERT_TRUE(slim.ok()) << slim.error().to_string();
  const auto whole = TimeZone::read("Europe/Berlin");
  ASSERT_TRUE(whole.ok());
  for (std::int64_t at = 830'000'000; at < 4'000'000'000; at += 1'000'003) {
    ASSERT_EQ(slim->offset(sys_seconds(seconds(at))), whole->offset(sys_seconds(seconds(at))))
        << at;
  }
}

TEST(TimeZone, NamesThatAreNone) {
  for (const char* name :
       {"Asia/Tokio", "../../etc/passwd", "/etc/passwd", "", "Europe", "tzdata.zi"}) {
    const auto zone = TimeZone::read(name);
    ASSERT_FALSE(zone.ok()) << name;
    EXPECT_EQ(zone.error().code, ErrorCode::bad_data);
  }
  EXPECT_THAT(TimeZone::read("Asia/Tokio").error().to_string(),
              ::testing::HasSubstr("did you mean Asia/Tokyo"));
}

TEST(TimeZone, HostileFilesAreRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("TZif"), std::string("TZif2") + std::string(39, '\0'),
        std::string("TZif2") + std::string(15, '\0') + std::string(24, '\xff')}) {
    EXPECT_FALSE(TimeZone::parse(bytes).ok());
  }
}

}  // namespace
}  // namespace kasetsu::campaign
