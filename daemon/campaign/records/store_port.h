// The ports of the store: what a campaign's use cases ask of the database, and no more.
// daemon/store implements them with SQLite.
//
// Methods of Reader and Transaction return plain values. A store that cannot go on (full disk, I/O
// error) unwinds out of the task; Database::write then rolls the task back and reports storage_full
// or storage_failed, Database::read the same. Use cases therefore only return the failures that
// they decide.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "daemon/campaign/records/replicates.h"
#include "daemon/campaign/records/types.h"

namespace kasetsu {
class UlidSource;
}

namespace kasetsu::campaign {

// The largest delivery, which is kept whole: no setting of a door promises more.
inline constexpr std::int64_t kLargestContentMiB = 256;

// What a use case needs beside the database. `ids` outlives the call.
struct Context {
  Time now;
  UlidSource* ids = nullptr;
  std::string actor;  // who asks: a token's name, "local", "scheduler"; kept in events
};

struct MeasurementFilter {
  std::string property;               // empty: all
  std::string catalyst;               // canonical key; empty: all
  bool live_only = false;             // without retracted, excluded and superseded ones
  std::optional<std::string> ingest;  // id
  std::optional<Time> received_from;  // came then or later
};

struct ProposalFilter {
  std::optional<ProposalState> state;
  std::string batch;   // id; empty: all
  std::string client;  // empty: all
};

// A reply kept under an idempotency key, for requests that are not deliveries.
struct KeptReply {
  Digest body;
  std::int64_t status = 0;
  std::string reply;
};

struct Counts {
  std::int64_t campaigns = 0, catalysts = 0, runs = 0, measurements = 0, ingests = 0,
               quarantined = 0, proposals = 0, models = 0, events = 0;
};

// Pages are ordered by seq, rising, and begin after page.after; a page that is full may have a next
// one. A use case takes the port of its subject, or Reader and Transaction, which are all of them.

// Campaigns, catalysts, samples, events and small things.
class CampaignReader {
 public:
  virtual ~CampaignReader() = default;

  // `key` is Campaign::key.
  virtual std::optional<Campaign> find_campaign(std::string_view name) const = 0;
  virtual std::optional<Campaign> campaign(std::int64_t key) const = 0;
  virtual std::vector<Campaign> campaigns() const = 0;  // by name
  virtual std::optional<CampaignVersion> campaign_version(std::int64_t key,
                                                          std::int64_t version) const = 0;
  virtual std::vector<CampaignVersion> campaign_versions(std::int64_t key) const = 0;
  virtual std::vector<Property> properties(std::int64_t key) const = 0;  // in the file's order
  virtual std::optional<CatalystRow> find_catalyst(std::string_view canonical) const = 0;
  virtual std::optional<CatalystRow> catalyst(std::int64_t key) const = 0;
  // Keys of earlier versions that are others now, and those that others became; by both.
  virtual std::vector<RenewedKey> renewed_keys(std::int64_t campaign) const = 0;
  // The key that a key of an earlier version is in this campaign now; any other is itself.
  virtual std::string present_key(std::int64_t campaign, std::string_view canonical) const = 0;
  // Catalyst of a sample's label in a campaign.
  virtual std::optional<std::int64_t> sample_catalyst(std::int64_t campaign,
                                                      std::string_view label) const = 0;
  // Names of the campaigns with events after `after`, up to `last`; those of jobs and models do not
  // count. Sorted.
  virtual std::vector<std::string> campaigns_with_news(std::int64_t after,
                                                       std::int64_t last) const = 0;
  // Events after `after`, at most `limit`; campaign empty: all.
  virtual std::vector<Event> events(std::int64_t after, std::int64_t limit,
                                    std::string_view campaign) const = 0;
  virtual std::int64_t last_event() const = 0;

  virtual std::optional<KeptReply> kept_reply(std::string_view scope,
                                              std::string_view key) const = 0;
  virtual std::string setting(std::string_view name) const = 0;  // empty: not set
  virtual Counts counts() const = 0;
};

// Deliveries, runs, measurements and quarantine.
class ResultReader {
 public:
  virtual ~ResultReader() = default;

