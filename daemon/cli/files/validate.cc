// kasetsu validate: nested cross-validation, permutation test and baselines; the paper's Figure 1.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "core/base/random.h"
#include "core/selection/validation.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/learning/model_document.h"
#include "daemon/cli/files/model_arguments.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

constexpr std::size_t kListed = 20;  // descriptors and families in a report

struct Arguments {
  TableArguments table;
  ModelArguments model;
  int folds = 10;
  int permutations = 20;
  bool without_baselines = false;
  bool figure1 = false;
  int sample = 0;
  int draws = 5;
};

Json shares_json(const std::vector<selection::Frequency>& shares) {
  Json out = Json::array();
  for (std::size_t i = 0; i < std::min(kListed, shares.size()); ++i)
    out.push_back({{"name", shares[i].name}, {"share", shares[i].share}});
  return out;
}

void print_validation(const selection::Validation& found, double wall, Session& session) {
  session.print(fmt::format("Mean absolute error on {} of {}, {} folds:\n\n",
                            counted(static_cast<std::size_t>(found.n_samples), "row"),
                            counted(static_cast<std::size_t>(found.n_catalysts), "catalyst"),
                            found.folds));
  TextTable text({"error", "nested, of"});
  text.add({format_short(found.nested.mae), "the model (its parts are below)"});
  text.add({format_short(found.nested_hypotheses.mae), "its hypotheses alone"});
  for (const selection::Judged& baseline : found.baselines)
    text.add({format_short(baseline.mae), "baseline " + baseline.name});
  session.print(text);
  std::string parts;
  for (const selection::Frequency& part : found.parts) {
    if (part.share <= 0.0) continue;
    parts += fmt::format("{}{:.0f} % {}", parts.empty() ? "" : ", ", 100.0 * part.share, part.name);
  }
  session.print(fmt::format("\nThe model predicts by {}.\n", parts));
  session.print(fmt::format(
      "\nnaive leave-one-out: {} (best hypothesis), {} (ensemble): the search chose by it\n"
      "{} % intervals held {:.1f} % of the rows\n",
      format_short(found.mae_naive), format_short(found.mae_naive_ensemble),
      format_short(100.0 * found.nominal), 100.0 * found.coverage));
  if (!found.mae_shuffled.empty()) {
    const auto [least, most] =
        std::minmax_element(found.mae_shuffled.begin(), found.mae_shuffled.end());
    session.print(fmt::format(
        "permutation p {}{}: nested error of a reduced search {}, with the target "
        "shuffled {} to {}\n",
        format_short(found.permutation_p, 3),
        found.mae_reduced < *least
            ? fmt::format(" (the least that {} shuffles can give)", found.mae_shuffled.size())
            : "",
        format_short(found.mae_reduced), format_short(*least), format_short(*most)));
  }
  print_noise(found.noise, session);
  session.print("\nChosen most often (share of the hypotheses' weight, mean over the folds):\n\n");
  TextTable chosen({"share", "feature"});
  for (std::size_t i = 0; i < std::min<std::size_t>(10, found.families.size()); ++i)
    chosen.add({format_short(found.families[i].share, 2), found.families[i].name});
  session.print(chosen);
  session.print(fmt::format("\n{}\n", format_seconds(wall)));
}

Json rows_json(const selection::Validation& found, const selection::TrainingSet& data,
               const tables::Table& table) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < table.ids.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    rows.push_back({{"id", table.ids[i]},
                    {"fold", found.fold_of_row[i]},
                    {"measured", data.y[row]},
                    {"predicted", found.nested.predictions[row]},
                    {"low", found.low[row]},
                    {"high", found.high[row]}});
  }
  return rows;
}

Status run_validation(const LearningTable& loaded, const Arguments& arguments,
                      const selection::ValidationOptions& options, Session& session) {
  const Effort effort;
  const Control control = session.control();
  const auto found =
      selection::validate(loaded.elements, loaded.data, options, session.executor(), control);
  session.end_progress();
  if (!found) return found.error().in(arguments.table.data);
  if (!session.json) {
    print_validation(*found, effort.wall_seconds(), session);
    return {};
  }
  Json baselines = Json::array();
  for (const selection::Judged& baseline : found->baselines)
    baselines.push_back({{"name", baseline.name}, {"mae", baseline.mae}});
  Json parts = Json::array();
  for (const selection::Frequency& part : found->parts)
    parts.push_back({{"name", part.name}, {"weight", part.share}});
  Json document = {{"mae_nested", found->nested.mae},
                   {"mae_nested_hypotheses", found->nested_hypotheses.mae},
                   {"mae_naive", found->mae_naive},
                   {"mae_naive_ensemble", found->mae_naive_ensemble},
                   {"parts", parts},
                   {"noise", campaign::noise_json(found->noise)},
                   {"baselines", baselines},
                   {"permutation_p", found->permutation_p},
                   {"mae_reduced", found->mae_reduced},
                   {"mae_shuffled", found->mae_shuffled},
                   {"coverage", found->coverage},
                   {"nominal_coverage", found->nominal},
                   {"descriptors", shares_json(found->descriptors)},
                   {"families", shares_json(found->families)},
                   {"properties", shares_json(found->properties)},
                   {"folds", found->folds},
                   {"n_samples", found->n_samples},
                   {"n_catalysts", found->n_catalysts},
                   {"rows", rows_json(*found, loaded.data, loaded.table)}};
  effort.add_to(document);
  session.print_json(document);
  return {};
}

