#include "daemon/jobs/worker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

#include "daemon/base/system.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/planning/next_batch.h"
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
constexpr auto kLongestPause = std::chrono::seconds(2);  // between two looks while there is news
// Campaigns whose jobs run side by side; the system shares the processors among them.
constexpr int kLanes = 2;

// Calls `end` however a block is left.
template <typename End>
class AtEnd {
 public:
  explicit AtEnd(End end) : end_(std::move(end)) {}
  ~AtEnd() { end_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  End end_;
};

}  // namespace

Worker::Outcome Worker::failed(const Error& error) {
  return {error.code == ErrorCode::cancelled ? JobState::cancelled : JobState::failed,
          Json::object(), error.to_string()};
}

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
      executor_(options_.threads),
      tables_(science, options_.read_elements) {
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
  scheduler_ = std::jthread([this](const std::stop_token& stop) { schedule(stop); });
  for (int lane = 0; lane < kLanes; ++lane)
    lanes_.emplace_back([this](const std::stop_token& stop) { run_jobs(stop); });
  return {};
}

void Worker::stop() {
  scheduler_.request_stop();
  watcher_.request_stop();
  for (std::jthread& lane : lanes_) lane.request_stop();
  if (scheduler_.joinable()) scheduler_.join();
  lanes_.clear();  // waits for each
  if (watcher_.joinable()) watcher_.join();
}

void Worker::wake(std::int64_t last_event) {
  bool somebody_waits = false;
  {
    const std::lock_guard lock(mutex_);
    last_event_ = std::max(last_event_, last_event);
    somebody_waits = waits_for_news_ || (!look_for_cancel_ && !running_.empty());
    look_for_cancel_ = true;
  }
  // Commits come by the thousand: waking threads that have nothing to do would cost them time.
  if (somebody_waits) changed_.notify_all();
}

WorkerCounts Worker::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

// Ends running jobs when somebody asked for it in the database.
void Worker::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<std::string> jobs;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return look_for_cancel_ && !running_.empty(); }))
        return;
      look_for_cancel_ = false;
      for (const auto& [id, job] : running_) jobs.push_back(id);
    }
    std::vector<std::string> cancelled;
    const Status status = database_.read([&](const Reader& reader) -> Status {
      for (const std::string& id : jobs) {
        const auto found = reader.find_job(id);
        if (found && found->cancel_requested) cancelled.push_back(id);
      }
      return {};
    });
    if (!status) spdlog::warn("cannot look for cancelled jobs: {}", status.error().to_string());
    std::unique_lock lock(mutex_);
    for (const std::string& id : cancelled) {
      if (const auto job = running_.find(id); job != running_.end())
        job->second.cancel.request_stop();
    }
    // Commits may come by the thousand; looking twenty times a second is enough.
    pause_.wait_for(lock, stop, std::chrono::milliseconds(50), [] { return false; });
  }
}

void Worker::schedule(const std::stop_token& stop) {
  bool first = true;
  while (!stop.stop_requested()) {
    std::int64_t last = 0;
    {
      std::unique_lock lock(mutex_);
      if (!first) {
        waits_for_news_ = true;
        changed_.wait_for(lock, stop, options_.look_every,
                          [this] { return last_event_ > seen_event_ || look_again_; });
        waits_for_news_ = false;
        if (stop.stop_requested()) return;
      }
      last = last_event_;
      look_again_ = false;
    }
    first = false;
    const auto began = std::chrono::steady_clock::now();
    const bool done = look(last);
    const auto took = std::chrono::steady_clock::now() - began;
    // Commits may come by the thousand; looking five times a second is enough, and less often
    // where a look takes long (stop rules of many results, a large number to wait for).
    const auto pause = std::clamp<std::chrono::steady_clock::duration>(
        4 * took, std::chrono::milliseconds(200), kLongestPause);
    std::unique_lock lock(mutex_);
    ++looks_;
    offered_.notify_all();
    // A full disk does not get better by trying more often.
    if (!done) look_again_ = true;
    if (!done || last_event_ > seen_event_) {
      pause_.wait_for(lock, stop, done ? pause : kLongestPause, [] { return false; });
    }
  }
}

