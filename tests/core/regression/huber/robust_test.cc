#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/regression/huber/robust.h"
#include "tests/core/regression/huber/plain_solvers.h"

namespace kasetsu::regression {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using kasetsu::testing::exhaustive_least_absolute;
using kasetsu::testing::plain_huber;
using kasetsu::testing::plain_least_absolute;
using kasetsu::testing::PlainFit;
using kasetsu::testing::robust_objective;
using kasetsu::testing::standardised;
using kasetsu::testing::with_constant;
using kasetsu::testing::without_row;

RobustOptions options(double epsilon, double alpha = 0.0) {
  RobustOptions out;
  out.epsilon = epsilon;
  out.alpha = alpha;
  return out;
}

double student3(Random& random) {
  double squares = 0.0;
  for (int i = 0; i < 3; ++i) {
    const double z = random.normal();
    squares += z * z;
  }
  return random.normal() / std::sqrt(squares / 3.0);
}

struct Table {
  MatrixXd X;
  VectorXd y;
};

// Columns like descriptors: smooth, heavy-tailed, of few values, nearly parallel; heavy-tailed
// noise.
Table descriptor_like(int rows, int columns, std::uint64_t seed, double noise = 1.0) {
  Random random(seed, static_cast<std::uint64_t>(rows * 100 + columns));
  Table table{MatrixXd(rows, columns), VectorXd(rows)};
  for (int j = 0; j < columns; ++j) {
    for (int i = 0; i < rows; ++i) {
      double x = random.normal();
      switch (j % 5) {
        case 1:
          x = 1.0 / std::pow(0.2 + random.uniform(), 3);
          break;
        case 2:
          x = static_cast<double>(random.below(6));
          break;
        case 3:
          x = std::exp(2.0 * table.X(i, j - 3)) + 0.3 * random.normal();
          break;
        case 4:
          x = random.uniform() < 0.2 ? 1.0 + random.uniform() : 0.0;
          break;
        default:
          break;
      }
      table.X(i, j) = x;
    }
  }
  const MatrixXd z = standardised(table.X);
  for (int i = 0; i < rows; ++i) {
    table.y[i] = 10.0 + noise * student3(random);
    for (int j = 0; j < columns; ++j) table.y[i] += (j % 2 == 0 ? 1.5 : -0.7) * z(i, j);
  }
  return table;
}

// Leave-one-out by refitting everything N times with `solver` on columns standardised once.
VectorXd refit_all(const Table& table,
                   const std::function<VectorXd(const MatrixXd&, const VectorXd&)>& solver) {
  const MatrixXd A = with_constant(standardised(table.X));
  VectorXd residuals(table.y.size());
  for (Eigen::Index i = 0; i < table.y.size(); ++i) {
    residuals[i] = table.y[i] - A.row(i).dot(solver(without_row(A, i), without_row(table.y, i)));
  }
  return residuals;
}

double relative(const VectorXd& a, const VectorXd& b) {
  return (a - b).cwiseAbs().maxCoeff() / std::max(1e-300, b.cwiseAbs().mean());
}

TEST(Huber, FitIsTheMinimumAndLeaveOneOutEqualsRefits) {
  for (const double epsilon : {1.2, 1.35, 2.0, 3.0}) {
    for (const auto& [rows, columns] : {std::pair{30, 3}, {51, 8}, {90, 5}}) {
      for (std::uint64_t seed = 0; seed < 2; ++seed) {
        const Table t = descriptor_like(rows, columns, seed);
        const auto loo = loo_robust(t.X, t.y, options(epsilon));
        ASSERT_TRUE(loo.ok());
        const PlainFit plain = plain_huber(with_constant(standardised(t.X)), t.y, epsilon, 0.0);
        ASSERT_TRUE(plain.converged);
        EXPECT_NEAR(loo->fit.scale / plain.sigma, 1.0, 1e-8);
        EXPECT_NEAR(loo->fit.objective / plain.objective, 1.0, 1e-12);
        const VectorXd fitted = (t.X * loo->fit.coefficients).array() + loo->fit.intercept;
        EXPECT_LT((fitted - with_constant(standardised(t.X)) * plain.beta).cwiseAbs().maxCoeff(),
                  1e-7);
        const VectorXd refits = refit_all(t, [&](const MatrixXd& A, const VectorXd& y) {
          const PlainFit fold = plain_huber(A, y, epsilon, 0.0);
          EXPECT_TRUE(fold.converged);
          return fold.beta;
        });
        EXPECT_LT(relative(loo->residuals, refits), 1e-7)
            << "epsilon " << epsilon << " rows " << rows << " seed " << seed;
        EXPECT_NEAR(loo->mae_cv, loo->residuals.cwiseAbs().mean(), 1e-12 * loo->mae_cv);
      }
    }
  }
}

TEST(Huber, RidgeLeaveOneOutEqualsRefits) {
  for (const double alpha : {1e-4, 0.5, 30.0}) {
    for (const double epsilon : {1.1, 1.35, 2.5}) {
      const Table t = descriptor_like(45, 6, 3);
      const auto loo = loo_robust(t.X, t.y, options(epsilon, alpha));
      ASSERT_TRUE(loo.ok());
      const PlainFit plain = plain_huber(with_constant(standardised(t.X)), t.y, epsilon, alpha);
      ASSERT_TRUE(plain.converged);
      EXPECT_NEAR(loo->fit.objective / plain.objective, 1.0, 1e-12);
      const VectorXd refits = refit_all(t, [&](const MatrixXd& A, const VectorXd& y) {
        return plain_huber(A, y, epsilon, alpha).beta;
      });
      EXPECT_LT(relative(loo->residuals, refits), 1e-7) << "alpha " << alpha;
    }
  }
}

TEST(LeastAbsolute, FitIsTheMinimumAndLeaveOneOutEqualsRefits) {
  for (const auto& [rows, columns] : {std::pair{21, 2}, {51, 8}, {90, 5}, {120, 8}}) {
    const Table t = descriptor_like(rows, columns, 5);
    const auto loo = loo_robust(t.X, t.y, options(1.0));
    ASSERT_TRUE(loo.ok());
    const PlainFit plain = plain_least_absolute(with_constant(standardised(t.X)), t.y);
    EXPECT_NEAR(loo->fit.objective / plain.objective, 1.0, 1e-11);
    EXPECT_EQ(loo->fit.scale, 0.0);
    const VectorXd refits = refit_all(
        t, [&](const MatrixXd& A, const VectorXd& y) { return plain_least_absolute(A, y).beta; });
    EXPECT_LT(relative(loo->residuals, refits), 1e-7) << rows << " x " << columns;
  }
}

TEST(LeastAbsolute, TiesGoToTheMinimiserNearestToLeastSquares) {
  // Whole numbers on few columns: ties, duplicates and vertices where many rows meet.
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed, 77);
    const int rows = 5 + static_cast<int>(random.below(6));
    const int columns = static_cast<int>(random.below(3));
    Table t{MatrixXd(rows, columns), VectorXd(rows)};
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) t.X(i, j) = static_cast<double>(random.below(3));
      t.y[i] = static_cast<double>(random.below(5));
    }
    MatrixXd A = with_constant(t.X);
    if (A.colPivHouseholderQr().rank() < columns + 1) continue;
    const auto fit = fit_robust(t.X, t.y, options(1.0));
    ASSERT_TRUE(fit.ok());
    const PlainFit plain = exhaustive_least_absolute(A, t.y);
    EXPECT_NEAR(fit->objective, plain.objective, 1e-10) << seed;
    const VectorXd fitted = (t.X * fit->coefficients).array() + fit->intercept;
    EXPECT_LT((fitted - A * plain.beta).cwiseAbs().maxCoeff(), 1e-6) << "seed " << seed;
  }
}

