// What the worker does by the clock and by a campaign's stop rules.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "core/base/text.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/learning/retrain.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/planning/stop_rules.h"
#include "daemon/jobs/schedule.h"
#include "daemon/jobs/worker.h"

namespace kasetsu::jobs {

using campaign::Campaign;
using campaign::CampaignConfig;
using campaign::CampaignState;
using campaign::Reader;
using campaign::Transaction;

Result<int> Worker::look_at_clock() {
  std::vector<Campaign> active;
  const Status read = database_.read([&](const Reader& reader) -> Status {
    for (Campaign& found : reader.campaigns()) {
      if (found.state == CampaignState::active) active.push_back(std::move(found));
    }
    return {};
  });
  if (!read) return read.error();
  int scheduled = 0;
  for (const Campaign& campaign : active) {
    const Result<Config> config = config_of(campaign);
    if (!config || (*config)->retrain.when != campaign::RetrainWhen::nightly) continue;
    const campaign::Retrain& retrain = (*config)->retrain;
    auto zone = zones_.find(retrain.time_zone);
    if (zone == zones_.end()) {
      bool& without_zone = decoded_.at(campaign.id).without_zone;
      if (without_zone) continue;
      Result<TimeZone> found = TimeZone::read(retrain.time_zone);
      if (!found) {
        spdlog::error("campaign {}: retrain.time_zone: {}", campaign.name,
                      found.error().to_string());
        without_zone = true;
        continue;
      }
      zone = zones_.emplace(retrain.time_zone, std::move(*found)).first;
    }
    const campaign::Context now = context();
    const Result<bool> asks =
        campaign::read_value<bool>(database_, [&](const Reader& reader) -> Result<bool> {
          return campaign::clock_asks(reader, campaign, retrain, zone->second, now.now);
        });
    if (!asks) return asks.error();
    if (!*asks) continue;
    bool job = false;
    const Result<std::string> line = campaign::write_and_wait<
        std::string>(database_, [&](Transaction& tx) -> Result<std::string> {
      const auto before = tx.jobs(campaign.key, campaign::JobState::scheduled, {0, 1000}).size();
      auto done = campaign::look_at_clock(tx, campaign, retrain, zone->second, now);
      job = tx.jobs(campaign.key, campaign::JobState::scheduled, {0, 1000}).size() > before;
      return done;
    });
    if (!line) return line.error();
    if (!line->empty()) spdlog::info("nightly: {}", *line);
    scheduled += job ? 1 : 0;
  }
  return scheduled;
}

Result<campaign::RecommendInput> Worker::recommend_input(const Campaign& campaign,
                                                         const CampaignConfig& config,
                                                         std::string& model_id) const {
  campaign::RecommendInput input;
  const Status read = database_.read([&](const Reader& reader) -> Status {
    const std::string& target = config.targets.front().name;
    input.training = reader.training_set(campaign.key, target);
    input.known = reader.known_points(campaign.key);
    for (const campaign::ProposalState state :
         {campaign::ProposalState::cancelled, campaign::ProposalState::expired}) {
      campaign::ProposalFilter filter;
      filter.state = state;
      campaign::Page page;
      page.limit = 10'000;
      for (const campaign::Proposal& proposal : reader.proposals(campaign.key, filter, page)) {
        input.proposed.push_back(proposal.catalyst);
      }
    }
    input.batch_number = 1 + static_cast<int>(reader.batches(campaign.key, {0, 1'000'000}).size());
    if (const auto model = reader.current_model(campaign.key, target)) {
      // Only a model of what is measured now may plan: its leave-one-out errors belong to these
      // rows.
      model_id = model->id;
      Result<campaign::ModelDocument> document = campaign::read_model(model->document);
      if (!document) return document.error();
      input.model = std::move(document).value().model;
      auto of = reader.training_set(model->snapshot, input.training);
      if (of && config.batch_offsets) campaign::tell_batches(reader, campaign.key, *of);
      Result<campaign::TrainingSet> learnt =
          of ? campaign::rows_to_learn(*of) : campaign::TrainingSet();
      if (learnt) input.model_rows = std::move(*learnt);
    }
    for (std::size_t t = 1; t < config.targets.size(); ++t) {
      const std::string& name = config.targets[t].name;
      campaign::OtherTarget other;
      other.training = reader.training_set(campaign.key, name);
      if (const auto model = reader.current_model(campaign.key, name)) {
        Result<campaign::ModelDocument> document = campaign::read_model(model->document);
        if (!document) return document.error();
        other.model = std::move(document).value().model;
        other.model_id = model->id;
      }
      input.others.push_back(std::move(other));
    }
    return {};
  });
  if (!read) return read.error();
  return input;
}

Result<bool> Worker::complete_if_done(const Campaign& campaign, const CampaignConfig& config) {
  std::string reason;
  const Status read = database_.read([&](const Reader& reader) -> Status {
    const campaign::Target& target = config.targets.front();
    const campaign::TrainingSet set = reader.training_set(campaign.key, target.name);
    const auto batches = campaign::finished_batches(reader, campaign);
    reason = campaign::stop_reason(config.stop, target, {set.rows, batches});
    return {};
  });
  if (!read) return read.error();
  if (reason.empty()) return false;
  return complete(campaign, reason);
}

Result<bool> Worker::complete(const Campaign& campaign, const std::string& reason) {
  const Result<Campaign> done =
      campaign::write_and_wait<Campaign>(database_, [&](Transaction& tx) -> Result<Campaign> {
        return campaign::steer_campaign(tx, campaign.name, campaign::CampaignVerb::complete, reason,
                                        context());
      });
  if (!done) {
    // Stopped by a person in between: that is an end, too.
    if (done.error().code == ErrorCode::conflict) return true;
    return done.error();
  }
  spdlog::info("campaign {} is complete: {}", campaign.name, reason);
  return true;
}

Result<std::string> Worker::agreement(const Campaign& campaign, const CampaignConfig& config,
                                      const Control& control) {
  if (!config.stop.hypotheses_agree) return std::string();
  std::string model_id;
  const Result<campaign::RecommendInput> input = recommend_input(campaign, config, model_id);
  if (!input) return input.error();
  if (!input->model) return std::string();
  const Result<const campaign::Science*> science = science_of(config);
  if (!science) return science.error();
  // Challenge ranks by disagreement, so its first pick is where the hypotheses agree least.
  CampaignConfig asked = config;
  asked.planner.mix = {{planning::Strategy::challenge, 1, 0.0}};
  asked.planner.schedule.clear();
  asked.planner.references.clear();
  asked.planner.diversity = 0.0;
  asked.planner.surrogate = "hypotheses";
  asked.planner.pareto = false;
  asked.planner.allow_measured = asked.planner.allow_proposed = asked.planner.allow_pending =
      asked.planner.allow_failed = true;
  const Result<campaign::Recommendation> worst =
      campaign::recommend(asked, *input, 1, **science, executor_, control);
  if (!worst) return worst.error();
  if (worst->plan.proposals.empty()) return std::string();
  const planning::Proposal& pick = worst->plan.proposals.front();
  if (!(pick.disagreement <= *config.stop.hypotheses_agree)) return std::string();
  return fmt::format("the hypotheses agree: within {} {} everywhere in {} candidates, {} was asked",
                     fmt::format("{:.3g}", pick.disagreement), config.targets.front().unit,
                     worst->plan.evaluated, format_number(*config.stop.hypotheses_agree));
}

}  // namespace kasetsu::jobs
