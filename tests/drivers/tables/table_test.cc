#include "drivers/tables/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "core/chemistry/element.h"
#include "tests/paths.h"
#include "tests/shared_data.h"

namespace kasetsu::tables {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<Table> read(std::string_view text, const ReadOptions& options = {}) {
  return read_table(text, "lab.csv", options, chemistry::SupportTable());
}

// The error as a person sees it; the table must be refused as bad data.
std::string refusal(std::string_view text, const ReadOptions& options = {}) {
  const auto table = read(text, options);
  EXPECT_FALSE(table.ok()) << text;
  if (table.ok()) return "";
  EXPECT_EQ(table.error().code, ErrorCode::bad_data);
  return table.error().to_string();
}

ReadOptions target(std::string name) {
  ReadOptions options;
  options.targets = {std::move(name)};
  return options;
}

TEST(Table, ReadsLoadingColumns) {
  const auto table =
      read("name,Pd,Rh,note,T50\nfirst,0.5,0.5,x y,252.2\nsecond,0,1,z z,-1e2\n", target("T50"));
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->shape, Shape::loadings);
  EXPECT_THAT(table->ids, ElementsAre("first", "second"));
  EXPECT_THAT(table->lines, ElementsAre(2, 3));
  EXPECT_THAT(table->unused, ElementsAre("note"));
  EXPECT_THAT(table->slot_columns, ElementsAre("Pd", "Rh"));
  EXPECT_EQ(table->catalysts[0].active.amount(46), 0.5);
  EXPECT_EQ(table->catalysts[1].active.amount(46), 0.0);
  EXPECT_EQ(table->catalysts[1].active.amount(45), 1.0);
  EXPECT_EQ(table->targets(0, 0), 252.2);
  EXPECT_EQ(table->targets(1, 0), -100.0);
}

TEST(Table, ReadsSlotsWithRepetitionNoneAndBareSupport) {
  const auto table = read(
      "No,M1,M2,M3,Support,yield\n1,Li,Li,none,MgO,8\n2,none,,None,SiO2,1\n3,Li,Li,none,MgO,9\n",
      target("yield"));
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->shape, Shape::slots);
  EXPECT_EQ(table->catalysts[0].active.amount(3), 2.0);
  EXPECT_EQ(table->catalysts[0].support, "MgO");
  EXPECT_EQ(table->catalysts[0].support_formula.amount(12), 1.0);
  EXPECT_TRUE(table->catalysts[1].active.empty());
  EXPECT_EQ(table->catalysts[2], table->catalysts[0]) << "replicates are kept";
  EXPECT_EQ(table->targets(2, 0), 9.0);
  EXPECT_THAT(table->ids, ElementsAre("2", "3", "4")) << "line numbers when nothing is text";
}

TEST(Table, ReadsFormulas) {
  const auto table = read("catalyst,yield\nMn-Na2WO4/SiO2,20\nLi/MgO,11\n", target("yield"));
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->shape, Shape::formula);
  EXPECT_EQ(table->catalysts[0].support, "SiO2");
  EXPECT_GT(table->catalysts[0].active.amount(25), 0.0);
  EXPECT_EQ(table->catalysts[0].active.amount(8), 0.0) << "oxygen of an active is dropped";
}

TEST(Table, NamedColumnsKeepTheirMeaning) {
  ReadOptions options = target("Y");
  options.conditions = {"W"};
  options.id = "In";
  const auto table = read("In,Pd,Y,W,Pt\na,1,5,0.1,2\nb,1,6,0.2,3\n", options);
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->targets(1, 0), 6.0);
  EXPECT_EQ(table->conditions(1, 0), 0.2);
  EXPECT_THAT(table->ids, ElementsAre("a", "b"));
  EXPECT_THAT(table->slot_columns, ElementsAre("Pd", "Pt"));
  EXPECT_EQ(table->catalysts[0].active.parts().size(), 2U);
}

TEST(Table, NumbersThatAreNotNamedAreNeverInputs) {
  const auto table = read("M1,M2,Support,T (C),yield\nLi,K,MgO,800,1\n", target("yield"));
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_THAT(table->unused, ElementsAre("T (C)"));
  EXPECT_EQ(table->conditions.cols(), 0);
}

