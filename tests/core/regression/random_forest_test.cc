#include "core/regression/random_forest.h"

#include "core/regression/forest_bounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "core/base/random.h"

namespace kasetsu::regression {
namespace {

struct Data {
  Eigen::MatrixXd X;
  Eigen::VectorXd y;
};

Data steps(int rows, std::uint64_t seed, double noise) {
  Random random(seed);
  Data data{Eigen::MatrixXd(rows, 5), Eigen::VectorXd(rows)};
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < 5; ++j) data.X(i, j) = random.uniform();
    data.y[i] = (data.X(i, 1) > 0.5 ? 3.0 : 0.0) + (data.X(i, 3) > 0.25 ? 1.0 : 0.0) +
                noise * random.normal();
  }
  return data;
}

TEST(RandomForest, PredictsWithinTheRangeSeenAndFollowsSteps) {
  const Data train = steps(300, 1, 0.1);
  const Data test = steps(300, 2, 0.1);
  const Forest forest = fit_forest(train.X, train.y, {}, Executor(1)).value();
  EXPECT_TRUE(forest.sound());
  const Eigen::VectorXd predicted = predict(forest, test.X);
  EXPECT_GE(predicted.minCoeff(), train.y.minCoeff());
  EXPECT_LE(predicted.maxCoeff(), train.y.maxCoeff());
  EXPECT_LT((predicted - test.y).cwiseAbs().mean(), 0.25);
  EXPECT_GT((test.y.array() - train.y.mean()).abs().mean(), 1.0);
}

TEST(RandomForest, IsTheSameForAnyNumberOfThreadsAndAnotherForAnotherSeed) {
  const Data data = steps(80, 3, 0.5);
  ForestOptions options;
  const Forest one = fit_forest(data.X, data.y, options, Executor(1)).value();
  const Forest three = fit_forest(data.X, data.y, options, Executor(3)).value();
  EXPECT_EQ(one.trees, three.trees);
  options.seed = 2;
  EXPECT_NE(one.trees, fit_forest(data.X, data.y, options, Executor(1)).value().trees);
}

// A single deep tree without choice among columns is plain recursive partitioning: the split with
// the least squared error, found here by trying everything.
TEST(RandomForest, SplitsWhereTheSquaredErrorFallsMost) {
  const Data data = steps(60, 5, 0.2);
  ForestOptions options;
  options.trees = 20;
  options.columns = 1.0;
  options.leaf = 5;
  const Forest forest = fit_forest(data.X, data.y, options, Executor(1)).value();
  for (std::size_t t = 0; t < forest.trees.size(); ++t) {
    Random random(options.seed, t);
    std::vector<int> weight(60, 0);
    for (int draw = 0; draw < 60; ++draw) ++weight[static_cast<std::size_t>(random.below(60))];
    const auto error = [&](int column, double threshold) {
      double sum[2] = {0, 0};
      double square = 0.0;
      int count[2] = {0, 0};
      for (int i = 0; i < 60; ++i) {
        const int side = data.X(i, column) <= threshold ? 0 : 1;
        const int w = weight[static_cast<std::size_t>(i)];
        sum[side] += w * data.y[i];
        square += w * data.y[i] * data.y[i];
        count[side] += w;
      }
      if (count[0] < 5 || count[1] < 5) return std::numeric_limits<double>::infinity();
      return square - sum[0] * sum[0] / count[0] - sum[1] * sum[1] / count[1];
    };
    double least = std::numeric_limits<double>::infinity();
    for (int column = 0; column < 5; ++column) {
      for (int i = 0; i < 60; ++i) least = std::min(least, error(column, data.X(i, column)));
    }
    const Tree::Node& root = forest.trees[t].nodes.front();
    ASSERT_GE(root.column, 0);
    EXPECT_NEAR(error(root.column, root.value), least, 1e-9);
  }
}

TEST(RandomForest, BoundsHoldAndAPointIsBoundedByItself) {
  const Data data = steps(100, 6, 0.4);
  const Forest forest = fit_forest(data.X, data.y, {}, Executor(1)).value();
  Random random(7);
  for (int box = 0; box < 50; ++box) {
    Eigen::VectorXd low(5), high(5);
    for (int j = 0; j < 5; ++j) {
      const double a = random.uniform();
      const double b = random.uniform();
      low[j] = std::min(a, b);
      high[j] = std::max(a, b);
    }
    const Bounds found = ForestBounds(forest).of({low.data(), 5}, {high.data(), 5});
    Eigen::MatrixXd inside(40, 5);
    for (int i = 0; i < 40; ++i) {
      for (int j = 0; j < 5; ++j) inside(i, j) = low[j] + random.uniform() * (high[j] - low[j]);
    }
    const Eigen::VectorXd predicted = predict(forest, inside);
    EXPECT_GE(predicted.minCoeff(), found.low - 1e-12);
    EXPECT_LE(predicted.maxCoeff(), found.high + 1e-12);
    const Bounds point = ForestBounds(forest).of({low.data(), 5}, {low.data(), 5});
    EXPECT_NEAR(point.low, predict(forest, low.transpose())[0], 1e-12);
    EXPECT_NEAR(point.high, point.low, 1e-12);
  }
}

