#include "daemon/campaign/planning/next_batch.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "core/base/text.h"
#include "core/selection/ensemble.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/planning/credit.h"
#include "daemon/campaign/planning/leases.h"
#include "daemon/campaign/planning/stop_rules.h"

namespace kasetsu::campaign {
namespace {

Result<bool> complete(Database& database, const Campaign& campaign, const std::string& reason,
                      const Context& context) {
  const Result<Campaign> done =
      write_and_wait<Campaign>(database, [&](Transaction& tx) -> Result<Campaign> {
        return steer_campaign(tx, campaign.name, CampaignVerb::complete, reason, context);
      });
  if (!done) {
    // Stopped by a person in between: that is an end, too.
    if (done.error().code == ErrorCode::conflict) return true;
    return done.error();
  }
  spdlog::info("campaign {} is complete: {}", campaign.name, reason);
  return true;
}

Result<RecommendInput> recommend_input(const Workbench& bench) {
  return read_value<RecommendInput>(bench.database, [&](const Reader& reader) {
    return read_recommend_input(reader, bench.campaign, bench.config);
  });
}

// Few hypotheses agree by chance, and agreement of a model that predicts nothing means nothing.
bool has_evidence(const selection::Model& model) {
  constexpr std::size_t kFewestHypotheses = 3;
  constexpr Eigen::Index kFewestRows = 20;
  if (model.hypotheses.size() < kFewestHypotheses || model.y.size() < kFewestRows ||
      model.honest_prediction.size() != model.y.size()) {
    return false;
  }
  const double median =
      selection::median(std::vector<double>(model.y.data(), model.y.data() + model.y.size()));
  return (model.y - model.honest_prediction).cwiseAbs().mean() <
         (model.y.array() - median).abs().mean();
}

// Why the hypotheses of the newest model agree; empty: they do not, or nobody asks.
Result<std::string> agreement(const Workbench& bench) {
  const std::optional<double>& within = bench.config.stop.hypotheses_agree;
  if (!within) return std::string();
  const Result<RecommendInput> input = recommend_input(bench);
  if (!input) return input.error();
  if (!input->model || !has_evidence(*input->model)) return std::string();
  // Challenge ranks by disagreement, so its first pick is where the hypotheses agree least.
  CampaignConfig asked = bench.config;
  asked.planner.mix = {{planning::Strategy::challenge, 1, 0.0}};
  asked.planner.schedule.clear();
  asked.planner.references.clear();
  asked.planner.diversity = 0.0;
  asked.planner.surrogate = "hypotheses";
  asked.planner.pareto = false;
  asked.planner.allow_measured = asked.planner.allow_proposed = asked.planner.allow_pending =
      asked.planner.allow_failed = true;
  const Result<Recommendation> worst =
      recommend(asked, *input, 1, bench.science, bench.executor, bench.control);
  if (!worst) return worst.error();
  // Without a model in the plan (a note says why) nothing disagrees.
  if (worst->batch.model.empty() || worst->plan.proposals.empty()) return std::string();
  const planning::Proposal& pick = worst->plan.proposals.front();
  if (!(pick.disagreement <= *within)) return std::string();
  return fmt::format(
      "the hypotheses agree: {} of them differ by {:.3g} {} at most on {} candidates ({:.3g} was "
      "the limit)",
      input->model->hypotheses.size(), pick.disagreement, bench.config.targets.front().unit,
      worst->plan.evaluated, *within);
}

}  // namespace

Result<RecommendInput> read_recommend_input(const Reader& reader, const Campaign& campaign,
                                            const CampaignConfig& config) {
  RecommendInput input;
  const std::string& target = config.targets.front().name;
  input.training = reader.training_set(campaign.key, target);
  input.known = reader.known_points(campaign.key);
  for (const ProposalState state : {ProposalState::cancelled, ProposalState::expired}) {
    ProposalFilter filter;
    filter.state = state;
    for (const Proposal& proposal : all_proposals(reader, campaign.key, filter))
      input.proposed.push_back({proposal.catalyst, proposal.conditions});
  }
  input.batch_number = 1 + static_cast<int>(reader.count_batches(campaign.key));
  if (mix_is_automatic(config.planner, input.batch_number))
    input.credits = strategy_credits(reader, campaign, config.targets.front(), input.training);
  if (const auto model = reader.current_model(campaign.key, target)) {
    Result<ModelDocument> document = read_model(model->document);
    if (!document) return document.error();
    input.model_id = model->id;
    input.model = std::move(document).value().model;
    // Only rows that the model was trained on have leave-one-out errors of it.
    auto of = reader.training_set(campaign.key, model->snapshot, input.training);
    if (of && config.batch_offsets) tell_batches(reader, campaign.key, *of);
    Result<TrainingSet> learnt = of ? rows_to_learn(*of) : TrainingSet();
    if (learnt) input.model_rows = std::move(*learnt);
  }
  for (std::size_t t = 1; t < config.targets.size(); ++t) {
    const std::string& name = config.targets[t].name;
    OtherTarget other;
    other.training = reader.training_set(campaign.key, name);
    if (const auto model = reader.current_model(campaign.key, name)) {
      Result<ModelDocument> document = read_model(model->document);
      if (!document) return document.error();
      other.model = std::move(document).value().model;
      other.model_id = model->id;
    }
    input.others.push_back(std::move(other));
  }
  return input;
}

Result<Json> plan_batch(const Workbench& bench, int size) {
  const Result<RecommendInput> input = recommend_input(bench);
  if (!input) return input.error();
  const Result<Recommendation> recommended =
      recommend(bench.config, *input, size, bench.science, bench.executor, bench.control);
  if (!recommended) return recommended.error();
  const Result<IssuedBatch> issued =
      write_and_wait<IssuedBatch>(bench.database, [&](Transaction& tx) {
        return issue_batch(tx, bench.campaign.name, recommended->batch, bench.context());
      });
  if (!issued) return issued.error();
  return Json{{"id", issued->batch.id},
              {"proposals", issued->proposals.size()},
              {"left_out", issued->left_out.size()},
              {"notes", recommended->plan.notes}};
}

Result<bool> complete_if_done(Database& database, const Campaign& campaign,
                              const CampaignConfig& config, const Context& context) {
  const Result<std::string> reason =
      read_value<std::string>(database, [&](const Reader& reader) -> Result<std::string> {
        const Target& target = config.targets.front();
        const TrainingSet set = reader.training_set(campaign.key, target.name);
        const auto batches = finished_batches(reader, campaign);
        return stop_reason(config.stop, target, {set.rows, batches});
      });
  if (!reason) return reason.error();
  if (reason->empty()) return false;
  return complete(database, campaign, *reason, context);
}

Result<Json> follow_up(const Workbench& bench, int batch_size) {
  Json out = Json::object();
  const Result<std::string> agreed = agreement(bench);
  if (!agreed) return agreed.error();
  if (!agreed->empty()) {
    const Result<bool> done = complete(bench.database, bench.campaign, *agreed, bench.context());
    if (!done) return done.error();
    out["completed"] = *agreed;
    return out;
  }
  const Result<bool> plans =
      read_value<bool>(bench.database, [&](const Reader& reader) -> Result<bool> {
        const auto now = reader.campaign(bench.campaign.key);
        return now && now->state == CampaignState::active && !anything_open(reader, *now);
      });
  if (!plans) return plans.error();
  if (!*plans) return out;
  const Result<Json> planned = plan_batch(bench, batch_size);
  if (!planned) return planned.error();
  out["batch"] = *planned;
  return out;
}

}  // namespace kasetsu::campaign
