// kasetsu replay: a measured pool played again, against random choice.
#include "core/planning/replay.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "core/planning/surrogates/ensemble_surrogate.h"
#include "daemon/cli/files/replay_history.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  TableArguments table;
  ModelArguments model;
  std::string goal = "maximize";
  std::optional<double> threshold;
  int start = 24;
  int batch = 24;
  int rounds = 9;
  int seeds = 1;
  std::vector<std::string> strategies;
  std::string surrogate = "gaussian_process";
  bool history = false;  // batches that were measured, instead of batches that are planned
};

// An ensemble of hypotheses that owns its model.
class OwnedEnsemble : public planning::Surrogate {
 public:
  static Result<std::unique_ptr<planning::Surrogate>> make(selection::Model model) {
    auto owned = std::make_unique<OwnedEnsemble>();
    owned->model_ = std::make_unique<selection::Model>(std::move(model));
    auto inner = planning::make_ensemble_surrogate(*owned->model_);
    if (!inner) return inner.error();
    owned->inner_ = std::move(*inner);
    return std::unique_ptr<planning::Surrogate>(std::move(owned));
  }
  std::string name() const override { return inner_->name(); }
  int dimensions() const override { return inner_->dimensions(); }
  bool predicts() const override { return inner_->predicts(); }
  Status evaluate(std::span<const planning::Candidate> candidates,
                  planning::Evaluation& out) const override {
    return inner_->evaluate(candidates, out);
  }
  std::optional<planning::JointPrediction> joint(
      std::span<const planning::Candidate> candidates) const override {
    return inner_->joint(candidates);
  }

 private:
  std::unique_ptr<selection::Model> model_;
  std::unique_ptr<planning::Surrogate> inner_;
};

planning::SurrogateMaker ensemble_maker(const chemistry::ElementTable& elements,
                                        const selection::ModelSettings& settings,
                                        const Executor& executor, std::stop_token stop) {
  return [&elements, settings, &executor, stop = std::move(stop)](
             const planning::CandidateSpace&, const std::vector<planning::MeasuredPoint>& measured,
             const planning::Surrogate*) -> Result<std::unique_ptr<planning::Surrogate>> {
    selection::TrainingSet set;
    set.y.resize(static_cast<Eigen::Index>(measured.size()));
    for (std::size_t i = 0; i < measured.size(); ++i) {
      set.catalysts.push_back(measured[i].candidate.catalyst);
      set.y[static_cast<Eigen::Index>(i)] = measured[i].value;
    }
    Control control;
    control.stop = stop;
    auto model = selection::train(elements, set, settings, executor, control);
    if (!model) return model.error();
    return OwnedEnsemble::make(std::move(*model));
  };
}

// Mean over the runs, round by round; an entry that no run has is NaN.
struct Means {
  double best = 0.0, regret = 0.0, hits = 0.0, mae_next = 0.0, recall = 0.0;
  double recall_low = 0.0, recall_high = 0.0;
  int n = 0;
};

std::vector<Means> means_of(const std::vector<planning::ReplayRun>& runs) {
  std::vector<Means> means(runs.empty() ? 0 : runs.front().rounds.size());
  for (std::size_t r = 0; r < means.size(); ++r) {
    Means& mean = means[r];
    double with_error = 0.0;
    mean.recall_low = 1.0;
    for (const planning::ReplayRun& run : runs) {
      const planning::ReplayRound& round = run.rounds[r];
      const double share = 1.0 / static_cast<double>(runs.size());
      mean.n = round.n;
      mean.best += share * round.best;
      mean.regret += share * round.regret;
      mean.hits += share * round.hits;
      mean.recall += share * round.recall_top1;
      mean.recall_low = std::min(mean.recall_low, round.recall_top1);
      mean.recall_high = std::max(mean.recall_high, round.recall_top1);
      if (std::isfinite(round.mae_next)) {
        mean.mae_next += round.mae_next;
        with_error += 1.0;
      }
    }
    mean.mae_next =
        with_error > 0.0 ? mean.mae_next / with_error : std::numeric_limits<double>::quiet_NaN();
  }
  return means;
}

Json rounds_json(const std::vector<Means>& means) {
  Json list = Json::array();
  for (const Means& mean : means) {
    list.push_back(Json{{"n", mean.n},
                        {"best", mean.best},
                        {"regret", mean.regret},
                        {"hits", mean.hits},
                        {"mae_next", mean.mae_next},
                        {"recall_top1", mean.recall},
                        {"recall_top1_low", mean.recall_low},
                        {"recall_top1_high", mean.recall_high}});
  }
  return list;
}

Json runs_json(const std::vector<planning::ReplayRun>& runs) {
  Json list = Json::array();
  for (const planning::ReplayRun& run : runs) {
    list.push_back(Json{{"seed", run.seed}, {"rounds", rounds_json(means_of({run}))}});
  }
  return list;
}

