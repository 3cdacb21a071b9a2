#include "daemon/campaign/learning/retrain.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/selection/history.h"
#include "daemon/campaign/learning/judgement.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/records/events.h"

namespace kasetsu::campaign {
namespace {

// The current model of a target, and what became of its predictions.
struct ModelBefore {
  Model model;
  TrainingSet rows;                       // that it was trained on
  std::vector<LedgerEntry> ledger;        // its predictions
  std::optional<ModelDocument> document;  // none: of another format
  Judgement judgement;
};

struct Learning {
  const Target& target;
  TrainingSet rows;      // live
  TrainingSet to_learn;  // the same, or medians of replicates
  std::optional<ModelBefore> before;
};

std::vector<LedgerEntry> read_ledger(const Reader& reader, std::int64_t campaign,
                                     const std::string& model) {
  std::vector<LedgerEntry> all;
  Page page{0, 10'000};
  while (true) {
    const auto entries = reader.ledger(campaign, model, page);
    all.insert(all.end(), entries.begin(), entries.end());
    if (static_cast<std::int64_t>(entries.size()) < page.limit) return all;
    page.after = entries.back().seq;
  }
}

Status read_learning(const Workbench& bench, Learning& learning) {
  const std::int64_t campaign = bench.campaign.key;
  const std::string& property = learning.target.name;
  const Status read = bench.database.read([&](const Reader& reader) -> Status {
    learning.rows = reader.training_set(campaign, property, bench.control.stop);
    if (bench.control.cancelled()) return cancelled_error();
    if (bench.config.batch_offsets) tell_batches(reader, campaign, learning.rows);
    auto model = reader.current_model(campaign, property);
    if (!model) return {};
    ModelBefore& before = learning.before.emplace();
    before.model = std::move(*model);
    if (auto of =
            reader.training_set(campaign, before.model.snapshot, learning.rows, bench.control.stop))
      before.rows = std::move(*of);
    if (bench.control.cancelled()) return cancelled_error();
    before.ledger = read_ledger(reader, campaign, before.model.id);
    return {};
  });
  if (!read || !learning.before) return read;
  ModelBefore& before = *learning.before;
  Result<ModelDocument> document = read_model(before.model.document);
  if (document) {
    before.document = std::move(*document);
    before.judgement = judge(before.document->model, before.ledger);
  } else if (document.error().where != kModelFormatPointer) {
    return document.error();
  }  // A model that another version of the program wrote is replaced, not judged.
  return {};
}

// Whether the new model replaces the one before, and what changed between the two.
Status compare(const Workbench& bench, const Learning& learning, Learnt& learnt, NewModel& made) {
  if (!learning.before || !learning.before->document) return {};
  const ModelBefore& before = *learning.before;
  const selection::Model& model = learnt.document.model;
  const Promotion promotion = may_replace(model, learning.to_learn, before.ledger);
  made.candidate = !promotion.promote;
  made.status_reason = promotion.reason;
  if (before.document->model.features.condition_names == model.features.condition_names) {
    const Result<selection::TrainingSet> now =
        training_rows(learning.to_learn, bench.config.conditions(), bench.science.supports);
    if (!now) return now.error();
    const Result<Json> changes = model_changes(before.document->model, before.rows, model,
                                               learning.rows, now->catalysts, now->conditions);
    if (!changes) return changes.error();
    learnt.summary["changes"] = *changes;
    learnt.summary["changes"]["from"] = before.model.id;
  }
  Json eliminated = Json::array();
  for (const EliminatedHypothesis& hypothesis : before.judgement.eliminated)
    eliminated.push_back(hypothesis.json());
  learnt.summary["newly_eliminated"] = eliminated;
  return {};
}

// Results that the model before was trained on and that are live no more (not in `now`): retracted,
// corrected, excluded.
std::size_t corrected_since(const Learning& learning, const TrainingSet& now) {
  if (!learning.before) return 0;
  std::set<std::string> live;
  for (const TrainingRow& row : now.rows) live.insert(row.measurement);
  return static_cast<std::size_t>(
      std::count_if(learning.before->rows.rows.begin(), learning.before->rows.rows.end(),
                    [&](const TrainingRow& row) { return !live.contains(row.measurement); }));
}

// What was planned on results that were corrected is told so, with the present prediction; the one
// that it was issued with stays. Where the present one lies outside of that one's interval, a
// REQUESTED proposal is withdrawn: nobody makes it yet, and what steered it is gone.
void correct_proposal(Transaction& tx, const Context& now, const std::string& campaign,
                      Proposal proposal, const LedgerEntry& said, std::size_t corrected) {
  if (!proposal.mean || !std::isfinite(said.predicted)) return;
  const bool outside = (proposal.low && said.predicted < *proposal.low) ||
                       (proposal.high && said.predicted > *proposal.high);
  const std::string reason = fmt::format(
      "{} {} that its plan had learnt from {} corrected since: predicted {:.4g} now, {:.4g} before",
      corrected, corrected == 1 ? "result" : "results", corrected == 1 ? "was" : "were",
      said.predicted, *proposal.mean);
  proposal.updated_at = now.now;
  const bool withdrawn = outside && proposal.state == ProposalState::requested;
  if (withdrawn) proposal.state = ProposalState::cancelled;
  proposal.state_reason = (withdrawn ? "withdrawn: " : "") + reason;
  tx.update_proposal(proposal);
  append_event(tx, now, campaign, "proposal", proposal.id, withdrawn ? "cancelled" : "predicted",
               {{"reason", proposal.state_reason}, {"catalyst", proposal.catalyst}});
}

std::vector<Proposal> open_proposals(const Reader& reader, std::int64_t campaign) {
  std::vector<Proposal> open;
  for (const ProposalState state : kOpenStates) {
    ProposalFilter filter;
    filter.state = state;
    const auto some = all_proposals(reader, campaign, filter);
    open.insert(open.end(), some.begin(), some.end());
  }
  return open;
}

// What is being made was proposed by an earlier model; the new one, too, is held to what it says of
// it now. Found before the writer is asked, which it would hold up.
Result<std::vector<LedgerEntry>> foretell_open(const Workbench& bench, const Learnt& learnt) {
  const auto open = read_value<std::vector<Proposal>>(bench.database, [&](const Reader& reader) {
    return Result<std::vector<Proposal>>(open_proposals(reader, bench.campaign.key));
  });
  if (!open) return open.error();
  auto entries = predict_proposals(learnt.document, *open, bench.science.supports);
  if (!entries) return entries;
  std::erase_if(*entries, [](const LedgerEntry& e) { return !std::isfinite(e.predicted); });
  return entries;
}

// Of the proposals that are still open.
void keep_foretold(Transaction& tx, const Workbench& bench, const Model& model,
                   std::vector<LedgerEntry> entries, std::size_t corrected, const Context& now) {
  std::optional<Proposal> proposal;
  for (LedgerEntry& entry : entries) {
    if (!proposal || proposal->id != entry.proposal) proposal = tx.find_proposal(entry.proposal);
    if (!proposal || !is_open(proposal->state)) continue;
    entry.model = model.id;
    entry.predicted_at = now.now;
    tx.insert_prediction(bench.campaign.key, entry);
  }
  if (corrected == 0 || model.property != bench.config.targets.front().name) return;
  for (const LedgerEntry& entry : entries) {
    if (entry.hypothesis >= 0) continue;
    proposal = tx.find_proposal(entry.proposal);
    if (proposal && is_open(proposal->state))
      correct_proposal(tx, now, bench.campaign.name, std::move(*proposal), entry, corrected);
  }
}

Result<Model> keep(const Workbench& bench, const Learning& learning, const Learnt& learnt,
                   const NewModel& made) {
  const Result<std::vector<LedgerEntry>> entries = foretell_open(bench, learnt);
  if (!entries) return entries.error();
  const std::size_t corrected = made.candidate ? 0 : corrected_since(learning, made.training);
  return write_and_wait<Model>(bench.database, [&](Transaction& tx) -> Result<Model> {
    const Context now = bench.context();
    Result<Model> model = keep_model(tx, bench.campaign.name, made, now);
    if (!model) return model.error();
    if (learning.before) {
      for (const EliminatedHypothesis& hypothesis : learning.before->judgement.eliminated) {
        append_event(tx, now, bench.campaign.name, "hypothesis",
                     fmt::format("{}/{}", learning.before->model.id, hypothesis.hypothesis),
                     "eliminated", hypothesis.json());
      }
    }
    keep_foretold(tx, bench, *model, *entries, corrected, now);
    return model;
  });
}

// What the model before leaves to the next one.
Result<selection::History> history_for(const Workbench& bench, const Learning& learning) {
  if (!learning.before) return selection::History();
  selection::History history = learning.before->judgement.history;
  if (!learning.before->document) return history;
  const selection::Model& before = learning.before->document->model;
  if (before.features.condition_names != bench.config.conditions()) return history;
  const Result<selection::TrainingSet> rows =
      training_rows(learning.to_learn, bench.config.conditions(), bench.science.supports);
  // Rows that do not read are told where they are learnt.
  if (!rows) return history;
  if (const Status held = selection::hold_to_intervals(before, *rows, history); !held) {
    // A measured element that the model before cannot describe: its intervals told nothing of it.
    history.forward = before.forward;
  }
  return history;
}

// Empty where there is too little to learn from; `told` says why.
Result<std::optional<Model>> retrain_target(const Workbench& bench, const Target& target,
                                            const std::string& job, Retrained& told) {
  Learning learning{target, {}, {}, {}};
  if (const Status read = read_learning(bench, learning); !read) return read.error();
  const auto started = std::chrono::steady_clock::now();
  const std::string left_out = left_out_text(learning.rows, bench.config.conditions());
  if (!left_out.empty()) {
    told.left_out.push_back(left_out);
    spdlog::warn("campaign {}: {}", bench.campaign.name, left_out);
  }
  const auto none = [&](const Error& error) {
    told.why_none = fmt::format("{}: {}{}{}", target.name, error.to_string(),
                                left_out.empty() ? "" : "; ", left_out);
    spdlog::info("campaign {}: no new model of {}", bench.campaign.name, told.why_none);
    return std::optional<Model>();
  };
  Result<TrainingSet> to_learn = rows_to_learn(learning.rows);
  if (!to_learn) return none(to_learn.error());
  learning.to_learn = std::move(*to_learn);
  const Result<selection::History> known = history_for(bench, learning);
  if (!known) return known.error();
  Result<Learnt> learnt =
      learn(learning.to_learn, bench.config.model, bench.config.conditions(), bench.science,
            bench.code_version, bench.executor, bench.control, *known);
  if (!learnt) {
    if (learnt.error().code != ErrorCode::bad_data) return learnt.error();
    return none(learnt.error());
  }
  if (bench.control.cancelled()) return cancelled_error();
  NewModel made;
  made.property = target.name;
  made.document = learnt->text;
  made.config_version = bench.campaign.version;
  made.seed = bench.config.model.search.seed;
  made.code_version = bench.code_version;
  made.mae_cv = learnt->document.model.hypotheses.front().mae_cv;
  if (learnt->document.model.honest_prediction.size() > 0)
    made.mae_nested = learnt->summary.at("mae_honest").get<double>();
  made.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  made.job = job;
  if (const Status compared = compare(bench, learning, *learnt, made); !compared)
    return compared.error();
  if (learning.to_learn.rows.size() < learning.rows.rows.size()) {
    learnt->summary["medians_of"] = learning.rows.rows.size();
    spdlog::info("campaign {}: {} results of {} are learnt as {} medians of replicates",
                 bench.campaign.name, learning.rows.rows.size(), target.name,
                 learning.to_learn.rows.size());
  }
  made.summary = dump_json(learnt->summary);
  made.training = std::move(learning.rows);
  const Result<Model> kept = keep(bench, learning, *learnt, made);
  if (!kept) return kept.error();
  spdlog::info("campaign {}: model {} of {} from {} rows, leave-one-out error {:.4g}, {:.1f} s",
               bench.campaign.name, kept->version, target.name, kept->rows, kept->mae_cv,
               made.seconds);
  return std::optional<Model>(*kept);
}

}  // namespace

Result<const Science*> ScienceTables::of(const CampaignConfig& config) {
  if (config.elements == "general") return &general_;
  const std::lock_guard lock(mutex_);
  if (const auto known = others_.find(config.elements); known != others_.end())
    return &known->second;
  if (!read_) {
    return Error{ErrorCode::invalid_argument, "this daemon reads no other element tables",
                 "model.elements", config.elements, "\"general\""};
  }
  Result<chemistry::ElementTable> table = read_(config.elements);
  if (!table) return table.error();
  return &others_.emplace(config.elements, Science{std::move(table).value(), general_.supports})
              .first->second;
}

std::vector<std::string> results_left_out(const Reader& reader, const Campaign& campaign,
                                          const std::vector<std::string>& conditions) {
  std::vector<std::string> texts;
  if (conditions.empty()) return texts;
  for (const Property& property : reader.properties(campaign.key)) {
    if (!property.target) continue;
    const std::string text =
        left_out_text(reader.training_set(campaign.key, property.name), conditions);
    if (text.empty()) continue;
    texts.push_back(text +
                    " of learning: import their table again with a column for each condition "
                    "and --revise, or retract them");
  }
  return texts;
}

Result<Retrained> retrain(const Workbench& bench, const std::string& job) {
  Retrained out;
  for (const Target& target : bench.config.targets) {
    const Result<std::optional<Model>> model = retrain_target(bench, target, job, out);
    if (!model) return model.error();
    if (!*model) continue;
    out.models.push_back(
        {{"id", (*model)->id}, {"version", (*model)->version}, {"mae_cv", (*model)->mae_cv}});
    out.seconds += (*model)->seconds;
  }
  return out;
}

}  // namespace kasetsu::campaign
