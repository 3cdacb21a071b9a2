#include "daemon/cli/program/arguments.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/ingest/profiles.h"
#include "drivers/tables/option_names.h"
#include "drivers/tables/shape_names.h"

namespace kasetsu::cli {
namespace {

// Conditions that are zero only where nothing was measured were written down after the experiment:
// they are its best point, and they know the answer.
bool looks_like_outcome(const Eigen::VectorXd& condition, const Eigen::VectorXd& target) {
  const double least = target.minCoeff();
  Eigen::Index zeros = 0;
  for (Eigen::Index i = 0; i < condition.size(); ++i) {
    if (condition[i] != 0.0) continue;
    ++zeros;
    if (target[i] != least) return false;
  }
  return zeros > 0 && zeros < condition.size();
}

// "composition M1, M2, Support; target yield; not used: remark".
std::string columns_text(const std::vector<tables::ColumnReport>& columns) {
  constexpr std::size_t kMost = 12;
  std::vector<std::pair<std::string, std::vector<std::string>>> groups{
      {"composition", {}}, {"target", {}},   {"conditions", {}},
      {"row names", {}},   {"left out", {}}, {"not used:", {}}};
  for (const tables::ColumnReport& column : columns) {
    const std::size_t group = column.use == "value"       ? 1
                              : column.use == "condition" ? 2
                              : column.use == "sample"    ? 3
                              : column.use == "ignore"    ? 4
                              : column.use == "not used"  ? 5
                                                          : 0;
    if (!column.header.empty()) groups[group].second.push_back(column.header);
  }
  std::string text;
  for (auto& [what, names] : groups) {
    if (names.empty()) continue;
    const std::size_t more = names.size() > kMost ? names.size() - kMost : 0;
    if (more > 0) names.resize(kMost);
    text += fmt::format("{}{} {}{}", text.empty() ? "" : "; ", what, fmt::join(names, ", "),
                        more > 0 ? fmt::format(" and {} more", more) : "");
  }
  return text;
}

bool is_shape(const std::string& name) {
  return tables::kShapeNames.from_name(name).has_value();
}

}  // namespace

CLI::App* add_command(CLI::App& app, Session& session, const std::string& name,
                      const std::string& summary, const std::string& examples) {
  CLI::App* command = app.add_subcommand(name, summary);
  command->footer(examples);
  if (app.get_parent() != nullptr) command->group("Commands");
  command->add_flag("--json", session.json, "one JSON document instead of text");
  command->add_flag("-q,--quiet", session.quiet, "no messages and no progress, errors only");
  return command;
}

CLI::App* add_group(CLI::App& app, const std::string& name, const std::string& summary,
                    const std::string& heading, const std::string& examples) {
  CLI::App* group = app.add_subcommand(name, summary);
  group->group(heading);
  group->require_subcommand(1);
  group->footer(examples);
  return group;
}

void add_campaign_name(CLI::App& command, std::string& name) {
  command.add_option("CAMPAIGN", name, "name of the campaign")->required();
}

void add_connection(CLI::App& command, Session& session) {
  const std::string group = "Daemon";
  command.add_option("--url", session.connection.url, "address of the daemon (KASETSU_URL)")
      ->group(group);
  command
      .add_option("--token-file", session.connection.token_file,
                  "file that holds a token (KASETSU_TOKEN)")
      ->group(group);
}

void TableArguments::add_to(CLI::App& command, bool with_data) {
  const std::string group = "Table";
  if (with_data) {
    command.add_option("DATA", data, "table of catalysts (CSV; - for standard input)")->required();
  }
  command
      .add_option("--profile", profile,
                  "how the laboratory's table is read: a built-in profile or a file; also a shape")
      ->group(group);
  command
      .add_option("--shape", shape,
                  "auto, loadings (a column an element), slots (M1,M2,...,Support) or formula")
      ->check(CLI::IsMember(tables::kShapeNames.names()))
      ->group(group);
  command.add_option("--composition", composition, "column of formulas or names, under any header")
      ->group(group);
  command.add_option("--sheet", sheet, "sheet of a workbook (default: the first one)")
      ->group(group);
  command.add_option("--decimal", decimal, "how the table writes decimals: point or comma")
      ->check(CLI::IsMember(tables::decimal_names()))
      ->group(group);
  command
      .add_option("--encoding", encoding,
                  "utf-8, utf-16, cp1252 (western Windows) or cp932 (Japanese Windows)")
      ->check(CLI::IsMember(tables::encoding_names()))
      ->group(group);
  command
      .add_option("--fill-down", fill_down,
                  "columns whose blank cells repeat the one above, as in merged cells")
      ->group(group);
  command.add_option("--null", null, "more words that say \"not measured\"")->group(group);
  command
      .add_option(
          "--name-amounts", name_amounts,
          "what numbers before the elements of a name are (1Zn1Zr/SiO2), and amounts without a "
          "unit: wt% or mol%; none: a line above the header is about something else")
      ->check(CLI::IsMember(tables::name_amounts_names()))
      ->group(group);
  command
      .add_flag("--skip-rows-without-target", skip_rows_without_target,
                "leave out rows whose target was not measured")
      ->group(group);
  command.add_option("--id", id, "column of row names")->group(group);
  command.add_option("--target", targets, "column that was measured")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--conditions", conditions, "columns that are inputs beside the composition")
      ->group(group);
  command.add_option("--ignore", ignore, "columns that are known and not wanted")->group(group);
  command.add_option("--columns", columns, "names of the columns of a table without a header")
      ->group(group);
  command.add_option("--supports", supports, "table of supports that are not simply a formula")
      ->group(group);
}

tables::ReadOptions TableArguments::read_options() const {
  tables::ReadOptions options;
  // --profile takes the name of a shape, too.
  const std::string& told = is_shape(profile) ? profile : shape;
  options.shape = tables::kShapeNames.from_name(told).value_or(tables::Shape::automatic);
  if (!composition.empty()) options.composition = composition;
  options.sheet = sheet;
  options.decimal = decimal.empty() ? '\0' : decimal == "comma" ? ',' : '.';
  options.skip_missing_targets = skip_rows_without_target;
  if (!id.empty()) options.id = id;
  options.targets = targets;
  options.conditions = conditions;
  options.ignore = ignore;
  options.encoding = encoding;
  options.name_amounts = name_amounts;
  options.fill_down = fill_down;
  options.null = null;
  options.columns = columns;
  return options;
}

Result<tables::ReadOptions> TableArguments::reading() const {
  tables::ReadOptions options = read_options();
  if (is_shape(profile)) return options;
  auto found = load_profile(profile, "");
  if (!found) return found.error();
  options.profile = std::move(*found);
  return options;
}

Result<chemistry::SupportTable> TableArguments::load_supports() const {
  return read_data_table<chemistry::SupportTable>(kSupportsFile, supports);
}

void TableArguments::add_batches_to(CLI::App& command) {
  command
      .add_option("--batches", batches,
                  "column of batch names: offsets between batches are taken off")
      ->group("Table");
}

Result<std::vector<std::string>> TableArguments::labels_of(const tables::Table& table) const {
  std::vector<std::string> labels;
  if (batches.empty()) return labels;
  if (data == "-") {
    return Error{ErrorCode::invalid_argument, "the standard input is read once", "--batches",
                 batches, "a file as DATA"};
  }
  const auto text = read_file(data);
  if (!text) return text.error();
  const auto options = reading();
  if (!options) return options.error();
  const auto cells = tables::column_cells(*text, data, *options, batches);
  if (!cells) return cells.error();
  for (const std::size_t line : table.lines) {
    const auto label = cells->find(line);
    if (label == cells->end() || label->second.empty()) {
      return Error{ErrorCode::bad_data, "a row without its batch",
                   csv_place(data, line, batches, 0), "", "a name in every row"};
    }
    labels.push_back(label->second);
  }
  return labels;
}

Result<tables::Table> TableArguments::load(Session& session) const {
  return load(session, data);
}

Result<tables::Table> TableArguments::load(Session& session, const std::string& path) const {
  return load(session, path, read_options());
}

Result<tables::Table> TableArguments::load(Session& session, const std::string& path,
                                           const tables::ReadOptions& options) const {
  auto known_supports = load_supports();
  if (!known_supports) return known_supports.error();
  auto text = read_file(path);
  if (!text) return text.error();
  tables::ReadOptions reading_options = options;
  if (!reading_options.profile) {
    auto with_profile = reading();
    if (!with_profile) return with_profile.error();
    reading_options.profile = std::move(with_profile->profile);
  }
  auto table = tables::read_table(*text, path == "-" ? "standard input" : path, reading_options,
                                  *known_supports);
  if (!table) return table;
  session.say(fmt::format("{}: {}", path, columns_text(table->columns)));
  for (Eigen::Index t = 0; t < table->targets.cols(); ++t) {
    const auto values = table->targets.col(t);
    if (values.size() < 2 || !values.allFinite() || values.minCoeff() < values.maxCoeff()) continue;
    session.warn(fmt::format("{}: \"{}\" is {:g} in all {} rows: there is nothing to learn from it",
                             path, table->target_names[static_cast<std::size_t>(t)], values[0],
                             values.size()));
  }
  for (const std::string& note : table->notes) session.say(fmt::format("{}: {}", path, note));
  for (Eigen::Index c = 0; c < table->conditions.cols(); ++c) {
    for (Eigen::Index t = 0; t < table->targets.cols(); ++t) {
      if (!looks_like_outcome(table->conditions.col(c), table->targets.col(t))) continue;
      session.warn(fmt::format(
          "{}: column \"{}\" is 0 just where \"{}\" is least: it looks like the conditions of each "
          "catalyst's best result. That is an outcome, not an input, and it leaks the answer.",
          path, table->condition_names[static_cast<std::size_t>(c)],
          table->target_names[static_cast<std::size_t>(t)]));
      break;
    }
  }
  return table;
}

void FeatureArguments::add_to(CLI::App& command) {
  const std::string group = "Descriptors";
  command.add_option("--elements", elements, "table of element properties (CSV)")->group(group);
  command
      .add_option("--method", method, "afe (the paper's) or extended (support, more operations)")
      ->check(CLI::IsMember(descriptors::kMethodNames.names()))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--order", order, "0: aggregations, 1: their functional forms, 2, 3: products")
      ->check(CLI::IsMember({"0", "1", "2", "3"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--loading", loading,
                  "whether the total loading varies: auto, variable or constant")
      ->check(CLI::IsMember(descriptors::kLoadingNames.names()))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--normalize", normalize, "elements that scale a property: afe65, dataset or all")
      ->check(CLI::IsMember(descriptors::kNormalizationNames.names()))
      ->capture_default_str()
      ->group(group);
}

descriptors::FeaturizerOptions FeatureArguments::options() const {
  descriptors::FeaturizerOptions options;
  // The parser has checked the names.
  options.method = *descriptors::kMethodNames.from_name(method);
  options.loading = *descriptors::kLoadingNames.from_name(loading);
  options.normalize = *descriptors::kNormalizationNames.from_name(normalize);
  return options;
}

Result<chemistry::ElementTable> FeatureArguments::load_elements() const {
  return read_data_table<chemistry::ElementTable>(kElementsFile, elements);
}

void RegressionArguments::add_to(CLI::App& command) {
  const std::string group = "Regression";
  command.add_option("--epsilon", epsilon, "Huber threshold; 1 is least absolute deviations")
      ->capture_default_str()
      ->group(group);
  command.add_option("--alpha", alpha, "ridge penalty; 0 at epsilon 1")
      ->capture_default_str()
      ->group(group);
}

regression::RobustOptions RegressionArguments::options() const {
  regression::RobustOptions options;
  options.epsilon = epsilon;
  options.alpha = alpha;
  return options;
}

void add_family(CLI::App& command, std::string& family) {
  command
      .add_option("--family", family,
                  "at most one descriptor of a property and operation: on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str()
      ->group("Descriptors");
}

void DescriptorArguments::add_to(CLI::App& command, Session& session) {
  static std::string family = "on";  // taken as everywhere; these commands do not search
  features.add_to(command);
  add_family(command, family);
  regression.add_to(command);
  add_seed(command, seed);
  add_threads(command, session);
}

void add_seed(CLI::App& command, std::uint64_t& seed) {
  command.add_option("--seed", seed, "the same seed gives the same result")->capture_default_str();
}

void add_threads(CLI::App& command, Session& session) {
  command.add_option("--threads", session.threads, "threads to use (default: all cores)")
      ->check(CLI::Range(0, 4096));
}

descriptors::Conditions conditions_of(const tables::Table& table) {
  return {table.condition_names, table.conditions};
}

Status require_target(const tables::Table& table, const TableArguments& arguments) {
  if (arguments.targets.size() == 1) return {};
  if (arguments.targets.size() > 1) {
    return Error{ErrorCode::invalid_argument, "more than one --target", "", arguments.targets[1],
                 "one target at a time"};
  }
  std::vector<std::string> names;
  for (const std::string& name : table.unused_numbers) names.push_back('"' + name + '"');
  return Error{ErrorCode::invalid_argument, "no target is named", arguments.data, "",
               names.empty() ? "--target COLUMN; no column of numbers is left over"
                             : "--target " + join_or(names)};
}

namespace {
Result<tables::Table> load_with_target(const TableArguments& arguments, Session& session) {
  auto table = arguments.load(session);
  if (!table) return table.error();
  if (auto status = require_target(*table, arguments); !status) return status.error();
  return table;
}
}  // namespace

Result<FeaturizedTable> load_featurized(const TableArguments& arguments,
                                        const FeatureArguments& features, Session& session) {
  auto table = load_with_target(arguments, session);
  if (!table) return table.error();
  auto elements = features.load_elements();
  if (!elements) return elements.error();
  const auto conditions = conditions_of(*table);
  auto featurizer =
      descriptors::Featurizer::learn(*elements, table->catalysts, conditions, features.options());
  if (!featurizer) return featurizer.error().in(arguments.data);
  auto primaries = featurizer->evaluate(table->catalysts, conditions);
  if (!primaries) return primaries.error().in(arguments.data);
  return FeaturizedTable{std::move(table).value(), std::move(featurizer).value(),
                         std::move(primaries).value()};
}

Result<LearningTable> load_learning(const TableArguments& arguments,
                                    const FeatureArguments& features, Session& session) {
  auto table = load_with_target(arguments, session);
  if (!table) return table.error();
  auto elements = features.load_elements();
  if (!elements) return elements.error();
  auto batches = arguments.labels_of(*table);
  if (!batches) return batches.error();
  selection::TrainingSet data{table->catalysts, conditions_of(*table), table->targets.col(0),
                              std::move(*batches)};
  return LearningTable{std::move(*table), std::move(*elements), std::move(data)};
}

namespace {
double seconds_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
}  // namespace

Effort::Effort()
    : cpu_start_(seconds_of(CLOCK_PROCESS_CPUTIME_ID)), wall_start_(seconds_of(CLOCK_MONOTONIC)) {
}

double Effort::cpu_seconds() const {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start_;
}

double Effort::wall_seconds() const {
  return seconds_of(CLOCK_MONOTONIC) - wall_start_;
}

void Effort::add_to(Json& document) const {
  document["cpu_seconds"] = cpu_seconds();
  document["wall_seconds"] = wall_seconds();
}

double thread_cpu_seconds() {
  return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;
}

TextTable coefficients_table(double intercept, const Eigen::VectorXd& coefficients,
                             const std::vector<descriptors::Descriptor>& terms,
                             std::span<const descriptors::Primary> primaries) {
  TextTable table({"coefficient", "descriptor", "in words"});
  table.add({format_short(intercept), "1", "intercept"});
  for (std::size_t i = 0; i < terms.size(); ++i) {
    table.add({format_short(coefficients[static_cast<Eigen::Index>(i)]),
               descriptors::to_text(terms[i], primaries),
               descriptors::describe(terms[i], primaries)});
  }
  return table;
}

Json to_json(const Eigen::Ref<const Eigen::VectorXd>& values) {
  Json list = Json::array();
  for (Eigen::Index i = 0; i < values.size(); ++i) list.push_back(values[i]);
  return list;
}

}  // namespace kasetsu::cli