// What more freedom to choose did: |error| without and with it in nested cross-validation, by row
// of the table (mean over the draws that hold it); and the leave-one-out errors, which the search
// chose by.
struct Step {
  std::size_t before = 0, after = 0;  // places in the figure
  std::string from, to;
  double loo_before = 0.0, loo_after = 0.0;
  std::map<int, std::pair<double, int>> differences;  // of nested |error|: sum and count by row

  std::vector<double> by_row() const {
    std::vector<double> out;
    for (const auto& [row, sum] : differences) out.push_back(sum.first / sum.second);
    return out;
  }
  double change() const {
    double sum = 0.0;
    for (const double difference : by_row()) sum += difference;
    return sum / static_cast<double>(differences.size());
  }
  // Of the mean: the rows are the sample; draws that share rows add nothing to it.
  double standard_error() const {
    const double mean = change();
    double square = 0.0;
    for (const double difference : by_row()) square += (difference - mean) * (difference - mean);
    const auto count = static_cast<double>(differences.size());
    return std::sqrt(square / std::max(1.0, count - 1.0) / count);
  }
  // Two standard errors are called a difference, one a hint.
  std::string verdict() const {
    const double in_errors = change() / std::max(standard_error(), 1e-300);
    if (in_errors < -2.0) return "helps";
    if (in_errors < -1.0) return "may help";
    const bool fits_better = loo_after < loo_before;
    if (in_errors > 2.0) return fits_better ? "only overfits" : "harms";
    if (in_errors > 1.0) return fits_better ? "may only overfit" : "may harm";
    return fits_better ? "fits better, predicts no better" : "changes nothing";
  }
};

// Selection and properties against plain composition, then orders 1 to 3 against order 0, which has
// the same properties without their forms and products.
std::vector<Step> steps_of(const std::vector<selection::Figure1Row>& rows) {
  constexpr std::size_t kOrder0 = 2;
  std::vector<Step> steps;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const std::size_t before = i > kOrder0 ? kOrder0 : i - 1;
    steps.push_back({before, i, rows[before].name, rows[i].name, 0.0, 0.0, {}});
  }
  return steps;
}

// The rows of one draw: some of the catalysts, in the table's order.
std::vector<int> draw_rows(std::size_t rows, int sample, std::uint64_t seed, int draw) {
  std::vector<int> order(rows);
  std::iota(order.begin(), order.end(), 0);
  if (sample == 0) return order;
  Random random(seed, static_cast<std::uint64_t>(draw) + 1);
  random.shuffle(order);
  order.resize(static_cast<std::size_t>(sample));
  std::sort(order.begin(), order.end());
  return order;
}

// The paper's Figure 1 over all draws.
struct Figure {
  std::vector<selection::Figure1Row> mean;  // of the draws
  std::vector<Step> steps;
  Json draws = Json::array();

  void add(const std::vector<selection::Figure1Row>& found, const std::vector<int>& rows,
           const selection::TrainingSet& drawn, int count) {
    if (mean.empty()) {
      steps = steps_of(found);
      for (const selection::Figure1Row& row : found)
        mean.push_back({row.name, 0.0, 0.0, 0.0, {}, {}});
    }
    for (Step& step : steps) {
      const selection::Figure1Row& before = found[step.before];
      const selection::Figure1Row& after = found[step.after];
      step.loo_before += before.mae_loo / count;
      step.loo_after += after.mae_loo / count;
      for (Eigen::Index row = 0; row < drawn.y.size(); ++row) {
        auto& [sum, n] = step.differences[rows[static_cast<std::size_t>(row)]];
        sum += std::abs(drawn.y[row] - after.nested[row]) -
               std::abs(drawn.y[row] - before.nested[row]);
        ++n;
      }
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
      mean[i].mae_train += found[i].mae_train / count;
      mean[i].mae_loo += found[i].mae_loo / count;
      mean[i].mae_nested += found[i].mae_nested / count;
    }
  }
};

Json method_json(const selection::Figure1Row& row) {
  return {{"name", row.name},
          {"mae_train", row.mae_train},
          {"mae_loo", row.mae_loo},
          {"mae_nested", row.mae_nested}};
}

Json draw_json(const std::vector<selection::Figure1Row>& found, const std::vector<int>& rows,
               const selection::TrainingSet& drawn, const tables::Table& table) {
  Json methods = Json::array();
  for (const selection::Figure1Row& row : found) {
    methods.push_back(method_json(row));
    methods.back()["loo"] = to_json(row.loo);
    methods.back()["nested"] = to_json(row.nested);
  }
  Json ids = Json::array();
  for (const int row : rows) ids.push_back(table.ids[static_cast<std::size_t>(row)]);
  return {{"ids", ids}, {"measured", to_json(drawn.y)}, {"methods", methods}};
}

