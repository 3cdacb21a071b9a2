// kasetsu predict: a model's predictions for the rows of a table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/csv.h"
#include "core/selection/model.h"
#include "core/text.h"
#include "daemon/campaign/model_document.h"
#include "daemon/cli/arguments.h"
#include "daemon/cli/commands.h"
#include "daemon/data_files.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string model;
  TableArguments table;
  std::string out;
  std::uint64_t seed = 1;
};

std::string to_csv(const tables::Table& table, const selection::Predictions& predictions) {
  std::string text = "id,mean,low,high,novelty\n";
  for (std::size_t r = 0; r < table.ids.size(); ++r) {
    const auto row = static_cast<Eigen::Index>(r);
    text +=
        fmt::format("{},{},{},{},{}\n", csv_cell(table.ids[r]),
                    format_number(predictions.mean[row]), format_number(predictions.low[row]),
                    format_number(predictions.high[row]), format_number(predictions.novelty[row]));
  }
  return text;
}

Status run(const Arguments& arguments, Session& session) {
  auto text = read_file(arguments.model);
  if (!text) return text.error();
  auto document = campaign::read_model(*text);
  if (!document) return document.error().in(arguments.model);
  const selection::Model& model = document->model;

  tables::ReadOptions options = arguments.table.read_options();
  // What the model was told is an input is one here, and what it predicts is not.
  if (options.conditions.empty()) options.conditions = model.features.condition_names;
  if (options.targets.empty()) options.ignore_present.push_back(document->provenance.target);
  auto table = arguments.table.load(session, arguments.table.data, options);
  if (!table) return table.error();
  auto predictor = selection::Predictor::make(model);
  if (!predictor) return predictor.error().in(arguments.model);
  auto predictions = predictor->predict(table->catalysts, conditions_of(*table));
  if (!predictions) return predictions.error().in(arguments.table.data);

  if (!arguments.out.empty()) {
    if (auto status = write_file(arguments.out, to_csv(*table, *predictions)); !status) {
      return status;
    }
  }
  const bool measured = table->targets.cols() == 1;
  const double mae = measured ? (table->targets.col(0) - predictions->mean).cwiseAbs().mean() : 0.0;
  if (session.json) {
    Json rows = Json::array();
    for (std::size_t r = 0; r < table->ids.size(); ++r) {
      const auto row = static_cast<Eigen::Index>(r);
      rows.push_back({{"id", table->ids[r]},
                      {"mean", predictions->mean[row]},
                      {"low", predictions->low[row]},
                      {"high", predictions->high[row]},
                      {"novelty", predictions->novelty[row]},
                      {"outside", predictions->outside[row]},
                      {"disagreement", predictions->disagreement[row]}});
    }
    Json result = {{"predictions", std::move(rows)},
                   {"target", document->provenance.target},
                   {"coverage", model.settings.coverage},
                   {"n_samples", table->ids.size()}};
    if (measured) result["mae"] = mae;
    session.print_json(result);
  } else if (arguments.out.empty()) {
    TextTable out({"id", "mean", "low", "high", "novelty", "catalyst"});
    for (std::size_t r = 0; r < table->ids.size(); ++r) {
      const auto row = static_cast<Eigen::Index>(r);
      out.add({table->ids[r], format_short(predictions->mean[row], 4),
               format_short(predictions->low[row], 4), format_short(predictions->high[row], 4),
               format_short(predictions->novelty[row], 3),
               chemistry::describe(table->catalysts[r])});
    }
    session.print(out.text(Session::columns()));
    session.say(
        fmt::format("{} with {:.0f} % intervals; novelty is the distance to the nearest "
                    "known catalyst, 1 is usual",
                    document->provenance.target, 100.0 * model.settings.coverage));
  }
  if (measured && !session.json) {
    session.say(fmt::format("mean absolute error against \"{}\": {}", table->target_names[0],
                            format_short(mae)));
  }
  return {};
}

}  // namespace

void add_predict(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(app, session, "predict", "predictions of a model, with intervals",
                  "  kasetsu predict yield.model new.csv\n"
                  "  kasetsu predict yield.model measured.csv --target yield --json");
  command->group("On files");
  command->add_option("MODEL", arguments->model, "file that fit wrote")->required();
  arguments->table.add_to(*command);
  command->add_option("--out", arguments->out, "CSV file to write (- for standard output)");
  add_seed(*command, arguments->seed);
  add_threads(*command, session);
  command->callback([arguments, &session] {
    session.action = [=, &session] { return run(*arguments, session); };
  });
}

}  // namespace kasetsu::cli
