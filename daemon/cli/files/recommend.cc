// kasetsu recommend: the next batch from a campaign's candidate space, on files.
#include "daemon/campaign/planning/recommend.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <optional>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/told_catalyst.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/learning/model_document.h"
#include "daemon/cli/campaigns/campaign_file.h"
#include "daemon/cli/files/model_arguments.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string campaign;
  TableArguments table;  // --data
  std::vector<std::string> model_files;
  int batch = 0;
  int round = 1;
  std::string out;
  ModelArguments model;
  const CLI::App* command = nullptr;
};

// Rows that have this target: the table's column `column`.
campaign::TrainingSet training_of(const tables::Table& table, const campaign::Target& target,
                                  Eigen::Index column, const std::vector<std::string>& batches) {
  campaign::TrainingSet set;
  set.property = target.name;
  set.unit = target.unit;
  for (std::size_t r = 0; r < table.catalysts.size(); ++r) {
    const auto row = static_cast<Eigen::Index>(r);
    if (std::isnan(table.targets(row, column))) continue;
    campaign::TrainingRow measured;
    measured.seq = static_cast<std::int64_t>(r + 1);
    measured.measurement = table.ids[r];
    measured.catalyst = chemistry::canonical_key(table.catalysts[r]);
    Json conditions = Json::object();
    for (std::size_t c = 0; c < table.condition_names.size(); ++c) {
      conditions[table.condition_names[c]] = table.conditions(row, static_cast<Eigen::Index>(c));
    }
    measured.conditions = conditions.dump();
    measured.value = table.targets(row, column);
    if (!batches.empty()) measured.batch = batches[r];
    set.rows.push_back(std::move(measured));
  }
  return set;
}

// The model's leave-one-out errors are by the rows that it was trained on.
bool same_rows(const selection::Model& model, const campaign::TrainingSet& set) {
  if (model.y.size() != static_cast<Eigen::Index>(set.rows.size())) return false;
  for (std::size_t r = 0; r < set.rows.size(); ++r) {
    const double offset = model.offsets.of(set.rows[r].batch);
    const double difference = model.y[static_cast<Eigen::Index>(r)] + offset - set.rows[r].value;
    // Taken off and put on again a value may differ in its last bit.
    if (std::abs(difference) > (offset == 0.0 ? 0.0 : 1e-12 * std::abs(set.rows[r].value) + 1e-12))
      return false;
  }
  return true;
}

// The table with the columns of the campaign's targets: as --target names them, in order, else
// those with the targets' names that it has; the first one it must have. `columns`: by target, -1
// where there is none.
Result<tables::Table> read_targets(const Arguments& arguments,
                                   const campaign::CampaignConfig& config, Session& session,
                                   std::vector<Eigen::Index>& columns) {
  tables::ReadOptions options = arguments.table.read_options();
  if (options.conditions.empty()) options.conditions = config.conditions();
  options.rules = config.composition;
  columns.assign(config.targets.size(), -1);
  if (options.targets.size() > config.targets.size()) {
    return Error{ErrorCode::invalid_argument, "more --target than the campaign has", "--target",
                 options.targets[config.targets.size()],
                 fmt::format("at most {}", config.targets.size())};
  }
  const bool told = !options.targets.empty();
  options.missing_targets = config.targets.size() > 1;
  for (std::size_t t = 0; told && t < options.targets.size(); ++t)
    columns[t] = static_cast<Eigen::Index>(t);
  if (!told) {
    options.targets = {config.targets.front().name};
    columns[0] = 0;
  }
  auto table = arguments.table.load(session, arguments.table.data, options);
  if (!table || told) return table;
  for (std::size_t t = 1; t < config.targets.size(); ++t) {
    const auto& unused = table->unused;
    if (std::find(unused.begin(), unused.end(), config.targets[t].name) == unused.end()) continue;
    columns[t] = static_cast<Eigen::Index>(options.targets.size());
    options.targets.push_back(config.targets[t].name);
  }
  if (options.targets.size() == 1) return table;
  return arguments.table.load(session, arguments.table.data, options);
}

// A column for each condition; with a basis, the amounts' unit and the shares of the substance
// stand behind.
std::string to_csv(const planning::Plan& plan, const campaign::CampaignConfig& config) {
  const chemistry::CompositionRules& rules = config.composition;
  std::string text = "rank,strategy,catalyst,key,";
  for (const auto& condition : config.space.conditions) text += csv_cell(condition.name) + ",";
  text += "mean,low,high,novelty,reason";
  text += rules.basis ? ",unit,mole_fractions\n" : "\n";
  for (std::size_t i = 0; i < plan.proposals.size(); ++i) {
    const planning::Proposal& p = plan.proposals[i];
    const auto number = [](double value) {
      return std::isfinite(value) ? format_number(value) : std::string();
    };
    text += fmt::format("{},{},{},{},", i + 1, planning::to_string(p.strategy),
                        csv_cell(chemistry::describe(p.candidate.catalyst, rules.unit())),
                        csv_cell(p.key));
    for (std::size_t c = 0; c < config.space.conditions.size(); ++c) {
      if (c < p.candidate.conditions.size()) text += format_number(p.candidate.conditions[c]);
      text += ',';
    }
    text += fmt::format("{},{},{},{},{}", number(p.mean), number(p.low), number(p.high),
                        number(p.novelty), csv_cell(p.reason));
    if (rules.basis) {
      chemistry::Catalyst shares;
      shares.active = chemistry::mole_fractions(p.candidate.catalyst, rules);
      text +=
          fmt::format(",{},{}", csv_cell(rules.unit()), csv_cell(chemistry::canonical_key(shares)));
    }
    text += '\n';
  }
  return text;
}

