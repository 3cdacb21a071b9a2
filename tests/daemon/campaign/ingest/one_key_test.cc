// One thing has one key, by whatever door it comes: catalysts written in every spelling, by JSON,
// tables and campaign files.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/csv.h"
#include "core/base/random.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "daemon/base/json.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/ingest/ingest.h"
#include "drivers/tables/table.h"

namespace kasetsu::campaign {
namespace {

using ::testing::HasSubstr;

const chemistry::SupportTable& supports() {
  static const chemistry::SupportTable table =
      chemistry::SupportTable::from_csv("support_name,formula,source\nZSM-5,SiO2,zeolite\n", "s")
          .value();
  return table;
}

Result<CampaignConfig> parse(const std::string& middle) {
  return parse_campaign(
      "format = 1\nname = \"keys\"\n[[targets]]\nname = \"y\"\nunit = \"%\"\ngoal = "
      "\"maximize\"\n" +
          middle + "\n[planner]\nbatch = 4\n",
      "keys.toml", "application/toml", supports());
}

std::shared_ptr<const CampaignConfig> campaign(const std::string& middle) {
  auto config = parse(middle);
  EXPECT_TRUE(config.ok()) << config.error().to_string();
  // Catalysts of this test have elements that the space lacks, whose columns an import asks about.
  if (config.ok()) config->composition.elements.clear();
  return std::make_shared<const CampaignConfig>(config.ok() ? std::move(*config)
                                                            : CampaignConfig());
}

// A delivery to the campaign, and the key or problem of each of its rows.
std::vector<std::string> keys_of(const std::string& bytes, DeliveryFormat format,
                                 const std::shared_ptr<const CampaignConfig>& config,
                                 std::shared_ptr<const tables::Profile> profile = nullptr) {
  DeliveryOptions options;
  options.format = format;
  options.properties = {{"y", "%", true, {}, {}}};
  options.rules = {config, &config->composition};
  options.profile = std::move(profile);
  const auto prepared = prepare_delivery(bytes, options, supports());
  EXPECT_TRUE(prepared.ok()) << prepared.error().to_string();
  std::vector<std::string> keys;
  if (!prepared.ok()) return keys;
  for (const PreparedRow& row : prepared->rows) {
    keys.push_back(row.problem.empty() ? row.catalyst : row.problem);
  }
  return keys;
}

std::string key_of(const std::string& catalyst,
                   const std::shared_ptr<const CampaignConfig>& config) {
  const auto keys = keys_of(R"({"rows":[{"catalyst":)" + catalyst + R"(,"values":{"y":1}}]})",
                            DeliveryFormat::json, config);
  return keys.empty() ? "" : keys[0];
}

std::string csv_key(const std::string& table, const std::shared_ptr<const CampaignConfig>& config) {
  const auto keys = keys_of(table, DeliveryFormat::csv, config);
  return keys.empty() ? "" : keys[0];
}

// One catalyst of a campaign and the ways in which it may be told.
struct Written {
  std::map<std::string, double> amounts;  // in the campaign's unit
  std::string support, preparation;       // in their one spelling
};

std::string expected_key(const Written& written) {
  chemistry::Catalyst catalyst;
  for (const auto& [symbol, amount] : written.amounts) {
    catalyst.active.add(*chemistry::atomic_number(symbol), amount);
  }
  catalyst.support = written.support;
  catalyst.preparation = written.preparation;
  return chemistry::canonical_key(catalyst);
}

class Speller {
 public:
  explicit Speller(std::uint64_t seed) : random_(seed) {}

  Random& random() { return random_; }

