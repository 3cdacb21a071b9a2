// One side of loo_vs_sklearn.py: random subsets of the descriptors of one real table, their exact
// leave-one-out errors, and the CPU time of them. Prints one JSON document with the columns, so
// that the other side scores the very same numbers.
//
//   loo_subsets TABLE SUBSETS EPSILON
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "core/regression/linear.h"
#include "tests/benchmark/real_tables.h"

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  namespace regression = kasetsu::regression;
  using kasetsu::Random;
  if (argc != 4) {
    std::fputs("loo_subsets TABLE SUBSETS EPSILON\n", stderr);
    return 2;
  }
  constexpr int kSize = 8;
  const int printed = std::atoi(argv[2]);
  for (const auto& source : kasetsu::testing::real_sources()) {
    if (source.name != argv[1]) continue;
    const kasetsu::testing::RealTable table = kasetsu::testing::load_real_table(source);
    regression::RobustOptions options;
    options.epsilon = std::atof(argv[3]);
    regression::LooEngine engine(table.y, kSize, options);
    Random random(3);
    // Many more are timed than printed: a clock needs something to measure.
    std::vector<std::vector<Eigen::Index>> subsets(
        static_cast<std::size_t>(std::max(printed, 4000)));
    for (auto& subset : subsets) subset = kasetsu::testing::random_subset(table, kSize, random);
    const auto score = [&](const std::vector<Eigen::Index>& subset) {
      const double* columns[kSize];
      for (std::size_t j = 0; j < kSize; ++j) columns[j] = table.X.col(subset[j]).data();
      return engine.mae_cv(columns, kSize);
    };
    double sum = 0.0;
    const double start = cpu_seconds();
    for (const auto& subset : subsets) sum += score(subset);
    const double all = cpu_seconds() - start;
    // The printed ones by themselves, often enough.
    long rounds = 0;
    const double again = cpu_seconds();
    do {
      for (int s = 0; s < printed; ++s) sum += score(subsets[static_cast<std::size_t>(s)]);
      ++rounds;
    } while (cpu_seconds() - again < 0.5);
    const double same = (cpu_seconds() - again) / (static_cast<double>(rounds) * printed);
    fmt::print(
        "{{\"seconds_a_subset\": {}, \"seconds_a_subset_of_many\": {}, \"mean\": {}, \"y\": [",
        same, all / static_cast<double>(subsets.size()), sum);
    for (Eigen::Index i = 0; i < table.y.size(); ++i) {
      fmt::print("{}{}", i > 0 ? "," : "", table.y[i]);
    }
    fmt::print("], \"subsets\": [");
    for (std::size_t s = 0; s < static_cast<std::size_t>(printed); ++s) {
      fmt::print("{}{{\"mae_cv\": {}, \"columns\": [", s > 0 ? "," : "", score(subsets[s]));
      for (std::size_t j = 0; j < kSize; ++j) {
        fmt::print("{}[", j > 0 ? "," : "");
        for (Eigen::Index i = 0; i < table.y.size(); ++i) {
          fmt::print("{}{}", i > 0 ? "," : "", table.X(i, subsets[s][j]));
        }
        fmt::print("]");
      }
      fmt::print("]}}");
    }
    fmt::print("]}}\n");
    return 0;
  }
  std::fprintf(stderr, "no table \"%s\"\n", argv[1]);
  return 2;
}