  virtual std::optional<Ingest> find_ingest(std::string_view id) const = 0;
  // An idempotency key is its actor's: the same key of another one is another key.
  virtual std::optional<Ingest> ingest_by_key(std::int64_t campaign, std::string_view actor,
                                              std::string_view key) const = 0;
  virtual std::vector<Ingest> ingests(std::int64_t campaign, const Page& page) const = 0;
  virtual std::optional<Ingest> newest_ingest(std::int64_t campaign) const = 0;
  virtual std::optional<std::string> content(std::int64_t ingest) const = 0;  // raw bytes
  virtual std::vector<Run> runs_between(std::int64_t first, std::int64_t last) const = 0;
  virtual std::optional<Measurement> find_measurement(std::string_view id) const = 0;
  virtual std::vector<Measurement> measurements_of_run(std::int64_t run) const = 0;
  virtual std::int64_t run_of_measurement(std::string_view id) const = 0;  // seq; 0: none
  virtual std::vector<Measurement> measurements(std::int64_t campaign,
                                                const MeasurementFilter& filter,
                                                const Page& page) const = 0;
  // Values of the newest live measurements of a property of a catalyst under exactly these
  // conditions.
  virtual std::vector<double> replicates(std::int64_t campaign, std::string_view property,
                                         std::int64_t catalyst, std::string_view conditions,
                                         std::int64_t limit) const = 0;
  // The unit that a property's measurements are in, live ones or not, whether the campaign knows
  // the property now or not; none: it has no measurement.
  virtual std::optional<std::string> measured_unit(std::int64_t campaign,
                                                   std::string_view property) const = 0;
  virtual std::int64_t count_measurements(std::int64_t campaign) const = 0;  // live ones
  virtual bool any_measured(std::int64_t campaign) const = 0;  // whether a measurement is live
  virtual std::optional<QuarantinedRow> find_quarantined(std::string_view id) const = 0;
  virtual std::vector<QuarantinedRow> quarantined_of_ingest(std::int64_t ingest) const = 0;
  virtual std::vector<QuarantinedRow> quarantined(std::int64_t campaign,
                                                  std::optional<QuarantineState> state,
                                                  const Page& page) const = 0;
  virtual std::int64_t count_quarantined(std::int64_t campaign, QuarantineState state) const = 0;
};

// Batches and proposals.
class ProposalReader {
 public:
  virtual ~ProposalReader() = default;

  virtual std::optional<Batch> find_batch(std::string_view id) const = 0;
  virtual std::vector<Batch> batches(std::int64_t campaign, const Page& page) const = 0;
  // All of them, without their summaries.
  virtual std::vector<Batch> all_batches(std::int64_t campaign) const = 0;
  virtual std::int64_t count_batches(std::int64_t campaign) const = 0;
  virtual std::optional<Proposal> find_proposal(std::string_view id) const = 0;
  virtual std::vector<Proposal> proposals(std::int64_t campaign, const ProposalFilter& filter,
                                          const Page& page) const = 0;
  // Those that a result of this catalyst may answer: ACTIVE before PARTIAL, REQUESTED, FAILED,
  // EXPIRED, then the oldest.
  virtual std::vector<Proposal> answerable_proposals(std::int64_t campaign,
                                                     std::int64_t catalyst) const = 0;
  // ACTIVE and leased until `now` or less, in all campaigns.
  virtual std::vector<Proposal> lapsed_proposals(Time now) const = 0;
  // Names of the properties measured in runs of a proposal: by values that are live, and by limits
  // of detection that were not retracted.
  virtual std::vector<std::string> measured_for_proposal(std::string_view proposal) const = 0;
};

// Training sets, models, the ledger and jobs.
class LearningReader {
 public:
  virtual ~LearningReader() = default;

  // What the model learns from. When a stop is asked for meanwhile, what was read by then, to be
  // thrown away: a million rows take a second.
  virtual TrainingSet training_set(std::int64_t campaign, std::string_view property,
                                   const std::stop_token& stop = {}) const = 0;
  // Rows of training_set, counted up to `enough`: the work is that of finding so many.
  virtual std::int64_t count_training(std::int64_t campaign, std::string_view property,
                                      std::int64_t enough) const = 0;
  // How training_set differs from a kept snapshot of the same property, found without reading
  // either: the work is that of what was measured since, up to a growth of `enough` (1 or more), of
  // corrections and of marks.
  virtual TrainingChange training_change(std::int64_t campaign, std::string_view property,
                                         const Digest& snapshot, std::int64_t enough) const = 0;
  // The same as it was when a model was made of it (another campaign may have the same data under
  // the same digest). Rows that `known` has are copied from there.
  virtual std::optional<TrainingSet> training_set(std::int64_t campaign, const Digest& snapshot,
                                                  const TrainingSet& known = {},
                                                  const std::stop_token& stop = {}) const = 0;
  virtual KnownPoints known_points(std::int64_t campaign) const = 0;
  virtual std::optional<Model> find_model(std::string_view id) const = 0;
  // The newest with status "current"; property empty: any.
  virtual std::optional<Model> current_model(std::int64_t campaign,
                                             std::string_view property) const = 0;
  // The newest of a property and of a status, empty: of any; without its document.
  virtual std::optional<Model> newest_model(std::int64_t campaign, std::string_view property,
                                            std::string_view status) const = 0;
  virtual std::vector<Model> models(std::int64_t campaign,
                                    const Page& page) const = 0;  // no documents
  virtual std::int64_t last_model_version(std::int64_t campaign,
                                          std::string_view property) const = 0;
  // Predictions of this catalyst without the error of a live measurement.
  virtual std::vector<LedgerEntry> open_predictions(std::int64_t campaign,
                                                    std::string_view property,
                                                    std::string_view catalyst) const = 0;
  // Whether there is any prediction of a catalyst, by its number: most results answer none.
  virtual bool has_predictions(std::int64_t campaign, std::int64_t catalyst) const = 0;
  // model empty: of all models.
  virtual std::vector<LedgerEntry> ledger(std::int64_t campaign, std::string_view model,
                                          const Page& page) const = 0;
  virtual std::optional<Job> find_job(std::string_view id) const = 0;
  virtual std::vector<Job> jobs(std::optional<std::int64_t> campaign, std::optional<JobState> state,
                                const Page& page) const = 0;
};

class Reader : public CampaignReader,
               public ResultReader,
               public ProposalReader,
               public LearningReader {};

// What writes: rows in, identifiers out. What is legal is for the use cases to say. Nothing
// measured is ever changed or deleted here: there is no call for it, and the database refuses it by
// triggers.
class CampaignWriter {
 public:
  virtual ~CampaignWriter() = default;

