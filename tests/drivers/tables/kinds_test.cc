// Kinds of tables that laboratories keep, each of which was once read wrongly without a word: what
// is read in one way, what is asked about, and which option settles it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/chemistry/element.h"
#include "drivers/tables/table.h"
#include "tests/drivers/tables/reading.h"

namespace kasetsu::tables {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A footer that sums up is no catalyst, whatever language and spreadsheet it comes from.
TEST(Kinds, FootersAreLeftOut) {
  for (const char* word :
       {"AVERAGE:", "Std. Abw.", "\u00C9cart-type", "Ecart type", "Durchschnitt", "Mean \u00B1 SD",
        "Mean (n=3)", "average of 3", "RSD (%)", "STDEV.S", "\u6700\u5927", "Desv. est.", "Gesamt",
        "Standard error", "Mean value", "\u03C3", "Anzahl"}) {
    const std::string text = fmt::format(
        "Sample,Ni (wt%),Mg (wt%),Support,y\na,10,2,SiO2,30\nb,12,3,SiO2,40\n{},11,2.5,,35\n",
        word);
    EXPECT_EQ(keys(text).size(), 2u) << word;
  }
  // Samples may be called so.
  for (const char* name : {"MW", "Best", "SEM", "Max", "Range"}) {
    const std::string text = fmt::format(
        "Sample,Ni (wt%),Support,y\na,10,SiO2,30\nb,12,SiO2,40\n{},11,Al2O3,35\n", name);
    EXPECT_EQ(keys(text).size(), 3u) << name;
  }
  // Selenium is an element.
  EXPECT_EQ(keys("catalyst,y\nNi/SiO2,1\nCo/SiO2,2\nSe,3\n").size(), 3u);
}

// A name over several columns tells the unit of the amounts below it.
TEST(Kinds, GroupsAboveTheHeaderTellUnits) {
  const char* group =
      "Metals (wt%),,,Reaction,\nNi,Co,Support,T,y\n5,2,Al2O3,700,10\n3,6,Al2O3,700,11\n";
  const char* column = "Ni (wt%),Co (wt%),Support,T,y\n5,2,Al2O3,700,10\n3,6,Al2O3,700,11\n";
  EXPECT_EQ(keys(group), keys(column));
  EXPECT_EQ(
      keys(",Composition / wt%,,,Result\nid,Ni,Co,Support,y\na,5,2,Al2O3,10\nb,3,6,Al2O3,11\n"),
      keys(column));
  const char* title =
      "# all amounts in wt%\nNi,Co,Support,T,y\n5,2,Al2O3,700,10\n3,6,Al2O3,700,11\n";
  EXPECT_THAT(refusal(title), AllOf(HasSubstr("tells a unit"), HasSubstr("--name-amounts wt%")));
  ReadOptions told;
  told.name_amounts = "wt%";
  EXPECT_EQ(keys(title, told), keys(column));
}

// Merged cells: every part of the composition that is blank together is filled together.
TEST(Kinds, MergedCellsOfSeveralColumns) {
  const char* table =
      "M1,M2,Support,T,y\nLi,Na,SiO2,700,1\n,,,750,2\n,,,800,3\nK,,MgO,700,4\n,,,750,5\n";
  EXPECT_THAT(refusal(table), HasSubstr("--fill-down \"M1\" \"M2\" \"Support\""));
  ReadOptions half;
  half.fill_down = {"Support"};
  EXPECT_THAT(refusal(table, half), HasSubstr("\"M1\""));
  ReadOptions whole;
  whole.fill_down = {"M1", "M2", "Support"};
  EXPECT_THAT(keys(table, whole), ElementsAre("Li:1;Na:1/SiO2", "Li:1;Na:1/SiO2", "Li:1;Na:1/SiO2",
                                              "K:1/MgO", "K:1/MgO"));
  EXPECT_THAT(refusal("Ni,Co,T,y\n5,1,700,1\n,,750,2\n4,2,700,3\n"), HasSubstr("--fill-down"));
}

TEST(Kinds, ATableOfOneColumnHasNoGroups) {
  ReadOptions options;
  options.missing_targets = true;
  const auto table =
      read_table("formula\nNiO\nCoO\n", "lab.csv", options, chemistry::SupportTable());
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->catalysts.size(), 2u);
}

