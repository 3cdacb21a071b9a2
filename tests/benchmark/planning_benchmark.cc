// The planner at its sizes: the 36,540 catalysts of methane coupling, how well exploration covers
// them, spaces up to two billion, and the replay of an oxygen-evolution plate. Prints one line a
// case.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/planning/planner.h"
#include "core/planning/surrogates/ensemble_surrogate.h"
#include "core/planning/surrogates/farthest_points.h"
#include "core/selection/model.h"
#include "tests/core/descriptors/tables.h"
#include "tests/core/planning/planning_fixtures.h"

namespace kasetsu::planning {
namespace {

using testing::cell_number;
using testing::read_file;
using testing::shared_csv;
using testing::slot_table;
using testing::source_file;

class Clock {
 public:
  double wall() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  double cpu() const { return now() - cpu_; }

 private:
  static double now() {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    return static_cast<double>(use.ru_utime.tv_sec) +
           1e-6 * static_cast<double>(use.ru_utime.tv_usec);
  }
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double cpu_ = now();
};

double peak_mebibytes() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_maxrss) / 1024.0;
}

chemistry::ElementTable element_table() {
  return chemistry::ElementTable::from_csv(read_file(source_file("config/elements/general.csv")),
                                           "general.csv")
      .value();
}

selection::Model train(const std::vector<KnownPoint>& known, double seconds) {
  selection::TrainingSet data;
  data.y.resize(static_cast<Eigen::Index>(known.size()));
  for (std::size_t i = 0; i < known.size(); ++i) {
    data.catalysts.push_back(known[i].candidate.catalyst);
    data.y[static_cast<Eigen::Index>(i)] = known[i].value;
  }
  selection::ModelSettings settings;
  settings.search.time_limit = seconds;
  return selection::train(element_table(), data, settings, Executor(0), {}).value();
}

void methane_coupling() {
  const CandidateSpace space = ocm_space();
  const std::string path = "catalysts/ocm_slots_376.csv";
  const auto catalysts = slot_table(path);
  const auto records = shared_csv(path);
  std::vector<KnownPoint> known;
  for (std::size_t i = 0; i < catalysts.size(); ++i) {
    KnownPoint point;
    point.candidate.catalyst = catalysts[i];
    point.value = cell_number(records[i + 1].fields.back());
    point.measurements = 1;
    point.loo_error = 1.0;
    known.push_back(std::move(point));
  }
  const selection::Model model = train(known, 10.0);
  const auto surrogate = make_ensemble_surrogate(model).value();
  PlanProblem problem;
  problem.space = &space;
  problem.surrogate = surrogate.get();
  problem.known = known;
  PlanOptions options;
  options.batch = 24;
  options.threshold = 15.0;
  options.mix = {{Strategy::exploit, 8, 0.0},   {Strategy::explore, 6, 0.0},
                 {Strategy::challenge, 4, 0.0}, {Strategy::recheck, 2, 0.0},
                 {Strategy::bridge, 2, 0.0},    {Strategy::random, 2, 0.0}};
  const auto timed = [&](std::string_view what) {
    const Clock clock;
    const Plan plan = planning::plan(problem, options, Executor(0), {}).value();
    fmt::print("36,540 candidates, 376 measured, {}: {} picks, {:.2f} s wall, {:.2f} s CPU, {}\n",
               what, plan.proposals.size(), clock.wall(), clock.cpu(),
               plan.exact ? "exact" : "not proven");
  };
  timed("all strategies");
  for (const Strategy strategy : {Strategy::explore, Strategy::challenge, Strategy::recheck,
                                  Strategy::exploit, Strategy::bridge, Strategy::random}) {
    options.mix = {{strategy, 24, 0.0}};
    timed(to_string(strategy));
  }

  std::vector<Candidate> all;
  for (std::uint64_t i = 0; i < space.size(); ++i) all.push_back(space.unrank(i));
  Evaluation evaluation;
  if (!surrogate->evaluate(all, evaluation)) return;
  const Eigen::MatrixXd& points = evaluation.coordinates;
  for (const bool with_known : {false, true}) {
    const Eigen::MatrixXd before =
        with_known ? model.coordinates : Eigen::MatrixXd(0, points.cols());
    const auto with = [&](const std::vector<std::size_t>& picks) {
      Eigen::MatrixXd covered(before.rows() + static_cast<Eigen::Index>(picks.size()),
                              points.cols());
      covered.topRows(before.rows()) = before;
      for (std::size_t i = 0; i < picks.size(); ++i) {
        covered.row(before.rows() + static_cast<Eigen::Index>(i)) =
            points.row(static_cast<Eigen::Index>(picks[i]));
      }
      return covering_radius(points, covered);
    };
    const double far = with(farthest_points(points, before, 100));
    double by_chance = 0.0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      Random random(seed);
      std::vector<std::size_t> picks;
      for (int i = 0; i < 100; ++i) {
        picks.push_back(static_cast<std::size_t>(random.below(space.size())));
      }
      by_chance += with(picks) / 5.0;
    }
    fmt::print(
        "covering radius, {}: {:.2f} after 100 farthest points, {:.2f} after 100 random: {:.2f}\n",
        with_known ? "376 known" : "nothing known", far, by_chance, far / by_chance);
  }
}

