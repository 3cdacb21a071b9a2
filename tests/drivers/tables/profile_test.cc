#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "core/chemistry/element.h"
#include "drivers/tables/encoding.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/local_time.h"
#include "drivers/tables/option_names.h"
#include "drivers/tables/table_rows.h"
#include "drivers/tables/units.h"
#include "tests/paths.h"

namespace kasetsu::tables {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_text(const std::string& relative) {
  std::ifstream file(kasetsu::testing::source_dir() + "/" + relative);
  EXPECT_TRUE(file.good()) << relative;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

chemistry::SupportTable supports() {
  return chemistry::SupportTable::from_csv(file_text("config/elements/supports.csv"),
                                           "supports.csv")
      .value();
}

Profile built_in(const std::string& name) {
  auto profile = parse_profile(file_text("config/profiles/" + name + ".toml"), name + ".toml");
  EXPECT_TRUE(profile.ok()) << profile.error().to_string();
  return std::move(profile).value();
}

Result<TableRows> read(const std::string& text, const Profile& profile) {
  ReadOptions options;
  options.profile = std::make_shared<const Profile>(profile);
  return read_rows(text, "lab.csv", options, supports());
}

TableRows must_read(const std::string& text, const Profile& profile) {
  auto table = read(text, profile);
  EXPECT_TRUE(table.ok()) << table.error().to_string();
  return table ? std::move(table).value() : TableRows();
}

std::string refusal(const std::string& toml) {
  const auto profile = parse_profile(toml, "mine.toml");
  return profile ? "" : profile.error().to_string();
}

// All that stands between backquotes at the beginning of the page's table rows.
std::vector<std::string> documented_keys(const std::string& page) {
  std::vector<std::string> keys;
  std::stringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string cell = line.substr(0, line.find(" |", 2));
    for (std::size_t at = cell.find('`'); at != std::string::npos;) {
      const std::size_t end = cell.find('`', at + 1);
      keys.push_back(cell.substr(at + 1, end - at - 1));
      at = cell.find('`', end + 1);
    }
  }
  return keys;
}

TEST(Profile, ThePageHasEveryKeyAndNoOther) {
  const std::string page = file_text("docs/profiles.md");
  EXPECT_THAT(documented_keys(page), ::testing::UnorderedElementsAreArray(profile_keys()));
  for (const std::string& use : column_uses()) {
    EXPECT_THAT(page.substr(page.find("`as` is one of")), HasSubstr("`" + use + "`"));
  }
}

TEST(Profile, ThePagesExampleIsAProfile) {
  const std::string page = file_text("docs/profiles.md");
  const std::size_t begin = page.find("```toml\n") + 8;
  const std::string example = page.substr(begin, page.find("```\n", begin) - begin);
  const auto profile = parse_profile(example, "example.toml");
  ASSERT_TRUE(profile.ok()) << profile.error().to_string();
  EXPECT_EQ(profile->columns.size(), 2U);
  EXPECT_TRUE(profile->reduce.has_value());
}

TEST(Profile, TheBuiltInOnesAreRight) {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(kasetsu::testing::source_dir() + "/config/profiles")) {
    const auto profile = built_in(entry.path().stem().string());
    EXPECT_FALSE(profile.description.empty());
    EXPECT_FALSE(profile.columns.empty());
    ++count;
  }
  EXPECT_GE(count, 5);
}