// What only sounds like a loading, labels, and yields: no question where there is none.
TEST(Kinds, OrdinaryTablesAreNotAskedAbout) {
  for (const char* table : {"Catalyst,Catalyst loading (mg),y\nNi/MgO,50,40\nCo/MgO,60,41\n",
                            "Catalyst,Loading (mg/cm2),y\nNi/MgO,0.5,40\nCo/MgO,0.6,41\n",
                            "Composition,Load (N),y\nNiCo,5,40\nNiFe,6,41\n",
                            "M1,M2,Support,Support loading (g),y\nNi,Co,MgO,1,40\nFe,Co,MgO,1,41\n",
                            "Catalyst,Metal loading (wt%),y\n5Ni/MgO,5,40\n4Co/MgO,4,41\n",
                            "Catalyst,Composition,y\nCat-1,5Ni/MgO,40\nCat-2,4Co/MgO,41\n"}) {
    EXPECT_EQ(keys(table).size(), 2u) << table;
  }
}

// Several questions at once: no part of the composition is settled while they are open.
TEST(Kinds, QuestionsBesideEachOther) {
  EXPECT_THAT(refusal("formula,composition,Metal,Loading,y\nNi/MgO,Co/MgO,Fe,5,1\n"),
              HasSubstr("two columns hold compositions"));
  EXPECT_THAT(refusal("# amounts in wt%\nNo,y,z\n1,2,3\n2,3,4\n"), HasSubstr("No"));
}

// Columns under the usual words for them, and a mass that is no composition.
TEST(Kinds, CarriersPromotersAndMasses) {
  ReadOptions options;
  options.composition = "Active metal";
  EXPECT_THAT(keys("Active metal,Carrier,y\nNi,Alumina,60\nCo,MgO,50\n", options),
              ElementsAre("Ni:1/Al2O3", "Co:1/MgO"));
  options.composition = "Active";
  EXPECT_THAT(refusal("Active,Promoter,Support,y\nNi,K,Al2O3,60\nCo,K,MgO,50\n", options),
              HasSubstr("would be read without them"));
  EXPECT_THAT(keys("Catalyst,Metal,y\nNi/Al2O3,Ni,60\nCo/MgO,Co,50\n"),
              ElementsAre("Ni:1/Al2O3", "Co:1/MgO"))
      << "a label";
  EXPECT_THAT(keys("Catalyst,W (mg),y\nNi/MgO,50,40\nCo/MgO,50,30\n"),
              ElementsAre("Ni:1/MgO", "Co:1/MgO"));
}

TEST(Kinds, ABlankSupportAmongOthersIsAskedAbout) {
  const std::string rows = "Ni,Co,Support,y\n5,,SiO2,1\n,5,SiO2,2\n1,,SiO2,3\n5,,MgO,4\n";
  EXPECT_THAT(refusal(rows + "5,,,5\n"), HasSubstr("line 6 has a blank support"));
  EXPECT_THAT(keys(rows + "5,,none,5\n").back(), "Ni:5");
  EXPECT_THAT(refusal("catalyst,Support,y\nNi,SiO2,4\nCo,SiO2,5\n,SiO2,10\n"),
              HasSubstr("the catalyst is blank beside a support"));
  EXPECT_THAT(keys("catalyst,Support,y\nNi,SiO2,4\nCo,SiO2,5\nnone,SiO2,10\n").back(), "-/SiO2");
}

// Amounts are never dropped.
TEST(Kinds, AmountsThatWouldBeLostAreAskedAbout) {
  EXPECT_THAT(refusal("Catalyst,Support,Loading (wt%),y\nNi-Co,Al2O3,5,33\nNi,Al2O3,10,41\n"),
              HasSubstr("the column tells amounts"));
  EXPECT_THAT(refusal("M1,wt% M1,M2,wt% M2,Support,y\nCo,2,Ni,5,SiO2,4\nFe,2,Ni,5,SiO2,4\n"),
              AllOf(HasSubstr("wt% M1"), HasSubstr("Metal 1, wt% 1")));
  EXPECT_THAT(refusal("Metal 1,wt% 1,Metal 2,wt% 2,Support,y\n,3,Ni,5,SiO2,5\n"),
              HasSubstr("an amount of 3 wt% stands beside no element"));
  EXPECT_THAT(refusal("catalyst,P,T,y\nNi/SiO2,5,700,3.5\nCo/MgO,5,700,4.5\n"),
              AllOf(HasSubstr("column \"P\""), HasSubstr("phosphorus, or a pressure")));
  EXPECT_EQ(keys("formula,load,y\nTi0.3Zr0.7C,0.5,20\nTi0.5Zr0.5C,1,25\n").size(), 2u)
      << "formulas tell their amounts: a load is a force";
}