TEST(LeastAbsolute, MedianOfAnEvenNumberIsTheAllowedPointNearestToTheMean) {
  VectorXd y(4);
  y << 0.0, 1.0, 3.0, 100.0;  // minimisers: [1, 3]; mean 26
  auto fit = fit_robust(MatrixXd(4, 0), y, options(1.0));
  ASSERT_TRUE(fit.ok());
  EXPECT_NEAR(fit->intercept, 3.0, 1e-12);
  y << 0.0, 1.0, 3.0, 3.2;  // mean 1.8 is allowed itself
  fit = fit_robust(MatrixXd(4, 0), y, options(1.0));
  EXPECT_NEAR(fit->intercept, 1.8, 1e-12);
}

// Leaving a row out must give what a fit without it gives, whatever is degenerate about the rest.
void expect_same_as_own_refits(const Table& t, const RobustOptions& o, const std::string& what) {
  const auto loo = loo_robust(t.X, t.y, o);
  ASSERT_TRUE(loo.ok());
  const MatrixXd Z = standardised(t.X);
  const double scale = std::max(t.y.cwiseAbs().maxCoeff(), 1e-12);
  for (Eigen::Index i = 0; i < t.y.size(); ++i) {
    const MatrixXd rest = without_row(Z, i);
    if (rest.rows() < 2) continue;
    RobustOptions fold = o;
    if (o.alpha > 0.0) continue;  // ridge acts on the scale of all rows: judged elsewhere
    const auto refit = fit_robust(rest, without_row(t.y, i), fold);
    ASSERT_TRUE(refit.ok());
    const double expected = t.y[i] - refit->intercept - Z.row(i).dot(refit->coefficients);
    EXPECT_NEAR(loo->residuals[i], expected, 1e-7 * scale)
        << what << " epsilon " << o.epsilon << " row " << i;
  }
}

