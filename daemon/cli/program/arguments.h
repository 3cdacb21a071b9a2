// Options that several commands share, and what they name: tables, element tables, settings.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/element_table.h"
#include "core/descriptors/descriptor.h"
#include "core/descriptors/featurizer.h"
#include "core/regression/huber/robust.h"
#include "core/selection/model.h"
#include "daemon/cli/program/session.h"
#include "drivers/tables/table.h"

namespace kasetsu::cli {

// How a command comes into the program: adds itself to `app` and, when it is chosen, sets
// session.action.
using AddCommand = void (*)(CLI::App& app, Session& session);

// A command with its examples (shown first by --help) and --json, --quiet.
CLI::App* add_command(CLI::App& app, Session& session, const std::string& name,
                      const std::string& summary, const std::string& examples);

// A command whose work is done by commands of its own, with its examples; `heading`: where the
// overview lists it.
CLI::App* add_group(CLI::App& app, const std::string& name, const std::string& summary,
                    const std::string& heading, const std::string& examples);

// Runs `run(arguments, session)`, which returns a Status, when the command is chosen.
template <typename Arguments, typename Run>
void run_when_chosen(CLI::App& command, Session& session,
                     const std::shared_ptr<Arguments>& arguments, Run run) {
  command.callback([arguments, &session, run] {
    session.action = [=, &session] { return run(*arguments, session); };
  });
}

// The positional CAMPAIGN.
void add_campaign_name(CLI::App& command, std::string& name);
// --url, --token-file.
void add_connection(CLI::App& command, Session& session);

struct TableArguments {
  std::string data;
  std::string profile = "auto";  // a shape, the name of a profile, or its file
  std::string shape = "auto";
  std::string composition, sheet, decimal, encoding, name_amounts;
  bool skip_rows_without_target = false;
  std::string id;
  std::vector<std::string> targets;
  std::vector<std::string> conditions;
  std::vector<std::string> ignore;
  std::vector<std::string> fill_down, null;
  std::vector<std::string> columns;
  std::string supports;
  std::string batches;  // column that says in which batch a row was measured; empty: none

  // with_data: the positional DATA.
  void add_to(CLI::App& command, bool with_data = true);
  tables::ReadOptions read_options() const;
  // The same with the profile, where one is named.
  Result<tables::ReadOptions> reading() const;
  // Reads DATA (or `path`), and warns of conditions that look like outcomes.
  Result<tables::Table> load(Session& session) const;
  Result<tables::Table> load(Session& session, const std::string& path) const;
  Result<tables::Table> load(Session& session, const std::string& path,
                             const tables::ReadOptions& options) const;
  Result<chemistry::SupportTable> load_supports() const;
  // --batches, for the commands that learn. labels_of: the labels of the table's rows, which were
  // read from DATA; empty without --batches.
  void add_batches_to(CLI::App& command);
  Result<std::vector<std::string>> labels_of(const tables::Table& table) const;
};

struct FeatureArguments {
  std::string elements;  // empty: the default table
  std::string method = "extended";
  int order = 1;
  std::string loading = "auto";
  std::string normalize = "afe65";

  void add_to(CLI::App& command);
  descriptors::FeaturizerOptions options() const;
  Result<chemistry::ElementTable> load_elements() const;
};

struct RegressionArguments {
  double epsilon = 1.35;
  double alpha = 0.0;

  void add_to(CLI::App& command);
  regression::RobustOptions options() const;
};

// What the commands on one set of descriptors share beside their table.
struct DescriptorArguments {
  FeatureArguments features;
  RegressionArguments regression;
  std::uint64_t seed = 1;
  // With --seed and --threads.
  void add_to(CLI::App& command, Session& session);
};

// --family on|off.
void add_family(CLI::App& command, std::string& family);
void add_seed(CLI::App& command, std::uint64_t& seed);
void add_threads(CLI::App& command, Session& session);

// The table's conditions as the core takes them.
descriptors::Conditions conditions_of(const tables::Table& table);
// Names of the unused columns that could be a target, for the error when none is named.
Status require_target(const tables::Table& table, const TableArguments& arguments);

// A table with a target, and its primary features.
struct FeaturizedTable {
  tables::Table table;
  descriptors::Featurizer featurizer;
  Eigen::MatrixXd primaries;  // rows x primary features
};
Result<FeaturizedTable> load_featurized(const TableArguments& arguments,
                                        const FeatureArguments& features, Session& session);

// A table with its target, ready to be learnt from.
struct LearningTable {
  tables::Table table;
  chemistry::ElementTable elements;
  selection::TrainingSet data;
};
Result<LearningTable> load_learning(const TableArguments& arguments,
                                    const FeatureArguments& features, Session& session);

// What a command cost since this was made, for reports of effort.
class Effort {
 public:
  Effort();
  double cpu_seconds() const;  // of the whole process
  double wall_seconds() const;
  // Sets "cpu_seconds" and "wall_seconds".
  void add_to(Json& document) const;

 private:
  double cpu_start_, wall_start_;
};
double thread_cpu_seconds();
// The largest resident set so far.
std::uint64_t peak_rss_bytes();

// A hypothesis, one line a descriptor, after its intercept.
TextTable coefficients_table(double intercept, const Eigen::VectorXd& coefficients,
                             const std::vector<descriptors::Descriptor>& terms,
                             std::span<const descriptors::Primary> primaries);

Json to_json(const Eigen::Ref<const Eigen::VectorXd>& values);

}  // namespace kasetsu::cli