// Amounts in units that are not read are asked about, and other things are not.
TEST(Kinds, AmountsInOtherUnitsAreAskedAbout) {
  for (const char* header : {"Ni (mmol/gcat)", "Ni (% en poids)", "Ni (w/w %)", "Ni (g/100 g)",
                             "Nickel content (% en poids)", "Loading (%)", "Metal content (%)"}) {
    EXPECT_THAT(refusal(fmt::format("Catalyst,{},y\nNi/MgO,5,1\nNi/SiO2,10,2\n", header)),
                HasSubstr("the column tells amounts"))
        << header;
    EXPECT_THAT(refusal(fmt::format("M1,M2,Support,{},y\nNi,Co,MgO,5,1\nNi,Fe,MgO,9,2\n", header)),
                HasSubstr("the column tells amounts"))
        << header;
  }
  EXPECT_THAT(refusal("Ni (wt%),Promoter,Support,y\n3,Ce,MgO,1\n4,La,MgO,2\n"),
              HasSubstr("the column tells amounts"));
  for (const char* header :
       {"Ni (nm)", "Ni (m2/g)", "Ni (mol/L)", "Pt dispersion (%)", "Pt (% dispersion)", "CO (%)",
        "C (%)", "Ar (vol%)", "Ni (mmol/g/h)"}) {
    EXPECT_EQ(keys(fmt::format("Catalyst,{},y\nNi/MgO,5,1\nNi/SiO2,10,2\n", header)).size(), 2u)
        << header;
  }
}

// The unit of one slot is not that of another.
TEST(Kinds, EachSlotHasItsOwnUnit) {
  for (const char* header : {"Metal 1,wt% 1,Metal 2,mol% 2", "Ni (wt%),Ce (mol%)",
                             "Metal,Loading (wt%),Promoter,Promoter (mol%)"}) {
    const bool slots = header[0] == 'M';
    EXPECT_THAT(
        refusal(fmt::format("{},Support,y\n{},Al2O3,1\n", header, slots ? "Ni,5,Ce,3" : "5,3")),
        AllOf(HasSubstr("amounts in different units: Ce in mol% beside Ni in wt%"),
              HasSubstr("Ce (wt%)")))
        << header;
  }
  EXPECT_THAT(refusal("Metal 1,wt% 1,Metal 2,loading 2,Support,y\nNi,5,Ce,3,Al2O3,1\n"),
              AllOf(HasSubstr("without a unit"), HasSubstr("loading 2 (wt%)")));
  EXPECT_EQ(keys("Metal,Loading (wt%),Promoter,Promoter (wt.%),Support,y\nNi,5,Ce,3,Al2O3,1\n"),
            keys("Metal 1,wt% 1,Metal 2,wt% 2,Support,y\nNi,5,Ce,3,Al2O3,1\n"));
}

// A promoter is not lost because another cell of its column is unusual.
TEST(Kinds, UnusualCellsOfPromotersAreProblems) {
  for (const char* cell : {"Ce/La", "Ce:1", "CeO2"}) {
    EXPECT_THAT(
        refusal(fmt::format("Metal,Promoter,Support,y\nNi,La,Al2O3,1\nNi,{},Al2O3,2\n", cell)),
        AllOf(HasSubstr("column \"Promoter\""), HasSubstr("unknown element")));
    EXPECT_THAT(refusal(fmt::format("Catalyst,Promoter,y\nNi/SiO2,La,1\nNi/SiO2,{},2\n", cell)),
                HasSubstr("would be read without them"));
    EXPECT_THAT(refusal(fmt::format("M1,M2,Promoter,y\nNi,Co,La,1\nNi,Fe,{},2\n", cell)),
                HasSubstr("did you mean M3"));
  }
  EXPECT_EQ(keys("Catalyst,Metal,y\nNi/SiO2,Ni,1\nNi-Co/SiO2,Ni-Co,2\n").size(), 2u) << "a label";
}

// "No" heads row numbers: nobody weighs nobelium.
TEST(Kinds, ElementsThatNobodyWeighsAreNoAmounts) {
  const std::string names = ",Catalyst,Ni (wt%),y\n1,Ni/Al2O3,5,1\n2,Ni/Al2O3,10,2\n";
  const auto plain = keys("Ni (wt%),Support,y\n5,Al2O3,1\n10,Al2O3,2\n");
  EXPECT_EQ(keys("No" + names), plain);
  EXPECT_EQ(keys("No." + names), plain);
  for (const char* header : {"No", "Rf", "Md"}) {
    EXPECT_EQ(keys(fmt::format("{},Ni,Co,y\n1,2,3,4\n2,3,4,5\n", header)),
              keys("Ni,Co,y\n2,3,4\n3,4,5\n"))
        << header;
  }
}

