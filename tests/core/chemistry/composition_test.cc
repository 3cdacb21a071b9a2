#include "core/chemistry/composition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/base/random.h"
#include "core/chemistry/element.h"
#include "tests/fuzz/formula_reader.h"

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
  EXPECT_EQ(amounts("C1O1"), (Amounts{{"C", 1}, {"O", 1}}));
  EXPECT_EQ(amounts("Co"), (Amounts{{"Co", 1}}));
  EXPECT_EQ(amounts("Fe1e-1Co2E+1"), (Amounts{{"Fe", .1}, {"Co", 20}}));
  EXPECT_EQ(amounts("Fe2Er"), (Amounts{{"Fe", 2}, {"Er", 1}}));
  EXPECT_EQ(amounts("2(Na2WO4)"), (Amounts{{"Na", 4}, {"W", 2}, {"O", 8}}));
  EXPECT_EQ(amounts("3CaO\u00B7Al2O3"), (Amounts{{"Ca", 3}, {"Al", 2}, {"O", 6}}));
  EXPECT_EQ(amounts("Ba.5Sr.5CoO3"), (Amounts{{"Ba", .5}, {"Sr", .5}, {"Co", 1}, {"O", 3}}));
  EXPECT_EQ(amounts("La1.85Sr.15CuO4"), (Amounts{{"La", 1.85}, {"Sr", .15}, {"Cu", 1}, {"O", 4}}));
  EXPECT_EQ(amounts("Al0.25 Co1 Fe1 Ni1"), (Amounts{{"Al", .25}, {"Co", 1}, {"Fe", 1}, {"Ni", 1}}));
  EXPECT_EQ(amounts("Ni0.5\u00A0Fe0.5"), (Amounts{{"Ni", .5}, {"Fe", .5}}));
  EXPECT_EQ(amounts("\uFF2E\uFF49O"), (Amounts{{"Ni", 1}, {"O", 1}}));
  const Amounts perovskite = {{"La", .6}, {"Sr", .4}, {"Co", 1}, {"O", 3}};
  for (const char* text : {"La0.6Sr0.4CoO3-\u03B4", "La0.6Sr0.4CoO3\u2212\u03B4",
                           "La0.6Sr0.4CoO3\u00B1\u03B4", "La0.6Sr0.4CoO3-x", "La.6Sr.4CoO3-d"}) {
    EXPECT_EQ(amounts(text), perovskite) << text;
  }
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
  EXPECT_EQ(amounts("Ni(NO3)2.6(H2O)"), (Amounts{{"Ni", 1}, {"N", 2}, {"O", 12}, {"H", 12}}));
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
  EXPECT_THAT(error_of("Ni Al2O3"), HasSubstr("a space stands at character 3"));
  EXPECT_THAT(error_of("Zn0,35Cd0,65S"), HasSubstr("a comma stands at character 4"));
  EXPECT_THAT(error_of("Sm1Ba-1Cu3O6.94"), HasSubstr("a minus stands before an amount"));
  EXPECT_THAT(error_of("La1-xSrxCoO3"), HasSubstr("an amount that is not told"));
  EXPECT_THAT(error_of("Ce0\u00B78Zr0\u00B72O2"), HasSubstr("a middle dot between digits"));
  EXPECT_THAT(error_of("Cu1\u00B75Zn1"), HasSubstr("a middle dot between digits"));
  EXPECT_TRUE(parse_formula("NiCl2\u00B76H2O").ok());
  EXPECT_TRUE(parse_formula("Al2O3\u00B72SiO2").ok());
  EXPECT_THAT(error_of("15Ni5Ce"), HasSubstr("a number stands before several elements"));
  EXPECT_THAT(error_of("MnOx"), HasSubstr("the amount of oxygen is not told"));
  EXPECT_THAT(error_of("Al2O3.2SiO2"), HasSubstr("decimal point or the dot of an adduct"));
  EXPECT_THAT(error_of("Fe1e999"), HasSubstr("character 3"));
}