Result<std::vector<campaign::ModelDocument>> read_models(const std::vector<std::string>& files) {
  std::vector<campaign::ModelDocument> documents;
  for (const std::string& file : files) {
    auto text = read_file(file);
    if (!text) return text.error();
    auto document = campaign::read_model(*text);
    if (!document) return document.error().in(file);
    documents.push_back(std::move(*document));
  }
  return documents;
}

// Takes the model of target t, which the table calls `column`, out of the documents.
std::optional<selection::Model> take_model(std::vector<campaign::ModelDocument>& documents,
                                           const campaign::CampaignConfig& config, std::size_t t,
                                           const std::string& column) {
  // One model of one target need not have the campaign's word for it.
  const bool only = documents.size() == 1 && config.targets.size() == 1;
  for (campaign::ModelDocument& document : documents) {
    std::string& target = document.provenance.target;
    if (target != config.targets[t].name && (column.empty() || target != column) && !only) continue;
    target.clear();
    return std::move(document.model);
  }
  return std::nullopt;
}

// A model that is asked for is used or refused.
Status check_conditions(const campaign::RecommendInput& input,
                        const campaign::CampaignConfig& config) {
  const std::vector<std::string> names = config.conditions();
  std::string strange = input.model ? campaign::strange_condition(*input.model, names) : "";
  for (const campaign::OtherTarget& other : input.others) {
    if (strange.empty() && other.model) strange = campaign::strange_condition(*other.model, names);
  }
  if (strange.empty()) return {};
  return Error{ErrorCode::invalid_argument,
               "the model was learnt under a condition that the campaign does not vary", "--model",
               strange, "a model that was learnt under the campaign's conditions"};
}

// What was measured, and the models of it: read, or learnt now.
Result<campaign::RecommendInput> read_input(const Arguments& arguments,
                                            const campaign::CampaignConfig& config,
                                            const campaign::Science& science, Session& session,
                                            const Control& control) {
  campaign::RecommendInput input;
  input.batch_number = arguments.round;
  auto documents = read_models(arguments.model_files);
  if (!documents) return documents.error();
  if (arguments.table.data.empty()) return input;
  std::vector<Eigen::Index> columns;
  auto table = read_targets(arguments, config, session, columns);
  if (!table) return table.error();
  auto batches = arguments.table.labels_of(*table);
  if (!batches) return batches.error();
  for (std::size_t t = 0; t < config.targets.size(); ++t) {
    campaign::OtherTarget found;
    const bool measured = columns[t] >= 0;
    if (measured) found.training = training_of(*table, config.targets[t], columns[t], *batches);
    found.model = take_model(
        *documents, config, t,
        measured ? table->target_names[static_cast<std::size_t>(columns[t])] : std::string());
    if (!found.model && measured && (t == 0 || config.planner.pareto)) {
      auto learnt = campaign::learn(found.training, config.model, config.conditions(), science,
                                    KASETSU_VERSION, session.executor(), control);
      if (!learnt) return learnt.error().in(arguments.table.data);
      found.model = std::move(learnt->document.model);
    }
    if (t > 0) {
      input.others.push_back(std::move(found));
      continue;
    }
    input.training = std::move(found.training);
    input.model = std::move(found.model);
    if (input.model && same_rows(*input.model, input.training)) input.model_rows = input.training;
  }
  for (const campaign::ModelDocument& document : *documents) {
    if (document.provenance.target.empty()) continue;
    return Error{ErrorCode::invalid_argument, "a model of none of the campaign's targets",
                 "--model", document.provenance.target, ""};
  }
  if (const Status fine = check_conditions(input, config); !fine) return fine.error();
  return input;
}

Json proposals_json(const campaign::Recommendation& result,
                    const campaign::CampaignConfig& config) {
  Json proposals = Json::array();
  for (std::size_t i = 0; i < result.plan.proposals.size(); ++i) {
    const planning::Proposal& p = result.plan.proposals[i];
    Json item = {
        {"rank", i + 1},
        {"strategy", planning::to_string(p.strategy)},
        {"composition", campaign::composition_json(p.candidate.catalyst, config.composition)},
        {"catalyst", chemistry::describe(p.candidate.catalyst, config.composition.unit())},
        {"key", p.key},
        {"mean", p.mean},
        {"low", p.low},
        {"high", p.high},
        {"novelty", p.novelty},
        {"reason", p.reason}};
    for (std::size_t c = 0; c < p.candidate.conditions.size(); ++c)
      item["conditions"][config.space.conditions[c].name] = p.candidate.conditions[c];
    item.update(parse_json(result.batch.proposals[i].card).value());
    proposals.push_back(std::move(item));
  }
  return proposals;
}

