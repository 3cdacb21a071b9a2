#include "core/chemistry/catalyst.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/base/random.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"

namespace kasetsu::chemistry {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kSupportNames = {
    "ZSM-5", "MgO/Al2O3", "TiO2 (P25)", "odd | 100% \"name\"", "gamma-Al2O3", "MgO"};

SupportTable supports() {
  return SupportTable::from_csv(
             "# names that are not formulas\nsupport_name,formula,source\nZSM-5,NaAlSi45O92,x\n"
             "MgO/Al2O3,MgAl2O4,x\nTiO2 (P25),TiO2,\n\"odd | 100% \"\"name\"\"\",C,x\n"
             "\u03B3\u2013Al2O3,Al2O3,x\n",
             "supports.csv")
      .value();
}

std::string support_table_error(std::string_view text) {
  const Result<SupportTable> table = SupportTable::from_csv(text, "s.csv");
  EXPECT_FALSE(table.ok()) << text;
  return table.ok() ? "" : table.error().to_string();
}

Catalyst named(std::string_view text) {
  Result<Catalyst> catalyst = parse_catalyst_name(text, supports());
  EXPECT_TRUE(catalyst.ok()) << text << ": " << catalyst.error().to_string();
  return catalyst.ok() ? *catalyst : Catalyst{};
}

std::string key_of(std::string_view text) {
  return canonical_key(named(text));
}

std::string name_error(std::string_view text) {
  const Result<Catalyst> catalyst = parse_catalyst_name(text, supports());
  EXPECT_FALSE(catalyst.ok()) << text;
  return catalyst.ok() ? "" : catalyst.error().to_string();
}

TEST(SupportTable, KnowsItsNamesAndReadsFormulas) {
  EXPECT_EQ(to_formula(supports().formula("ZSM-5").value()), "Al1Na1O92Si45");
  EXPECT_EQ(to_formula(supports().formula("SiO2").value()), "O2Si1");
  EXPECT_EQ(to_formula(SupportTable().formula("MgO").value()), "Mg1O1");
  const Result<Composition> unknown = supports().formula("ZSM5");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().to_string(), HasSubstr("nearest: ZSM-5"));
}

TEST(SupportTable, ErrorsNameThePlace) {
  EXPECT_THAT(support_table_error(""), HasSubstr("empty"));
  EXPECT_THAT(support_table_error("name,formula\n"), HasSubstr("support_name"));
  EXPECT_THAT(support_table_error("support_name,formula\na,MgX\n"),
              HasSubstr("s.csv:2: column \"formula\": unknown element X at character 3"));
  EXPECT_THAT(support_table_error("support_name,formula\na,MgO\na,MgO\n"), HasSubstr("s.csv:3"));
  EXPECT_THAT(support_table_error("support_name,formula\na\n"), HasSubstr("s.csv:2"));
  EXPECT_THAT(support_table_error("support_name,formula\n,MgO\n"), HasSubstr("s.csv:2"));
}

TEST(CanonicalKey, HasTheDocumentedForm) {
  EXPECT_EQ(key_of("Li-K-Mn/MgO"), "K:1;Li:1;Mn:1/MgO");
  Catalyst loadings;
  loadings.active.add(12, 0.371);
  loadings.active.add(3, 0.371);
  EXPECT_EQ(canonical_key(loadings), "Li:0.371;Mg:0.371");
  EXPECT_EQ(key_of("none/MgO"), "-/MgO");
  EXPECT_EQ(canonical_key(Catalyst{}), "-");
  Catalyst prepared = named("Mn-Mn/SiO2");
  prepared.preparation = "sol-gel";
  EXPECT_EQ(canonical_key(prepared), "Mn:2/SiO2|sol-gel");
}

TEST(CanonicalKey, DoesNotDependOnTheOrderOfSlots) {
  Random random(17);
  std::vector<std::string> slots = {"Li", "Mn", "none", "W", "Mn", "Na"};
  const auto join = [&] {
    std::string text;
    for (const std::string& slot : slots) text.append(text.empty() ? "" : "-").append(slot);
    return text.append("/SiO2");
  };
  const std::string key = key_of(join());
  EXPECT_EQ(key, "Li:1;Mn:2;Na:1;W:1/SiO2");
  for (int i = 0; i < 100; ++i) {
    random.shuffle(slots);
    EXPECT_EQ(key_of(join()), key);
  }
}