  std::string support(const std::string& name) {
    static const std::map<std::string, std::vector<std::string>> kSpellings = {
        {"SiO2", {"SiO2", "SiO\u2082", "O2Si", "sio2", "SiO2\u200B", "\uFF33iO2"}},
        {"gamma-Al2O3", {"gamma-Al2O3", "\u03B3-Al2O3", "\u03B3\u2013Al\u2082O\u2083"}},
        {"CeO2-ZrO2", {"CeO2-ZrO2", "ZrO2-CeO2", "ZrO\u2082\u2010CeO\u2082"}},
        {"ZSM-5", {"ZSM-5", "zsm-5", "ZSM\u20115"}}};
    const auto found = kSpellings.find(name);
    return found == kSpellings.end() ? name : one_of(found->second);
  }
  std::string preparation(const std::string& name) {
    return name == "sol-gel" ? one_of({"sol-gel", "sol\u2010gel", " sol-gel\u00A0"}) : name;
  }
  std::string number(double value) {
    const std::string shortest = fmt::format("{}", value);
    return random_.below(3) == 0 && shortest.find('.') == std::string::npos &&
                   shortest.find('e') == std::string::npos
               ? shortest + ".0"
               : shortest;
  }
  // "2Mn-1Na" or "Mn2Na", in any order.
  std::string name(const Written& written, bool numbers_first) {
    std::vector<std::string> parts;
    for (const auto& [symbol, amount] : written.amounts) {
      const std::string count = amount == 1.0 && !numbers_first ? "" : number(amount);
      parts.push_back(numbers_first ? count + symbol : symbol + count);
    }
    random_.shuffle(parts);
    std::string text;
    for (const std::string& part : parts) {
      if (!text.empty()) text += numbers_first ? one_of({"-", " + ", "\u2013", "+"}) : "";
      text += part;
    }
    if (text.empty()) text = "none";
    if (!written.support.empty()) text += one_of({"/", " / "}) + support(written.support);
    return text;
  }
  std::string one_of(const std::vector<std::string>& texts) {
    return texts[random_.below(texts.size())];
  }

 private:
  Random random_;
};

// The rows of one campaign by every door.
class Doors {
 public:
  Doors(std::shared_ptr<const CampaignConfig> config, std::vector<Written> written, bool loading)
      : config_(std::move(config)), written_(std::move(written)), loading_(loading) {
    for (const Written& one : written_) expected_.push_back(expected_key(one));
  }

  void check_all(Speller& spell) {
    check_json(spell);
    check_names(spell);
    check_elements(spell, "");
    if (loading_) check_elements(spell, " (wt%)");
    check_pairs(spell);
    check_campaign_list(spell);
  }

 private:
  void expect(const std::string& door, const std::vector<std::string>& keys) const {
    ASSERT_EQ(keys.size(), expected_.size()) << door;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(keys[i], expected_[i]) << door << ", catalyst " << i;
    }
  }

  Json beside(const Written& one, Speller& spell) const {
    Json json = Json::object();
    if (!one.support.empty()) json["support"] = spell.support(one.support);
    if (!one.preparation.empty()) json["preparation"] = spell.preparation(one.preparation);
    return json;
  }

  void check_json(Speller& spell) {
    std::string amounts, fractions, formulas, keys;
    for (std::size_t i = 0; i < written_.size(); ++i) {
      const Written& one = written_[i];
      const auto add = [](std::string& lines, const Json& catalyst) {
        lines += Json{{"catalyst", catalyst}, {"values", {{"y", 1.0}}}}.dump() + "\n";
      };
      Json by_amounts = beside(one, spell), by_fraction = by_amounts;
      by_amounts["amounts"] = by_fraction["amounts"] = Json::object();
      for (const auto& [symbol, amount] : one.amounts) {
        by_amounts["amounts"][symbol] = amount;
        by_fraction["amounts"][symbol] = 0.01 * amount;
      }
      if (loading_) by_fraction["unit"] = "g/g";
      add(amounts, by_amounts);
      if (loading_) add(fractions, by_fraction);
      add(keys, {{"key", expected_[i]}});
      Json by_formula = beside(one, spell);
      Written bare = one;
      bare.support.clear();
      by_formula["formula"] = spell.name(bare, false);
      if (!loading_ && !one.amounts.empty()) add(formulas, by_formula);
      if (loading_ || one.amounts.empty()) add(formulas, by_amounts);
    }
    expect("JSON amounts", keys_of(amounts, DeliveryFormat::ndjson, config_));
    expect("JSON keys", keys_of(keys, DeliveryFormat::ndjson, config_));
    expect("JSON formulas", keys_of(formulas, DeliveryFormat::ndjson, config_));
    if (loading_) expect("JSON fractions", keys_of(fractions, DeliveryFormat::ndjson, config_));
  }