// Signs of quantities are no elements.
TEST(Kinds, QuantitiesAreNoElements) {
  EXPECT_THAT(refusal("Ni,Fe,P,y\n5,1,20,5\n4,1,25,6\n"), HasSubstr("or a quantity"));
  EXPECT_THAT(refusal("Ni,Fe,Ra,y\n5,1,0.5,5\n4,1,0.4,6\n"), HasSubstr("or a quantity"));
  const std::string three = refusal("Ni,Fe,H,V,S,y\n5,1,120,350,88.2,5\n4,1,100,300,80,6\n");
  for (const char* sign : {"\"H\"", "\"V\"", "\"S\""}) EXPECT_THAT(three, HasSubstr(sign));
  EXPECT_EQ(keys("Mo,S,y\n1,2,5\n1,2.1,6\n").size(), 2u) << "sulfides";
  EXPECT_EQ(keys("V,P,y\n1,1.1,5\n1,1.2,6\n").size(), 2u) << "vanadium phosphates";
  EXPECT_EQ(keys("Ni (at%),P (at%),y\n5,95,5\n4,96,6\n").size(), 2u) << "a unit says what it is";
}

// A bare sign of a quantity beside amounts or names is asked about, and not what stands beside it.
TEST(Kinds, SignsBesideAmountsAreAskedAbout) {
  for (const char* header : {"Catalyst,Ni (wt%)", "Catalyst,Ni (wt%),Co (wt%)", "Catalyst"}) {
    const std::string columns = header;
    const auto amounts = std::count(columns.begin(), columns.end(), ',');
    const std::string more = amounts == 0 ? "" : amounts == 1 ? "5," : "5,0,";
    for (const char* sign : {"S", "P", "C", "Y", "F"}) {
      const std::string text =
          fmt::format("{},{},y\nNi/MgO,{}80,10\nNi/SiO2,{}70,11\n", header, sign, more, more);
      EXPECT_THAT(refusal(text), AllOf(HasSubstr(fmt::format("column \"{}\": amounts of", sign)),
                                       HasSubstr(fmt::format("\"{} (wt%)\"", sign)),
                                       HasSubstr(fmt::format("--ignore \"{}\"", sign)),
                                       Not(HasSubstr("column \"Catalyst\""))))
          << text;
      ReadOptions options;
      options.ignore = {sign};
      EXPECT_EQ(keys(text, options).size(), 2u) << text;
      options.ignore = {};
      options.conditions = {sign};
      EXPECT_EQ(keys(text, options).size(), 2u) << text;
    }
  }
  EXPECT_EQ(keys("Catalyst,Ni (wt%),S (wt%),y\nNi-S/MgO,5,1,10\nNi-S/SiO2,6,2,11\n"),
            keys("Ni (wt%),S (wt%),Support,y\n5,1,MgO,10\n6,2,SiO2,11\n"));
}

// Supports under the words that laboratories head them with, and under other words.
TEST(Kinds, SupportsUnderManyHeaders) {
  const auto plain = keys("Ni (wt%),Support,y\n5,Al2O3,1\n6,MgO,2\n");
  for (const char* header :
       {"Support oxide", "Oxide support", "supp.", "Supp", "Carrier", "Carrier material",
        "Tr\u00E4geroxid", "Tr\u00E4ger", "TRAEGER", "Support type", "Catalyst support",
        "\u62C5\u4F53", "\u62C5\u4F53\u7A2E", "support_name", "\u8F7D\u4F53"}) {
    EXPECT_EQ(keys(fmt::format("Ni (wt%),{},y\n5,Al2O3,1\n6,MgO,2\n", header)), plain) << header;
    EXPECT_EQ(keys(fmt::format("M1,{},y\nNi,Al2O3,1\nCo,MgO,2\n", header)),
              keys("M1,Support,y\nNi,Al2O3,1\nCo,MgO,2\n"))
        << header;
  }
  for (const char* header : {"Matrix", "Substrat", "Oxide"}) {
    EXPECT_THAT(refusal(fmt::format("Ni (wt%),{},y\n5,Al2O3,1\n6,MgO,2\n", header)),
                AllOf(HasSubstr(header), HasSubstr("the header Support")));
  }
  EXPECT_EQ(keys("Ni (wt%),Support,Support type,y\n5,Al2O3,powder,1\n6,MgO,pellets,2\n"), plain);
  EXPECT_EQ(keys("Ni (wt%),Support,Carrier gas,y\n5,Al2O3,N2,1\n6,MgO,Ar,2\n"), plain);
  EXPECT_EQ(keys("La,Co,Name,y\n1,1,LaCoO3,1\n1,2,LaCo2O4,2\n").size(), 2u) << "a label";
}

