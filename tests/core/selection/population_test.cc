#include "core/selection/population.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/selection/history.h"
#include "tests/core/selection/laboratory.h"

namespace kasetsu::selection {
namespace {

using testing::general_elements;
using testing::laboratory;

// All of it predicted by the model that found the hypothesis.
LedgerRecord record_of(int count, double error, double promised) {
  LedgerRecord record;
  record.count = count;
  record.total_error = record.first_error = count * error;
  record.first_promised = count * promised;
  return record;
}

TEST(Population, OptimismIsWhatTheLedgerShowsAndNeverBelowOne) {
  EXPECT_EQ(optimism_of({}), 1.0);
  const std::vector<LedgerRecord> worse{record_of(10, 3.0, 2.0), record_of(30, 2.0, 1.0)};
  EXPECT_DOUBLE_EQ(optimism_of(worse), 90.0 / 50.0);
  EXPECT_EQ(optimism_of(std::vector{record_of(10, 1.0, 2.0)}), 1.0);
}

// Old hypotheses are promised by rows that nobody chose them by, so that they err as promised:
// that says nothing about what a fresh promise is worth.
TEST(Population, ALongLifeDoesNotHideTheOptimismOfFreshOnes) {
  const Eigen::VectorXd promise = Eigen::VectorXd::Ones(10);
  LedgerRecord record;
  for (int i = 0; i < 10; ++i) record.enter(1.5, 1.0, promise, true);
  for (int i = 0; i < 1000; ++i) record.enter(1.0, 1.0, promise, false);
  EXPECT_DOUBLE_EQ(optimism_of(std::vector{record}), 1.5);
  EXPECT_EQ(record.count, 1010);
}

TEST(Population, TheExpectedErrorMovesFromThePromiseToTheRecord) {
  EXPECT_DOUBLE_EQ(expected_error(2.0, 100, 1.5, nullptr), 3.0);
  // Half of the rows were measured since: the promise is 2 x 1.25 there, and as good as 50 of them.
  const LedgerRecord record = record_of(50, 5.0, 2.0);
  EXPECT_DOUBLE_EQ(expected_error(2.0, 100, 1.5, &record), 0.5 * (2.5 + 5.0));
  EXPECT_DOUBLE_EQ(weight_of_error(2.0), 0.25);
}

// Rows come in at once or one by one: as many hypotheses are replaced.
TEST(Population, HypothesesAreReplacedHalfAsFastAsRowsComeIn) {
  EXPECT_EQ(places_for_fresh(50, 0, 20), 50u) << "no model before";
  EXPECT_EQ(places_for_fresh(50, 20, 20), 0u);
  EXPECT_EQ(places_for_fresh(50, 40, 20), 0u) << "rows were retracted";
  EXPECT_EQ(places_for_fresh(50, 20, 40), 18u);
  EXPECT_LE(places_for_fresh(50, 376, 396), 2u);
  EXPECT_EQ(places_for_fresh(50, 5, 5000), 50u);
  std::size_t one_by_one = 0;
  for (int row = 376; row < 456; ++row) one_by_one += places_for_fresh(50, row, row + 1);
  EXPECT_EQ(one_by_one, places_for_fresh(50, 376, 456));
}

TEST(Population, FreshOnesTakeAtMostTheirPlacesWhereThereAreVeterans) {
  std::vector<Contender> contenders;
  for (int i = 0; i < 10; ++i) contenders.push_back({1.0 + i, false, {"f" + std::to_string(i)}});
  for (int i = 0; i < 10; ++i) contenders.push_back({50.0 + i, true, {"v" + std::to_string(i)}});
  const std::vector<std::size_t> chosen = fill_places(contenders, 6, 3, 0);
  ASSERT_EQ(chosen.size(), 6u);
  EXPECT_EQ(std::count_if(chosen.begin(), chosen.end(), [](std::size_t i) { return i >= 10; }), 3);
  contenders.resize(11);
  EXPECT_EQ(fill_places(contenders, 6, 3, 0).size(), 6u) << "places are filled all the same";
}

TEST(Population, PlacesGoToDifferentHypotheses) {
  const std::vector<Contender> contenders{
      {1.0, true, {"a", "b", "c"}}, {2.0, true, {"a", "b", "d"}}, {3.0, true, {"a", "x", "y"}}};
  EXPECT_EQ(fill_places(contenders, 3, 3, 1), (std::vector<std::size_t>{0, 2}));
}

ModelSettings quick() {
  ModelSettings settings;
  settings.search.work = 40'000'000;
  settings.search.hypotheses = 8;
  settings.search.size = 4;
  settings.trees = 0;
  settings.calibration_folds = 0;
  return settings;
}

History after(const Model& model) {
  History history;
  history.generation = model.generation + 1;
  history.rows = model.n_samples;
  for (const std::vector<Hypothesis>* kept : {&model.hypotheses, &model.dormant}) {
    for (const Hypothesis& hypothesis : *kept) {
      history.veterans.push_back(
          {hypothesis_key(hypothesis, model.features.primaries), hypothesis.born});
    }
  }
  return history;
}

std::vector<int> births(const Model& model) {
  std::vector<int> born;
  for (const Hypothesis& hypothesis : model.hypotheses) born.push_back(hypothesis.born);
  return born;
}

TEST(Population, HypothesesOutliveRetrainingAndDormantOnesMayComeBack) {
  const TrainingSet all = laboratory(90, 0.3, 4);
  std::vector<int> rows(60);
  for (int i = 0; i < 60; ++i) rows[static_cast<std::size_t>(i)] = i;
  Model model = train(general_elements(), subset(all, rows), quick(), Executor(2), {}).value();
  EXPECT_TRUE(model.dormant.empty());
  for (int batch = 0; batch < 3; ++batch) {
    for (int i = 0; i < 10; ++i) rows.push_back(static_cast<int>(rows.size()));
    const History history = after(model);
    const Model next =
        train(general_elements(), subset(all, rows), quick(), Executor(2), {}, history).value();
    const Model again =
        train(general_elements(), subset(all, rows), quick(), Executor(1), {}, history).value();
    EXPECT_EQ(births(next), births(again));
    EXPECT_EQ(next.loo_prediction, again.loo_prediction) << "the same history, the same model";
    EXPECT_EQ(next.generation, batch + 1);
    const std::vector<int> born = births(next);
    EXPECT_GE(std::count_if(born.begin(), born.end(), [&](int b) { return b <= batch; }), 4)
        << "at least half of the places stay with veterans";
    if (batch == 2) {
      EXPECT_FALSE(next.dormant.empty()) << "fresh ones took a place";
    }
    const Predictor predictor = Predictor::make(next).value();
    const Predictions said = predictor.predict(all.catalysts, {}, Asked::alive_and_dormant).value();
    EXPECT_EQ(said.by_dormant.cols(), static_cast<Eigen::Index>(next.dormant.size()));
    EXPECT_TRUE(said.by_dormant.allFinite());
    EXPECT_EQ(said.for_ledger(0).size(), next.hypotheses.size() + next.dormant.size());
    model = next;
  }
}

TEST(Population, RowsMeasuredSinceAreEnteredOnceForEachHypothesis) {
  const TrainingSet all = laboratory(70, 0.3, 6);
  std::vector<int> rows(60);
  for (int i = 0; i < 60; ++i) rows[static_cast<std::size_t>(i)] = i;
  const Model before =
      train(general_elements(), subset(all, rows), quick(), Executor(2), {}).value();
  const Succession next = history_of(before, all).value();
  EXPECT_EQ(next.judged, 10);
  EXPECT_EQ(next.history.generation, 1);
  ASSERT_EQ(next.history.records.size(), before.hypotheses.size());
  for (const LedgerRecord& record : next.history.records) {
    EXPECT_EQ(record.count, 10);
    EXPECT_DOUBLE_EQ(record.first_error, record.total_error);
    EXPECT_GT(record.first_promised, 0.0);
  }
  EXPECT_EQ(history_of(before, subset(all, rows)).value().judged, 0) << "it saw them";
  // What was corrected since is no new measurement: the model was fitted to it.
  TrainingSet corrected = all;
  for (int i = 0; i < 60; i += 2) corrected.y[i] *= 1.001;
  EXPECT_EQ(history_of(before, corrected).value().judged, 10);
}

TEST(Population, IntervalsAreHeldToTheRowsMeasuredSince) {
  const TrainingSet all = laboratory(70, 0.3, 6);
  std::vector<int> rows(60), later(10);
  for (int i = 0; i < 70; ++i)
    (i < 60 ? rows[static_cast<std::size_t>(i)] : later[static_cast<std::size_t>(i - 60)]) = i;
  Model before = train(general_elements(), subset(all, rows), quick(), Executor(2), {}).value();
  EXPECT_EQ(before.widening, 1.0) << "nothing was measured after a model";
  before.widening = 1.6;
  before.forward = {{0, Eigen::VectorXd::Ones(195), 0.8}, {0, Eigen::VectorXd::Ones(190), 0.8}};
  const TrainingSet fresh = subset(all, later);
  const Predictions said = Predictor::make(before)->predict(fresh.catalysts, {}).value();
  const Eigen::ArrayXd half = 0.5 * (said.high - said.low).array();
  const Eigen::ArrayXd errors = (fresh.y - said.mean).array().abs();
  const History history = history_of(before, all).value().history;
  ASSERT_EQ(history.forward.size(), 2u) << "what is older than 200 measurements is forgotten";
  const ForwardErrors& last = history.forward.back();
  ASSERT_EQ(last.ratios.size(), 10);
  EXPECT_DOUBLE_EQ(last.held, static_cast<double>((errors <= half).count()) / 10.0);
  for (Eigen::Index i = 0; i < 10; ++i)
    EXPECT_NEAR(last.ratios[i], 1.6 * errors[i] / half[i], 1e-9) << "of intervals not widened";
  EXPECT_EQ(history_of(before, subset(all, rows)).value().history.forward.size(), 2u);
}

TEST(Population, AVeteranLargerThanWhatIsSoughtStaysDormant) {
  const std::vector<Contender> contenders{{1.0, true, {"a", "b", "c"}, false},
                                          {2.0, false, {"d", "e"}}};
  EXPECT_EQ(fill_places(contenders, 2, 2, 1), (std::vector<std::size_t>{1}));

  const TrainingSet data = laboratory(60, 0.3, 8);
  const Model large = train(general_elements(), data, quick(), Executor(2), {}).value();
  ModelSettings settings = quick();
  settings.search.size = 2;
  const Model small =
      train(general_elements(), data, settings, Executor(2), {}, after(large)).value();
  for (const Hypothesis& hypothesis : small.hypotheses)
    EXPECT_LE(hypothesis.descriptors.size(), 2u);
  EXPECT_EQ(small.dormant.size(), large.hypotheses.size());
}

// On seven rows leave-one-out says nothing about a hypothesis of four descriptors.
TEST(Population, VeteransGiveWayToRowsThatAreTooFewAndToOtherSettings) {
  const TrainingSet data = laboratory(60, 0.3, 8);
  const Model first = train(general_elements(), data, quick(), Executor(2), {}).value();
  const std::vector<int> seven{0, 1, 2, 3, 4, 5, 6};
  const Model few =
      train(general_elements(), subset(data, seven), quick(), Executor(2), {}, after(first))
          .value();
  EXPECT_TRUE(few.dormant.empty());
  ModelSettings plain = quick();
  plain.order = 0;
  const Model next = train(general_elements(), data, plain, Executor(2), {}, after(first)).value();
  for (const std::vector<Hypothesis>* kept : {&next.hypotheses, &next.dormant}) {
    for (const Hypothesis& hypothesis : *kept) {
      for (const descriptors::Descriptor& descriptor : hypothesis.descriptors)
        EXPECT_EQ(descriptor.factors[0].form, descriptors::Form::identity);
    }
  }
}

TEST(Population, AnEliminatedVeteranGetsNoPlace) {
  const TrainingSet data = laboratory(60, 0.3, 5);
  const Model first = train(general_elements(), data, quick(), Executor(2), {}).value();
  History history = after(first);
  history.eliminated.push_back(history.veterans.front().descriptors);
  const Model second = train(general_elements(), data, quick(), Executor(2), {}, history).value();
  for (const std::vector<Hypothesis>* kept : {&second.hypotheses, &second.dormant}) {
    for (const Hypothesis& hypothesis : *kept)
      EXPECT_NE(hypothesis_key(hypothesis, second.features.primaries), history.eliminated.front());
  }
}

}  // namespace
}  // namespace kasetsu::selection