  std::string names_table(Speller& spell) const {
    std::string table = "catalyst,Preparation,y\n";
    for (const Written& one : written_) {
      const bool numbers_first = loading_ || spell.random().below(2) == 0;
      table += csv_cell(spell.name(one, numbers_first)) + "," +
               csv_cell(spell.preparation(one.preparation)) + ",1\n";
    }
    return table;
  }

  void check_names(Speller& spell) {
    const std::string table = names_table(spell);
    expect("CSV names", keys_of(table, DeliveryFormat::csv, config_));
    tables::ReadOptions options;
    options.targets = {"y"};
    options.rules = config_->composition;
    const auto read = tables::read_table(table, "fit.csv", options, supports());
    ASSERT_TRUE(read.ok()) << read.error().to_string();
    std::vector<std::string> keys;
    for (const auto& catalyst : read->catalysts) keys.push_back(chemistry::canonical_key(catalyst));
    expect("table of fit", keys);
    std::string exported = "catalyst,y\n";
    for (const std::string& key : expected_) exported += csv_cell(key) + ",1\n";
    expect("export", keys_of(exported, DeliveryFormat::csv, config_));
  }

  void check_elements(Speller& spell, const std::string& unit) {
    std::vector<std::string> symbols;
    for (const Written& one : written_) {
      for (const auto& [symbol, amount] : one.amounts) {
        if (std::find(symbols.begin(), symbols.end(), symbol) == symbols.end()) {
          symbols.push_back(symbol);
        }
      }
    }
    std::string table;
    for (const std::string& symbol : symbols) table += symbol + unit + ",";
    table += "Support,preparation,y\n";
    for (const Written& one : written_) {
      for (const std::string& symbol : symbols) {
        const auto amount = one.amounts.find(symbol);
        table +=
            (amount == one.amounts.end() ? spell.one_of({"", "0"}) : spell.number(amount->second)) +
            ",";
      }
      table += csv_cell(spell.support(one.support)) + "," +
               csv_cell(spell.preparation(one.preparation)) + ",1\n";
    }
    expect("CSV element columns" + unit, keys_of(table, DeliveryFormat::csv, config_));
  }

  // Slots with amounts beside them, by a profile.
  void check_pairs(Speller& spell) {
    std::string toml;
    std::string header;
    for (int n = 1; n <= 4; ++n) {
      toml += fmt::format(
          "[[columns]]\nheader = \"M{0}\"\nas = \"slot\"\n[[columns]]\nheader = \"A{0}\"\n"
          "as = \"slot_amount\"\nof = \"M{0}\"\n{1}\n",
          n, loading_ ? "assume = \"wt%\"" : "");
      header += fmt::format("M{0},A{0},", n);
    }
    toml +=
        "[[columns]]\nheader = \"Support\"\nas = \"support\"\n[[columns]]\nheader = \"Prep\"\n"
        "as = \"preparation\"\n[[columns]]\nheader = \"y\"\nas = \"value\"\nname = \"y\"\n";
    auto profile = tables::parse_profile(toml, "pairs.toml");
    ASSERT_TRUE(profile.ok()) << profile.error().to_string();
    std::string table = header + "Support,Prep,y\n";
    for (const Written& one : written_) {
      int slots = 0;
      for (const auto& [symbol, amount] : one.amounts) {
        table += symbol + "," + spell.number(amount) + ",";
        ++slots;
      }
      for (; slots < 4; ++slots) table += "none,,";
      table += csv_cell(spell.support(one.support)) + "," +
               csv_cell(spell.preparation(one.preparation)) + ",1\n";
    }
    expect("pairs by a profile",
           keys_of(table, DeliveryFormat::csv, config_,
                   std::make_shared<const tables::Profile>(std::move(*profile))));
  }

  // The same catalysts in files of the same rules. A name there tells no preparation.
  void check_campaign_list(Speller& spell) {
    constexpr std::size_t kMost = 200;  // of a file of 64 KiB
    std::string names;
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < written_.size() && expected.size() < kMost; ++i) {
      if (!written_[i].preparation.empty()) continue;
      names += Json(spell.name(written_[i], loading_ || spell.random().below(2) == 0)).dump() + ",";
      names += Json(expected_[i]).dump() + ",";
      expected.push_back(expected_[i]);
    }
    std::string text = config_->text;
    text += "references = [" + names + "]\n";
    const auto config = parse_campaign(text, "list.toml", "application/toml", supports());
    ASSERT_TRUE(config.ok()) << config.error().to_string();
    for (std::size_t i = 0; i < config->planner.references.size(); ++i) {
      ASSERT_EQ(chemistry::canonical_key(config->planner.references[i].catalyst), expected[i / 2]);
    }
  }

