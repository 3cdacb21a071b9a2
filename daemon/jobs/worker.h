// Retraining and planning, off the network thread: a job of one campaign and a job of another side
// by side, in the order in which they were scheduled, so that a large campaign does not hold up the
// small ones. Jobs of one campaign follow one another.
//
// A retraining learns from the campaign's live measurements, keeps the model, and plans the next
// batch when nothing of the last one is open any more. Jobs live in the database: after a crash
// they begin again (campaign::recover_jobs).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "daemon/base/time_zone.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/learning/retrain.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::jobs {

struct WorkerOptions {
  unsigned threads = 0;      // of the search and the planner of a job; 0: all processors
  std::string code_version;  // goes into every model
  // Reads an element table for a campaign that names its own file; empty: such campaigns fail with
  // a sentence.
  std::function<Result<chemistry::ElementTable>(const std::string& path)> read_elements;
  // How often the clock is looked at for nightly retraining.
  std::chrono::milliseconds look_every{5'000};
  Status validate() const;
};

struct WorkerCounts {
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t skipped = 0;
  double fit_seconds = 0.0;  // wall, of all retrainings
  int running = 0;
};

class Worker {
 public:
  // Everything given outlives the worker.
  Worker(campaign::Database& database, const campaign::Science& science, Clock clock,
         UlidSource& ids, WorkerOptions options);
  ~Worker();  // stop()

  // Puts back what a crash interrupted, and begins. Errors: those of the database.
  Status start();
  // Asks the running jobs to end and waits for them; they are left for the next start.
  void stop();
  // After every commit, from any thread; quick. New measurements may ask for a retraining, a
  // cancellation ends a running job.
  void wake(std::int64_t last_event);
  // Schedules the nightly retrainings that are due; the worker's threads do so by themselves.
  // Returns how many were scheduled. Errors: those of the database.
  Result<int> look_at_clock();

  WorkerCounts counts() const;

 private:
  struct Outcome {
    campaign::JobState state = campaign::JobState::completed;
    Json result = Json::object();
    std::string error;
  };

  // Thread that schedules, one of those that run jobs, and the one that ends cancelled jobs.
  void schedule(const std::stop_token& stop);
  void run_jobs(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  // What the events up to `last` and the clock ask for. False: it has to be looked at again.
  bool look(std::int64_t last);
  // Schedules retrainings that the events up to `last` ask for. A campaign whose job runs is looked
  // at when that job has ended: its model is judged by what is new then.
  Status look_for_news(std::int64_t last);
  // still_busy: of those with news, the ones whose job runs.
  Result<std::vector<campaign::Campaign>> with_news(std::int64_t last,
                                                    std::set<std::string>& still_busy);
  // Adds those whose job began meanwhile to `still_busy`.
  Status schedule_retraining(const std::vector<campaign::Campaign>& wanted,
                             std::set<std::string>& still_busy);
  Result<bool> asks_for_retraining(const campaign::Campaign& campaign);
  // Campaigns whose job some thread has taken, by number: what the database calls running may be
  // what could not be ended there.
  std::set<std::int64_t> busy_campaigns() const;
  // The first job that waits and whose campaign has no job running; it is this thread's from here
  // on, until leave().
  std::optional<campaign::Job> take_job();
  void leave(const campaign::Job& job);
  static Outcome failed(const Error& error);
  std::optional<campaign::Campaign> begin(const campaign::Job& job);
  Control control_of(const campaign::Job& job, std::stop_token cancelled);
  void execute(const campaign::Job& job, const std::stop_token& stop);
  Outcome run_job(const campaign::Job& job, const campaign::Campaign& campaign,
                  const Control& control);
  // batch_size 0: as the campaign says.
  Outcome retrain(const campaign::Job& job, const campaign::Workbench& bench, int batch_size);
  Outcome plan(const campaign::Job& job, const campaign::Workbench& bench);
  // Null where it cannot be read, which is said once.
  const TimeZone* zone_of(const campaign::Campaign& campaign, const std::string& name);
  // What the campaign's present version says, decoded once. From any thread.
  using Config = std::shared_ptr<const campaign::CampaignConfig>;
  Result<Config> config_of(const campaign::Campaign& campaign);
  campaign::Context context() const;

  campaign::Database& database_;
  const campaign::Science& science_;
  Clock clock_;
  UlidSource& ids_;
  WorkerOptions options_;
  Executor executor_;

  // A job from the moment in which a thread takes it until its end is written.
  struct Running {
    std::int64_t campaign = 0;  // its number
    std::stop_source cancel;
  };

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;  // for the threads that schedule and watch
  std::condition_variable_any offered_;  // for those that run jobs
  std::condition_variable_any pause_;    // for waits that only a stop ends early
  // Guarded by mutex_.
  std::int64_t last_event_ = 0;
  std::uint64_t looks_ = 0;  // of the scheduling thread, and ends of jobs: jobs may wait
  bool look_again_ = false;  // a job has ended
  bool look_for_cancel_ = false;
  bool waits_for_news_ = false;
  std::map<std::string, Running> running_;  // by the job's identifier
  WorkerCounts counts_;
  // Of config_of, by the campaign's identifier: its newest version.
  struct Decoded {
    std::int64_t version = 0;
    Result<Config> config;  // or why the file does not read
  };
  std::map<std::string, Decoded> decoded_;

  std::mutex taking_;  // one thread chooses its next job at a time

  // Of the scheduling thread only.
  std::int64_t seen_event_ = 0;
  std::set<std::string> busy_at_last_look_;               // campaigns to look at again
  std::map<std::string, std::optional<TimeZone>> zones_;  // by name

  campaign::ScienceTables tables_;
  std::jthread watcher_;
  std::jthread scheduler_;
  std::vector<std::jthread> lanes_;
};

}  // namespace kasetsu::jobs
