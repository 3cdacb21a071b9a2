// kasetsu featurize: compositions to descriptors.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "core/csv.h"
#include "core/descriptors/descriptor.h"
#include "daemon/cli/arguments.h"
#include "daemon/cli/commands.h"
#include "daemon/data_files.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  TableArguments table;
  FeatureArguments features;
  RegressionArguments regression;
  FamilyArgument family;
  bool raw = false;
  std::string out;
  std::uint64_t seed = 1;
};

struct Columns {
  std::vector<std::string> names;
  Eigen::MatrixXd values;
};

Result<Columns> make_columns(const Arguments& arguments, const tables::Table& table,
                             const chemistry::ElementTable& elements) {
  const auto conditions = conditions_of(table);
  const auto options = arguments.features.options();
  Columns columns;
  if (arguments.raw) {
    auto raw = descriptors::raw_features(elements, table.catalysts, conditions, options);
    if (!raw) return raw.error();
    for (const auto& primary : raw->primaries) columns.names.push_back(primary.name);
    columns.values = std::move(raw->values);
    return columns;
  }
  auto featurizer = descriptors::Featurizer::learn(elements, table.catalysts, conditions, options);
  if (!featurizer) return featurizer.error();
  auto primaries = featurizer->evaluate(table.catalysts, conditions);
  if (!primaries) return primaries.error();
  if (arguments.features.order == 0) {
    for (const auto& primary : featurizer->primaries()) columns.names.push_back(primary.name);
    columns.values = std::move(primaries).value();
    return columns;
  }
  auto matrix = descriptors::enumerate(*primaries, arguments.features.order);
  for (const auto& descriptor : matrix.descriptors) {
    columns.names.push_back(descriptors::to_text(descriptor, featurizer->primaries()));
  }
  columns.values = std::move(matrix.values);
  return columns;
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.17g}", value)
         : std::isnan(value)  ? "nan"
         : value > 0          ? "inf"
                              : "-inf";
}

std::string to_csv(const tables::Table& table, const Columns& columns) {
  std::string text = "id";
  for (const std::string& name : columns.names) text += ',' + csv_cell(name);
  for (const std::string& name : table.target_names) text += ',' + csv_cell(name);
  text += '\n';
  for (std::size_t r = 0; r < table.ids.size(); ++r) {
    const auto row = static_cast<Eigen::Index>(r);
    text += csv_cell(table.ids[r]);
    for (Eigen::Index c = 0; c < columns.values.cols(); ++c) {
      text += ',' + number(columns.values(row, c));
    }
    for (Eigen::Index t = 0; t < table.targets.cols(); ++t) {
      text += ',' + number(table.targets(row, t));
    }
    text += '\n';
  }
  return text;
}

Status run(const Arguments& arguments, Session& session) {
  if (arguments.features.order > 1) {
    return Error{ErrorCode::invalid_argument,
                 "products are too many to be written out; a search screens them itself", "--order",
                 std::to_string(arguments.features.order), "0 or 1"};
  }
  auto table = arguments.table.load(session);
  if (!table) return table.error();
  auto elements = arguments.features.load_elements();
  if (!elements) return elements.error();
  auto columns = make_columns(arguments, *table, *elements);
  if (!columns) return columns.error().in(arguments.table.data);

  if (!arguments.out.empty()) {
    if (auto status = write_file(arguments.out, to_csv(*table, *columns)); !status) return status;
  } else if (!session.json) {
    session.print(to_csv(*table, *columns));
  }
  if (session.json) {
    session.print_json({{"n_samples", table->ids.size()},
                        {"n_descriptors", columns->names.size()},
                        {"names", columns->names},
                        {"elements", elements->fingerprint()},
                        {"unused_columns", table->unused}});
  }
  session.say(
      fmt::format("{} catalysts, {} {}descriptors{}", table->ids.size(), columns->names.size(),
                  arguments.raw ? "raw " : "",
                  arguments.out.empty() || arguments.out == "-" ? "" : " in " + arguments.out));
  return {};
}

}  // namespace

void add_featurize(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(app, session, "featurize", "compositions to descriptors",
                  "  kasetsu featurize catalysts.csv --target yield --out descriptors.csv\n"
                  "  kasetsu featurize catalysts.csv --method afe --order 0 --raw --json");
  command->group("On files");
  arguments->table.add_to(*command);
  command->add_option("--out", arguments->out, "CSV file to write (- for standard output)");
  command->add_flag("--raw", arguments->raw,
                    "order 0 before constant columns are dropped and offsets added");
  arguments->features.add_to(*command);
  arguments->family.add_to(*command);
  arguments->regression.add_to(*command);
  add_seed(*command, arguments->seed);
  add_threads(*command, session);
  command->callback([arguments, &session] {
    session.action = [=, &session] { return run(*arguments, session); };
  });
}

}  // namespace kasetsu::cli
