#include "core/selection/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "core/base/instruction_set.h"
#include "core/base/random.h"
#include "tests/core/selection/laboratory.h"

namespace kasetsu::selection {
namespace {

using testing::general_elements;
using testing::laboratory;

ModelSettings quick() {
  ModelSettings settings;
  settings.search.work = 60'000'000;
  settings.search.hypotheses = 10;
  settings.search.size = 3;
  settings.trees = 20;
  return settings;
}

void expect_equal(const Model& a, const Model& b) {
  ASSERT_EQ(a.hypotheses.size(), b.hypotheses.size());
  for (std::size_t h = 0; h < a.hypotheses.size(); ++h) {
    EXPECT_EQ(a.hypotheses[h].descriptors, b.hypotheses[h].descriptors);
    EXPECT_EQ(a.hypotheses[h].coefficients, b.hypotheses[h].coefficients);
    EXPECT_EQ(a.hypotheses[h].weight, b.hypotheses[h].weight);
  }
  ASSERT_EQ(a.companions.size(), b.companions.size());
  for (std::size_t k = 0; k < a.companions.size(); ++k) {
    EXPECT_EQ(a.companions[k].forest.trees, b.companions[k].forest.trees);
    EXPECT_EQ(a.companions[k].weight, b.companions[k].weight);
    EXPECT_EQ(a.companions[k].honest, b.companions[k].honest);
  }
  EXPECT_EQ(a.honest_prediction, b.honest_prediction);
  EXPECT_EQ(a.scores, b.scores);
  EXPECT_EQ(a.coordinates, b.coordinates);
}

TEST(Folds, RowsOfOneCatalystStayTogetherAndFoldsAreEven) {
  TrainingSet data = laboratory(60, 0.1, 1);
  Random random(2);
  for (int repeat = 0; repeat < 30; ++repeat) {
    data.catalysts.push_back(data.catalysts[static_cast<std::size_t>(random.below(60))]);
  }
  for (const int wanted : {0, 2, 5, 10, 500}) {
    const Folds folds = make_folds(data.catalysts, wanted, 3);
    std::map<std::string, std::set<int>> of_key;
    std::vector<int> rows(static_cast<std::size_t>(folds.count), 0);
    for (std::size_t i = 0; i < data.catalysts.size(); ++i) {
      of_key[chemistry::canonical_key(data.catalysts[i])].insert(folds.of_row[i]);
      ++rows[static_cast<std::size_t>(folds.of_row[i])];
    }
    for (const auto& [key, in] : of_key) EXPECT_EQ(in.size(), 1u) << key;
    if (wanted == 2 || wanted == 5 || wanted == 10) {
      EXPECT_EQ(folds.count, wanted);
      EXPECT_LE(
          *std::max_element(rows.begin(), rows.end()) - *std::min_element(rows.begin(), rows.end()),
          4);
    } else {
      EXPECT_EQ(folds.count, static_cast<int>(of_key.size())) << "one fold a catalyst";
    }
    EXPECT_EQ(*std::min_element(rows.begin(), rows.end()) > 0, true);
    EXPECT_EQ(make_folds(data.catalysts, wanted, 3).of_row, folds.of_row);
  }
}

TEST(Model, IsTheSameForAnyNumberOfThreadsAndTwiceInARow) {
  const TrainingSet data = laboratory(40, 0.3, 4);
  struct Case {
    SearchMethod method;
    int order;
  };
  for (const auto [method, order] :
       {Case{SearchMethod::exchange, 1}, Case{SearchMethod::genetic, 1},
        Case{SearchMethod::random, 1}, Case{SearchMethod::exchange, 2},
        Case{SearchMethod::exchange, 3}}) {
    for (const double epsilon : {1.0, 1.35}) {
      ModelSettings settings = quick();
      settings.features.method = descriptors::Method::afe;
      settings.search.method = method;
      settings.search.regression.epsilon = epsilon;
      settings.search.work = 20'000'000;
      settings.search.genetic.population = 50;
      settings.order = order;
      settings.products = 100;
      settings.calibration_folds = order == 1 ? 2 : 0;
      settings.size_by_nested_error = true;
      const Model one = train(general_elements(), data, settings, Executor(1), {}).value();
      expect_equal(one, train(general_elements(), data, settings, Executor(1), {}).value());
      expect_equal(one, train(general_elements(), data, settings, Executor(2), {}).value());
    }
  }
}

TEST(Model, IsTheSameForEveryInstructionSet) {
  const TrainingSet data = laboratory(40, 0.3, 4);
  ModelSettings settings = quick();
  settings.features.method = descriptors::Method::afe;
  settings.search.work = 20'000'000;
  settings.search.size = 6;
  settings.order = 2;
  settings.products = 100;
  settings.size_by_nested_error = true;
  const Model best = train(general_elements(), data, settings, Executor(1), {}).value();
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2}) {
    if (!force_instruction_set(set)) continue;
    const Model other = train(general_elements(), data, settings, Executor(2), {}).value();
    force_instruction_set(std::nullopt);
    expect_equal(best, other);
    EXPECT_EQ(best.sizes_tried, other.sizes_tried);
  }
}

