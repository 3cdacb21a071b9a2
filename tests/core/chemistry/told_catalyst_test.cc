#include "core/chemistry/told_catalyst.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/base/random.h"
#include "core/chemistry/element.h"

namespace kasetsu::chemistry {
namespace {

using ::testing::HasSubstr;

SupportTable supports() {
  return SupportTable::from_csv(
             "support_name,formula,source\nZSM-5,NaAlSi45O92,x\ngamma-Al2O3,Al2O3,x\n", "s.csv")
      .value();
}

std::string key_of(const ToldCatalyst& told, const CompositionRules& rules = {}) {
  const auto made = make_catalyst(told, supports(), rules);
  return made.ok() ? canonical_key(made->catalyst) : made.error().to_string();
}

ToldCatalyst named(std::string name) {
  ToldCatalyst told;
  told.name = std::move(name);
  return told;
}

CompositionRules loading() {
  CompositionRules rules;
  rules.basis = Basis::wt_percent_of_catalyst;
  rules.plain_names_are_amounts = false;
  return rules;
}

TEST(MakeCatalyst, OxygenIsCountedOrDroppedAsTheCampaignSays) {
  CompositionRules counted;
  counted.count_oxygen = true;
  EXPECT_EQ(key_of(named("YBa2Cu3O6.94"), counted), "Ba:2;Cu:3;O:6.94;Y:1");
  EXPECT_EQ(key_of(named("YBa2Cu3O6.94")), "Ba:2;Cu:3;Y:1");
  EXPECT_THAT(key_of(named("MnOx"), counted), HasSubstr("the campaign counts it"));
  CompositionRules supported;
  supported.supports = {"TiO2", "MgO"};
  for (const char* text : {"TiO2", "TiO\u2082", "tio2", "O2Ti", " TiO2\u00A0"}) {
    EXPECT_EQ(key_of(named(text), supported), "-/TiO2") << text;
    ToldCatalyst formula;
    formula.formula = text;
    EXPECT_EQ(key_of(formula, supported), "-/TiO2") << text;
  }
  EXPECT_EQ(key_of(named("CeO2"), supported), "Ce:1");
  EXPECT_EQ(key_of(named("TiO2")), "Ti:1");
}

// Kind 4: the campaign's supports have one spelling, whatever order and digits a row has.
TEST(MakeCatalyst, SupportsOfTheCampaignAreKnownInOtherSpellings) {
  CompositionRules rules;
  rules.supports = {"Ce0.8Zr0.2O2", "H-ZSM-5", "MgO"};
  const SupportTable table = SupportTable::from_csv(
                                 "support_name,formula,source\nH-ZSM-5,HAlSi45O92,x\n"
                                 "HZSM-5,HAlSi45O92,x\n",
                                 "s.csv")
                                 .value();
  const auto key = [&](std::string support) {
    ToldCatalyst told;
    told.slots = {"Li"};
    told.support = std::move(support);
    const auto made = make_catalyst(told, table, rules);
    return made.ok() ? canonical_key(made->catalyst) : made.error().to_string();
  };
  for (const char* text : {"Ce0.80Zr0.20O2", "Zr0.2Ce0.8O2", "Ce.8Zr.2O2", "Ce0.8Zr0.2O2"}) {
    EXPECT_EQ(key(text), "Li:1/Ce0.8Zr0.2O2") << text;
  }
  for (const char* text : {"HZSM-5", "H-ZSM-5", "h-zsm-5", "H\u2011ZSM\u20115"}) {
    EXPECT_EQ(key(text), "Li:1/H-ZSM-5") << text;
  }
  EXPECT_EQ(key("Ce0.5Zr0.5O2"), "Li:1/Ce0.5Zr0.5O2");
}

// Kind 2: a support without its slash may be an active part.
TEST(MakeCatalyst, ASupportBehindAHyphenIsAskedAbout) {
  CompositionRules rules;
  rules.supports = {"MgO", "SiO2"};
  for (const char* text : {"Li-MgO", "Li\u2013MgO", "Mn-Na2WO4-SiO2", "Li+MgO"}) {
    EXPECT_THAT(key_of(named(text), rules), HasSubstr("no slash stands before it")) << text;
  }
  EXPECT_THAT(key_of(named("Li-Na-MgO"), rules), HasSubstr("Li-Na/MgO"));
  EXPECT_EQ(key_of(named("Li-MgO/SiO2"), rules), "Li:1;Mg:1/SiO2");
  EXPECT_EQ(key_of(named("Cu-ZnO-Al2O3"), rules), "Al:2;Cu:1;Zn:1");
}

// Kind 2: what has no number is the balance, or one: that is not guessed.
TEST(MakeCatalyst, NumbersBeforeSomePartsOnlyAreRefused) {
  for (const char* text : {"Ti-6Al-4V", "Ni-50Al", "Fe-18Cr-8Ni", "5Ni-Mg/Al2O3"}) {
    EXPECT_THAT(key_of(named(text)), HasSubstr("others have none")) << text;
  }
  CompositionRules slots;
  slots.slots = 3;
  EXPECT_EQ(key_of(named("2Mn-Na/MgO"), slots), "Mn:2;Na:1/MgO");
  EXPECT_THAT(key_of(named("5Mn-Na/MgO"), slots), HasSubstr("others have none"));
}

// Kind 1: a program's word for no number is no sodium nitride.
TEST(MakeCatalyst, NotANumberIsNoCatalyst) {
  for (const char* text : {"NaN", "nan", "NaN/SiO2", "Na2WO4-NaN/SiO2", "NAN/MgO"}) {
    EXPECT_THAT(key_of(named(text)), HasSubstr("not a number")) << text;
  }
  ToldCatalyst slots;
  slots.slots = {"Li", "NaN"};
  EXPECT_THAT(key_of(slots), HasSubstr("not a number"));
  EXPECT_EQ(key_of(named("Na3N/MgO")), "N:1;Na:3/MgO");
}

// What a unit's scale or a sum would take out of a double is refused as it is told.
TEST(MakeCatalyst, AmountsOutOfAnyRangeAreRefused) {
  const auto told = [](double amount, const char* unit, const char* support) {
    ToldCatalyst catalyst;
    catalyst.amounts = {{"Li", amount, unit}, {"K", amount, unit}};
    catalyst.support = support;
    return catalyst;
  };
  CompositionRules fractions;
  fractions.basis = Basis::mole_fraction;
  for (const CompositionRules& rules : {CompositionRules(), loading(), fractions}) {
    for (const char* unit : {"", "mol/g", "wt%", "g", "mol%"}) {
      for (const char* support : {"", "MgO"}) {
        for (const double amount : {1e306, 1.7e308, 1e31, 1e-31, 1e-320}) {
          EXPECT_THAT(key_of(told(amount, unit, support), rules), HasSubstr("out of any range"))
              << amount << unit << support;
        }
      }
    }
  }
  for (const char* name :
       {"Li1e31", "(Li1e20)1e20", "Li1e-40/MgO", "K1e300/MgO", "Li1e30K1e30Li1e30"}) {
    const std::string said = key_of(named(name));
    EXPECT_TRUE(said.find("out of any range") != std::string::npos ||
                said.find("too large") != std::string::npos)
        << said;
  }
  CompositionRules whole;
  whole.total = 1e300;
  EXPECT_FALSE(whole.validate().ok());
}

// Kind 3: an amount that is not told is no amount.
TEST(MakeCatalyst, ADeviationOfCountedOxygenIsRefused) {
  CompositionRules counted;
  counted.count_oxygen = true;
  for (const char* text : {"Ce0.8Gd0.2O2-\u03B4", "La2NiO4+\u03B4", "CeO2-x"}) {
    EXPECT_THAT(key_of(named(text), counted), HasSubstr("the campaign counts it")) << text;
    EXPECT_THAT(key_of(named(text)), ::testing::Not(HasSubstr("oxygen"))) << text;
  }
}

// Kind 21.
TEST(MakeCatalyst, HydratesAndLettersInNames) {
  EXPECT_EQ(key_of(named("CuSO4\u00B75H2O")), "Cu:1;H:10;S:1");
  EXPECT_EQ(key_of(named("Ni(NO3)2\u00B76H2O/Al2O3")), "H:12;N:2;Ni:1/Al2O3");
  EXPECT_THAT(key_of(named("Fe2O3\u00B7nH2O")), HasSubstr("an amount that is not told"));
  EXPECT_THAT(key_of(named("La1-xSrxCoO3")), HasSubstr("an amount that is not told"));
  EXPECT_THAT(key_of(named("La(0.5)Sr(0.5)CoO3")), HasSubstr("a number without an element"));
}

// Kind 2: a slash between digits is a fraction, and half a formula is no support.
TEST(MakeCatalyst, FractionsAreRefused) {
  for (const char* text : {"LiNi1/3Co1/3Mn1/3O2", "Ni1/2Co1/2O", "La2/3Sr1/3MnO3"}) {
    EXPECT_THAT(key_of(named(text)), HasSubstr("reads as a fraction")) << text;
  }
  EXPECT_THAT(key_of(named("Ni/O2")), HasSubstr("nothing but oxygen"));
  EXPECT_THAT(key_of(named("Ag-0.125-Cu-0.125-Pd-0.75")), HasSubstr("Ag0.125Cu0.125Pd0.75"));
}

// Kind 21: forms of active parts, which a composition does not have.
TEST(MakeCatalyst, GreekPrefixesOfActivePartsAreRefused) {
  EXPECT_THAT(key_of(named("\u03B1-Fe2O3")), HasSubstr("alpha as the preparation"));
  EXPECT_THAT(key_of(named("\u03B2-Mo2C/Al2O3")), HasSubstr("beta as the preparation"));
  EXPECT_EQ(key_of(named("Pd/\u03B1-Fe2O3")), "Pd:1/alpha-Fe2O3");
}

// Kind 4: one support, one spelling; kind 5: what is left of a zero is none.
TEST(MakeCatalyst, OxidesByNameAndDust) {
  EXPECT_EQ(key_of(named("Ni/alumina")), "Ni:1/Al2O3");
  EXPECT_EQ(key_of(named("Ni/gamma-alumina")), "Ni:1/gamma-Al2O3");
  EXPECT_EQ(key_of(named("Ni/Silica")), "Ni:1/SiO2");
  EXPECT_EQ(key_of(named("Ni/Si2O4")), "Ni:1/SiO2");
  ToldCatalyst told;
  told.amounts = {{"Li", 1.0}, {"Na", 1e-12}};
  told.support = "MgO";
  EXPECT_EQ(key_of(told), "Li:1/MgO");
}

TEST(MakeCatalyst, ASupportToldTwiceIsOneOrRefused) {
  ToldCatalyst told = named("Ni/SiO\u2082");
  told.support = "SiO2";
  EXPECT_EQ(key_of(told), "Ni:1/SiO2");
  told.support = "MgO";
  EXPECT_THAT(key_of(told), HasSubstr("another one is told"));
  CompositionRules rules;
  rules.supports = {"TiO2", "MgO"};
  told.name = "TiO2";
  EXPECT_EQ(key_of(told, rules), "Ti:1/MgO") << "beside a support a formula is its active part";
}

TEST(MakeCatalyst, KeysAreReadWithThePresentSpelling) {
  ToldCatalyst told;
  told.key = "Ni:1/\u03B3-Al2O3|sol\u2010gel";
  EXPECT_EQ(key_of(told), "Ni:1/gamma-Al2O3|sol-gel");
  told.key = "Co:1;La:0.5;O:3;Sr:0.5";
  EXPECT_EQ(key_of(told), "Co:1;La:0.5;Sr:0.5");
  CompositionRules counted;
  counted.count_oxygen = true;
  EXPECT_EQ(key_of(told, counted), told.key);
}

// A name does not tell the loading unless it has numbers.
TEST(MakeCatalyst, NamesInACampaignOfLoadings) {
  EXPECT_EQ(key_of(named("5Ni-2Mg/Al2O3"), loading()), "Mg:2;Ni:5/Al2O3");
  EXPECT_THAT(key_of(named("Ni-Mg/Al2O3"), loading()), HasSubstr("ratios do not tell"));
  EXPECT_THAT(key_of(named("5Ni-Mg/Al2O3"), loading()), HasSubstr("others have none"));
  EXPECT_EQ(key_of(named("none/Al2O3"), loading()), "-/Al2O3");
  EXPECT_EQ(key_of(named("60Cu-30Zn-10Al"), loading()), "Al:10;Cu:60;Zn:30");
  const auto bulk = make_catalyst(named("AgPd"), supports(), loading());
  ASSERT_TRUE(bulk.ok());
  EXPECT_NEAR(bulk->catalyst.active.amount(47), 100 * 107.87 / (107.87 + 106.42), 1e-6);
  CompositionRules old = loading();
  old.plain_names_are_amounts = true;
  for (const char* ratios : {"Ni-Mg/Al2O3", "Ni3K1/Al2O3", "Ni/Al2O3", "AgPd"}) {
    EXPECT_THAT(key_of(named(ratios), old), HasSubstr("ratios do not tell")) << ratios;
  }
  EXPECT_EQ(key_of(named("5Ni-2Mg/Al2O3"), old), "Mg:2;Ni:5/Al2O3");
  EXPECT_EQ(key_of(named("none/Al2O3"), old), "-/Al2O3");
  ToldCatalyst slots;
  slots.slots = {"Ni", "K"};
  slots.support = "SiO2";
  EXPECT_THAT(key_of(slots, old), HasSubstr("ratios do not tell"));
}

// An amount behind the slash is no part of the support.
TEST(MakeCatalyst, NumbersBehindTheSlashAreAskedAbout) {
  for (const char* text : {"5Ni/Al2O3+1K", "5Ni/1K-Al2O3", "5Ni/Al2O3-1K"}) {
    EXPECT_THAT(key_of(named(text), loading()), HasSubstr("5Ni-1K/Al2O3")) << text;
    EXPECT_THAT(key_of(named(text)), HasSubstr("5Ni-1K/Al2O3")) << text;
  }
  EXPECT_EQ(key_of(named("5Ni/La-Al2O3"), loading()), "Ni:5/Al2O3-La");
  EXPECT_EQ(key_of(named("5Ni/ZSM-5"), loading()), "Ni:5/ZSM-5");
}

// 20(V2O5) is no 40 wt% of vanadium.
TEST(MakeCatalyst, NumbersBeforeBracketsInACampaignOfLoadings) {
  CompositionRules moles = loading();
  moles.basis = Basis::mmol_per_g_support;
  for (const CompositionRules& rules : {loading(), moles}) {
    for (const char* text : {"20(V2O5)/TiO2", "10(NiO)/Al2O3", "5(NiCu)/Al2O3",
                             "5Ni-2(K2CO3)/Al2O3", "5 (NiO)/SiO2", "5[NiO]/Al2O3", "5{NiO}/Al2O3",
                             "5((NiO))/Al2O3", "5Ni2/Al2O3", "5[Ni]2/Al2O3", "5NiO*2MgO/Al2O3"}) {
      EXPECT_THAT(key_of(named(text), rules), HasSubstr("each element itself")) << text;
    }
    const std::string plain = key_of(named("20V2O5/TiO2"), rules);
    EXPECT_THAT(plain, HasSubstr("each element itself"));
    EXPECT_EQ(plain.find("brackets"), std::string::npos) << plain;
    for (const char* text : {"5(Ni)/Al2O3", "5[Ni]/Al2O3", "5{Ni}/Al2O3", "5 Ni/Al2O3"}) {
      EXPECT_EQ(key_of(named(text), rules), "Ni:5/Al2O3") << text;
    }
  }
  EXPECT_EQ(key_of(named("2(MgO)-3Li")), "Li:3;Mg:2");
}

// Whatever the door: weights leave something for the support.
TEST(MakeCatalyst, WeightsLeaveSomethingForTheSupport) {
  ToldCatalyst columns, key, slots;
  columns.amounts = {{"Ni", 50.0, "wt%"}, {"K", 60.0, "wt%"}};
  columns.support = slots.support = "Al2O3";
  key.key = "K:60;Ni:50/Al2O3";
  slots.slots = {"50Ni", "60K"};
  for (const ToldCatalyst& told : {columns, key, slots, named("50Ni-60K/Al2O3")}) {
    EXPECT_THAT(key_of(told, loading()), HasSubstr("leave nothing for the support"));
  }
  for (const char* text : {"500Ni/SiO2", "100Ni/SiO2"}) {
    EXPECT_THAT(key_of(named(text), loading()), HasSubstr("less than 100 wt%")) << text;
  }
  EXPECT_EQ(key_of(named("99Ni/SiO2"), loading()), "Ni:99/SiO2");
  CompositionRules fractions = loading();
  fractions.basis = Basis::mass_fraction;
  EXPECT_THAT(key_of(named("5Ni/SiO2"), fractions), HasSubstr("500 wt%"));
  EXPECT_EQ(key_of(named("0.05Ni/SiO2"), fractions), "Ni:0.05/SiO2");
}

TEST(MakeCatalyst, KeepsWhatWasTold) {
  ToldCatalyst told;
  told.amounts = {{"Ni", 5.0, "wt%"}, {"Mg", 0.0, "wt%"}};
  told.support = "SiO2";
  CompositionRules rules;
  rules.basis = Basis::mmol_per_g_support;
  const auto made = make_catalyst(told, supports(), rules);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->told, "5 wt% Ni");
  // 0.05 / 58.6934 / 0.95 mol on a gram of silica.
  EXPECT_EQ(describe(made->catalyst, rules.unit()), "0.896726679 mmol/g Ni/SiO2");
  told.amounts = {{"Ni", 0.9, "mmol/g"}};
  EXPECT_EQ(make_catalyst(told, supports(), rules)->told, "");
}

TEST(NearlySame, AnElementThatOneOfThemLacksIsNoDeviation) {
  EXPECT_TRUE(nearly_same("Ag:0.205;Pd:0.795", "Ag:0.2;Pd:0.8", 0.01));
  EXPECT_FALSE(nearly_same("Ag:0.22;Pd:0.78", "Ag:0.2;Pd:0.8", 0.01));
  EXPECT_FALSE(nearly_same("K:0.2;Ni:10/Al2O3", "Ni:10/Al2O3", 0.3));
  EXPECT_FALSE(nearly_same("Ni:10/Al2O3", "K:0.2;Ni:10/Al2O3", 0.3));
  EXPECT_TRUE(nearly_same("K:0.001;Ni:10/Al2O3", "Ni:10/Al2O3", 0.3)) << "what rounding leaves";
  EXPECT_FALSE(nearly_same("Ni:10/Al2O3", "Ni:10/SiO2", 0.3));
}

TEST(MakeCatalyst, ErrorsNameThePart) {
  ToldCatalyst told;
  told.slots = {"Li", "Xx"};
  EXPECT_EQ(make_catalyst(told, supports()).error().where, "/slots/1");
  told = {};
  told.amounts = {{"Li", -1.0}};
  EXPECT_EQ(make_catalyst(told, supports()).error().where, "/amounts/Li");
  told.amounts = {{"Li", 1.0}};
  told.support = "nowhere";
  EXPECT_EQ(make_catalyst(told, supports()).error().where, "/support");
}

// Kinds 3, 4 and 5: one thing has one key, however it was told and spelt, and its key is read back.
TEST(MakeCatalyst, OneKeyByNameFormulaSlotsAmountsAndKey) {
  Random random(23);
  const std::vector<std::string> symbols = {"Li", "Mn", "Na", "W", "Co", "Ni", "Cs", "Cu"};
  const std::vector<std::vector<std::string>> spellings = {
      {"SiO2", "SiO\u2082", "O2Si", "sio2", "SiO2\u200B"},
      {"gamma-Al2O3", "\u03B3-Al2O3", "\u03B3\u2013Al\u2082O\u2083", "Gamma Al2O3"},
      {"CeO2-ZrO2", "ZrO2-CeO2", "CeO\u2082\u2010ZrO\u2082"},
      {"ZSM-5", "zsm-5", "ZSM\u20115"},
      {""}};
  for (int round = 0; round < 10000; ++round) {
    std::vector<std::string> slots = symbols;
    random.shuffle(slots);
    slots.resize(1 + random.below(4));
    if (random.below(3) == 0) slots.push_back(slots[0]);
    const auto& support = spellings[random.below(spellings.size())];
    const auto any_support = [&] { return support[random.below(support.size())]; };
    CompositionRules rules;
    rules.count_oxygen = random.below(2) == 0;
    if (random.below(2) == 0) {
      rules.total = 1.0;
      rules.basis = Basis::mole_fraction;
    }
    const double unit_of_amounts = rules.total > 0.0 ? 1.0 / static_cast<double>(slots.size()) : 1;
    ToldCatalyst by_slots, by_name, by_formula, by_amounts, by_percent;
    for (const std::string& slot : slots) {
      by_slots.slots.push_back(slot);
      by_name.name += (by_name.name.empty() ? "" : random.below(2) == 0 ? "-" : "\u2013") + slot;
      by_formula.formula += slot + (random.below(2) == 0 ? "1" : "1.0");
      by_amounts.amounts.push_back({slot, unit_of_amounts});
      by_percent.amounts.push_back({slot, 100.0 / static_cast<double>(slots.size()), "at.%"});
    }
    by_slots.slots.push_back("None");
    for (ToldCatalyst* told : {&by_slots, &by_formula, &by_amounts, &by_percent}) {
      told->support = any_support();
    }
    if (!support[0].empty()) by_name.name += " / " + any_support();
    std::vector<ToldCatalyst> all = {by_slots, by_name, by_formula, by_amounts};
    if (rules.basis) all.push_back(by_percent);
    std::vector<std::string> keys;
    for (ToldCatalyst& told : all) {
      told.preparation = random.below(2) == 0 ? "sol\u2010gel" : " sol-gel";
      keys.push_back(key_of(told, rules));
      ToldCatalyst by_key;
      by_key.key = keys.back();
      EXPECT_EQ(key_of(by_key, rules), keys.back());
    }
    ASSERT_EQ(std::count(keys.begin(), keys.end(), keys[0]), std::ssize(keys))
        << ::testing::PrintToString(keys);
  }
}

TEST(OxygenMerges, CountsRowsThatBecomeOne) {
  OxygenMerges merges;
  for (const char* name : {"YBa2Cu3O6.94", "YBa2Cu3O6.5", "YBa2Cu3O6.5", "MnO2/SiO2", "MgO"}) {
    const auto made = make_catalyst(named(name), supports());
    merges.add(canonical_key(made->catalyst), made->dropped_oxygen);
  }
  EXPECT_THAT(merges.note(), HasSubstr("3 rows differ"));
  EXPECT_THAT(merges.note(), HasSubstr("1 catalyst (such as Ba:2;Cu:3;Y:1)"));
  EXPECT_EQ(OxygenMerges().note(), "");
}

TEST(RenewKeys, ListsWhatBecomesOne) {
  const RenewedKeys renewed = renew_keys({"Ni:1/SiO2", "Ni:1/sio2", "Co:1;La:0.5;O:3;Sr:0.5",
                                          "Co:1;La:0.5;Sr:0.5", "-", "Ni:1/nowhere", "Li:1/MgO"},
                                         supports(), {});
  EXPECT_THAT(renewed.changed, ::testing::SizeIs(2));
  EXPECT_EQ(renewed.changed.at("Ni:1/sio2"), "Ni:1/SiO2");
  EXPECT_THAT(renewed.merged.at("Co:1;La:0.5;Sr:0.5"), ::testing::SizeIs(2));
  EXPECT_THAT(renewed.merged, ::testing::SizeIs(2));
  EXPECT_THAT(renewed.unreadable, ::testing::SizeIs(1));
}

}  // namespace
}  // namespace kasetsu::chemistry
