#include "core/base/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "core/base/random.h"

namespace kasetsu {
namespace {

TEST(ParseNumber, ReadsWholeDecimalNumbers) {
  EXPECT_EQ(parse_number("1"), 1.0);
  EXPECT_EQ(parse_number(" -1.50 "), -1.5);
  EXPECT_EQ(parse_number("+2e-3"), 2e-3);
  EXPECT_EQ(parse_number(".5"), 0.5);
  EXPECT_EQ(parse_number("1e-400"), 0.0);
  EXPECT_EQ(parse_number("-0." + std::string(400, '0') + "1e5"), 0.0);
  EXPECT_EQ(parse_number("1" + std::string(400, '0') + "e-399"), 10.0);
}

TEST(ParseNumber, RefusesEverythingElse) {
  for (const char* text : {"", " ", "abc", "1,5", "1.5x", "0x10", "nan", "NaN", "inf", "-inf",
                           "1e400", "1 2", "--1", "+-1", "+", "-", "1e", "٣"}) {
    EXPECT_FALSE(parse_number(text).has_value()) << text;
  }
  // Too large, whatever the sign of the exponent.
  for (const char* tail : {"", ".5", "e-1", "e+1", "e-90", "e99999999999999999999"}) {
    EXPECT_FALSE(parse_number("1" + std::string(400, '0') + tail).has_value()) << tail;
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

// Half of the longer one's letters may be wrong: whatever was done to it, a name is found.
TEST(NearestNames, ANameIsFoundAfterAnyFewEdits) {
  Random random(11);
  const auto letter = [&] { return "abcdefAB"[random.below(8)]; };
  int found = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string name(3 + random.below(12), ' ');
    for (char& c : name) c = letter();
    std::string wrong = name;
    const std::uint64_t edits = 1 + random.below(6);
    for (std::uint64_t edit = 0; edit < edits && wrong.size() > 1; ++edit) {
      const std::size_t at = random.below(wrong.size() - 1);
      // Letters that changed places and were changed otherwise too count as more mistakes.
      switch (random.below(edits == 1 ? 4 : 3)) {
        case 0:
          wrong.insert(at, 1, letter());
          break;
        case 1:
          wrong.erase(at, 1);
          break;
        case 2:
          wrong[at] = letter();
          break;
        default:
          std::swap(wrong[at], wrong[at + 1]);
      }
    }
    if (2 * edits > std::max(wrong.size(), name.size())) continue;
    ++found;
    EXPECT_EQ(nearest_names(wrong, std::vector<std::string>{name}, 1), std::vector{name}) << wrong;
  }
  EXPECT_GT(found, 1000);
}

TEST(JoinOr, ReadsAsASentence) {
  EXPECT_EQ(join_or(std::vector<std::string>{}), "");
  EXPECT_EQ(join_or(std::vector<std::string>{"a"}), "a");
  EXPECT_EQ(join_or(std::vector<std::string>{"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace kasetsu