TEST(Table, ByteOrderMarkLineEndsAndSpacesAreForgiven) {
  const auto table =
      read("\xEF\xBB\xBF Pd ,\xC2\xA0Rh,\"T50 \"\r\n 1 , 2,3 \r\n\r\n4,5,6", target("T50"));
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->catalysts[0].active.amount(46), 1.0);
  EXPECT_EQ(table->targets(1, 0), 6.0);
  EXPECT_THAT(table->lines, ElementsAre(2, 4));
}

TEST(Table, IndexColumnOfADataFrameIsLeftOut) {
  const auto table = read(",Pd,Rh\n0,1,2\n1,3,4\n");
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_THAT(table->unused, IsEmpty());
  EXPECT_THAT(refusal("Pd,,Rh\n1,5,2\n"), HasSubstr("has no name"));
  EXPECT_TRUE(read("Pd,Rh,,\n1,2,,\n").ok());
}

TEST(Table, TheSymbolOfAnElementIsNeverANullWord) {
  const auto table = read("M1,M2,M3,Support,y\nNa,Mn,W,SiO2,14.8\nnone,No,Nd,MgO,n.d.\n", [] {
    ReadOptions options = target("y");
    options.missing_targets = true;
    return options;
  }());
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(chemistry::canonical_key(table->catalysts[0]), "Mn:1;Na:1;W:1/SiO2");
  EXPECT_EQ(chemistry::canonical_key(table->catalysts[1]), "Nd:1;No:1/MgO");
  EXPECT_TRUE(std::isnan(table->targets(1, 0)));
  EXPECT_THAT(refusal("M1,M2\nLi,na\n"), HasSubstr("did you mean Na"));
}

TEST(Table, ReadsTablesAsLaboratoriesKeepThem) {
  // Two title lines, a line of units, semicolons and decimal commas, a blank row and column.
  const auto table = read(
      "Messreihe 12;;;;\nOperator: K.;;;;\nPd;Rh;;T;Ausbeute\n;;;K;%\n0,5;0,5;;800;12,25\n;;;;\n"
      "1;;;800;<0,1\n",
      [] {
        ReadOptions options = target("Ausbeute");
        options.skip_missing_targets = true;
        return options;
      }());
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  ASSERT_EQ(table->catalysts.size(), 1U);
  EXPECT_EQ(table->catalysts[0].active.amount(46), 0.5);
  EXPECT_EQ(table->targets(0, 0), 12.25);
  EXPECT_THAT(table->unused, ElementsAre("T"));
  EXPECT_EQ(table->lines[0], 5U);
  EXPECT_THAT(table->notes, ::testing::Contains(HasSubstr("lines 1 to 2 above the header")));
}

TEST(Table, NumbersInOtherWritings) {
  const auto table = read("Pd,Rh,y\n\"1,234.5\",2,55.1 %\n\"12,000\",0,8 %\n", target("y"));
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->catalysts[0].active.amount(46), 1234.5);
  EXPECT_EQ(table->catalysts[1].active.amount(46), 12000.0);
  EXPECT_EQ(table->targets(0, 0), 55.1);
  EXPECT_THAT(refusal("Pd,y\n1,\"1,234\"\n", target("y")), HasSubstr("--decimal"));
}

TEST(Table, AllProblemsAreToldTogether) {
  const std::string told = refusal("Pd,Rh,y\n1,x,2\n1,0,abc\n1,0,abd\n-1,0,3\n", target("y"));
  EXPECT_THAT(told, AllOf(HasSubstr("4 problems"), HasSubstr("column \"Rh\""),
                          HasSubstr("2 rows: lines 3, 4"), HasSubstr("negative amount")));
}

TEST(Table, ColumnsThatMerelyLookLikeElementsAreAskedAbout) {
  EXPECT_THAT(refusal("Ni,Fe,He,P,C2_yield\n5,1,88,20,3\n", target("C2_yield")),
              AllOf(HasSubstr("column \"He\""), HasSubstr("--ignore")));
  const std::string upper = refusal("Co,SI,TC,CA,y\n5,1,88,20,3\n", target("y"));
  EXPECT_THAT(upper, AllOf(HasSubstr("\"SI\""), HasSubstr("\"TC\""), HasSubstr("\"CA\"")));
  EXPECT_TRUE(read("Co,Ni,CO,y\n5,1,88,3\n", target("y")).ok()) << "CO beside Co is a gas";
}

