// From compositions to descriptors: learning, order 1, removal of duplicates, and one catalyst at a
// time as a planner does it. On synthetic compositions over the default element table.
#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/chemistry/element_table.h"
#include "core/descriptors/descriptor.h"
#include "tests/paths.h"

namespace kasetsu::descriptors {
namespace {

chemistry::ElementTable default_table() {
  const std::string path = kasetsu::testing::source_dir() + "/config/elements/general.csv";
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return chemistry::ElementTable::from_csv(text, path).value();
}

// Three slots of 28 elements on nine supports.
std::vector<chemistry::Catalyst> make_catalysts(int count) {
  const std::vector<int>& elements = chemistry::afe65_elements();
  const std::vector<std::string> supports = {"MgO", "Al2O3", "SiO2",  "ZrO2", "TiO2",
                                             "BaO", "CaO",   "La2O3", "CeO2"};
  Random random(7);
  std::vector<chemistry::Catalyst> out;
  for (int i = 0; i < count; ++i) {
    chemistry::Catalyst catalyst;
    for (int slot = 0; slot < 3; ++slot) catalyst.active.add(elements[random.below(28)], 1.0);
    catalyst.support = supports[random.below(supports.size())];
    catalyst.support_formula = chemistry::parse_formula(catalyst.support).value();
    out.push_back(std::move(catalyst));
  }
  return out;
}

FeaturizerOptions options(const benchmark::State& state) {
  FeaturizerOptions out;
  out.method = state.range(1) == 0 ? Method::afe : Method::extended;
  return out;
}

void order_1(benchmark::State& state) {
  const chemistry::ElementTable table = default_table();
  const auto catalysts = make_catalysts(static_cast<int>(state.range(0)));
  std::size_t count = 0;
  for (auto _ : state) {
    const Featurizer featurizer = Featurizer::learn(table, catalysts, {}, options(state)).value();
    const DescriptorMatrix matrix = enumerate(featurizer.evaluate(catalysts, {}).value(), 1);
    count = matrix.descriptors.size();
    benchmark::DoNotOptimize(matrix.values.data());
  }
  state.counters["descriptors"] = static_cast<double>(count);
}

void without_duplicates(benchmark::State& state) {
  const auto catalysts = make_catalysts(static_cast<int>(state.range(0)));
  const Featurizer featurizer =
      Featurizer::learn(default_table(), catalysts, {}, options(state)).value();
  const DescriptorMatrix matrix = enumerate(featurizer.evaluate(catalysts, {}).value(), 1);
  std::size_t count = 0;
  for (auto _ : state) count = remove_duplicates(matrix).descriptors.size();
  state.counters["before"] = static_cast<double>(matrix.descriptors.size());
  state.counters["after"] = static_cast<double>(count);
}

void one_candidate(benchmark::State& state) {
  const auto catalysts = make_catalysts(1000);
  const Featurizer featurizer = Featurizer::learn(default_table(), catalysts, {}, {}).value();
  Random random(11);
  std::vector<int> wanted(static_cast<std::size_t>(state.range(0)));
  for (int& primary : wanted)
    primary = static_cast<int>(random.below(featurizer.primaries().size()));
  FeatureEvaluator evaluator(featurizer.state(), wanted);
  std::vector<std::vector<FeatureEvaluator::Part>> parts;
  for (const chemistry::Catalyst& catalyst : catalysts) {
    parts.emplace_back();
    for (const auto& part : catalyst.active.parts()) {
      parts.back().push_back({evaluator.row_of(part.element), part.amount});
    }
  }
  std::vector<double> out(wanted.size());
  std::size_t i = 0;
  for (auto _ : state) {
    evaluator.active(parts[i], out.data());
    benchmark::DoNotOptimize(out.data());
    i = (i + 1) % parts.size();
  }
}

BENCHMARK(order_1)
    ->ArgsProduct({{150, 600}, {0, 1}})
    ->ArgNames({"rows", "extended"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(without_duplicates)
    ->ArgsProduct({{150, 600}, {0, 1}})
    ->ArgNames({"rows", "extended"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(one_candidate)->Arg(8)->Arg(100)->ArgNames({"primaries"})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kasetsu::descriptors

BENCHMARK_MAIN();
