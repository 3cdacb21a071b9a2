// Retraining and planning, off the network thread: one job at a time, in the order in which they
// were scheduled.
//
// A retraining learns from the campaign's live measurements, keeps the model, and plans the next
// batch when nothing of the last one is open any more. Jobs live in the database: after a crash
// they begin again (campaign::recover_jobs).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "core/control.h"
#include "core/executor.h"
#include "core/result.h"
#include "daemon/campaign/config.h"
#include "daemon/campaign/database.h"
#include "daemon/campaign/retrain.h"
#include "daemon/campaign/ulid.h"

namespace kasetsu::jobs {

struct WorkerOptions {
  unsigned threads = 0;      // of the search and the planner; 0: all processors
  std::string code_version;  // goes into every model
  // Reads an element table for a campaign that names its own file; empty: such campaigns fail with
  // a sentence.
  std::function<Result<chemistry::ElementTable>(const std::string& path)> read_elements;
  Status validate() const;
};

struct WorkerCounts {
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t skipped = 0;
  double fit_seconds = 0.0;  // wall, of all retrainings
  bool running = false;
};

class Worker {
 public:
  // Everything given outlives the worker.
  Worker(campaign::Database& database, const campaign::Science& science, campaign::Clock clock,
         campaign::UlidSource& ids, WorkerOptions options);
  ~Worker();  // stop()

  // Puts back what a crash interrupted, and begins. Errors: those of the database.
  Status start();
  // Asks the running job to end and waits for it; it is left for the next start.
  void stop();
  // After every commit, from any thread; quick. New measurements may ask for a retraining, a
  // cancellation ends the running job.
  void wake(std::int64_t last_event);

  WorkerCounts counts() const;

 private:
  struct Outcome {
    campaign::JobState state = campaign::JobState::completed;
    campaign::Json result = campaign::Json::object();
    std::string error;
  };

  void run(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  // Schedules retrainings that the events up to `last` ask for.
  Status look_for_news(std::int64_t last);
  std::optional<campaign::Job> next_job();
  void execute(const campaign::Job& job, const std::stop_token& stop);
  Outcome retrain(const campaign::Job& job, const campaign::Campaign& campaign,
                  const Control& control);
  Outcome plan(const campaign::Job& job, const campaign::Campaign& campaign,
               const Control& control);
  // Plans a batch and issues it; `size` 0: as the campaign says.
  Result<campaign::Json> plan_batch(const campaign::Campaign& campaign,
                                    const campaign::CampaignConfig& config, int size,
                                    const Control& control);
  // The tables that a campaign asks for.
  Result<const campaign::Science*> science_of(const campaign::CampaignConfig& config);
  Result<campaign::CampaignConfig> config_of(const campaign::Campaign& campaign) const;
  campaign::Context context() const;

  campaign::Database& database_;
  const campaign::Science& science_;
  campaign::Clock clock_;
  campaign::UlidSource& ids_;
  WorkerOptions options_;
  Executor executor_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_.
  std::int64_t last_event_ = 0;
  bool look_for_cancel_ = false;
  std::string running_job_;
  std::stop_source cancel_;
  WorkerCounts counts_;

  // Of the job thread only.
  std::int64_t seen_event_ = 0;
  std::map<std::string, campaign::Science> other_tables_;  // by the path that a campaign names
  std::jthread watcher_;
  std::jthread thread_;
};

}  // namespace kasetsu::jobs
