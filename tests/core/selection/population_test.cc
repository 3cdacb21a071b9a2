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
TEST(Population, HypothesesAreReplacedAsFastAsRowsComeIn) {
  EXPECT_EQ(places_for_fresh(50, 0, 20), 50u) << "no model before";
  EXPECT_EQ(places_for_fresh(50, 20, 20), 0u);
  EXPECT_EQ(places_for_fresh(50, 40, 20), 0u) << "rows were retracted";
  EXPECT_EQ(places_for_fresh(50, 20, 40), 35u);
  EXPECT_LE(places_for_fresh(50, 376, 396), 3u);
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
    EXPECT_FALSE(next.dormant.empty());
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
}

// The planner takes the best predicted every time: what comes next is not like what is known.
TEST(Population, IntervalsFollowWhatLaterBatchesTellOfThem) {
  const TrainingSet all = laboratory(260, 0.3, 7);
  std::vector<int> order(260);
  for (int i = 0; i < 260; ++i) order[static_cast<std::size_t>(i)] = i;
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return all.y[a] < all.y[b]; });
  ModelSettings settings = quick();
  settings.search.work = 4'000'000;
  settings.search.size = 2;
  settings.calibration_folds = 5;
  const auto held = [&](bool with_history) {
    std::vector<int> known(order.begin(), order.begin() + 60);
    History history;
    double inside = 0.0;
    double later = 0.0;
    for (int batch = 0; batch < 8; ++batch) {
      const TrainingSet data = subset(all, known);
      const Model model =
          train(general_elements(), data, settings, Executor(2), {}, history).value();
      const auto next = order.begin() + 60 + 25 * batch;
      known.insert(known.end(), next, next + 25);
      const TrainingSet more = subset(all, known);
      if (with_history) history = history_of(model, more).value().history;
      const TrainingSet fresh = subset(all, std::vector<int>(next, next + 25));
      const Predictions said = Predictor::make(model)->predict(fresh.catalysts, {}).value();
      if (batch < 2) continue;
      inside += static_cast<double>(
          ((fresh.y.array() >= said.low.array()) && (fresh.y.array() <= said.high.array()))
              .count());
      later += 25.0;
    }
    return inside / later;
  };
  const double adapted = held(true);
  EXPECT_GE(adapted, 0.70);
  EXPECT_LE(adapted, 0.92);
  EXPECT_LT(std::abs(adapted - 0.8), std::abs(held(false) - 0.8) + 0.02);
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
