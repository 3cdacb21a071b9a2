#include "drivers/tables/reduction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "drivers/tables/profile.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TableRows must_read(const std::string& text, const Profile& profile) {
  ReadOptions options;
  options.profile = std::make_shared<const Profile>(profile);
  auto table = read_rows(text, "lab.csv", options, chemistry::SupportTable());
  EXPECT_TRUE(table.ok()) << table.error().to_string();
  return table ? std::move(table).value() : TableRows();
}

Profile reducing(const std::string& more) {
  const auto profile = parse_profile(
      "[[columns]]\nheader = \"cat\"\nas = \"catalyst\"\n"
      "[[columns]]\nheader = \"T\"\nas = \"condition\"\nname = \"T\"\n"
      "[[columns]]\nheader = \"rep\"\nas = \"replicate\"\n"
      "[[columns]]\nheader = \"y\"\nas = \"value\"\nname = \"point\"\n"
      "[reduce]\nproperty = \"point\"\nname = \"best\"\n" +
          more,
      "reduce.toml");
  EXPECT_TRUE(profile.ok()) << profile.error().to_string();
  return std::move(profile).value();
}

TEST(Reduction, ReducesOverConditionsAndKeepsEveryPoint) {
  // Means by temperature: Li/MgO 10, 12, 7, 11; Na/MgO 1 and, alone, 30.
  const std::string text =
      "cat,T,rep,y\nLi/MgO,700,1,9\nLi/MgO,700,2,11\nLi/MgO,750,1,14\nLi/MgO,750,2,10\nLi/"
      "MgO,800,1,7\n"
      "Li/MgO,850,1,11\nNa/MgO,700,1,1\nNa/MgO,750,1,30\nNa/MgO,800,1,n.a.\n";
  const struct {
    const char* method;
    double lithium, sodium;
    double lithium_at;
  } cases[] = {{"method = \"max\"\n", 12.0, 30.0, 750.0},
               {"method = \"top3_mean\"\n", 11.0, 15.5, 750.0},
               {"method = \"fixed\"\nat = { T = 700 }\n", 10.0, 1.0, 700.0}};
  for (const auto& c : cases) {
    const TableRows table = must_read(text, reducing(c.method));
    ASSERT_EQ(table.rows.size(), 9U + 2U);
    EXPECT_TRUE(table.rows[8].values.empty()) << "nothing was measured there";
    const TableRow& lithium = table.rows[9];
    ASSERT_EQ(lithium.values.size(), 1U);
    EXPECT_EQ(lithium.values[0].name, "best");
    EXPECT_DOUBLE_EQ(lithium.values[0].value, c.lithium) << c.method;
    EXPECT_EQ(lithium.conditions.at("T"), c.lithium_at);
    EXPECT_THAT(lithium.points, ElementsAre(2, 3, 4, 5, 6, 7));
    EXPECT_FALSE(lithium.isolated_maximum);
    EXPECT_FALSE(lithium.replicate || lithium.sequence);
    EXPECT_DOUBLE_EQ(table.rows[10].values[0].value, c.sodium) << c.method;
  }
  EXPECT_TRUE(must_read(text, reducing("method = \"max\"\n")).rows[10].isolated_maximum);
  EXPECT_FALSE(must_read(text, reducing("method = \"max\"\nisolated_by = 29.5\n"))
                   .rows[10]
                   .isolated_maximum);
}

// The rows that were made of "catalyst, temperature, replicate, y".
std::vector<TableRow> made(const std::string& rows, const std::string& more) {
  TableRows table = must_read("cat,T,rep,y\n" + rows, reducing(more));
  std::erase_if(table.rows, [](const TableRow& row) { return row.points.empty(); });
  return std::move(table.rows);
}

TEST(Reduction, WhatIsMadeOfALimitIsALimit) {
  const struct {
    const char* rows;
    const char* method;
    double value;
    bool limit;
  } cases[] = {{"Li/MgO,700,1,<0.5\nLi/MgO,750,1,<0.4\n", "max", 0.5, true},
               {"Li/MgO,700,1,<0.5\nLi/MgO,750,1,0.7\n", "max", 0.7, false},
               {"Li/MgO,700,1,<0.5\nLi/MgO,750,1,0.5\n", "max", 0.5, false},
               {"Li/MgO,700,1,<0.9\nLi/MgO,750,1,0.7\n", "max", 0.9, true},
               {"Li/MgO,700,1,<0.5\nLi/MgO,700,2,0.7\n", "max", 0.6, true},
               {"Li/MgO,700,1,0.7\nLi/MgO,700,2,<0.5\n", "max", 0.6, true},
               {"Li/MgO,700,1,3\nLi/MgO,750,1,2\nLi/MgO,800,1,<1\n", "top3_mean", 2.0, true},
               {"Li/MgO,700,1,3\nLi/MgO,750,1,2\nLi/MgO,800,1,1\nLi/MgO,850,1,<1\n", "top3_mean",
                2.0, false}};
  for (const auto& c : cases) {
    const auto rows = made(c.rows, "method = \"" + std::string(c.method) + "\"\n");
    ASSERT_EQ(rows.size(), 1U) << c.rows;
    EXPECT_DOUBLE_EQ(rows[0].values.at(0).value, c.value) << c.rows;
    EXPECT_EQ(rows[0].values.at(0).censored, c.limit) << c.rows;
  }
  EXPECT_FALSE(
      made("Li/MgO,700,1,<50\nLi/MgO,750,1,1\n", "method = \"max\"\n").at(0).isolated_maximum)
      << "nobody knows how far a limit stands out";
}

