// Screening of products on one core: products a second, from first-order descriptors to the 2,000
// kept ones with their 64-bit scores, none like another; the default four rounds, or one.
#include "core/descriptors/screening.h"

#include <benchmark/benchmark.h>

#include <string>

#include "core/base/instruction_set.h"
#include "core/base/random.h"

namespace {

using namespace kasetsu;

// 356 primaries in 12 forms: 4,272 descriptors, 9.1 million pairs.
void screen(benchmark::State& state) {
  const auto rows = static_cast<Eigen::Index>(state.range(0));
  const auto set = static_cast<InstructionSet>(state.range(2));
  if (!force_instruction_set(set)) {
    state.SkipWithError("this processor lacks the instruction set");
    return;
  }
  Random random(1);
  Eigen::MatrixXd primaries(rows, 356);
  for (double& x : primaries.reshaped()) x = 0.2 + random.uniform();
  const auto first = descriptors::enumerate(primaries, 1);
  Eigen::VectorXd y(rows);
  for (double& value : y) value = random.normal();
  descriptors::ScreeningOptions options;
  options.order = static_cast<int>(state.range(1));
  options.rounds = static_cast<int>(state.range(3));
  std::uint64_t products = 0;
  for (auto _ : state) {
    const auto screened = descriptors::screen_products(first, y, options, Executor(1), Control{});
    products += screened->products;
    benchmark::DoNotOptimize(screened->scores.data());
  }
  state.counters["products/s"] =
      benchmark::Counter(static_cast<double>(products), benchmark::Counter::kIsRate);
  state.SetLabel(std::string(to_string(set)));
  force_instruction_set(std::nullopt);
}

BENCHMARK(screen)
    ->ArgNames({"rows", "order", "isa", "rounds"})
    ->ArgsProduct({{150}, {2}, {0, 1, 2}, {4}})
    ->Args({150, 2, 2, 1})
    ->Args({51, 2, 2, 4})
    ->Args({376, 2, 2, 4})
    ->Args({600, 2, 2, 4})
    ->Args({150, 3, 2, 4})
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
