#include "daemon/campaign/file/campaign_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/base/json.h"
#include "tests/shared_data.h"

namespace kasetsu::campaign {
namespace {

using kasetsu::testing::read_file;
using kasetsu::testing::source_file;
using ::testing::HasSubstr;

const chemistry::SupportTable& supports() {
  static const chemistry::SupportTable table =
      chemistry::SupportTable::from_csv(read_file(source_file("config/elements/supports.csv")),
                                        "supports.csv")
          .value();
  return table;
}

const char* const kGood = R"(format = 1
name = "ocm"
owner = "group 3"

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
hit_threshold = 15
plausible = [0, 100]

[[space]]
kind = "slots"
slots = 3
none = true
repetition = true
elements = ["Li", "Na", "K", "Mn", "W"]
supports = ["MgO", "SiO2"]

[[rules]]
name = "alkali"
group = ["Li", "Na", "K"]
at_most = 1

[model]
size = 8
order = 1
epsilon = 1.35

[planner]
batch = 20
diversity = 0.3
references = ["Mn-Na2WO4/SiO2"]

[planner.mix]
exploit = 8
explore = "50 %"
challenge = "50 %"

[plate]
channels = 24
blanks = 2

[retrain]
when = "nightly"
at = "02:00"

[stop]
measurements = 500

[[webhooks]]
url = "https://example.org/hook"
events = ["hit", "stopped"]
secret_file = "ocm-hook.key"
)";

Result<CampaignConfig> parse(std::string_view text, std::string_view type = kToml) {
  return parse_campaign(text, "c.toml", type, supports());
}

TEST(CampaignConfig, ReadsEverything) {
  const auto config = parse(kGood);
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->name, "ocm");
  ASSERT_EQ(config->targets.size(), 1U);
  EXPECT_EQ(config->targets[0].unit, "%");
  EXPECT_EQ(config->targets[0].hit_threshold, 15.0);
  EXPECT_EQ(config->targets[0].plausible_high, 100.0);
  const auto space = planning::CandidateSpace::make(config->space);
  ASSERT_TRUE(space.ok());
  EXPECT_EQ(space->size(), 56U * 2U);  // C(8, 3) x 2
  ASSERT_EQ(config->rules.size(), 1U);
  EXPECT_EQ(std::get<planning::GroupLimit>(config->rules[0].what).at_most, 1);
  EXPECT_EQ(config->planner.batch, 20);
  EXPECT_EQ(config->planner.references.size(), 1U);
  const auto counts = planning::divide(config->planner.mix, 20);
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(*counts, (std::vector<int>{6, 6, 8}));
  EXPECT_EQ(config->plate.channels, 24);
  EXPECT_EQ(config->retrain.when, RetrainWhen::nightly);
  EXPECT_EQ(config->retrain.at_minute, 120);
  EXPECT_EQ(config->stop.measurements, 500);
  EXPECT_EQ(config->webhooks.size(), 1U);
  EXPECT_EQ(config->text, kGood);
  EXPECT_EQ(draft_of(*config, supports()).properties[0].name, "C2_yield");
}

TEST(CampaignConfig, ExamplesAreValid) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_file("config/campaigns"))) {
    if (entry.path().extension() != ".toml") continue;
    ++files;
    const auto config = parse(read_file(entry.path()));
    ASSERT_TRUE(config.ok()) << entry.path() << ": " << config.error().to_string();
    const auto space = planning::CandidateSpace::make(config->space);
    ASSERT_TRUE(space.ok());
    if (config->name == "ocm") {
      EXPECT_EQ(space->size(), 36'540U);
      EXPECT_EQ(config->plan_options(1).batch, 20);
    }
    if (config->name == "oer-plate") {
      EXPECT_EQ(space->size(), 2121U);
    }
    const auto counts = planning::divide(config->plan_options(1).mix, config->planner.batch);
    EXPECT_TRUE(counts.ok()) << entry.path() << ": " << counts.error().to_string();
  }
  EXPECT_GE(files, 6U);
}

TEST(CampaignConfig, JsonSaysTheSame) {
  const auto config = parse(R"({"format": 1, "name": "j",
    "targets": [{"name": "y", "unit": "", "goal": "minimize"}],
    "space": [{"kind": "simplex", "elements": ["Ni", "Fe"], "step_at_percent": 10, "max_elements": 2}],
    "planner": {"batch": 3, "mix": {"explore": 3}}})",
                            kJson);
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(planning::CandidateSpace::make(config->space)->size(), 11U);
  EXPECT_EQ(config->plan_options(1).aim.goal, planning::Goal::minimize);
}

