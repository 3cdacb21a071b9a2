// kasetsu predict: a model's predictions for the rows of a table.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/selection/explanation.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/learning/model_document.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string model;
  TableArguments table;
  std::string out;
  std::uint64_t seed = 1;
  bool explain = false;
};

Json explanation_json(const selection::Explanation& why) {
  Json parts = Json::array();
  for (const auto& part : why.parts)
    parts.push_back({{"name", part.name}, {"weight", part.weight}, {"says", part.says}});
  Json contributions = Json::array();
  for (const auto& contribution : why.contributions) {
    contributions.push_back({{"descriptor", contribution.descriptor},
                             {"words", contribution.words},
                             {"contribution", contribution.contribution},
                             {"outside", contribution.outside}});
  }
  Json neighbours = Json::array();
  for (const auto& neighbour : why.neighbours) {
    neighbours.push_back({{"catalyst", neighbour.catalyst},
                          {"distance", neighbour.distance},
                          {"measured", neighbour.measured}});
  }
  return {{"parts", parts},           {"usual", why.usual}, {"contributions", contributions},
          {"neighbours", neighbours}, {"agree", why.agree}, {"hypotheses", why.hypotheses}};
}

// One paragraph a catalyst.
std::string in_words(const std::string& id, const selection::Explanation& why,
                     const selection::Predictions& predictions, Eigen::Index row,
                     const selection::Model& model) {
  std::string text = fmt::format(
      "\n{}: {} ({:.0f} % interval {} to {}), novelty {}{}\n", id,
      format_short(predictions.mean[row], 4), 100.0 * model.settings.coverage,
      format_short(predictions.low[row], 4), format_short(predictions.high[row], 4),
      format_short(predictions.novelty[row], 3),
      predictions.outside[row] > 0.5 ? ": outside what was seen, do not rely on the number" : "");
  text +=
      fmt::format("  {} of {} hypotheses predict inside the interval\n", why.agree, why.hypotheses);
  for (const auto& part : why.parts) {
    text += fmt::format("  {} say {} (weight {:.2f})\n", part.name, format_short(part.says, 4),
                        part.weight);
  }
  text += fmt::format("  best hypothesis: {} for a usual catalyst\n", format_short(why.usual, 4));
  for (const auto& contribution : why.contributions) {
    text +=
        fmt::format("    {}{} by {} ({}){}\n", contribution.contribution < 0.0 ? "" : "+",
                    format_short(contribution.contribution, 3), contribution.words,
                    contribution.descriptor, contribution.outside ? ", outside what was seen" : "");
  }
  for (const auto& neighbour : why.neighbours) {
    text += fmt::format("  measured nearby: {} gave {} (distance {})\n", neighbour.catalyst,
                        format_short(neighbour.measured, 4), format_short(neighbour.distance, 3));
  }
  return text;
}

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

struct Answer {
  const campaign::ModelDocument& document;
  const tables::Table& table;
  const selection::Predictions& predictions;
  const std::vector<selection::Explanation>& why;  // empty: not wanted

  // Against what the table says was measured.
  std::optional<double> mae() const {
    if (table.targets.cols() != 1) return std::nullopt;
    return (table.targets.col(0) - predictions.mean).cwiseAbs().mean();
  }
};

Json to_json(const Answer& answer) {
  Json rows = Json::array();
  const selection::Predictions& predictions = answer.predictions;
  for (std::size_t r = 0; r < answer.table.ids.size(); ++r) {
    const auto row = static_cast<Eigen::Index>(r);
    rows.push_back({{"id", answer.table.ids[r]},
                    {"mean", predictions.mean[row]},
                    {"low", predictions.low[row]},
                    {"high", predictions.high[row]},
                    {"novelty", predictions.novelty[row]},
                    {"outside", predictions.outside[row]},
                    {"disagreement", predictions.disagreement[row]}});
    if (!answer.why.empty()) rows.back()["explanation"] = explanation_json(answer.why[r]);
  }
  Json result = {{"predictions", std::move(rows)},
                 {"target", answer.document.provenance.target},
                 {"coverage", answer.document.model.settings.coverage},
                 {"n_samples", answer.table.ids.size()}};
  if (const auto mae = answer.mae()) result["mae"] = *mae;
  return result;
}

// Amounts on a support that were told in a unit were converted to this one.
std::string_view loading_unit(const tables::Table& table, const chemistry::Catalyst& catalyst) {
  return table.amounts.empty() || catalyst.support.empty() ? "" : "mmol/g";
}