TEST(Degenerate, EveryAwkwardTableGivesTheSameAsItsRefits) {
  for (const double epsilon : {1.0, 1.05, 1.35, 3.0}) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      Table t = descriptor_like(16, 5, seed, 0.5);
      expect_same_as_own_refits(t, options(epsilon), "few rows");
      Table duplicated = t;
      for (int i = 0; i < 8; ++i) {
        duplicated.X.row(i + 8) = duplicated.X.row(i);
        if (i % 2 == 0) duplicated.y[i + 8] = duplicated.y[i];
      }
      expect_same_as_own_refits(duplicated, options(epsilon), "duplicated rows");
      Table collinear = t;
      collinear.X.col(4) = 2.0 * collinear.X.col(0) - collinear.X.col(2);
      expect_same_as_own_refits(collinear, options(epsilon), "collinear");
      Table single = t;
      single.X.col(1).setZero();
      single.X(3, 1) = 1.0;
      single.X.col(2).setConstant(7.25);
      expect_same_as_own_refits(single, options(epsilon), "column constant without one row");
      Table pair = t;
      pair.X.col(1).setZero();
      pair.X(3, 1) = 1.0;
      pair.X(9, 1) = 1.0;
      pair.y[3] += 30.0;
      pair.y[9] -= 30.0;
      expect_same_as_own_refits(pair, options(epsilon), "column of two opposed rows");
      Table rounded = t;
      for (int i = 0; i < 16; ++i) {
        rounded.y[i] = std::round(rounded.y[i]);
        for (int j = 0; j < 5; ++j) rounded.X(i, j) = std::round(rounded.X(i, j));
      }
      expect_same_as_own_refits(rounded, options(epsilon), "whole numbers");
      Table wide = descriptor_like(7, 9, seed);
      expect_same_as_own_refits(wide, options(epsilon), "more columns than rows");
      Table square = descriptor_like(7, 6, seed);
      expect_same_as_own_refits(square, options(epsilon), "rows = columns + 1");
      Table near = descriptor_like(9, 7, seed);
      expect_same_as_own_refits(near, options(epsilon), "rows = columns + 2");
      Table dead = t;
      for (int i = 0; i < 11; ++i) dead.y[i] = 0.0;
      expect_same_as_own_refits(dead, options(epsilon), "mostly equal targets");
    }
  }
}

