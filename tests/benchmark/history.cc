// The real history of methane coupling: 376 catalysts, then four batches of 20, each predicted
// before it is learnt, by the model and by what practice would use on composition. Prints a table;
// needs the shared data. METHOD section 5.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/executor.h"
#include "core/selection/baselines.h"
#include "core/selection/model.h"
#include "drivers/tables/table.h"
#include "tests/benchmark/arguments.h"
#include "tests/paths.h"

namespace {

using namespace kasetsu;

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int count, char** values) {
  selection::ModelSettings settings;
  settings.search.time_limit =
      count > 1 ? number_argument<double>(values[1]) : 20.0;  // nominal seconds
  if (count > 2) settings.search.seed = number_argument<std::uint64_t>(values[2]);
  const std::string shared = kasetsu::testing::shared_data_dir();
  const auto elements = chemistry::ElementTable::from_csv(
                            read(shared + "/elements/xenonpy_elements_completed.csv"), "elements")
                            .value();
  const auto supports =
      chemistry::SupportTable::from_csv(
          read(kasetsu::testing::source_dir() + "/config/elements/supports.csv"), "supports")
          .value();
  tables::ReadOptions columns;
  columns.targets = {"Measured C2 yield (%)"};
  const auto table = tables::read_table(read(shared + "/catalysts/ocm_slots_456.csv"),
                                        "ocm_slots_456.csv", columns, supports)
                         .value();
  selection::TrainingSet all;
  all.catalysts = table.catalysts;
  all.y = table.targets.col(0);
  const Executor executor(2);

  fmt::print(
      "rows   model  hypotheses companions share | ridge  forest process | coverage width\n");
  Eigen::VectorXd sums = Eigen::VectorXd::Zero(6);
  double inside_all = 0.0;
  for (int known = 376; known < 456; known += 20) {
    std::vector<int> before, next;
    for (int i = 0; i < known; ++i) before.push_back(i);
    for (int i = known; i < known + 20; ++i) next.push_back(i);
    const auto train = selection::subset(all, before);
    const auto test = selection::subset(all, next);
    const auto model = selection::train(elements, train, settings, executor, {}).value();
    const auto predictor = selection::Predictor::make(model).value();
    const auto found = predictor.predict(test.catalysts, {}).value();
    const auto error = [&](const Eigen::VectorXd& predicted) {
      return (test.y - predicted).cwiseAbs().mean();
    };
    double share = 0.0;
    for (const auto& companion : model.companions) share += companion.weight;
    Eigen::VectorXd errors(6);
    errors << error(found.mean), error(found.median),
        error(selection::weighted_mean(model.companions, found.by_companion)),
        error(selection::ridge_on_composition(train, test).value()),
        error(selection::forest_on_composition(train, test, 1, executor).value()),
        error(selection::process_on_composition(train, test).value());
    const double inside = static_cast<double>(((test.y.array() >= found.low.array()) &&
                                               (test.y.array() <= found.high.array()))
                                                  .count()) /
                          20.0;
    fmt::print(
        "{}  {:6.3f} {:6.3f}     {:6.3f}    {:5.2f} | {:6.3f} {:6.3f} {:6.3f}  | {:.2f} "
        "{:6.2f}\n",
        known, errors[0], errors[1], errors[2], share, errors[3], errors[4], errors[5], inside,
        (found.high - found.low).mean());
    std::fflush(stdout);
    sums += errors / 4.0;
    inside_all += inside / 4.0;
  }
  const double best = sums.tail(3).minCoeff();
  fmt::print("mean {:6.3f} {:6.3f}     {:6.3f}          | {:6.3f} {:6.3f} {:6.3f}  | {:.3f}\n",
             sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], inside_all);
  fmt::print("below the best of ridge, forest and process: {:.1f} %\n",
             100.0 * (1.0 - sums[0] / best));
  return 0;
}