TEST(Profile, MistakesAreNamedWithTheirPlace) {
  EXPECT_THAT(refusal("encodng = \"utf-8\"\n"),
              AllOf(HasSubstr("mine.toml:1:"), HasSubstr("did you mean \"encoding\"?")));
  EXPECT_THAT(refusal("encoding = \"latin\"\n"), HasSubstr("cp1252"));
  EXPECT_THAT(refusal("time_zone = \"Mars/Olympus\"\n"), HasSubstr("unknown time zone"));
  EXPECT_THAT(refusal("[[columns]]\nheader = \"a\"\nas = \"valu\"\n"), HasSubstr("unknown use"));
  EXPECT_THAT(refusal("[[columns]]\nheader = \"a\"\nas = \"value\"\n"), HasSubstr("a name"));
  EXPECT_THAT(refusal("[[columns]]\nheader = \"a\"\nas = \"element\"\nname = \"Xx\"\n"),
              HasSubstr("unknown element"));
  EXPECT_THAT(refusal("[[columns]]\nheader = \"a\"\nas = \"value\"\nname = \"y\"\nunit = \"K\"\n"
                      "assume = \"bar\"\n"),
              HasSubstr("a unit of pressure where one of temperature is expected"));
  EXPECT_THAT(refusal("[reduce]\nproperty = \"a\"\nname = \"b\"\nmethod = \"fixed\"\n"),
              HasSubstr("the conditions"));
  EXPECT_THAT(refusal("thousands = \".\"\n"),
              HasSubstr("another character than the decimal point"));
  EXPECT_THAT(refusal("thousands = \",\"\ndecimal = \",\"\n"), HasSubstr("decimal comma"));
  EXPECT_EQ(refusal("thousands = \".\"\ndecimal = \",\"\n"), "");
  EXPECT_THAT(refusal("name_amounts = \"kg\"\n"), HasSubstr("expected wt%, mol% or none"));
  for (const std::string& name : encoding_names()) {
    EXPECT_EQ(refusal("encoding = \"" + name + "\"\n"), "");
    EXPECT_TRUE(decode_text("a\n", name, "f").ok()) << name;
  }
  for (const std::string& name : name_amounts_names()) {
    EXPECT_EQ(refusal("name_amounts = \"" + name + "\"\n"), "");
  }
  EXPECT_THAT(refusal("a = \n"), HasSubstr("mine.toml:1:"));
}

// The header of the 12,708-row set, with its trailing space, and a row of it in that form.
TEST(Profile, ReadsTheHighThroughputDialect) {
  const std::string text =
      "Name,M1,M1_atom_number,M2,M2_atom_number,M3,M3_atom_number,Support "
      ",Support_ID,M2_mol,M3_mol,"
      "M1_mol%,M2_mol%,M3_mol%,Temp,Total_flow,Ar_flow,CH4_flow,O2_flow,CT,CH4/O2,CH4_conv,C2y,"
      "C2H6y,C2H4y,COy,CO2y,C2s,C2H6s,C2H4s,COs,CO2s\n"
      "Mn-Na2WO4/SiO2,Mn,25,Na,11,W,74,SiO2,9,0.37,0.185,40,40,20,850,15,3,8,4,0.5,2,40.1,20.25,8,"
      "12.25,6,10,50.5,20,30.5,15,25\n";
  const TableRows table = must_read(text, built_in("ocm_hte"));
  ASSERT_EQ(table.rows.size(), 1U);
  const TableRow& row = table.rows[0];
  ASSERT_TRUE(row.problems.empty()) << row.problems[0].to_string();
  EXPECT_EQ(row.catalyst->key, "Mn:40;Na:40;W:20/SiO2");
  EXPECT_EQ(row.conditions.at("temperature_C"), 850.0);
  EXPECT_EQ(row.conditions.at("contact_time_s"), 0.5);
  EXPECT_EQ(row.conditions.at("CH4_O2_ratio"), 2.0);
  ASSERT_EQ(row.values.size(), 6U);
  EXPECT_EQ(row.values[1].name, "C2_yield");
  EXPECT_EQ(row.values[1].value, 20.25);
  EXPECT_EQ(row.values[1].unit, "%");
}

TEST(Profile, ReadsTheRandomSearchDialect) {
  const TableRows table = must_read(
      "M1,M2,M3,Support,Temp. (\u2103),CH4/O2 (mol/mol),Total flow (mL/min),PAr (atm),C2 yield "
      "(%)\nLi,none,Li,MgO,800,2,15,0.15,8.2\n",
      built_in("ocm_random"));
  ASSERT_EQ(table.rows.size(), 1U);
  ASSERT_TRUE(table.rows[0].problems.empty()) << table.rows[0].problems[0].to_string();
  EXPECT_EQ(table.rows[0].catalyst->key, "Li:2/MgO");
  EXPECT_EQ(table.rows[0].conditions.at("temperature_C"), 800.0);
  EXPECT_EQ(table.rows[0].conditions.at("p_Ar_atm"), 0.15);
  EXPECT_EQ(table.rows[0].values[0].value, 8.2);
}

