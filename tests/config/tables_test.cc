// The tables that the project brings are read by the program as they are committed.
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <sstream>
#include <string>

#include "core/chemistry/catalyst.h"
#include "core/chemistry/element.h"
#include "core/chemistry/element_table.h"
#include "tests/shared_data.h"

namespace kasetsu::chemistry {
namespace {

std::string content(const std::string& name) {
  return testing::read_file(testing::source_file("config/elements/" + name));
}

TEST(GeneralTable, HasEveryElementToPlutoniumAndNoGap) {
  const Result<ElementTable> table = ElementTable::from_csv(content("general.csv"), "general.csv");
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  EXPECT_GE(table->properties().size(), 40U);
  ASSERT_EQ(table->elements().size(), 94U);
  for (const int element : table->elements()) {
    for (std::size_t property = 0; property < table->properties().size(); ++property) {
      EXPECT_TRUE(std::isfinite(table->value(element, property)))
          << element_symbol(element) << " " << table->properties()[property];
    }
  }
}

TEST(GeneralTable, CoversTheElementsOverWhichDescriptorsAreNormalised) {
  const Result<ElementTable> table = ElementTable::from_csv(content("general.csv"), "general.csv");
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  for (std::size_t property = 0; property < table->properties().size(); ++property) {
    std::set<double> values;
    for (const int element : afe65_elements()) {
      ASSERT_TRUE(table->has(element)) << element_symbol(element);
      values.insert(table->value(element, property));
    }
    EXPECT_GT(values.size(), 1U) << table->properties()[property] << " does not vary";
  }
}

TEST(SupportTable, ReadsEverySupport) {
  const std::string text = content("supports.csv");
  const Result<SupportTable> table = SupportTable::from_csv(text, "supports.csv");
  ASSERT_TRUE(table.ok()) << table.error().to_string();
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  int seen = 0;
  while (std::getline(lines, line)) {
    const std::size_t first = line.find(',');
    const std::size_t second = line.find(',', first + 1);
    const Result<Composition> by_name = table->formula(line.substr(0, first));
    const Result<Composition> by_formula =
        parse_formula(line.substr(first + 1, second - first - 1));
    ASSERT_TRUE(by_name.ok()) << line;
    ASSERT_TRUE(by_formula.ok()) << line;
    EXPECT_EQ(*by_name, *by_formula) << line;
    ++seen;
  }
  EXPECT_GE(seen, 40);
  // A name of the table goes before the formula that it could be read as.
  EXPECT_EQ(table->formula("AC").value().parts().front().element, 6);
}

}  // namespace
}  // namespace kasetsu::chemistry
