#include "core/chemistry/composition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/base/random.h"
#include "core/chemistry/element.h"

namespace kasetsu::chemistry {
namespace {

using ::testing::HasSubstr;

std::map<std::string, double> amounts(std::string_view text) {
  const Result<Composition> composition = parse_formula(text);
  EXPECT_TRUE(composition.ok()) << composition.error().to_string();
  std::map<std::string, double> out;
  if (!composition.ok()) return out;
  for (const auto& part : composition->parts()) {
    out[std::string(element_symbol(part.element))] = part.amount;
  }
  return out;
}

using Amounts = std::map<std::string, double>;

std::string error_of(std::string_view text) {
  const Result<Composition> composition = parse_formula(text);
  EXPECT_FALSE(composition.ok()) << text;
  if (composition.ok()) return "";
  EXPECT_EQ(composition.error().code, ErrorCode::bad_data);
  EXPECT_TRUE(composition.error().where.empty());
  return composition.error().to_string();
}

TEST(Element, SymbolsAndNumbersAreInverse) {
  for (int number = 1; number <= kLastAtomicNumber; ++number) {
    EXPECT_EQ(atomic_number(element_symbol(number)), number);
  }
  EXPECT_EQ(atomic_number("Li"), 3);
  EXPECT_EQ(atomic_number("Pu"), 94);
  for (const char* text : {"", "CO", "co", "X", "Xx", "Li ", "Lii", "1", "\xC3\xA9"}) {
    EXPECT_FALSE(atomic_number(text).has_value()) << text;
  }
}

TEST(Composition, AddsAndKeepsTheOrderOfTheTable) {
  Composition composition;
  composition.add(26, 1.0);
  composition.add(3, 0.5);
  composition.add(26, 0.25);
  composition.add(8, 0.0);
  ASSERT_EQ(composition.parts().size(), 2U);
  EXPECT_EQ(composition.parts()[0].element, 3);
  EXPECT_EQ(composition.amount(26), 1.25);
  EXPECT_EQ(composition.amount(8), 0.0);
  EXPECT_EQ(composition.total(), 1.75);
}

TEST(ParseFormula, ReadsPlainFormulas) {
  EXPECT_EQ(amounts("MgO"), (Amounts{{"Mg", 1}, {"O", 1}}));
  EXPECT_EQ(amounts("La0.5Sr0.5CoO3"), (Amounts{{"La", .5}, {"Sr", .5}, {"Co", 1}, {"O", 3}}));
  EXPECT_EQ(amounts("CO"), (Amounts{{"C", 1}, {"O", 1}}));
  EXPECT_EQ(amounts("Co"), (Amounts{{"Co", 1}}));
  EXPECT_EQ(amounts("Fe1e-1Co2E+1"), (Amounts{{"Fe", .1}, {"Co", 20}}));
  EXPECT_EQ(amounts("Fe2Er"), (Amounts{{"Fe", 2}, {"Er", 1}}));
  EXPECT_EQ(amounts("2Na2WO4"), (Amounts{{"Na", 4}, {"W", 2}, {"O", 8}}));
  EXPECT_EQ(amounts("0.371 Li"), (Amounts{{"Li", .371}}));
  EXPECT_EQ(amounts(" H2O "), (Amounts{{"H", 2}, {"O", 1}}));
  EXPECT_EQ(amounts("H\u2082O"), (Amounts{{"H", 2}, {"O", 1}}));
  EXPECT_EQ(amounts("La0Sr1"), (Amounts{{"Sr", 1}}));
}

TEST(ParseFormula, ReadsBrackets) {
  EXPECT_EQ(amounts("Ca10(PO4)6(OH)2"), (Amounts{{"Ca", 10}, {"P", 6}, {"O", 26}, {"H", 2}}));
  EXPECT_EQ(amounts("K4[Fe(CN)6]"), (Amounts{{"K", 4}, {"Fe", 1}, {"C", 6}, {"N", 6}}));
  EXPECT_EQ(amounts("[Fe(CN)6]"), (Amounts{{"Fe", 1}, {"C", 6}, {"N", 6}}));
  EXPECT_EQ(amounts("{Mg(OH)2}0.5"), (Amounts{{"Mg", .5}, {"O", 1}, {"H", 1}}));
}

TEST(ParseFormula, TellsHydratesFromDecimals) {
  const Amounts blue = {{"Cu", 1}, {"S", 1}, {"O", 9}, {"H", 10}};
  EXPECT_EQ(amounts("CuSO4.5H2O"), blue);
  EXPECT_EQ(amounts("CuSO4\u00B75H2O"), blue);
  EXPECT_EQ(amounts("CuSO4 \u00B7 5 H2O"), blue);
  EXPECT_EQ(amounts("CuSO4*5H2O"), blue);
  EXPECT_EQ(amounts("Ni(NO3)2.6H2O"), (Amounts{{"Ni", 1}, {"N", 2}, {"O", 12}, {"H", 12}}));
  EXPECT_EQ(amounts("CuSO4.H2O"), (Amounts{{"Cu", 1}, {"S", 1}, {"O", 5}, {"H", 2}}));
  EXPECT_EQ(amounts("CaSO4.0.5H2O"), (Amounts{{"Ca", 1}, {"S", 1}, {"O", 4.5}, {"H", 1}}));
  EXPECT_EQ(amounts("Al2O3.SiO2"), (Amounts{{"Al", 2}, {"O", 5}, {"Si", 1}}));
  // Anywhere but before water a dot between digits is a decimal point.
  EXPECT_EQ(amounts("La1.5Sr0.5"), (Amounts{{"La", 1.5}, {"Sr", .5}}));
  EXPECT_EQ(amounts("Cl2.5H2O1"), (Amounts{{"Cl", 2.5}, {"H", 2}, {"O", 1}}));
}

TEST(ParseFormula, NamesThePositionOfAnError) {
  EXPECT_THAT(error_of("LiXx2"), HasSubstr("unknown element Xx at character 3"));
  EXPECT_THAT(error_of("Feo"), HasSubstr("unknown element Feo at character 1"));
  EXPECT_THAT(error_of("fe"), HasSubstr("capital letter at character 1"));
  EXPECT_THAT(error_of("Mg(OH2"), HasSubstr("never closed at character 3"));
  EXPECT_THAT(error_of("Mg(OH]2"), HasSubstr("another kind at character 6"));
  EXPECT_THAT(error_of("MgO)"), HasSubstr("nothing opened at character 4"));
  EXPECT_THAT(error_of("Mg()2"), HasSubstr("character 4"));
  EXPECT_THAT(error_of("MgO-2"), HasSubstr("character 4"));
  EXPECT_THAT(error_of("H\u2082O?"), HasSubstr("character 4"));
  EXPECT_THAT(error_of("Na+"), HasSubstr("character 3"));
  EXPECT_THAT(error_of("MgO."), HasSubstr("character 5"));
  EXPECT_THAT(error_of("Mg O"), HasSubstr("character 4"));
  EXPECT_THAT(error_of("Fe1e999"), HasSubstr("character 3"));
}

TEST(ParseFormula, RefusesWhatIsNoFormula) {
  for (const char* text : {"", " ", "none", "5", "Li0", "Fe1e308Fe1e308", "2", "()", "Fe..O",
                           "1.2.3Fe", "Fe3-", "Fe,O", "Si_{n/2}", "\xff\xfe", "Fe(O.2H2O)"}) {
    EXPECT_FALSE(parse_formula(text).ok()) << text;
  }
  EXPECT_FALSE(parse_formula(std::string(100000, '(')).ok());
  EXPECT_FALSE(parse_formula(std::string(900, '(') + "H" + std::string(90, ')')).ok());
}

TEST(ToFormula, IsReadBackExactly) {
  Composition perovskite;
  perovskite.add(57, 0.5);
  perovskite.add(27, 1.0);
  perovskite.add(8, 3.0);
  EXPECT_EQ(to_formula(perovskite), "Co1La0.5O3");
  Random random(3);
  for (int round = 0; round < 5000; ++round) {
    Composition composition;
    for (std::size_t n = 1 + random.below(6); n > 0; --n) {
      double amount = 0.0;
      switch (random.below(4)) {
        case 0:
          amount = static_cast<double>(1 + random.below(20));
          break;
        case 1:
          amount = static_cast<double>(1 + random.below(99)) / 10.0;
          break;
        case 2:
          amount = random.uniform() * 1e-9;
          break;
        default:
          amount = random.uniform() * 1e22;
      }
      composition.add(1 + static_cast<int>(random.below(kLastAtomicNumber)), amount);
    }
    if (composition.empty()) continue;
    const Result<Composition> back = parse_formula(to_formula(composition));
    ASSERT_TRUE(back.ok()) << to_formula(composition);
    ASSERT_EQ(*back, composition) << to_formula(composition);
  }
}

TEST(ParseFormula, AnyTextGivesACompositionOrAnError) {
  Random random(5);
  constexpr std::string_view kAlphabet = "HOFeLi0123456789.()[]{}* e+-\xC2\xB7\xE2\x82\x82";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::size_t n = random.below(12); n > 0; --n)
      text += kAlphabet[random.below(kAlphabet.size())];
    const Result<Composition> composition = parse_formula(text);
    if (!composition.ok()) continue;
    ASSERT_FALSE(composition->empty()) << text;
    ASSERT_GT(composition->total(), 0.0) << text;
  }
}

}  // namespace
}  // namespace kasetsu::chemistry