// A name and the columns beside it tell one catalyst, or the row is a problem with both values.
TEST(Kinds, NamesThatContradictTheirColumns) {
  for (const char* header : {"Catalyst", "Name", "Sample"}) {
    ReadOptions told;
    told.id = header;
    for (const ReadOptions& options : {ReadOptions(), told}) {
      EXPECT_THAT(
          refusal(fmt::format("{},Ni (wt%),y\n10Ni/Al2O3,1,1\n5Ni/MgO,5,2\n", header), options),
          AllOf(HasSubstr("lab.csv:2"), HasSubstr("10 Ni and 1 wt% Ni"),
                HasSubstr("--ignore \"Ni (wt%)\"")));
      EXPECT_THAT(
          refusal(fmt::format("{},Ni (wt%),Support,y\nNi/MgO,1,SiO2,1\nNi/SiO2,5,SiO2,2\n", header),
                  options),
          AllOf(HasSubstr("lab.csv:2"), HasSubstr("here MgO and SiO2")));
      EXPECT_THAT(
          refusal(fmt::format("{},M1,Support,y\nNi/MgO,Ni,SiO2,1\nCo/SiO2,Co,SiO2,2\n", header),
                  options),
          AllOf(HasSubstr("lab.csv:2"), HasSubstr("here MgO and SiO2")));
      EXPECT_THAT(refusal(fmt::format("{},Ni (wt%),Support,y\nCo/SiO2,1,SiO2,1\nNi/SiO2,5,SiO2,2\n",
                                      header),
                          options),
                  AllOf(HasSubstr("lab.csv:2"), HasSubstr("here Co and Ni")));
    }
  }
  for (const char* table :
       {"Catalyst,Metal 1,wt% 1,Support,y\n10Ni/MgO,Ni,1,MgO,1\n5Ni/MgO,Ni,5,MgO,2\n",
        "Catalyst,Loading (wt%),y\n10Ni/MgO,1,1\n5Ni/MgO,5,2\n",
        "Catalyst,Ni (wt%),Co (wt%),y\nNi90Cu10/MgO,1,9,1\n5Ni/MgO,5,0,2\n"}) {
    EXPECT_THAT(refusal(table), HasSubstr("lab.csv:2")) << table;
  }
}

// 5 mol% alone on a support are neither shares of the active elements nor a loading.
TEST(Kinds, SharesOnASupportSumToAHundred) {
  for (const char* table : {"Ni (mol%),Support,y\n5,Al2O3,1\n9,Al2O3,2\n",
                            "Ni (at%),Co (at%),Support,y\n5,5,Al2O3,1\n15,15,Al2O3,2\n",
                            "Catalyst,Ni (mol%),y\n10Ni/MgO,18,1\n5Ni/MgO,9,2\n"}) {
    EXPECT_THAT(refusal(table), HasSubstr("do not sum to 100 %")) << table;
    ReadOptions slots;
    slots.rules.slots = 8;
    slots.rules.basis = chemistry::Basis::atomic_ratio;
    EXPECT_THAT(refusal(table, slots), HasSubstr("do not sum to 100 %")) << table;
  }
  EXPECT_EQ(keys("Ni (mol%),Co (mol%),Support,y\n75,25,Al2O3,1\n33.3,66.7,Al2O3,2\n").size(), 2u);
  EXPECT_EQ(keys("Ni (mol%),Support,y\n100,Al2O3,1\n0,Al2O3,2\n").size(), 2u);
}

// Names may tell less than columns, or nearly the same: what was weighed in, and what was found.
TEST(Kinds, NamesThatAgreeWithTheirColumns) {
  for (const char* table :
       {"Catalyst,Ni (wt%),y\n10Ni/MgO,9.1,1\nNi/MgO,5,2\n",
        "Catalyst,Ni (wt%; ICP),y\n10Ni/MgO,7,1\n5Ni/MgO,4,2\n",
        "Catalyst,Ni (mmol/g),y\n10Ni/MgO,1.7,1\n5Ni/MgO,0.85,2\n",
        "Catalyst,Ni (wt%),Support,y\nNi/Al2O3,5,gamma-Al2O3,1\nNi/MgO,5,MgO,2\n",
        "Catalyst,Ni (wt%),Fe (wt%),y\nNi3Fe1/MgO,7.5,2.4,1\nNi1Fe1/MgO,5,4.8,2\n",
        "Catalyst,M1,M2,M3,Support,y\n2Ni-1Co/MgO,Ni,Ni,Co,MgO,1\nNi-Co/MgO,Ni,Co,none,MgO,2\n"}) {
    EXPECT_EQ(keys(table).size(), 2u) << table;
  }
}