Status run(const Arguments& arguments, Session& session) {
  if (arguments.history) return replay_history(arguments.table, arguments.model, session);
  if (!arguments.table.conditions.empty()) {
    return Error{ErrorCode::invalid_argument,
                 "a search in a table of catalysts knows no conditions: rows of one catalyst would "
                 "be replicates",
                 "--conditions", arguments.table.conditions.front(),
                 "--history, or a table with one condition"};
  }
  const Effort effort;
  planning::ReplayOptions options;
  options.start = arguments.start;
  options.batch = arguments.batch;
  options.rounds = arguments.rounds;
  options.seeds = arguments.seeds;
  options.seed = arguments.model.seed;
  options.goal = *planning::kGoalNames.from_name(arguments.goal);
  options.threshold = arguments.threshold;
  if (!arguments.strategies.empty()) {
    options.mix.clear();
    for (const std::string& name : arguments.strategies) {
      options.mix.push_back({*planning::kStrategyNames.from_name(name), 0, 1.0});
    }
  }
  auto settings = arguments.model.settings();
  if (!settings) return settings.error();
  auto loaded = load_learning(arguments.table, arguments.model.features, session);
  if (!loaded) return loaded.error();

  const Control control = session.control();
  const Executor executor = session.executor();
  const auto maker = arguments.surrogate == "hypotheses"
                         ? ensemble_maker(loaded->elements, *settings, executor, session.stop())
                         : planning::gaussian_maker(executor, control);
  auto result =
      planning::replay({loaded->data.catalysts, loaded->data.y}, options, maker, executor, control);
  session.end_progress();
  if (!result) {
    return result.error().code == ErrorCode::invalid_argument
               ? result.error()
               : result.error().in(arguments.table.data);
  }

  const double seconds_per_batch =
      effort.wall_seconds() / static_cast<double>(arguments.seeds * arguments.rounds);
  const std::vector<Means> means = means_of(result->runs);
  const std::vector<Means> random = means_of(result->random);
  if (session.json) {
    Json document = {{"rounds", rounds_json(means)},     {"random", rounds_json(random)},
                     {"runs", runs_json(result->runs)},  {"pool", result->pool},
                     {"top1", result->top1.size()},      {"goal", arguments.goal},
                     {"surrogate", arguments.surrogate}, {"seconds_per_batch", seconds_per_batch}};
    effort.add_to(document);
    session.print_json(document);
    return {};
  }
  TextTable text(
      {"measured", "best", "hits", "error next", "top 1 % found", "random: best", "top 1 % found"});
  for (std::size_t r = 0; r < means.size(); ++r) {
    text.add({std::to_string(means[r].n), format_short(means[r].best, 4),
              format_short(means[r].hits, 4), format_short(means[r].mae_next, 3),
              fmt::format("{:.2f}", means[r].recall), format_short(random[r].best, 4),
              fmt::format("{:.2f}", random[r].recall)});
  }
  session.print(text);
  session.say(fmt::format("{}, mean of {}, {} a batch",
                          counted(static_cast<std::size_t>(result->pool), "catalyst"),
                          counted(static_cast<std::size_t>(arguments.seeds), "run"),
                          format_seconds(seconds_per_batch)));
  return {};
}

}  // namespace

void add_replay(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(
      app, session, "replay", "active learning on a measured pool, against random choice",
      "  kasetsu replay measured.csv --target yield --start 24 --batch 24 --rounds 9\n"
      "  kasetsu replay plate.csv --target overpotential --goal minimize --seeds 5 --json\n"
      "  kasetsu replay measured.csv --target yield --history --batches batch");
  command->group("On files");
  arguments->table.add_to(*command);
  CLI::Option* batches = command->add_option(
      "--batches", arguments->table.batches,
      "with --history: column of batch names; numbers go by value, names in the table's order");
  CLI::Option* history = command->add_flag(
      "--history", arguments->history,
      "play the batches that were measured: each is predicted by what was known before it, and "
      "judges the hypotheses");
  history->needs(batches);
  batches->needs(history);
  const std::vector<CLI::Option*> of_planning = {
      command->add_option("--goal", arguments->goal, "maximize or minimize")
          ->check(CLI::IsMember({"maximize", "minimize"}))
          ->capture_default_str(),
      command->add_option("--threshold", arguments->threshold,
                          "value of a hit (default: the best 1 % of the pool)"),
      command->add_option("--start", arguments->start, "catalysts drawn at random to begin with")
          ->capture_default_str(),
      command->add_option("--batch", arguments->batch, "catalysts a batch")->capture_default_str(),
      command->add_option("--rounds", arguments->rounds, "batches after the start")
          ->capture_default_str(),
      command->add_option("--seeds", arguments->seeds, "runs, beginning with --seed")
          ->check(CLI::Range(1, 1000))
          ->capture_default_str(),
      command
          ->add_option("--strategy", arguments->strategies,
                       "exploit, explore, challenge or random; several share the batch")
          ->check(CLI::IsMember({"exploit", "explore", "challenge", "random"})),
      command
          ->add_option("--surrogate", arguments->surrogate,
                       "what predicts: gaussian_process (on composition) or hypotheses")
          ->check(CLI::IsMember({"gaussian_process", "hypotheses"}))
          ->capture_default_str()};
  for (CLI::Option* option : of_planning) history->excludes(option);
  arguments->model.add_to(*command);
  add_threads(*command, session);
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
