#include "core/base/names.h"

#include <gtest/gtest.h>

namespace kasetsu {
namespace {

enum class Color { red, green, blue };
constexpr auto kColorNames =
    name_table<Color>({{Color::red, "red"}, {Color::green, "leaf"}, {Color::blue, "blue"}});

TEST(NameTable, ReadsBackWhatItWrites) {
  for (const Color color : {Color::red, Color::green, Color::blue}) {
    EXPECT_EQ(kColorNames.from_name(kColorNames.to_name(color)), color);
  }
  static_assert(kColorNames.to_name(Color::green) == "leaf");
}

TEST(NameTable, UnknownNamesAndNumbersAreNothing) {
  EXPECT_FALSE(kColorNames.from_name("Red").has_value());
  EXPECT_FALSE(kColorNames.from_name("").has_value());
  EXPECT_EQ(kColorNames.to_name(static_cast<Color>(7)), "");
}

TEST(NameTable, ListsItsNamesForMessages) {
  EXPECT_EQ(kColorNames.choices(), "red, leaf or blue");
}

}  // namespace
}  // namespace kasetsu