bool Worker::look(std::int64_t last) {
  bool done = false;
  try {
    // What came in while the daemon was down is looked at first.
    const Status status = look_for_news(last);
    done = status.ok();
    if (!done) spdlog::error("cannot schedule retraining: {}", status.error().to_string());
    if (const Result<int> nights = look_at_clock(); !nights) {
      spdlog::error("cannot schedule nightly retraining: {}", nights.error().to_string());
    }
  } catch (const std::exception& exception) {
    spdlog::error("jobs: {}", exception.what());
  }
  // What a look that failed did not see is there at the next one.
  if (done) seen_event_ = last;
  return done;
}

void Worker::run_jobs(const std::stop_token& stop) {
  give_way();
  std::uint64_t seen = 0;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!offered_.wait(lock, stop, [&] { return looks_ > seen; })) return;
      seen = looks_;
    }
    try {
      while (!stop.stop_requested()) {
        const std::optional<Job> job = take_job();
        if (!job) break;
        const AtEnd leaving([&] { leave(*job); });
        execute(*job, stop);
      }
    } catch (const std::exception& exception) {
      spdlog::error("jobs: {}", exception.what());
    }
  }
}

Result<std::vector<Campaign>> Worker::with_news(std::int64_t last,
                                                std::set<std::string>& still_busy) {
  std::vector<Campaign> touched;
  std::set<std::string> names = busy_at_last_look_;
  const std::set<std::int64_t> busy = busy_campaigns();
  const Status found = database_.read([&](const Reader& reader) -> Status {
    if (seen_event_ == 0) {
      touched = reader.campaigns();
      return {};
    }
    for (std::string& name : reader.campaigns_with_news(seen_event_, last))
      names.insert(std::move(name));
    for (const std::string& name : names) {
      auto campaign = reader.find_campaign(name);
      if (!campaign) continue;
      if (busy.contains(campaign->key)) {
        still_busy.insert(name);
      } else {
        touched.push_back(std::move(*campaign));
      }
    }
    return {};
  });
  if (!found) return found.error();
  return touched;
}

Result<bool> Worker::asks_for_retraining(const Campaign& campaign) {
  if (campaign.state != CampaignState::active) return false;
  const Result<Config> config = config_of(campaign);
  if (!config) return false;  // said when it was decoded
  if ((*config)->stop.any()) {
    const Result<bool> done = campaign::complete_if_done(database_, campaign, **config, context());
    if (!done) return done.error();
    if (*done) return false;
  }
  return campaign::read_value<bool>(database_, [&](const Reader& reader) -> Result<bool> {
    return campaign::wants_retraining(reader, campaign, **config);
  });
}

Status Worker::look_for_news(std::int64_t last) {
  std::set<std::string> still_busy;  // and those that could not be asked
  const Result<std::vector<Campaign>> touched = with_news(last, still_busy);
  if (!touched) return touched.error();
  std::vector<Campaign> wanted;
  for (const Campaign& campaign : *touched) {
    const Result<bool> asks = asks_for_retraining(campaign);
    if (!asks) {
      // The others do not wait for it; the next look asks it again.
      spdlog::error("campaign {}: {}", campaign.name, asks.error().to_string());
      still_busy.insert(campaign.name);
    } else if (*asks) {
      wanted.push_back(campaign);
    }
  }
  const Status written = wanted.empty() ? Status() : schedule_retraining(wanted, still_busy);
  if (written) busy_at_last_look_ = std::move(still_busy);
  return written;
}

Status Worker::schedule_retraining(const std::vector<Campaign>& wanted,
                                   std::set<std::string>& still_busy) {
  return campaign::write_and_wait(database_, [&](Transaction& tx) -> Status {
    const std::set<std::int64_t> busy = busy_campaigns();
    for (const Campaign& campaign : wanted) {
      if (busy.contains(campaign.key)) {
        still_busy.insert(campaign.name);
        continue;
      }
      const auto scheduled =
          campaign::schedule_job(tx, campaign.name, "retrain", campaign::kIfNew, context());
      if (!scheduled) return scheduled.error();
    }
    return {};
  });
}

std::set<std::int64_t> Worker::busy_campaigns() const {
  std::set<std::int64_t> busy;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, job] : running_) busy.insert(job.campaign);
  return busy;
}

std::optional<Job> Worker::take_job() {
  const std::lock_guard choosing(taking_);
  const std::set<std::int64_t> busy = busy_campaigns();
  std::optional<Job> next;
  const Status status = database_.read([&](const Reader& reader) -> Status {
    for (Job& job : reader.jobs(std::nullopt, JobState::scheduled, {0, 1000})) {
      if (busy.contains(job.campaign)) continue;
      next = std::move(job);
      return {};
    }
    return {};
  });
  if (!status) spdlog::error("cannot read jobs: {}", status.error().to_string());
  if (!next) return std::nullopt;
  const std::lock_guard lock(mutex_);
  running_.emplace(next->id, Running{next->campaign, {}});
  return next;
}