  std::shared_ptr<const CampaignConfig> config_;
  std::vector<Written> written_;
  bool loading_;
  std::vector<std::string> expected_;
};

std::vector<std::string> some_of(std::vector<std::string> symbols, std::size_t most,
                                 Random& random) {
  random.shuffle(symbols);
  symbols.resize(1 + random.below(most));
  return symbols;
}

const std::vector<std::string> kSymbols = {"Li", "Mn", "Na", "W", "Co", "Ni", "Cs", "Cu", "Y"};
const std::vector<std::string> kSupports = {"SiO2", "gamma-Al2O3", "CeO2-ZrO2", "ZSM-5"};
const std::string kListed = R"(supports = ["SiO₂", "γ-Al2O3", "ZrO2-CeO2", "zsm-5"])";
constexpr int kEach = 2500;

TEST(OneKey, SlotsOnSupports) {
  Speller spell(1);
  std::vector<Written> written;
  for (int i = 0; i < kEach; ++i) {
    Written one;
    for (const std::string& symbol : some_of(kSymbols, 3, spell.random()))
      one.amounts[symbol] = 1.0;
    if (one.amounts.size() < 3 && spell.random().below(2) == 0) one.amounts.begin()->second += 1.0;
    if (spell.random().below(20) == 0) one.amounts.clear();  // a bare support
    one.support = kSupports[spell.random().below(kSupports.size())];
    if (spell.random().below(4) == 0) one.preparation = "sol-gel";
    written.push_back(std::move(one));
  }
  Doors(campaign("[[space]]\nkind = \"slots\"\nslots = 3\nnone = true\nrepetition = true\n"
                 "elements = [\"Li\", \"Mn\", \"Na\", \"W\"]\n" +
                 kListed),
        std::move(written), false)
      .check_all(spell);
}

TEST(OneKey, AlloysOfASimplex) {
  Speller spell(2);
  std::vector<Written> written;
  for (int i = 0; i < kEach; ++i) {
    Written one;
    int left = 20;
    const auto symbols = some_of({"Ag", "Pd", "Cu", "Au", "Pt"}, 4, spell.random());
    for (std::size_t k = 0; k < symbols.size(); ++k) {
      const int others = static_cast<int>(symbols.size() - k) - 1;
      const int steps = others == 0 ? left
                                    : 1 + static_cast<int>(spell.random().below(
                                              static_cast<std::uint64_t>(left - others)));
      one.amounts[symbols[k]] = steps / 20.0;
      left -= steps;
    }
    written.push_back(std::move(one));
  }
  Doors(campaign("[composition]\nbasis = \"mole_fraction\"\n[[space]]\nkind = \"simplex\"\n"
                 "step_at_percent = 5\nmax_elements = 4\nelements = [\"Ag\", \"Pd\", \"Cu\"]\n"),
        std::move(written), false)
      .check_all(spell);
}

TEST(OneKey, WeightPercentOnSupports) {
  Speller spell(3);
  std::vector<Written> written;
  for (int i = 0; i < kEach; ++i) {
    Written one;
    for (const std::string& symbol : some_of(kSymbols, 4, spell.random())) {
      one.amounts[symbol] = 0.25 * static_cast<double>(1 + spell.random().below(40));
    }
    one.support = kSupports[spell.random().below(kSupports.size())];
    if (spell.random().below(4) == 0) one.preparation = "sol-gel";
    written.push_back(std::move(one));
  }
  Doors(campaign("[composition]\nbasis = \"wt_percent_of_catalyst\"\n[[space]]\nkind = \"grid\"\n"
                 "loadings = [1, 2, 5]\nmax_elements = 2\nmin_elements = 1\n"
                 "elements = [\"Ni\", \"Co\"]\n" +
                 kListed),
        std::move(written), true)
      .check_all(spell);
}

