// kasetsu recommend: the next batch from a campaign's candidate space, on files.
#include "daemon/campaign/recommend.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "core/chemistry/element.h"
#include "core/csv.h"
#include "core/text.h"
#include "daemon/campaign/model_document.h"
#include "daemon/cli/campaign_file.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/model_arguments.h"
#include "daemon/data_files.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string campaign;
  TableArguments table;  // --data
  std::string model_file;
  int batch = 0;
  int round = 1;
  std::string out;
  ModelArguments model;
  const CLI::App* command = nullptr;
};

campaign::TrainingSet training_of(const tables::Table& table, const campaign::Target& target) {
  campaign::TrainingSet set;
  set.property = target.name;
  set.unit = target.unit;
  for (std::size_t r = 0; r < table.catalysts.size(); ++r) {
    const auto row = static_cast<Eigen::Index>(r);
    campaign::TrainingRow measured;
    measured.seq = static_cast<std::int64_t>(r + 1);
    measured.measurement = table.ids[r];
    measured.catalyst = chemistry::canonical_key(table.catalysts[r]);
    Json conditions = Json::object();
    for (std::size_t c = 0; c < table.condition_names.size(); ++c) {
      conditions[table.condition_names[c]] = table.conditions(row, static_cast<Eigen::Index>(c));
    }
    measured.conditions = conditions.dump();
    measured.value = table.targets(row, 0);
    set.rows.push_back(std::move(measured));
  }
  return set;
}

// The model's leave-one-out errors are by the rows that it was trained on.
bool same_rows(const selection::Model& model, const tables::Table& table) {
  return model.y.size() == table.targets.rows() && model.y == table.targets.col(0);
}

Json composition_of(const planning::Candidate& candidate) {
  Json amounts = Json::object();
  for (const auto& part : candidate.catalyst.active.parts()) {
    amounts[std::string(chemistry::element_symbol(part.element))] = part.amount;
  }
  Json composition = {{"amounts", std::move(amounts)}};
  if (!candidate.catalyst.support.empty()) composition["support"] = candidate.catalyst.support;
  if (!candidate.catalyst.preparation.empty()) {
    composition["preparation"] = candidate.catalyst.preparation;
  }
  return composition;
}

std::string to_csv(const planning::Plan& plan) {
  std::string text = "rank,strategy,catalyst,key,mean,low,high,novelty,reason\n";
  for (std::size_t i = 0; i < plan.proposals.size(); ++i) {
    const planning::Proposal& p = plan.proposals[i];
    const auto number = [](double value) {
      return std::isfinite(value) ? format_number(value) : std::string();
    };
    text += fmt::format("{},{},{},{},{},{},{},{},{}\n", i + 1, planning::to_string(p.strategy),
                        csv_cell(chemistry::describe(p.candidate.catalyst)), csv_cell(p.key),
                        number(p.mean), number(p.low), number(p.high), number(p.novelty),
                        csv_cell(p.reason));
  }
  return text;
}