TEST(CampaignConfig, ScheduleFollowsTheBatch) {
  const auto config = parse(read_file(source_file("config/campaigns/three_way.toml")));
  ASSERT_TRUE(config.ok());
  const auto exploits = [&](int batch) {
    const planning::Mix mix = config->plan_options(batch).mix;
    return std::any_of(mix.begin(), mix.end(), [](const planning::MixEntry& entry) {
      return entry.strategy == planning::Strategy::exploit;
    });
  };
  EXPECT_FALSE(exploits(1));
  EXPECT_FALSE(exploits(3));
  EXPECT_TRUE(exploits(4));
  EXPECT_TRUE(exploits(99));
}

// One mistake each: what is replaced by what, the line on which the mistake then is, and what the
// message must say.
struct Mistake {
  const char* from;
  const char* to;
  int line;  // 0: the message need not name one
  std::vector<const char*> says;
};

TEST(CampaignConfig, EveryMistakeIsNamed) {
  const std::vector<Mistake> mistakes = {
      {"format = 1", "format = 2", 1, {"format", "\"2\"", "format = 1"}},
      {"format = 1\n", "", 1, {"\"format\" is missing"}},
      {"format = 1", "fromat = 1", 1, {"unknown key \"fromat\"", "Did you mean \"format\"?"}},
      {"name = \"ocm\"", "name = \"OCM 1\"", 2, {"name", "\"OCM 1\"", "a-z"}},
      {"name = \"ocm\"", "name = 5", 2, {"expected a text", "\"5\""}},
      {"name = \"ocm\"\n", "", 1, {"\"name\" is missing"}},
      {"name = \"ocm\"", "name = ocm", 2, {"not TOML"}},
      {"owner = \"group 3\"", "onwer = \"group 3\"", 3, {"\"onwer\"", "Did you mean \"owner\"?"}},
      {"owner = \"group 3\"", "owner = [\"a\"]", 3, {"owner", "\"[a]\""}},
      {"[[targets]]", "[targets]", 5, {"targets", "[[targets]]"}},
      {"name = \"C2_yield\"\n", "", 5, {"targets[0]", "\"name\" is missing"}},
      {"unit = \"%\"\n", "", 5, {"\"unit\" is missing"}},
      {"goal = \"maximize\"\n", "", 5, {"\"goal\" is missing", "minimize"}},
      {"goal = \"maximize\"",
       "goal = \"maximise\"",
       8,
       {"\"maximise\"", "Did you mean \"maximize\"?"}},
      {"goal = \"maximize\"", "gaol = \"maximize\"", 8, {"\"gaol\"", "Did you mean \"goal\"?"}},
      {"hit_threshold = 15", "hit_threshold = \"15 %\"", 9, {"expected a number", "15 %"}},
      {"hit_threshold = 15", "hit_threshold = nan", 9, {"hit_threshold", "nan"}},
      {"hit_threshold = 15", "hit_threshold = inf", 9, {"hit_threshold", "inf"}},
      {"plausible = [0, 100]", "plausible = [100, 0]", 10, {"plausible", "smaller one first"}},
      {"plausible = [0, 100]", "plausible = 100", 10, {"expected a list"}},
      {"kind = \"slots\"\n", "", 12, {"\"kind\" is missing"}},
      {"kind = \"slots\"", "kind = \"slot\"", 13, {"\"slot\"", "Did you mean \"slots\"?"}},
      {"slots = 3", "slots = 0", 14, {"out of range", "\"0\"", "1 to 20"}},
      {"slots = 3", "slots = 3.0", 14, {"whole number", "3"}},
      {"slots = 3\n", "", 12, {"\"slots\" is missing"}},
      {"none = true", "none = \"yes\"", 15, {"true or false", "yes"}},
      {"none = true\n", "", 12, {"\"none\" is missing"}},
      {"none = true", "loadings = [1]", 15, {"loadings", "slots does not have"}},
      {"\"Li\", \"Na\", \"K\", \"Mn\", \"W\"", "\"Li\", \"Xx\"", 17, {"unknown element", "\"Xx\""}},
      {"\"Li\", \"Na\", \"K\", \"Mn\", \"W\"",
       "\"Li\", \"mn\"",
       17,
       {"\"mn\"", "Did you mean \"Mn\"?"}},
      {"\"Li\", \"Na\", \"K\", \"Mn\", \"W\"", "\"Li\", \"Li\"", 17, {"listed twice", "\"Li\""}},
      {"\"Li\", \"Na\", \"K\", \"Mn\", \"W\"", "", 17, {"empty"}},
      {"supports = [\"MgO\", \"SiO2\"]",
       "supports = [\"MgO\", \"Qq7\"]",
       18,
       {"supports[1]", "Qq7"}},
      {"supports = [\"MgO\", \"SiO2\"]", "supports = [\"MgO\", \"MgO\"]", 18, {"MgO", "twice"}},
      {"supports = [\"MgO\", \"SiO2\"]", "supports = \"MgO\"", 18, {"expected a list"}},
      {"supports = [\"MgO\", \"SiO2\"]", "suports = [\"MgO\"]", 18, {"Did you mean \"supports\"?"}},
      {"group = [\"Li\", \"Na\", \"K\"]\n",
       "",
       20,
       {"a rule that says nothing", "forbid_together"}},
      {"group = [", "forbid_elements = [\"W\"]\ngroup = [", 20, {"says several things"}},
      {"at_most = 1", "at_mots = 1", 23, {"Did you mean \"at_most\"?"}},
      {"at_most = 1\n", "", 20, {"at_least or at_most"}},
      {"at_most = 1", "at_most = 1\nat_least = 2", 20, {"alkali", "contradict"}},
      {"at_most = 1",
       "at_least = 3\nat_most = 3\n[[rules]]\nforbid_elements=[\"Li\"]",
       20,
       {"alkali", "at most 2"}},
      {"group = [\"Li\", \"Na\", \"K\"]",
       "group = [\"Li\", \"Au\"]",
       20,
       {"\"Au\"", "does not hold"}},
      {"at_most = 1",
       "at_most = 1\n[[rules]]\nallow_elements = [\"Li\"]\n[[rules]]\nforbid_elements = [\"Li\"]",
       26,
       {"rules[2]", "contradict one another"}},
      {"at_most = 1",
       "at_most = 1\n[[rules]]\ngroup = [\"Mn\"]\nat_least = 1\n[[rules]]\ngroup = [\"W\"]\n"
       "at_least = 1\n[[rules]]\nforbid_together = [\"Mn\", \"W\"]",
       24,
       {"rules[1]: ", "\"rules[1]\", \"rules[2]\", \"rules[3]\" together leave no candidate"}},
      {"size = 8", "size = 17", 26, {"model.size", "out of range", "0 to 16"}},
      {"size = 8", "shared = 9", 26, {"model.shared", "out of range", "0 to 8"}},
      {"size = 8", "sise = 8", 26, {"Did you mean \"size\"?"}},
      {"order = 1", "order = 4", 27, {"model.order", "0 to 3"}},
      {"epsilon = 1.35", "epsilon = 0.5", 28, {"model.epsilon", "0.5", "1 to 3"}},
      {"epsilon = 1.35", "search = \"genetics\"", 28, {"Did you mean \"genetic\"?"}},
      {"batch = 20\n", "", 30, {"\"batch\" is missing", "batch = 20"}},
      {"batch = 20", "batch = 0", 31, {"planner.batch", "out of range"}},
      {"batch = 20", "batch = \"20\"", 31, {"whole number", "\"20\""}},
      {"batch = 20", "bacth = 20", 31, {"Did you mean \"batch\"?"}},
      {"batch = 20", "batch = 4", 35, {"larger than the batch", "at most 4"}},
      {"diversity = 0.3", "diversity = 3", 32, {"planner.diversity", "0 to 1"}},
      {"diversity = 0.3", "acquisition = \"ei\"", 32, {"acquisition", "expected_improvement"}},
      {"[\"Mn-Na2WO4/SiO2\"]", "[\"Mn-Xx/SiO2\"]", 33, {"references[0]", "Xx"}},
      {"exploit = 8", "exploits = 8", 36, {"Did you mean \"exploit\"?"}},
      {"exploit = 8", "exploit = -1", 36, {"planner.mix.exploit", "-1"}},
      {"explore = \"50 %\"", "explore = \"half\"", 37, {"\"half\"", "share"}},
      {"explore = \"50 %\"", "explore = \"150 %\"", 37, {"150 %"}},
      {"explore = \"50 %\"", "explore = \"90 %\"", 35, {"more than 100 %"}},
      {"explore = \"50 %\"\nchallenge = \"50 %\"", "explore = 5", 35, {"13", "add up to 20"}},
      {"channels = 24", "channels = 2", 40, {"leave no channel"}},
      {"blanks = 2", "shared_condition = \"T\"", 42, {"shared_condition", "\"T\""}},
      {"when = \"nightly\"", "when = \"daily\"", 45, {"\"daily\"", "nightly"}},
      {"at = \"02:00\"", "at = \"25:00\"", 46, {"\"25:00\"", "02:00"}},
      {"at = \"02:00\"", "at = 02:00:00", 46, {"retrain.at", "date or time"}},
      {"at = \"02:00\"\n", "", 44, {"\"at\" is missing"}},
      {"measurements = 500", "measurements = 0", 49, {"stop.measurements"}},
      {"measurements = 500", "mesurements = 500", 49, {"Did you mean \"measurements\"?"}},
      {"https://example.org", "http://example.org", 52, {"https://"}},
      {"https://example.org", "https://me@example.org", 52, {"webhooks[0].url"}},
      {"https://example.org", "https://example.org:85535", 52, {"webhooks[0].url"}},
      {"https://example.org", "https://exam ple.org", 52, {"webhooks[0].url"}},
      {"https://example.org", "https://example.org\\\\x", 52, {"webhooks[0].url"}},
      {"\"ocm-hook.key\"", "\"..\"", 54, {"webhooks[0].secret_file", "plain name"}},
      {"\"ocm-hook.key\"", "\".\"", 54, {"webhooks[0].secret_file", "plain name"}},
      {"\"ocm-hook.key\"", "\"\"", 54, {"webhooks[0].secret_file", "plain name"}},
      {"\"stopped\"]", "\"stoped\"]", 53, {"Did you mean \"stopped\"?"}},
      {"[[webhooks]]", "[[webhook]]", 51, {"Did you mean \"webhooks\"?"}},
      {"[planner.mix]", "[planner.mixx]", 35, {"Did you mean \"mix\"?"}},
      {"[stop]", "[plate]", 48, {"not TOML"}},
  };
  EXPECT_GE(mistakes.size(), 60U);
  for (const Mistake& mistake : mistakes) {
    std::string text = kGood;
    const auto at = text.find(mistake.from);
    ASSERT_NE(at, std::string::npos) << mistake.from;
    text.replace(at, std::string(mistake.from).size(), mistake.to);
    const auto config = parse(text);
    ASSERT_FALSE(config.ok()) << mistake.from << " -> " << mistake.to;
    const std::string message = config.error().to_string();
    EXPECT_EQ(config.error().code, ErrorCode::bad_data);
    if (mistake.line > 0) {
      EXPECT_THAT(message, ::testing::StartsWith("c.toml:" + std::to_string(mistake.line) + ":"))
          << mistake.from << " -> " << mistake.to;
    }
    for (const char* part : mistake.says) {
      EXPECT_THAT(message, HasSubstr(part)) << mistake.from << " -> " << mistake.to;
    }
  }
}

