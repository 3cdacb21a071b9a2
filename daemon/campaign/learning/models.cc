#include "daemon/campaign/learning/models.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <map>

#include "daemon/base/ulid.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/records/events.h"

namespace kasetsu::campaign {
namespace {

constexpr std::int64_t kMostAttempts = 3;

void add_number(std::string& pieces, std::uint64_t number) {
  char bytes[8];
  for (char& byte : bytes) {
    byte = static_cast<char>(number & 0xFF);
    number >>= 8;
  }
  pieces.append(bytes, sizeof bytes);
}

// With its length before it, so that no two lists of texts give the same bytes.
void add_text(std::string& pieces, std::string_view text) {
  add_number(pieces, text.size());
  pieces += text;
}

Result<Job> find_job(const Reader& reader, std::string_view id) {
  if (auto job = reader.find_job(id)) return std::move(*job);
  return Error{ErrorCode::not_found, "there is no such job", {}, std::string(id), {}};
}

std::string name_of(const Reader& reader, std::int64_t campaign) {
  const auto found = reader.campaign(campaign);
  return found ? found->name : std::string();
}

Error cannot(const Job& job, std::string_view verb) {
  return Error{ErrorCode::conflict,
               fmt::format("job {} is {} and cannot be {}", job.id, to_string(job.state), verb),
               {},
               {},
               {}};
}

}  // namespace

Digest snapshot_digest(const TrainingSet& set) {
  Sha256 hash;
  // A million rows are eight million small pieces: they go in together.
  std::string pieces;
  constexpr std::size_t kTogether = 16'384;
  add_text(pieces, "kasetsu training set 1");
  add_text(pieces, set.property);
  add_text(pieces, set.unit);
  add_number(pieces, set.rows.size());
  for (const TrainingRow& row : set.rows) {
    add_text(pieces, row.catalyst);
    add_text(pieces, to_string(row.kind));
    add_text(pieces, row.conditions);
    add_number(pieces, std::bit_cast<std::uint64_t>(row.value));
    if (pieces.size() < kTogether) continue;
    hash.add(pieces);
    pieces.clear();
  }
  hash.add(pieces);
  return hash.finish();
}

void tell_batches(const Reader& reader, std::int64_t campaign, TrainingSet& set) {
  std::map<std::string, std::size_t> numbers;  // by id
  for (const Batch& batch : reader.all_batches(campaign))
    numbers.emplace(batch.id, numbers.size() + 1);
  std::map<std::string, std::size_t> of_proposal;
  Page page;
  page.limit = 10'000;
  for (;;) {
    const auto proposals = reader.proposals(campaign, {}, page);
    for (const Proposal& proposal : proposals) {
      page.after = proposal.seq;
      if (const auto found = numbers.find(proposal.batch); found != numbers.end())
        of_proposal.emplace(proposal.id, found->second);
    }
    if (static_cast<std::int64_t>(proposals.size()) < page.limit) break;
  }
  for (TrainingRow& row : set.rows) {
    const auto found = of_proposal.find(row.proposal);
    if (found != of_proposal.end()) row.batch = fmt::format("batch {}", found->second);
  }
  // Results that answer no proposal came in runs, which are batches, too.
  std::map<std::int64_t, TrainingRow*> rest;  // by the measurement's seq
  for (TrainingRow& row : set.rows) {
    if (!row.batch.empty()) continue;
    row.batch = "given";
    rest.emplace(row.seq, &row);
  }
  MeasurementFilter filter;
  filter.property = set.property;
  page = {0, 10'000};
  if (rest.empty()) return;
  page.after = rest.begin()->first - 1;
  while (page.after < rest.rbegin()->first) {
    const auto measured = reader.measurements(campaign, filter, page);
    for (const Measurement& one : measured) {
      page.after = one.seq;
      const auto found = rest.find(one.seq);
      if (found == rest.end() || one.run.empty()) continue;
      // Two instruments may both call their first run 1.
      found->second->batch = one.source.empty() ? fmt::format("run {}", one.run)
                                                : fmt::format("run {} of {}", one.run, one.source);
    }
    if (static_cast<std::int64_t>(measured.size()) < page.limit) return;
  }
}

Result<Model> keep_model(Transaction& tx, std::string_view campaign, const NewModel& made,
                         const Context& context) {
  const Result<Campaign> found = find_campaign(tx, campaign);
  if (!found) return found.error();
  bool known = false;
  for (const Property& property : tx.properties(found->key)) {
    known = known || property.name == made.property;
  }
  if (!known) {
    return Error{ErrorCode::not_found, "the campaign has no such property", {}, made.property, {}};
  }
  if (!std::isfinite(made.mae_cv) || (made.mae_nested && !std::isfinite(*made.mae_nested))) {
    return Error{ErrorCode::invalid_argument, "the model's error is not finite", "mae_cv", {}, {}};
  }
  Model model;
  model.id = context.ids->next(context.now);
  model.campaign = found->key;
  model.version = tx.last_model_version(found->key, made.property) + 1;
  model.property = made.property;
  model.document = made.document;
  model.snapshot = made.training.snapshot;
  model.rows = static_cast<std::int64_t>(made.training.rows.size());
  model.config_version = made.config_version;
  model.seed = made.seed;
  model.code_version = made.code_version;
  model.mae_cv = made.mae_cv;
  model.mae_nested = made.mae_nested;
  model.status = made.candidate ? "candidate" : "current";
  model.status_reason = made.status_reason;
  model.summary = made.summary;
  model.seconds = std::isfinite(made.seconds) && made.seconds > 0.0 ? made.seconds : 0.0;
  model.job = made.job;
  model.created_at = context.now;
  if (!made.candidate) {
    if (auto before = tx.current_model(found->key, made.property)) {
      before->status = "retired";
      before->status_reason = fmt::format("replaced by version {}", model.version);
      tx.update_model(*before);
    }
  }
  tx.keep_snapshot(found->key, made.training, context.now);
  tx.insert_model(model);
  append_event(tx, context, found->name, "model", model.id, "created",
               {{"version", model.version},
                {"property", model.property},
                {"status", model.status},
                {"rows", model.rows},
                {"mae_cv", model.mae_cv}});
  return model;
}

Result<Model> promote_model(Transaction& tx, std::string_view id, std::string_view reason,
                            const Context& context) {
  auto model = tx.find_model(id);
  if (!model) {
    return Error{ErrorCode::not_found, "there is no such model", {}, std::string(id), {}};
  }
  if (model->status == "current") return std::move(*model);
  if (auto before = tx.current_model(model->campaign, model->property)) {
    before->status = "retired";
    before->status_reason = fmt::format("version {} was promoted", model->version);
    tx.update_model(*before);
  }
  model->status = "current";
  model->status_reason = std::string(reason);
  tx.update_model(*model);
  append_event(tx, context, name_of(tx, model->campaign), "model", model->id, "promoted",
               {{"version", model->version}, {"reason", reason}});
  return std::move(*model);
}

bool has_news(const Reader& reader, const Campaign& campaign, std::string_view property) {
  // The newest of any status: a candidate was made of the same data as a current one would be.
  const auto newest = reader.newest_model(campaign.key, property, "");
  if (!newest || newest->config_version != campaign.version) return true;
  return reader.training_change(campaign.key, property, newest->snapshot, 1).changed;
}

Result<ScheduledJob> schedule_job(Transaction& tx, std::string_view campaign, std::string_view kind,
                                  std::string_view detail, const Context& context) {
  const Result<Campaign> found = find_campaign(tx, campaign);
  if (!found) return found.error();
  if (found->state != CampaignState::active) {
    return Error{ErrorCode::conflict,
                 fmt::format("campaign {} is {}: nothing is learnt or planned", campaign,
                             to_string(found->state)),
                 {},
                 {},
                 found->state == CampaignState::paused  ? "an ACTIVE campaign: resume it first"
                 : found->state == CampaignState::draft ? "an ACTIVE campaign: start it first"
                                                        : "an ACTIVE campaign"};
  }
  Page page;
  page.limit = 1000;
  for (Job& waiting : tx.jobs(found->key, JobState::scheduled, page)) {
    if (waiting.kind == kind) return ScheduledJob{std::move(waiting), false};
  }
  Job job;
  job.id = context.ids->next(context.now);
  job.campaign = found->key;
  job.kind = std::string(kind);
  job.detail = detail.empty() ? "{}" : std::string(detail);
  job.actor = context.actor;
  job.created_at = context.now;
  tx.insert_job(job);
  append_event(tx, context, found->name, "job", job.id, "scheduled", {{"kind", kind}});
  return ScheduledJob{std::move(job), true};
}

Result<Job> start_job(Transaction& tx, std::string_view id, const Context& context) {
  Result<Job> job = find_job(tx, id);
  if (!job) return job;
  if (job->state != JobState::scheduled) return cannot(*job, "started");
  job->state = JobState::running;
  job->started_at = context.now;
  job->attempts += 1;
  job->progress = 0.0;
  job->stage.clear();
  tx.update_job(*job);
  append_event(tx, context, name_of(tx, job->campaign), "job", job->id, "started",
               {{"kind", job->kind}, {"attempt", job->attempts}});
  return job;
}

Result<Job> finish_job(Transaction& tx, std::string_view id, JobState state,
                       std::string_view result, std::string_view error, const Context& context) {
  Result<Job> job = find_job(tx, id);
  if (!job) return job;
  if (state == JobState::scheduled || state == JobState::running) {
    return Error{ErrorCode::invalid_argument, "a job does not end in this state", "state",
                 std::string(to_string(state)), "COMPLETED, FAILED, CANCELLED or SKIPPED"};
  }
  if (job->state != JobState::running) return cannot(*job, "finished");
  job->state = state;
  job->finished_at = context.now;
  job->result = std::string(result);
  job->error = std::string(error);
  if (state == JobState::completed) job->progress = 1.0;
  tx.update_job(*job);
  std::string verb(to_string(state));
  for (char& c : verb) c = static_cast<char>(c - 'A' + 'a');
  Json detail = {{"kind", job->kind}};
  if (!error.empty()) detail["error"] = error;
  append_event(tx, context, name_of(tx, job->campaign), "job", job->id, verb, detail);
  return job;
}

Result<Job> cancel_job(Transaction& tx, std::string_view id, const Context& context) {
  Result<Job> job = find_job(tx, id);
  if (!job) return job;
  const std::string campaign = name_of(tx, job->campaign);
  if (job->state == JobState::scheduled) {
    job->state = JobState::cancelled;
    job->finished_at = context.now;
    tx.update_job(*job);
    append_event(tx, context, campaign, "job", job->id, "cancelled", {{"kind", job->kind}});
    return job;
  }
  if (job->state == JobState::running) {
    if (!job->cancel_requested) {
      job->cancel_requested = true;
      tx.update_job(*job);
      append_event(tx, context, campaign, "job", job->id, "cancel_requested",
                   {{"kind", job->kind}});
    }
    return job;
  }
  if (job->state == JobState::cancelled) return job;
  return cannot(*job, "cancelled");
}

Status report_progress(Transaction& tx, std::string_view id, double progress,
                       std::string_view stage) {
  Result<Job> job = find_job(tx, id);
  if (!job) return job.error();
  if (job->state != JobState::running) return cannot(*job, "advanced");
  job->progress = progress > 0.0 ? (progress < 1.0 ? progress : 1.0) : 0.0;
  job->stage = std::string(stage);
  tx.update_job(*job);
  return {};
}

std::vector<Job> recover_jobs(Transaction& tx, const Context& context) {
  Page page;
  page.limit = 10'000;
  for (Job job : tx.jobs({}, JobState::running, page)) {
    const std::string campaign = name_of(tx, job.campaign);
    if (job.cancel_requested) {
      job.state = JobState::cancelled;
    } else if (job.attempts >= kMostAttempts) {
      job.state = JobState::failed;
      job.error = fmt::format("the service ended {} times while it ran", job.attempts);
    } else {
      job.state = JobState::scheduled;
    }
    if (job.state != JobState::scheduled) job.finished_at = context.now;
    job.progress = 0.0;
    job.stage.clear();
    tx.update_job(job);
    append_event(tx, context, campaign, "job", job.id, "recovered",
                 {{"kind", job.kind}, {"state", to_string(job.state)}});
  }
  return tx.jobs({}, JobState::scheduled, page);
}

}  // namespace kasetsu::campaign