TEST(OneKey, OxidesWhoseOxygenIsCounted) {
  Speller spell(4);
  std::vector<Written> written;
  for (int i = 0; i < kEach; ++i) {
    Written one;
    const double share = 0.05 * static_cast<double>(spell.random().below(20));
    one.amounts = {{"La", 1.0 - share}, {"Co", 1.0}};
    if (share > 0.0) one.amounts["Sr"] = share;
    one.amounts["O"] = 2.5 + 0.01 * static_cast<double>(spell.random().below(60));
    if (spell.random().below(4) == 0) one.preparation = "sol-gel";
    written.push_back(std::move(one));
  }
  Doors(campaign("[composition]\nbasis = \"atomic_ratio\"\noxygen = \"counted\"\n[[space]]\n"
                 "kind = \"list\"\ncatalysts = [\"LaCoO3\", \"La0.5Sr0.5CoO2.75\"]\n"),
        std::move(written), false)
      .check_all(spell);
}

// Kind 3.
TEST(Oxygen, IsDroppedAtEveryDoorAndMergesAreCounted) {
  const auto config = campaign(
      "[[space]]\nkind = \"slots\"\nslots = 3\nnone = true\nrepetition = true\n"
      "elements = [\"La\", \"Sr\", \"Co\", \"Ti\"]\nsupports = [\"TiO2\", \"MgO\"]\n");
  const std::string key = "Co:1;La:0.5;Sr:0.5";
  EXPECT_EQ(key_of(R"({"formula":"La0.5Sr0.5CoO3"})", config), key);
  EXPECT_EQ(key_of(R"("La0.5Sr0.5CoO3")", config), key);
  EXPECT_EQ(key_of(R"("La.5Sr.5CoO3-δ")", config), key);
  EXPECT_EQ(key_of(R"({"amounts":{"La":0.5,"Sr":0.5,"Co":1,"O":3}})", config), key);
  EXPECT_EQ(csv_key("formula,y\nLa0.5Sr0.5CoO2.9,1\n", config), key);
  EXPECT_EQ(csv_key("La,Sr,Co,O,y\n0.5,0.5,1,3,1\n", config), key);
  for (const char* text : {R"("TiO2")", R"({"formula":"TiO2"})", R"("TiO₂")", R"("none/TiO2")",
                           R"({"slots":["none"],"support":"TiO2"})", R"({"key":"-/tio2"})"}) {
    EXPECT_EQ(key_of(text, config), "-/TiO2") << text;
  }
  EXPECT_EQ(csv_key("catalyst,y\nTiO2,1\n", config), "-/TiO2");
  EXPECT_EQ(csv_key("M1,Support,y\nnone,TiO2,1\n", config), "-/TiO2");
  DeliveryOptions options;
  options.format = DeliveryFormat::csv;
  options.properties = {{"y", "%", true, {}, {}}};
  options.rules = {config, &config->composition};
  const std::string variants = "formula,y\nYBa2Cu3O6.5,1\nYBa2Cu3O6.9,2\nLaCoO3,3\n";
  const auto table = prepare_delivery(variants, options, supports());
  ASSERT_TRUE(table.ok());
  EXPECT_THAT(fmt::format("{}", fmt::join(table->notes, "\n")),
              HasSubstr("2 rows differ from others in nothing but oxygen"));
  options.format = DeliveryFormat::json;
  const auto json = prepare_delivery(
      R"({"rows":[{"catalyst":"MnO2/MgO","values":{"y":1}},{"catalyst":"MnO/MgO","values":{"y":2}}]})",
      options, supports());
  ASSERT_TRUE(json.ok());
  EXPECT_THAT(json->notes.at(0), HasSubstr("2 rows"));
}

