#include "core/chemistry/element_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/chemistry/element.h"
#include "tests/shared_data.h"

namespace kasetsu::chemistry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(std::string_view text) {
  const Result<ElementTable> table = ElementTable::from_csv(text, "t.csv");
  EXPECT_FALSE(table.ok()) << text;
  if (table.ok()) return "";
  EXPECT_EQ(table.error().code, ErrorCode::bad_data);
  return table.error().to_string();
}

TEST(ElementTable, ReadsNumbersGapsAndComments) {
  const Result<ElementTable> table = ElementTable::from_csv(
      "# compiled from facts\nsymbol,mass,boiling point\n# unit,u,K\nNa,22.99,\nLi,6.94,nan\n",
      "t.csv");
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_THAT(table->properties(), ElementsAre("mass", "boiling point"));
  EXPECT_THAT(table->elements(), ElementsAre(3, 11));
  EXPECT_TRUE(table->has(3));
  EXPECT_FALSE(table->has(4));
  EXPECT_FALSE(table->has(-1));
  EXPECT_FALSE(table->has(1000));
  EXPECT_EQ(table->value(3, 0), 6.94);
  EXPECT_TRUE(std::isnan(table->value(11, 1)));
}

TEST(ElementTable, FingerprintDependsOnContentAndNotOnTheOrderOfRows) {
  const auto fingerprint = [](std::string_view text) {
    return ElementTable::from_csv(text, "t.csv").value().fingerprint();
  };
  const std::string first = fingerprint("symbol,a,b\nLi,1,2\nNa,3,\n");
  EXPECT_EQ(first.size(), 16U);
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(first, fingerprint("symbol,a,b\r\nNa,3.0,nan\r\nLi,1,2\r\n"));
  EXPECT_NE(first, fingerprint("symbol,a,b\nLi,1,2\nNa,3,4\n"));
  EXPECT_NE(first, fingerprint("symbol,a,c\nLi,1,2\nNa,3,\n"));
  EXPECT_NE(first, fingerprint("symbol,a,b\nLi,1,2\nK,3,\n"));
  EXPECT_NE(first, fingerprint("symbol,b,a\nLi,2,1\nNa,,3\n"));
}

TEST(ElementTable, ErrorsNameFileLineColumnAndValue) {
  EXPECT_THAT(error_of("symbol,mass\nLi,abc\n"), HasSubstr("t.csv:2: column \"mass\""));
  EXPECT_THAT(error_of("symbol,mass\nLi,abc\n"), HasSubstr("\"abc\""));
  EXPECT_THAT(error_of("symbol,mass\nLi,inf\n"), HasSubstr("\"inf\""));
  EXPECT_THAT(error_of("symbol,mass\nLi,1\nXx,2\n"), HasSubstr("t.csv:3: column \"symbol\""));
  EXPECT_THAT(error_of("symbol,mass\nLi,1\nLi,2\n"), HasSubstr("t.csv:3"));
  EXPECT_THAT(error_of("symbol,mass\nLi,1,2\n"), HasSubstr("t.csv:2: the row has 3 cells"));
  EXPECT_THAT(error_of("element,mass\nLi,1\n"), HasSubstr("\"element\""));
  EXPECT_THAT(error_of("symbol,mass,mass\nLi,1,2\n"), HasSubstr("t.csv:1: column 3"));
  EXPECT_THAT(error_of("symbol,a|b\nLi,1\n"), HasSubstr("\"a|b\""));
  EXPECT_THAT(error_of("symbol,1/x\nLi,1\n"), HasSubstr("\"1/x\""));
  EXPECT_THAT(error_of("symbol,\nLi,1\n"), HasSubstr("column 2"));
  EXPECT_THAT(error_of("symbol\nLi\n"), HasSubstr("no property"));
  EXPECT_THAT(error_of("symbol,mass\n"), HasSubstr("no element"));
  EXPECT_THAT(error_of(""), HasSubstr("empty"));
  EXPECT_THAT(error_of("symbol,a\nLi,\"1\n"), HasSubstr("never closed"));
}

TEST(Afe65, AreSixtyFiveElements) {
  const std::vector<int>& elements = afe65_elements();
  EXPECT_EQ(std::set<int>(elements.begin(), elements.end()).size(), 65U);
}

TEST(Afe65, AreThoseOfTheirList) {
  KASETSU_NEEDS_SHARED_DATA("elements/afe_65_elements.txt");
  std::istringstream in(testing::read_file(testing::shared_data("elements/afe_65_elements.txt")));
  std::vector<int> listed;
  for (std::string symbol; in >> symbol;) listed.push_back(atomic_number(symbol).value());
  EXPECT_EQ(listed, afe65_elements());
}

TEST(ElementTable, ReadsXenonpysAndMagpiesTables) {
  KASETSU_NEEDS_SHARED_DATA("elements/xenonpy_elements_completed.csv");
  const auto load = [](const std::string& name) {
    return ElementTable::from_csv(testing::read_file(testing::shared_data("elements/" + name)),
                                  name);
  };
  const Result<ElementTable> xenonpy = load("xenonpy_elements_completed.csv");
  ASSERT_TRUE(xenonpy.ok()) << xenonpy.error().to_string();
  EXPECT_EQ(xenonpy->properties().size(), 58U);
  EXPECT_EQ(xenonpy->elements().size(), 94U);
  EXPECT_EQ(xenonpy->value(1, 0), 1.0);
  const Result<ElementTable> magpie = load("magpie22_matminer.csv");
  ASSERT_TRUE(magpie.ok()) << magpie.error().to_string();
  EXPECT_EQ(magpie->properties().size(), 22U);
  EXPECT_EQ(magpie->elements().size(), 118U);
}

}  // namespace
}  // namespace kasetsu::chemistry
