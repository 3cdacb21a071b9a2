// One side of loo_vs_sklearn.py: random and good subsets of the descriptors of one real table,
// their exact leave-one-out errors, and the CPU time of them. Prints one JSON document with the
// columns, so that the other side scores the very same numbers.
//
//   loo_subsets TABLE SUBSETS EPSILON
//
// gives SUBSETS random ones and as many good ones. A clock needs something to measure, and the
// processor's caches must not be warm from the same subset: the printed ones are scored among many
// others, and the mean time over all of them is printed beside.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "core/regression/huber/robust.h"
#include "tests/benchmark/arguments.h"
#include "tests/benchmark/real_tables.h"

namespace {

using namespace kasetsu;
using Subset = std::vector<Eigen::Index>;

constexpr int kSize = 8;
constexpr std::size_t kMany = 4000;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double score(regression::LooEngine& engine, const kasetsu::testing::RealTable& table,
             const Subset& subset) {
  const double* columns[kSize];
  for (std::size_t j = 0; j < kSize; ++j) columns[j] = table.X.col(subset[j]).data();
  return engine.mae_cv(columns, kSize);
}

// Mean seconds a subset over all of them.
double seconds_each(regression::LooEngine& engine, const kasetsu::testing::RealTable& table,
                    const std::vector<Subset>& subsets) {
  double sum = 0.0;
  std::size_t done = 0;
  const double start = cpu_seconds();
  do {
    for (const Subset& subset : subsets) sum += score(engine, table, subset);
    done += subsets.size();
  } while (cpu_seconds() - start < 0.5);
  return sum > 0.0 ? (cpu_seconds() - start) / static_cast<double>(done) : 0.0;
}

void print(regression::LooEngine& engine, const kasetsu::testing::RealTable& table,
           const char* kind, const std::vector<Subset>& subsets, std::size_t printed) {
  std::vector<Subset> shown(subsets.begin(), subsets.begin() + static_cast<long>(printed));
  fmt::print("{{\"kind\": \"{}\", \"seconds\": {}, \"seconds_of_many\": {}, \"many\": {}, ", kind,
             seconds_each(engine, table, shown), seconds_each(engine, table, subsets),
             subsets.size());
  fmt::print("\"subsets\": [");
  for (std::size_t s = 0; s < printed; ++s) {
    fmt::print("{}{{\"mae_cv\": {}, \"columns\": [", s > 0 ? "," : "",
               score(engine, table, shown[s]));
    for (std::size_t j = 0; j < kSize; ++j) {
      fmt::print("{}[", j > 0 ? "," : "");
      for (Eigen::Index i = 0; i < table.y.size(); ++i) {
        fmt::print("{}{}", i > 0 ? "," : "", table.X(i, shown[s][j]));
      }
      fmt::print("]");
    }
    fmt::print("]}}");
  }
  fmt::print("]}}");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || kasetsu::number_argument<int>(argv[2]) < 1) {
    std::fputs("loo_subsets TABLE SUBSETS EPSILON\n", stderr);
    return 2;
  }
  const auto printed = kasetsu::number_argument<std::size_t>(argv[2]);
  for (const auto& source : kasetsu::testing::real_sources()) {
    if (source.name != argv[1]) continue;
    const kasetsu::testing::RealTable table = kasetsu::testing::load_real_table(source);
    regression::RobustOptions options;
    options.epsilon = kasetsu::number_argument<double>(argv[3]);
    regression::LooEngine engine(table.y, kSize, options);
    const auto error = [&](const Subset& subset) { return score(engine, table, subset); };
    Random random(3);
    std::vector<Subset> any(std::max(printed, kMany)), good(std::max<std::size_t>(printed, 200));
    for (Subset& subset : any) subset = kasetsu::testing::random_subset(table, kSize, random);
    for (Subset& subset : good) subset = kasetsu::testing::good_subset(table, kSize, random, error);
    fmt::print("{{\"y\": [");
    for (Eigen::Index i = 0; i < table.y.size(); ++i) {
      fmt::print("{}{}", i > 0 ? "," : "", table.y[i]);
    }
    fmt::print("], \"kinds\": [");
    print(engine, table, "random", any, printed);
    fmt::print(", ");
    print(engine, table, "good", good, printed);
    fmt::print("]}}\n");
    return 0;
  }
  std::fprintf(stderr, "no table \"%s\"\n", argv[1]);
  return 2;
}
