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
