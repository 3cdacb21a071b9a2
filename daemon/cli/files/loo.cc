// kasetsu loo: exact leave-one-out of one given set of descriptors.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/descriptors/descriptor.h"
#include "core/regression/huber/robust.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  TableArguments table;
  DescriptorArguments descriptor;
  std::vector<std::string> descriptors;
};

Status run(const Arguments& arguments, Session& session) {
  auto options = arguments.descriptor.regression.options();
  if (auto status = options.validate(); !status) return status;
  auto loaded = load_featurized(arguments.table, arguments.descriptor.features, session);
  if (!loaded) return loaded.error();
  const auto& [table, featurizer, primaries] = *loaded;

  std::vector<descriptors::Descriptor> parsed;
  for (const std::string& text : arguments.descriptors) {
    auto descriptor = descriptors::parse_descriptor(text, featurizer.primaries());
    if (!descriptor) return descriptor.error().in("--descriptors");
    parsed.push_back(*descriptor);
  }
  const Eigen::MatrixXd columns = descriptors::evaluate(parsed, primaries);
  for (Eigen::Index c = 0; c < columns.cols(); ++c) {
    for (Eigen::Index r = 0; r < columns.rows(); ++r) {
      if (std::isfinite(columns(r, c))) continue;
      const auto row = static_cast<std::size_t>(r);
      return Error{ErrorCode::bad_data,
                   fmt::format("the descriptor is not finite for \"{}\"", table.ids[row]),
                   fmt::format("{}:{}", arguments.table.data, table.lines[row]),
                   arguments.descriptors[static_cast<std::size_t>(c)],
                   "a descriptor that is finite "
                   "on every catalyst of the table"};
    }
  }
  auto result = regression::loo_robust(columns, table.targets.col(0), options);
  if (!result) return result.error().in(arguments.table.data);

  std::vector<std::string> names;
  for (const auto& descriptor : parsed) {
    names.push_back(descriptors::to_text(descriptor, featurizer.primaries()));
  }
  if (session.json) {
    session.print_json({{"mae_train", result->fit.mae},
                        {"mae_cv", result->mae_cv},
                        {"coefficients", to_json(result->fit.coefficients)},
                        {"intercept", result->fit.intercept},
                        {"residuals", to_json(result->residuals)},
                        {"descriptors", names},
                        {"scale", result->fit.scale},
                        {"epsilon", options.epsilon},
                        {"n_samples", table.ids.size()}});
    return {};
  }
  session.print(coefficients_table(result->fit.intercept, result->fit.coefficients, parsed,
                                   featurizer.primaries()));
  session.print(
      fmt::format("\nmean absolute error: {} in leave-one-out, {} on the {} rows fitted\n",
                  format_short(result->mae_cv), format_short(result->fit.mae), table.ids.size()));
  return {};
}

}  // namespace

void add_loo(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(
      app, session, "loo", "exact leave-one-out error of one set of descriptors",
      "  kasetsu loo catalysts.csv --target yield --descriptors \"ln(en_pauling_avg)\" "
      "\"1/(density_max)^2\"\n"
      "  kasetsu loo catalysts.csv --target yield --epsilon 1 --descriptors \"en_pauling_max\" "
      "--json");
  command->group("More on files");
  arguments->table.add_to(*command);
  command->add_option("--descriptors", arguments->descriptors, "descriptors, as fit prints them")
      ->required();
  arguments->descriptor.add_to(*command, session);
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
