#include "daemon/jobs/worker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "core/planning/planner.h"
#include "daemon/campaign/learning/judgement.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/planning/leases.h"
#include "daemon/campaign/planning/recommend.h"
#include "daemon/campaign/records/events.h"
#include "daemon/jobs/schedule.h"

namespace kasetsu::jobs {

using campaign::Campaign;
using campaign::CampaignConfig;
using campaign::CampaignState;
using campaign::Job;
using campaign::JobState;
using campaign::Reader;
using campaign::Transaction;

namespace {

constexpr auto kProgressPause = std::chrono::milliseconds(250);

}  // namespace

Status WorkerOptions::validate() const {
  if (threads > 1024) {
    return Error{ErrorCode::invalid_argument, "too many threads", "threads",
                 fmt::format("{}", threads), "0 (all processors) to 1024"};
  }
  return {};
}

Worker::Worker(campaign::Database& database, const campaign::Science& science, Clock clock,
               UlidSource& ids, WorkerOptions options)
    : database_(database),
      science_(science),
      clock_(std::move(clock)),
      ids_(ids),
      options_(std::move(options)),
      executor_(options_.threads) {
}

Worker::~Worker() {
  stop();
}

campaign::Context Worker::context() const {
  return {clock_(), &ids_, "scheduler"};
}

Status Worker::start() {
  const Status recovered = campaign::write_and_wait(database_, [this](Transaction& tx) -> Status {
    const auto waiting = campaign::recover_jobs(tx, context());
    if (!waiting.empty()) spdlog::info("{} jobs wait from before", waiting.size());
    return {};
  });
  if (!recovered) return recovered;
  {
    const std::lock_guard lock(mutex_);
    last_event_ = std::max(last_event_, database_.last_event());
  }
  watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  return {};
}

void Worker::stop() {
  thread_.request_stop();
  watcher_.request_stop();
  if (thread_.joinable()) thread_.join();
  if (watcher_.joinable()) watcher_.join();
}

void Worker::wake(std::int64_t last_event) {
  bool somebody_waits = false;
  {
    const std::lock_guard lock(mutex_);
    last_event_ = std::max(last_event_, last_event);
    somebody_waits = waits_for_news_ || (!look_for_cancel_ && !running_job_.empty());
    look_for_cancel_ = true;
  }
  // Commits come by the thousand: waking threads that have nothing to do would cost them time.
  if (somebody_waits) changed_.notify_all();
}

WorkerCounts Worker::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

// Ends the running job when somebody asked for it in the database.
void Worker::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::string job;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return look_for_cancel_ && !running_job_.empty(); }))
        return;
      look_for_cancel_ = false;
      job = running_job_;
    }
    bool cancel = false;
    const Status status = database_.read([&](const Reader& reader) -> Status {
      const auto found = reader.find_job(job);
      cancel = found && found->cancel_requested;
      return {};
    });
    if (!status) spdlog::warn("cannot look for cancelled jobs: {}", status.error().to_string());
    if (cancel) {
      const std::lock_guard lock(mutex_);
      if (running_job_ == job) cancel_.request_stop();
    }
    // Commits may come by the thousand; looking twenty times a second is enough.
    std::unique_lock lock(mutex_);
    pause_.wait_for(lock, stop, std::chrono::milliseconds(50), [] { return false; });
  }
}

void Worker::run(const std::stop_token& stop) {
  bool first = true;
  while (!stop.stop_requested()) {
    std::int64_t last = 0;
    {
      std::unique_lock lock(mutex_);
      if (!first) {
        waits_for_news_ = true;
        changed_.wait_for(lock, stop, options_.look_every,
                          [this] { return last_event_ > seen_event_; });
        waits_for_news_ = false;
        if (stop.stop_requested()) return;
      }
      last = last_event_;
    }
    try {
      // What came in while the daemon was down, or while a job ran, is looked at first.
      const auto looked = std::chrono::steady_clock::now();
      if (const Status status = look_for_news(last); !status) {
        spdlog::error("cannot schedule retraining: {}", status.error().to_string());
      }
      const auto took = std::chrono::steady_clock::now() - looked;
      if (const Result<int> nights = look_at_clock(); !nights) {
        spdlog::error("cannot schedule nightly retraining: {}", nights.error().to_string());
      }
      first = false;
      seen_event_ = last;
      while (!stop.stop_requested()) {
        const std::optional<Job> job = next_job();
        if (!job) break;
        execute(*job, stop);
      }
      // Commits may come by the thousand; looking five times a second is enough, and less often
      // where a look takes long (stop rules of many results, a large number to wait for).
      const auto pause = std::clamp<std::chrono::steady_clock::duration>(
          4 * took, std::chrono::milliseconds(200), std::chrono::seconds(2));
      std::unique_lock lock(mutex_);
      if (last_event_ > seen_event_) pause_.wait_for(lock, stop, pause, [] { return false; });
    } catch (const std::exception& exception) {
      first = false;
      seen_event_ = last;
      spdlog::error("jobs: {}", exception.what());
    }
  }
}