  // Returns Campaign::key.
  virtual std::int64_t insert_campaign(const Campaign& campaign) = 0;
  // state, reason, owner, version, revision, updated_at.
  virtual void update_campaign(const Campaign& campaign) = 0;
  virtual void insert_campaign_version(std::int64_t campaign, const CampaignVersion& version) = 0;
  // The properties that the campaign knows from now on.
  virtual void set_properties(std::int64_t campaign, const std::vector<Property>& properties) = 0;

  virtual std::int64_t keep_catalyst(std::string_view canonical, std::string_view description,
                                     Time now) = 0;
  virtual void keep_sample(std::int64_t campaign, std::string_view label, std::int64_t catalyst,
                           SampleKind kind, Time now) = 0;
  // A run that came without a sample's label has this one from now on, which keep_sample knows.
  virtual void name_run(std::int64_t run, std::string_view sample, Time now) = 0;
  virtual std::int64_t append_event(const Event& event) = 0;  // seq

  virtual void keep_reply(std::string_view scope, std::string_view key, const KeptReply& reply,
                          Time now) = 0;
  virtual void set_setting(std::string_view name, std::string_view value) = 0;
};

class ResultWriter {
 public:
  virtual ~ResultWriter() = default;

  // The deliveries of these bytes to this campaign, the oldest first.
  virtual std::vector<Ingest> ingests_by_content(std::int64_t campaign, const Digest& sha256) = 0;
  // The newest run under this name.
  virtual std::optional<Run> find_run(std::int64_t campaign, std::string_view source,
                                      std::string_view run, std::string_view channel,
                                      std::optional<std::int64_t> sequence,
                                      std::optional<std::int64_t> replicate) = 0;
  // False only if there is no run of this source under this name whose rows have names (channel or
  // sequence).
  virtual bool may_have_run(std::int64_t campaign, std::string_view source,
                            std::string_view run) = 0;

  virtual void keep_content(const Digest& sha256, std::string_view bytes, Time now) = 0;
  // Returns the seq. Its content was kept just before.
  virtual std::int64_t insert_ingest(const Ingest& ingest) = 0;
  // Counts and ranges of runs and measurements, once, in the transaction that inserted it without
  // rows.
  virtual void finish_ingest(const Ingest& ingest) = 0;
  virtual std::int64_t next_run() const = 0;            // the seq that the next run will have
  virtual std::int64_t next_measurement() const = 0;    // and the next measurement
  virtual std::int64_t insert_run(const Run& run) = 0;  // seq
  // What replicates() gives with ReplicateWindow::kMost for its limit, kept between tasks. Valid
  // until the next call.
  virtual const ReplicateWindow& replicate_window(std::int64_t campaign, std::string_view property,
                                                  std::int64_t catalyst,
                                                  std::string_view conditions) = 0;
  // Returns the seq. Fields used: id, property, value, flags, supersedes.
  virtual std::int64_t insert_measurement(std::int64_t campaign, std::int64_t run,
                                          std::int64_t catalyst, const Measurement& measurement,
                                          Time now) = 0;
  // kind: "retract", "supersede", "exclude", "include".
  virtual void mark_measurement(std::string_view id, std::string_view kind, std::string_view reason,
                                std::string_view person, Time now) = 0;
  virtual void insert_quarantined(std::int64_t campaign, std::int64_t ingest,
                                  const QuarantinedRow& row) = 0;
  // state, measurement, actor, remark, resolved_at.
  virtual void resolve_quarantined(const QuarantinedRow& row) = 0;
};

class ProposalWriter {
 public:
  virtual ~ProposalWriter() = default;