TEST(Profile, ReadsTheLiteratureDialect) {
  const TableRows table = must_read(
      "Cation 1,Cation 1 mol%,Cation 2,Cation 2 mol%,Anion 1,Anion 1 mol%,Promotor,Support 1,"
      "Support 1 mol%,Preparation,\"Temperature, K\",\"p(CH4), bar\",\"p(O2), "
      "bar\",p(CH4)/p(O2),\"p "
      "total, bar\",\"Contact time, s\",\"X(O2), %\",\"X(CH4), %\",\"S(COx), %\",\"S(C2), "
      "%\",\"Y(C2), "
      "%\"\nLi,10,,,Cl,1,n.a.,Mg,90,Impregnation,1023.15,0.5,0.25,2,1,0.8,98,30,40,60,18\n",
      built_in("ocm_literature"));
  ASSERT_EQ(table.rows.size(), 1U);
  const TableRow& row = table.rows[0];
  ASSERT_TRUE(row.problems.empty()) << row.problems[0].to_string();
  EXPECT_EQ(row.catalyst->key, "Li:10/MgO|Impregnation");
  EXPECT_EQ(row.conditions.at("temperature_C"), 750.0);
  EXPECT_EQ(row.conditions.at("p_O2_bar"), 0.25);
  EXPECT_EQ(row.values.size(), 5U);
}

// As NOMAD's own example files write it: spaces at the ends, a remark after #, a spreadsheet's (C).
TEST(Profile, ReadsTheNomadDialect) {
  const TableRows table = must_read(
      "catalyst ,sample_id,step,temperature \u00a9,x_r ethane (%) # reactant based conversion,x_p "
      "ethane (%),S_p C2H4 (%),set_temperature (K),C-balance\n"
      "Mn-Na2WO4/SiO2,FHI-7,3,400,12.5,12.25,80,673.15,99.5\n",
      built_in("nomad_catalysis"));
  ASSERT_EQ(table.rows.size(), 1U);
  const TableRow& row = table.rows[0];
  ASSERT_TRUE(row.problems.empty()) << row.problems[0].to_string();
  EXPECT_EQ(row.sample, "FHI-7");
  EXPECT_EQ(row.sequence, 3);
  EXPECT_EQ(row.conditions.at("temperature_C"), 400.0);
  EXPECT_EQ(row.conditions.at("set_temperature_C"), 400.0);
  std::vector<std::string> names;
  for (const TableValue& value : row.values) names.push_back(value.name);
  EXPECT_THAT(names, ElementsAre("ethane_conversion", "ethane_conversion_by_products",
                                 "C2H4_selectivity", "carbon_balance"));
}

TEST(Profile, PlateMapAndConstants) {
  const auto profile = parse_profile(
      "[constants]\nsource = \"rig-1\"\nrun = \"r9\"\n"
      "[plate]\n1 = \"Li/MgO\"\n2 = { sample = \"S2\" }\n3 = { kind = \"blank\" }\n"
      "[[columns]]\nheader = \"ch\"\nas = \"channel\"\n"
      "[[columns]]\nheader = \"y\"\nas = \"value\"\nname = \"C2_yield\"\n",
      "plate.toml");
  ASSERT_TRUE(profile.ok()) << profile.error().to_string();
  const TableRows table = must_read("ch,y\n1,8\n2,9\n3,0.1\n4,7\n", *profile);
  ASSERT_EQ(table.rows.size(), 4U);
  EXPECT_EQ(table.rows[0].catalyst->key, "Li:1/MgO");
  EXPECT_EQ(table.rows[0].source, "rig-1");
  EXPECT_EQ(table.rows[0].run, "r9");
  EXPECT_EQ(table.rows[1].sample, "S2");
  EXPECT_FALSE(table.rows[1].catalyst);
  EXPECT_EQ(table.rows[2].kind, "blank");
  ASSERT_FALSE(table.rows[3].problems.empty());
  EXPECT_THAT(table.rows[3].problems[0].to_string(),
              HasSubstr("the plate map has no such channel"));
}

