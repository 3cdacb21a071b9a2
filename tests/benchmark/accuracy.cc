// How well the model predicts catalysts that it has not seen, on every real table and on small
// draws of them, beside forest and Gaussian process on composition in the same parts: what a change
// of the model is judged by. bench_accuracy [SECONDS [SEED or FIRST-LAST [TASK]]]; needs the shared
// data. Of several seeds (of folds, draws and search) mean and range of the coverage come last.
// With ACCURACY_DUMP=FILE each part's predictions are written there.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "core/base/executor.h"
#include "core/base/random.h"
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

selection::TrainingSet load(const std::string& name, const std::string& target,
                            const chemistry::SupportTable& supports) {
  tables::ReadOptions columns;
  columns.targets = {target};
  std::string text = read(kasetsu::testing::shared_data_dir() + "/catalysts/" + name);
  if (name.starts_with("oer")) text = "Ni,Fe,Co,Mn,Ce,La," + target + "\n" + text;
  const auto table = tables::read_table(text, name, columns, supports).value();
  return {table.catalysts, {}, table.targets.col(0)};
}

struct Part {
  std::vector<int> train, test;
};

struct Task {
  std::string name;
  const selection::TrainingSet* data;
  std::vector<Part> parts;
};

std::vector<Part> folds_of(const selection::TrainingSet& data, int rows, int folds,
                           std::uint64_t seed) {
  const selection::Folds made =
      selection::make_folds({data.catalysts.data(), static_cast<std::size_t>(rows)}, folds, seed);
  std::vector<Part> parts(static_cast<std::size_t>(made.count));
  for (int row = 0; row < rows; ++row) {
    for (int fold = 0; fold < made.count; ++fold) {
      Part& part = parts[static_cast<std::size_t>(fold)];
      (made.of_row[static_cast<std::size_t>(row)] == fold ? part.test : part.train).push_back(row);
    }
  }
  return parts;
}

// `train` rows at random, and `test` others.
std::vector<Part> draws_of(const selection::TrainingSet& data, int train, int test, int draws,
                           std::uint64_t seed) {
  std::vector<Part> parts;
  for (int draw = 0; draw < draws; ++draw) {
    std::vector<int> order(data.catalysts.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    Random random(seed, static_cast<std::uint64_t>(draw) + 77);
    random.shuffle(order);
    parts.push_back({{order.begin(), order.begin() + train},
                     {order.begin() + train, order.begin() + train + test}});
  }
  return parts;
}

}  // namespace

