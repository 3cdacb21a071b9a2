// Columns and lines that tell another catalyst than the composition, as it is read: each is asked
// about, and what only looks alike is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/tables/table.h"
#include "tests/drivers/tables/reading.h"

namespace kasetsu::tables {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LostParts, WhatIsAddedToACatalystIsAskedAbout) {
  for (const char* table : {"Catalyst,Ni wt%,modifier,y\nNi/Al2O3,5,-,10\nNi/Al2O3,5,La,5\n",
                            "Catalyst,Additive,y\n5Ni/Al2O3,K2CO3,10\n5Ni/Al2O3,Na2CO3,5\n",
                            "Catalyst,promoter,y\n5Ni/Al2O3,none,10\n5Ni/Al2O3,1% K,5\n",
                            "Catalyst,dopant (1 wt%),y\n5Ni/Al2O3,K,10\n5Ni/Al2O3,,5\n",
                            "Catalyst,Zusatz,y\nNi/Al2O3,K,10\nNi/Al2O3,,5\n",
                            "Ni (wt%),Support,Dopant,y\n5,SiO2,-,10\n5,SiO2,La,5\n4,SiO2,K,5\n",
                            "M1,M2,Support,Modifier,y\nNi,Co,SiO2,K2O,10\nNi,Co,SiO2,none,5\n",
                            "Ni (wt%),Support,second,y\n5,SiO2,La,10\n5,SiO2,Ce,5\n"}) {
    EXPECT_THAT(refusal(table),
                AllOf(HasSubstr("would be read without them"), HasSubstr("--ignore")))
        << table;
  }
}

TEST(LostParts, SharesAndRatiosAreAskedAbout) {
  for (const char* table : {"Catalyst,K:Ni,y\n5Ni/Al2O3,0.1,10\n5Ni/Al2O3,0.2,5\n",
                            "Catalyst,n(K)/n(Ni),y\n5Ni/Al2O3,0.1,10\n5Ni/Al2O3,0.2,5\n",
                            "Catalyst,K/(K+Ni),y\n5Ni/Al2O3,0.1,10\n5Ni/Al2O3,0.2,5\n",
                            "Catalyst,K content,y\n5Ni/Al2O3,0.1,10\n5Ni/Al2O3,0.2,5\n",
                            "Catalyst,SiO2/Al2O3,y\n5Ni/ZSM-5,25,10\n5Ni/ZSM-5,80,5\n",
                            "Catalyst,Co fraction,y\nNiCo,0.2,10\nNiCo,0.4,5\n",
                            "Catalyst,x in CexZr1-xO2,y\nCeZr,0.2,10\nCeZr,0.4,5\n",
                            "M1,M2,Ratio,y\nMn,Na,2:1,10\nMn,Na,1:1,5\n",
                            "M1,M2,Molar ratio,y\nMn,Na,2/1,10\nMn,Na,1/1,5\n",
                            "M1,M2,M1:M2,y\nMn,Na,2,10\nMn,Na,1,5\n",
                            "M1,M2,Promoter/metal,y\nMn,Na,2,10\nMn,Na,1,5\n"}) {
    EXPECT_THAT(refusal(table),
                AllOf(HasSubstr("would be read without them"), HasSubstr("--ignore")))
        << table;
  }
}

TEST(LostParts, LoadingsInAnyUnitAreAskedAbout) {
  for (const char* unit : {"wt% on support", "ppm", "monolayers", "mol%", "umol/g"}) {
    const std::string table =
        std::string("Support,M1,Loading (") + unit + "),y\nAl2O3,Ni,5,12\nAl2O3,Ni,10,13\n";
    EXPECT_THAT(refusal(table), HasSubstr("would be read without them")) << table;
  }
}

TEST(LostParts, AverageRowsAreAskedAbout) {
  for (const char* word : {"average of 2", "Mean", "Mittelwert (n=2)", "\u5E73\u5747"}) {
    const std::string table =
        std::string("Catalyst,Comment,y\n5Ni/Al2O3,,12\n5Ni/Al2O3,,14\n5Ni/Al2O3,") + word +
        ",13\n";
    EXPECT_THAT(refusal(table), AllOf(HasSubstr("an average"), HasSubstr("lab.csv:4"))) << table;
  }
  EXPECT_EQ(keys("Catalyst,n,y\n5Ni/Al2O3,mean of 3,12\n4Ni/Al2O3,mean of 2,14\n").size(), 2u);
}

// Remarks, other quantities, and what repeats the composition.
TEST(LostParts, OtherColumnsAreNotAskedAbout) {
  for (const char* table : {"Catalyst,Operator,y\n5Ni/Al2O3,TB,12\n5Co/Al2O3,KS,13\n",
                            "Catalyst,Promoter,y\nNiK/Al2O3,K,12\nNiNa/Al2O3,Na,13\n",
                            "Catalyst,modifier,y\n5Ni/Al2O3,none,12\n5Co/Al2O3,,13\n",
                            "Catalyst,H2/CO,y\nNi/Al2O3,2,12\nCo/Al2O3,2,13\n",
                            "Catalyst,CH4/O2 ratio,y\nNi/Al2O3,2,12\nCo/Al2O3,2,13\n",
                            "M1,M2,H2/CO ratio,y\nNi,Co,2,12\nCo,Mn,2,13\n",
                            "Catalyst,Ni/Al surface ratio,y\nNi2Al/SiO2,2,12\nCo/Al2O3,2,13\n",
                            "Catalyst,Ni:Co,y\nNi2Co,2,12\nNi3Co,3,13\n",
                            "Catalyst,Loading (mg),y\nNiCo,2,12\nNi,3,13\n",
                            "Catalyst,comment,y\nNi/Al2O3,grey,12\nCo/Al2O3,blue,13\n",
                            "Catalyst,fresh,y\nNi/Al2O3,Y,12\nCo/Al2O3,N,13\n"}) {
    EXPECT_EQ(keys(table).size(), 2u) << table;
  }
}

}  // namespace
}  // namespace kasetsu::tables
