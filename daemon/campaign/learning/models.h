// What retraining reads and leaves: training sets, models, predictions; and the jobs that do it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// Recomputed from the rows: TrainingSet::snapshot.
Digest snapshot_digest(const TrainingSet& set);

// Writes into each row in which batch it was measured: "batch 3" by the batches' numbers, for the
// answer to a proposal; "run R of S" for others of a run with a name of the source S, "run R"
// without a source; "given" for the rest.
void tell_batches(const Reader& reader, std::int64_t campaign, TrainingSet& set);

struct NewModel {
  std::string property;
  std::string document;
  TrainingSet training;  // as it was read
  std::int64_t config_version = 1;
  std::uint64_t seed = 0;
  std::string code_version;
  double mae_cv = 0.0;
  std::optional<double> mae_nested;
  std::string summary;  // JSON
  double seconds = 0.0;
  std::string job;         // id
  bool candidate = false;  // kept beside the current model, with `status_reason`
  std::string status_reason;
};

// Writes the model under the next version number, with the measurements that it used. Unless it is
// a candidate, the one before it becomes "retired". Errors: not_found.
Result<Model> keep_model(Transaction& tx, std::string_view campaign, const NewModel& model,
                         const Context& context);
// Makes a candidate (or an older model) the current one.
Result<Model> promote_model(Transaction& tx, std::string_view model, std::string_view reason,
                            const Context& context);

// True when there is no model of the property yet, or live measurements or the configuration
// changed since the newest one.
bool has_news(const Reader& reader, const Campaign& campaign, std::string_view property);

// Jobs. A job of the same kind that still waits for the same campaign is returned instead of a
// second one (ten batches while one trains make one retraining). Errors: not_found; conflict
// (the campaign is not ACTIVE).
struct ScheduledJob {
  Job job;
  bool created = true;
};
Result<ScheduledJob> schedule_job(Transaction& tx, std::string_view campaign, std::string_view kind,
                                  std::string_view detail, const Context& context);
// SCHEDULED -> RUNNING. Errors: not_found, conflict.
Result<Job> start_job(Transaction& tx, std::string_view job, const Context& context);
// RUNNING -> COMPLETED, FAILED, CANCELLED or SKIPPED; `result` JSON.
Result<Job> finish_job(Transaction& tx, std::string_view job, JobState state,
                       std::string_view result, std::string_view error, const Context& context);
// SCHEDULED -> CANCELLED; RUNNING gets cancel_requested, which whoever runs it watches.
Result<Job> cancel_job(Transaction& tx, std::string_view job, const Context& context);
// Without an event: progress is for looking at.
Status report_progress(Transaction& tx, std::string_view job, double progress,
                       std::string_view stage);
// At start: RUNNING jobs of a process that is gone are SCHEDULED again, or FAILED after their third
// attempt. Returns what is SCHEDULED then, oldest first.
std::vector<Job> recover_jobs(Transaction& tx, const Context& context);

}  // namespace kasetsu::campaign