TEST(CanonicalKey, DistinguishesAmountsSupportsAndPreparations) {
  std::vector<std::string> keys = {key_of("Mn/MgO"), key_of("2Mn/MgO"),  key_of("Mn/SiO2"),
                                   key_of("Mn"),     key_of("none/MgO"), key_of("blank")};
  Catalyst prepared = named("Mn/MgO");
  prepared.preparation = "calcined|900";
  keys.push_back(canonical_key(prepared));
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::unique(keys.begin(), keys.end()), keys.end());
}

TEST(ParseKey, IsTheInverse) {
  Random random(19);
  const std::vector<std::string> preparations = {"", "sol-gel", "a/b|c%d", "50 % wet", "%7C"};
  for (int round = 0; round < 3000; ++round) {
    Catalyst catalyst;
    for (std::size_t n = random.below(5); n > 0; --n) {
      // Up to nine significant digits survive a key.
      catalyst.active.add(1 + static_cast<int>(random.below(kLastAtomicNumber)),
                          static_cast<double>(1 + random.below(999999)) / 1000.0);
    }
    if (random.below(5) > 0) {
      catalyst.support = kSupportNames[random.below(kSupportNames.size())];
      catalyst.support_formula = supports().formula(catalyst.support).value();
    }
    catalyst.preparation = preparations[random.below(preparations.size())];
    const std::string key = canonical_key(catalyst);
    const Result<Catalyst> back = parse_key(key, supports());
    ASSERT_TRUE(back.ok()) << key << ": " << back.error().to_string();
    EXPECT_EQ(canonical_key(*back), key);
    EXPECT_EQ(back->support, catalyst.support);
    EXPECT_EQ(back->support_formula, catalyst.support_formula);
    EXPECT_EQ(back->preparation, catalyst.preparation);
    ASSERT_EQ(back->active.parts().size(), catalyst.active.parts().size()) << key;
    for (const auto& part : catalyst.active.parts()) {
      EXPECT_NEAR(back->active.amount(part.element), part.amount, 1e-8 * part.amount);
    }
  }
}

TEST(ParseKey, RefusesWhatIsNoKey) {
  for (const char* key :
       {"",       "Li",       "Li:0",         "Li:-1",  "Li:nan", "Li:1;",    "Li:1;Li:2",
        "Xx:1",   "Li:1/",    "Li:1/nowhere", "Li:1|",  "Li:1|%", "Li:1|%zz", "Li:1/%4",
        "-;Li:1", "Li:1e100", "Li:1e-100",    "Li:1:2", ";",      "/MgO"}) {
    EXPECT_FALSE(parse_key(key, supports()).ok()) << key;
  }
}

TEST(ParseCatalystName, ReadsWhatPeopleWrite) {
  EXPECT_EQ(key_of("Mn-Na2WO4/SiO2"), "Mn:1;Na:2;W:1/SiO2");
  EXPECT_EQ(key_of("Li\u2013K\u2013Mn/MgO"), "K:1;Li:1;Mn:1/MgO");
  EXPECT_EQ(key_of("Li\u2014K+Mn\u00B7W / MgO"), "K:1;Li:1;Mn:1;W:1/MgO");
  EXPECT_EQ(key_of("Li\u2010K\u2011Mn\u2212W"), "K:1;Li:1;Mn:1;W:1");
  EXPECT_EQ(key_of("2Mn-1Na-1W/SiO2"), "Mn:2;Na:1;W:1/SiO2");
  EXPECT_EQ(key_of("0.371 Li + 0.371 Mg + 0.371 Zr"), "Li:0.371;Mg:0.371;Zr:0.371");
  EXPECT_EQ(key_of("1e-3Li-2Mn"), "Li:0.001;Mn:2");
  EXPECT_EQ(key_of("Mn-none-none/SiO2"), "Mn:1/SiO2");
  EXPECT_EQ(key_of("blank"), "-");
  EXPECT_EQ(key_of("-/MgO"), "-/MgO");
  EXPECT_EQ(key_of("/MgO"), "-/MgO");
}

