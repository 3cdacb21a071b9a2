#include "core/selection/explanation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/core/selection/laboratory.h"

namespace kasetsu::selection {
namespace {

using testing::general_elements;
using testing::laboratory;

TEST(Explanation, AddsUpToWhatIsPredictedAndFindsTheMeasuredTwin) {
  const TrainingSet data = laboratory(50, 0.2, 21);
  ModelSettings settings;
  settings.search.work = 60'000'000;
  settings.search.hypotheses = 10;
  settings.search.size = 3;
  settings.trees = 10;
  const Model model = train(general_elements(), data, settings, Executor(2), {}).value();
  const auto predictor = Predictor::make(model).value();
  TrainingSet asked = laboratory(30, 0.2, 22);
  asked.catalysts.push_back(data.catalysts[7]);
  const Predictions said = predictor.predict(asked.catalysts, {}).value();
  const auto found = explain(model, asked.catalysts, {}, said).value();
  ASSERT_EQ(found.size(), 31u);
  const FollowedRange range = predicted_range(model);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    double weights = 0.0;
    double mean = 0.0;
    for (const Explanation::Part& part : found[i].parts) {
      weights += part.weight;
      mean += part.weight * part.says;
    }
    EXPECT_NEAR(weights, 1.0, 1e-12);
    EXPECT_NEAR(mean, said.mean[row], 1e-9);
    double sum = found[i].usual;
    for (const auto& contribution : found[i].contributions) sum += contribution.contribution;
    EXPECT_NEAR(std::clamp(sum, range.low, range.high), said.by_hypothesis(row, 0), 1e-9);
    EXPECT_EQ(found[i].contributions.size(), 3u);
    EXPECT_EQ(found[i].neighbours.size(), 3u);
    EXPECT_LE(found[i].neighbours[0].distance, found[i].neighbours[1].distance);
    EXPECT_GE(found[i].agree, 0);
    EXPECT_LE(found[i].agree, found[i].hypotheses);
  }
  EXPECT_EQ(found[30].neighbours[0].distance, 0.0);
  double sum = 0.0;
  int rows = 0;
  for (std::size_t i = 0; i < data.catalysts.size(); ++i) {
    if (chemistry::canonical_key(data.catalysts[i]) != found[30].neighbours[0].catalyst) continue;
    sum += data.y[static_cast<Eigen::Index>(i)];
    ++rows;
  }
  ASSERT_GT(rows, 0);
  EXPECT_NEAR(found[30].neighbours[0].measured, sum / rows, 1e-12);
}

}  // namespace
}  // namespace kasetsu::selection