TEST(CampaignConfig, MistakesOfOtherSpaces) {
  const auto with_space = [](const std::string& space, const std::string& more = "") {
    const auto config = parse(
        "format = 1\nname = \"x\"\n[[targets]]\nname = \"y\"\nunit = \"\"\n"
        "goal = \"minimize\"\n[planner]\nbatch = 4\n" +
        more + "[[space]]\n" + space);
    return config.ok() ? std::string("fine") : config.error().to_string();
  };
  const std::string simplex = "kind = \"simplex\"\nelements = [\"Ni\", \"Fe\"]\nmax_elements = 2\n";
  EXPECT_EQ(with_space(simplex + "step_at_percent = 12.5"), "fine");
  EXPECT_THAT(with_space(simplex + "step_at_percent = 30"), HasSubstr("divisor of 100"));
  EXPECT_THAT(with_space(simplex), HasSubstr("\"step_at_percent\" is missing"));
  EXPECT_THAT(with_space(simplex + "step_at_percent = 10\nmin_elements = 3"),
              HasSubstr("min_elements"));
  const std::string grid =
      "kind = \"grid\"\nelements = [\"Ni\", \"Fe\"]\nmin_elements = 1\n"
      "max_elements = 2\nloading_unit = \"mmol/g\"\n";
  EXPECT_EQ(with_space(grid + "loadings = [0.1, 0.2]"), "fine");
  EXPECT_THAT(with_space(grid + "loadings = [0.1, 0.1]"), HasSubstr("listed twice"));
  EXPECT_THAT(with_space(grid + "loadings = [0.1, -0.2]"), HasSubstr("positive"));
  EXPECT_THAT(with_space(grid + "loadings = []"), HasSubstr("no loadings"));
  const std::string list = "kind = \"list\"\n";
  EXPECT_EQ(with_space(list + "catalysts = [\"Li:1;Mn:2/MgO\", \"Na2WO4-Mn/SiO2\", \"-/MgO\"]"),
            "fine");
  EXPECT_THAT(with_space(list + "catalysts = []"), HasSubstr("empty"));
  EXPECT_THAT(with_space(list + "catalysts = [\"Li:x/MgO\"]"), HasSubstr("catalysts[0]"));
  EXPECT_THAT(with_space(list + "elements = [\"Li\"]"), HasSubstr("a list does not have"));
  EXPECT_THAT(with_space(simplex + "step_at_percent = 10", "[conditions]\nT_C = []\n"),
              HasSubstr("without levels"));
  EXPECT_THAT(with_space(simplex + "step_at_percent = 10", "[conditions]\nT_C = [700, 700]\n"),
              HasSubstr("listed twice"));
  EXPECT_THAT(with_space(simplex + "step_at_percent = 10", "acquisition = \"probability\"\n"),
              HasSubstr("hit_threshold"));
}