TEST(Units, KnownOnesConvertAndOthersAreRefused) {
  const struct {
    const char *from, *to;
    double value, expected;
  } cases[] = {{"K", "°C", 1073.15, 800.0},
               {"°F", "°C", 212.0, 100.0},
               {"℃", "K", 0.0, 273.15},
               {"atm", "bar", 1.0, 1.01325},
               {"ms", "s", 500.0, 0.5},
               {"L/h", "mL/min", 0.9, 15.0},
               {"ml min^-1", "mL/min", 3.0, 3.0},
               {"h^-1", "1/h", 5.0, 5.0},
               {"mmolg^-1h^-1", "mmol/g/h", 2.0, 2.0},
               {"mol/g", "mmol/g", 0.37, 370.0},
               {"µmol/g", "mmol/g", 370.0, 0.37},
               {"%", "1", 8.0, 0.08},
               {"㎖/min", "mL/min", 7.0, 7.0}};
  for (const auto& c : cases) {
    const auto conversion = convert_units(c.from, c.to);
    ASSERT_TRUE(conversion.ok()) << c.from << " to " << c.to;
    EXPECT_NEAR((*conversion)(c.value), c.expected, 1e-9 * std::abs(c.expected) + 1e-12) << c.from;
  }
  for (const auto& [from, to] : {std::pair{"mol", "K"},
                                 {"wt%", "mol%"},
                                 {"%", "wt%"},
                                 {"furlong", "m"},
                                 {"mol", "mmol/g"},
                                 {"h", "K"}}) {
    EXPECT_FALSE(convert_units(from, to).ok()) << from << " to " << to;
  }
  EXPECT_TRUE(convert_units("furlong", "furlong").ok()) << "the same word is the same unit";
}