TEST(Reduction, WhatIsAboveALimitMayBeTheLargest) {
  const struct {
    const char* rows;
    const char* method;
    double value;
    bool limit;
  } cases[] = {
      {"Li/MgO,700,1,99.5\nLi/MgO,750,1,>99\n", "max", 99.5, true},
      {"Li/MgO,700,1,50\nLi/MgO,750,1,>99\n", "max", 99.0, true},
      {"Li/MgO,700,1,<100\nLi/MgO,750,1,>99\n", "max", 99.0, true},
      {"Li/MgO,700,1,99\nLi/MgO,700,2,>98\n", "max", 98.5, true},
      {"Li/MgO,1,1,9\nLi/MgO,2,1,8\nLi/MgO,3,1,7\nLi/MgO,4,1,>6\n", "top3_mean", 8.0, true}};
  for (const auto& c : cases) {
    const auto rows = made(c.rows, "method = \"" + std::string(c.method) + "\"\n");
    ASSERT_EQ(rows.size(), 1U) << c.rows;
    const TableValue& value = rows[0].values.at(0);
    EXPECT_DOUBLE_EQ(value.value, c.value) << c.rows;
    EXPECT_TRUE(value.censored && value.above) << c.rows;
  }
}

TEST(Reduction, NoMeanIsMadeOfLimitsBothWays) {
  for (const auto& [rows, method] :
       {std::pair{"Li/MgO,700,1,<1\nLi/MgO,750,1,>99\n", "top3_mean"},
        {"Li/MgO,700,1,<1\nLi/MgO,700,2,>99\nLi/MgO,750,1,5\n", "max"}}) {
    const TableRows table = must_read("cat,T,rep,y\n" + std::string(rows),
                                      reducing("method = \"" + std::string(method) + "\"\n"));
    for (const TableRow& row : table.rows) EXPECT_THAT(row.points, IsEmpty()) << rows;
    EXPECT_THAT(table.notes, ElementsAre(AllOf(HasSubstr("no row of best"), HasSubstr("limit"),
                                               HasSubstr("lines 2"))))
        << rows;
  }
}

TEST(Reduction, ConditionsOfOtherUnitsAreTheSame) {
  Profile profile = reducing("method = \"fixed\"\nat = { T_C = 800 }\n");
  for (ProfileColumn& column : profile.columns) {
    if (column.use != ColumnUse::condition) continue;
    column.name = "T_C";
    column.unit = "\u00B0C";
    column.headers = {"T"};
  }
  for (const auto& [header, number] : {std::pair{"T (K)", 1073.15}, {"T (\u00B0C)", 800.0}}) {
    const TableRows table =
        must_read("cat," + std::string(header) + ",rep,y\nLi/MgO," + std::to_string(number) +
                      ",1,5\nLi/MgO," + std::to_string(number - 50.0) + ",1,7\n",
                  profile);
    ASSERT_EQ(table.rows.size(), 3U) << header;
    EXPECT_EQ(table.rows[2].values.at(0).value, 5.0);
    EXPECT_THAT(table.notes, IsEmpty());
  }
}

TEST(Reduction, RunsWithoutTheConditionsAreNamed) {
  const TableRows table = must_read("cat,T,rep,y\nLi/MgO,700,1,5\nNa/MgO,750,1,7\nNa/MgO,800,1,8\n",
                                    reducing("method = \"fixed\"\nat = { T = 700 }\n"));
  EXPECT_EQ(table.rows.size(), 4U);
  EXPECT_THAT(table.notes, ElementsAre(AllOf(HasSubstr("no row of best was made for 1 of 2"),
                                             HasSubstr("T = 700"), HasSubstr("lines 3"))));
}

}  // namespace
}  // namespace kasetsu::tables