// A campaign of one target with this in the middle, or what is wrong with it.
Result<CampaignConfig> with(const std::string& middle) {
  return parse_campaign(
      "format = 1\nname = \"c\"\n[[targets]]\nname = \"y\"\nunit = \"%\"\ngoal = \"maximize\"\n" +
          middle + "\n[planner]\nbatch = 4\n",
      "c.toml", "application/toml", supports());
}
std::string refused(const std::string& middle) {
  const auto config = with(middle);
  return config.ok() ? std::string("fine") : config.error().to_string();
}

const std::string kSimplex =
    "[[space]]\nkind = \"simplex\"\nelements = [\"Ag\", \"Pd\"]\nmax_elements = 2\n"
    "step_at_percent = 10\n";
const std::string kGrid =
    "[[space]]\nkind = \"grid\"\nelements = [\"Ni\", \"Fe\"]\nmin_elements = 1\n"
    "max_elements = 2\nloadings = [2, 1]\n";

TEST(Composition, IsToldByTheTableAndBySpace) {
  using chemistry::Basis;
  const auto percent = with("[composition]\nbasis = \"wt_percent_of_catalyst\"\n" + kSimplex);
  ASSERT_TRUE(percent.ok()) << percent.error().to_string();
  EXPECT_EQ(percent->composition.basis, Basis::wt_percent_of_catalyst);
  EXPECT_EQ(percent->composition.total, 100.0);
  EXPECT_EQ(percent->composition.unit(), "wt%");
  ASSERT_EQ(percent->composition.grids.size(), 1U);
  EXPECT_EQ(percent->composition.grids[0].step, 10.0);
  const auto plain = with(kSimplex);
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain->composition.basis);
  EXPECT_EQ(plain->composition.total, 1.0);
  const auto loading = with(kGrid + "loading_unit = \"mmol/g\"\nsupports = [\"SiO2\"]\n");
  ASSERT_TRUE(loading.ok()) << loading.error().to_string();
  EXPECT_EQ(loading->composition.basis, Basis::mmol_per_g_support);
  EXPECT_TRUE(loading->composition.plain_names_are_amounts) << "as before there were bases";
  EXPECT_EQ(loading->composition.grids[0].levels, (std::vector<double>{1.0, 2.0}));
  const auto counted = with("[composition]\noxygen = \"counted\"\ntolerance = 0.02\n" + kSimplex);
  ASSERT_TRUE(counted.ok());
  EXPECT_TRUE(counted->composition.count_oxygen);
  EXPECT_EQ(counted->composition.tolerance, 0.02);
  const auto listed = with(
      "[[space]]\nkind = \"simplex\"\nelements = [\"Ti\", \"O\"]\nmax_elements = 2\n"
      "step_at_percent = 10\n");
  ASSERT_TRUE(listed.ok());
  EXPECT_TRUE(listed->composition.count_oxygen) << "the space varies it";
}