Status Worker::look_for_news(std::int64_t last) {
  std::vector<Campaign> touched;
  const Status found = database_.read([&](const Reader& reader) -> Status {
    if (seen_event_ == 0) {
      touched = reader.campaigns();
      return {};
    }
    for (const std::string& name : reader.campaigns_with_news(seen_event_, last)) {
      if (auto campaign = reader.find_campaign(name)) touched.push_back(std::move(*campaign));
    }
    return {};
  });
  if (!found) return found;
  std::vector<std::string> wanted;
  for (const Campaign& campaign : touched) {
    if (campaign.state != CampaignState::active) continue;
    const Result<Config> config = config_of(campaign);
    if (!config) continue;  // said when it was decoded
    if ((*config)->stop.any()) {
      const Result<bool> done = complete_if_done(campaign, **config);
      if (!done) return done.error();
      if (*done) continue;
    }
    const Result<bool> wants =
        campaign::read_value<bool>(database_, [&](const Reader& reader) -> Result<bool> {
          return campaign::wants_retraining(reader, campaign, **config);
        });
    if (!wants) return wants.error();
    if (*wants) wanted.push_back(campaign.name);
  }
  if (wanted.empty()) return {};
  return campaign::write_and_wait(database_, [this, wanted](Transaction& tx) -> Status {
    for (const std::string& name : wanted) {
      const auto scheduled =
          campaign::schedule_job(tx, name, "retrain", campaign::kIfNew, context());
      if (!scheduled) return scheduled.error();
    }
    return {};
  });
}

std::optional<Job> Worker::next_job() {
  std::optional<Job> next;
  const Status status = database_.read([&](const Reader& reader) -> Status {
    const auto waiting = reader.jobs(std::nullopt, JobState::scheduled, {0, 1});
    if (!waiting.empty()) next = waiting.front();
    return {};
  });
  if (!status) spdlog::error("cannot read jobs: {}", status.error().to_string());
  return next;
}

Result<Worker::Config> Worker::config_of(const Campaign& campaign) {
  if (const auto known = decoded_.find(campaign.id);
      known != decoded_.end() && known->second.version == campaign.version) {
    return known->second.config;
  }
  std::optional<campaign::CampaignVersion> version;
  const Status status = database_.read([&](const Reader& reader) -> Status {
    version = reader.campaign_version(campaign.key, campaign.version);
    return {};
  });
  if (!status) return status.error();
  if (!version)
    return Error{ErrorCode::internal, "the campaign's text is missing", campaign.name, "", ""};
  Result<CampaignConfig> config = campaign::parse_campaign(version->text, campaign.name,
                                                           version->media_type, science_.supports);
  if (!config) spdlog::error("campaign {}: {}", campaign.name, config.error().to_string());
  Result<Config> kept = config
                            ? Result<Config>(std::make_shared<CampaignConfig>(std::move(*config)))
                            : Result<Config>(config.error());
  decoded_.insert_or_assign(campaign.id, Decoded{campaign.version, kept});
  return kept;
}

Result<const campaign::Science*> Worker::science_of(const CampaignConfig& config) {
  if (config.elements == "general") return &science_;
  if (const auto known = other_tables_.find(config.elements); known != other_tables_.end())
    return &known->second;
  if (!options_.read_elements) {
    return Error{ErrorCode::invalid_argument, "this daemon reads no other element tables",
                 "model.elements", config.elements, "\"general\""};
  }
  Result<chemistry::ElementTable> table = options_.read_elements(config.elements);
  if (!table) return table.error();
  return &other_tables_
              .emplace(config.elements,
                       campaign::Science{std::move(table).value(), science_.supports})
              .first->second;
}

