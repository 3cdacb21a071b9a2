// kasetsu fit: the search for hypotheses.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "core/selection/history.h"
#include "core/selection/model.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/learning/model_document.h"
#include "daemon/campaign/learning/one_level.h"
#include "daemon/campaign/learning/verdict_json.h"
#include "daemon/cli/files/model_arguments.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  TableArguments table;
  ModelArguments model;
  std::string out;
  std::string history;  // file of an earlier model; empty: none
  bool keep = false;    // what was found when it is interrupted

  // What the earlier model leaves to this one.
  Result<selection::Succession> succession(const selection::TrainingSet& data,
                                           const std::string& target) const {
    if (history.empty()) return selection::Succession{};
    auto text = read_file(history);
    if (!text) return text.error();
    auto before = campaign::read_model(*text);
    if (!before) return before.error();
    if (before->provenance.target != target) {
      return Error{ErrorCode::bad_data, "the earlier model is of another target", "",
                   before->provenance.target, target};
    }
    return selection::history_of(before->model, data);
  }
};

void print_text(const selection::Model& model, double wall, Session& session) {
  if (const auto verdict = selection::verdict_of(model))
    session.print(verdict->sentence() + "\n\n");
  const selection::Hypothesis& best = model.hypotheses.front();
  session.print(fmt::format("Best of {}, over {} and {}:\n\n",
                            counted(model.hypotheses.size(), "hypothesis", "hypotheses"),
                            counted(static_cast<std::size_t>(model.n_samples), "catalyst"),
                            counted(static_cast<std::size_t>(model.n_descriptors), "descriptor")));
  session.print(coefficients_table(best.intercept, best.coefficients, best.descriptors,
                                   model.features.primaries));
  if (model.honest_hypotheses.size() > 0) {
    session.print(fmt::format(
        "\nmean absolute error on rows not seen, the search repeated without them:\n"
        "  {} of the hypotheses{}\n",
        format_short((model.y - model.honest_hypotheses).cwiseAbs().mean()),
        model.companions.empty()
            ? ""
            : fmt::format(", {} with their companions",
                          format_short((model.y - model.honest_prediction).cwiseAbs().mean()))));
  }
  session.print(fmt::format(
      "\nleave-one-out of the best hypothesis {}, on the rows fitted {}; the ensemble's\n"
      "leave-one-out errors run from {} to {}: optimistic, the descriptors were chosen by them\n",
      format_short(best.mae_cv), format_short(best.mae_train), format_short(best.mae_cv),
      format_short(model.hypotheses.back().mae_cv)));
  if (!model.forward.empty()) {
    const selection::ForwardErrors& last = model.forward.back();
    session.print(
        fmt::format("intervals of the earlier model held {:.0f} % of {} later measurements; {:.2f} "
                    "times as wide "
                    "as\nits folds say are this one's\n",
                    100.0 * last.held, last.ratios.size(), model.widening));
  }
  for (const selection::SizeTried& tried : model.sizes_tried) {
    session.print(fmt::format("{} descriptors: {} on rows not seen{}\n", tried.size,
                              format_short(tried.mae_honest),
                              tried.size == model.size ? " (chosen)" : ""));
  }
  print_noise(model.noise, session);
  print_offsets(model.offsets, session);
  session.print(
      fmt::format("{} subsets scored in {}\n", model.search.evaluations, format_seconds(wall)));
}

void tell_single_levels(const descriptors::Conditions& conditions, Session& session) {
  for (std::size_t c = 0; c < conditions.names.size(); ++c) {
    const auto column = conditions.values.col(static_cast<Eigen::Index>(c));
    const std::string note = campaign::one_level_note(
        conditions.names[c], std::set<double>(column.begin(), column.end()));
    if (!note.empty()) session.say("note: " + note);
  }
}

constexpr double kNoLimit = 1e9;      // seconds: longer than any search, and still divisible
constexpr double kFirstResult = 1.0;  // seconds until somebody who waits sees a result
constexpr double kFirstSearch = 0.1;  // nominal seconds of search for it: a few descents

// The work ends at the first signal as it does at a time limit, which keeps what was found.
Control keeping(Control control) {
  Control out;
  out.progress = std::move(control.progress);
  out.seconds_left = [stop = std::move(control.stop), left = std::move(control.seconds_left)] {
    if (stop.stop_requested()) return 0.0;
    return left ? left() : kNoLimit;
  };
  return out;
}