TEST(LocalTime, ZonesOffsetsAndHoursThatComeTwice) {
  const std::vector<std::string> formats = {"%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "excel"};
  const auto berlin = find_time_zone("Europe/Berlin");
  const auto tokyo = find_time_zone("Asia/Tokyo");
  const auto fixed = find_time_zone("+09:00");
  ASSERT_TRUE(berlin.ok() && tokyo.ok() && fixed.ok());
  const auto seconds = [](const Result<UtcTime>& time) {
    EXPECT_TRUE(time.ok()) << time.error().to_string();
    return time ? time->time_since_epoch().count() / 1'000'000 : 0;
  };
  // From `date -u -d 'TZ="Europe/Berlin" 2024-01-15 12:00:00' +%s` and so on.
  EXPECT_EQ(seconds(read_time("2024-01-15 12:00:00", formats, &*berlin)), 1705316400);
  EXPECT_EQ(seconds(read_time("2024-07-15 12:00:00", formats, &*berlin)), 1721037600);
  EXPECT_EQ(seconds(read_time("15.07.2024 12:00", formats, &*tokyo)), 1721012400);
  EXPECT_EQ(seconds(read_time("15.07.2024 12:00", formats, &*fixed)), 1721012400);
  EXPECT_EQ(seconds(read_time("45488.5", formats, &*fixed)), 1721012400);
  EXPECT_EQ(seconds(read_time("2024-07-15T12:00:00+02:00", {}, nullptr)), 1721037600);
  EXPECT_EQ(seconds(read_time("2024-07-15 10:00:00Z", {}, nullptr)), 1721037600);
  // As at every other door.
  for (const char* time :
       {"4052-01-02T03:04:05+09:00", "1899-12-30 00:00:00Z", "0226-03-01 09:00:00"}) {
    EXPECT_THAT(read_time(time, formats, &*berlin).error().message, HasSubstr("before 1970"))
        << time;
  }
  EXPECT_THAT(read_time("2024-10-27 02:30:00", formats, &*berlin).error().message,
              HasSubstr("came twice"));
  EXPECT_THAT(read_time("2024-03-31 02:30:00", formats, &*berlin).error().message,
              HasSubstr("did not happen"));
  EXPECT_THAT(read_time("2024-07-15 12:00:00", formats, nullptr).error().message,
              HasSubstr("no zone"));
  for (const std::string wrong :
       {"2024-13-01 00:00:00", "2024-02-30 00:00:00", "yesterday", "2024-01-01 25:00:00", "12"}) {
    EXPECT_FALSE(read_time(wrong, formats, &*berlin).ok()) << wrong;
  }
  EXPECT_FALSE(find_time_zone("../../etc/passwd").ok());
  // Beyond the last change that is written in the file, its rule holds.
  EXPECT_EQ(seconds(read_time("2045-07-15 12:00:00", formats, &*berlin)), 2383725600);
  EXPECT_EQ(seconds(read_time("2045-01-15 12:00:00", formats, &*berlin)), 2368090800);
  EXPECT_THAT(read_time("2045-03-26 02:30:00", formats, &*berlin).error().message,
              HasSubstr("did not happen"));
}

TEST(Encoding, EveryTextComesBackWhateverItWasWrittenIn) {
  const std::string text = "Temp. (°C),µ,Prüfung\n";
  EXPECT_EQ(decode_text(text, "auto", "f")->text, text);
  EXPECT_EQ(decode_text("\xEF\xBB\xBF" + text, "cp1252", "f")->text, text)
      << "the mark goes before";
  EXPECT_EQ(decode_text("Temp. (\xB0"
                        "C),\xB5,Pr\xFC"
                        "fung\n",
                        "cp1252", "f")
                ->text,
            text);
  EXPECT_EQ(decode_text("\x8E\x8E\x97\xBF\x81\x8E", "cp932", "f")->text, "試料℃");
  EXPECT_FALSE(decode_text("\x81", "cp932", "f").ok());
  EXPECT_THAT(decode_text("a\nb\xB0\n", "auto", "f.csv").error().to_string(),
              AllOf(HasSubstr("f.csv:2"), HasSubstr("0xB0"), HasSubstr("cp1252")));
  std::string wide;
  for (const char c : std::string("a,b\n1,2\n")) wide += std::string(1, c) + '\0';
  EXPECT_EQ(decode_text(wide, "auto", "f")->encoding, "utf-16le");
  EXPECT_EQ(decode_text(wide, "auto", "f")->text, "a,b\n1,2\n");
}

TEST(HeaderText, LooksAreUndoneAndNothingElse) {
  EXPECT_EQ(fold_name("  Ｔｅｍｐ．　（℃） # note"), "temp. (°c)");
  EXPECT_EQ(split_unit("temperature ©").unit, "C");
  EXPECT_EQ(split_unit("temperature ©").name, "temperature");
  EXPECT_EQ(split_unit("p(CH4)/p(O2)").name, "p(ch4)/p");
  EXPECT_EQ(split_unit("Temperature, K").unit, "K");
  EXPECT_EQ(split_unit("S_p C2H4 (%)").cased, "S_p C2H4");
  EXPECT_EQ(split_unit("C2 yield [%]").name, "c2 yield");
}

TEST(Profile, AnyBytesWithoutHarm) {
  const Profile profile = built_in("ocm_random");
  const std::string good = "M1,M2,Support,Temp. (°C),C2 yield (%)\r\nLi,\"K\",MgO,800,8.2\r\n";
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; byte += 3) {
      std::string text = good;
      text[at] = static_cast<char>(byte);
      const auto table = read(text, profile);
      if (!table) {
        EXPECT_FALSE(table.error().message.empty());
        continue;
      }
      for (const TableRow& row : table->rows) {
        if (!row.problems.empty()) {
          EXPECT_THAT(row.problems[0].where, HasSubstr("lab.csv:"));
        } else {
          EXPECT_TRUE(std::isfinite(row.values.at(0).value));
        }
      }
    }
    (void)read(good.substr(0, at), profile);
  }
}

}  // namespace
}  // namespace kasetsu::tables