TEST(Composition, RefusesWhatContradictsItself) {
  const std::string percent = "[composition]\nbasis = \"wt_percent_of_catalyst\"\n";
  EXPECT_THAT(refused("[composition]\nbasis = \"percent\"\n" + kSimplex),
              HasSubstr("composition.basis"));
  EXPECT_THAT(refused("[composition]\noxigen = \"counted\"\n" + kSimplex), HasSubstr("oxygen"));
  EXPECT_THAT(refused("[composition]\ntotal = 100\n" + kSimplex + "total = 1\n"),
              HasSubstr("another total than that of [composition]"));
  EXPECT_THAT(refused("[composition]\nbasis = \"mole_fraction\"\ntotal = 10\n" + kSimplex),
              HasSubstr("mole fractions have another total"));
  EXPECT_THAT(refused(percent + kGrid), HasSubstr("catalysts without a support add up to 100"));
  EXPECT_EQ(refused(percent + kGrid + "supports = [\"SiO2\"]\n"), "fine");
  EXPECT_THAT(refused(percent + kGrid + "supports = [\"SiO2\"]\nloading_unit = \"mmol/g\"\n"),
              HasSubstr("another unit than the basis"));
  EXPECT_THAT(refused("[composition]\nbasis = \"mole_fraction\"\n[[space]]\nkind = \"slots\"\n"
                      "slots = 2\nnone = true\nrepetition = true\nelements = [\"Li\"]\n"),
              HasSubstr("slots count atoms"));
  EXPECT_THAT(refused("[composition]\noxygen = \"dropped\"\n[[space]]\nkind = \"simplex\"\n"
                      "elements = [\"Ti\", \"O\"]\nmax_elements = 2\nstep_at_percent = 10\n"),
              HasSubstr("composition.oxygen"));
}