void large_spaces() {
  std::vector<int> metals = elements(
      {"Li", "Na", "K",  "Mg", "Ca", "Sr", "Ba", "La", "Ce", "Nd", "Mn", "Fe", "Co", "Ni", "Cu",
       "Zn", "Y",  "Zr", "Ti", "V",  "Mo", "W",  "Pd", "Cs", "Eu", "Tb", "Hf", "Rb", "Sc", "Cr",
       "Ga", "Ge", "Nb", "Ru", "Rh", "Ag", "Cd", "In", "Sn", "Sb", "Pr", "Sm", "Gd", "Dy", "Ho",
       "Er", "Tm", "Yb", "Lu", "Ta", "Re", "Os", "Ir", "Pt", "Au", "Tl", "Pb", "Bi", "Al", "Be"});
  const auto space_of = [&](std::size_t count) {
    SpaceDefinition definition;
    definition.parts.push_back(
        {LoadingGrid{{metals.begin(), metals.begin() + static_cast<std::ptrdiff_t>(count)},
                     5,
                     5,
                     {0.1, 0.2}},
         supports({"Al2O3", "BaO", "CaO", "CeO2", "La2O3", "MgO", "SiO2", "TiO2", "ZrO2", "ZnO",
                   "Nb2O5", "Y2O3"}),
         {}});
    return CandidateSpace::make(definition).value();
  };
  const CandidateSpace whole = space_of(60);
  Random random(5);
  std::vector<KnownPoint> known;
  for (int i = 0; i < 300; ++i) {
    KnownPoint point;
    point.candidate = whole.unrank(random.below(whole.size()));
    double y = random.normal() + static_cast<double>(point.candidate.catalyst.support.size());
    for (const auto& part : point.candidate.catalyst.active.parts()) {
      y += 30.0 * part.amount * std::sin(0.7 * part.element) + (part.element % 7 == 0 ? 4.0 : 0.0);
    }
    point.value = y;
    point.measurements = 1;
    known.push_back(std::move(point));
  }
  const selection::Model model = train(known, 5.0);
  const auto surrogate = make_ensemble_surrogate(model).value();
  PlanOptions options;
  options.batch = 24;
  options.mix = {{Strategy::explore, 12, 0.0}, {Strategy::exploit, 12, 0.0}};
  double before_cpu = 0.0;
  double before_size = 0.0;
  for (const std::size_t count : {15UL, 23UL, 36UL, 60UL}) {
    const CandidateSpace space = space_of(count);
    PlanProblem problem;
    problem.space = &space;
    problem.surrogate = surrogate.get();
    problem.known = known;
    const Clock clock;
    options.most_evaluated = 100'000;
    const Plan plan = planning::plan(problem, options, Executor(0), {}).value();
    fmt::print(
        "{:.3g} candidates, 300 measured, 12 explore + 12 exploit by bounds: {:.1f} s wall, "
        "{:.1f} s CPU, peak {:.0f} MiB, {}\n",
        static_cast<double>(space.size()), clock.wall(), clock.cpu(), peak_mebibytes(),
        plan.exact ? "exact" : "not proven");
    for (const std::string& note : plan.notes) fmt::print("  {}\n", note);
    const auto size = static_cast<double>(space.size());
    if (before_size > 0.0) {
      fmt::print("  {:.0f} times the candidates, {:.1f} times the CPU time\n", size / before_size,
                 clock.cpu() / before_cpu);
    }
    before_size = size;
    before_cpu = clock.cpu();
    if (count > 15) continue;
    const Clock scan_clock;
    options.most_evaluated = std::uint64_t{1} << 40;
    const Plan scan = planning::plan(problem, options, Executor(0), {}).value();
    std::size_t equal = 0;
    for (std::size_t i = 0; i < scan.proposals.size() && i < plan.proposals.size(); ++i) {
      equal += scan.proposals[i].key == plan.proposals[i].key ? 1 : 0;
    }
    fmt::print("  looking at every one: {:.1f} s wall, {:.1f} s CPU; {} of {} picks the same\n",
               scan_clock.wall(), scan_clock.cpu(), equal, scan.proposals.size());
  }
}

}  // namespace
}  // namespace kasetsu::planning

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  kasetsu::planning::methane_coupling();
  kasetsu::planning::large_spaces();
  return 0;
}
