#include "core/selection/verdict.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/random.h"
#include "tests/core/descriptors/tables.h"
#include "tests/core/selection/laboratory.h"

namespace kasetsu::selection {
namespace {

using testing::general_elements;
using testing::laboratory;

ModelSettings quick() {
  ModelSettings settings;
  settings.search.work = 40'000'000;
  settings.search.hypotheses = 5;
  settings.search.size = 4;
  settings.trees = 16;
  return settings;
}

std::vector<std::string> keys(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("catalyst " + std::to_string(i));
  return out;
}

TEST(Verdict, ShuffledTargetsAreNoBetterThanTheMedianInAtLeast18Of20Draws) {
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    TrainingSet data = laboratory(40, 0.1, seed);
    Random(seed, 5).shuffle(data.y);
    const Model model = train(general_elements(), data, quick(), Executor(2), {}).value();
    if (verdict_of(model)->word == VerdictWord::no_better_than_median) ++refused;
  }
  EXPECT_GE(refused, 18);
}

TEST(Verdict, AModelThatExplainsItsTargetPredicts) {
  const TrainingSet data = laboratory(70, 0.3, 3);
  const Model model = train(general_elements(), data, quick(), Executor(2), {}).value();
  const Verdict verdict = verdict_of(model).value();
  EXPECT_EQ(verdict.word, VerdictWord::predicts) << verdict.sentence("%");
  EXPECT_LT(verdict.p, 0.01);
  EXPECT_NE(verdict.sentence("%").find("instead of"), std::string::npos);
}

TEST(Verdict, SixRowsAreTooFew) {
  const Model model =
      train(general_elements(), laboratory(6, 0.1, 11), quick(), Executor(2), {}).value();
  EXPECT_EQ(verdict_of(model)->word, VerdictWord::too_few);
}

// One of the project's real tables, of which it is known that it can be predicted.
TEST(Verdict, OnRealTablesItIsTrue) {
  KASETSU_NEEDS_SHARED_DATA("catalysts/ocm_slots_376.csv");
  TrainingSet data;
  data.catalysts = testing::slot_table("catalysts/ocm_slots_376.csv");
  const std::vector<CsvRecord> records = testing::shared_csv("catalysts/ocm_slots_376.csv");
  data.y.resize(std::ssize(data.catalysts));
  for (Eigen::Index i = 0; i < data.y.size(); ++i)
    data.y[i] = testing::cell_number(records[static_cast<std::size_t>(i) + 1].fields.back());
  const auto word = [&](const TrainingSet& of) {
    ModelSettings settings = quick();
    settings.search.work = 20'000'000;
    settings.order = 0;
    settings.size_by_nested_error = true;
    const Model model = train(general_elements(), of, settings, Executor(2), {}).value();
    return verdict_of(model)->word;
  };
  EXPECT_EQ(word(data), VerdictWord::predicts);
  EXPECT_EQ(word(subset(data, std::vector<int>{3, 60, 120, 180, 240, 300})), VerdictWord::too_few);
  // Rows far apart: neighbours in the table were chosen to be alike.
  std::vector<int> every_sixth;
  for (int i = 0; i < 376; i += 6) every_sixth.push_back(i);
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    TrainingSet shuffled = subset(data, every_sixth);
    Random(seed, 5).shuffle(shuffled.y);
    if (word(shuffled) == VerdictWord::no_better_than_median) ++refused;
  }
  EXPECT_GE(refused, 18);
}

TEST(Verdict, IsNotDrawnWithoutCalibration) {
  ModelSettings settings = quick();
  settings.calibration_folds = 0;
  const Model model =
      train(general_elements(), laboratory(30, 0.1, 11), settings, Executor(2), {}).value();
  EXPECT_FALSE(verdict_of(model).has_value());
}

// Errs 5 % less than the median, on so many catalysts that chance is excluded.
TEST(Verdict, ASmallGainIsCalledWeak) {
  Random random(7);
  Eigen::VectorXd y(400);
  for (double& value : y) value = random.normal();
  const Eigen::VectorXd predictions = 0.05 * y;
  EXPECT_EQ(verdict_of(keys(400), y, predictions).word, VerdictWord::weak);
  EXPECT_EQ(verdict_of(keys(400), y, Eigen::VectorXd(0.5 * y)).word, VerdictWord::predicts);
}

// Forty replicates of a catalyst are one piece of evidence, not forty.
TEST(Verdict, ReplicatesOfOneCatalystCountOnce) {
  Random random(8);
  Eigen::VectorXd y(52);
  Eigen::VectorXd predictions(52);
  std::vector<std::string> names = keys(12);
  for (Eigen::Index i = 0; i < 12; ++i) {
    y[i] = random.normal();
    predictions[i] = y[i] + (i % 2 == 0 ? 2.0 : -2.0);
  }
  for (Eigen::Index i = 12; i < 52; ++i) {
    names.push_back(names[0]);
    y[i] = predictions[i] = 10.0;
  }
  const Verdict verdict = verdict_of(names, y, predictions);
  EXPECT_EQ(verdict.catalysts, 12);
  EXPECT_EQ(verdict.word, VerdictWord::no_better_than_median);
}

}  // namespace
}  // namespace kasetsu::selection