// Kind 4.
TEST(Composition, NamesInAFileAreFolded) {
  const auto config = with(
      "[[space]]\nkind = \"list\"\ncatalysts = [\"Ni/SiO\u2082\", \"TiO2\", \"CeO2\"]\n"
      "[[space]]\nkind = \"slots\"\nslots = 2\nnone = true\nrepetition = true\n"
      "elements = [\"Li\"]\nsupports = [\"TiO\u2082\", \"\u03B3-Al2O3\", \"sio2\"]\n"
      "preparations = [\"sol\u2010gel\", \" dry\u00A0 \"]\n"
      "[[rules]]\nforbid_supports = [\"Gamma Al2O3\"]\n");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  const auto& listed = std::get<planning::CatalystList>(config->space.parts[0].actives).catalysts;
  EXPECT_EQ(chemistry::canonical_key(listed[0]), "Ni:1/SiO2");
  EXPECT_EQ(chemistry::canonical_key(listed[1]), "-/TiO2") << "a support of the space";
  EXPECT_EQ(chemistry::canonical_key(listed[2]), "Ce:1");
  EXPECT_EQ(config->space.parts[1].preparations, (std::vector<std::string>{"sol-gel", "dry"}));
  EXPECT_EQ(config->space.parts[1].supports[1].name, "gamma-Al2O3");
  EXPECT_THAT(refused("[[space]]\nkind = \"slots\"\nslots = 2\nnone = true\nrepetition = true\n"
                      "elements = [\"Li\"]\npreparations = [\"sol-gel\", \"sol\u2010gel\"]\n"),
              HasSubstr("listed twice"));
}

// Kind 3.
TEST(Composition, AListSaysWhatDroppedOxygenMakesOne) {
  const std::string list =
      "[[space]]\nkind = \"list\"\ncatalysts = [\"YBa2Cu3O6.5\", \"YBa2Cu3O6.9\", \"LaCoO3\"]\n";
  const auto dropped = with(list);
  ASSERT_TRUE(dropped.ok());
  EXPECT_THAT(campaign_warnings(*dropped).at(0), HasSubstr("2 catalysts of the list differ"));
  const auto counted = with("[composition]\noxygen = \"counted\"\n" + list);
  ASSERT_TRUE(counted.ok());
  EXPECT_EQ(planning::CandidateSpace::make(counted->space)->size(), 3U);
}

TEST(Composition, MaterialsFollowTheBasis) {
  const std::string percent = "[composition]\nbasis = \"wt_percent_of_catalyst\"\n" + kGrid +
                              "supports = [\"SiO2\"]\n[materials]\nsample_mass_g = 2\n";
  const auto config = with(percent);
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  chemistry::Catalyst catalyst;
  catalyst.active.add(28, 5.0);
  catalyst.support = "SiO2";
  const auto weighed = planning::weighings(*config->materials, catalyst);
  ASSERT_EQ(weighed.size(), 2U);
  EXPECT_NEAR(weighed[0].gram, 0.1, 1e-12) << "5 wt% of two grams";
  EXPECT_NEAR(weighed[1].gram, 1.9, 1e-12);
  EXPECT_THAT(refused(percent + "amounts = \"mmol_per_g\"\n"),
              HasSubstr("other amounts than those of the campaign's basis"));
}