// A number with the only element of a name is a loading or a count: names with and without are not
// mixed without a word.
TEST(Kinds, NamesWithAndWithoutNumbers) {
  for (const char* names : {"5Ni/Al2O3,1\nNi/MgO,2\n", "5Ni/Al2O3,1\nNi5/MgO,2\n",
                            "Ni5/Al2O3,1\nNi/MgO,2\n", "Ni/MgO,1\n0.5Pt/Al2O3,2\n"}) {
    const std::string table = std::string("Catalyst,y\n") + names;
    EXPECT_THAT(refusal(table),
                AllOf(HasSubstr("with and without a number"), HasSubstr("lines "),
                      HasSubstr("--name-amounts wt%"), HasSubstr("--name-amounts none")));
    ReadOptions none;
    none.name_amounts = "none";
    EXPECT_EQ(keys(table, none).size(), 2u) << table;
    ReadOptions weights;
    weights.name_amounts = "wt%";
    EXPECT_THAT(refusal(table, weights), HasSubstr("an amount in wt% before each element"));
  }
  for (const char* names :
       {"5Ni/Al2O3,1\n10Ni/MgO,2\n", "2Mn-1Na/SiO2,1\nNi/MgO,2\n", "Co3O4/SiO2,1\nNi/MgO,2\n",
        "Ni2P/SiO2,1\nNi/MgO,2\n", "Ni3,1\nNi,2\n", "5Ni/Al2O3,1\nAl2O3,2\n"}) {
    EXPECT_EQ(keys(std::string("Catalyst,y\n") + names).size(), 2u) << names;
  }
}

// Percent signs say what a number is, or contradict its column.
TEST(Kinds, PercentCells) {
  EXPECT_THAT(refusal("catalyst,y\nNi/Al2O3,0.335\nCo/Al2O3,12 %\nNi/SiO2,0.415\n"),
              HasSubstr("with and without a percent sign"));
  EXPECT_THAT(refusal("Ni (mmol/g),Support,y\n5%,Al2O3,3\n10%,Al2O3,4\n"),
              HasSubstr("a percentage in a column of mmol/g"));
  EXPECT_EQ(keys("Ni (wt%),Support,y\n5%,Al2O3,3\n10%,Al2O3,4\n"),
            keys("Ni (wt%),Support,y\n5,Al2O3,3\n10,Al2O3,4\n"));
  for (const char* cells : {"45 %,0.4,35 %", "0.105,8.2%,9%"}) {
    const std::string all = cells;
    const std::size_t first = all.find(','), second = all.rfind(',');
    ReadOptions options;
    options.targets = {"Yield (%)"};
    const auto table = [&](const std::string& middle) {
      return fmt::format("catalyst,Yield (%)\nNi/Al2O3,{}\nCo/Al2O3,{}\nNi/SiO2,{}\n",
                         all.substr(0, first), middle, all.substr(second + 1));
    };
    const std::string middle = all.substr(first + 1, second - first - 1);
    EXPECT_THAT(refusal(table(middle), options), HasSubstr("with and without a percent sign"));
  }
  ReadOptions options;
  options.targets = {"Yield (%)"};
  EXPECT_EQ(keys("catalyst,Yield (%)\nNi/Al2O3,45\nCo/Al2O3,44 %\n", options).size(), 2u);
}

TEST(Kinds, PointsInAFileOfDecimalCommas) {
  EXPECT_THAT(refusal("catalyst;y;z\nNi/Al2O3;1.234;5,5\nCo/Al2O3;987;6,5\n"),
              HasSubstr("may stand between thousands or before decimals"));
  const auto table = read("catalyst;y;z\nNi/Al2O3;1.234;5,5\nCo/Al2O3;1.234.567;6,5\n");
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->targets(0, 0), 1234.0);
}

