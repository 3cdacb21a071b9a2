#include "core/chemistry/basis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/chemistry/element.h"
#include "core/chemistry/weights.h"

namespace kasetsu::chemistry {
namespace {

using ::testing::HasSubstr;

Composition of(std::initializer_list<std::pair<const char*, double>> amounts) {
  Composition out;
  for (const auto& [symbol, amount] : amounts) out.add(*atomic_number(symbol), amount);
  return out;
}

double amount(const Composition& composition, const char* symbol) {
  return composition.amount(*atomic_number(symbol));
}

TEST(Basis, WeightPercentOnASupportIsMillimolesByGramOfSupport) {
  // 5 wt% Ni and 2 wt% Mg leave 0.93 g of support in a gram of catalyst.
  const auto loading = convert(of({{"Ni", 5}, {"Mg", 2}}), Basis::wt_percent_of_catalyst,
                               Basis::mmol_per_g_support, true);
  ASSERT_TRUE(loading.ok());
  EXPECT_NEAR(amount(*loading, "Ni"), 0.05 / 58.693 / 0.93 * 1e3, 1e-12);
  EXPECT_NEAR(amount(*loading, "Mg"), 0.02 / 24.305 / 0.93 * 1e3, 1e-12);
}

TEST(Basis, BulkCatalystsHaveNoSupport) {
  const auto ratio = convert(of({{"Cu", 60}, {"Zn", 30}, {"Al", 10}}),
                             Basis::wt_percent_of_catalyst, Basis::mole_fraction, false);
  ASSERT_TRUE(ratio.ok());
  EXPECT_NEAR(ratio->total(), 1.0, 1e-12);
  EXPECT_NEAR(amount(*ratio, "Cu") / amount(*ratio, "Zn"), 60 / 63.546 / (30 / 65.38), 1e-12);
  const auto whole = convert(of({{"Ag", 1}, {"Pd", 1}}), Basis::atomic_ratio,
                             Basis::wt_percent_of_catalyst, false);
  ASSERT_TRUE(whole.ok());
  EXPECT_NEAR(amount(*whole, "Ag"), 100 * 107.87 / (107.87 + 106.42), 1e-10);
}

TEST(Basis, EveryConversionGoesBackToWhereItCameFrom) {
  Random random(41);
  const Basis by_loading[] = {Basis::mass_fraction, Basis::wt_percent_of_catalyst,
                              Basis::mmol_per_g_support};
  const Basis of_bulk[] = {Basis::mass_fraction, Basis::wt_percent_of_catalyst,
                           Basis::mole_fraction};
  for (int round = 0; round < 3000; ++round) {
    const bool supported = random.below(2) == 0;
    const auto& bases = supported ? by_loading : of_bulk;
    Composition told;
    for (std::size_t n = 1 + random.below(4); n > 0; --n) {
      told.add(1 + static_cast<int>(random.below(94)), 0.01 + 0.2 * random.uniform());
    }
    const Basis from = bases[random.below(3)];
    const Basis to = bases[random.below(3)];
    if (!supported) {
      told = *scale_to_total(told, from == Basis::wt_percent_of_catalyst ? 100.0 : 1.0, true);
    }
    const auto there = convert(told, from, to, supported);
    ASSERT_TRUE(there.ok()) << there.error().to_string();
    const auto back = convert(*there, to, from, supported);
    ASSERT_TRUE(back.ok()) << back.error().to_string();
    EXPECT_LT(largest_difference(*back, told), 1e-11 * told.total());
  }
}

TEST(Basis, RefusesWhatIsNotTold) {
  const auto ratio = of({{"Ni", 1}, {"Mg", 1}});
  EXPECT_THAT(
      convert(ratio, Basis::atomic_ratio, Basis::mmol_per_g_support, true).error().to_string(),
      HasSubstr("ratios do not tell how much is on the support"));
  EXPECT_FALSE(convert(ratio, Basis::mmol_per_g_support, Basis::mole_fraction, false).ok());
  EXPECT_FALSE(convert(of({{"Ni", 60}, {"Mg", 45}}), Basis::wt_percent_of_catalyst,
                       Basis::mmol_per_g_support, true)
                   .ok());
  EXPECT_FALSE(convert(of({{"Ni", 60}, {"Mg", 20}}), Basis::wt_percent_of_catalyst,
                       Basis::mole_fraction, false)
                   .ok());
  EXPECT_FALSE(
      convert(of({{"Am", 100}}), Basis::wt_percent_of_catalyst, Basis::mole_fraction, false).ok());
}

TEST(ToldUnit, UnitsOfHeadersTellTheBasis) {
  const auto basis = [](const char* unit) { return told_unit(unit).value().basis; };
  for (const char* unit : {"wt%", "wt. %", "WT.%", "mass\u00A0%", "wt\uFF05", "(wt%)"}) {
    EXPECT_EQ(basis(unit), Basis::wt_percent_of_catalyst) << unit;
  }
  EXPECT_EQ(basis("mmol g-1"), Basis::mmol_per_g_support);
  EXPECT_EQ(basis("at.%"), Basis::mole_fraction);
  EXPECT_EQ(told_unit("at.%")->scale, 0.01);
  for (const char* unit : {"umol/g", "\u00B5mol/g", "\u03BCmol/g"}) {
    EXPECT_EQ(told_unit(unit).value().scale, 1e-3) << unit;
  }
  for (const char* unit : {"nominal wt%", "wt% (nominal)", "Nominal wt.-%", "wt%, nominal"}) {
    ASSERT_TRUE(told_unit(unit)) << unit;
    EXPECT_EQ(basis(unit), told_unit("wt%")->basis) << unit;
  }
  EXPECT_FALSE(told_unit("nominal"));
  EXPECT_TRUE(told_unit("mol")->weighed);
  EXPECT_FALSE(told_unit("mol/g")->weighed);
  EXPECT_FALSE(told_unit("%")) << "of what is not told";
  EXPECT_FALSE(told_unit("degC"));
}

TEST(ScaleToTotal, BringsPercentAndRoundingToTheTotal) {
  for (const double silver : {50.0, 49.99, 50.01, 49.9}) {
    const auto scaled = scale_to_total(of({{"Ag", silver}, {"Pd", 50}}), 1.0, false);
    ASSERT_TRUE(scaled.ok()) << silver;
    EXPECT_NEAR(scaled->total(), 1.0, 1e-12);
  }
  EXPECT_TRUE(scale_to_total(of({{"Ag", 0.333}, {"Pd", 0.666}}), 1.0, false).ok());
  EXPECT_TRUE(scale_to_total(of({{"Ag", 1}, {"Pd", 1}}), 1.0, true).ok()) << "a formula's ratios";
  const auto other = scale_to_total(of({{"Ag", 5}, {"Pd", 5}}), 1.0, false);
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().to_string(), HasSubstr("sum to 10, and the campaign's total is 1"));
}

TEST(NearestOnGrid, KeepsTheTotal) {
  const Composition measured = of({{"Ag", 0.205}, {"Pd", 0.795}});
  const Composition asked = nearest_on_grid(measured, 0.1);
  EXPECT_NEAR(amount(asked, "Ag"), 0.2, 1e-12);
  EXPECT_NEAR(amount(asked, "Pd"), 0.8, 1e-12);
  EXPECT_NEAR(largest_difference(measured, asked), 0.005, 1e-12);
  const Composition thirds =
      nearest_on_grid(of({{"Ag", 1.0 / 3}, {"Pd", 1.0 / 3}, {"Cu", 1.0 / 3}}), 0.1);
  EXPECT_NEAR(thirds.total(), 1.0, 1e-12);
}

}  // namespace
}  // namespace kasetsu::chemistry
