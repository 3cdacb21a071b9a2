// The writer's side: rows in, identifiers out, and what is remembered of them between tasks.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/store/late_index.h"
#include "daemon/store/queries.h"
#include "daemon/store/waiting_replicates.h"

namespace kasetsu::store {

// Thrown out of a task between two of its rows, to be undone and run again: others wait.
struct GivesWay {};

class SqliteTransaction final : public SqliteReader, public campaign::Transaction {
 public:
  // index_batch: see LateIndex.
  SqliteTransaction(Connection& connection, std::size_t index_batch)
      : SqliteReader(connection),
        contents_by_number_(connection, kContentNumbers, index_batch),
        runs_by_number_(connection, kRunNumbers, index_batch),
        waiting_(connection) {}
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  // Asked for every delivery or row, and answered from memory where that is known.
  std::optional<Campaign> find_campaign(std::string_view name) const override;
  std::vector<Property> properties(std::int64_t key) const override;
  std::string setting(std::string_view name) const override;
  std::int64_t next_run() const override;
  std::int64_t next_measurement() const override;
  std::vector<double> replicates(std::int64_t campaign, std::string_view property,
                                 std::int64_t catalyst, std::string_view conditions,
                                 std::int64_t limit) const override;
  const campaign::ReplicateWindow& replicate_window(std::int64_t campaign,
                                                    std::string_view property,
                                                    std::int64_t catalyst,
                                                    std::string_view conditions) override;

  // Asked once a row or more: a table may give way there.
  std::optional<CatalystRow> find_catalyst(std::string_view canonical) const override;
  std::optional<Measurement> find_measurement(std::string_view id) const override;
  std::vector<Measurement> measurements_of_run(std::int64_t run) const override;
  std::vector<Measurement> measurements(std::int64_t campaign, const MeasurementFilter& filter,
                                        const Page& page) const override;

  std::vector<Ingest> ingests_by_content(std::int64_t campaign, const Digest& sha256) override;
  std::optional<Run> find_run(std::int64_t campaign, std::string_view source, std::string_view run,
                              std::string_view channel, std::optional<std::int64_t> sequence,
                              std::optional<std::int64_t> replicate) override;
  bool may_have_run(std::int64_t campaign, std::string_view source, std::string_view run) override;

  std::int64_t insert_campaign(const Campaign& campaign) override;
  void update_campaign(const Campaign& campaign) override;
  void insert_campaign_version(std::int64_t campaign, const CampaignVersion& version) override;
  void set_properties(std::int64_t campaign, const std::vector<Property>& properties) override;
  std::int64_t keep_catalyst(std::string_view canonical, std::string_view description,
                             Time now) override;
  void keep_sample(std::int64_t campaign, std::string_view label, std::int64_t catalyst,
                   SampleKind kind, Time now) override;
  void name_run(std::int64_t run, std::string_view sample, Time now) override;
  void keep_content(const Digest& sha256, std::string_view bytes, Time now) override;
  std::int64_t insert_ingest(const Ingest& ingest) override;
  void finish_ingest(const Ingest& ingest) override;
  std::int64_t insert_run(const Run& run) override;
  std::int64_t insert_measurement(std::int64_t campaign, std::int64_t run, std::int64_t catalyst,
                                  const Measurement& measurement, Time now) override;
  void mark_measurement(std::string_view id, std::string_view kind, std::string_view reason,
                        std::string_view person, Time now) override;
  void insert_quarantined(std::int64_t campaign, std::int64_t ingest,
                          const QuarantinedRow& row) override;
  void resolve_quarantined(const QuarantinedRow& row) override;
  void insert_batch(const Batch& batch) override;
  void insert_proposal(const Proposal& proposal) override;
  void update_proposal(const Proposal& proposal) override;
  void keep_snapshot(std::int64_t campaign, const TrainingSet& set, Time now) override;
  void insert_model(const Model& model) override;
  void update_model(const Model& model) override;
  void insert_prediction(std::int64_t campaign, const LedgerEntry& entry) override;
  void insert_prediction_error(std::int64_t prediction, std::string_view measurement,
                               double observed, double error, Time now) override;
  void insert_job(const Job& job) override;
  void update_job(const Job& job) override;
  std::int64_t append_event(const Event& event) override;
  void keep_reply(std::string_view scope, std::string_view key, const KeptReply& reply,
                  Time now) override;
  void set_setting(std::string_view name, std::string_view value) override;

  // asked: whether the task that runs is to give way; looked at in what is asked or written for
  // each row.
  void give_way_when(std::function<bool()> asked) { asked_to_give_way_ = std::move(asked); }

  // At the end of a task, so that it fails if its results cannot be written.
  void write_waiting() const override;
  // Before COMMIT: what belongs to no single task.
  void finish();
  void committed();
  // After a rollback: what was remembered of rows may not be there.
  void forget();
  // Of this transaction and those before; 0: none since the start or the last rollback.
  std::int64_t newest_event() const { return newest_event_; }

 private:
  struct KnownProperty {
    std::int64_t campaign;
    std::string name;
    std::int64_t key;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  struct WindowKey {
    std::int64_t catalyst, property;  // of a property of one campaign
    std::int64_t conditions;          // their hash
    bool operator==(const WindowKey&) const = default;
  };
  struct WindowHash {
    std::size_t operator()(const WindowKey& key) const {
      return std::hash<std::int64_t>()(
          (key.catalyst * 0x9E3779B97F4A7C15 + key.property) * 0x9E3779B97F4A7C15 + key.conditions);
    }
  };
  struct Window {
    std::string conditions;
    campaign::ReplicateWindow values;
  };
  using Windows = std::unordered_map<WindowKey, Window, WindowHash>;

  void require_one_change() const;
  // Throws GivesWay.
  void between_rows() const {
    if (asked_to_give_way_ && asked_to_give_way_()) throw GivesWay();
  }
  // The key of these bytes; 0: they are not there.
  std::int64_t find_content(const Digest& sha256);
  // Of a property that the campaign has.
  std::int64_t known_property(std::int64_t campaign, std::string_view name);
  // What was asked for last is mostly asked for again.
  Window* find_window(const WindowKey& key, std::string_view conditions);
  void forget_windows();

  std::function<bool()> asked_to_give_way_;
  std::vector<KnownProperty> property_keys_;
  mutable std::vector<Campaign> campaigns_;
  mutable std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> settings_;
  mutable std::vector<std::pair<std::int64_t, std::vector<Property>>> properties_;
  Windows windows_;
  Windows::value_type* newest_window_ = nullptr;
  // The newest run, whose conditions its measurements share; 0: not known.
  mutable std::int64_t run_ = 0;
  std::string run_conditions_;
  std::int64_t run_conditions_hash_ = 0;
  mutable std::int64_t measurement_ = 0;  // the newest; 0: not known
  // The content that was asked for or kept last, and its number; 0: it is not there.
  std::optional<std::pair<Digest, std::int64_t>> content_;
  LateIndex contents_by_number_, runs_by_number_;
  mutable WaitingReplicates waiting_;  // each has a window in windows_, which counts it
  // Measurements that their campaigns do not count yet.
  mutable std::vector<std::pair<std::int64_t, std::int64_t>> uncounted_;
  std::int64_t newest_event_ = 0;
};

}  // namespace kasetsu::store
