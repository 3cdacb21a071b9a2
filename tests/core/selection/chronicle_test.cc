#include "core/selection/chronicle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/core/selection/laboratory.h"

namespace kasetsu::selection {
namespace {

using testing::general_elements;
using testing::laboratory;

ModelSettings quick() {
  ModelSettings settings;
  settings.search.work = 20'000'000;
  settings.search.hypotheses = 8;
  settings.search.size = 3;
  settings.trees = 0;
  settings.calibration_folds = 3;
  return settings;
}

// Batches "2" and "10" stand among each other in the table.
TrainingSet in_batches(int rows, int batches) {
  TrainingSet data = laboratory(rows, 0.3, 9);
  for (int i = 0; i < rows; ++i) data.batches.push_back(std::to_string(2 + 8 * (i % batches)));
  return data;
}

TEST(Chronicle, BatchesGoByTheirNumbersOrAsTheTableNamesThem) {
  EXPECT_EQ(order_of_batches(std::vector<std::string>{"10", "9", "10", "1.5"}),
            (std::vector<std::string>{"1.5", "9", "10"}));
  EXPECT_EQ(order_of_batches(std::vector<std::string>{"May", "April", "May", "3"}),
            (std::vector<std::string>{"May", "April", "3"}));
}

TEST(Chronicle, TellsTheErrorOfEveryHypothesisOnEveryBatchAfterItsBirth) {
  const TrainingSet data = in_batches(100, 5);
  const Chronicle played = play_batches(general_elements(), data, quick(), Executor(2), {}).value();
  EXPECT_EQ(played.learnt_first, 20);
  ASSERT_EQ(played.batches.size(), 4u);
  EXPECT_EQ(played.batches.front().name, "10");
  EXPECT_EQ(played.batches.back().name, "34");
  EXPECT_EQ(played.last.n_samples, 100);
  ASSERT_FALSE(played.lives.empty());
  std::size_t alive = 0;
  for (const Life& life : played.lives) {
    ASSERT_FALSE(life.errors.empty());
    EXPECT_EQ(life.errors.front().batch, life.born) << "its first batch is the next one";
    EXPECT_EQ(life.state == LifeState::eliminated, life.eliminated_by >= 0);
    if (life.eliminated_by >= 0) {
      EXPECT_EQ(life.errors.back().batch, life.eliminated_by);
    }
    if (life.state != LifeState::alive) continue;
    ++alive;
    EXPECT_EQ(std::ssize(life.errors), 4 - life.born) << "no gaps";
  }
  EXPECT_GT(alive, 0u);
  EXPECT_TRUE(
      std::is_sorted(played.lives.begin(), played.lives.end(),
                     [](const Life& a, const Life& b) { return a.mean_error() < b.mean_error(); }));
}

// The first batch's numbers, from a model that was made without the chronicle.
TEST(Chronicle, HoldsEachBatchAgainstTheModelBeforeIt) {
  const TrainingSet data = in_batches(60, 2);
  const Chronicle played = play_batches(general_elements(), data, quick(), Executor(2), {}).value();
  std::vector<int> known, next;
  for (int i = 0; i < 60; ++i) (i % 2 == 0 ? known : next).push_back(i);
  TrainingSet first = subset(data, known);
  first.batches.clear();
  const Model model = train(general_elements(), first, quick(), Executor(2), {}).value();
  const TrainingSet test = subset(data, next);
  const Predictions said = Predictor::make(model)->predict(test.catalysts, {}).value();
  ASSERT_EQ(played.batches.size(), 1u);
  EXPECT_DOUBLE_EQ(played.batches[0].mae_model, (test.y - said.mean).cwiseAbs().mean());
  EXPECT_DOUBLE_EQ(played.batches[0].mae_ensemble, (test.y - said.median).cwiseAbs().mean());
  int inside = 0;
  for (Eigen::Index i = 0; i < 30; ++i)
    inside += test.y[i] >= said.low[i] && test.y[i] <= said.high[i] ? 1 : 0;
  EXPECT_DOUBLE_EQ(played.batches[0].held, inside / 30.0);
  for (std::size_t h = 0; h < model.hypotheses.size(); ++h) {
    const auto key = hypothesis_key(model.hypotheses[h], model.features.primaries);
    const auto life = std::find_if(played.lives.begin(), played.lives.end(),
                                   [&](const Life& one) { return one.descriptors == key; });
    ASSERT_NE(life, played.lives.end());
    const auto column = static_cast<Eigen::Index>(h);
    EXPECT_NEAR(life->errors.at(0).mae, (test.y - said.by_hypothesis.col(column)).cwiseAbs().mean(),
                1e-9);
    EXPECT_DOUBLE_EQ(life->promised, model.hypotheses[h].mae_cv);
  }
}

TEST(Chronicle, NeedsTwoBatchesAndFirstOnesOfFiveRows) {
  TrainingSet data = laboratory(20, 0.3, 9);
  EXPECT_EQ(play_batches(general_elements(), data, quick(), Executor(1), {}).error().code,
            ErrorCode::bad_data);
  data.batches.assign(20, "only");
  EXPECT_EQ(play_batches(general_elements(), data, quick(), Executor(1), {}).error().code,
            ErrorCode::bad_data);
  // Three rows a batch: the first two are learnt together.
  data.batches.clear();
  for (int i = 0; i < 20; ++i) data.batches.push_back("plate " + std::to_string(i / 3));
  const Chronicle played = play_batches(general_elements(), data, quick(), Executor(1), {}).value();
  EXPECT_EQ(played.learnt_first, 6);
  EXPECT_EQ(played.batches.size(), 5u);
}

}  // namespace
}  // namespace kasetsu::selection
