#include "daemon/cli/files/replay_history.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string>

#include "core/selection/chronicle.h"
#include "daemon/campaign/learning/verdict_json.h"

namespace kasetsu::cli {
namespace {

using selection::Chronicle;
using selection::Life;
using selection::LifeState;

constexpr std::size_t kListed = 10;  // of the best, and of the worst

std::map<LifeState, std::size_t> count_states(const Chronicle& played) {
  std::map<LifeState, std::size_t> states;
  for (const Life& life : played.lives) ++states[life.state];
  return states;
}

Json chronicle_json(const Chronicle& played) {
  Json batches = Json::array();
  for (const selection::ForetoldBatch& batch : played.batches) {
    batches.push_back({{"batch", batch.name},
                       {"n", batch.rows},
                       {"mae", batch.mae_model},
                       {"mae_ensemble", batch.mae_ensemble},
                       {"held", batch.held},
                       {"width", batch.width}});
  }
  Json hypotheses = Json::array();
  for (const Life& life : played.lives) {
    Json errors = Json::array();
    for (const Life::Error& error : life.errors) {
      errors.push_back({{"batch", played.batches[static_cast<std::size_t>(error.batch)].name},
                        {"mae", error.mae}});
    }
    hypotheses.push_back(
        {{"descriptors", life.descriptors},
         {"state", selection::kLifeStateNames.to_name(life.state)},
         {"born", life.born},
         {"age", life.errors.size()},
         {"eliminated_by",
          life.eliminated_by < 0
              ? Json()
              : Json(played.batches[static_cast<std::size_t>(life.eliminated_by)].name)},
         {"promised", life.promised},
         {"mae", life.mean_error()},
         {"errors", std::move(errors)}});
  }
  Json states = Json::object();
  for (const auto& [state, count] : count_states(played))
    states[std::string(selection::kLifeStateNames.to_name(state))] = count;
  return {{"learnt_first", played.learnt_first},
          {"batches", std::move(batches)},
          {"hypotheses", std::move(hypotheses)},
          {"states", std::move(states)},
          {"verdict", campaign::verdict_json(selection::verdict_of(played.last))}};
}

void print_batches(const Chronicle& played, double coverage, Session& session) {
  TextTable text({"batch", "rows", "error", "of the hypotheses",
                  fmt::format("{:.0f} % intervals held", 100.0 * coverage), "width"});
  for (const selection::ForetoldBatch& batch : played.batches) {
    text.add({batch.name, std::to_string(batch.rows), format_short(batch.mae_model, 3),
              format_short(batch.mae_ensemble, 3), fmt::format("{:.0f} %", 100.0 * batch.held),
              format_short(batch.width, 3)});
  }
  session.print(text);
}

// A line a hypothesis, a column a batch.
void print_lives(const Chronicle& played, Session& session) {
  std::vector<std::string> header{"state", "promised"};
  for (const selection::ForetoldBatch& batch : played.batches) header.push_back(batch.name);
  header.push_back("descriptors");
  TextTable text(std::move(header));
  const std::size_t count = played.lives.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i >= kListed && i + kListed < count) continue;
    const Life& life = played.lives[i];
    std::vector<std::string> cells(played.batches.size(), "");
    for (const Life::Error& error : life.errors)
      cells[static_cast<std::size_t>(error.batch)] = format_short(error.mae, 3);
    if (life.eliminated_by >= 0) cells[static_cast<std::size_t>(life.eliminated_by)] += " x";
    std::vector<std::string> row{std::string(selection::kLifeStateNames.to_name(life.state)),
                                 format_short(life.promised, 3)};
    row.insert(row.end(), cells.begin(), cells.end());
    std::string descriptors;
    for (const std::string& descriptor : life.descriptors)
      descriptors += (descriptors.empty() ? "" : ", ") + descriptor;
    row.push_back(std::move(descriptors));
    text.add(std::move(row));
  }
  session.print(text);
}

void print_text(const Chronicle& played, double coverage, Session& session) {
  if (const auto verdict = selection::verdict_of(played.last))
    session.print(verdict->sentence() + "\n\n");
  session.print(fmt::format(
      "{} were learnt first; every later batch was predicted by what was known before it:\n\n",
      counted(static_cast<std::size_t>(played.learnt_first), "row")));
  print_batches(played, coverage, session);
  auto states = count_states(played);
  session.print(fmt::format(
      "\n{} foretold batches: {} are alive, {} are dormant, {} were eliminated, {} "
      "were dropped for\nbetter ones. Their errors by batch{} (x: the batch that "
      "eliminated it):\n\n",
      counted(played.lives.size(), "hypothesis", "hypotheses"), states[LifeState::alive],
      states[LifeState::dormant], states[LifeState::eliminated], states[LifeState::dropped],
      played.lives.size() > 2 * kListed ? ", the best and the worst of them" : ""));
  print_lives(played, session);
}

}  // namespace

Status replay_history(const TableArguments& table, const ModelArguments& model, Session& session) {
  const Effort effort;
  auto settings = model.settings();
  if (!settings) return settings.error();
  auto loaded = load_learning(table, model.features, session);
  if (!loaded) return loaded.error();
  const auto played = selection::play_batches(loaded->elements, loaded->data, *settings,
                                              session.executor(), session.control());
  session.end_progress();
  if (!played) return played.error().in(table.data);
  if (session.json) {
    Json document = chronicle_json(*played);
    effort.add_to(document);
    session.print_json(document);
  } else {
    print_text(*played, settings->coverage, session);
  }
  return {};
}

}  // namespace kasetsu::cli