int main(int count, char** values) {
  selection::ModelSettings settings;
  settings.search.time_limit =
      count > 1 ? number_argument<double>(values[1]) : 3.0;  // nominal seconds
  const std::string seeds = count > 2 ? values[2] : "1";
  const std::string only = count > 3 ? values[3] : "";
  const auto first = number_argument<std::uint64_t>(seeds.substr(0, seeds.find('-')));
  const std::size_t dash = seeds.find('-');
  const auto last =
      dash == std::string::npos ? first : number_argument<std::uint64_t>(seeds.substr(dash + 1));
  const auto elements =
      chemistry::ElementTable::from_csv(
          read(kasetsu::testing::shared_data_dir() + "/elements/xenonpy_elements_completed.csv"),
          "elements")
          .value();
  const auto supports =
      chemistry::SupportTable::from_csv(
          read(kasetsu::testing::source_dir() + "/config/elements/supports.csv"), "supports")
          .value();
  const auto twc = load("afe_twc_51.csv", "T50(NO)", supports);
  const auto ocm = load("afe_ocm_171.csv", "C2y", supports);
  const auto slots = load("ocm_slots_456.csv", "Measured C2 yield (%)", supports);
  const auto oer = load("oer_plate_3496_data.csv", "overpotential", supports);
  const Executor executor(2);
  std::ofstream dump;
  if (const char* path = std::getenv("ACCURACY_DUMP")) dump.open(path, std::ios::app);
  struct Seeds {
    std::vector<double> against,
        coverage;  // by seed: over the better baseline, and within intervals
  };
  std::map<std::string, Seeds> of_task;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    settings.search.seed = seed;
    if (last > first) fmt::print("seed {}\n", seed);
    std::vector<Task> tasks = {{"TWC-51", &twc, folds_of(twc, 51, 10, seed)},
                               {"OCM-171", &ocm, folds_of(ocm, 171, 8, seed)},
                               {"OCM-376", &slots, folds_of(slots, 376, 6, seed)},
                               {"history", &slots, {}},
                               {"OER-60", &oer, draws_of(oer, 60, 200, 3, seed)},
                               {"OER-200", &oer, draws_of(oer, 200, 200, 1, seed)},
                               {"OCM-60", &slots, draws_of(slots, 60, 150, 3, seed)}};
    for (int known = 376; known < 456; known += 20) {
      Part part;
      for (int i = 0; i < known + 20; ++i) (i < known ? part.train : part.test).push_back(i);
      tasks[3].parts.push_back(std::move(part));
    }
    for (const Task& task : tasks) {
      if (!only.empty() && task.name != only) continue;
      double model_sum = 0.0, hypotheses = 0.0, forest = 0.0, process = 0.0, inside = 0.0,
             width = 0.0, rows = 0.0;
      for (const Part& part : task.parts) {
        const auto train = selection::subset(*task.data, part.train);
        const auto test = selection::subset(*task.data, part.test);
        const auto model = selection::train(elements, train, settings, executor, {}).value();
        const auto predictor = selection::Predictor::make(model).value();
        const auto found = predictor.predict(test.catalysts, {}).value();
        const auto sum = [&](const Eigen::VectorXd& predicted) {
          return (test.y - predicted).cwiseAbs().sum();
        };
        model_sum += sum(found.mean);
        hypotheses += sum(found.median);
        forest += sum(selection::forest_on_composition(train, test, 1, executor).value());
        process += sum(selection::process_on_composition(train, test).value());
        inside += static_cast<double>(
            ((test.y.array() >= found.low.array()) && (test.y.array() <= found.high.array()))
                .count());
        width += (found.high - found.low).sum();
        rows += static_cast<double>(part.test.size());
        if (!dump.is_open()) continue;
        dump << "#," << task.name << "," << seed << ",hypotheses";
        for (const auto& companion : model.companions) dump << "," << companion.name;
        dump << "\n";
        for (Eigen::Index i = 0; i < test.y.size(); ++i) {
          dump << "test," << test.y[i] << "," << found.median[i];
          for (Eigen::Index k = 0; k < found.by_companion.cols(); ++k)
            dump << "," << found.by_companion(i, k);
          dump << "," << found.disagreement[i] << "," << found.novelty[i] << "\n";
        }
        for (Eigen::Index i = 0; i < train.y.size() && model.honest_prediction.size() > 0; ++i) {
          dump << "train," << train.y[i] << "," << model.honest_hypotheses[i];
          for (const auto& companion : model.companions) dump << "," << companion.honest[i];
          dump << "\n";
        }
        dump.flush();
      }
      fmt::print(
          "{:8}  model {:7.3f}  hypotheses {:7.3f} | forest {:7.3f} process {:7.3f} | {:+5.1f} % | "
          "coverage {:.3f} width {:.3g}\n",
          task.name, model_sum / rows, hypotheses / rows, forest / rows, process / rows,
          100.0 * (model_sum / std::min(forest, process) - 1.0), inside / rows, width / rows);
      std::fflush(stdout);
      of_task[task.name].against.push_back(model_sum / std::min(forest, process) - 1.0);
      of_task[task.name].coverage.push_back(inside / rows);
    }
  }
  if (last == first) return 0;
  for (const auto& [name, of] : of_task) {
    const auto mean = [](const std::vector<double>& values_of) {
      return std::accumulate(values_of.begin(), values_of.end(), 0.0) /
             static_cast<double>(values_of.size());
    };
    const auto [least, most] = std::minmax_element(of.coverage.begin(), of.coverage.end());
    fmt::print("{:8}  over {} seeds: {:+5.1f} % | coverage {:.3f}, {:.3f} to {:.3f}\n", name,
               of.coverage.size(), 100.0 * mean(of.against), mean(of.coverage), *least, *most);
  }
  return 0;
}
