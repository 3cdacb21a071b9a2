// The one-swap scan on one core: candidate subsets a second, from standardised descriptors to the
// ranking (the 16 best, decided in 64 bits).
#include <benchmark/benchmark.h>

#include <string>

#include "core/base/instruction_set.h"
#include "core/base/random.h"
#include "core/selection/search/scan.h"

namespace {

using namespace kasetsu;

void scan(benchmark::State& state) {
  const auto rows = static_cast<Eigen::Index>(state.range(0));
  const auto count = static_cast<Eigen::Index>(state.range(1));
  const int size = static_cast<int>(state.range(2));
  const auto set = static_cast<InstructionSet>(state.range(3));
  if (!force_instruction_set(set)) {
    state.SkipWithError("this processor lacks the instruction set");
    return;
  }
  Random random(1);
  Eigen::MatrixXd X(rows, count);
  for (double& x : X.reshaped()) x = random.normal();
  Eigen::VectorXd y(rows);
  for (double& value : y) value = random.normal();
  const selection::SearchProblem problem{&X, &y, {}, {}};
  selection::SearchOptions options;
  options.size = size;
  const selection::Candidates candidates(problem, options);
  selection::SwapScan swap(candidates);
  std::vector<int> fixed(static_cast<std::size_t>(size - 1));
  std::vector<selection::Scored> best;
  for (auto _ : state) {
    for (int& member : fixed) {
      member = static_cast<int>(random.below(static_cast<std::uint64_t>(count)));
    }
    swap.fix(fixed);
    swap.rank(16, best);
    benchmark::DoNotOptimize(best.data());
  }
  state.counters["subsets/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(count),
                         benchmark::Counter::kIsRate);
  state.SetLabel(std::string(to_string(set)));
  force_instruction_set(std::nullopt);
}

BENCHMARK(scan)
    ->ArgNames({"rows", "candidates", "size", "isa"})
    ->ArgsProduct({{150}, {4000}, {8}, {0, 1, 2}})
    ->Args({51, 4000, 8, 2})
    ->Args({376, 5568, 8, 2})
    ->Args({600, 5568, 8, 2})
    ->Args({150, 4000, 4, 2})
    ->Args({150, 4000, 16, 2});

}  // namespace

BENCHMARK_MAIN();
