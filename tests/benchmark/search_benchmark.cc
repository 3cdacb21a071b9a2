// Error against CPU seconds for exchange, genetic and random search on the real tables: XenonPy's
// properties, the paper's operations, order 1, 8 descriptors, epsilon 1.35, family constraint off,
// one core.
//
//   bench_search [GENETIC_SECONDS] [TABLE]
//
// gives the genetic search, without an end to its generations, up to that many CPU seconds (default
// 60; 600 is ten minutes a table), and then prints after how many CPU seconds exchange search is as
// good. Every line is a search of its own from the start, with as much CPU time as it says.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <optional>
#include <string>

#include "core/selection/search/search.h"
#include "tests/benchmark/arguments.h"
#include "tests/benchmark/real_tables.h"

namespace {

using namespace kasetsu;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Outcome {
  double best = std::numeric_limits<double>::infinity();
  double mean = 0.0;  // of the ensemble
};

Outcome run(const kasetsu::testing::RealTable& table, selection::SearchMethod method,
            double seconds, std::uint64_t seed) {
  const selection::SearchProblem problem{&table.X, &table.y, {}, {}};
  selection::SearchOptions options;
  options.method = method;
  options.one_per_family = false;
  options.seed = seed;
  options.work = 1ULL << 62;  // the CPU clock ends it
  options.genetic.generations = std::numeric_limits<int>::max();
  Control control;
  const double start = cpu_seconds();
  control.seconds_left = [&] { return seconds - (cpu_seconds() - start); };
  const auto result = selection::search(problem, options, Executor(1), control);
  Outcome outcome;
  if (!result) {
    std::printf("%s\n", result.error().to_string().c_str());
    return outcome;
  }
  outcome.best = result->hypotheses.front().mae_cv;
  for (const auto& hypothesis : result->hypotheses) outcome.mean += hypothesis.mae_cv;
  outcome.mean /= static_cast<double>(result->hypotheses.size());
  static constexpr const char* kNames[] = {"exchange", "genetic", "random"};
  std::printf("%-8s %-9s %8.1f %10.4f %10.4f %12.3g %12.3g\n", table.name.c_str(),
              kNames[static_cast<int>(method)], cpu_seconds() - start, outcome.best, outcome.mean,
              static_cast<double>(result->evaluations),
              static_cast<double>(result->exact_evaluations));
  std::fflush(stdout);
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  const double longest = argc > 1 ? kasetsu::number_argument<double>(argv[1]) : 60.0;
  const std::string only = argc > 2 ? argv[2] : "";
  std::printf("%-8s %-9s %8s %10s %10s %12s %12s\n", "table", "search", "CPU s", "best", "ensemble",
              "subsets", "exactly");
  for (const kasetsu::testing::RealSource& source : kasetsu::testing::real_sources()) {
    if (source.slots || (!only.empty() && only != source.name)) continue;
    const kasetsu::testing::RealTable table = kasetsu::testing::load_real_table(source);
    for (const double seconds : {1.0, 5.0, 20.0}) {
      run(table, selection::SearchMethod::random, seconds, 1);
    }
    double genetic = std::numeric_limits<double>::infinity();
    for (const double seconds : {3.0, 10.0, 60.0, longest}) {
      if (seconds > longest || (seconds == 60.0 && longest == 60.0)) continue;
      genetic = std::min(genetic, run(table, selection::SearchMethod::genetic, seconds, 1).best);
    }
    std::optional<double> reached;
    for (const double seconds : {0.3, 1.0, 3.0, 5.0, 10.0, 30.0}) {
      if (seconds > 10.0 && reached) break;
      const Outcome outcome = run(table, selection::SearchMethod::exchange, seconds, 1);
      if (!reached && outcome.best <= genetic) reached = seconds;
    }
    if (reached) {
      std::printf("%s: exchange is as good in %.1f CPU seconds as genetic in %.0f\n",
                  table.name.c_str(), *reached, longest);
    } else {
      std::printf("%s: exchange is not as good in 30 CPU seconds as genetic in %.0f\n",
                  table.name.c_str(), longest);
    }
  }
  return 0;
}
