// Active learning played again on pools whose values are all known: the oxygen-evolution plate, the
// same without one of its metals (other tops, other sizes), and made-up surfaces over the same
// lattice. One setting for all of them: what holds only on one plate shows here.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/planning/replay.h"
#include "tests/core/descriptors/tables.h"
#include "tests/core/planning/planning_fixtures.h"

namespace kasetsu::planning {
namespace {

using testing::cell_number;
using testing::shared_csv;

struct Pool {
  std::string name;
  ReplayProblem problem;
  int rounds = 9;
  Goal goal = Goal::minimize;
};

std::vector<int> metals() {
  return elements({"Ni", "Fe", "Co", "Mn", "Ce", "La"});
}

// without: a place in metals(), or -1.
Pool plate(int without) {
  Pool pool;
  pool.name =
      without < 0
          ? "oxygen evolution"
          : fmt::format("without {}",
                        chemistry::element_symbol(metals()[static_cast<std::size_t>(without)]));
  std::vector<double> values;
  for (const CsvRecord& record : shared_csv("catalysts/oer_plate_3496_data.csv")) {
    if (without >= 0 && cell_number(record.fields[static_cast<std::size_t>(without)]) > 0.0)
      continue;
    chemistry::Catalyst catalyst;
    for (std::size_t j = 0; j < 6; ++j) {
      catalyst.active.add(metals()[j], cell_number(record.fields[j]));
    }
    pool.problem.catalysts.push_back(std::move(catalyst));
    values.push_back(cell_number(record.fields[6]));
  }
  pool.problem.values =
      Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
  if (without >= 0) pool.rounds = 4;
  return pool;
}

// Values of a function of six fractions, and noise relative to their spread.
Pool made_up(std::string name, double noise, std::uint64_t seed,
             const std::function<double(const std::vector<double>&)>& function) {
  SpaceDefinition definition;
  definition.parts.push_back({Simplex{metals(), 10, 1, 4, 1.0}, {}, {}});
  const CandidateSpace space = CandidateSpace::make(definition).value();
  Pool pool;
  pool.name = std::move(name);
  pool.goal = Goal::maximize;
  pool.problem.values.resize(static_cast<Eigen::Index>(space.size()));
  for (std::uint64_t i = 0; i < space.size(); ++i) {
    pool.problem.catalysts.push_back(space.unrank(i).catalyst);
    std::vector<double> x;
    for (const int metal : metals()) {
      x.push_back(pool.problem.catalysts.back().active.amount(metal));
    }
    pool.problem.values[static_cast<Eigen::Index>(i)] = function(x);
  }
  const double mean = pool.problem.values.mean();
  const double spread = std::sqrt((pool.problem.values.array() - mean).square().mean());
  Random random(seed);
  for (Eigen::Index i = 0; i < pool.problem.values.size(); ++i) {
    pool.problem.values[i] += noise * spread * random.normal();
  }
  return pool;
}

double squared(const std::vector<double>& x, const std::vector<double>& c) {
  double sum = 0.0;
  for (std::size_t j = 0; j < x.size(); ++j) sum += (x[j] - c[j]) * (x[j] - c[j]);
  return sum;
}

std::vector<Pool> pools() {
  std::vector<Pool> list = {plate(-1)};
  for (int without = 0; without < 6; ++without) list.push_back(plate(without));
  const auto bump = [](const std::vector<double>& x, const std::vector<double>& c, double width) {
    return std::exp(-squared(x, c) / (2.0 * width * width));
  };
  for (const double noise : {0.05, 0.3}) {
    const std::string with = fmt::format(", noise {:g}", noise);
    list.push_back(made_up("ridge" + with, noise, 1, [](const std::vector<double>& x) {
      const double across = x[0] - 0.7 * x[1] - 0.2 * x[2];
      return std::exp(-across * across / 0.01) + 0.4 * x[3] - 0.3 * x[4];
    }));
    list.push_back(made_up("four tops" + with, noise, 2, [&](const std::vector<double>& x) {
      return bump(x, {0.6, 0.3, 0.1, 0.0, 0.0, 0.0}, 0.12) +
             0.95 * bump(x, {0.0, 0.0, 0.5, 0.4, 0.1, 0.0}, 0.12) +
             0.9 * bump(x, {0.1, 0.0, 0.0, 0.0, 0.5, 0.4}, 0.15) +
             0.9 * bump(x, {0.0, 0.6, 0.0, 0.2, 0.0, 0.2}, 0.1);
    }));
    list.push_back(made_up("quadratic" + with, noise, 3, [](const std::vector<double>& x) {
      return 2.0 * x[0] * x[2] + 3.0 * x[1] * x[4] - x[3] * x[3] + 0.5 * x[5];
    }));
    list.push_back(made_up("corner" + with, noise, 4, [](const std::vector<double>& x) {
      return std::sqrt(x[0]) - 0.8 * std::sqrt(x[1]) + 0.3 * std::sqrt(x[4] * x[5]);
    }));
  }
  return list;
}

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(use.ru_utime.tv_usec);
}

void run(const Pool& pool) {
  const Executor executor(0);
  ReplayOptions options;
  options.goal = pool.goal;
  options.rounds = pool.rounds;
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  const ReplayResult result =
      replay(pool.problem, options, gaussian_maker(executor), executor, {}).value();
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double mean = 0.0;
  double by_chance = 0.0;
  std::string each;
  const auto runs = static_cast<double>(result.runs.size());
  for (std::size_t s = 0; s < result.runs.size(); ++s) {
    const double recall = result.runs[s].rounds.back().recall_top1;
    mean += recall / runs;
    by_chance += result.random[s].rounds.back().recall_top1 / runs;
    each += fmt::format(" {:.2f}", recall);
  }
  const double batches = runs * pool.rounds;
  fmt::print(
      "{:<22} {:>4} catalysts, {} measured: best 1 % found {:.3f} (by seed{}), random {:.3f}; "
      "{:.2f} s wall, {:.2f} s CPU a batch\n",
      pool.name, result.pool, 24 + 24 * pool.rounds, mean, each, by_chance, wall / batches,
      (cpu_seconds() - cpu) / batches);
}

}  // namespace
}  // namespace kasetsu::planning

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  for (const kasetsu::planning::Pool& pool : kasetsu::planning::pools()) {
    kasetsu::planning::run(pool);
  }
  return 0;
}