TEST(Table, TheCompositionMayStandUnderAnyHeader) {
  for (const std::string header : {"FORMULA", "Perovskite", "\u89e6\u5a92"}) {
    const auto table = read(header + ",y\nLa0.5Sr0.5CoO3,1\nBaTiO3,2\n", target("y"));
    ASSERT_TRUE(table.ok()) << table.error().to_string();
    EXPECT_EQ(table->shape, Shape::formula) << header;
  }
  ReadOptions options = target("y");
  options.composition = "what";
  EXPECT_TRUE(read("what,other,y\nLaCoO3,BaTiO3,1\n", options).ok());
}

TEST(Table, ReadsItsOwnExports) {
  const auto table = read(
      "id,catalyst,property,value,unit,retracted,excluded,superseded_by,source,run,sample,"
      "conditions\n"
      "1,K:1;Li:1/MgO,y,8.5,%,false,false,,rig,r1,S1,\"{\"\"T\"\":800.0}\"\n"
      "2,K:1;Li:1/MgO,x,3,%,false,false,,rig,r1,S1,\"{\"\"T\"\":800.0}\"\n"
      "3,K:1;Li:1/MgO,y,9,%,true,false,,rig,r1,S1,\"{\"\"T\"\":800.0}\"\n",
      [] {
        ReadOptions options = target("y");
        options.conditions = {"T"};
        return options;
      }());
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  ASSERT_EQ(table->catalysts.size(), 1U);
  EXPECT_EQ(table->targets(0, 0), 8.5);
  EXPECT_EQ(table->conditions(0, 0), 800.0);
  EXPECT_EQ(chemistry::canonical_key(table->catalysts[0]), "K:1;Li:1/MgO");
}

TEST(Table, ReadsWorkbooks) {
  const std::string bytes =
      testing::read_file(testing::source_dir() + "/tests/data/tables/workbook.xlsx");
  ReadOptions options = target("Yield");
  const auto table = read_table(bytes, "w.xlsx", options, chemistry::SupportTable());
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  ASSERT_EQ(table->catalysts.size(), 2U);
  EXPECT_EQ(table->catalysts[1].support, "MgO");
  EXPECT_EQ(table->targets(0, 0), 14.8) << "a percent format is read as a person sees it";
  EXPECT_EQ(table->targets(1, 0), 7.4) << "the value that a formula had";
  EXPECT_EQ(table->lines[1], 5U);
  EXPECT_THAT(table->notes, ::testing::Contains(HasSubstr("hidden")));
  options.sheet = "nowhere";
  EXPECT_THAT(read_table(bytes, "w.xlsx", options, {}).error().to_string(),
              AllOf(HasSubstr("no such sheet"), HasSubstr("Results")));
  options.sheet.clear();
  for (std::size_t cut = 4; cut < bytes.size(); cut += 7) {
    EXPECT_FALSE(read_table(bytes.substr(0, cut), "w.xlsx", options, {}).ok());
  }
}

TEST(Table, MissingTargetsOnlyOnRequest) {
  EXPECT_THAT(refusal("Pd,y\n1,\n", target("y")),
              HasSubstr("lab.csv:2: column \"y\": the cell is blank"));
  ReadOptions options = target("y");
  options.missing_targets = true;
  const auto table = read("Pd,y\n1,\n2,3\n", options);
  ASSERT_TRUE(table.ok());
  EXPECT_TRUE(std::isnan(table->targets(0, 0)));
  EXPECT_TRUE(std::isnan(read("Pd,y\n1,nan\n2,1\n", options)->targets(0, 0)));
  EXPECT_THAT(refusal("Pd,y\n1,inf\n", options), HasSubstr("not a finite number"));
}

TEST(Table, WithoutAHeader) {
  ReadOptions options = target("y");
  options.columns = {"Pd", "Rh", "y"};
  const auto table = read("1,2,3\n4,5,6\n", options);
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_EQ(table->catalysts.size(), 2U);
  EXPECT_THAT(table->lines, ElementsAre(1, 2));
  EXPECT_EQ(table->targets(0, 0), 3.0);
  EXPECT_THAT(refusal("1,2\n", options), HasSubstr("the row has 2 cells"));
}