Json to_json(const Figure& figure) {
  Json methods = Json::array();
  for (const selection::Figure1Row& row : figure.mean) methods.push_back(method_json(row));
  Json verdicts = Json::array();
  for (const Step& step : figure.steps) {
    verdicts.push_back({{"from", step.from},
                        {"to", step.to},
                        {"loo_change", step.loo_after - step.loo_before},
                        {"nested_change", step.change()},
                        {"nested_standard_error", step.standard_error()},
                        {"verdict", step.verdict()}});
  }
  return {{"figure1", methods}, {"steps", verdicts}, {"draws", figure.draws}};
}

void print_figure(const Figure& figure, const std::string& of_draws, double wall,
                  Session& session) {
  TextTable text({"train", "leave-one-out", "nested", "descriptors"});
  for (const selection::Figure1Row& row : figure.mean) {
    text.add({format_short(row.mae_train, 4), format_short(row.mae_loo, 4),
              format_short(row.mae_nested, 4), row.name});
  }
  session.print(text);
  session.print("\n");
  TextTable steps({"leave-one-out", "nested", "standard error", "step", "verdict"});
  for (const Step& step : figure.steps) {
    steps.add({fmt::format("{:+.4g}", step.loo_after - step.loo_before),
               fmt::format("{:+.4g}", step.change()), fmt::format("{:.3g}", step.standard_error()),
               step.from + " to " + step.to, step.verdict()});
  }
  session.print(steps);
  session.print(fmt::format(
      "\nMean absolute errors{}. Leave-one-out is the error of the best set found, which was "
      "chosen "
      "by it;\nnested repeats the choice without the rows that it predicts. A change of two "
      "standard errors\nis called a difference, a change of one a hint.\n{}\n",
      of_draws, format_seconds(wall)));
}

Status run_figure1(const LearningTable& loaded, const Arguments& arguments,
                   const selection::ValidationOptions& options, Session& session) {
  const Effort effort;
  const std::size_t all = loaded.table.ids.size();
  if (arguments.sample != 0 && (arguments.sample < 8 || arguments.sample > static_cast<int>(all))) {
    return Error{ErrorCode::invalid_argument, "sample is out of range", "--sample",
                 fmt::format("{}", arguments.sample), fmt::format("8 to {} rows", all)};
  }
  const Control control = session.control();
  const int draws = arguments.sample == 0 ? 1 : arguments.draws;
  Figure figure;
  for (int draw = 0; draw < draws; ++draw) {
    const std::vector<int> rows = draw_rows(all, arguments.sample, options.seed, draw);
    const selection::TrainingSet drawn = selection::subset(loaded.data, rows);
    const auto found =
        selection::figure1(loaded.elements, drawn, options, session.executor(), control);
    if (!found) {
      session.end_progress();
      return found.error().in(arguments.table.data);
    }
    figure.add(*found, rows, drawn, draws);
    figure.draws.push_back(draw_json(*found, rows, drawn, loaded.table));
  }
  session.end_progress();
  if (session.json) {
    Json document = to_json(figure);
    effort.add_to(document);
    session.print_json(document);
    return {};
  }
  print_figure(
      figure,
      draws > 1 ? fmt::format(", mean of {} draws of {} rows", draws, arguments.sample) : "",
      effort.wall_seconds(), session);
  return {};
}

Status run(const Arguments& arguments, Session& session) {
  selection::ValidationOptions options;
  auto settings = arguments.model.settings();
  if (!settings) return settings.error();
  options.model = std::move(*settings);
  options.folds = arguments.folds;
  options.permutations = arguments.permutations;
  options.baselines = !arguments.without_baselines;
  options.seed = arguments.model.seed;
  if (auto status = options.validate(); !status) return status;
  const auto loaded = load_learning(arguments.table, arguments.model.features, session);
  if (!loaded) return loaded.error();
  const auto work = arguments.figure1 ? run_figure1 : run_validation;
  return work(*loaded, arguments, options, session);
}

}  // namespace

void add_validate(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(
      app, session, "validate",
      "honest error: nested cross-validation, permutation test, baselines",
      "  kasetsu validate catalysts.csv --target yield\n"
      "  kasetsu validate catalysts.csv --target yield --figure1 --sample 30 --draws 5");
  command->group("On files");
  arguments->table.add_to(*command);
  arguments->table.add_batches_to(*command);
  command
      ->add_option("--folds", arguments->folds,
                   "of the nested cross-validation; 0: leave one catalyst out")
      ->capture_default_str();
  command
      ->add_option("--permutations", arguments->permutations,
                   "times that the target is shuffled; 0: no test")
      ->capture_default_str();
  command->add_flag("--no-baselines", arguments->without_baselines, "only the model");
  command->add_flag("--figure1", arguments->figure1,
                    "the paper's Figure 1: composition, and orders 0 to 3, in nested error");
  command->add_option("--sample", arguments->sample,
                      "with --figure1: draw so many rows (default: all)");
  command->add_option("--draws", arguments->draws, "with --sample: how often")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  arguments->model.add_to(*command);
  add_threads(*command, session);
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