TEST(ParseFormula, RefusesWhatIsNoFormula) {
  for (const char* text : {"", " ", "none", "5", "Li0", "Fe1e308Fe1e308", "2", "()", "Fe..O",
                           "1.2.3Fe", "Fe3-", "Fe,O", "Si_{n/2}", "\xff\xfe", "Fe(O.2H2O)"}) {
    EXPECT_FALSE(parse_formula(text).ok()) << text;
  }
  EXPECT_FALSE(parse_formula(std::string(100000, '(')).ok());
  std::string deep(900, '(');
  deep.append("H").append(90, ')');
  EXPECT_FALSE(parse_formula(deep).ok());
}

TEST(ParseFormula, CapitalsThatReadInTwoWaysAreAskedAbout) {
  const std::map<std::string, std::string> meant = {
      {"NI", "Ni"},           {"SIO2", "SiO2"},
      {"CO3O4", "Co3O4"},     {"NIO", "NiO"},
      {"CO", "Co"},           {"SNO2", "SnO2"},
      {"CUO", "CuO"},         {"NICO2O4", "NiCo2O4"},
      {"LACOO3", "LaCoO3"},   {"LaCOO3", "LaCoO3"},
      {"CEO2", "CeO2"},       {"sio2", "SiO2"},
      {"Nio", "NiO"},         {"BIVO4", "BiVO4"},
      {"LaNIO3", "LaNiO3"},   {"CUZnO", "CuZnO"},
      {"NiCO2O4", "NiCo2O4"}, {"LiCOO2", "LiCoO2"},
      {"PBTiO3", "PbTiO3"},   {"La0.6Sr0.4CO0.2Fe0.8O3", "La0.6Sr0.4Co0.2Fe0.8O3"}};
  for (const auto& [written, right] : meant) EXPECT_THAT(error_of(written), HasSubstr(right));
  // These are what they are.
  for (const char* text : {"K2CO3", "KNO3", "H3PO4", "BN", "VOSO4", "KSCN", "WO3", "C3N4", "KOH",
                           "MgCO3", "Ni(CH3COO)2", "La2O2CO3", "Mg6Al2CO23H24", "CaMg(CO3)2",
                           "BiSI", "NiPB", "KHF2", "MoOS2"}) {
    EXPECT_TRUE(parse_formula(text).ok()) << text;
  }
}

// The same comparison that the fuzz target makes, on random formulas in the plain grammar: read to
// the same amounts, or refused because capitals or a dot read in two ways.
TEST(ParseFormula, AgreesWithAnIndependentReader) {
  Random random(7);
  int read = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    int open = 0;
    for (std::size_t n = 1 + random.below(6); n > 0; --n) {
      if (random.below(8) == 0) {
        text += '(';
        ++open;
      }
      text += element_symbol(1 + static_cast<int>(random.below(94)));
      if (random.below(3) > 0) text += std::to_string(1 + random.below(12));
      if (std::isdigit(static_cast<unsigned char>(text.back())) && random.below(4) == 0) {
        text += '.' + std::to_string(random.below(100));
      }
      if (open > 0 && random.below(2) == 0) {
        text += ')';
        --open;
        if (random.below(2) == 0) text += std::to_string(2 + random.below(5));
      }
    }
    for (; open > 0; --open) text += ')';
    const auto plain = testing::PlainFormulaReader::read(text);
    ASSERT_TRUE(plain.has_value()) << text;
    const auto formula = parse_formula(text);
    if (!formula.ok()) {
      const std::string& message = formula.error().message;
      ASSERT_TRUE(message.find("two ways") != std::string::npos ||
                  message.find("a dot that may be") != std::string::npos)
          << text << ": " << message;
      continue;
    }
    ++read;
    ASSERT_EQ(formula->parts().size(), plain->size()) << text;
    for (const auto& [element, amount] : *plain) {
      ASSERT_NEAR(formula->amount(element), amount, 1e-12 * amount) << text;
    }
  }
  EXPECT_GT(read, 15000);
}

TEST(ReadFormula, OxygenOfAnUnknownAmountIsLeftOut) {
  for (const char* text : {"MnOx", "MnOy", "MnO\u03B4", "MnO\u2093"}) {
    const auto formula = read_formula(text);
    ASSERT_TRUE(formula.ok()) << text;
    EXPECT_TRUE(formula->oxygen_unknown) << text;
    EXPECT_EQ(to_formula(formula->composition), "Mn1") << text;
  }
  EXPECT_FALSE(read_formula("Os")->oxygen_unknown);
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
