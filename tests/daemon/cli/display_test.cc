#include "daemon/cli/program/display.h"

#include <gmock/gmock.h>

#include "core/base/random.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/client.h"

namespace kasetsu::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Printable, WhatSteersATerminalIsWrittenOut) {
  EXPECT_EQ(printable("\x1b]0;x\x07\x1b[2J"), "\\u001b]0;x\\u0007\\u001b[2J");
  EXPECT_EQ(printable("a\rb\x7f\b"), "a\\u000db\\u007f\\u0008");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\u009b31m")
      << "one character that begins a sequence";
  EXPECT_EQ(printable("\x9B"
                      "31m"),
            "\\x9b31m")
      << "the same as a byte";
  EXPECT_EQ(printable("x\xE2\x80\xAEgpj.exe"), "x\\u202egpj.exe") << "right to left";
  EXPECT_EQ(printable("MgO\xE2\x80\x8B"), "MgO\\u200b") << "zero width";
  EXPECT_EQ(printable("\xE2\x81\xA6\xEF\xBB\xBF"), "\\u2066\\ufeff");
  EXPECT_EQ(printable("\xF3\xA0\x80\x81"), "\\udb40\\udc01") << "an invisible tag";
}

TEST(Printable, TextOfPeopleStays) {
  for (const std::string text : {"2Mn\xE2\x80\x93"
                                 "4Na2WO4/SiO\xE2\x82\x82",
                                 "\xE8\xA7\xA6\xE5\xAA\x92",
                                 "800 \xC2\xB0"
                                 "C",
                                 "\xCE\xB3-Al2O3", "a\n\tb", "\xF0\x9F\xA7\xAA"})
    EXPECT_EQ(printable(text), text);
  EXPECT_EQ(printable("a\n\tb", false), "a\\u000a\\u0009b") << "in a cell";
}

TEST(Printable, AnyBytesGiveTextWithoutControls) {
  Random random(5);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t n = random.below(8); n > 0; --n) text += static_cast<char>(random.below(256));
    const std::string shown = printable(text, false);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const auto byte = static_cast<unsigned char>(shown[i]);
      ASSERT_TRUE(byte >= 0x20 && byte != 0x7f);
      if (byte == 0xC2) {
        ASSERT_GE(static_cast<unsigned char>(shown[i + 1]), 0xA0);
      }
    }
    ASSERT_EQ(printable(shown, false), shown) << "once is enough";
  }
}

TEST(Display, NumbersAndTheirWords) {
  EXPECT_EQ(counted(1, "prediction"), "1 prediction");
  EXPECT_EQ(counted(0, "row"), "0 rows");
  EXPECT_EQ(counted(2, "hypothesis", "hypotheses"), "2 hypotheses");
  EXPECT_EQ(format_short(0.1 + 0.2), "0.3");
  EXPECT_EQ(format_seconds(125.0), "2 min 5 s");
}

TEST(Display, ATableIsAlignedAndItsCellsAreHarmless) {
  TextTable table({"id", "value"});
  table.add({"\xE8\xA7\xA6", "1.5"});
  table.add({"a\nb\x1b[2J", "-10"});
  const auto lines = table.lines();
  EXPECT_THAT(lines[2], HasSubstr("a\\u000ab\\u001b[2J"));
  EXPECT_THAT(lines[1], ::testing::EndsWith("  1.5")) << "numbers stand to the right";
}

TEST(Answers, NothingIsTakenForGranted) {
  const Json odd = Json::parse(R"([{"id": 1, "catalyst": "text"}, null, 7, {"id": {"x": [1]}}])");
  for (const Json& item : odd) {
    EXPECT_FALSE(field(item, "id").empty());
    EXPECT_EQ(catalyst_text(item), "-");
    EXPECT_TRUE(list_of(item, "rows").empty());
    EXPECT_TRUE(std::isnan(number_of(item, "value")));
  }
  EXPECT_EQ(table_of(odd, {{"id", "id"}, {"catalyst", "catalyst"}}).lines().size(), 5U);
}

TEST(Answers, JsonOfAHostileServerIsRefusedBeforeItOverflowsTheStack) {
  EXPECT_TRUE(read_json(std::string(1'000'000, '[')).is_discarded());
  EXPECT_TRUE(read_json(std::string(200, '[') + std::string(200, ']')).is_discarded());
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_TRUE(read_json(objects).is_discarded());
  EXPECT_EQ(read_json(R"({"text": "[[[[{{{{\"[["})")["text"], "[[[[{{{{\"[[");
}

TEST(Addresses, PartsAreEncoded) {
  EXPECT_EQ(address_of("a/b c"), "/v1/campaigns/a%2Fb%20c");
  EXPECT_EQ(query({{"state", "waiting"}, {"id", ""}, {"file_name", "a&b"}}),
            "?state=waiting&file_name=a%26b");
  EXPECT_EQ(query({{"id", ""}}), "");
}

}  // namespace
}  // namespace kasetsu::cli