// "15 wt% Ni/SiO2, T 800"
std::string candidate_text(const planning::Candidate& candidate,
                           const campaign::CampaignConfig& config) {
  std::string text = chemistry::describe(candidate.catalyst, config.composition.unit());
  for (std::size_t c = 0; c < candidate.conditions.size(); ++c) {
    text += fmt::format(", {} {}", config.space.conditions[c].name,
                        format_number(candidate.conditions[c]));
  }
  return text;
}

void print_plan(const campaign::Recommendation& result, const campaign::CampaignConfig& config,
                double wall, Session& session) {
  const planning::Plan& plan = result.plan;
  TextTable text({"rank", "strategy", "catalyst", "mean", "low", "high", "novelty", "reason"});
  for (std::size_t i = 0; i < plan.proposals.size(); ++i) {
    const planning::Proposal& p = plan.proposals[i];
    text.add({std::to_string(i + 1), std::string(planning::to_string(p.strategy)),
              candidate_text(p.candidate, config), format_short(p.mean, 4), format_short(p.low, 4),
              format_short(p.high, 4), format_short(p.novelty, 3), p.reason});
  }
  session.print(text);
  for (const auto& place : result.plate) {
    std::string sample = place["sample"].get<std::string>();
    if (place.contains("rank")) sample += fmt::format(" {}", place["rank"].get<int>());
    if (place.contains("catalyst")) sample += " " + place["catalyst"].get<std::string>();
    session.print(fmt::format("plate {} channel {}: {}\n", place["plate"].get<int>(),
                              place["channel"].get<int>(), sample));
  }
  for (const planning::RuleCount& rule : plan.rules) {
    session.say(fmt::format("rule \"{}\" removed {}{}", rule.name, rule.estimated ? "about " : "",
                            counted(rule.removed, "candidate")));
  }
  for (const std::string& note : plan.notes) session.say("note: " + note);
  session.say(fmt::format("{} of {} looked at with {}, in {}", plan.evaluated,
                          counted(plan.space_size, "candidate"), plan.surrogate,
                          format_seconds(wall)));
}

Status run(const Arguments& arguments, Session& session) {
  const Effort effort;
  if (arguments.table.data.empty() && !arguments.model_files.empty()) {
    return Error{ErrorCode::invalid_argument, "a model without the measured rows", "--model",
                 arguments.model_files.front(),
                 "--data DATA: what is known is not to be proposed again"};
  }
  auto supports = arguments.table.load_supports();
  if (!supports) return supports.error();
  auto config = load_campaign(arguments.campaign, *supports);
  if (!config) return config.error();
  auto settings = arguments.model.override(config->model, *arguments.command);
  if (!settings) return settings.error();
  config->model = *settings;
  auto science = load_science(*config, arguments.campaign, arguments.model.features, *supports);
  if (!science) return science.error();
  const Control control = session.control();
  auto input = read_input(arguments, *config, *science, session, control);
  if (!input) return input.error();
  auto result =
      campaign::recommend(*config, *input, arguments.batch, *science, session.executor(), control);
  session.end_progress();
  if (!result) return result.error();
  if (control.cancelled()) return Error{ErrorCode::cancelled, "interrupted", "", "", ""};
  if (!arguments.out.empty()) {
    if (auto status = write_file(arguments.out, to_csv(result->plan, *config)); !status)
      return status;
  }
  if (!session.json) {
    print_plan(*result, *config, effort.wall_seconds(), session);
    return {};
  }
  Json document = campaign::plan_summary(result->plan);
  document["verdict"] = result->verdict;
  document["proposals"] = proposals_json(*result, *config);
  if (config->targets.size() > 1) {
    auto front = campaign::measured_front(*config, *input);
    if (!front) return front.error();
    document["front"] = std::move(*front);
  }
  if (!result->plate.empty()) document["plate"] = result->plate;
  effort.add_to(document);
  document["peak_rss_bytes"] = peak_rss_bytes();
  session.print_json(document);
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
  command->add_option("--model", arguments->model_files,
                      "file that fit wrote, one a target (default: fitted now)");
  command->add_option("--batch", arguments->batch, "how many (default: as the campaign says)")
      ->check(CLI::Range(1, 100'000));
  command->add_option("--round", arguments->round, "number of the batch, for a schedule of mixes")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--out", arguments->out, "CSV file to write");
  arguments->table.add_to(*command, false);
  arguments->table.add_batches_to(*command);
  arguments->model.add_to(*command);
  add_threads(*command, session);
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
