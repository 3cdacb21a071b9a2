// Leave-one-out of random subsets of synthetic descriptor-like columns, by rows, columns and
// epsilon.
#include <benchmark/benchmark.h>

#include <Eigen/Dense>
#include <array>
#include <cmath>
#include <vector>

#include "core/base/random.h"
#include "core/regression/huber/robust.h"

namespace kasetsu::regression {
namespace {

struct Pool {
  Eigen::MatrixXd X;
  Eigen::VectorXd y;
};

// Heavy-tailed, smooth and stepwise columns; the target follows three of them with noise of
// Student's t with three degrees of freedom.
Pool make_pool(int rows) {
  constexpr int kColumns = 400;
  Random random(2024, static_cast<std::uint64_t>(rows));
  Pool pool{Eigen::MatrixXd(rows, kColumns), Eigen::VectorXd(rows)};
  for (int j = 0; j < kColumns; ++j) {
    for (int i = 0; i < rows; ++i) {
      const double u = 0.15 + random.uniform();
      const double z = random.normal();
      switch (j % 4) {
        case 0:
          pool.X(i, j) = z;
          break;
        case 1:
          pool.X(i, j) = 1.0 / (u * u * u);
          break;
        case 2:
          pool.X(i, j) = static_cast<double>(random.below(12));
          break;
        default:
          pool.X(i, j) = std::exp(z);
          break;
      }
    }
    pool.X.col(j).array() -= pool.X.col(j).mean();
    pool.X.col(j) /= std::sqrt(pool.X.col(j).squaredNorm() / rows);
  }
  for (int i = 0; i < rows; ++i) {
    double squares = 0.0;
    for (int k = 0; k < 3; ++k) squares += std::pow(random.normal(), 2);
    pool.y[i] = 2.0 * pool.X(i, 0) - pool.X(i, 4) + pool.X(i, 9) +
                1.5 * random.normal() / std::sqrt(squares / 3.0);
  }
  return pool;
}

template <typename Score>
void run(benchmark::State& state, double epsilon, const Score& score) {
  const Pool pool = make_pool(static_cast<int>(state.range(0)));
  const int size = static_cast<int>(state.range(1));
  RobustOptions options;
  options.epsilon = epsilon;
  LooEngine engine(pool.y, size, options);
  Random random(7);
  std::vector<std::vector<const double*>> subsets(256);
  for (auto& subset : subsets) {
    for (int j = 0; j < size; ++j) {
      const auto column =
          static_cast<Eigen::Index>(random.below(static_cast<std::uint64_t>(pool.X.cols())));
      subset.push_back(pool.X.col(column).data());
    }
  }
  std::size_t next = 0;
  double sum = 0.0;
  for (auto _ : state) {
    sum += score(engine, subsets[next].data(), size);
    next = (next + 1) % subsets.size();
  }
  benchmark::DoNotOptimize(sum);
  const auto counts = engine.counts();
  state.SetItemsProcessed(state.iterations());
  state.counters["safeguarded_per_subset"] =
      static_cast<double>(counts.safeguarded) / static_cast<double>(counts.subsets);
  state.counters["unconfirmed"] = static_cast<double>(counts.unconfirmed);
}

void huber(benchmark::State& state) {
  run(state, 1.35, [](LooEngine& e, const double* const* c, int n) { return e.mae_cv(c, n); });
}
void least_absolute(benchmark::State& state) {
  run(state, 1.0, [](LooEngine& e, const double* const* c, int n) { return e.mae_cv(c, n); });
}
void one_step(benchmark::State& state) {
  run(state, 1.35,
      [](LooEngine& e, const double* const* c, int n) { return e.one_step_mae(c, n); });
}

void sizes(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMicrosecond)->ArgNames({"rows", "size"});
  for (const int rows : {51, 150, 171, 376}) b->Args({rows, 8});
  b->Args({150, 3})->Args({150, 16});
}
BENCHMARK(huber)->Apply(sizes);
BENCHMARK(least_absolute)->Apply(sizes);
BENCHMARK(one_step)->Apply(sizes);

}  // namespace
}  // namespace kasetsu::regression
BENCHMARK_MAIN();
