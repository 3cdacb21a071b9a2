#include "core/descriptors/featurizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/random.h"
#include "core/chemistry/told_catalyst.h"
#include "tests/core/descriptors/tables.h"

namespace kasetsu::descriptors {
namespace {

using chemistry::Catalyst;
using chemistry::ElementTable;
using ::testing::HasSubstr;

ElementTable elements(std::string_view text) {
  return ElementTable::from_csv(text, "elements.csv").value();
}

// Values already in [0, 1] over the elements of AFE's 65, with H, B, C, N, O outside of them.
ElementTable small_table() {
  return elements(
      "symbol,mass,en\n"
      "Li,0,0.1\nNa,0.25,0\nMg,0.5,0.4\nMn,0.75,0.5\nW,1,0.9\nPt,0.2,1\nSi,0.3,0.6\n"
      "O,0.1,1.5\nH,-0.1,0.8\n");
}

Catalyst catalyst(std::string_view name) {
  return chemistry::parse_catalyst_name(name, chemistry::SupportTable()).value();
}

std::vector<Catalyst> catalysts(std::initializer_list<std::string_view> names) {
  std::vector<Catalyst> out;
  for (const std::string_view name : names) out.push_back(catalyst(name));
  return out;
}

FeaturizerOptions options(Method method, Loading loading = Loading::automatic,
                          Normalization normalize = Normalization::afe65) {
  FeaturizerOptions out;
  out.method = method;
  out.loading = loading;
  out.normalize = normalize;
  return out;
}

Eigen::Index index_of(const std::vector<Primary>& primaries, std::string_view name) {
  for (std::size_t p = 0; p < primaries.size(); ++p) {
    if (primaries[p].name == name) return static_cast<Eigen::Index>(p);
  }
  return -1;
}

// The AFE authors' script on their own tables.
struct OracleCase {
  std::string name;   // of the oracle
  std::string table;  // of the catalysts
  Loading loading;
  std::string flag;
};

class AfeOracle : public ::testing::TestWithParam<OracleCase> {};

void expect_equals_oracle(const std::string& file, const std::vector<Primary>& primaries,
                          const Eigen::MatrixXd& values) {
  const auto oracle = testing::shared_csv(file);
  const std::vector<std::string>& header = oracle[0].fields;
  ASSERT_EQ(header.size(), primaries.size() + 2) << file;
  ASSERT_EQ(oracle.size(), static_cast<std::size_t>(values.rows()) + 1) << file;
  for (std::size_t p = 0; p < primaries.size(); ++p) {
    ASSERT_EQ(primaries[p].name, header[p + 1]) << file;
    for (Eigen::Index i = 0; i < values.rows(); ++i) {
      const double theirs =
          testing::cell_number(oracle[static_cast<std::size_t>(i) + 1].fields[p + 1]);
      const double ours = values(i, static_cast<Eigen::Index>(p));
      ASSERT_TRUE(std::isfinite(theirs));
      ASSERT_LE(std::abs(ours - theirs), 1e-9 * std::abs(theirs))
          << file << " row " << i << " " << primaries[p].name << ": " << ours << " for " << theirs;
    }
  }
}

TEST_P(AfeOracle, RawAndTreatedAreEqualWithTheSameColumns) {
  const OracleCase& param = GetParam();
  const std::string stem = "featurizer_oracles/afe/" + param.name + "_" + param.flag;
  KASETSU_NEEDS_SHARED_DATA(stem + "_raw.csv");
  const ElementTable table = testing::shared_elements("xenonpy_elements_completed.csv");
  const std::vector<Catalyst> data = testing::loading_table(param.table);
  const FeaturizerOptions afe = options(Method::afe, param.loading);

  const Result<RawFeatures> raw = raw_features(table, data, {}, afe);
  ASSERT_TRUE(raw.ok()) << raw.error().to_string();
  expect_equals_oracle(stem + "_raw.csv", raw->primaries, raw->values);

  const Result<Featurizer> featurizer = Featurizer::learn(table, data, {}, afe);
  ASSERT_TRUE(featurizer.ok()) << featurizer.error().to_string();
  const Result<Eigen::MatrixXd> treated = featurizer->evaluate(data, {});
  ASSERT_TRUE(treated.ok()) << treated.error().to_string();
  expect_equals_oracle(stem + "_treated.csv", featurizer->primaries(), *treated);
}

INSTANTIATE_TEST_SUITE_P(
    Data, AfeOracle,
    ::testing::Values(OracleCase{"TWC", "catalysts/afe_twc_51.csv", Loading::variable, "flag0"},
                      OracleCase{"TWC", "catalysts/afe_twc_51.csv", Loading::constant, "flag1"},
                      OracleCase{"OCM", "catalysts/afe_ocm_171.csv", Loading::variable, "flag0"},
                      OracleCase{"OCM", "catalysts/afe_ocm_171.csv", Loading::constant, "flag1"}),
    [](const auto& param_info) { return param_info.param.name + param_info.param.flag; });

TEST(Featurizer, SeesWhetherTheLoadingVaries) {
  KASETSU_NEEDS_SHARED_DATA("catalysts/afe_twc_51.csv");
  const ElementTable table = testing::shared_elements("xenonpy_elements_completed.csv");
  const auto loading = [&](const std::string& path) {
    return Featurizer::learn(table, testing::loading_table(path), {}, options(Method::afe))
        .value()
        .state()
        .options.loading;
  };
  // Nine digits of thirds and sixths: 0.999999999 to 1.000000002 is constant.
  EXPECT_EQ(loading("catalysts/afe_twc_51.csv"), Loading::constant);
  EXPECT_EQ(loading("catalysts/afe_ocm_171.csv"), Loading::variable);
}

TEST(Featurizer, ExtendedKeepsAfesColumnsUnchangedAndAddsBlocks) {
  KASETSU_NEEDS_SHARED_DATA("catalysts/ocm_slots_376.csv");
  const ElementTable table = testing::shared_elements("xenonpy_elements_completed.csv");
  const std::vector<Catalyst> data = testing::slot_table("catalysts/ocm_slots_376.csv");
  const Featurizer afe = Featurizer::learn(table, data, {}, options(Method::afe)).value();
  const Featurizer extended = Featurizer::learn(table, data, {}, options(Method::extended)).value();
  const Eigen::MatrixXd afe_values = afe.evaluate(data, {}).value();
  const Eigen::MatrixXd values = extended.evaluate(data, {}).value();
  EXPECT_TRUE(values.allFinite());
  for (std::size_t p = 0; p < afe.primaries().size(); ++p) {
    const Eigen::Index place = index_of(extended.primaries(), afe.primaries()[p].name);
    ASSERT_GE(place, 0) << afe.primaries()[p].name;
    EXPECT_EQ(values.col(place), afe_values.col(static_cast<Eigen::Index>(p)));
  }
  std::set<Block> blocks;
  for (const Primary& primary : extended.primaries()) blocks.insert(primary.block);
  EXPECT_EQ(blocks, (std::set<Block>{Block::active, Block::support_cation, Block::support}));
}

TEST(Featurizer, MakesOffsetsFromTheSmallestNonZeroValue) {
  const std::vector<Catalyst> data = catalysts({"Li-Mn", "Na-W", "Li-W", "Mg-Pt"});
  const Featurizer featurizer =
      Featurizer::learn(small_table(), data, {}, options(Method::afe, Loading::variable)).value();
  const Eigen::Index place = index_of(featurizer.primaries(), "mass_min");
  ASSERT_GE(place, 0);
  EXPECT_EQ(featurizer.state().offset[place], 1e-4 * 0.2);  // of 0, 0.25, 0, 0.2
  EXPECT_EQ(featurizer.evaluate(data, {}).value()(0, place), 1e-4 * 0.2);
}

TEST(Featurizer, AveragesOverTheElementsThatTheDataSetUsesForSsd) {
  // m of mass over Li, Mn, W is (0 + 0.75 + 1) / 3, although W occurs twice.
  const std::vector<Catalyst> data = catalysts({"Li-Mn", "2W-1Li", "W"});
  const RawFeatures raw =
      raw_features(small_table(), data, {}, options(Method::afe, Loading::variable)).value();
  const double m = 1.75 / 3.0;
  const Eigen::Index ssd = index_of(raw.primaries, "mass_ssd");
  EXPECT_NEAR(raw.values(0, ssd), m * m + (0.75 - m) * (0.75 - m), 1e-15);
  EXPECT_NEAR(raw.values(1, ssd), 2 * (1 - m) * (1 - m) + m * m, 1e-15);
}

TEST(Featurizer, DropsGapsAndConstants) {
  const ElementTable table =
      elements("symbol,full,gap,flat\nLi,0,0,3\nNa,1,1,3\nMg,2,,3\nW,4,2,3\nO,9,,3\n");
  const Featurizer without_gap =
      Featurizer::learn(table, catalysts({"Li", "Na", "Li-W"}), {}, options(Method::afe)).value();
  EXPECT_GE(index_of(without_gap.primaries(), "gap_avg"), 0);
  EXPECT_LT(index_of(without_gap.primaries(), "flat_avg"), 0);
  const Featurizer with_gap =
      Featurizer::learn(table, catalysts({"Li", "Na", "Mg-W"}), {}, options(Method::afe)).value();
  for (const Primary& primary : with_gap.primaries()) EXPECT_EQ(primary.property, "full");
  // A new catalyst with a gap is a NaN and nothing else.
  const Eigen::MatrixXd values = without_gap.evaluate(catalysts({"Mg-W"}), {}).value();
  for (std::size_t p = 0; p < without_gap.primaries().size(); ++p) {
    EXPECT_EQ(std::isnan(values(0, static_cast<Eigen::Index>(p))),
              without_gap.primaries()[p].property == "gap");
  }
}

TEST(Featurizer, NewCatalystsGetWhatWasLearntWhateverStandsBesideThem) {
  const std::vector<Catalyst> data =
      catalysts({"Li-Mn/MgO", "Na-W/SiO2", "2Mn-1W/MgO", "Mg-Pt/SiO2"});
  const std::vector<Catalyst> fresh = catalysts({"Si-Pt/Na2O", "Li-Mn/MgO", "none/SiO2"});
  const Featurizer featurizer =
      Featurizer::learn(small_table(), data, {}, options(Method::extended)).value();
  const Eigen::MatrixXd together = featurizer.evaluate(fresh, {}).value();
  const Eigen::MatrixXd learnt = featurizer.evaluate(data, {}).value();
  EXPECT_EQ(together.row(1), learnt.row(0));
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const Eigen::MatrixXd alone = featurizer.evaluate({&fresh[i], 1}, {}).value();
    EXPECT_EQ(alone.row(0), together.row(static_cast<Eigen::Index>(i)));
  }
}

TEST(Featurizer, BareSupportsAndBlanksAreDefined) {
  for (const Loading loading : {Loading::variable, Loading::constant}) {
    const std::vector<Catalyst> data =
        catalysts({"Li-Mn/MgO", "none/MgO", "Na-W/SiO2", "blank", "2Mn-1W/MgO", "Mg-Pt"});
    const Result<Featurizer> featurizer =
        Featurizer::learn(small_table(), data, {}, options(Method::extended, loading));
    ASSERT_TRUE(featurizer.ok()) << featurizer.error().to_string();
    const Eigen::MatrixXd values = featurizer->evaluate(data, {}).value();
    EXPECT_TRUE(values.allFinite());
    for (std::size_t p = 0; p < featurizer->primaries().size(); ++p) {
      const auto column = static_cast<Eigen::Index>(p);
      const Primary& primary = featurizer->primaries()[p];
      const double empty = primary.operation == Operation::product ? 1.0 : 0.0;
      const double offset = featurizer->state().offset[column];
      if (primary.block == Block::active) {
        EXPECT_EQ(values(1, column), empty + offset);
      }
      EXPECT_EQ(values(3, column), empty + offset);
    }
    // It is no other catalyst's row.
    for (Eigen::Index i = 0; i < values.rows(); ++i) {
      for (Eigen::Index j = 0; j < i; ++j) EXPECT_NE(values.row(i), values.row(j));
    }
  }
}

TEST(Featurizer, SupportBlocksAreTheCationAndTheFullFormula) {
  const std::vector<Catalyst> data =
      catalysts({"Li/MgO", "Na/SiO2", "Mn/Na2O", "W/Li2WO4", "Pt/Mg2SiO4"});
  const RawFeatures raw = raw_features(small_table(), data, {}, options(Method::extended)).value();
  const auto value = [&](Eigen::Index row, std::string_view name) {
    const Eigen::Index place = index_of(raw.primaries, name);
    EXPECT_GE(place, 0) << name;
    return raw.values(row, place);
  };
  EXPECT_DOUBLE_EQ(value(0, "support_cation.mass"), 0.5);
  EXPECT_DOUBLE_EQ(value(4, "support_cation.mass"), (2 * 0.5 + 0.3) / 3);
  EXPECT_DOUBLE_EQ(value(0, "support.mass_avg"), (0.5 + 0.1) / 2);
  EXPECT_DOUBLE_EQ(value(1, "support.mass_avg"), (0.3 + 2 * 0.1) / 3);
  EXPECT_DOUBLE_EQ(value(1, "support.mass_max"), 0.3);
  EXPECT_DOUBLE_EQ(value(1, "support.mass_min"), 0.1);
  EXPECT_DOUBLE_EQ(value(1, "support.mass_range"), 0.3 - 0.1);
  EXPECT_NEAR(value(0, "support.mass_own_var"), 0.2 * 0.2, 1e-15);
}

TEST(Featurizer, ExtendedDropsAffineCopiesOfItsOwnColumns) {
  // With oxygen the smallest everywhere, the range of a support is its maximum but for a constant.
  const std::vector<Catalyst> data = catalysts({"Li/MgO", "Na/SiO2", "Mn/W2O", "W/MnO", "Pt/PtO"});
  const Featurizer featurizer =
      Featurizer::learn(small_table(), data, {}, options(Method::extended)).value();
  EXPECT_LT(index_of(featurizer.primaries(), "support.mass_min"), 0);
  EXPECT_GE(index_of(featurizer.primaries(), "support_cation.mass"), 0);
  EXPECT_LT(index_of(featurizer.primaries(), "support.mass_max"), 0);
  EXPECT_LT(index_of(featurizer.primaries(), "support.mass_range"), 0);
  EXPECT_GE(index_of(featurizer.primaries(), "support.mass_avg"), 0);
}

TEST(Featurizer, ConditionsArePrimaries) {
  const std::vector<Catalyst> data = catalysts({"Li-Mn", "Na-W", "Li-W"});
  Conditions conditions{{"T", "CH4/O2 ratio (mol/mol)", "flat"}, Eigen::MatrixXd(3, 3)};
  conditions.values << 700, 2, 1, 750, 3, 1, 800, 4, 1;
  for (const Method method : {Method::afe, Method::extended}) {
    const Featurizer featurizer =
        Featurizer::learn(small_table(), data, conditions, options(method)).value();
    const Eigen::Index place = index_of(featurizer.primaries(), "condition.CH4/O2 ratio (mol/mol)");
    ASSERT_GE(place, 0);
    EXPECT_LT(index_of(featurizer.primaries(), "condition.flat"), 0);
    // Another order, and no constant one, when evaluating.
    Conditions later{{"CH4/O2 ratio (mol/mol)", "T"}, Eigen::MatrixXd(1, 2)};
    later.values << 3.5, 720;
    const Eigen::MatrixXd values = featurizer.evaluate({data.data(), 1}, later).value();
    EXPECT_EQ(values(0, place), 3.5 + 1e-4 * 2);
    EXPECT_EQ(values(0, index_of(featurizer.primaries(), "condition.T")), 720 + 1e-4 * 700);
    const auto missing = featurizer.evaluate({data.data(), 1}, {});
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Featurizer, RefusesConditionsThatDoNotFit) {
  const std::vector<Catalyst> data = catalysts({"Li-Mn", "Na-W"});
  const auto error = [&](Conditions conditions) {
    const auto featurizer =
        Featurizer::learn(small_table(), data, conditions, options(Method::afe));
    EXPECT_FALSE(featurizer.ok());
    return featurizer.ok() ? "" : featurizer.error().to_string();
  };
  EXPECT_THAT(error({{"T"}, Eigen::MatrixXd::Zero(1, 1)}), HasSubstr("1 x 1"));
  EXPECT_THAT(error({{"T", "T"}, Eigen::MatrixXd::Zero(2, 2)}), HasSubstr("same name"));
  EXPECT_THAT(error({{"a|b"}, Eigen::MatrixXd::Zero(2, 1)}), HasSubstr("a|b"));
  EXPECT_THAT(error({{""}, Eigen::MatrixXd::Zero(2, 1)}), HasSubstr("named"));
  Conditions gap{{"T"}, Eigen::MatrixXd::Zero(2, 1)};
  gap.values(1, 0) = NAN;
  EXPECT_THAT(error(gap), HasSubstr("catalyst 2: condition \"T\""));
}

TEST(Featurizer, RepeatedCatalystsHaveTheBitsOfEachAlone) {
  // Two that differ in their support only, two in an amount only, and repeats of each.
  const auto repeated = catalysts({"Li-Mn/MgO", "1Li-2Mn/MgO", "Li-Mn/MgO", "Na-W/SiO2",
                                   "Li-Mn/SiO2", "Na-W/SiO2", "1Li-2Mn/MgO", "Li-Mn/MgO"});
  Conditions conditions{{"T"}, Eigen::MatrixXd(8, 1)};
  conditions.values << 700, 700, 750, 700, 800, 750, 700, 700;
  for (const Method method : {Method::afe, Method::extended}) {
    const auto learnt =
        Featurizer::learn(small_table(), repeated, conditions, options(method)).value();
    const Eigen::MatrixXd together = learnt.evaluate(repeated, conditions).value();
    for (std::size_t i = 0; i < repeated.size(); ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      const Conditions its_own{{"T"}, conditions.values.row(row)};
      const Eigen::MatrixXd alone = learnt.evaluate({&repeated[i], 1}, its_own).value();
      for (Eigen::Index j = 0; j < together.cols(); ++j)
        EXPECT_EQ(together(row, j), alone(0, j)) << learnt.primaries()[std::size_t(j)].name;
    }
    EXPECT_GE(index_of(learnt.primaries(), "condition.T"), 0);
  }
}

TEST(Featurizer, EndsWhenItIsCancelled) {
  const auto some = catalysts({"Li-Mn/MgO", "Na-W/SiO2", "Li-W/MgO"});
  std::stop_source stop;
  Control control;
  control.stop = stop.get_token();
  const auto learnt = Featurizer::learn(small_table(), some, {}, {}, control);
  ASSERT_TRUE(learnt.ok());
  stop.request_stop();
  EXPECT_EQ(Featurizer::learn(small_table(), some, {}, {}, control).error().code,
            ErrorCode::cancelled);
  EXPECT_EQ(learnt->evaluate(some, {}, control).error().code, ErrorCode::cancelled);
}

TEST(Featurizer, UnknownElementsAreNamed) {
  const std::vector<Catalyst> data = catalysts({"Li-Mn", "Na-W"});
  const auto learning =
      Featurizer::learn(small_table(), catalysts({"Li", "U-Mn"}), {}, options(Method::afe));
  ASSERT_FALSE(learning.ok());
  EXPECT_EQ(learning.error().code, ErrorCode::bad_data);
  EXPECT_EQ(learning.error().value, "U");
  EXPECT_THAT(learning.error().where, HasSubstr("catalyst 2"));
  const Featurizer featurizer =
      Featurizer::learn(small_table(), data, {}, options(Method::extended)).value();
  const auto active = featurizer.evaluate(catalysts({"U"}), {});
  ASSERT_FALSE(active.ok());
  EXPECT_EQ(active.error().code, ErrorCode::bad_data);
  EXPECT_EQ(active.error().value, "U");
  const auto support = featurizer.evaluate(catalysts({"Li/ZrO2"}), {});
  ASSERT_FALSE(support.ok());
  EXPECT_EQ(support.error().value, "Zr");
  // The paper's method does not look at supports.
  const Featurizer afe = Featurizer::learn(small_table(), data, {}, options(Method::afe)).value();
  EXPECT_TRUE(afe.evaluate(catalysts({"Li/ZrO2", "Pt"}), {}).ok());
}

TEST(Featurizer, RefusesEmptyAndUniformTrainingSets) {
  EXPECT_FALSE(Featurizer::learn(small_table(), {}, {}, options(Method::afe)).ok());
  const auto uniform =
      Featurizer::learn(small_table(), catalysts({"Li-Mn", "Mn-Li"}), {}, options(Method::afe));
  ASSERT_FALSE(uniform.ok());
  EXPECT_THAT(uniform.error().to_string(), HasSubstr("no feature varies"));
  FeaturizerOptions wrong;
  wrong.method = static_cast<Method>(7);
  EXPECT_EQ(Featurizer::learn(small_table(), catalysts({"Li", "Na"}), {}, wrong).error().code,
            ErrorCode::invalid_argument);
}

TEST(Featurizer, RefusesTwoFeaturesOfOneName) {
  const ElementTable table = elements("symbol,x,x_own\nLi,0,1\nNa,1,3\nMg,3,2\n");
  const auto featurizer =
      Featurizer::learn(table, catalysts({"Li", "Na-Mg"}), {}, options(Method::extended));
  ASSERT_FALSE(featurizer.ok());
  EXPECT_EQ(featurizer.error().value, "x_own_var");
}

TEST(Featurizer, NormalisesOverTheChosenElements) {
  const ElementTable table = elements("symbol,x\nLi,2\nNa,4\nW,10\nO,0\nU,20\n");
  const std::vector<Catalyst> data = catalysts({"Li", "Na"});
  const auto normalized = [&](Method method, Normalization normalize, int element) {
    const FeaturizerState state = Featurizer::learn(table, catalysts({"Li/Na2O", "Na/Na2O"}), {},
                                                    options(method, Loading::automatic, normalize))
                                      .value()
                                      .state();
    const auto row = std::find(state.elements.begin(), state.elements.end(), element);
    return state.normalized(row - state.elements.begin(), 0);
  };
  EXPECT_DOUBLE_EQ(normalized(Method::afe, Normalization::afe65, 11), 0.25);
  EXPECT_DOUBLE_EQ(normalized(Method::afe, Normalization::afe65, 92), 2.25);
  EXPECT_DOUBLE_EQ(normalized(Method::afe, Normalization::dataset, 11), 1.0);
  EXPECT_DOUBLE_EQ(normalized(Method::extended, Normalization::dataset, 3), 0.5);  // with oxygen
  EXPECT_DOUBLE_EQ(normalized(Method::afe, Normalization::all, 11), 0.2);
}

TEST(Featurizer, StateIsCompleteAndCheckedWhenItComesBack) {
  const std::vector<Catalyst> data = catalysts({"Li-Mn/MgO", "Na-W/SiO2", "2Mn-1W/MgO"});
  const Featurizer featurizer =
      Featurizer::learn(small_table(), data, {}, options(Method::extended)).value();
  const Featurizer back = Featurizer::from_state(featurizer.state()).value();
  EXPECT_EQ(back.evaluate(data, {}).value(), featurizer.evaluate(data, {}).value());

  const auto broken = [&](auto change) {
    FeaturizerState state = featurizer.state();
    change(state);
    const auto result = Featurizer::from_state(std::move(state));
    EXPECT_FALSE(result.ok());
    return !result.ok();
  };
  EXPECT_TRUE(broken([](FeaturizerState& s) { s.offset.conservativeResize(1); }));
  EXPECT_TRUE(broken([](FeaturizerState& s) { s.offset[0] = NAN; }));
  EXPECT_TRUE(broken([](FeaturizerState& s) { s.primaries[0].property = "nothing"; }));
  EXPECT_TRUE(broken([](FeaturizerState& s) { s.primaries[0].operation = Operation::hmean; }));
  EXPECT_TRUE(broken([](FeaturizerState& s) { s.primaries[1] = s.primaries[0]; }));
  EXPECT_TRUE(broken([](FeaturizerState& s) { std::swap(s.elements[0], s.elements[1]); }));
  EXPECT_TRUE(broken([](FeaturizerState& s) { s.elements[0] = 500; }));
  EXPECT_TRUE(broken([](FeaturizerState& s) { s.properties.pop_back(); }));
  EXPECT_TRUE(broken([](FeaturizerState& s) { s.options.loading = Loading::automatic; }));
}

TEST(FeatureEvaluator, GivesTheBitsOfEvaluateForAnyChoiceOfPrimaries) {
  KASETSU_NEEDS_SHARED_DATA("catalysts/ocm_slots_376.csv");
  const ElementTable table = testing::shared_elements("xenonpy_elements_completed.csv");
  const std::vector<Catalyst> data = testing::slot_table("catalysts/ocm_slots_376.csv");
  Random random(9);
  Conditions conditions{{"T", "ratio"}, Eigen::MatrixXd(static_cast<Eigen::Index>(data.size()), 2)};
  for (double& value : conditions.values.reshaped()) value = random.uniform();
  const Featurizer featurizer =
      Featurizer::learn(table, data, conditions, options(Method::extended)).value();
  const Eigen::MatrixXd all = featurizer.evaluate(data, conditions).value();
  for (int round = 0; round < 20; ++round) {
    std::vector<int> wanted;
    for (std::size_t n = 1 + random.below(40); n > 0; --n) {
      wanted.push_back(static_cast<int>(random.below(featurizer.primaries().size())));
    }
    FeatureEvaluator evaluator(featurizer.state(), wanted);
    ASSERT_EQ(evaluator.size(), wanted.size());
    EXPECT_EQ(evaluator.row_of(110), -1);
    std::vector<double> out(wanted.size());
    for (std::size_t i = 0; i < data.size(); ++i) {
      const auto parts = [&](const chemistry::Composition& composition) {
        std::vector<FeatureEvaluator::Part> list;
        for (const auto& part : composition.parts()) {
          list.push_back({evaluator.row_of(part.element), part.amount});
        }
        return list;
      };
      evaluator.active(parts(data[i].active), out.data());
      evaluator.support(parts(data[i].support_formula), out.data());
      const auto row = static_cast<Eigen::Index>(i);
      const double values[] = {conditions.values(row, 0), conditions.values(row, 1)};
      evaluator.conditions(values, out.data());
      for (std::size_t w = 0; w < wanted.size(); ++w) {
        ASSERT_EQ(out[w], all(row, wanted[w]));
      }
    }
  }
}

}  // namespace
}  // namespace kasetsu::descriptors