TEST(Table, LabelsBesideElementColumns) {
  EXPECT_TRUE(read("Catalyst,Pd,Rh\ncat-1,1,2\ncat-2,1,0\n").ok());
  EXPECT_TRUE(read("Catalyst,Pd,Rh\nPd-Rh,1,2\nPd,1,0\n").ok());
  EXPECT_THAT(refusal("formula,W,y\nLaCoO3,0.1,1\nLaFeO3,0.1,2\n"),
              AllOf(HasSubstr("tungsten, or a weight"), HasSubstr("--ignore \"W\"")));
  EXPECT_THAT(refusal("formula,Ni,y\nLaCoO3,0.1,1\nLaFeO3,0.1,2\n"),
              AllOf(HasSubstr("could be this column"), HasSubstr("--composition \"formula\"")));
  ReadOptions options;
  options.shape = Shape::formula;
  EXPECT_TRUE(read("formula,W,y\nLaCoO3,0.1,1\nLaFeO3,0.1,2\n", options).ok());
}

TEST(TableRefuses, UnknownElement) {
  EXPECT_THAT(refusal("M1,M2\nLi,K\nLi,Xx\n"),
              AllOf(HasSubstr("lab.csv:3: column \"M2\""), HasSubstr("unknown element"),
                    HasSubstr("\"Xx\""), HasSubstr("expected")));
  EXPECT_THAT(refusal("M1,M2\nLi,NA\n"), HasSubstr("did you mean Na"));
  EXPECT_THAT(refusal("Pd,Xx\n1,2\n"), AllOf(HasSubstr("unknown element"), HasSubstr("Xx")));
  EXPECT_THAT(refusal("catalyst,y\nMn-Xx/SiO2,1\n"),
              AllOf(HasSubstr("lab.csv:2: column \"catalyst\""), HasSubstr("Xx")));
  EXPECT_THAT(refusal("M1,Support\nLi,Mgo2x\n"), HasSubstr("lab.csv:2: column \"Support\""));
}

TEST(TableRefuses, MisspeltSlots) {
  for (const std::string name : {"MM2", "M 2", "m2", "M-2", "M02", "Metal 2"}) {
    EXPECT_THAT(
        refusal("M1," + name + ",M3,Support\nLi,K,Mn,MgO\n"),
        AllOf(HasSubstr("column \"" + name + "\""), HasSubstr("M2"), HasSubstr("looks like")))
        << name;
  }
  EXPECT_THAT(refusal("M1,N2,M3\nLi,K,Mn\nNa,K,Mn\n"), HasSubstr("column \"N2\""));
  EXPECT_THAT(refusal("M1,M2,MM3,y\nLi,K,Mn,1\n"), HasSubstr("column \"MM3\""));
  EXPECT_THAT(refusal("M1,M2,third,y\nLi,K,Mn,1\n"), HasSubstr("column \"third\""));
  EXPECT_THAT(read("m1,m2,m3,y\nLi,K,Mn,1\n")->slot_columns, ElementsAre("m1", "m2", "m3"));
  EXPECT_THAT(refusal("M1,M3\nLi,K\n"), HasSubstr("M2 is missing"));
  ReadOptions options;
  options.ignore = {"third"};
  EXPECT_TRUE(read("M1,M2,third,y\nLi,K,Mn,1\n", options).ok());
}

TEST(TableRefuses, MisspeltSupport) {
  EXPECT_THAT(refusal("M1,M2,Suport\nLi,K,MgO\n"),
              AllOf(HasSubstr("column \"Suport\""), HasSubstr("did you mean Support")));
}

