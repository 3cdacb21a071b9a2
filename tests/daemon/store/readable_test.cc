// Whoever opens the database with the plain `sqlite3` program can read it (docs/database.md): no
// function, no virtual table of this program is needed.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cstdio>

#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

using campaign::Measurement;
using campaign::Transaction;
using ::testing::HasSubstr;
using ::testing::Not;

class Readable : public testing::StoreTest {
 protected:
  // What the program prints, its complaints included.
  std::string sqlite3(const std::string& sql) const {
    const std::string command =
        fmt::format("sqlite3 -readonly -init /dev/null '{}' \"{}\" 2>&1", options_.path, sql);
    std::string text;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::array<char, 4096> part{};
    for (std::size_t size = 0; (size = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
      text.append(part.data(), size);
    }
    EXPECT_EQ(::pclose(pipe), 0) << text;
    return text;
  }
};

TEST_F(Readable, TheProgramSqlite3ShowsWhatWasMeasured) {
  if (std::system("command -v sqlite3 >/dev/null") != 0) GTEST_SKIP() << "no sqlite3 program";
  open();
  apply();
  const auto receipt =
      post(body({row("\"Li\",\"Mn\"", 12.5, R"("channel":"c1","conditions":{"T":1073.15,"p":1})"),
                 row("\"Na\"", 150.0, R"("channel":"c2")"), row("\"K\"", 3.5)},
                R"("source":"rig","run":"r1")"));
  ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  const std::string first = receipt->rows[0].measurements.front();
  ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                return campaign::supersede(tx, first, 13.5, "a slip", "", context());
              }).ok());
  ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                return campaign::exclude(tx, receipt->rows[2].measurements.front(), true, "a leak",
                                         "", context());
              }).ok());
  issue({"Cu:1/MgO"});

  // A daemon is running beside it.
  const std::string all =
      sqlite3("select catalyst, property, value, unit, conditions from measurements_view");
  EXPECT_THAT(all, HasSubstr("|C2_yield|12.5|%|T = 1073.15, p = 1"));
  EXPECT_THAT(all, HasSubstr("|C2_yield|13.5|%|T = 1073.15, p = 1"));
  EXPECT_THAT(all, HasSubstr("|C2_yield|3.5|%|\n"));
  EXPECT_EQ(sqlite3("select measurement, status, reason from measurements_view where value = 12.5"),
            first + "|superseded|a slip\n");
  EXPECT_EQ(sqlite3("select flags, source, run, channel from measurements_view where value = 150"),
            "out_of_range|rig|r1|c2\n");
  EXPECT_EQ(sqlite3("select status, reason from measurements_view where value = 3.5"),
            "excluded|a leak\n");
  EXPECT_EQ(sqlite3("select live_measurements, open_proposals from campaigns_view"), "2|1\n");
  EXPECT_THAT(sqlite3("select catalyst_key, state from proposals_view"),
              HasSubstr("Cu:1/MgO|REQUESTED"));
  EXPECT_EQ(sqlite3("select count(*) from predictions_view"), "0\n");
  // Every flag has its name.
  const std::string view =
      sqlite3("select sql from sqlite_schema where name = 'measurements_view'");
  std::uint32_t flags = 0;
  for (const std::string_view name : campaign::flag_names(~0u)) {
    const std::uint32_t flag = 1u << flags++;
    EXPECT_THAT(view, HasSubstr(fmt::format("flags & {} THEN '{} '", flag, name)));
  }
  EXPECT_THAT(view, Not(HasSubstr(fmt::format("flags & {} ", 1u << flags))));
}

}  // namespace
}  // namespace kasetsu