void Worker::leave(const Job& job) {
  {
    const std::lock_guard lock(mutex_);
    running_.erase(job.id);
    look_again_ = true;
    ++looks_;
  }
  changed_.notify_all();
  offered_.notify_all();
}

Result<Worker::Config> Worker::config_of(const Campaign& campaign) {
  std::unique_lock lock(mutex_);
  if (const auto known = decoded_.find(campaign.id);
      known != decoded_.end() && known->second.version == campaign.version) {
    return known->second.config;
  }
  lock.unlock();
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
  lock.lock();
  decoded_.insert_or_assign(campaign.id, Decoded{campaign.version, kept});
  return kept;
}

std::optional<Campaign> Worker::begin(const Job& job) {
  std::optional<Campaign> campaign;
  const Status started = campaign::write_and_wait(database_, [&](Transaction& tx) -> Status {
    campaign = tx.campaign(job.campaign);
    const auto running = campaign::start_job(tx, job.id, context());
    return running ? Status() : Status(running.error());
  });
  if (started) return campaign;
  // It was cancelled in between, or the store cannot write.
  spdlog::warn("job {}: {}", job.id, started.error().to_string());
  return std::nullopt;
}

Control Worker::control_of(const Job& job, std::stop_token cancelled) {
  Control control;
  control.stop = std::move(cancelled);
  control.progress = [this, id = job.id, reported = std::chrono::steady_clock::time_point{}](
                         double fraction, std::string_view stage) mutable {
    const auto now = std::chrono::steady_clock::now();
    if (now - reported < kProgressPause) return;
    reported = now;
    database_.write(
        [id, fraction, text = std::string(stage)](Transaction& tx) {
          return campaign::report_progress(tx, id, fraction, text);
        },
        [](const Status&) {});  // progress is for looking at: losing one report harms nobody
  };
  return control;
}

void Worker::execute(const Job& job, const std::stop_token& stop) {
  const std::optional<Campaign> campaign = begin(job);
  if (!campaign) {
    // There is no reason to spin.
    std::unique_lock lock(mutex_);
    pause_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    return;
  }
  std::stop_source cancel;
  {
    const std::lock_guard lock(mutex_);
    cancel = running_.at(job.id).cancel;
    ++counts_.running;
    look_for_cancel_ = true;
  }
  changed_.notify_all();
  const std::stop_callback on_stop(stop, [&cancel] { cancel.request_stop(); });
  const Control control = control_of(job, cancel.get_token());
  spdlog::info("job {}: {} of campaign {}", job.id, job.kind, campaign->name);
  Outcome outcome;
  try {
    outcome = run_job(job, *campaign, control);
  } catch (const std::exception& exception) {
    outcome = {JobState::failed, Json::object(), exception.what()};
  }
  bool asked_by_person = false;
  {
    const std::lock_guard lock(mutex_);
    asked_by_person = cancel.stop_requested() && !stop.stop_requested();
    --counts_.running;
    counts_.completed += outcome.state == JobState::completed ? 1 : 0;
    counts_.skipped += outcome.state == JobState::skipped ? 1 : 0;
    counts_.cancelled += outcome.state == JobState::cancelled ? 1 : 0;
    counts_.failed += outcome.state == JobState::failed ? 1 : 0;
  }
  // A daemon that shuts down leaves its job RUNNING: the next start puts it back.
  if (outcome.state == JobState::cancelled && !asked_by_person) return;
  if (outcome.state == JobState::failed) spdlog::error("job {}: {}", job.id, outcome.error);
  const Status finished = campaign::write_and_wait(database_, [&](Transaction& tx) -> Status {
    const auto done = campaign::finish_job(tx, job.id, outcome.state, dump_json(outcome.result),
                                           outcome.error, context());
    return done ? Status() : Status(done.error());
  });
  if (!finished) spdlog::error("job {}: {}", job.id, finished.error().to_string());
}