TEST(TableRefuses, ElementColumnsThatAreNotExact) {
  EXPECT_THAT(refusal("Pd,LI\n1,2\n"), HasSubstr("did you mean Li"));
  for (const std::string name : {"li_load", "Li [mol]", "LI (wt%)"}) {
    EXPECT_THAT(refusal("Pd," + name + "\n1,2\n"),
                AllOf(HasSubstr("column \"" + name + "\""), HasSubstr("did you mean")));
  }
  for (const std::string name : {"Li (wt%)", "Li%", "Li mmol/g", "K (wt%)", "Lithium (wt%)"}) {
    EXPECT_THAT(refusal("Pd," + name + "\n1,2\n"), AllOf(HasSubstr("column \"" + name + "\""),
                                                         HasSubstr("beside amounts without one")));
  }
  EXPECT_THAT(refusal("ni_load,fe_load,y\n1,2,3\n"), HasSubstr("did you mean Ni"));
}

TEST(Table, ColumnsOfLaboratoriesThatAreNoElements) {
  const auto table = read(
      "Pd,T (C),P (bar),F (mL/min),W (g),S (%),Y (%),NO,CH4/O2,CO2 conv,In situ,Co-feed,y\n"
      "1,2,3,4,5,6,7,8,9,10,11,12,13\n");
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_THAT(table->slot_columns, ElementsAre("Pd"));
  EXPECT_EQ(table->unused.size(), 12U);
  const std::string text =
      "Name,M1,M1_atom_number,M2,M2_mol%,M3,Support,Support_ID,Temp,CT,CH4_conv,C2y\n"
      "a,Li,3,Na,30,none,MgO,1,700,0.5,10,5\n";
  EXPECT_THAT(refusal(text), HasSubstr("--ignore \"M2_mol%\""));
  ReadOptions options;
  options.ignore = {"M2_mol%"};
  const auto slots = read(text, options);
  ASSERT_TRUE(slots.ok()) << slots.error().to_string();
  EXPECT_THAT(slots->slot_columns, ElementsAre("M1", "M2", "M3"));
  EXPECT_THAT(slots->ids, ElementsAre("a"));
}

TEST(TableRefuses, Values) {
  EXPECT_THAT(refusal("Pd,y\n1,2\n1,abc\n", target("y")),
              AllOf(HasSubstr("lab.csv:3: column \"y\""), HasSubstr("\"abc\""),
                    HasSubstr("expected a finite number")));
  for (const std::string value : {"inf", "-Infinity", "1e999"}) {
    EXPECT_THAT(refusal("Pd,y\n1," + value + "\n", target("y")),
                AllOf(HasSubstr("lab.csv:2: column \"y\""), HasSubstr(value)))
        << value;
    EXPECT_THAT(refusal("Pd,y\n" + value + ",1\n", target("y")), HasSubstr("column \"Pd\""));
  }
  EXPECT_THAT(refusal("Pd,y\n-0.5,2\n"), AllOf(HasSubstr("negative"), HasSubstr("\"-0.5\"")));
  EXPECT_EQ(read("Pd,y\n\"0,5\",2\n")->catalysts[0].active.amount(46), 0.5);
  EXPECT_EQ(read("Pd,Rh\n,2\n")->catalysts[0].active.amount(46), 0.0) << "blank: absent";
  EXPECT_THAT(refusal("Pd,y\n1,2\n0x10,2\n"), HasSubstr("not a number"));
  EXPECT_THAT(refusal("Pd,Rh,y\n1,1,2\n0,0,3\n"),
              AllOf(HasSubstr("lab.csv:3"), HasSubstr("no element")));
  EXPECT_THAT(refusal("M1,M2\nnone,none\n"), HasSubstr("no element"));
}

TEST(TableRefuses, WrongForm) {
  EXPECT_THAT(refusal("Pd,Rh\n1,2\n3\n"),
              AllOf(HasSubstr("lab.csv:3"), HasSubstr("1 cells"), HasSubstr("2,")));
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("\xEF\xBB\xBF"), HasSubstr("empty"));
  EXPECT_THAT(refusal("Pd,Rh\n"), HasSubstr("no rows"));
  EXPECT_THAT(refusal("Pd,Rh,Pd\n1,2,3\n"), AllOf(HasSubstr("columns 1 and 3"), HasSubstr("Pd")));
  EXPECT_THAT(refusal("0.1,0.2\n0.3,0.4\n"), HasSubstr("header"));
  EXPECT_TRUE(read("Pd;Rh\n1;2\n").ok());
  EXPECT_THAT(refusal("a,b\n1,2\n"), HasSubstr("no column holds the composition"));
  EXPECT_THAT(refusal("M1,Pd\nLi,2\n"), HasSubstr("--profile"));
  EXPECT_THAT(refusal("Pd,y\n1,2\n1,\xE9\n"), HasSubstr("lab.csv"));
  EXPECT_THAT(refusal("Pd,y\n1,\"2\n"), HasSubstr("lab.csv:2"));
}

