// What stands beside catalysts in laboratories' tables: conditions under their usual names,
// remarks, blanks, single cells that are wrong, and properties whose signs are those of elements.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "drivers/tables/table_rows.h"
#include "tests/drivers/tables/reading.h"

namespace kasetsu::tables {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A delivery to a campaign that measures y and varies `condition`.
Result<TableRows> deliver(std::string_view text, const std::string& condition) {
  ReadOptions options;
  options.delivery = true;
  options.known_targets = {"y"};
  options.known_conditions = {condition};
  return read_rows(text, "lab.csv", options, chemistry::SupportTable());
}

double condition_of_first(const std::string& header, const std::string& cell,
                          const std::string& condition) {
  const auto rows = deliver(
      fmt::format("Catalyst,{},y\nNi/MgO,{},1\nCo/MgO,{},2\n", header, cell, cell), condition);
  EXPECT_TRUE(rows.ok()) << header << "\n" << (rows.ok() ? "" : rows.error().to_string());
  if (!rows.ok()) return 0.0;
  const auto found = rows->rows.front().conditions.find(condition);
  EXPECT_NE(found, rows->rows.front().conditions.end()) << header;
  EXPECT_EQ(rows->columns[1].name, condition) << header << " is told";
  return found == rows->rows.front().conditions.end() ? 0.0 : found->second;
}

TEST(Conditions, TheTemperatureInManyLanguages) {
  for (const char* name :
       {"Temperatur", "\u6E29\u5EA6", "\u53CD\u5FDC\u6E29\u5EA6", "T", "Temp.", "TEMPERATURE",
        "Reaction temperature", "Temp\u00E9rature", "Reactor temp.", "temperatura"}) {
    for (const char* unit : {" (\u00B0C)", "(\u2103)", " / \u00B0C", "/\u00B0C", " [\u00B0C]"}) {
      const std::string header = std::string(name) + unit;
      EXPECT_EQ(condition_of_first(header, "700", "temperature_C"), 700.0) << header;
      EXPECT_EQ(condition_of_first(header, "700", "temperature"), 700.0) << header;
      EXPECT_EQ(condition_of_first(header, "700", "T (\u00B0C)"), 700.0) << header;
    }
    for (const char* unit : {" (K)", "/K", " / K"}) {
      const std::string header = std::string(name) + unit;
      EXPECT_DOUBLE_EQ(condition_of_first(header, "973.15", "temperature_C"), 700.0) << header;
      EXPECT_DOUBLE_EQ(condition_of_first(header, "973.15", "temperature_K"), 973.15) << header;
    }
    EXPECT_EQ(condition_of_first(name, "700", "temperature"), 700.0) << name;
  }
}

// A unit that the campaign does not tell, and none where it tells one, are asked about.
TEST(Conditions, ATemperatureInAnUnknownUnitIsAskedAbout) {
  for (const char* header : {"Temperatur (K)", "T/K"}) {
    const auto rows = deliver(fmt::format("Catalyst,{},y\nNi/MgO,973,1\n", header), "temperature");
    ASSERT_FALSE(rows.ok()) << header;
    EXPECT_THAT(rows.error().to_string(), HasSubstr("nearly has the name of the condition"));
  }
  const auto bare = deliver("Catalyst,\u6E29\u5EA6,y\nNi/MgO,973,1\n", "temperature_C");
  ASSERT_FALSE(bare.ok());
  EXPECT_THAT(bare.error().to_string(), HasSubstr("temperature_C"));
  for (const char* other : {"Calcination temperature (\u00B0C)", "TOF"}) {
    const auto rows = deliver(fmt::format("Catalyst,{},y\nNi/MgO,500,1\n", other), "temperature_C");
    ASSERT_TRUE(rows.ok()) << rows.error().to_string();
    EXPECT_THAT(rows->unused, ElementsAre(other));
  }
  const auto ratio = deliver("Catalyst,Ni/K,y\nNi/MgO,500,1\n", "temperature_C");
  ASSERT_FALSE(ratio.ok());
  EXPECT_THAT(ratio.error().to_string(), HasSubstr("tells amounts")) << "no temperature";
}

TEST(Remarks, LinesOfTextAmongRowsOfManyCells) {
  const auto plain = keys("Ni (wt%),Support,y\n5,MgO,1\n6,MgO,2\n7,MgO,3\n");
  for (const char* remark :
       {"series B: promoted", "* measured twice", "# second batch", "Second batch, new reactor",
        "\u2020 see notebook, page 4", "reactor was cleaned here"}) {
    const std::string text =
        fmt::format("Ni (wt%),Support,y\n5,MgO,1\n{}\n6,MgO,2\n7,MgO,3\n", remark);
    EXPECT_EQ(keys(text), plain) << remark;
    const auto table = read(text);
    ASSERT_TRUE(table.ok()) << remark;
    EXPECT_THAT(fmt::format("{}", fmt::join(table->notes, "; ")), HasSubstr("line 3")) << remark;
    EXPECT_EQ(keys(fmt::format("Catalyst,y,z\nNi/MgO,1,1\n{}\nCo/MgO,2,1\n", remark)).size(), 2u)
        << remark;
  }
  // A row that was cut off while the file was written is no remark.
  for (const char* cut : {"7,Mg", "Cat", "8"}) {
    EXPECT_THAT(refusal(fmt::format("Ni (wt%),Support,y\n5,MgO,1\n6,MgO,2\n{}\n", cut)),
                HasSubstr("cut off"))
        << cut;
  }
}

TEST(Blanks, InColumnsOfElements) {
  for (const char* table :
       {"M1,M2,Support,y\nNi,Co,MgO,1\n{0},,,0.1\nNi,Fe,MgO,2\n",
        "M1,M2,Support,y\nNi,Co,MgO,1\n{0},{0},{0},0.1\nNi,Fe,MgO,2\n",
        "Metal,Promoter,Support,y\nNi,Co,MgO,1\n{0},none,none,0.1\nNi,Fe,MgO,2\n",
        "Ni (wt%),Support,y\n5,MgO,1\n{0},,0.1\n6,MgO,2\n",
        "Ni (wt%),Support,y\n5,MgO,1\n0,{0},0.1\n6,MgO,2\n",
        "Catalyst,y\nNi/MgO,1\n{0},2\nCo/MgO,3\n",
        "Metal 1,wt% 1,Support,y\nNi,5,MgO,1\n{0},,,0.1\nNi,6,MgO,2\n"}) {
    for (const char* word : {"blank", "Blank"}) {
      const std::string text = fmt::format(fmt::runtime(table), word);
      EXPECT_EQ(keys(text).size(), 2u) << text;
      const auto read_one = read(text);
      ASSERT_TRUE(read_one.ok()) << text;
      EXPECT_THAT(fmt::format("{}", fmt::join(read_one->notes, "; ")),
                  HasSubstr("line 3 is a run without a catalyst"));
    }
  }
  EXPECT_THAT(
      refusal("M1,Support,y\nNi,MgO,1\nCo,blank,2\nFe,MgO,3\n"),
      AllOf(HasSubstr("lab.csv:3: column \"Support\""), HasSubstr("none where there is nothing")));
}

// An export of the project holds blanks, and is read without a campaign.
TEST(Blanks, InExports) {
  const std::string head = "catalyst,description,kind,property,value,unit,conditions,run\n";
  EXPECT_THAT(keys(head + "Ni:1/MgO,Ni/MgO,catalyst,y,5,%,{},a\n-,blank,blank,y,0.1,%,{},a\n"
                          "Co:1/MgO,Co/MgO,catalyst,y,6,%,{},a\n,blank,blank,y,0.2,%,{},b\n"),
              ElementsAre("Ni:1/MgO", "Co:1/MgO"));
}

// Numbers in a unit, where the campaign's property has none: of an export or of a line of units.
TEST(Units, OfATableWhoseCampaignTellsNone) {
  const std::string head = "catalyst,kind,property,value,unit,conditions,run\n";
  const auto exported = [&](const std::string& unit) {
    return deliver(
        head + "Ni:1/MgO,catalyst,y,5," + unit + ",{},a\nCo:1/MgO,catalyst,y,6," + unit + ",{},b\n",
        "T");
  };
  EXPECT_TRUE(exported("").ok());
  for (const auto& table :
       {exported("%"), exported("mA/cm2"), deliver("Catalyst,y\n,%\nNi/MgO,5\nCo/MgO,6\n", "T")}) {
    ASSERT_FALSE(table.ok());
    EXPECT_THAT(table.error().to_string(),
                AllOf(HasSubstr("column \"y\""), HasSubstr("the campaign tells no unit of y"),
                      HasSubstr("unit = \"")));
  }
}

// One wrong cell of a column of amounts is a problem of that cell, and the column stays one.
TEST(Amounts, OneBadCell) {
  for (const char* table : {"Catalyst,Loading (wt%),y\nNi/MgO,{},1\nNi/SiO2,6,2\nNi/MgO,7,2\n",
                            "Metal,Loading (wt%),Support,y\nNi,{},MgO,1\nCo,6,MgO,2\nNi,7,MgO,2\n",
                            "Metal 1,wt% 1,Support,y\nNi,{},MgO,1\nCo,6,MgO,2\nNi,7,MgO,2\n",
                            "Catalyst,Ni (wt%),y\nNi/MgO,{},1\nNi/SiO2,6,2\nNi/MgO,7,2\n",
                            "Ni (wt%),Support,y\n{},MgO,1\n6,MgO,2\n7,MgO,2\n"}) {
    EXPECT_THAT(refusal(fmt::format(fmt::runtime(table), "5 ?")),
                AllOf(HasSubstr("lab.csv:2: column"), HasSubstr("\"5 ?\"")))
        << table;
    EXPECT_EQ(keys(fmt::format(fmt::runtime(table), "~5")),
              keys(fmt::format(fmt::runtime(table), "5")))
        << table;
  }
  EXPECT_THAT(refusal("Catalyst,Loading (wt%),y\nNi-Co/MgO,5 ?,1\nNi/SiO2,6,2\nNi/MgO,7,2\n"),
              HasSubstr("the column tells amounts"));
}

// Selectivities and yields of products are no amounts of sulfur and yttrium.
TEST(Amounts, PropertiesOfProducts) {
  for (const char* header : {"S(CO) (%)", "S_CO / %", "S(C2H4)", "S (CO2) (%)", "Y(C2H4) (%)",
                             "Y_CH4 (%)", "C_CO (%)", "S_C2H4 (mol%)"}) {
    EXPECT_EQ(keys(fmt::format("Ni (wt%),Support,{},y\n5,MgO,80,1\n6,MgO,81,2\n", header)),
              keys("Ni (wt%),Support,y\n5,MgO,1\n6,MgO,2\n"))
        << header;
  }
}

// An option is advised only where it reads the file.
TEST(Encodings, NoEmptyAdvice) {
  const std::string refused = refusal("Catalyst,y\n\x81\xFF/MgO,1\n");
  EXPECT_THAT(refused, HasSubstr("the file is not in UTF-8"));
  EXPECT_THAT(refused, ::testing::Not(HasSubstr("or  (")));
}

// Columns of catalysts and promoters under more of their usual names.
TEST(Headers, CatalystsAndNumberedPromoters) {
  for (const char* header :
       {"\u89E6\u5A92,\u62C5\u4F53", "Catalyseur,Support", "Katalysator,Tr\u00E4ger"}) {
    EXPECT_THAT(keys(fmt::format("{},y\nNi,Al2O3,1\nCo,MgO,2\n", header)),
                ElementsAre("Ni:1/Al2O3", "Co:1/MgO"))
        << header;
  }
  EXPECT_THAT(keys("Metal,Promoter 1,Promoter 2,Support,y\nNi,K,La,MgO,1\nCo,K,none,MgO,2\n"),
              ElementsAre("K:1;La:1;Ni:1/MgO", "Co:1;K:1/MgO"));
  EXPECT_EQ(keys("Metal,Loading (wt%),Promoter 1,Promoter 1 (wt%),Promoter 2,Promoter 2 (wt%),"
                 "Support,y\nNi,5,K,1,La,2,MgO,1\n"),
            keys("Ni (wt%),K (wt%),La (wt%),Support,y\n5,1,2,MgO,1\n"));
}

}  // namespace
}  // namespace kasetsu::tables
