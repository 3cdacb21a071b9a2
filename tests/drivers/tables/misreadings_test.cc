// Cells, lines and headers that would give other values than people read in them: they are read as
// people do, or asked about.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "drivers/tables/table_rows.h"
#include "drivers/tables/units.h"
#include "tests/drivers/tables/reading.h"

namespace kasetsu::tables {
namespace {

using ::testing::HasSubstr;

// A delivery to a campaign that measures conv and sel in % and rate in mmol/g/h, by temperature and
// pressure.
Result<TableRows> deliver(std::string_view text, const std::vector<std::string>& ignore = {}) {
  ReadOptions options;
  options.delivery = true;
  options.known_targets = {"conv", "sel", "rate"};
  options.known_units = {{"conv", "%"}, {"sel", "%"}, {"rate", "mmol/g/h"}};
  options.known_conditions = {"temperature_C", "pressure_bar"};
  options.ignore = ignore;
  return read_rows(text, "lab.csv", options, chemistry::SupportTable());
}

// What is said of the whole table, or of its first row.
std::string question(std::string_view text) {
  const auto rows = deliver(text);
  if (!rows.ok()) return rows.error().to_string();
  const auto& problems = rows->rows.front().problems;
  return problems.empty() ? "nothing" : problems.front().to_string();
}

// The first value of the first row.
double value(std::string_view text) {
  const auto rows = deliver(text);
  EXPECT_TRUE(rows.ok()) << text << rows.error().to_string();
  if (!rows.ok() || rows->rows.front().values.empty()) return -1.0;
  return rows->rows.front().values.front().value;
}

double condition(std::string_view header, std::string_view cell, const std::string& name) {
  const auto rows = deliver(fmt::format("Catalyst,{},conv\nNi/MgO,{},1\n", header, cell));
  EXPECT_TRUE(rows.ok()) << header << (rows.ok() ? "" : rows.error().to_string());
  if (!rows.ok()) return -1.0;
  const auto found = rows->rows.front().conditions.find(name);
  return found == rows->rows.front().conditions.end() ? -2.0 : found->second;
}

TEST(Misreadings, ARaisedOrLoweredDigitIsNoneOfANumber) {
  for (const char* cell : {"12\u00B9", "12\u00B2", "12\u2074", "12\u2081", "<10\u00B2",
                           "12.5\u00B3", "12 \u00B1 1\u00B9"}) {
    EXPECT_THAT(question(fmt::format("Catalyst,conv (%)\nNi/MgO,{}\nCo/MgO,3\n", cell)),
                HasSubstr("raised or lowered"))
        << cell;
    EXPECT_THAT(refusal(fmt::format("Ni (wt%),Support,y\n{},MgO,1\n3,MgO,2\n", cell)),
                HasSubstr("raised or lowered"))
        << cell;
  }
  EXPECT_THAT(question("Catalyst,conv (%)\nNi/Al2O3\u00B2,12\nCo/MgO,3\n"), HasSubstr("support"));
  EXPECT_THAT(refusal("Ni (wt%),Support,y\n5,Al2O3\u00B2,1\n3,MgO,2\n"), HasSubstr("support"));
  EXPECT_EQ(keys("Ni (wt%),Support,y\n5,Al\u2082O\u2083,1\n3,MgO,2\n").front(),
            keys("Ni (wt%),Support,y\n5,Al2O3,1\n3,MgO,2\n").front());
}

TEST(Misreadings, AnotherHeaderBelowBeginsAnotherTable) {
  const std::string first = "Catalyst,conv (%)\n5Ni/Al2O3,12\n2Cu/SiO2,13\n";
  for (const char* header : {"Catalyst,sel (%)", "catalyst,Selectivity", "Sample,sel (%)"}) {
    const std::string text = fmt::format("{}\n{}\n5Ni/Al2O3,90\n2Cu/SiO2,95\n", first, header);
    const auto rows = deliver(text);
    ASSERT_FALSE(rows.ok()) << header;
    EXPECT_THAT(rows.error().to_string(), HasSubstr("another table")) << header;
    EXPECT_THAT(rows.error().to_string(), HasSubstr("lab.csv:5:")) << header;
  }
  for (const char* header : {"sel (%),", ",sel (%)", ",rate [mmol/g/h]"}) {
    const auto rows = deliver(fmt::format("{}{}\n5Ni/Al2O3,90\n", first, header));
    ASSERT_FALSE(rows.ok()) << header;
    EXPECT_THAT(rows.error().to_string(), HasSubstr("another table")) << header;
  }
  for (const char* row : {"Series B (promoted),", "* sel (%),", "Catalyst,conv (%)",
                          "5Ni/Al2O3,failed", "5Ni/Al2O3,n.d."}) {
    EXPECT_TRUE(deliver(fmt::format("{}{}\n5Ni/MgO,9\n", first, row)).ok()) << row;
  }
}

TEST(Misreadings, TextOverNumbersIsAUnitOrAQuestion) {
  for (const char* line : {",,(\u00D710-3 mmol/g/h)", ",,arb. units", ",(vol),", ",(a),(b)"}) {
    EXPECT_THAT(
        question(fmt::format("Catalyst,conv (%),rate\n{}\n5Ni/MgO,12,3\n5Co/MgO,1,3\n", line)),
        HasSubstr("no unit that is known"))
        << line;
  }
  for (const char* label : {"", "unit", "Units:", "(name)", "[-]", "Einheit", "\u5358\u4F4D"}) {
    EXPECT_EQ(value(fmt::format("Catalyst,rate\n{},mol/g/h\nNi/MgO,3\nCo/MgO,2\n", label)), 3000.0)
        << label;
  }
}

TEST(Misreadings, FractionsWhereTheUnitIsADash) {
  for (const char* head : {"Catalyst,conv (-),note\n", "Catalyst,conv,note\n,-,\n",
                           "Catalyst,conv,note\n,(-),\n", "Catalyst,conv,sel\n,-,-\n"}) {
    const std::string text = fmt::format("{}Ni/MgO,0.12,0.5\nCo/MgO,0.9,0.5\n", head);
    EXPECT_DOUBLE_EQ(value(text), 12.0) << head;
    const auto rows = deliver(text);
    EXPECT_THAT(fmt::format("{}", fmt::join(rows->notes, "; ")), HasSubstr("100 times")) << head;
    EXPECT_THAT(question(fmt::format("{}Ni/MgO,12,0.5\nCo/MgO,15,0.5\n", head)),
                HasSubstr("numbers are above 1"))
        << head;
  }
  EXPECT_EQ(value("Catalyst,conv (%),sel (%)\n,-,-\nNi/MgO,12,5\nCo/MgO,9,5\n"), 12.0);
}

TEST(Misreadings, ANumberedTemperatureIsAskedAbout) {
  for (const char* header : {"T50 (\u00B0C)", "T90 (\u00B0C)", "T10 (K)", "T2 (\u00B0C)", "T_50/K",
                             "Temperature 2 (\u00B0C)", "p1 (bar)"}) {
    EXPECT_THAT(question(fmt::format("Catalyst,{},conv\nNi/MgO,400,12\n", header)),
                HasSubstr("nearly has the name of the condition"))
        << header;
  }
  const std::string text = "Catalyst,temperature (\u00B0C),T50 (\u00B0C),conv\nNi/MgO,400,300,12\n";
  const auto beside = deliver(text);
  ASSERT_TRUE(beside.ok()) << beside.error().to_string();
  EXPECT_EQ(beside->rows.front().conditions.at("temperature_C"), 400.0);
}

TEST(Misreadings, OfTwoTemperaturesTheOtherCanBeIgnored) {
  const std::string text = "Catalyst,temperature (\u00B0C),T (\u00B0C),conv\nNi/MgO,400,300,12\n";
  EXPECT_THAT(question(text), HasSubstr("the header temperature_C over numbers in C"));
  for (const auto& [ignored, told] :
       {std::pair{"T (\u00B0C)", 400.0}, std::pair{"temperature (\u00B0C)", 300.0}}) {
    const auto rows = deliver(text, {ignored});
    ASSERT_TRUE(rows.ok()) << rows.error().to_string();
    EXPECT_EQ(rows->rows.front().conditions.at("temperature_C"), told);
  }
}

TEST(Misreadings, ThePressureInOtherWordsAndUnits) {
  for (const char* header : {"Pressure (MPa)", "p (MPa)", "P (MPa)", "Druck [MPa]",
                             "Pression (MPa)", "\u5727\u529B (MPa)", "p/MPa"}) {
    EXPECT_DOUBLE_EQ(condition(header, "2", "pressure_bar"), 20.0) << header;
  }
  EXPECT_EQ(condition("p/bar", "2", "pressure_bar"), 2.0);
  for (const char* header : {"pressure (psi)", "Pressure", "p (bar g)"}) {
    EXPECT_THAT(question(fmt::format("Catalyst,{},conv\nNi/MgO,400,12\n", header)),
                HasSubstr("pressure_bar"))
        << header;
  }
}

TEST(Misreadings, ConvertedNumbersHaveNoNoise) {
  const auto percent = convert_units("ppm", "%");
  ASSERT_TRUE(percent.ok());
  for (int number = 1; number <= 1000; ++number) {
    EXPECT_EQ((*percent)(number * 10'000.0), static_cast<double>(number));
  }
  EXPECT_EQ(convert_units("K", "\u00B0C").value()(673.15), 400.0);
}

}  // namespace
}  // namespace kasetsu::tables