TEST(TableRefuses, AnyBytesWithoutHarm) {
  // Every cut and every single changed byte of a good table is read or refused with a place.
  const std::string good = "name,M1,M2,Support,y\n\"a,1\",Li,none,MgO,1.5\r\nb,K,Mn,SiO2,-2e3\n";
  const auto check = [](const std::string& text) {
    const auto table = read(text, target("y"));
    if (table.ok()) {
      EXPECT_EQ(table->catalysts.size(), static_cast<std::size_t>(table->targets.rows()));
      EXPECT_TRUE(table->targets.allFinite());
    } else {
      EXPECT_EQ(table.error().code, ErrorCode::bad_data);
      EXPECT_THAT(table.error().where, HasSubstr("lab.csv"));
      EXPECT_FALSE(table.error().message.empty());
    }
  };
  for (std::size_t cut = 0; cut <= good.size(); ++cut) check(good.substr(0, cut));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[at] = static_cast<char>(byte);
      check(text);
    }
  }
}

TEST(TableRefuses, NamesOfColumns) {
  EXPECT_THAT(refusal("Pd,T50(NO)\n1,2\n", target("T50")), HasSubstr("did you mean \"T50(NO)\""));
  EXPECT_THAT(refusal("Pd,y\n1,2\n", target("selectivity")), HasSubstr("\"Pd\" or \"y\""));
  ReadOptions options = target("y");
  options.ignore = {"y"};
  EXPECT_THAT(refusal("Pd,y\n1,2\n", options), HasSubstr("named twice"));
}

TEST(Table, ColumnsThatMayBeThere) {
  ReadOptions options;
  options.ignore_present = {"Y", "elsewhere"};
  const auto table = read("Pd,Y\n1,30\n", options);
  ASSERT_TRUE(table.ok());
  EXPECT_THAT(table->slot_columns, ElementsAre("Pd"));
  EXPECT_THAT(table->unused, IsEmpty());
  EXPECT_THAT(read("Pd,a,b\n1,2,x\n")->unused_numbers, ElementsAre("a"));
}

TEST(TableRefuses, RepeatedIds) {
  ReadOptions options;
  options.id = "name";
  EXPECT_THAT(
      refusal("name,Pd\na,1\nb,2\na,1\n", options),
      AllOf(HasSubstr("lab.csv:4: column \"name\""), HasSubstr("line 2"), HasSubstr("\"a\"")));
  const auto table = read("name,Pd\na,1\nb,2\na,1\n");
  ASSERT_TRUE(table.ok());
  EXPECT_THAT(table->ids, ElementsAre("2", "3", "4")) << "a text column that repeats names no rows";
}

TEST(Table, ReadsTheRealTables) {
  KASETSU_NEEDS_SHARED_DATA("catalysts/afe_twc_51.csv");
  using kasetsu::testing::read_file;
  using kasetsu::testing::shared_data;
  const struct {
    const char* file;
    const char* target;
    std::size_t rows;
    Shape shape;
  } cases[] = {{"afe_twc_51.csv", "T50(NO)", 51, Shape::loadings},
               {"afe_ocm_171.csv", "C2y", 171, Shape::loadings},
               {"ocm_slots_376.csv", "Measured C2 yield (%)", 376, Shape::slots},
               {"ocm_slots_456.csv", "Measured C2 yield (%)", 456, Shape::slots}};
  for (const auto& c : cases) {
    const auto table =
        read(read_file(shared_data(std::string("catalysts/") + c.file)), target(c.target));
    ASSERT_TRUE(table.ok()) << table.error().to_string();
    EXPECT_EQ(table->catalysts.size(), c.rows);
    EXPECT_EQ(table->shape, c.shape);
    EXPECT_TRUE(table->targets.allFinite());
  }
}

}  // namespace
}  // namespace kasetsu::tables
