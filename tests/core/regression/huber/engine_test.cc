#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>
#include <optional>
#include <vector>

#include "core/base/instruction_set.h"
#include "core/base/random.h"
#include "core/regression/huber/robust.h"
#include "tests/core/regression/huber/plain_solvers.h"

namespace {
std::atomic<long> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

namespace kasetsu::regression {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

struct Pool {
  MatrixXd X;  // standardised
  VectorXd y;
};

Pool pool(int rows, int columns, std::uint64_t seed, bool whole) {
  Random random(seed, 11);
  Pool p{MatrixXd(rows, columns), VectorXd(rows)};
  for (int j = 0; j < columns; ++j) {
    for (int i = 0; i < rows; ++i) {
      const double z = random.normal();
      p.X(i, j) = j % 4 == 0   ? z
                  : j % 4 == 1 ? 1.0 / std::pow(0.2 + random.uniform(), 3)
                  : j % 4 == 2 ? static_cast<double>(random.below(4))
                               : (random.uniform() < 0.08 ? 1.0 : 0.0);
    }
  }
  for (int i = 0; i < rows; ++i) {
    p.y[i] = 3.0 * p.X(i, 0) + p.X(i, 4 % columns) + random.normal() / (0.2 + random.uniform());
    if (whole) p.y[i] = std::round(p.y[i]);
  }
  p.X = kasetsu::testing::standardised(p.X);
  return p;
}

TEST(LooEngine, EqualsLooRobustWithoutAllocating) {
  for (const double epsilon : {1.0, 1.35, 1.05}) {
    for (const bool whole : {false, true}) {
      const Pool p = pool(60, 24, 3, whole);
      RobustOptions options;
      options.epsilon = epsilon;
      LooEngine engine(p.y, 8, options);
      Random random(1, 2);
      for (int subset = 0; subset < 40; ++subset) {
        const int size = 1 + static_cast<int>(random.below(8));
        std::vector<const double*> columns;
        MatrixXd X(60, size);
        for (int j = 0; j < size; ++j) {
          const auto column = static_cast<Eigen::Index>(random.below(24));
          columns.push_back(p.X.col(column).data());
          X.col(j) = p.X.col(column);
        }
        const long before = allocations.load();
        const double mae = engine.mae_cv(columns.data(), size);
        const double one_step = engine.one_step_mae(columns.data(), size);
        EXPECT_EQ(allocations.load(), before);
        EXPECT_GT(one_step, 0.0);
        const auto loo = loo_robust(X, p.y, options);
        ASSERT_TRUE(loo.ok());
        EXPECT_NEAR(mae, loo->mae_cv, 1e-9 * mae);
        EXPECT_EQ(engine.mae_cv(columns.data(), size), mae);
        EXPECT_GE(engine.mae_cv(columns.data(), size, 0.7 * mae), 0.7 * mae);
        EXPECT_EQ(engine.mae_cv(columns.data(), size, 1.001 * mae), mae);
      }
      EXPECT_EQ(engine.counts().unconfirmed, 0);
    }
  }
}

TEST(LooEngine, AllInstructionSetsGiveTheSameBits) {
  for (const int rows : {23, 60, 171}) {
    const Pool p = pool(rows, 24, 8, rows == 60);
    for (const double epsilon : {1.0, 1.35}) {
      RobustOptions options;
      options.epsilon = epsilon;
      std::vector<std::vector<double>> values;
      for (const auto set :
           {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
        if (!force_instruction_set(set)) continue;
        LooEngine engine(p.y, 16, options);
        Random random(6, 2);
        values.emplace_back();
        for (int subset = 0; subset < 30; ++subset) {
          const int size = 1 + static_cast<int>(random.below(16));
          std::vector<const double*> columns;
          for (int j = 0; j < size; ++j) {
            columns.push_back(p.X.col(static_cast<Eigen::Index>(random.below(24))).data());
          }
          values.back().push_back(engine.mae_cv(columns.data(), size));
          values.back().push_back(engine.one_step_mae(columns.data(), size));
        }
      }
      force_instruction_set(std::nullopt);
      for (const auto& other : values) EXPECT_EQ(other, values.front());
    }
  }
}

TEST(LooEngine, OneStepIsNearTheExactValue) {
  const Pool p = pool(150, 24, 5, false);
  LooEngine engine(p.y, 8, RobustOptions{});
  Random random(4, 2);
  std::vector<double> errors;
  for (int subset = 0; subset < 60; ++subset) {
    std::vector<const double*> columns;
    for (int j = 0; j < 8; ++j)
      columns.push_back(p.X.col(static_cast<Eigen::Index>(3 * j) % 24 +
                                static_cast<Eigen::Index>(random.below(3)))
                            .data());
    const double mae = engine.mae_cv(columns.data(), 8);
    errors.push_back(std::abs(engine.one_step_mae(columns.data(), 8) / mae - 1.0));
  }
  std::sort(errors.begin(), errors.end());
  EXPECT_LT(errors[30], 0.02);
}

}  // namespace
}  // namespace kasetsu::regression
