// Columns and lines that tell another catalyst than the composition, as it is read: each is asked
// about, and what only looks alike is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "drivers/tables/table.h"
#include "tests/drivers/tables/reading.h"

namespace kasetsu::tables {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A table with one more column, and a target behind it.
std::string beside(const std::string& base, const std::string& header,
                   const std::vector<std::string>& cells) {
  std::string table;
  std::size_t line = 0;
  for (const char c : base) {
    if (c != '\n') {
      table += c;
      continue;
    }
    table += "," + (line == 0 ? header + ",y" : cells[line - 1] + ",1") + "\n";
    ++line;
  }
  return table;
}

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

// Whatever the header is: rows of one catalyst that differ by an element or a compound are none of
// one catalyst.
TEST(LostParts, PartsUnderAnyHeaderAreAskedAbout) {
  for (const char* base :
       {"Catalyst\n5Ni/Al2O3\n5Ni/Al2O3\n2Co/SiO2\n",
        "Ni (wt%),Support\n5,Al2O3\n5,Al2O3\n4,SiO2\n",
        "M1,M2,Support\nNi,Co,SiO2\nNi,Co,SiO2\nNi,Fe,SiO2\n", "Formula\nNiCo\nNiCo\nNiFe\n"}) {
    for (const char* header : {"with", "Secondary", "Mod.", "Co-catalyst", "Zweitmetall"}) {
      for (const auto& cells :
           std::vector<std::vector<std::string>>{{"K2CO3", "none", "Na2CO3"},
                                                 {"none", "1% K", "none"},
                                                 {"K (1%)", "no promoter", "Na (1%)"},
                                                 {"K 1 wt%", "-", "Na 1 wt%"},
                                                 {"potassium", "w/o", "sodium"},
                                                 {"K+", "unpromoted", "Na+"},
                                                 {"La2O3; CeO2", "La2O3", "0"},
                                                 {"K-La", "La", "without"}}) {
        const std::string table = beside(base, header, cells);
        EXPECT_THAT(refusal(table),
                    AllOf(HasSubstr("would be read without them"), HasSubstr("--ignore")))
            << table;
      }
    }
  }
}

TEST(LostParts, WhateverIsAddedTellsRowsApart) {
  EXPECT_THAT(refusal("Catalyst,Additive,y\n5Ni/Al2O3,PVP,1\n5Ni/Al2O3,none,2\n"),
              HasSubstr("would be read without them"));
  EXPECT_EQ(keys("Catalyst,Additive,y\n5Ni/Al2O3,PVP,1\n2Co/Al2O3,PVP,2\n").size(), 2u);
}

TEST(LostParts, AmountsOfWhatTheCompositionLacksAreAskedAbout) {
  for (const char* header :
       {"K loading", "K2O (wt%)", "K added (wt%)", "[K]", "n_K/n_Ni", "mol K / mol Ni",
        "Kaliumgehalt", "Potassium", "K\u6DFB\u52A0\u91CF", "molar ratio (K/Ni)", "y (Ni1-yKy)",
        "Silica/alumina", "promoter loading (wt%)", "Dopant content", "doping level"}) {
    for (const char* base : {"Catalyst\n5Ni/Al2O3\n5Ni/Al2O3\n2Co/ZrO2\n",
                             "M1,M2,Support\nNi,Co,ZrO2\nNi,Co,ZrO2\nNi,Fe,ZrO2\n"}) {
      const std::string table = beside(base, header, {"0.1", "0.2", "0.1"});
      EXPECT_THAT(refusal(table), HasSubstr("would be read without them")) << table;
    }
  }
  EXPECT_THAT(refusal("Support,M1,Loading (ppm),y\nAl2O3,Ni,5,12\nAl2O3,Ni,10,13\n"),
              HasSubstr("ppmw"));
  EXPECT_EQ(keys("Support,Metal,Loading (nominal wt%),y\nAl2O3,Ni,5,12\n"),
            keys("Support,Metal,Loading (wt%),y\nAl2O3,Ni,5,12\n"));
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

TEST(LostParts, RowsThatSummariseOthersAreAskedAbout) {
  for (const char* word : {"average of 2", "Mean", "Mittelwert (n=2)", "\u5E73\u5747", "SD",
                           "std dev", "\u00B1 SD", "\u00D8 of 2", "median", "RSD (%)"}) {
    const std::string table =
        std::string("Catalyst,Comment,y\n5Ni/Al2O3,,12\n5Ni/Al2O3,,14\n5Ni/Al2O3,") + word +
        ",13\n";
    EXPECT_THAT(refusal(table), AllOf(HasSubstr("summarises others"), HasSubstr("lab.csv:4")))
        << table;
  }
  for (const char* table : {"Catalyst,n,y\n5Ni/Al2O3,mean of 3,12\n4Ni/Al2O3,mean of 2,14\n",
                            "Catalyst,n,y\n5Ni/Al2O3,mean of 3,12\n4Ni/Al2O3,single,14\n",
                            "Catalyst,bought,y\n5Ni/Al2O3,Sigma,12\n5Ni/Al2O3,Alfa,14\n"}) {
    EXPECT_EQ(keys(table).size(), 2u) << table;
  }
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
                            "Catalyst,fresh,y\nNi/Al2O3,Y,12\nCo/Al2O3,N,13\n",
                            "Catalyst,Precipitant,y\nNi/Al2O3,NaOH,12\nNi/Al2O3,KOH,13\n",
                            "Catalyst,Precursor,y\nNi/Al2O3,NiCl2,12\nNi/Al2O3,Ni(NO3)2,13\n",
                            "Catalyst,Carrier gas,y\nNi/Al2O3,N2,12\nNi/Al2O3,He,13\n",
                            "Catalyst,Pretreatment,y\nNi/Al2O3,H2,12\nNi/Al2O3,O2,13\n",
                            "Catalyst,found,y\nNi/Al2O3,NiO,12\nNi/Al2O3,\"Ni, Al2O3\",13\n",
                            "Catalyst,seen,y\nNi/Al2O3,KS,12\nNi/Al2O3,PO,13\n",
                            "Catalyst,set,y\nNi/Al2O3,B1,12\nNi/Al2O3,B2,13\n",
                            "Catalyst,I/B ratio,y\n5Ni/Al2O3,1,12\n5Ni/Al2O3,2,13\n",
                            "Catalyst,Ni dispersion (%),y\nNi/Al2O3,1,12\nNi/Al2O3,2,13\n",
                            "Catalyst,V (mL),y\nNi/Al2O3,1,12\nNi/Al2O3,2,13\n",
                            "Catalyst,Loading (mg/cm2),y\nNi/Al2O3,1,12\nNi/Al2O3,2,13\n",
                            "Catalyst,K content,y\n5Ni-1K/Al2O3,1,12\n5Ni-2K/Al2O3,2,13\n"}) {
    EXPECT_EQ(keys(table).size(), 2u) << table;
  }
}

}  // namespace
}  // namespace kasetsu::tables
