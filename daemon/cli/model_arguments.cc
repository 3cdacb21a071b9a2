#include "daemon/cli/model_arguments.h"

#include <CLI/CLI.hpp>

namespace kasetsu::cli {

void ModelArguments::add_to(CLI::App& command) {
  const std::string group = "Search";
  command.add_option("--size", size, "descriptors in a hypothesis")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--search", search,
                  "exchange (fast), genetic (the paper's) or random (for comparison)")
      ->check(CLI::IsMember({"exchange", "genetic", "random"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--time-limit", time_limit, "seconds (default: until it converges)")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  command.add_option("--hypotheses", hypotheses, "hypotheses in the ensemble")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--population", population, "of the genetic search (default: the paper's 800)")
      ->group(group);
  command
      .add_option("--generations", generations, "of the genetic search (default: the paper's 1600)")
      ->group(group);
  features.add_to(command);
  family.add_to(command);
  regression.add_to(command);
  add_seed(command, seed);
}

Result<selection::ModelSettings> ModelArguments::settings() const {
  selection::ModelSettings settings;
  settings.features = features.options();
  settings.order = features.order;
  settings.search.method = search == "genetic"  ? selection::Method::genetic
                           : search == "random" ? selection::Method::random
                                                : selection::Method::exchange;
  settings.search.size = size;
  settings.search.regression = regression.options();
  settings.search.one_per_family = family.on();
  settings.search.hypotheses = hypotheses;
  settings.search.seed = seed;
  settings.search.time_limit = time_limit;
  if (population != 0) settings.search.genetic.population = population;
  if (generations != 0) settings.search.genetic.generations = generations;
  if (auto status = settings.validate(); !status) return status.error();
  return settings;
}

selection::TrainingSet training_set(const tables::Table& table) {
  return {table.catalysts, conditions_of(table), table.targets.col(0)};
}

}  // namespace kasetsu::cli