TEST(Model, PredictsFreshCatalystsBetterThanTheMedianAndItsIntervalsHold) {
  const TrainingSet data = laboratory(70, 0.3, 5);
  const Model model = train(general_elements(), data, quick(), Executor(2), {}).value();
  const TrainingSet fresh = laboratory(300, 0.3, 6);
  const auto predictor = Predictor::make(model).value();
  const Predictions found = predictor.predict(fresh.catalysts, {}).value();
  Eigen::VectorXd sorted = data.y;
  std::sort(sorted.begin(), sorted.end());
  const double of_median = (fresh.y.array() - sorted[35]).abs().mean();
  EXPECT_LT((fresh.y - found.mean).cwiseAbs().mean(), 0.6 * of_median);
  const auto inside =
      ((fresh.y.array() >= found.low.array()) && (fresh.y.array() <= found.high.array())).count();
  EXPECT_GT(static_cast<double>(inside) / 300.0, 0.70);
  EXPECT_LT(static_cast<double>(inside) / 300.0, 0.92);
  // The mean is what its parts make.
  Eigen::VectorXd sum = found.median;
  for (std::size_t k = 0; k < model.companions.size(); ++k) {
    sum += model.companions[k].weight *
           (found.by_companion.col(static_cast<Eigen::Index>(k)) - found.median);
  }
  EXPECT_LT((found.mean - sum).cwiseAbs().maxCoeff(), 1e-12);
}

// Honest errors are those of rows that were not seen: on noise they cannot beat the median, and the
// search's own leave-one-out does.
TEST(Model, OnNoiseOnlyTheHonestErrorIsHonest) {
  TrainingSet data = laboratory(50, 0.3, 7);
  Random random(8);
  for (double& value : data.y) value = random.normal();
  ModelSettings settings = quick();
  settings.search.size = 6;
  const Model model = train(general_elements(), data, settings, Executor(2), {}).value();
  const double spread = data.y.cwiseAbs().mean();
  EXPECT_LT(model.hypotheses.front().mae_cv, 0.8 * spread);
  EXPECT_GT((data.y - model.honest_prediction).cwiseAbs().mean(), 0.9 * spread);
}