// Headers of amounts in the words of laboratories, and oxides, which are no amounts of elements.
TEST(Kinds, HeadersOfAmounts) {
  const auto plain = keys("Ni (wt%),Co (wt%),y\n5,2,1\n4,3,2\n");
  for (const char* header :
       {"Ni wt%,Co wt%,y", "wt% Ni,wt% Co,y", "Ni loading (wt%),Co content (wt%),y",
        "Ni (Gew.-%),Co (Ma.-%),y", "Ni (\u91CD\u91CF%),Co (\u8CEA\u91CF%),y",
        "Ni (% mass.),Co (%wt),y"}) {
    EXPECT_EQ(keys(fmt::format("{}\n5,2,1\n4,3,2\n", header)), plain) << header;
  }
  EXPECT_THAT(refusal("CuO (wt%),ZnO (wt%),y\n60,30,5\n50,40,6\n"),
              AllOf(HasSubstr("holds an oxide"), HasSubstr("0.7989")));
}

TEST(Kinds, WordsForNoValueOfOtherLanguages) {
  const auto table = [](std::string_view cell) {
    ReadOptions options;
    options.targets = {"y"};
    options.missing_targets = true;
    return read(fmt::format("catalyst,y\nNi/SiO2,{}\nFe/SiO2,5\n", cell), options);
  };
  for (const char* word : {"#NV", "#WERT!", "#VALEUR!", "\u2015", "\u6B20\u6E2C", "\u306A\u3057"}) {
    EXPECT_TRUE(table(word).ok()) << word;
  }
  EXPECT_THAT(table("leer").error().to_string(), HasSubstr("--null \"leer\""));
}

TEST(Kinds, AmountsOfColumnsThatAreNotUsedAreAskedAbout) {
  const char* const kSlots[] = {"M1_mol%,M2_mol%", "M1 (mol%),M2 (mol%)",     "M1 wt%,M2 wt%",
                                "M1_wt%,M2_wt%",   "M1 (mmol/g),M2 (mmol/g)", "wt% 1,wt% 2"};
  for (const std::string amounts : kSlots) {
    const std::string said = refusal("M1,M2," + amounts +
                                     ",Support,y\nNi,K,5,1,Al2O3,1\n"
                                     "Ni,K,10,2,Al2O3,2\n");
    EXPECT_NE(said.find("tells amounts"), std::string::npos) << amounts << "\n" << said;
  }
  const char* const kBesideNames[] = {"Ni\u62C5\u6301\u91CF (wt%)",
                                      "\u62C5\u6301\u91CF (wt%)",
                                      "Ni-Gehalt (Gew.-%)",
                                      "Ni-Beladung / Ma-%",
                                      "Nickelgehalt",
                                      "Teneur en Ni (% mass.)",
                                      "Ni nominal (wt%)",
                                      "Ni content"};
  for (const std::string header : kBesideNames) {
    for (const char* const cells : {"5,10", "5 wt%,10 wt%"}) {
      const std::string text = cells;
      const std::size_t comma = text.find(',');
      const std::string table = "Catalyst," + header + ",Batch,y\nNi/Al2O3," +
                                text.substr(0, comma) + ",a,1\nCuZn/SiO2," +
                                text.substr(comma + 1) + ",a,2\n";
      const auto table_read = read(table);
      EXPECT_FALSE(table_read.ok()) << table;
    }
  }
  for (const std::string ratio : {"Cu/Zn ratio,y\nCuZn/Al2O3,3,1\nCuZn/Al2O3,1,2\n",
                                  "Cu:Zn,y\nCuZn/Al2O3,3:1,1\nCuZn/Al2O3,1:1,2\n"}) {
    const std::string said = refusal("Catalyst," + ratio);
    EXPECT_NE(said.find("tells amounts"), std::string::npos) << said;
  }
  const std::string lost = refusal("Ni (mmol/g),K/Ni,Support,y\n1,0.5,MgO,1\n2,0.1,MgO,2\n");
  EXPECT_NE(lost.find("tells amounts"), std::string::npos) << lost;
  const std::string shares =
      refusal("Ni (at%),Cu (at%),Support,Metal loading (wt%),y\n50,50,MgO,5,1\n50,50,MgO,10,2\n");
  EXPECT_NE(shares.find("tells amounts"), std::string::npos) << shares;
  const std::string sites = refusal("A-site,B-site,x(Sr),y\nLa,Co,0.1,1\nLa,Mn,0.2,2\n");
  EXPECT_NE(sites.find("tells amounts"), std::string::npos) << sites;
}