void Worker::execute(const Job& job, const std::stop_token& stop) {
  std::optional<Campaign> campaign;
  const Status started = campaign::write_and_wait(database_, [&](Transaction& tx) -> Status {
    campaign = tx.campaign(job.campaign);
    const auto running = campaign::start_job(tx, job.id, context());
    if (!running) return running.error();
    return {};
  });
  if (!started || !campaign) {
    // Cancelled in between, or the store cannot write: nothing to do here, and no reason to spin.
    if (!started) spdlog::warn("job {}: {}", job.id, started.error().to_string());
    std::unique_lock lock(mutex_);
    pause_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    return;
  }

  std::stop_source cancel;
  {
    const std::lock_guard lock(mutex_);
    running_job_ = job.id;
    cancel_ = cancel;
    counts_.running = true;
    look_for_cancel_ = true;
  }
  changed_.notify_all();
  const std::stop_callback on_stop(stop, [&cancel] { cancel.request_stop(); });
  Control control;
  control.stop = cancel.get_token();
  auto reported = std::chrono::steady_clock::time_point{};
  control.progress = [&](double fraction, std::string_view stage) {
    const auto now = std::chrono::steady_clock::now();
    if (now - reported < kProgressPause) return;
    reported = now;
    database_.write(
        [id = job.id, fraction, text = std::string(stage)](Transaction& tx) {
          return campaign::report_progress(tx, id, fraction, text);
        },
        [](const Status&) {});  // progress is for looking at: losing one report harms nobody
  };

  spdlog::info("job {}: {} of campaign {}", job.id, job.kind, campaign->name);
  Outcome outcome;
  try {
    if (job.kind == "retrain") {
      outcome = retrain(job, *campaign, control);
    } else if (job.kind == "plan") {
      outcome = plan(job, *campaign, control);
    } else {
      outcome = {JobState::failed, Json::object(),
                 fmt::format("unknown kind of job \"{}\"", job.kind)};
    }
  } catch (const std::exception& exception) {
    outcome = {JobState::failed, Json::object(), exception.what()};
  }

  bool asked_by_person = false;
  {
    const std::lock_guard lock(mutex_);
    asked_by_person = cancel.stop_requested() && !stop.stop_requested();
    running_job_.clear();
    counts_.running = false;
    switch (outcome.state) {
      case JobState::completed:
        ++counts_.completed;
        break;
      case JobState::skipped:
        ++counts_.skipped;
        break;
      case JobState::cancelled:
        ++counts_.cancelled;
        break;
      default:
        ++counts_.failed;
    }
  }
  // A daemon that shuts down leaves its job RUNNING: the next start puts it back.
  if (outcome.state == JobState::cancelled && !asked_by_person) return;
  if (outcome.state == JobState::failed) spdlog::error("job {}: {}", job.id, outcome.error);
  const Status finished = campaign::write_and_wait(database_, [&](Transaction& tx) -> Status {
    const auto done = campaign::finish_job(tx, job.id, outcome.state, dump_json(outcome.result),
                                           outcome.error, context());
    if (!done) return done.error();
    return {};
  });
  if (!finished) spdlog::error("job {}: {}", job.id, finished.error().to_string());
}

