#include "daemon/cli/files/model_arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace kasetsu::cli {

void ModelArguments::add_to(CLI::App& command) {
  const std::string group = "Search";
  command
      .add_option("--size", size,
                  "descriptors in a hypothesis; auto: the paper's 8 with 80 catalysts or more, "
                  "else chosen by nested error")
      ->check(CLI::IsMember({"auto"}) | CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--search", search,
                  "exchange (fast), genetic (the paper's) or random (for comparison)")
      ->check(CLI::IsMember(selection::kSearchMethodNames.names()))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--time-limit", time_limit, "about so many seconds (default: until it converges)")
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
  add_family(command, family);
  regression.add_to(command);
  add_seed(command, seed);
}

Result<selection::ModelSettings> ModelArguments::settings() const {
  return set({}, [](const char*) { return true; });
}

Result<selection::ModelSettings> ModelArguments::override(selection::ModelSettings settings,
                                                          const CLI::App& command) const {
  return set(std::move(settings), [&](const char* name) { return command.count(name) > 0; });
}

Result<selection::ModelSettings> ModelArguments::set(
    selection::ModelSettings settings, const std::function<bool(const char*)>& given) const {
  const descriptors::FeaturizerOptions chosen = features.options();
  if (given("--method")) settings.features.method = chosen.method;
  if (given("--loading")) settings.features.loading = chosen.loading;
  if (given("--normalize")) settings.features.normalize = chosen.normalize;
  if (given("--order")) settings.order = features.order;
  if (given("--search")) {
    settings.search.method = *selection::kSearchMethodNames.from_name(search);
  }
  if (given("--size")) {
    const int number = size == "auto" ? 0 : std::stoi(size);
    settings.size_by_nested_error = number == 0;
    if (number != 0) settings.search.size = number;
  }
  if (given("--epsilon")) settings.search.regression.epsilon = regression.epsilon;
  if (given("--alpha")) settings.search.regression.alpha = regression.alpha;
  if (given("--family")) settings.search.one_per_family = family == "on";
  if (given("--hypotheses")) settings.search.hypotheses = hypotheses;
  if (given("--seed")) settings.search.seed = seed;
  if (given("--time-limit")) settings.search.time_limit = time_limit;
  if (population != 0) settings.search.genetic.population = population;
  if (generations != 0) settings.search.genetic.generations = generations;
  if (auto status = settings.validate(); !status) return status.error();
  return settings;
}

void print_noise(const selection::Noise& noise, Session& session) {
  if (noise.pure_df == 0) {
    session.print("\nno catalyst was measured twice: pure error and lack of fit cannot be told\n");
    return;
  }
  session.print(fmt::format(
      "\nreplicates: {} rows of {} catalysts scatter with a standard deviation of {}, whatever\n"
      "the model\n",
      noise.rows, noise.replicated, format_short(noise.pure_sd)));
  if (noise.f > 0.0) {
    session.print(fmt::format(
        "lack of fit of the best hypothesis: F({}, {}) = {}, p = {}{}\n", noise.fit_df,
        noise.pure_df, format_short(noise.f, 3), format_short(noise.p, 2),
        noise.p < 0.05 ? ": it misses more than noise" : ": no more than noise explains"));
  }
}

void print_offsets(const selection::BatchOffsets& offsets, Session& session) {
  if (offsets.batches.empty()) return;
  if (!offsets.why_none.empty()) {
    session.print(fmt::format("\nno batch offsets: {}\n", offsets.why_none));
    return;
  }
  session.print(fmt::format(
      "\nbatches: {} catalysts were measured in several; offsets have a standard deviation of\n"
      "{}, one measurement {} ({} degrees of freedom), p = {} by chance\n\n",
      offsets.bridge_points, format_short(offsets.between_sd, 3),
      format_short(offsets.within_sd, 3), offsets.df, format_short(offsets.p, 2)));
  TextTable text({"offset", "standard error", "rows", "bridges", "batch"});
  for (const selection::BatchOffsets::Batch& batch : offsets.batches) {
    text.add({fmt::format("{:+.3g}", batch.offset), format_short(batch.standard_error, 2),
              std::to_string(batch.rows), std::to_string(batch.bridges), batch.name});
  }
  session.print(text);
}

}  // namespace kasetsu::cli