// The ceil((n + 1) coverage)-th smallest score: of 4 scores and 80 % all four, of 19 the sixteenth.
// With n in place of n + 1 a 50 % interval of 4 scores would end at the second one, not the third.
TEST(Model, TheConformalQuantileIsThatOfOneMoreScore) {
  Model model = train(general_elements(), laboratory(40, 0.3, 9), quick(), Executor(2), {}).value();
  model.base = 1.0;
  for (const int n : {4, 9, 19, 20, 49}) {
    model.scores = Eigen::VectorXd::LinSpaced(n, 1.0, n);
    for (const double coverage : {0.5, 0.8, 0.9}) {
      model.settings.coverage = coverage;
      const double rank = std::min<double>(n, std::ceil((n + 1) * coverage));
      EXPECT_DOUBLE_EQ(Predictor::make(model).value().half_width(0.0, 0.0), rank)
          << n << " scores, " << coverage;
    }
  }
}

TEST(Model, AnElementNeverSeenIsOutsideAndWidensTheInterval) {
  const TrainingSet data = laboratory(50, 0.3, 9);
  const Model model = train(general_elements(), data, quick(), Executor(2), {}).value();
  const auto predictor = Predictor::make(model).value();
  chemistry::Catalyst strange = data.catalysts[0];
  strange.active.add(79, 0.001);  // gold
  chemistry::Catalyst on_support = data.catalysts[0];
  on_support.support = "SiO2";
  const Predictions found =
      predictor.predict(std::vector{data.catalysts[0], strange, on_support}, {}).value();
  EXPECT_LT(found.outside[0], 0.5);
  EXPECT_EQ(found.outside[1], 1.0);
  EXPECT_EQ(found.outside[2], 1.0);
  EXPECT_GT(found.novelty[1], found.novelty[0]);
  EXPECT_GT(predictor.half_width(0.1, 3.0), predictor.half_width(0.1, 0.0));
  EXPECT_GT(predictor.half_width(0.2, 0.0), predictor.half_width(0.1, 0.0));
}

TEST(Model, EliminatedHypothesesDoNotReturnAndTheLedgerWeighs) {
  const TrainingSet data = laboratory(50, 0.3, 10);
  ModelSettings settings = quick();
  settings.calibration_folds = 0;
  const Model first = train(general_elements(), data, settings, Executor(2), {}).value();
  History history;
  const auto key_of = [](const Model& model, std::size_t h) {
    return hypothesis_key(model.hypotheses[h], model.features.primaries);
  };
  history.eliminated.push_back(key_of(first, 0));
  LedgerRecord bad;
  bad.descriptors = key_of(first, 1);
  bad.count = 100;
  bad.total_error = 1000.0 * first.hypotheses[1].mae_cv;
  history.records.push_back(bad);
  const Model second = train(general_elements(), data, settings, Executor(2), {}, history).value();
  bool found_bad = false;
  for (std::size_t h = 0; h < second.hypotheses.size(); ++h) {
    EXPECT_NE(key_of(second, h), history.eliminated[0]);
    if (key_of(second, h) != bad.descriptors) continue;
    found_bad = true;
    EXPECT_LT(second.hypotheses[h].weight, 0.1 / static_cast<double>(second.hypotheses.size()));
  }
  EXPECT_TRUE(found_bad);
  EXPECT_EQ(second.eliminated, history.eliminated);
  ASSERT_EQ(second.ledger.size(), 1u);
  EXPECT_EQ(second.ledger[0], bad);
}

TEST(Model, RefusesTooFewRowsAndEndsWhenCancelled) {
  EXPECT_FALSE(train(general_elements(), laboratory(4, 0.1, 11), quick(), Executor(1), {}).ok());
  EXPECT_TRUE(train(general_elements(), laboratory(6, 0.1, 11), quick(), Executor(1), {}).ok());
  std::stop_source stop;
  stop.request_stop();
  Control control;
  control.stop = stop.get_token();
  const auto cancelled =
      train(general_elements(), laboratory(40, 0.1, 12), quick(), Executor(1), control);
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().code, ErrorCode::cancelled);
  ModelSettings settings = quick();
  settings.calibration_folds = 1;
  EXPECT_FALSE(settings.validate().ok());
}

}  // namespace
}  // namespace kasetsu::selection