TEST(CampaignConfig, MaterialsBecomeRulesAndBudgets) {
  const std::string more = R"(
[[rules]]
name = "neutral"
mean_charge = true
charges = { Mn = 3 }
at_most = 2

[materials]
sample_mass_g = 0.5
amounts = "mmol_per_g"
weighable_mg = 2
batch_price = 40
forbid_hazards = ["toxic"]
[[materials.items]]
element = "W"
price_per_g = 3
stock_g = 1.5
grams_per_mol = 249.9
[[materials.items]]
support = "MgO"
hazards = ["toxic"]
)";
  const std::string good = kGood;
  const auto place = good.find("[model]");
  const auto with = [&](const std::string& text) {
    return parse(good.substr(0, place) + text + good.substr(place));
  };
  const auto config = with(more);
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  std::vector<std::string> names;
  for (const planning::Rule& rule : config->rules) names.push_back(rule.name);
  EXPECT_THAT(names, ::testing::ElementsAre("alkali", "neutral", "weighable mass", "stock",
                                            "hazard toxic of supports"));
  ASSERT_TRUE(config->materials.has_value());
  EXPECT_EQ(config->materials->elements.at(74).gram_per_mole, 249.9);
  EXPECT_EQ(config->materials->weighable_gram, 0.002);
  const auto refusal = [&](std::string from, const std::string& to) {
    std::string text = more;
    text.replace(text.find(from), from.size(), to);
    const auto refused = with(text);
    return refused.ok() ? std::string("fine") : refused.error().to_string();
  };
  EXPECT_THAT(refusal("Mn = 3", "Xx = 3"), HasSubstr("unknown element"));
  EXPECT_THAT(refusal("\"mmol_per_g\"", "\"grams\""), HasSubstr("materials.amounts"));
  EXPECT_THAT(refusal("support = \"MgO\"", "price_per_g = 2"), HasSubstr("one element or one"));
  EXPECT_THAT(refusal("support = \"MgO\"", "element = \"W\""), HasSubstr("has an item already"));
  // Rules that materials imply and that leave nothing are found before anything is planned.
  EXPECT_THAT(refusal("weighable_mg = 2", "weighable_mg = 600"), HasSubstr("leaves no candidate"));
}

