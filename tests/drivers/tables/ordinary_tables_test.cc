// Tables with the headers and remarks that laboratories write without thinking: they are read at
// the first try, or the message says what to write, and nothing that they tell is lost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "drivers/tables/profile.h"
#include "drivers/tables/profile_text.h"
#include "drivers/tables/table.h"
#include "tests/drivers/tables/reading.h"

namespace kasetsu::tables {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> notes(std::string_view text, const ReadOptions& options = {}) {
  const auto table = read(text, options);
  EXPECT_TRUE(table.ok()) << (table.ok() ? "" : table.error().to_string());
  return table.ok() ? table->notes : std::vector<std::string>();
}

// A name tells the support, columns tell the amounts: nothing of either is lost.
TEST(OrdinaryTables, NamesBesideAmounts) {
  const auto wanted =
      keys("Ni (wt%),Co (wt%),Support,y\n5,0,MgO,1\n10,2,SiO2,2\n0,3,MgO,3\n0,0,MgO,4\n");
  const std::string rows = "\nNi/MgO,5,0,1\nNi-Co/SiO2,10,2,2\nCo/MgO,,3,3\nMgO,0,0,4\n";
  for (const char* header : {"Catalyst", "Name", "Sample"}) {
    EXPECT_EQ(keys(header + std::string(",Ni (wt%),Co (wt%),y") + rows), wanted) << header;
  }
  ReadOptions options;
  options.composition = "Name";
  EXPECT_EQ(keys("Name,Ni (wt%),Co (wt%),y" + rows, options), wanted);
  options = {};
  options.id = "Name";
  EXPECT_EQ(keys("Name,Ni (wt%),Co (wt%),y" + rows, options), wanted);
  options = {};
  options.shape = Shape::loadings;
  EXPECT_EQ(keys("Catalyst,Ni (wt%),Co (wt%),y" + rows, options), wanted);
  EXPECT_THAT(keys("Catalyst,M1,M2,y\nNi-K/MgO,Ni,K,1\nCo/SiO2,Co,none,2\n"),
              ElementsAre("K:1;Ni:1/MgO", "Co:1/SiO2"));
}

TEST(OrdinaryTables, NamesThatContradictAmountsAreRefused) {
  EXPECT_THAT(refusal("Catalyst,Ni (wt%),y\nNi/MgO,5,1\nNi/MgO,6,1\nNi-Mg/SiO2,10,2\n"),
              AllOf(HasSubstr("lab.csv:4"), HasSubstr("tell different elements"),
                    HasSubstr("--ignore \"Ni (wt%)\"")));
  EXPECT_THAT(refusal("Catalyst,Ni (wt%),y\nNi/MgO,5,1\n,6,1\n"), Not(HasSubstr("assert")));
  EXPECT_THAT(refusal("Catalyst,N (mmol/g),P,y\nNi/MgO,5,1,1\nCo/MgO,6,1,2\n"),
              HasSubstr("--composition \"Catalyst\""));
  ReadOptions options;
  options.composition = "Catalyst";
  EXPECT_THAT(keys("Catalyst,N (mmol/g),P,y\nNi/MgO,5,1,1\nCo/MgO,6,1,2\n", options),
              ElementsAre("Ni:1/MgO", "Co:1/MgO"));
}

// The one amount of a catalyst with one element.
TEST(OrdinaryTables, LoadingBesideNames) {
  const auto wanted = keys("Ni (wt%),Co (wt%),Support,y\n5,,MgO,1\n,10,SiO2,2\n");
  for (const char* header : {"Loading (wt%)", "Metal loading / wt%", "metal content (wt.%)"}) {
    EXPECT_EQ(keys(fmt::format("Catalyst,{},y\nNi/MgO,5,1\nCo/SiO2,10,2\n", header)), wanted);
    EXPECT_EQ(keys(fmt::format("Metal,{},Support,y\nNi,5,MgO,1\nCo,10,SiO2,2\n", header)), wanted);
  }
  EXPECT_THAT(refusal("Catalyst,Loading (wt%),y\nNi-Co/MgO,5,1\nCo/SiO2,10,2\n"),
              HasSubstr("tells amounts"));
  EXPECT_THAT(keys("Catalyst,Loading (mg/cm2),y\nNi/MgO,5,1\nCo/SiO2,10,2\n"),
              ElementsAre("Ni:1/MgO", "Co:1/SiO2"))
      << "a charge, not an amount";
}

// What is a support in one row is one in the others.
TEST(OrdinaryTables, SupportsStandAlone) {
  EXPECT_THAT(keys("catalyst,y\nAu/TiO2,1\nTiO2,2\nAl2O3,3\n"),
              ElementsAre("Au:1/TiO2", "-/TiO2", "Al:2"));
  EXPECT_THAT(refusal("catalyst,y\nAu/TiO2,1\nPt-TiO2,2\n"), HasSubstr("no slash stands before"));
  EXPECT_THAT(refusal("catalyst,y\nNi-Al2O3,1\nCo-Al2O3,2\n"), HasSubstr("Ni/Al2O3"));
  EXPECT_THAT(keys("catalyst,y\nTiO2,1\nN-TiO2,2\nCuO-ZnO-Al2O3,3\n"),
              ElementsAre("Ti:1", "N:1;Ti:1", "Al:2;Cu:1;Zn:1"))
      << "doped and mixed oxides";
}

TEST(OrdinaryTables, RunsWithoutACatalystAreLeftOut) {
  const char* text = "catalyst,y\nNi/MgO,1\nblank,0.1\nCo/MgO,2\n";
  EXPECT_EQ(keys(text).size(), 2u);
  EXPECT_THAT(notes(text), Contains(HasSubstr("line 3 is a run without a catalyst")));
  for (const char* word : {"no catalyst", "Empty reactor", "ohne Katalysator", "blank run"}) {
    EXPECT_THAT(refusal(fmt::format("catalyst,y\nNi/MgO,1\n{},0.1\n", word)),
                HasSubstr("expected blank"))
        << word;
  }
}

TEST(OrdinaryTables, OxidesAreNotDropped) {
  EXPECT_THAT(refusal("Ni (wt%),Co (wt%),Al2O3 (wt%),y\n5,0,95,1\n0,5,95,2\n"),
              AllOf(HasSubstr("holds an oxide"), HasSubstr("0.5293")));
  EXPECT_THAT(refusal("CuO,ZnO,Al2O3,y\n60,30,10,1\n50,30,20,2\n"),
              AllOf(HasSubstr("holds an oxide"), HasSubstr("Cu (wt%)")));
  EXPECT_THAT(keys("Ni (wt%),Al2O3 (wt%),Support,y\n5,95,Al2O3,1\n", {}),
              ElementsAre(HasSubstr("/Al2O3")));
  EXPECT_EQ(keys("Ni,Co,CO2 (mol%),H2O (mol%),NO (ppm),y\n1,2,3,4,5,6\n").size(), 1u) << "gases";
}

// One amount, many headers.
TEST(OrdinaryTables, HeadersOfAmounts) {
  const auto read_as = [](const std::string& ni, const std::string& fe) {
    return keys(fmt::format("\"{}\",\"{}\",Support,y\n5,1,MgO,1\n3,0,SiO2,2\n", ni, fe));
  };
  const auto wanted = read_as("Ni (wt%)", "Fe (wt%)");
  for (const auto& [ni, fe] :
       std::vector<std::pair<std::string, std::string>>{{"Ni/wt%", "Fe/wt%"},
                                                        {"Ni_wt%", "Fe_wt%"},
                                                        {"Nickel (wt%)", "Iron (wt%)"},
                                                        {"Nickel (Gew.-%)", "Eisen (Gew.-%)"},
                                                        {"Ni (wt%; ICP)", "Fe (wt%; ICP)"},
                                                        {"Ni (ICP, wt%)", "Fe (ICP, wt%)"},
                                                        {"w(Ni) / %", "w(Fe) / %"},
                                                        {"w_Ni (wt%)", "w_Fe (wt%)"},
                                                        {"Ni content / wt%", "Fe content / wt%"}}) {
    EXPECT_EQ(read_as(ni, fe), wanted) << ni;
  }
  EXPECT_EQ(keys("Ni (mg/g),Fe (mg/g),Support,y\n50,10,MgO,1\n30,0,SiO2,2\n"), wanted);
  EXPECT_EQ(keys("Ni (at%),Fe (at%),Support,y\n80,20,MgO,1\n100,0,SiO2,2\n"),
            keys("x(Ni) / %,x(Fe) / %,Support,y\n80,20,MgO,1\n100,0,SiO2,2\n"));
  EXPECT_EQ(read_as("%Ni", "%Fe"), read_as("Ni (%)", "Fe (%)"));
  EXPECT_THAT(refusal("x(Ni),x(Fe),y\n50,50,1\n60,40,2\n"), HasSubstr("a number is above 1"));
  EXPECT_THAT(refusal("Ni (mmol/gcat),Fe (mmol/gcat),y\n1,1,1\n"), HasSubstr("5.869 wt%"));
  EXPECT_THAT(refusal("Ni (wt%),Ni (at%),y\n1,1,1\n"), HasSubstr("two columns hold amounts of Ni"));
  EXPECT_EQ(keys("Ni (wt%),Ni (wt%; ICP),Support,y\n5,4.8,MgO,1\n"),
            keys("Ni (wt%),Support,y\n5,MgO,1\n"))
      << "what was measured is beside what was weighed in";
}

// A profile that was written of such a table reads it alike.
TEST(OrdinaryTables, ProfilesKeepTheUnits) {
  for (const char* text :
       {"Ni/wt%,x_Fe,Support,y\n5,0.1,MgO,1\n", "%Ni,%Fe,Support,y\n5,1,MgO,1\n",
        "Catalyst,Ni/wt%,y\nNi/MgO,5,1\n", "Catalyst,Loading / wt%,y\nNi/MgO,5,1\n",
        "Metal,Promoter,Metal loading (wt%),Promoter loading (wt%),Support,y\nNi,K,5,1,MgO,1\n",
        "Catalyst,Ni (wt%),y\nNi/MgO,5,1\n"}) {
    ReadOptions options;
    options.targets = {"y"};
    const auto rows = read_rows(text, "lab.csv", options, chemistry::SupportTable());
    if (!rows.ok() || !rows->rows[0].problems.empty()) continue;
    const auto profile = parse_profile(profile_text(*rows, options, "lab.csv"), "lab.toml");
    ASSERT_TRUE(profile.ok()) << profile.error().to_string();
    ReadOptions by_profile = options;
    by_profile.profile = std::make_shared<const Profile>(*profile);
    EXPECT_EQ(keys(text, by_profile), keys(text)) << text;
  }
}

TEST(OrdinaryTables, PartsOfACatalyst) {
  EXPECT_THAT(keys("Active,Promoter,Support,y\nNi,K,Al2O3,1\nCo,none,SiO2,2\n"),
              ElementsAre("K:1;Ni:1/Al2O3", "Co:1/SiO2"));
  EXPECT_EQ(keys("Metal,Promoter,Support,Loading / wt%,Promoter loading / wt%,y\nNi,K,Al2O3,5,1,1\n"
                 "Co,,SiO2,10,,2\n"),
            keys("Metal 1,wt% 1,Metal 2,wt% 2,Support,y\nNi,5,K,1,Al2O3,1\nCo,10,,,SiO2,2\n"));
  EXPECT_THAT(refusal("Metal,Promoter,Loading (wt%),Support,y\nNi,K,5,Al2O3,1\nCo,K,5,Al2O3,1\n"),
              AllOf(HasSubstr("tells amounts"), HasSubstr("Promoter loading (wt%)")));
  EXPECT_THAT(keys("M\u00E9tal 1;M\u00E9tal 2;Support;y\nNi;K;MgO;1\nCo;aucun;SiO2;2\n"),
              ElementsAre("K:1;Ni:1/MgO", "Co:1/SiO2"));
  EXPECT_THAT(keys("Metall 1;Metall 2;Tr\u00E4ger;y\nNi;K;MgO;1\nCo;kein;SiO2;2\n"),
              ElementsAre("K:1;Ni:1/MgO", "Co:1/SiO2"));
  EXPECT_THAT(keys("A-site,B-site,y\nLa0.5Sr0.5,Co,1\nLa,Mn0.5Fe0.5,2\n"),
              ElementsAre("Co:1;La:0.5;Sr:0.5", "Fe:0.5;La:1;Mn:0.5"));
  EXPECT_THAT(refusal("A,A2,B,y\nLa,Sr,Co,1\nLa,Ba,Mn,2\n"), HasSubstr("\"A2\""));
}

// Lines that are no rows.
TEST(OrdinaryTables, CommentsGroupsAndRemarks) {
  EXPECT_EQ(keys("# y in mol%, GHSV 10000 h-1, 10 wt% NaCl removed\ncatalyst,y\nNi/MgO,1\n"
                 "Co/MgO,2\n")
                .size(),
            2u);
  EXPECT_EQ(keys("# selectivities in mol%\nNi,Co,Support,y\n5,1,MgO,3\n").size(), 1u);
  const char* title = "# all in wt%\nNi,Co,Support,y\n5,1,MgO,3\n";
  EXPECT_THAT(refusal(title), HasSubstr("--name-amounts none"));
  ReadOptions options;
  options.name_amounts = "none";
  EXPECT_THAT(keys(title, options), ElementsAre("Co:1;Ni:5/MgO"));
  EXPECT_THAT(keys("# Ni,Co,y\n5,1,3\n"), ElementsAre("Co:1;Ni:5")) << "a header behind a sign";
  EXPECT_THAT(keys("Catalyst,Catalyst,Catalyst,Test,Test\nM1,M2,Support,T,y\nNi,Co,MgO,300,5\n"
                   "Ni,Fe,SiO2,350,6\n"),
              ElementsAre("Co:1;Ni:1/MgO", "Fe:1;Ni:1/SiO2"));
  const char* remarks = "catalyst,y\nSeries A,\nNi/MgO,1\nCo/MgO,2\n* measured twice,\n";
  EXPECT_EQ(keys(remarks).size(), 2u);
  EXPECT_THAT(notes(remarks), Contains(AllOf(HasSubstr("lines 2 and 5"), HasSubstr("Series A"))));
  EXPECT_THAT(refusal("catalyst,y\nNi/MgO,1\nSeries A,2\n"), HasSubstr("Series A"))
      << "a value is no remark";
}

// Every word and every unknown name is shown, with one option for all.
TEST(OrdinaryTables, ProblemsNameAllValues) {
  EXPECT_THAT(refusal("catalyst,y\nNi/MgO,tr\nCo/MgO,*\nFe/MgO,1\n"),
              HasSubstr("--null \"tr\" \"*\""));
  const std::string supports = refusal("catalyst,y\nNi/Nafion,1\nNi/TiO2 anatase,2\nNi/MgO,3\n");
  EXPECT_THAT(supports, AllOf(HasSubstr("Nafion"), HasSubstr("TiO2 anatase")));
}

TEST(OrdinaryTables, SignsAreAskedAboutTogether) {
  EXPECT_THAT(refusal("Ni,Fe,P,N,y\n1,1,2,1,5\n1,2,1.5,1,6\n"),
              AllOf(HasSubstr("\"P\""), HasSubstr("\"N\""), HasSubstr("or a quantity")));
  EXPECT_THAT(refusal("Ni,Fe,Support,S,y\n1,1,SiO2,0.9,5\n2,1,SiO2,0.8,5\n"),
              HasSubstr("or a quantity"));
  EXPECT_EQ(keys("Ni,Fe,P,N,y\n50,30,10,10,5\n40,40,10,10,6\n").size(), 2u) << "shares of a whole";
  EXPECT_EQ(keys("Ni,Co,P,y\n1,2,0.5,5\n2,1,0.4,6\n").size(), 2u) << "phosphides";
}

}  // namespace
}  // namespace kasetsu::tables