TEST(RandomForest, RefusesWhatItCannotLearnAndSeesATamperedTree) {
  const Data data = steps(20, 8, 0.1);
  EXPECT_FALSE(fit_forest(data.X, data.y.head(5), {}, Executor(1)).ok());
  Eigen::MatrixXd bad = data.X;
  bad(0, 0) = std::nan("");
  EXPECT_FALSE(fit_forest(bad, data.y, {}, Executor(1)).ok());
  ForestOptions options;
  options.trees = 0;
  EXPECT_FALSE(fit_forest(data.X, data.y, options, Executor(1)).ok());
  Forest forest = fit_forest(data.X, data.y, {}, Executor(1)).value();
  forest.trees[0].nodes[0].right = 100000;
  EXPECT_FALSE(forest.sound());
}

TEST(RandomForest, OneRowAndAConstantTarget) {
  EXPECT_EQ(predict(fit_forest(Eigen::MatrixXd::Ones(1, 1), Eigen::VectorXd::Constant(1, 4.0), {},
                               Executor(1))
                        .value(),
                    Eigen::MatrixXd::Zero(2, 1)),
            Eigen::VectorXd::Constant(2, 4.0));
}

// The median of the trees is the middle one of what each says alone, and one wild measurement moves
// the mean, not the median.
TEST(RandomForest, TheMedianIsOfTheTreesAndHeedsNoSingleWildValue) {
  Data data = steps(80, 11, 0.2);
  ForestOptions options;
  options.trees = 25;
  options.center = Center::median;
  const Forest forest = fit_forest(data.X, data.y, options, Executor(2)).value();
  const Eigen::VectorXd said = predict(forest, data.X);
  Eigen::MatrixXd alone(80, 25);
  for (Eigen::Index t = 0; t < 25; ++t) {
    const Forest one{{forest.trees[static_cast<std::size_t>(t)]}, forest.columns, Center::mean};
    alone.col(t) = predict(one, data.X);
  }
  for (Eigen::Index i = 0; i < 80; ++i) {
    Eigen::VectorXd row = alone.row(i);
    std::sort(row.begin(), row.end());
    EXPECT_EQ(said[i], row[12]);
  }
  const Eigen::VectorXd truth = data.y;
  data.y[7] += 1e6;
  const auto largest = [&](Center center) {
    ForestOptions of = options;
    of.center = center;
    of.leaf = 1;
    const Eigen::VectorXd found =
        predict(fit_forest(data.X, data.y, of, Executor(1)).value(), data.X);
    double most = 0.0;
    for (Eigen::Index i = 0; i < 80; ++i) {
      if (i != 7) most = std::max(most, std::abs(found[i] - truth[i]));
    }
    return most;
  };
  EXPECT_GT(largest(Center::mean), 1e4);
  EXPECT_LT(largest(Center::median), 1e3);
}

TEST(RandomForest, RandomCutsLearnStayBetweenTheRowsAndDoNotDependOnThreads) {
  const Data data = steps(150, 12, 0.1);
  ForestOptions options;
  options.trees = 40;
  options.random_cuts = true;
  options.columns = 1.0;
  for (const Center center : {Center::mean, Center::median}) {
    options.center = center;
    const Forest forest = fit_forest(data.X, data.y, options, Executor(1)).value();
    EXPECT_TRUE(forest.sound());
    EXPECT_EQ(forest.trees, fit_forest(data.X, data.y, options, Executor(3)).value().trees);
    const Data fresh = steps(300, 13, 0.0);
    const Eigen::VectorXd said = predict(forest, fresh.X);
    const double flat = (fresh.y.array() - data.y.mean()).abs().mean();
    EXPECT_LT((fresh.y - said).cwiseAbs().mean(), 0.5 * flat);
    EXPECT_GE(said.minCoeff(), data.y.minCoeff());
    EXPECT_LE(said.maxCoeff(), data.y.maxCoeff());
    const Eigen::VectorXd low = Eigen::VectorXd::Constant(5, -1e9);
    const Eigen::VectorXd high = Eigen::VectorXd::Constant(5, 1e9);
    const Bounds found = ForestBounds(forest).of({low.data(), 5}, {high.data(), 5});
    EXPECT_LE(found.low, said.minCoeff());
    EXPECT_GE(found.high, said.maxCoeff());
  }
  // Every cut leaves rows on both sides: no leaf is empty, and none has fewer than asked for.
  options.leaf = 4;
  const Forest forest = fit_forest(data.X, data.y, options, Executor(1)).value();
  for (std::size_t t = 0; t < forest.trees.size(); ++t) {
    Random random(options.seed, t);
    std::map<const Tree::Node*, int> rows;
    for (int draw = 0; draw < 150; ++draw) {
      const auto i = static_cast<Eigen::Index>(random.below(150));
      const Tree::Node* const root = forest.trees[t].nodes.data();
      const Tree::Node* node = root;
      while (node->column >= 0)
        node = data.X(i, node->column) <= node->value ? node + 1 : root + node->right;
      ++rows[node];
    }
    int leaves = 0;
    for (const Tree::Node& node : forest.trees[t].nodes) leaves += node.column < 0 ? 1 : 0;
    EXPECT_EQ(static_cast<int>(rows.size()), leaves);
    for (const auto& [leaf, count] : rows) EXPECT_GE(count, 4);
  }
}

}  // namespace
}  // namespace kasetsu::regression
