// Retraining and planning, off the network thread: one job at a time, in the order in which they
// were scheduled.
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
#include <stop_token>
#include <string>
#include <thread>

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
  unsigned threads = 0;      // of the search and the planner; 0: all processors
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
  bool running = false;
};

class Worker {
 public:
  // Everything given outlives the worker.
  Worker(campaign::Database& database, const campaign::Science& science, Clock clock,
         UlidSource& ids, WorkerOptions options);
  ~Worker();  // stop()

  // Puts back what a crash interrupted, and begins. Errors: those of the database.
  Status start();
  // Asks the running job to end and waits for it; it is left for the next start.
  void stop();
  // After every commit, from any thread; quick. New measurements may ask for a retraining, a
  // cancellation ends the running job.
  void wake(std::int64_t last_event);
  // Schedules the nightly retrainings that are due; the worker's thread does so by itself. Returns
  // how many were scheduled. Errors: those of the database.
  Result<int> look_at_clock();

  WorkerCounts counts() const;

 private:
  struct Outcome {
    campaign::JobState state = campaign::JobState::completed;
    Json result = Json::object();
    std::string error;
  };

  void run(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  // Schedules retrainings that the events up to `last` ask for.
  Status look_for_news(std::int64_t last);
  std::optional<campaign::Job> next_job();
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
  // What the campaign's present version says, decoded once.
  using Config = std::shared_ptr<const campaign::CampaignConfig>;
  Result<Config> config_of(const campaign::Campaign& campaign);
  campaign::Context context() const;

  campaign::Database& database_;
  const campaign::Science& science_;
  Clock clock_;
  UlidSource& ids_;
  WorkerOptions options_;
  Executor executor_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::condition_variable_any pause_;  // for waits that only a stop ends early
  // Guarded by mutex_.
  std::int64_t last_event_ = 0;
  bool look_for_cancel_ = false;
  bool waits_for_news_ = false;
  std::string running_job_;
  std::stop_source cancel_;
  WorkerCounts counts_;

  // Of the job thread only.
  std::int64_t seen_event_ = 0;
  campaign::ScienceTables tables_;
  // Of config_of, by the campaign's identifier: its newest version.
  struct Decoded {
    std::int64_t version = 0;
    Result<Config> config;  // or why the file does not read
  };
  std::map<std::string, Decoded> decoded_;
  std::map<std::string, std::optional<TimeZone>> zones_;  // by name
  std::jthread watcher_;
  std::jthread thread_;
};

}  // namespace kasetsu::jobs