TEST(CampaignConfig, HostileFilesAreRefused) {
  std::string dotted = "a";
  for (int i = 0; i < 20'000; ++i) dotted += ".a";
  EXPECT_THAT(parse("format = 1\n" + dotted + " = 1").error().to_string(),
              HasSubstr("c.toml:2: nested too deeply"));
  EXPECT_THAT(parse("format = 1\n[" + dotted + "]").error().to_string(), HasSubstr("nested"));
  EXPECT_THAT(parse("a = " + std::string(30'000, '[')).error().to_string(), HasSubstr("nested"));
  EXPECT_THAT(parse("a = " + std::string(2'000, '{')).error().to_string(), HasSubstr("nested"));
  // Dots in texts and comments are no nesting.
  EXPECT_THAT(parse("# " + std::string(100, '.') + "\nname = \"" + std::string(100, '.') + "\"")
                  .error()
                  .to_string(),
              HasSubstr("\"format\" is missing"));
  EXPECT_THAT(parse(std::string(70'000, '#')).error().to_string(), HasSubstr("at most 65536"));
  EXPECT_THAT(parse("").error().to_string(), HasSubstr("empty"));
  EXPECT_THAT(parse("\n \n").error().to_string(), HasSubstr("empty"));
  EXPECT_FALSE(parse(std::string(30'000, '['), kJson).ok());
  EXPECT_FALSE(parse("{\"format\":1,\"format\":1}", kJson).ok());
  EXPECT_FALSE(parse("[1]", kJson).ok());
  EXPECT_FALSE(parse("format = 1", "text/plain").ok());
  EXPECT_FALSE(parse(std::string("format = 1\n\0name", 16)).ok());
  EXPECT_FALSE(parse("format = 1\nname = \"\xff\xfe\"").ok());
}

// Decoder and schema know the same keys.
void keys_of_schema(const Json& schema, const std::string& path, std::vector<std::string>& keys) {
  if (schema.contains("items")) keys_of_schema(schema["items"], path + "[]", keys);
  if (!schema.contains("properties")) return;
  EXPECT_EQ(schema.value("additionalProperties", true), false) << path;
  for (const auto& [key, value] : schema["properties"].items()) {
    const std::string here = path.empty() ? key : path + "." + key;
    keys.push_back(here);
    keys_of_schema(value.contains("$ref") ? Json() : value, here, keys);
    if (value.contains("$ref")) {
      for (const char* strategy :
           {"explore", "challenge", "recheck", "exploit", "bridge", "random", "manual"}) {
        if (value["$ref"] == "#/$defs/mix") keys.push_back(here + "." + strategy);
      }
    }
  }
}

TEST(CampaignConfig, SchemaKnowsTheSameKeys) {
  const Json schema = Json::parse(read_file(source_file("schema/campaign.schema.json")));
  std::vector<std::string> keys;
  keys_of_schema(schema, "", keys);
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(keys, campaign_keys());
}

// Every key is explained; the example at the top of the page works.
TEST(CampaignConfig, DocumentationKnowsTheSameKeys) {
  const std::string page = read_file(source_file("docs/campaign-file.md"));
  for (const std::string& key : campaign_keys()) {
    const std::string name = key.substr(key.rfind('.') + 1);
    const bool table = name == "targets" || name == "properties" || name == "space" ||
                       name == "rules" || name == "webhooks" || name == "conditions" ||
                       name == "materials" || name == "model" || name == "planner" ||
                       name == "plate" || name == "retrain" || name == "stop" ||
                       name == "composition";
    EXPECT_THAT(
        page, table
                  ? ::testing::AnyOf(HasSubstr("`[" + name + "]`"), HasSubstr("`[[" + name + "]]`"))
                  : ::testing::AnyOf(HasSubstr("`" + name + "`"), HasSubstr("`" + name + " ")))
        << key;
  }
  const auto begin = page.find("```toml\n") + 8;
  const auto example = parse(page.substr(begin, page.find("```\n", begin) - begin));
  EXPECT_TRUE(example.ok()) << example.error().to_string();
}

TEST(CampaignConfig, ProposalsThatDoNotFitTheFileAreNamedWithTheReason) {
  const auto config = parse(kGood);
  ASSERT_TRUE(config.ok());
  const CampaignDraft draft = draft_of(*config, supports());
  const auto misfit = [&](const char* catalyst, const char* strategy = "explore") {
    Proposal proposal;
    proposal.catalyst = catalyst;
    proposal.strategy = strategy;
    proposal.conditions = "{}";
    return draft.misfit(proposal);
  };
  EXPECT_EQ(misfit("Li:1;Mn:2/MgO"), "");
  EXPECT_THAT(misfit("Li:1;Na:1;Mn:1/MgO"), HasSubstr("alkali"));
  EXPECT_THAT(misfit("Li:1;Na:1;Mn:1/MgO", "manual"), HasSubstr("alkali"));
  EXPECT_THAT(misfit("Pt:1/MgO"), HasSubstr("does not hold"));
  EXPECT_EQ(misfit("Pt:1/MgO", "manual"), "") << "a person may ask for what lies outside";
  EXPECT_TRUE(draft.warnings.empty());
}

TEST(CampaignConfig, FewerCandidatesThanABatchAreWarnedOf) {
  std::string text = kGood;
  text.replace(text.find("slots = 3"), 9, "slots = 1");
  text.replace(text.find("\"Li\", \"Na\", \"K\", \"Mn\", \"W\""), 26, "\"Mn\", \"W\"");
  const auto rules = text.find("[[rules]]");
  text.erase(rules, text.find("[model]") - rules);
  const auto config = parse(text);
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_THAT(campaign_warnings(*config), ::testing::ElementsAre(HasSubstr("6 candidates")));
}

// Kind 31.
TEST(CampaignConfig, ContradictionsAreWarnedOf) {
  const auto warnings = [](std::string_view from, std::string_view to) {
    std::string text = kGood;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto config = parse(text);
    EXPECT_TRUE(config.ok()) << config.error().to_string();
    return config.ok() ? campaign_warnings(*config) : std::vector<std::string>();
  };
  EXPECT_THAT(warnings("hit_threshold = 15", "hit_threshold = 150"),
              ::testing::Contains(HasSubstr("hit_threshold = 150 lies outside")));
  EXPECT_THAT(warnings("references = [", "manual = [\"Pt/MgO\"]\nreferences = ["),
              ::testing::Contains(HasSubstr("planner.manual names Pt:1/MgO")));
  EXPECT_THAT(warnings("references = [", "manual = [\"Li-Na/MgO\"]\nreferences = ["),
              ::testing::Contains(HasSubstr("forbidden and will not be proposed")));
}

}  // namespace
}  // namespace kasetsu::campaign