Worker::Outcome Worker::retrain(const Job& job, const Campaign& campaign, const Control& control,
                                int batch_size) {
  const auto failed = [](const Error& error) {
    return Outcome{error.code == ErrorCode::cancelled ? JobState::cancelled : JobState::failed,
                   Json::object(), error.to_string()};
  };
  const Result<Config> decoded = config_of(campaign);
  if (!decoded) return failed(decoded.error());
  const CampaignConfig* const config = decoded->get();
  if (campaign::only_if_new(job)) {
    const Result<bool> news = campaign::read_value<bool>(
        database_,
        [&](const Reader& reader) -> Result<bool> { return campaign::has_news(reader, campaign); });
    if (!news) return failed(news.error());
    if (!*news) return {JobState::skipped, Json::object(), "nothing new since the model"};
  }
  const Result<const campaign::Science*> science = science_of(*config);
  if (!science) return failed(science.error());
  Json result = Json::object();
  result["models"] = Json::array();
  bool learnt_any = false;
  std::string why_not;
  for (const campaign::Target& target : config->targets) {
    campaign::TrainingSet rows;
    std::optional<campaign::Model> before;
    campaign::TrainingSet rows_before;
    std::vector<campaign::LedgerEntry> ledger;  // of the model before
    const Status read = database_.read([&](const Reader& reader) -> Status {
      rows = reader.training_set(campaign.key, target.name, control.stop);
      if (control.cancelled()) return cancelled_error();
      if (config->batch_offsets) campaign::tell_batches(reader, campaign.key, rows);
      before = reader.current_model(campaign.key, target.name);
      if (!before) return {};
      if (auto of = reader.training_set(before->snapshot, rows, control.stop))
        rows_before = std::move(*of);
      if (control.cancelled()) return cancelled_error();
      campaign::Page page{0, 10'000};
      while (true) {
        const auto entries = reader.ledger(campaign.key, before->id, page);
        ledger.insert(ledger.end(), entries.begin(), entries.end());
        if (static_cast<std::int64_t>(entries.size()) < page.limit) return {};
        page.after = entries.back().seq;
      }
    });
    if (!read) return failed(read.error());
    std::optional<campaign::ModelDocument> document_before;
    campaign::Judgement judgement;
    if (before) {
      Result<campaign::ModelDocument> document = campaign::read_model(before->document);
      if (document) {
        document_before = std::move(*document);
        judgement = campaign::judge(document_before->model, ledger);
      } else if (document.error().where != campaign::kModelFormatPointer) {
        return failed(document.error());
      }  // else it was written by another version of the program: replaced, not judged
    }
    const auto started = std::chrono::steady_clock::now();
    const Result<campaign::TrainingSet> to_learn = campaign::rows_to_learn(rows);
    if (!to_learn) {
      why_not = fmt::format("{}: {}", target.name, to_learn.error().to_string());
      continue;
    }
    Result<campaign::Learnt> learnt =
        campaign::learn(*to_learn, config->model, config->conditions(), **science,
                        options_.code_version, executor_, control, judgement.history);
    if (!learnt) {
      // Too little to learn from is no failure of the job.
      if (learnt.error().code != ErrorCode::bad_data) return failed(learnt.error());
      why_not = fmt::format("{}: {}", target.name, learnt.error().to_string());
      continue;
    }
    if (control.cancelled()) return {JobState::cancelled, Json::object(), "cancelled"};
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    campaign::NewModel made;
    made.property = target.name;
    made.document = learnt->text;
    made.training = std::move(rows);
    made.config_version = campaign.version;
    made.seed = config->model.search.seed;
    made.code_version = options_.code_version;
    made.mae_cv = learnt->document.model.hypotheses.front().mae_cv;
    if (learnt->document.model.honest_prediction.size() > 0)
      made.mae_nested = learnt->summary.at("mae_honest").get<double>();
    if (document_before) {
      const campaign::Promotion promotion =
          campaign::may_replace(learnt->document.model, *to_learn, ledger);
      made.candidate = !promotion.promote;
      made.status_reason = promotion.reason;
      const Result<selection::TrainingSet> now =
          campaign::training_rows(*to_learn, config->conditions(), (*science)->supports);
      if (!now) return failed(now.error());
      if (document_before->model.features.condition_names ==
          learnt->document.model.features.condition_names) {
        const Result<Json> changes =
            campaign::model_changes(document_before->model, rows_before, learnt->document.model,
                                    made.training, now->catalysts, now->conditions);
        if (!changes) return failed(changes.error());
        learnt->summary["changes"] = *changes;
        learnt->summary["changes"]["from"] = before->id;
      }
      Json eliminated = Json::array();
      for (const campaign::EliminatedHypothesis& hypothesis : judgement.eliminated)
        eliminated.push_back(hypothesis.json());
      learnt->summary["newly_eliminated"] = eliminated;
    }
    if (to_learn->rows.size() < made.training.rows.size()) {
      learnt->summary["medians_of"] = made.training.rows.size();
      spdlog::info("campaign {}: {} results of {} are learnt as {} medians of replicates",
                   campaign.name, made.training.rows.size(), target.name, to_learn->rows.size());
    }
    made.summary = dump_json(learnt->summary);
    made.seconds = seconds;
    made.job = job.id;
    const Result<campaign::Model> kept = campaign::write_and_wait<campaign::Model>(
        database_, [&](Transaction& tx) -> Result<campaign::Model> {
          const campaign::Context now = context();
          Result<campaign::Model> model = campaign::keep_model(tx, campaign.name, made, now);
          if (!model) return model.error();
          for (const campaign::EliminatedHypothesis& hypothesis : judgement.eliminated) {
            campaign::append_event(tx, now, campaign.name, "hypothesis",
                                   fmt::format("{}/{}", before->id, hypothesis.hypothesis),
                                   "eliminated", hypothesis.json());
          }
          // What is being made was proposed by an earlier model; this one, too, is held to what it
          // says of it now.
          std::vector<campaign::Proposal> open;
          for (const auto state :
               {campaign::ProposalState::requested, campaign::ProposalState::active,
                campaign::ProposalState::partial}) {
            campaign::ProposalFilter filter;
            filter.state = state;
            const auto some = tx.proposals(campaign.key, filter, {0, 10'000});
            open.insert(open.end(), some.begin(), some.end());
          }
          Result<std::vector<campaign::LedgerEntry>> entries =
              campaign::predict_proposals(learnt->document, open, (*science)->supports);
          if (!entries) return entries.error();
          for (campaign::LedgerEntry& entry : *entries) {
            if (!std::isfinite(entry.predicted)) continue;
            entry.model = model->id;
            entry.predicted_at = now.now;
            tx.insert_prediction(campaign.key, entry);
          }
          return model;
        });
    if (!kept) return failed(kept.error());
    spdlog::info("campaign {}: model {} of {} from {} rows, leave-one-out error {:.4g}, {:.1f} s",
                 campaign.name, kept->version, target.name, kept->rows, kept->mae_cv, seconds);
    result["models"].push_back(
        {{"id", kept->id}, {"version", kept->version}, {"mae_cv", kept->mae_cv}});
    learnt_any = true;
    const std::lock_guard lock(mutex_);
    counts_.fit_seconds += seconds;
  }
  if (!learnt_any) return {JobState::skipped, result, why_not};

  const Result<std::string> agreed = agreement(campaign, *config, control);
  if (!agreed) return failed(agreed.error());
  if (!agreed->empty()) {
    const Result<bool> done = complete(campaign, *agreed);
    if (!done) return failed(done.error());
    result["completed"] = *agreed;
    return {JobState::completed, result, ""};
  }
  bool open = true;
  std::optional<Campaign> now;
  const Status read = database_.read([&](const Reader& reader) -> Status {
    now = reader.campaign(campaign.key);
    open = campaign::anything_open(reader, campaign);
    return {};
  });
  if (!read) return failed(read.error());
  if (!open && now && now->state == CampaignState::active) {
    const Result<Json> planned = plan_batch(*now, *config, batch_size, control);
    if (!planned) return failed(planned.error());
    result["batch"] = *planned;
  }
  return {JobState::completed, result, ""};
}

Worker::Outcome Worker::plan(const Job& job, const Campaign& campaign, const Control& control) {
  const auto failed = [](const Error& error) {
    return Outcome{error.code == ErrorCode::cancelled ? JobState::cancelled : JobState::failed,
                   Json::object(), error.to_string()};
  };
  const Result<Config> decoded = config_of(campaign);
  if (!decoded) return failed(decoded.error());
  const CampaignConfig* const config = decoded->get();
  const Result<Json> detail = parse_json(job.detail);
  if (!detail) return failed(detail.error());
  const auto size = read_optional<std::int64_t>(*detail, "batch_size");
  if (!size) return failed(size.error());
  const int batch_size = static_cast<int>(size->value_or(0));
  bool on_offer = false;
  bool taught = false;
  const Status read = database_.read([&](const Reader& reader) -> Status {
    campaign::ProposalFilter filter;
    filter.state = campaign::ProposalState::requested;
    on_offer = !reader.proposals(campaign.key, filter, {0, 1}).empty();
    taught = campaign::wants_retraining(reader, campaign, *config);
    return {};
  });
  if (!read) return failed(read.error());
  if (on_offer) return {JobState::skipped, Json::object(), "proposals are on offer"};
  // A robot asks for the next batch as soon as it has delivered one: what that taught comes first.
  if (taught) {
    Outcome learnt = retrain(job, campaign, control, batch_size);
    if (learnt.state == JobState::cancelled || learnt.result.contains("batch") ||
        learnt.result.contains("completed")) {
      return learnt;
    }
    if (learnt.state == JobState::failed) {
      spdlog::error("campaign {}: planned without what is new: {}", campaign.name, learnt.error);
    }
  }
  const Result<Json> planned = plan_batch(campaign, *config, batch_size, control);
  if (!planned) return failed(planned.error());
  return {JobState::completed, {{"batch", *planned}}, ""};
}

Result<Json> Worker::plan_batch(const Campaign& campaign, const CampaignConfig& config, int size,
                                const Control& control) {
  std::string model_id;
  const Result<campaign::RecommendInput> input = recommend_input(campaign, config, model_id);
  if (!input) return input.error();
  const Result<const campaign::Science*> science = science_of(config);
  if (!science) return science.error();
  const Result<campaign::Recommendation> recommended =
      campaign::recommend(config, *input, size, **science, executor_, control);
  if (!recommended) return recommended.error();
  campaign::PlannedBatch batch = recommended->batch;
  batch.model = model_id;
  const Result<campaign::IssuedBatch> issued = campaign::write_and_wait<campaign::IssuedBatch>(
      database_,
      [&](Transaction& tx) { return campaign::issue_batch(tx, campaign.name, batch, context()); });
  if (!issued) return issued.error();
  return Json{{"id", issued->batch.id},
              {"proposals", issued->proposals.size()},
              {"left_out", issued->left_out.size()},
              {"notes", recommended->plan.notes}};
}

}  // namespace kasetsu::jobs
