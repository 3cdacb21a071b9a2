#include "core/chemistry/names.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/base/random.h"

namespace kasetsu::chemistry {
namespace {

TEST(FoldName, WritesEverySpellingInOneWay) {
  for (const char* text : {"SiO2", "SiO\u2082", "SiO2\u00A0", " SiO2", "S\u200Bi\uFEFFO2",
                           "\uFF33\uFF49\uFF2F\uFF12", "SiO2\u3000", "Si\u00ADO2"}) {
    EXPECT_EQ(fold_name(text), "SiO2") << text;
  }
  for (const char* text :
       {"gamma-Al2O3", "\u03B3-Al2O3", "\u03B3\u2013Al\u2082O\u2083", "Gamma-Al2O3", "GAMMA Al2O3",
        "\u03B3Al2O3", "\u0393-Al2O3", "gamma\u2010Al2O3"}) {
    EXPECT_EQ(fold_name(text), "gamma-Al2O3") << text;
  }
  EXPECT_EQ(fold_name("sol\u2010gel,  900\u00A0\u00B0C"), "sol-gel, 900 \u00B0C");
  EXPECT_EQ(fold_name("K\u2044MgO"), "K/MgO");
  EXPECT_EQ(fold_name("\u03B2-SiC"), "beta-SiC");
  EXPECT_EQ(fold_name("zeolite beta"), "zeolite beta");
  EXPECT_EQ(fold_name("PIO2"), "PIO2") << "not pi";
  EXPECT_EQ(fold_name("\u89E6\u5A92"), "\u89E6\u5A92") << "what has no plain form stays";
  EXPECT_EQ(fold_name("a\xFFz"), "a\xFFz") << "bytes that are no UTF-8 stay";
}

TEST(FoldName, FoldingTwiceChangesNothing) {
  Random random(31);
  const std::vector<std::string> pieces = {
      "Si",     "O",     "2",     "\u2082", "\u00A0", "\u200B", "-",      "\u2013",
      "\u03B3", "gamma", "Alpha", " ",      "/",      "\u00B7", "\uFF0F", "\xE2\x82",
      "\xFF",   "MgO",   "delta", "\u03B4", "\t",     "z"};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::size_t n = random.below(8); n > 0; --n) text += pieces[random.below(pieces.size())];
    const std::string once = fold_name(text);
    ASSERT_EQ(fold_name(once), once) << text;
  }
}

TEST(WithUsualCapitals, PrefersSymbolsOfTwoLetters) {
  EXPECT_EQ(with_usual_capitals("NIO"), "NiO");
  EXPECT_EQ(with_usual_capitals("sio2"), "SiO2");
  EXPECT_EQ(with_usual_capitals("LACOO3"), "LaCoO3");
  EXPECT_EQ(with_usual_capitals("H3PO4"), "H3PO4") << "polonium is not meant";
  EXPECT_EQ(with_usual_capitals("QQ"), "");
}

}  // namespace
}  // namespace kasetsu::chemistry
