#include "core/chemistry/composition_rules.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/element.h"

namespace kasetsu::chemistry {
namespace {

using ::testing::HasSubstr;

struct Amount {
  const char* symbol;
  double amount;
  const char* unit = "";
};

Result<BroughtAmounts> bring(const std::vector<Amount>& told, bool supported,
                             const CompositionRules& rules,
                             AmountsKind kind = AmountsKind::numbers) {
  std::vector<ElementAmount> amounts;
  for (const Amount& one : told) {
    amounts.push_back({*atomic_number(one.symbol), one.amount, one.unit});
  }
  return bring_amounts(amounts, kind, supported, rules);
}

// The key of the amounts, or what is wrong with them.
std::string key_of(const std::vector<Amount>& told, bool supported, const CompositionRules& rules,
                   AmountsKind kind = AmountsKind::numbers) {
  const auto brought = bring(told, supported, rules, kind);
  if (!brought.ok()) return brought.error().to_string();
  Catalyst catalyst;
  catalyst.active = brought->active;
  return canonical_key(catalyst);
}

CompositionRules with(Basis basis, double total = 0.0) {
  CompositionRules rules;
  rules.basis = basis;
  rules.plain_names_are_amounts = false;
  rules.total = total;
  return rules;
}

// A simplex of ten steps.
CompositionRules simplex() {
  CompositionRules rules;
  rules.total = 1.0;
  rules.grids = {{0.1, {}, {}}};
  return rules;
}

// Kind 5.
TEST(BringAmounts, PercentAndRatiosComeToTheTotalWhateverTheirRounding) {
  const auto rules = simplex();
  EXPECT_EQ(key_of({{"Ag", 50}, {"Pd", 50}}, false, rules, AmountsKind::ratios), "Ag:0.5;Pd:0.5");
  for (const double silver : {19.99, 20.0, 20.01, 20.04}) {
    EXPECT_EQ(key_of({{"Ag", silver}, {"Pd", 80}}, false, rules), "Ag:0.2;Pd:0.8") << silver;
  }
  EXPECT_EQ(key_of({{"Ag", 0.2001}, {"Pd", 0.7998}}, false, rules), "Ag:0.2;Pd:0.8");
  EXPECT_EQ(key_of({{"Ag", 20, "at%"}, {"Pd", 80, "at%"}}, false, rules), "Ag:0.2;Pd:0.8");
  EXPECT_THAT(key_of({{"Ag", 2}, {"Pd", 8}}, false, rules),
              HasSubstr("sum to 10, and the campaign's total is 1"));
  EXPECT_EQ(key_of({{"Ag", 2}, {"Pd", 8}}, false, rules, AmountsKind::ratios), "Ag:0.2;Pd:0.8");
  CompositionRules percent = with(Basis::mole_fraction, 100.0);
  EXPECT_EQ(percent.unit(), "mol%");
  for (const auto& [a, b] : {std::pair{0.25, 0.75}, {25.0, 75.0}}) {
    EXPECT_EQ(key_of({{"Ag", a}, {"Pd", b}}, false, percent), "Ag:25;Pd:75");
  }
  EXPECT_EQ(key_of({{"Ag", 0.25, "mol/mol"}, {"Pd", 0.75, "mol/mol"}}, false, percent),
            "Ag:25;Pd:75");
}

TEST(BringAmounts, OffTheGridTheyStayAndNearItTheyAreItsPoint) {
  CompositionRules rules = simplex();
  EXPECT_EQ(key_of({{"Ag", 0.205}, {"Pd", 0.795}}, false, rules), "Ag:0.205;Pd:0.795");
  rules.tolerance = 0.01;
  EXPECT_EQ(key_of({{"Ag", 0.205}, {"Pd", 0.795}}, false, rules), "Ag:0.2;Pd:0.8");
  EXPECT_EQ(key_of({{"Ag", 20.5}, {"Pd", 79.46}, {"Fe", 0.04}}, false, rules), "Ag:0.2;Pd:0.8")
      << "below rounding";
  EXPECT_EQ(key_of({{"Ag", 0.205}, {"Pd", 0.787}, {"Fe", 0.008}}, false, rules),
            "Ag:0.205;Fe:0.008;Pd:0.787")
      << "an element that was put in makes another catalyst";
  EXPECT_EQ(key_of({{"Ag", 0.22}, {"Pd", 0.78}}, false, rules), "Ag:0.22;Pd:0.78");
  EXPECT_TRUE(bring({{"Ag", 0.205}, {"Pd", 0.795}}, false, rules)->changed);
  EXPECT_FALSE(bring({{"Ag", 0.2}, {"Pd", 0.8}}, false, rules)->changed);
  CompositionRules levels = with(Basis::wt_percent_of_catalyst);
  levels.tolerance = 0.2;
  levels.grids = {{0.0, {1.0, 2.0, 5.0}, {}}};
  EXPECT_EQ(key_of({{"Ni", 4.9}, {"Mg", 2.13}, {"Na", 1e-4}}, true, levels), "Mg:2;Ni:5");
  EXPECT_EQ(key_of({{"Ni", 5.0}, {"K", 0.2}}, true, levels), "K:0.2;Ni:5") << "a promoter";
  EXPECT_EQ(key_of({{"Ni", 5.0}, {"K", 0.85}}, true, levels), "K:1;Ni:5");
  EXPECT_EQ(key_of({{"Ni", 4.5}}, true, levels), "Ni:4.5");
  CompositionRules points = with(Basis::atomic_ratio);
  points.tolerance = 0.05;
  Composition listed;
  listed.add(57, 0.6);
  listed.add(38, 0.4);
  points.grids = {{0.0, {}, {listed}}};
  EXPECT_EQ(key_of({{"La", 0.58}, {"Sr", 0.42}}, false, points), "La:0.6;Sr:0.4");
  EXPECT_EQ(key_of({{"La", 0.58}, {"Sr", 0.40}, {"Ce", 0.02}}, false, points),
            "Ce:0.02;La:0.58;Sr:0.4");
}

TEST(BringAmounts, WeightsOfAWholeCatalystAreABasisLikeAnyOther) {
  const std::vector<Amount> told = {{"Cu", 60, "wt%"}, {"Zn", 30, "wt%"}, {"Al", 10, "wt%"}};
  EXPECT_EQ(key_of(told, false, with(Basis::wt_percent_of_catalyst)), "Al:10;Cu:60;Zn:30");
  EXPECT_EQ(key_of({{"Cu", 0.6, "g/g"}, {"Zn", 0.3, "g/g"}, {"Al", 0.1, "g/g"}}, false,
                   with(Basis::wt_percent_of_catalyst)),
            "Al:10;Cu:60;Zn:30");
  EXPECT_EQ(key_of({{"Cu", 6, "g"}, {"Zn", 3, "g"}, {"Al", 1, "g"}}, false,
                   with(Basis::wt_percent_of_catalyst)),
            "Al:10;Cu:60;Zn:30");
  // By hand: 60/63.546, 30/65.38 and 10/26.982 mol.
  const auto shares = bring(told, false, with(Basis::mole_fraction));
  ASSERT_TRUE(shares.ok()) << shares.error().to_string();
  const double moles = 60 / 63.546 + 30 / 65.38 + 10 / 26.982;
  EXPECT_NEAR(shares->active.amount(29), 60 / 63.546 / moles, 1e-4);
  EXPECT_THAT(key_of({{"Cu", 60, "wt%"}, {"Zn", 20, "wt%"}}, false, with(Basis::mole_fraction)),
              HasSubstr("do not sum to the whole"));
  // A campaign without a basis: the same by every door.
  EXPECT_NEAR(bring(told, false, {})->active.total(), 100.0, 1e-9);
}

TEST(BringAmounts, LoadingsOnASupportAreConverted) {
  const double nickel = 0.05 / 58.693 / 0.95 * 1e3;
  for (const CompositionRules& rules : {CompositionRules(), with(Basis::mmol_per_g_support)}) {
    const auto loading = bring({{"Ni", 5, "wt%"}}, true, rules);
    ASSERT_TRUE(loading.ok());
    EXPECT_NEAR(loading->active.amount(28), nickel, 1e-4);
    EXPECT_TRUE(loading->changed);
    EXPECT_EQ(key_of({{"Ni", 0.37, "mmol/g"}}, true, rules), "Ni:0.37");
    EXPECT_EQ(key_of({{"Ni", 370, "umol/g"}}, true, rules), "Ni:0.37");
    EXPECT_EQ(key_of({{"Ni", 0.00037, "mol"}}, true, rules), "Ni:0.37");
    EXPECT_THAT(key_of({{"Ni", 37, "mol/g"}}, true, rules), HasSubstr("mol or mmol?"));
    EXPECT_THAT(key_of({{"Ni", 5, "furlongs"}}, true, rules), HasSubstr("unknown unit"));
    EXPECT_THAT(key_of({{"Ni", 1, "mmol/g"}, {"Mg", 5, "at%"}}, true, rules),
                HasSubstr("different units"));
  }
  const auto rules = with(Basis::wt_percent_of_catalyst);
  EXPECT_EQ(key_of({{"Ni", nickel, "mmol/g"}}, true, rules), "Ni:5");
  EXPECT_EQ(key_of({{"Ni", 5}, {"Mg", 2}}, true, rules), "Mg:2;Ni:5");
  EXPECT_THAT(key_of({{"Ni", 5, "%"}}, true, rules), HasSubstr("percent of what"));
  EXPECT_THAT(key_of({{"Ni", 50, "at%"}, {"Mg", 50, "at%"}}, true, rules),
              HasSubstr("ratios do not tell how much is on the support"));
  EXPECT_THAT(key_of({{"Ni", 1}}, true, rules, AmountsKind::ratios),
              HasSubstr("ratios do not tell"));
}

// Keys have nine digits: an export of what was converted is converted back to what it was.
TEST(BringAmounts, LoadingsComeBackFromKeysAsTheyWere) {
  const auto percents = with(Basis::wt_percent_of_catalyst);
  const auto told = [](double nickel, double other, const char* unit) {
    return std::vector<Amount>{{"Ni", nickel, unit}, {"Pt", other, unit}};
  };
  for (const double percent : {0.1, 0.33, 1.0, 2.5, 5.0, 10.0, 12.345, 20.0, 45.0}) {
    for (const CompositionRules& middle : {CompositionRules(), with(Basis::mmol_per_g_support)}) {
      const auto moles = bring(told(percent, 0.7, "wt%"), true, middle);
      ASSERT_TRUE(moles.ok());
      const auto nine = [&](int element) {
        return *parse_number(fmt::format("{:.9g}", moles->active.amount(element)));
      };
      EXPECT_EQ(key_of(told(nine(28), nine(78), "mmol/g"), true, percents),
                key_of(told(percent, 0.7, "wt%"), true, percents));
    }
  }
}

// Kind 28.
TEST(BringAmounts, SharesFillSlots) {
  CompositionRules rules;
  rules.slots = 3;
  EXPECT_EQ(key_of({{"Li", 33.3}, {"Na", 33.3}, {"W", 33.3}}, true, rules), "Li:1;Na:1;W:1");
  EXPECT_EQ(key_of({{"Li", 33.4, "mol%"}, {"Na", 33.3, "mol%"}, {"W", 33.3, "mol%"}}, true, rules),
            "Li:1;Na:1;W:1");
  EXPECT_EQ(key_of({{"Li", 66.7}, {"Na", 33.3}}, true, rules), "Li:2;Na:1");
  EXPECT_EQ(key_of({{"Li", 0.5}, {"Na", 0.5}}, true, rules), "Li:1;Na:1");
  EXPECT_EQ(key_of({{"Li", 100}}, true, rules), "Li:1");
  EXPECT_EQ(key_of({{"Li", 3}}, true, rules), "Li:3") << "three slots were told";
  EXPECT_EQ(key_of({{"Li", 1}}, true, rules), "Li:1");
  for (const double sum : {1.0, 5.0, 10.0, 100.0}) {
    EXPECT_EQ(key_of({{"Li", 0.6 * sum}, {"Na", 0.4 * sum}}, true, rules), "Li:3;Na:2") << sum;
  }
  EXPECT_EQ(key_of({{"Li", 0.61}, {"Na", 0.39}}, true, rules), "Li:0.61;Na:0.39")
      << "counts beyond the slots must be exact, and few";
  EXPECT_EQ(key_of({{"Mn", 0.37, "mmol/g"}, {"Na", 0.74, "mmol/g"}}, true, rules),
            "Mn:0.37;Na:0.74")
      << "a loading is more than a ratio";
}

// Kind 3.
TEST(BringAmounts, OxygenIsCountedOrDropped) {
  CompositionRules rules = simplex();
  const std::vector<Amount> metals = {{"La", 0.3}, {"Sr", 0.2}, {"Co", 0.5}};
  std::vector<Amount> oxide = metals;
  oxide.push_back({"O", 1.5});
  EXPECT_EQ(key_of(oxide, false, rules), key_of(metals, false, rules));
  EXPECT_NEAR(bring(oxide, false, rules)->dropped_oxygen.value(), 1.5, 1e-12);
  EXPECT_EQ(key_of({{"La", 12}, {"Sr", 8}, {"Co", 20}, {"O", 60}}, false, rules),
            key_of(metals, false, rules))
      << "atomic percent with oxygen";
  EXPECT_EQ(
      key_of({{"Cu", 79.9, "wt%"}, {"O", 20.1, "wt%"}}, false, with(Basis::wt_percent_of_catalyst)),
      "Cu:100");
  rules.count_oxygen = true;
  EXPECT_EQ(key_of({{"Ti", 0.3}, {"O", 0.7}}, false, rules), "O:0.7;Ti:0.3");
}

TEST(CompositionRules, RefuseTotalsThatTheBasisCannotHave) {
  EXPECT_TRUE(with(Basis::mole_fraction, 100.0).validate().ok());
  EXPECT_TRUE(with(Basis::wt_percent_of_catalyst, 10.0).validate().ok());
  EXPECT_FALSE(with(Basis::mole_fraction, 10.0).validate().ok());
  EXPECT_FALSE(with(Basis::wt_percent_of_catalyst, 101.0).validate().ok());
  EXPECT_FALSE(with(Basis::mass_fraction, 100.0).validate().ok());
  CompositionRules slots = with(Basis::mole_fraction);
  slots.slots = 3;
  EXPECT_FALSE(slots.validate().ok());
  CompositionRules negative;
  negative.tolerance = -1.0;
  EXPECT_FALSE(negative.validate().ok());
}

}  // namespace
}  // namespace kasetsu::chemistry