// Kind 5.
TEST(Totals, PercentAndRatiosComeToTheTotalAtEveryDoor) {
  const auto config = campaign(
      "[composition]\ntolerance = 0.01\n[[space]]\nkind = \"simplex\"\nstep_at_percent = 10\n"
      "max_elements = 3\nelements = [\"Ag\", \"Pd\", \"Cu\"]\n");
  for (const char* text :
       {R"("Ag20Pd80")", R"({"formula":"Ag20Pd80"})", R"("20Ag-80Pd")", R"({"formula":"AgPd4"})",
        R"({"amounts":{"Ag":20,"Pd":80}})", R"({"amounts":{"Ag":19.99,"Pd":80}})",
        R"({"amounts":{"Ag":20.01,"Pd":80}})", R"({"amounts":{"Ag":0.205,"Pd":0.795}})",
        R"({"amounts":{"Ag":20,"Pd":80},"unit":"at%"})", R"({"key":"Ag:20;Pd:80"})"}) {
    EXPECT_EQ(key_of(text, config), "Ag:0.2;Pd:0.8") << text;
  }
  EXPECT_EQ(csv_key("Ag,Pd,y\n20.00,80.01,1\n", config), "Ag:0.2;Pd:0.8");
  EXPECT_EQ(csv_key("Ag (at.%),Pd (at.%),y\n20.3,79.7,1\n", config), "Ag:0.2;Pd:0.8");
  EXPECT_EQ(csv_key("composition,y\nAg0.2Pd0.8,1\n", config), "Ag:0.2;Pd:0.8");
  EXPECT_THAT(key_of(R"({"amounts":{"Ag":2,"Pd":5}})", config), HasSubstr("sum to 7"));
}

TEST(Weights, OfAWholeCatalystByEveryDoor) {
  const auto config = campaign(
      "[composition]\nbasis = \"wt_percent_of_catalyst\"\n[[space]]\nkind = \"simplex\"\n"
      "step_at_percent = 10\nmax_elements = 3\nelements = [\"Cu\", \"Zn\", \"Al\"]\n");
  for (const char* text :
       {R"({"amounts":{"Cu":60,"Zn":30,"Al":10}})",
        R"({"amounts":{"Cu":60,"Zn":30,"Al":10},"unit":"wt%"})",
        R"({"amounts":{"Cu":0.6,"Zn":0.3,"Al":0.1},"unit":"g/g"})", R"("60Cu-30Zn-10Al")"}) {
    EXPECT_EQ(key_of(text, config), "Al:10;Cu:60;Zn:30") << text;
  }
  EXPECT_EQ(csv_key("Cu (wt%),Zn (wt%),Al (wt%),y\n60,30,10,1\n", config), "Al:10;Cu:60;Zn:30");
  // Without a basis JSON and tables mean the same by weights.
  const auto plain = campaign("[[space]]\nkind = \"list\"\ncatalysts = [\"CuZn\"]\n");
  EXPECT_EQ(key_of(R"({"amounts":{"Cu":60,"Zn":30,"Al":10},"unit":"wt%"})", plain),
            csv_key("Cu (wt%),Zn (wt%),Al (wt%),y\n60,30,10,1\n", plain));
  EXPECT_EQ(key_of(R"({"amounts":{"Ni":5},"unit":"wt%","support":"SiO2"})", plain),
            csv_key("Ni (wt%),Support,y\n5,SiO2,1\n", plain));
}

// Kind 28.
TEST(Slots, SharesFillThem) {
  const auto config = campaign(
      "[[space]]\nkind = \"slots\"\nslots = 3\nnone = true\nrepetition = true\n"
      "elements = [\"Li\", \"Na\", \"W\"]\nsupports = [\"MgO\"]\n");
  const std::string key = key_of(R"({"slots":["Li","Na","W"],"support":"MgO"})", config);
  EXPECT_EQ(key_of(R"({"amounts":{"Li":33.3,"Na":33.3,"W":33.4},"support":"MgO"})", config), key);
  EXPECT_EQ(csv_key("Li (mol%),Na (mol%),W (mol%),Support,y\n33.3,33.3,33.3,MgO,1\n", config), key);
}

// Kind 34.
TEST(Preparations, ComeByTable) {
  const auto config = campaign("[[space]]\nkind = \"list\"\ncatalysts = [\"Ni/SiO2\"]\n");
  for (const char* header : {"preparation", "Preparation", "PREPARATION", "Preparation method"}) {
    EXPECT_EQ(csv_key(fmt::format("catalyst,{},y\nNi/SiO2,sol\u2010gel,1\n", header), config),
              "Ni:1/SiO2|sol-gel")
        << header;
  }
}

}  // namespace
}  // namespace kasetsu::campaign
