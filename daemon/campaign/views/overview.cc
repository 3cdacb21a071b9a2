#include "daemon/campaign/views/overview.h"

#include <set>
#include <utility>

namespace kasetsu::campaign {
namespace {

constexpr std::size_t kBatchesShown = 12;

Json or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json target_overview(const Target& target, const MeasuredSet& measured, std::string_view unit) {
  const MeasuredSet::Candidate* best = nullptr;
  std::int64_t hits = 0;
  for (const MeasuredSet::Candidate& candidate : measured.candidates) {
    if (best == nullptr || target.aim.better(candidate.mean, best->mean)) best = &candidate;
    if (target.hit(candidate.mean)) ++hits;
  }
  Json json = {
      {"name", target.name},
      {"unit", or_null(target.unit)},
      {"goal", planning::to_string(target.aim.goal)},
      {"value", target.aim.goal == planning::Goal::target ? Json(target.aim.value) : Json(nullptr)},
      {"hit_threshold", target.hit_threshold ? Json(*target.hit_threshold) : Json(nullptr)},
      {"best", nullptr},
      {"hits", target.hit_threshold ? Json(hits) : Json(nullptr)},
      {"measured", measured.set.rows.size()}};
  if (best == nullptr) return json;
  json["best"] = {
      {"value", best->mean},
      {"catalyst",
       {{"key", best->catalyst}, {"description", chemistry::describe_key(best->catalyst, unit)}}},
      {"conditions", Json::parse(best->conditions, nullptr, false)},
      {"replicates", best->replicates}};
  return json;
}

Json model_overview(const Model& model) {
  const Json summary = Json::parse(model.summary, nullptr, false);
  const auto of = [&](const char* name) {
    const bool there = summary.is_object() && summary.contains(name);
    return there ? summary[name] : Json(nullptr);
  };
  return {{"id", model.id},
          {"version", model.version},
          {"property", model.property},
          {"rows", model.rows},
          {"mae_honest", of("mae_honest")},
          {"created_at", format_time(model.created_at)},
          {"verdict", of("verdict")}};
}

struct AskedSoFar {
  std::map<std::string, std::int64_t> states;
  struct OfBatch {
    std::int64_t proposals = 0, done = 0;
  };
  std::map<std::string, OfBatch> batches;
};

AskedSoFar asked(const Reader& reader, const Campaign& campaign) {
  AskedSoFar found;
  Page page{0, 10'000};
  for (;;) {
    const auto proposals = reader.proposals(campaign.key, {}, page);
    for (const Proposal& proposal : proposals) {
      page.after = proposal.seq;
      ++found.states[std::string(to_string(proposal.state))];
      AskedSoFar::OfBatch& batch = found.batches[proposal.batch];
      ++batch.proposals;
      if (!is_open(proposal.state)) ++batch.done;
    }
    if (static_cast<std::int64_t>(proposals.size()) < page.limit) return found;
  }
}

Json batch_progress(const std::vector<Batch>& batches, const AskedSoFar& found) {
  Json list = Json::array();
  for (std::size_t i = batches.size() > kBatchesShown ? batches.size() - kBatchesShown : 0;
       i < batches.size(); ++i) {
    const auto of = found.batches.find(batches[i].id);
    if (of == found.batches.end()) continue;
    const auto& [proposals, done] = of->second;
    list.push_back({{"number", i + 1},
                    {"id", batches[i].id},
                    {"proposals", proposals},
                    {"done", done},
                    {"share", static_cast<double>(done) / static_cast<double>(proposals)}});
  }
  return list;
}

Json open_jobs(const Reader& reader, const Campaign& campaign) {
  Json list = Json::array();
  for (const JobState state : {JobState::running, JobState::scheduled}) {
    for (const Job& job : reader.jobs(campaign.key, state, {0, 100})) {
      list.push_back({{"id", job.id},
                      {"kind", job.kind},
                      {"state", to_string(job.state)},
                      {"progress", job.progress},
                      {"stage", or_null(job.stage)}});
    }
  }
  return list;
}

}  // namespace

Json overview(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
              std::string_view unit) {
  Json targets = Json::array();
  std::set<std::string> catalysts;
  Json model = nullptr;
  for (const Target& target : config.targets) {
    const MeasuredSet measured = measured_set(reader, campaign, target.name);
    targets.push_back(target_overview(target, measured, unit));
    for (const auto& candidate : measured.candidates) catalysts.insert(candidate.catalyst);
    if (!model.is_null()) continue;
    const auto current = reader.newest_model(campaign.key, target.name, "current");
    if (current) model = model_overview(*current);
  }
  const std::vector<Batch> batches = reader.all_batches(campaign.key);
  const AskedSoFar found = asked(reader, campaign);
  const auto newest = reader.newest_ingest(campaign.key);
  return {{"name", campaign.name},
          {"description", or_null(config.description)},
          {"state", to_string(campaign.state)},
          {"reason", or_null(campaign.reason)},
          {"owner", or_null(campaign.owner)},
          {"version", campaign.version},
          {"targets", std::move(targets)},
          {"measurements", reader.count_measurements(campaign.key)},
          {"catalysts", catalysts.size()},
          {"proposals", found.states},
          {"batches", batches.size()},
          {"progress", batch_progress(batches, found)},
          {"quarantined", reader.count_quarantined(campaign.key, QuarantineState::waiting)},
          {"jobs", open_jobs(reader, campaign)},
          {"model", std::move(model)},
          {"newest", newest ? Json(format_time(newest->received_at)) : Json(nullptr)}};
}

}  // namespace kasetsu::campaign
