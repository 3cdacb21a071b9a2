// Is the engine exact on real tables? Leave-one-out of random and of good subsets of first-order
// descriptors, against as many independent refits as there are catalysts by the plain solvers of
// the tests (damped Newton on the joint Huber objective; interior point and vertex for least
// absolute deviations). Prints the largest relative differences.
//
//   bench_exactness [subsets a kind, default 1000] [table, default all]
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/regression/huber/robust.h"
#include "tests/benchmark/arguments.h"
#include "tests/benchmark/real_tables.h"
#include "tests/core/regression/huber/plain_solvers.h"

namespace kasetsu {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kSize = 8;

using Table = testing::RealTable;
using Subset = std::vector<Eigen::Index>;

double score(regression::LooEngine& engine, const Table& table, const Subset& subset) {
  const double* columns[kSize];
  for (int j = 0; j < kSize; ++j) {
    columns[j] = table.X.col(subset[static_cast<std::size_t>(j)]).data();
  }
  return engine.mae_cv(columns, kSize);
}

struct Worst {
  double mae = 0.0, residual = 0.0, seconds = 0.0, plain_seconds = 0.0, error = 0.0;
  long folds = 0, ties = 0, unlike = 0;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void compare(const Table& table, const Subset& subset, double epsilon, Worst& worst) {
  MatrixXd X(table.X.rows(), kSize);
  for (int j = 0; j < kSize; ++j) X.col(j) = table.X.col(subset[static_cast<std::size_t>(j)]);
  regression::RobustOptions options;
  options.epsilon = epsilon;
  const double start = cpu_seconds();
  const auto loo = regression::loo_robust(X, table.y, options);
  const double middle = cpu_seconds();
  const MatrixXd A = testing::with_constant(X);
  const testing::PlainFit all =
      epsilon > 1.0 ? testing::plain_huber(A, table.y, epsilon, 0.0) : testing::PlainFit{};
  double sum = 0.0;
  const double mean = loo->mae_cv;
  for (Eigen::Index i = 0; i < table.y.size(); ++i) {
    const MatrixXd rest = testing::without_row(A, i);
    const VectorXd y = testing::without_row(table.y, i);
    const testing::PlainFit fold = epsilon > 1.0
                                       ? testing::plain_huber(rest, y, epsilon, 0.0, 0.0, {}, &all)
                                       : testing::plain_least_absolute(rest, y);
    double expected = table.y[i] - A.row(i).dot(fold.beta);
    ++worst.folds;
    double difference = std::abs(loo->residuals[i] - expected) / mean;
    if (difference > 1e-7) {
      // More than one minimiser: both must have the same objective, and the residual must be that
      // of a fit to the other rows.
      const auto refit = regression::fit_robust(rest.rightCols(kSize), y, options);
      const double own =
          table.y[i] - refit->intercept - A.row(i).tail(kSize).dot(refit->coefficients);
      const bool tie = std::abs(refit->objective - fold.objective) <= 1e-9 * fold.objective &&
                       std::abs(own - loo->residuals[i]) <= 1e-7 * mean;
      if (tie || refit->objective < fold.objective) {
        ++(tie ? worst.ties : worst.unlike);
        expected = own;
        difference = std::abs(loo->residuals[i] - own) / mean;
      }
    }
    sum += std::abs(expected);
    worst.residual = std::max(worst.residual, difference);
  }
  worst.mae = std::max(worst.mae, std::abs(mean * static_cast<double>(table.y.size()) / sum - 1.0));
  worst.seconds += middle - start;
  worst.plain_seconds += cpu_seconds() - middle;
  worst.error += mean;
}

int run(int count, const std::string& only) {
  if (count < 1) {
    fmt::print("bench_exactness [subsets a kind] [table]\n");
    return 2;
  }
  bool known = only.empty();
  for (const testing::RealSource& source : testing::real_sources()) {
    known = known || only == source.name;
  }
  if (!known) {
    fmt::print("no table \"{}\"\n", only);
    return 2;
  }
  fmt::print("{:8} {:8} {:>7} {:>7} {:>9} {:>11} {:>12} {:>6} {:>9} {:>9}\n", "table", "subsets",
             "epsilon", "count", "mean MAE", "MAE differs", "residual d.", "ties", "not found",
             "CPU s");
  bool good = true;
  for (const testing::RealSource& source : testing::real_sources()) {
    if (!only.empty() && only != source.name) continue;
    const Table table = testing::load_real_table(source);
    for (const double epsilon : {1.35, 1.0}) {
      regression::RobustOptions options;
      options.epsilon = epsilon;
      regression::LooEngine engine(table.y, kSize, options);
      const auto error = [&](const Subset& subset) { return score(engine, table, subset); };
      for (const bool searched : {false, true}) {
        Random random(1, searched ? 1 : 0);
        Worst worst;
        for (int s = 0; s < count; ++s) {
          compare(table,
                  searched ? testing::good_subset(table, kSize, random, error)
                           : testing::random_subset(table, kSize, random),
                  epsilon, worst);
        }
        fmt::print("{:8} {:8} {:7} {:7} {:9.3f} {:11.1e} {:12.1e} {:6} {:9} {:9.1f}\n", table.name,
                   searched ? "good" : "random", epsilon, count, worst.error / count, worst.mae,
                   worst.residual, worst.ties, worst.unlike, worst.plain_seconds);
        std::fflush(stdout);
        good = good && worst.mae <= 1e-7;
      }
      good = good && engine.counts().unconfirmed == 0;
    }
  }
  fmt::print(
      "\n\"MAE differs\": largest relative difference of mae_cv from N refits. \"residual d.\": "
      "largest "
      "difference of one residual,\nrelative to mae_cv. \"ties\": folds with many minimisers, "
      "equal in "
      "objective to 1e-9, where the residual is that of the\nstated rule. \"not found\": folds "
      "where the "
      "plain solver stopped at a higher objective. {}\n",
      good ? "All within 1e-7." : "NOT all within 1e-7.");
  return good ? 0 : 1;
}

}  // namespace
}  // namespace kasetsu

int main(int argc, char** argv) {
  return kasetsu::run(argc > 1 ? kasetsu::number_argument<int>(argv[1]) : 1000,
                      argc > 2 ? argv[2] : "");
}