TEST(Degenerate, ConstantTargetIsFittedExactly) {
  const Table t = descriptor_like(20, 3, 1);
  for (const double value : {0.0, 0.1, -1e9}) {
    for (const double epsilon : {1.0, 1.35}) {
      const auto loo = loo_robust(t.X, VectorXd::Constant(20, value), options(epsilon));
      ASSERT_TRUE(loo.ok());
      EXPECT_EQ(loo->fit.scale, 0.0);
      EXPECT_LE(loo->mae_cv, 1e-13 * std::abs(value));
      EXPECT_NEAR(loo->fit.intercept, value, 1e-13 * std::abs(value));
    }
    const auto ridge = loo_robust(t.X, VectorXd::Constant(20, value), options(1.35, 1.0));
    ASSERT_TRUE(ridge.ok());
    EXPECT_LE(ridge->mae_cv, 1e-12 * std::abs(value));
  }
}

TEST(Degenerate, ScaleRunsToZeroWhereMostRowsAreFittedExactly) {
  Table t = descriptor_like(40, 3, 4);
  const VectorXd truth = (t.X * VectorXd::LinSpaced(3, -1.0, 2.0)).array() + 5.0;
  t.y = truth;
  for (int i = 0; i < 12; ++i) t.y[3 * i] += 10.0 + i;
  const auto loo = loo_robust(t.X, t.y, options(1.35));
  ASSERT_TRUE(loo.ok());
  EXPECT_EQ(loo->fit.scale, 0.0);
  EXPECT_LT(
      ((t.X * loo->fit.coefficients).array() + loo->fit.intercept - truth.array()).abs().maxCoeff(),
      1e-9);
  EXPECT_NEAR(loo->fit.objective, 2.0 * 1.35 * (t.y - truth).cwiseAbs().sum(), 1e-8);
  EXPECT_LT((loo->residuals - (t.y - truth)).cwiseAbs().maxCoeff(), 1e-8);
}

TEST(Huber, TiesGoToTheMinimiserNearestToLeastSquares) {
  // Two rows alone in a column, far apart: any level between them is as good. The plain solver is
  // given a vanishing pull towards least squares.
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Table t = descriptor_like(24, 2, seed);
    t.X.col(1).setZero();
    t.X(4, 1) = t.X(11, 1) = 1.0;
    t.X(11, 0) = t.X(4, 0);
    t.y[4] += 20.0;
    t.y[11] -= 30.0;
    const MatrixXd A = with_constant(standardised(t.X));
    const VectorXd ls = A.colPivHouseholderQr().solve(t.y);
    const auto fit = fit_robust(t.X, t.y, options(1.35));
    ASSERT_TRUE(fit.ok());
    const PlainFit plain = plain_huber(A, t.y, 1.35, 0.0, 1e-5, ls);
    const PlainFit free = plain_huber(A, t.y, 1.35, 0.0);
    EXPECT_NEAR(fit->objective / free.objective, 1.0, 1e-10);
    const VectorXd fitted = (t.X * fit->coefficients).array() + fit->intercept;
    EXPECT_LT((fitted - A * plain.beta).cwiseAbs().maxCoeff(), 2e-3) << seed;
  }
}

TEST(Robust, OrderOfRowsAndColumnsDoesNotMatter) {
  for (const double epsilon : {1.0, 1.35}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      Table t = descriptor_like(26, 4, seed);
      for (int i = 0; i < 26; ++i) {
        t.y[i] = std::round(t.y[i]);
        for (int j = 1; j < 4; ++j) t.X(i, j) = std::round(2.0 * t.X(i, j)) / 2.0;
      }
      Random random(seed, 5);
      std::vector<int> rows(26), columns(4);
      for (int i = 0; i < 26; ++i) rows[static_cast<std::size_t>(i)] = i;
      for (int j = 0; j < 4; ++j) columns[static_cast<std::size_t>(j)] = j;
      random.shuffle(rows);
      random.shuffle(columns);
      Table mixed = t;
      for (int i = 0; i < 26; ++i) {
        mixed.y[i] = t.y[rows[static_cast<std::size_t>(i)]];
        for (int j = 0; j < 4; ++j) {
          mixed.X(i, j) =
              t.X(rows[static_cast<std::size_t>(i)], columns[static_cast<std::size_t>(j)]);
        }
      }
      const auto a = loo_robust(t.X, t.y, options(epsilon));
      const auto b = loo_robust(mixed.X, mixed.y, options(epsilon));
      ASSERT_TRUE(a.ok() && b.ok());
      for (int i = 0; i < 26; ++i) {
        EXPECT_NEAR(b->residuals[i], a->residuals[rows[static_cast<std::size_t>(i)]], 1e-8)
            << "epsilon " << epsilon << " seed " << seed;
      }
    }
  }
}