Worker::Outcome Worker::run_job(const Job& job, const Campaign& campaign, const Control& control) {
  if (campaign.state != CampaignState::active) {
    return {JobState::skipped, Json::object(),
            fmt::format("the campaign is {}", to_string(campaign.state))};
  }
  const Result<Config> config = config_of(campaign);
  if (!config) return failed(config.error());
  const Result<const campaign::Science*> science = tables_.of(**config);
  if (!science) return failed(science.error());
  const campaign::Workbench bench{database_,
                                  campaign,
                                  **config,
                                  **science,
                                  executor_,
                                  control,
                                  [this] { return context(); },
                                  options_.code_version};
  if (job.kind == "retrain") return retrain(job, bench, 0);
  if (job.kind == "plan") return plan(job, bench);
  return {JobState::failed, Json::object(), fmt::format("unknown kind of job \"{}\"", job.kind)};
}

Worker::Outcome Worker::retrain(const Job& job, const campaign::Workbench& bench, int batch_size) {
  if (campaign::only_if_new(job)) {
    const Result<bool> news =
        campaign::read_value<bool>(database_, [&](const Reader& reader) -> Result<bool> {
          return campaign::has_news(reader, bench.campaign);
        });
    if (!news) return failed(news.error());
    if (!*news) return {JobState::skipped, Json::object(), "nothing new since the model"};
  }
  const Result<campaign::Retrained> made = campaign::retrain(bench, job.id);
  if (!made) return failed(made.error());
  {
    const std::lock_guard lock(mutex_);
    counts_.fit_seconds += made->seconds;
  }
  Json result = {{"models", made->models}, {"left_out", made->left_out}};
  if (made->models.empty()) return {JobState::skipped, result, made->why_none};
  const Result<Json> followed = campaign::follow_up(bench, batch_size);
  if (!followed) return failed(followed.error());
  result.update(*followed);
  return {JobState::completed, result, ""};
}

Worker::Outcome Worker::plan(const Job& job, const campaign::Workbench& bench) {
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
    on_offer = !reader.proposals(bench.campaign.key, filter, {0, 1}).empty();
    taught = campaign::wants_retraining(reader, bench.campaign, bench.config);
    return {};
  });
  if (!read) return failed(read.error());
  if (on_offer) return {JobState::skipped, Json::object(), "proposals are on offer"};
  // A robot asks for the next batch as soon as it has delivered one: what that taught comes first.
  if (taught) {
    Outcome learnt = retrain(job, bench, batch_size);
    if (learnt.state == JobState::cancelled || learnt.result.contains("batch") ||
        learnt.result.contains("completed")) {
      return learnt;
    }
    if (learnt.state == JobState::failed) {
      spdlog::error("campaign {}: planned without what is new: {}", bench.campaign.name,
                    learnt.error);
    }
  }
  const Result<Json> planned = campaign::plan_batch(bench, batch_size);
  if (!planned) return failed(planned.error());
  return {JobState::completed, {{"batch", *planned}}, ""};
}

const TimeZone* Worker::zone_of(const Campaign& campaign, const std::string& name) {
  if (const auto known = zones_.find(name); known != zones_.end())
    return known->second ? &*known->second : nullptr;
  Result<TimeZone> found = TimeZone::read(name);
  if (!found) {
    spdlog::error("campaign {}: retrain.time_zone: {}", campaign.name, found.error().to_string());
  }
  auto& kept = zones_[name];
  if (found) kept = std::move(*found);
  return kept ? &*kept : nullptr;
}

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
    const TimeZone* const zone = zone_of(campaign, retrain.time_zone);
    if (zone == nullptr) continue;
    const campaign::Context now = context();
    const Result<bool> asks =
        campaign::read_value<bool>(database_, [&](const Reader& reader) -> Result<bool> {
          return campaign::clock_asks(reader, campaign, retrain, *zone, now.now);
        });
    if (!asks) return asks.error();
    if (!*asks) continue;
    bool job = false;
    const Result<std::string> line = campaign::write_and_wait<std::string>(
        database_, [&](Transaction& tx) -> Result<std::string> {
          const auto waiting = [&] {
            return tx.jobs(campaign.key, JobState::scheduled, {0, 1000}).size();
          };
          const std::size_t before = waiting();
          auto done = campaign::look_at_clock(tx, campaign, retrain, *zone, now);
          job = waiting() > before;
          return done;
        });
    if (!line) return line.error();
    if (!line->empty()) spdlog::info("nightly: {}", *line);
    scheduled += job ? 1 : 0;
  }
  return scheduled;
}

}  // namespace kasetsu::jobs