TEST(Kinds, WhatIsMeasuredBesideACompositionIsNotAskedAbout) {
  EXPECT_EQ(keys("Metal 1,Gew.-% 1,Metal 2,Gew.-% 2,Support,y\nNi,5,K,1,MgO,1\nNi,1,,,MgO,2\n"),
            keys("Metal 1,wt% 1,Metal 2,wt% 2,Support,y\nNi,5,K,1,MgO,1\nNi,1,,,MgO,2\n"));
  for (const std::string header :
       {"CO uptake (umol/g)", "Ni surface (mmol/g)", "Catalyst loading (mg)", "Coke (wt%)",
        "Water content (wt%)", "S/C", "W/F", "H2/CO", "CO2 (mol%)", "Cu dispersion (%)", "Y (%)",
        "Ni conversion (mol%)"}) {
    EXPECT_EQ(keys("Catalyst," + header + ",y\nNi/Al2O3,5,1\nCu/SiO2,6,2\n").size(), 2U) << header;
  }
  EXPECT_EQ(keys("Cu (wt%),Zn (wt%),Cu/Zn,Total loading (wt%),Support,y\n5,5,1,10,MgO,1\n"
                 "10,5,2,15,MgO,2\n")
                .size(),
            2U);
}

// What a unit is of is a part of it.
TEST(Kinds, UnitsOfOxidesAndOfSupportsAreAskedAbout) {
  for (const char* header :
       {"Ni (wt% NiO)", "Ni (wt% of NiO)", "Ni (wt% as NiO)", "Ni (mg/g support)",
        "Ni (mg/g Al2O3)", "Ni (g/g support)", "Ni (mmol/g catalyst)", "Ni (wt% on support)",
        "Ni (wt% relative to Al2O3)", "Nickel (wt% as oxide)"}) {
    EXPECT_THAT(refusal(fmt::format("{},Support,y\n5,Al2O3,1\n10,SiO2,2\n", header)),
                AllOf(HasSubstr("tells an amount of something else"), HasSubstr("Ni (wt%)")))
        << header;
  }
  for (const char* header : {"Ni (wt%; ICP)", "Ni (wt% of catalyst)", "Ni (mmol/g support)",
                             "Ni (wt% nominal)", "Ni (wt% metal)"}) {
    EXPECT_EQ(keys(fmt::format("{},Support,y\n5,Al2O3,1\n10,SiO2,2\n", header)).size(), 2u)
        << header;
  }
}

// Neither supports in names of zeolites nor elements under letters are lost.
TEST(Kinds, SupportsAndElementsOfUnusedColumnsAreAskedAbout) {
  for (const char* names :
       {"Cu/SSZ-13,Cu/ZSM-5", "Cu/SBA-15,Cu/MCM-41", "Cu-ZSM-5,Cu-SSZ-13", "Cu/MOF-74,Cu/UiO-66"}) {
    const std::string both = names;
    const std::size_t comma = both.find(',');
    EXPECT_THAT(refusal(fmt::format("Catalyst,Cu (wt%),y\n{},2,1\n{},3,2\n", both.substr(0, comma),
                                    both.substr(comma + 1))),
                HasSubstr("column Support"))
        << names;
  }
  EXPECT_EQ(keys("Catalyst,Cu (wt%),y\nCu-1,2,1\nCu-2,3,2\n").size(), 2U) << "labels";
  EXPECT_THAT(refusal("Metal A,wt% A,Metal B,wt% B,Support,y\nNi,5,K,1,MgO,1\nCo,5,Na,2,MgO,2\n"),
              HasSubstr("Metal 1, wt% 1"));
  EXPECT_EQ(keys("Main,Ni (wt%),Co (wt%),Support,y\nNi,5,0,MgO,1\nCo,0,5,MgO,2\n").size(), 2U)
      << "the elements of the row once more";
}

TEST(Kinds, UnitsAboveAndBelowATable) {
  const std::string table = "Ni,K,Support,y\n5,1,Al2O3,1\n10,2,Al2O3,2\n";
  EXPECT_THAT(refusal("Loadings in wt%\n" + table), HasSubstr("above the header tells a unit"));
  for (const char* note : {"* Ni loadings in wt%", "# loadings: mmol/g"}) {
    EXPECT_THAT(refusal(table + note + "\n"), HasSubstr("below the table tells a unit")) << note;
  }
  EXPECT_EQ(keys(table + "* measured twice\n").size(), 2u);
}

// Neither answer may lose what the other tells.
TEST(Kinds, NamesThatTellOnlyTheSupportsOfAmounts) {
  const std::string table = "Catalyst,Ni (wt%),K (wt%),y\nNi/Al2O3,5,1,1\nNi/SiO2,5,2,2\n";
  EXPECT_THAT(refusal(table), HasSubstr("a column Support"));
  ReadOptions options;
  options.composition = "Catalyst";
  EXPECT_THAT(refusal(table, options), HasSubstr("the column tells amounts"));
}

}  // namespace
}  // namespace kasetsu::tables
