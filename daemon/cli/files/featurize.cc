// kasetsu featurize: compositions to descriptors.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "core/base/csv.h"
#include "core/descriptors/descriptor.h"
#include "core/descriptors/screening.h"
#include "daemon/base/data_files.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  TableArguments table;
  DescriptorArguments descriptor;
  bool raw = false;
  std::string out;
  int products = 2000;
};

struct Columns {
  std::vector<std::string> names;
  Eigen::MatrixXd values;
  std::uint64_t screened = 0;  // products looked at
};

Result<Columns> make_columns(const Arguments& arguments, const tables::Table& table,
                             const chemistry::ElementTable& elements, Session& session) {
  const auto conditions = conditions_of(table);
  const auto options = arguments.descriptor.features.options();
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
  if (arguments.descriptor.features.order == 0) {
    for (const auto& primary : featurizer->primaries()) columns.names.push_back(primary.name);
    columns.values = std::move(primaries).value();
    return columns;
  }
  auto matrix = descriptors::enumerate(*primaries, 1);
  if (arguments.descriptor.features.order > 1) {
    descriptors::ScreeningOptions screening;
    screening.order = arguments.descriptor.features.order;
    screening.keep = arguments.products;
    auto products = descriptors::screen_products(matrix, table.targets.col(0), screening,
                                                 session.executor(), session.control());
    if (!products) return products.error();
    columns.screened = products->products;
    const Eigen::Index simple = matrix.values.cols();
    const Eigen::MatrixXd& kept = products->kept.values;
    matrix.values.conservativeResize(Eigen::NoChange, simple + kept.cols());
    matrix.values.rightCols(kept.cols()) = kept;
    matrix.descriptors.insert(matrix.descriptors.end(), products->kept.descriptors.begin(),
                              products->kept.descriptors.end());
  }
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
  auto table = arguments.table.load(session);
  if (!table) return table.error();
  if (arguments.descriptor.features.order > 1 && !arguments.raw) {
    // There are millions of products: the ones that a search is offered are told by the target.
    if (auto status = require_target(*table, arguments.table); !status) return status;
  }
  auto elements = arguments.descriptor.features.load_elements();
  if (!elements) return elements.error();
  auto columns = make_columns(arguments, *table, *elements, session);
  if (!columns) return columns.error().in(arguments.table.data);

  if (!arguments.out.empty()) {
    if (auto status = write_file(arguments.out, to_csv(*table, *columns)); !status) return status;
  } else if (!session.json) {
    session.print_data(to_csv(*table, *columns));
  }
  if (session.json) {
    session.print_json({{"n_samples", table->ids.size()},
                        {"n_descriptors", columns->names.size()},
                        {"names", columns->names},
                        {"products_screened", columns->screened},
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
  command->group("More on files");
  arguments->table.add_to(*command);
  command->add_option("--out", arguments->out, "CSV file to write (- for standard output)");
  command->add_flag("--raw", arguments->raw,
                    "order 0 before constant columns are dropped and offsets added");
  command
      ->add_option("--products", arguments->products,
                   "with --order 2 or 3: the best screened products to keep")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  arguments->descriptor.add_to(*command, session);
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