TEST(ParseCatalystName, SupportsMayHaveHyphensSlashesAndDashesInTheirNames) {
  EXPECT_EQ(named("Mn-W/ZSM-5").support, "ZSM-5");
  EXPECT_EQ(named("Mn/MgO/Al2O3").support, "MgO/Al2O3");
  EXPECT_EQ(to_formula(named("Mn/MgO/Al2O3").support_formula), "Al2Mg1O4");
  EXPECT_EQ(named("Mn/\u03B3\u2013Al2O3").support, "gamma-Al2O3");
  EXPECT_EQ(named("Mn / TiO2 (P25)").support, "TiO2 (P25)");
}

TEST(ParseCatalystName, ErrorsSayWhatIsWrong) {
  EXPECT_THAT(name_error("Li-Xx/MgO"), HasSubstr("unknown element Xx at character 1"));
  EXPECT_THAT(name_error("5%Mn/SiO2"), HasSubstr("percent"));
  EXPECT_THAT(name_error("Mn/unobtainium"), HasSubstr("unknown support"));
  EXPECT_THAT(name_error("Mn/"), HasSubstr("no support follows"));
  EXPECT_THAT(name_error("Mn--W/SiO2"), HasSubstr("two separators"));
  EXPECT_THAT(name_error("Mn-/SiO2"), HasSubstr("two separators"));
  EXPECT_THAT(name_error("O2/SiO2"), HasSubstr("only oxygen"));
  EXPECT_THAT(name_error(" "), HasSubstr("empty"));
  EXPECT_FALSE(parse_catalyst_name(std::string(5000, '-'), supports()).ok());
}

TEST(SupportTable, GivesOneSpelling) {
  const auto name = [](std::string_view text) { return supports().read(text).value().name; };
  for (const char* text : {"SiO2", "SiO\u2082", "SiO2\u00A0", "O2Si", "sio2", "Si1O2"}) {
    EXPECT_EQ(name(text), "SiO2") << text;
  }
  for (const char* text :
       {"\u03B3-Al2O3", "Gamma-Al2O3", "gamma Al2O3", "\u03B3\u2010Al\u2082O\u2083"}) {
    EXPECT_EQ(name(text), "gamma-Al2O3") << text;
  }
  EXPECT_EQ(SupportTable().read("\u03B4-Al2O3").value().name, "delta-Al2O3");
  EXPECT_EQ(name("zsm-5"), "ZSM-5");
  EXPECT_EQ(name("Al2O3 (gamma)"), "gamma-Al2O3");
  EXPECT_EQ(name("Al2O3 (\u03B3)"), "gamma-Al2O3");
  EXPECT_EQ(name("Al2O3(\u03B3\u2013Al2O3)"), "gamma-Al2O3");
  EXPECT_EQ(name("CeO2-ZrO2"), "CeO2-ZrO2");
  EXPECT_EQ(name("ZrO2\u2013CeO2"), "CeO2-ZrO2");
  EXPECT_EQ(to_formula(supports().formula("CeO2-ZrO2").value()), "Ce1O4Zr1");
  const auto capitals = supports().read("SIO2");
  ASSERT_FALSE(capitals.ok());
  EXPECT_THAT(capitals.error().to_string(), HasSubstr("SiO2"));
}

TEST(ParseCatalystName, ReadsUsualNames) {
  EXPECT_EQ(key_of("Mn/Na2WO4/SiO2"), "Mn:1;Na:2;W:1/SiO2");
  EXPECT_EQ(key_of("Cu/ZnO/Al2O3"), "Cu:1;Zn:1/Al2O3");
  EXPECT_EQ(key_of("Ni/CeO2-ZrO2"), "Ni:1/CeO2-ZrO2");
  EXPECT_EQ(key_of("MnOx/TiO2"), "Mn:1/TiO2");
  EXPECT_EQ(key_of("La0.6Sr0.4CoO3-\u03B4"), "Co:1;La:0.6;Sr:0.4");
  EXPECT_EQ(key_of("Ni0.5 Fe0.5"), "Fe:0.5;Ni:0.5");
  EXPECT_EQ(key_of("Cu-ZSM-5"), "Cu:1/ZSM-5");
  EXPECT_EQ(key_of("ZSM-5"), "-/ZSM-5");
  EXPECT_EQ(key_of("Ag50Pd50"), "Ag:50;Pd:50");
}