Status run(const Arguments& arguments, Session& session) {
  const double wall_start = wall_seconds();
  const double cpu_start = process_cpu_seconds();
  auto supports = arguments.table.load_supports();
  if (!supports) return supports.error();
  auto config = load_campaign(arguments.campaign, *supports);
  if (!config) return config.error();
  auto settings = arguments.model.override(config->model, *arguments.command);
  if (!settings) return settings.error();
  config->model = *settings;
  auto science = load_science(*config, arguments.campaign, arguments.model.features, *supports);
  if (!science) return science.error();
  const campaign::Target& target = config->targets.front();
  const Control control = session.control();

  campaign::RecommendInput input;
  input.batch_number = arguments.round;
  if (!arguments.table.data.empty()) {
    tables::ReadOptions options = arguments.table.read_options();
    if (options.targets.empty()) options.targets = {target.name};
    if (options.conditions.empty()) options.conditions = config->conditions();
    auto table = arguments.table.load(session, arguments.table.data, options);
    if (!table) return table.error();
    if (auto one = arguments.table.targets.size() > 1
                       ? Status(Error{ErrorCode::invalid_argument, "more than one --target", "",
                                      arguments.table.targets[1], "one target at a time"})
                       : Status();
        !one) {
      return one;
    }
    input.training = training_of(*table, target);
    if (!arguments.model_file.empty()) {
      auto text = read_file(arguments.model_file);
      if (!text) return text.error();
      auto document = campaign::read_model(*text);
      if (!document) return document.error().in(arguments.model_file);
      input.model = std::move(document->model);
      if (same_rows(*input.model, *table)) input.model_rows = input.training;
    } else {
      auto learnt = campaign::learn(input.training, config->model, config->conditions(), *science,
                                    KASETSU_VERSION, session.executor(), control);
      if (!learnt) return learnt.error().in(arguments.table.data);
      input.model = std::move(learnt->document.model);
      input.model_rows = input.training;
    }
  } else if (!arguments.model_file.empty()) {
    return Error{ErrorCode::invalid_argument, "a model without the measured rows", "--model",
                 arguments.model_file, "--data DATA: what is known is not to be proposed again"};
  }
  auto result =
      campaign::recommend(*config, input, arguments.batch, *science, session.executor(), control);
  session.end_progress();
  if (!result) return result.error();
  if (control.cancelled()) return Error{ErrorCode::cancelled, "interrupted", "", "", ""};

  const planning::Plan& plan = result->plan;
  if (!arguments.out.empty()) {
    if (auto status = write_file(arguments.out, to_csv(plan)); !status) return status;
  }
  if (session.json) {
    Json proposals = Json::array();
    for (std::size_t i = 0; i < plan.proposals.size(); ++i) {
      const planning::Proposal& p = plan.proposals[i];
      Json item = {{"rank", i + 1},
                   {"strategy", planning::to_string(p.strategy)},
                   {"composition", composition_of(p.candidate)},
                   {"catalyst", chemistry::describe(p.candidate.catalyst)},
                   {"key", p.key},
                   {"mean", p.mean},
                   {"low", p.low},
                   {"high", p.high},
                   {"novelty", p.novelty},
                   {"reason", p.reason}};
      if (!p.candidate.conditions.empty()) {
        Json conditions = Json::object();
        for (std::size_t c = 0; c < p.candidate.conditions.size(); ++c) {
          conditions[config->space.conditions[c].name] = p.candidate.conditions[c];
        }
        item["conditions"] = std::move(conditions);
      }
      item.update(campaign::proposal_card(p));
      proposals.push_back(std::move(item));
    }
    Json document = campaign::plan_summary(plan);
    document["proposals"] = std::move(proposals);
    if (!result->plate.empty()) document["plate"] = result->plate;
    document["cpu_seconds"] = process_cpu_seconds() - cpu_start;
    document["wall_seconds"] = wall_seconds() - wall_start;
    document["peak_rss_bytes"] = peak_rss_bytes();
    session.print_json(document);
    return {};
  }
  TextTable text({"rank", "strategy", "catalyst", "mean", "low", "high", "novelty", "reason"});
  for (std::size_t i = 0; i < plan.proposals.size(); ++i) {
    const planning::Proposal& p = plan.proposals[i];
    text.add({std::to_string(i + 1), std::string(planning::to_string(p.strategy)),
              chemistry::describe(p.candidate.catalyst), format_short(p.mean, 4),
              format_short(p.low, 4), format_short(p.high, 4), format_short(p.novelty, 3),
              p.reason});
  }
  session.print(text.text(Session::columns()));
  for (const auto& place : result->plate) {
    std::string sample = place["sample"].get<std::string>();
    if (place.contains("rank")) sample += fmt::format(" {}", place["rank"].get<int>());
    if (place.contains("catalyst")) sample += " " + place["catalyst"].get<std::string>();
    session.print(fmt::format("plate {} channel {}: {}\n", place["plate"].get<int>(),
                              place["channel"].get<int>(), sample));
  }
  for (const planning::RuleCount& rule : plan.rules) {
    session.say(fmt::format("rule \"{}\" removed {}{} candidates", rule.name,
                            rule.estimated ? "about " : "", rule.removed));
  }
  for (const std::string& note : plan.notes) session.say("note: " + note);
  session.say(fmt::format("{} of {} candidates looked at with {}, in {}", plan.evaluated,
                          plan.space_size, plan.surrogate,
                          format_seconds(wall_seconds() - wall_start)));
  return {};
}

}  // namespace

void add_recommend(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(app, session, "recommend", "the next batch from a campaign's candidate space",
                  "  kasetsu recommend --campaign ocm.toml --data measured.csv --batch 20\n"
                  "  kasetsu recommend --campaign ocm.toml --data measured.csv --target \"C2 yield "
                  "(%)\" --json\n"
                  "Without --data it is a first batch, spread over the space.");
  command->group("On files");
  arguments->command = command;
  command->add_option("--campaign", arguments->campaign, "campaign file")->required();
  command->add_option("--data", arguments->table.data, "table of measured catalysts (CSV)");
  command->add_option("--model", arguments->model_file,
                      "file that fit wrote (default: fitted now, with the campaign's settings)");
  command->add_option("--batch", arguments->batch, "how many (default: as the campaign says)")
      ->check(CLI::Range(1, 100'000));
  command->add_option("--round", arguments->round, "number of the batch, for a schedule of mixes")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--out", arguments->out, "CSV file to write");
  arguments->table.add_to(*command, false);
  arguments->model.add_to(*command);
  add_threads(*command, session);
  command->callback([arguments, &session] {
    session.action = [=, &session] { return run(*arguments, session); };
  });
}

}  // namespace kasetsu::cli
