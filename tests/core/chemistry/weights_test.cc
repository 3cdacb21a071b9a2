#include "core/chemistry/weights.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/chemistry/element.h"
#include "core/chemistry/element_table.h"
#include "tests/shared_data.h"

namespace kasetsu::chemistry {
namespace {

double weight(std::string_view symbol) {
  return atomic_weight(*atomic_number(symbol)).value();
}

TEST(AtomicWeights, AreThoseOfIupac2021) {
  EXPECT_EQ(weight("H"), 1.008);
  EXPECT_EQ(weight("Ge"), 72.63) << "72.64 before 2009";
  EXPECT_EQ(weight("Mo"), 95.95) << "95.94 before 2013";
  EXPECT_EQ(weight("Se"), 78.971);
  EXPECT_EQ(weight("Zn"), 65.38);
  EXPECT_EQ(weight("Yb"), 173.05);
  EXPECT_EQ(weight("Pu"), 244.0);
  EXPECT_FALSE(atomic_weight(95).has_value());
  EXPECT_FALSE(atomic_weight(0).has_value());
}

// The table of properties keeps the weights that models were fingerprinted with; both must speak of
// the same elements.
TEST(AtomicWeights, AgreeWithThePropertyTableToOnePartInFiveHundred) {
  const auto table = ElementTable::from_csv(
      testing::read_file(testing::source_file("config/elements/general.csv")), "general.csv");
  ASSERT_TRUE(table.ok());
  const auto& names = table->properties();
  const auto column = static_cast<std::size_t>(
      std::find(names.begin(), names.end(), "atomic_weight") - names.begin());
  for (const int element : table->elements()) {
    const double known = table->value(element, column);
    if (element == 43 || element >= 84) continue;  // mass numbers of isotopes
    EXPECT_NEAR(*atomic_weight(element) / known, 1.0, 2e-3) << element_symbol(element);
  }
}

}  // namespace
}  // namespace kasetsu::chemistry