TEST(ParseCatalystName, RefusesWhatReadsInTwoWaysAndSaysWhatToWrite) {
  EXPECT_THAT(name_error("NI/SIO2"), HasSubstr("SiO2"));
  EXPECT_THAT(name_error("NI/SiO2"), HasSubstr("expected Ni, or N1I"));
  EXPECT_THAT(name_error("CO3O4"), HasSubstr("Co3O4"));
  EXPECT_THAT(name_error("15Ni5Ce/MgO"), HasSubstr("15Ni-5Ce"));
  EXPECT_THAT(name_error("2Mn1Na/SiO2"), HasSubstr("2Mn-1Na"));
  EXPECT_THAT(name_error("10Cu20ZnO/Al2O3"), HasSubstr("a number stands before several elements"));
  EXPECT_THAT(name_error("Sm1Ba-1Cu3O6.94"), HasSubstr("a minus"));
  EXPECT_THAT(name_error("Zn0,35Cd0,65S"), HasSubstr("comma"));
  EXPECT_THAT(name_error("5wt%Ni-2%Mg/Al2O3"), HasSubstr("Ni (wt%)"));
  EXPECT_THAT(name_error("Cu1\u00B75Zn1/Al2O3"), HasSubstr("middle dot"));
  EXPECT_THAT(name_error("Pt@CeO2"), HasSubstr("Pt/CeO2"));
}

TEST(SaysNone, ASymbolNeverDoes) {
  for (const char* text : {"", "none", "None", "NONE", "-", "\u2013", "n/a", " none\u00A0"}) {
    EXPECT_TRUE(says_none(text)) << text;
  }
  for (const char* text : {"Na", "NA", "No", "N", "na", "nan", "Nd"}) {
    EXPECT_FALSE(says_none(text)) << text;
  }
}

TEST(Describe, ReadsWellAndIsReadBack) {
  EXPECT_EQ(describe(named("K-Li-Mn/MgO")), "Li-K-Mn/MgO");
  EXPECT_EQ(describe(named("0.371 Li + 0.371 Mg + 0.371 Zr")), "0.371 Li + 0.371 Mg + 0.371 Zr");
  EXPECT_EQ(describe(named("none/MgO")), "bare MgO");
  EXPECT_EQ(describe(Catalyst{}), "blank");
  Catalyst prepared = named("Mn/SiO2");
  prepared.preparation = "sol-gel";
  EXPECT_EQ(describe(prepared), "Mn/SiO2 (sol-gel)");
  for (const char* text : {"Mn-Na2WO4/SiO2", "Li-K-Mn/ZSM-5", "2Mn-1Na-1W"}) {
    EXPECT_EQ(key_of(describe(named(text))), key_of(text));
  }
}

// A key is shown in the unit of the campaign that shows it, and without its support's formula.
TEST(Describe, AKeyIsShownInTheUnitThatIsTold) {
  Catalyst prepared = named("Mn/SiO2");
  prepared.preparation = "sol-gel";
  for (const Catalyst& catalyst :
       {named("K-Li-Mn/MgO"), named("none/MgO"), Catalyst{}, prepared, named("0.4 Li + 0.6 Mg")}) {
    for (const char* unit : {"", "wt%", "mmol/g"}) {
      EXPECT_EQ(describe_key(canonical_key(catalyst), unit), describe(catalyst, unit));
    }
  }
  EXPECT_EQ(describe_key("Ni:5/Unobtainium", "wt%"), "5 wt% Ni/Unobtainium");
  EXPECT_EQ(describe_key("no key"), "no key");
}

}  // namespace
}  // namespace kasetsu::chemistry