// Tells a person who waits what the first descents say, while the search goes on. Where nothing can
// be learnt, the search itself tells why.
void show_first_result(const LearningTable& loaded, selection::ModelSettings settings,
                       const selection::History& history, const Effort& effort,
                       const Control& control, Session& session) {
  settings.search.time_limit = kFirstSearch;
  settings.trees = 0;
  Control quick;
  quick.stop = control.stop;
  quick.seconds_left = [&] {
    const double left = kFirstResult - effort.wall_seconds();
    return control.seconds_left ? std::min(left, control.seconds_left()) : left;
  };
  const auto model =
      selection::train(loaded.elements, loaded.data, settings, session.executor(), quick, history);
  if (!model || control.should_stop()) return;
  const selection::Hypothesis& best = model->hypotheses.front();
  std::string text = fmt::format("first result after {}, the search goes on: ",
                                 format_seconds(effort.wall_seconds()));
  const auto verdict = selection::verdict_of(*model);
  text += verdict ? verdict->sentence() : "not tested yet on rows that it has not seen";
  for (const std::string& name : selection::hypothesis_key(best, model->features.primaries))
    text += "\n  " + name;
  session.say(text);
}

Json document_of(const selection::Model& model) {
  return {{"hypotheses", campaign::hypotheses_json(model)},
          {"n_samples", model.n_samples},
          {"n_descriptors", model.n_descriptors},
          {"generation", model.generation},
          {"dormant", model.dormant.size()},
          {"size", model.size},
          {"sizes_tried", campaign::sizes_json(model)},
          {"mae_honest", campaign::honest_json(model)},
          {"intervals", campaign::intervals_json(model)},
          {"verdict", campaign::verdict_json(selection::verdict_of(model))},
          {"parts", campaign::parts_json(model)},
          {"noise", campaign::noise_json(model.noise)},
          {"batch_offsets",
           model.offsets.batches.empty() ? Json() : Json(campaign::offsets_json(model.offsets))},
          {"evaluations", model.search.evaluations},
          {"exact_evaluations", model.search.exact_evaluations},
          {"stopped_by", model.search.stopped_by}};
}

Status run(const Arguments& arguments, Session& session) {
  const Effort effort;
  auto settings = arguments.model.settings();
  if (!settings) return settings.error();
  auto loaded = load_learning(arguments.table, arguments.model.features, session);
  if (!loaded) return loaded.error();
  if (arguments.out.empty()) settings->trees = 0;  // nobody will predict with it
  // The limit is kept by counting work at a nominal speed, so that the result does not depend on
  // the machine; a machine that is far slower is stopped by the clock.
  const double limit = arguments.model.time_limit;
  Control control = session.control(limit > 0.0 ? 2.0 * limit + 1.0 : 0.0);
  const std::stop_token stop = control.stop;
  if (arguments.keep) control = keeping(std::move(control));
  auto succession = arguments.succession(loaded->data, loaded->table.target_names[0]);
  if (!succession) return succession.error().in(arguments.history);
  if (!arguments.history.empty()) {
    session.say(fmt::format("{} rows judged the hypotheses of {}; {} were eliminated",
                            succession->judged, arguments.history, succession->eliminated));
  }
  const bool somebody_waits = !session.quiet && ::isatty(STDERR_FILENO) == 1;
  if (somebody_waits && (limit <= 0.0 || limit > kFirstResult))
    show_first_result(*loaded, *settings, succession->history, effort, control, session);
  auto model = selection::train(loaded->elements, loaded->data, *settings, session.executor(),
                                control, succession->history);
  session.end_progress();
  if (!model) return model.error().in(arguments.table.data);
  tell_single_levels(loaded->data.conditions, session);
  if (control.cancelled()) return Error{ErrorCode::cancelled, "interrupted", "", "", ""};
  if (arguments.keep && stop.stop_requested()) {
    model->search.stopped_by = "interrupted";
    session.warn("interrupted: this is the best that was found so far" +
                 std::string(model->honest_prediction.size() > 0
                                 ? ""
                                 : ", and it was not tested on rows that it has not seen"));
  }

  if (!arguments.out.empty()) {
    campaign::ModelDocument document;
    document.provenance.target = loaded->table.target_names[0];
    document.provenance.code_version = KASETSU_VERSION;
    document.provenance.amounts = loaded->table.amounts;
    document.model = *model;
    if (auto status = write_file(arguments.out, campaign::write_model(document)); !status) {
      return status;
    }
  }
  if (session.json) {
    Json document = document_of(*model);
    effort.add_to(document);
    session.print_json(document);
  } else {
    print_text(*model, effort.wall_seconds(), session);
  }
  if (!arguments.out.empty()) session.say("model written to " + arguments.out);
  return {};
}

}  // namespace

void add_fit(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(app, session, "fit", "search for hypotheses, and write a model",
                  "  kasetsu fit catalysts.csv --target yield --model yield.model\n"
                  "  kasetsu fit catalysts.csv --target yield --search genetic --time-limit 60 "
                  "--json");
  command->group("On files");
  arguments->table.add_to(*command);
  arguments->table.add_batches_to(*command);
  command->add_option("--model", arguments->out, "file to write the model to");
  command->add_option("--history", arguments->history,
                      "an earlier model of the same target: rows that it had not seen judge its "
                      "hypotheses, which compete with new ones");
  command->add_flag("--keep", arguments->keep,
                    "when it is interrupted (Ctrl-C), end with the best that was found so far");
  arguments->model.add_to(*command);
  add_threads(*command, session);
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