  virtual void insert_batch(const Batch& batch) = 0;
  virtual void insert_proposal(const Proposal& proposal) = 0;
  // state, state_reason, client, lease_expires, attempts, failures, updated_at; revision is raised.
  virtual void update_proposal(const Proposal& proposal) = 0;
};

class LearningWriter {
 public:
  virtual ~LearningWriter() = default;

  virtual void keep_snapshot(std::int64_t campaign, const TrainingSet& set, Time now) = 0;
  virtual void insert_model(const Model& model) = 0;
  // status, status_reason.
  virtual void update_model(const Model& model) = 0;
  virtual void insert_prediction(std::int64_t campaign, const LedgerEntry& entry) = 0;
  virtual void insert_prediction_error(std::int64_t prediction, std::string_view measurement,
                                       double observed, double error, Time now) = 0;

  virtual void insert_job(const Job& job) = 0;
  // state, progress, stage, result, error, cancel_requested, attempts, started_at, finished_at.
  virtual void update_job(const Job& job) = 0;
};

class Transaction : public virtual Reader,
                    public CampaignWriter,
                    public ResultWriter,
                    public ProposalWriter,
                    public LearningWriter {};

struct CheckReport {
  bool ok = false;
  std::vector<std::string> problems;
  std::int64_t schema_version = 0;
  std::string sqlite_version;
};

// Whether a task may run more than once before its `done`: it must then leave nothing behind but
// what it wrote, and give its value anew. Such tasks are cheaper, as long as few of them fail.
enum class Repeat { never, allowed };

class Database {
 public:
  virtual ~Database() = default;

  // Queues a task for the one writer. Tasks that wait together share one commit (one fsync); each
  // runs in its own savepoint, so that a task that returns an error undoes itself only. `done` is
  // called once, on the writer's thread, after the commit returned: with the task's own status, or
  // with storage_full or storage_failed. It must be quick and must not throw. A full queue calls
  // `done` with busy at once, on the caller's thread.
  virtual void write(std::function<Status(Transaction&)> task, std::function<void(Status)> done,
                     Repeat repeat = Repeat::never) = 0;

  // Runs the task on the calling thread on one consistent state of the database. Waits for a free
  // reader.
  virtual Status read(const std::function<Status(const Reader&)>& task) const = 0;

  // Called on the writer's thread after every commit with the seq of the newest event. One
  // listener; set before the first write. It must be quick.
  virtual void on_commit(std::function<void(std::int64_t last_event)> listener) = 0;
  // Of the newest committed event, without a query.
  virtual std::int64_t last_event() const = 0;
  // ok, or why nothing is written any more (storage_failed is for good: drain and exit non-zero).
  virtual Status health() const = 0;

  // A complete copy of the present state at `path`, made while the service runs: written beside it,
  // synced, then renamed. Blocks the calling thread only. An existing file is replaced.
  virtual Status backup(const std::string& path) const = 0;
  // integrity_check and foreign_key_check; blocks the calling thread only.
  virtual Result<CheckReport> check() const = 0;
};

// Writes and waits for the commit; for tests, start-up and threads that may block. Never from the
// writer's own thread.
inline Status write_and_wait(Database& database, std::function<Status(Transaction&)> task) {
  auto promise = std::make_shared<std::promise<Status>>();
  auto future = promise->get_future();
  database.write(std::move(task),
                 [promise](Status status) { promise->set_value(std::move(status)); });
  return future.get();
}

// The same for a task with a value: T must be default constructible.
template <typename T>
Result<T> write_and_wait(Database& database, std::function<Result<T>(Transaction&)> task) {
  auto value = std::make_shared<T>();
  const Status status =
      write_and_wait(database, [value, task = std::move(task)](Transaction& tx) -> Status {
        Result<T> result = task(tx);
        if (!result) return result.error();
        *value = std::move(result).value();
        return {};
      });
  if (!status) return status.error();
  return std::move(*value);
}

template <typename T>
Result<T> read_value(const Database& database,
                     const std::function<Result<T>(const Reader&)>& task) {
  std::optional<T> value;
  const Status status = database.read([&](const Reader& reader) -> Status {
    Result<T> result = task(reader);
    if (!result) return result.error();
    value = std::move(result).value();
    return {};
  });
  if (!status) return status.error();
  return std::move(*value);
}

}  // namespace kasetsu::campaign
