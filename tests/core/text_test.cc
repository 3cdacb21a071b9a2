#include "core/text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "core/random.h"

namespace kasetsu {
namespace {

TEST(ParseNumber, ReadsWholeDecimalNumbers) {
  EXPECT_EQ(parse_number("1"), 1.0);
  EXPECT_EQ(parse_number(" -1.50 "), -1.5);
  EXPECT_EQ(parse_number("+2e-3"), 2e-3);
  EXPECT_EQ(parse_number(".5"), 0.5);
  EXPECT_EQ(parse_number("1e-400"), 0.0);
}

TEST(ParseNumber, RefusesEverythingElse) {
  for (const char* text : {"", " ", "abc", "1,5", "1.5x", "0x10", "nan", "NaN", "inf", "-inf",
                           "1e400", "1 2", "--1", "+-1", "+", "-", "1e", "٣"}) {
    EXPECT_FALSE(parse_number(text).has_value()) << text;
  }
}

TEST(FormatNumber, ParsesBackToTheSameBits) {
  Random random(7);
  for (int i = 0; i < 10000; ++i) {
    const double value = std::bit_cast<double>(random.next());
    if (!std::isfinite(value) || std::abs(value) < 1e-300) continue;
    ASSERT_EQ(parse_number(format_number(value)), value);
  }
}

TEST(NearestNames, PutsTheLikelyOneFirst) {
  const std::vector<std::string> names = {"Cs", "Co", "temperature", "Cu"};
  EXPECT_EQ(nearest_names("co", names, 1), std::vector<std::string>{"Co"});
  EXPECT_EQ(nearest_names("temprature", names, 2), std::vector<std::string>{"temperature"});
  // Two letters that changed places are one mistake.
  EXPECT_EQ(nearest_names("fti", std::vector<std::string>{"loo", "fit"}, 1),
            std::vector<std::string>{"fit"});
  EXPECT_TRUE(nearest_names("pressure_of_gas", std::vector<std::string>{"x"}).empty());
}

TEST(JoinOr, ReadsAsASentence) {
  EXPECT_EQ(join_or(std::vector<std::string>{}), "");
  EXPECT_EQ(join_or(std::vector<std::string>{"a"}), "a");
  EXPECT_EQ(join_or(std::vector<std::string>{"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace kasetsu