void print_predictions(const Answer& answer, Session& session) {
  const selection::Model& model = answer.document.model;
  const selection::Predictions& predictions = answer.predictions;
  TextTable out({"id", "mean", "low", "high", "novelty", "catalyst", "note"});
  for (std::size_t r = 0; r < answer.table.ids.size(); ++r) {
    const auto row = static_cast<Eigen::Index>(r);
    out.add({answer.table.ids[r], format_short(predictions.mean[row], 4),
             format_short(predictions.low[row], 4), format_short(predictions.high[row], 4),
             format_short(predictions.novelty[row], 3),
             chemistry::describe(answer.table.catalysts[r],
                                 loading_unit(answer.table, answer.table.catalysts[r])),
             predictions.outside[row] > 0.5 ? "outside what was seen, do not rely on it" : ""});
  }
  session.print(out);
  for (std::size_t r = 0; r < answer.why.size(); ++r) {
    session.print(in_words(answer.table.ids[r], answer.why[r], predictions,
                           static_cast<Eigen::Index>(r), model));
  }
  session.say(
      fmt::format("{} with {:.0f} % intervals; novelty is the distance to the nearest "
                  "known catalyst, 1 is usual",
                  answer.document.provenance.target, 100.0 * model.settings.coverage));
}

// What no prediction can rest on: elements and supports that the model never saw, and conditions
// that it does not ask for.
void say_what_is_unknown(const Answer& answer, Session& session) {
  const selection::Model& model = answer.document.model;
  std::set<std::string> supports, elements;
  for (const chemistry::Catalyst& catalyst : answer.table.catalysts) {
    if (std::find(model.supports.begin(), model.supports.end(), catalyst.support) ==
        model.supports.end()) {
      supports.insert(catalyst.support.empty() ? "none" : catalyst.support);
    }
    for (const auto& part : catalyst.active.parts()) {
      if (!std::binary_search(model.elements.begin(), model.elements.end(), part.element))
        elements.emplace(chemistry::element_symbol(part.element));
    }
  }
  if (!supports.empty())
    session.say(fmt::format("supports that the model never saw: {}", fmt::join(supports, ", ")));
  if (!elements.empty())
    session.say(fmt::format("elements that the model never saw: {}", fmt::join(elements, ", ")));
  for (const std::string& name : model.features.condition_names) {
    const bool used = std::any_of(
        model.features.primaries.begin(), model.features.primaries.end(), [&](const auto& primary) {
          return primary.block == descriptors::Block::condition && primary.property == name;
        });
    if (!used) {
      session.say(
          fmt::format("no prediction depends on \"{}\": nothing that was learnt does", name));
    }
  }
}

// Amounts that were converted when the model was fitted tell their unit here, too: the same numbers
// without it are other catalysts.
Status check_amounts(const campaign::ModelDocument& document, const tables::Table& table,
                     const std::string& file) {
  const std::string& learnt = document.provenance.amounts;
  if (learnt.empty() || !table.amounts.empty()) return {};
  return Error{ErrorCode::bad_data,
               fmt::format("the model learnt from amounts in {}, and these have no unit", learnt),
               file, "",
               fmt::format("a unit in the headers, such as \"Ni ({})\", or in the names", learnt)};
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
  // A name without a slash that is one of the model's supports is that support, bare.
  options.rules.supports = model.supports;
  auto table = arguments.table.load(session, arguments.table.data, options);
  if (!table) return table.error();
  if (Status same = check_amounts(*document, *table, arguments.table.data); !same) return same;
  auto predictor = selection::Predictor::make(model);
  if (!predictor) return predictor.error().in(arguments.model);
  auto predictions = predictor->predict(table->catalysts, conditions_of(*table));
  if (!predictions) return predictions.error().in(arguments.table.data);
  std::vector<selection::Explanation> why;
  if (arguments.explain) {
    auto found = selection::explain(model, table->catalysts, conditions_of(*table), *predictions);
    if (!found) return found.error().in(arguments.table.data);
    why = std::move(*found);
  }

  if (!arguments.out.empty()) {
    if (auto status = write_file(arguments.out, to_csv(*table, *predictions)); !status) {
      return status;
    }
  }
  const Answer answer{*document, *table, *predictions, why};
  if (session.json) {
    session.print_json(to_json(answer));
    return {};
  }
  if (arguments.out.empty()) print_predictions(answer, session);
  say_what_is_unknown(answer, session);
  if (const auto mae = answer.mae()) {
    session.say(fmt::format("mean absolute error against \"{}\": {}", table->target_names[0],
                            format_short(*mae)));
  }
  return {};
}

}  // namespace

void add_predict(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(app, session, "predict", "predictions of a model, with intervals",
                  "  kasetsu predict yield.model new.csv\n"
                  "  kasetsu predict yield.model measured.csv --target yield --json\n"
                  "  kasetsu predict yield.model new.csv --explain");
  command->group("On files");
  command->add_option("MODEL", arguments->model, "file that fit wrote")->required();
  arguments->table.add_to(*command);
  command->add_option("--out", arguments->out, "CSV file to write (- for standard output)");
  command->add_flag("--explain", arguments->explain,
                    "say why: parts, contributions, neighbours, agreement");
  add_seed(*command, arguments->seed);
  add_threads(*command, session);
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