TEST(LeastSquares, LeaveOneOutEqualsRefits) {
  for (const double alpha : {0.0, 2.0}) {
    Table t = descriptor_like(25, 4, 9);
    t.X.col(1).setZero();
    t.X(3, 1) = 1.0;  // without row 3 this column is constant
    const auto loo = loo_least_squares(t.X, t.y, alpha);
    ASSERT_TRUE(loo.ok());
    const VectorXd refits = refit_all(t, [&](const MatrixXd& A, const VectorXd& y) -> VectorXd {
      MatrixXd used = A;
      if ((A.col(2).array() == A(0, 2)).all()) used.col(2).setZero();
      MatrixXd H = used.transpose() * used;
      H.diagonal().tail(A.cols() - 1).array() += alpha;
      VectorXd beta = H.completeOrthogonalDecomposition().solve(used.transpose() * y);
      return beta;
    });
    EXPECT_LT(relative(loo->residuals, refits), 1e-8) << "alpha " << alpha;
  }
}

TEST(Robust, WrongInputIsRefusedInWords) {
  const Table t = descriptor_like(10, 2, 0);
  EXPECT_FALSE(fit_robust(t.X, t.y, options(0.9)).ok());
  EXPECT_FALSE(fit_robust(t.X, t.y, options(3.1)).ok());
  EXPECT_FALSE(fit_robust(t.X, t.y, options(1.35, -1.0)).ok());
  EXPECT_FALSE(fit_robust(t.X, t.y, options(1.0, 0.1)).ok());
  EXPECT_FALSE(fit_robust(t.X, t.y, options(std::nan(""))).ok());
  EXPECT_FALSE(fit_robust(t.X, t.y.head(9), options(1.35)).ok());
  EXPECT_FALSE(fit_robust(t.X.topRows(1), t.y.head(1), options(1.35)).ok());
  VectorXd bad = t.y;
  bad[4] = std::nan("");
  const auto result = loo_robust(t.X, bad, options(1.35));
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().to_string().find("row 4"), std::string::npos);
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
}

// Few rows and many columns: fits end at sigma = 0, and a fold's start must not be left over from
// the subset before.
TEST(LooEngine, AReusedEngineGivesWhatAFreshOneGives) {
  for (const double epsilon : {1.05, 1.35}) {
    const int rows = epsilon < 1.2 ? 40 : 16;
    const int columns = 24;
    const int size = 8;
    Random random(11);
    Eigen::MatrixXd x(rows, columns);
    for (Eigen::Index j = 0; j < columns; ++j) {
      for (Eigen::Index i = 0; i < rows; ++i) x(i, j) = random.normal();
      x.col(j).array() -= x.col(j).mean();
      x.col(j) /= std::sqrt(x.col(j).squaredNorm() / rows);
    }
    Eigen::VectorXd y(rows);
    for (Eigen::Index i = 0; i < rows; ++i) y[i] = x(i, 0) + x(i, 1) + 0.1 * random.normal();
    RobustOptions options;
    options.epsilon = epsilon;
    LooEngine reused(y, size, options);
    for (int subset = 0; subset < 200; ++subset) {
      std::vector<int> order(columns);
      for (int j = 0; j < columns; ++j) order[static_cast<std::size_t>(j)] = j;
      random.shuffle(order);
      std::vector<const double*> chosen;
      for (int j = 0; j < size; ++j)
        chosen.push_back(x.col(order[static_cast<std::size_t>(j)]).data());
      LooEngine fresh(y, size, options);
      EXPECT_EQ(reused.mae_cv(chosen.data(), size), fresh.mae_cv(chosen.data(), size))
          << "epsilon " << epsilon << ", subset " << subset;
    }
  }
}

}  // namespace
}  // namespace kasetsu::regression
