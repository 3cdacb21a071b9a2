// The real history of methane coupling: 376 catalysts, then four batches of 20, each predicted
// before it is learnt, by models that inherit nothing and by models with a history. Error and
// intervals are of the next batch, the average precision (15 % of yield or more) is of all later
// rows. Needs the shared data. bench_accuracy compares with what practice would use.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "core/base/executor.h"
#include "core/selection/ensemble.h"
#include "core/selection/history.h"
#include "core/selection/model.h"
#include "drivers/tables/table.h"
#include "tests/benchmark/arguments.h"
#include "tests/paths.h"

namespace {

using namespace kasetsu;

constexpr int kFirst = 376;
constexpr int kLast = 456;
constexpr int kBatch = 20;
constexpr double kHit = 15.0;  // % of yield

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

selection::TrainingSet real_history(const std::string& shared) {
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
  return all;
}

// Area under precision over recall, ranked by `predicted`; ties in the order of the rows.
double average_precision(const Eigen::VectorXd& y, const Eigen::VectorXd& predicted) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(y.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return predicted[a] > predicted[b]; });
  double hits = 0.0;
  double sum = 0.0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    if (y[order[rank]] < kHit) continue;
    hits += 1.0;
    sum += hits / static_cast<double>(rank + 1);
  }
  return hits > 0.0 ? sum / hits : 0.0;
}

struct Outcome {
  double error = 0.0;      // on the next batch, mean over the batches
  double precision = 0.0;  // average precision on all later rows, mean over the batches
  double covered = 0.0;    // share of the rows of the next batches inside of the intervals
  double width = 0.0;
  double age = 0.0;  // median of the last model's hypotheses, in batches
  Eigen::VectorXd errors = Eigen::VectorXd::Zero(kLast - kFirst);  // absolute, by row
};

Outcome play(const chemistry::ElementTable& elements, const selection::TrainingSet& all,
             const selection::ModelSettings& settings, bool with_history,
             const Executor& executor) {
  Outcome out;
  selection::History history;
  const double batches = static_cast<double>(kLast - kFirst) / kBatch;
  for (int known = kFirst; known < kLast; known += kBatch) {
    std::vector<int> before(static_cast<std::size_t>(known));
    std::iota(before.begin(), before.end(), 0);
    std::vector<int> next(kBatch);
    std::iota(next.begin(), next.end(), known);
    std::vector<int> later(static_cast<std::size_t>(kLast - known));
    std::iota(later.begin(), later.end(), known);
    const auto model =
        selection::train(elements, selection::subset(all, before), settings, executor, {}, history)
            .value();
    const auto predictor = selection::Predictor::make(model).value();
    const auto test = selection::subset(all, next);
    const auto rest = selection::subset(all, later);
    const auto found = predictor.predict(test.catalysts, {}).value();
    out.errors.segment(known - kFirst, kBatch) = (test.y - found.mean).cwiseAbs();
    out.precision +=
        average_precision(rest.y, predictor.predict(rest.catalysts, {}).value().mean) / batches;
    out.covered += static_cast<double>(((test.y.array() >= found.low.array()) &&
                                        (test.y.array() <= found.high.array()))
                                           .count()) /
                   kBatch / batches;
    out.width += (found.high - found.low).mean() / batches;
    std::vector<double> ages;
    for (const auto& hypothesis : model.hypotheses)
      ages.push_back(model.generation - hypothesis.born);
    out.age = selection::median(std::move(ages));
    if (!with_history) continue;
    std::vector<int> seen = before;
    seen.insert(seen.end(), next.begin(), next.end());
    history = selection::history_of(model, selection::subset(all, seen)).value().history;
  }
  out.error = out.errors.mean();
  return out;
}

}  // namespace

// bench_history [SECONDS [SEEDS [with|without]]]
int main(int count, char** values) {
  selection::ModelSettings settings;
  settings.search.time_limit =
      count > 1 ? number_argument<double>(values[1]) : 5.0;  // nominal seconds
  const int seeds = count > 2 ? number_argument<int>(values[2]) : 3;
  const std::string shared = kasetsu::testing::shared_data_dir();
  const auto elements = chemistry::ElementTable::from_csv(
                            read(shared + "/elements/xenonpy_elements_completed.csv"), "elements")
                            .value();
  const selection::TrainingSet all = real_history(shared);
  const Executor executor(2);
  fmt::print("history  seed  error  average precision  coverage  width  median age\n");
  std::vector<Eigen::VectorXd> errors;  // means over the seeds, without history and with it
  for (const bool with_history : {false, true}) {
    Outcome mean;
    const std::string name = with_history ? "with" : "without";
    if (count > 3 && values[3] != name) continue;
    for (int seed = 1; seed <= seeds; ++seed) {
      settings.search.seed = static_cast<std::uint64_t>(seed);
      const Outcome out = play(elements, all, settings, with_history, executor);
      fmt::print("{:<8} {:>4}  {:.3f}  {:.4f}             {:.3f}     {:.2f}   {:g}\n", name, seed,
                 out.error, out.precision, out.covered, out.width, out.age);
      std::fflush(stdout);
      mean.error += out.error / seeds;
      mean.errors += out.errors / seeds;
      mean.precision += out.precision / seeds;
      mean.covered += out.covered / seeds;
      mean.width += out.width / seeds;
      mean.age += out.age / seeds;
    }
    fmt::print("{:<8} mean  {:.3f}  {:.4f}             {:.3f}     {:.2f}   {:.2g}\n", name,
               mean.error, mean.precision, mean.covered, mean.width, mean.age);
    errors.push_back(std::move(mean.errors));
  }
  if (errors.size() == 2) {
    const Eigen::ArrayXd more = errors[1] - errors[0];
    const double rows = static_cast<double>(more.size());
    const double spread = std::sqrt((more - more.mean()).square().sum() / (rows - 1.0));
    fmt::print("with less without: {:+.3f}, standard error {:.3f} ({} rows, paired)\n", more.mean(),
               spread / std::sqrt(rows), rows);
  }
  return 0;
}
