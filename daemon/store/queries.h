// The ports of daemon/campaign in SQL. Queries<Base> answers a Reader's questions on one
// connection; both a plain reader and the writer's transaction are made of it.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/campaign/database.h"
#include "daemon/store/sqlite.h"

namespace kasetsu::store {

using campaign::Batch;
using campaign::Campaign;
using campaign::CampaignVersion;
using campaign::CatalystRow;
using campaign::Counts;
using campaign::Digest;
using campaign::Event;
using campaign::Ingest;
using campaign::Job;
using campaign::JobState;
using campaign::KeptReply;
using campaign::KnownPoints;
using campaign::LedgerEntry;
using campaign::Measurement;
using campaign::MeasurementFilter;
using campaign::Model;
using campaign::Page;
using campaign::Property;
using campaign::Proposal;
using campaign::ProposalFilter;
using campaign::QuarantinedRow;
using campaign::QuarantineState;
using campaign::Run;
using campaign::SampleKind;
using campaign::Time;
using campaign::TrainingSet;

template <typename Base>
class Queries : public Base {
 public:
  explicit Queries(Connection& connection) : connection_(connection) {}

  std::optional<Campaign> find_campaign(std::string_view name) const override;
  std::optional<Campaign> campaign(std::int64_t key) const override;
  std::vector<Campaign> campaigns() const override;
  std::optional<CampaignVersion> campaign_version(std::int64_t key,
                                                  std::int64_t version) const override;
  std::vector<CampaignVersion> campaign_versions(std::int64_t key) const override;
  std::vector<Property> properties(std::int64_t key) const override;
  std::optional<CatalystRow> find_catalyst(std::string_view canonical) const override;
  std::optional<std::int64_t> sample_catalyst(std::int64_t campaign,
                                              std::string_view label) const override;
  std::optional<Ingest> find_ingest(std::string_view id) const override;
  std::optional<Ingest> ingest_by_key(std::int64_t campaign, std::string_view key) const override;
  std::optional<Ingest> ingest_by_content(std::int64_t campaign,
                                          const Digest& sha256) const override;
  std::vector<Ingest> ingests(std::int64_t campaign, const Page& page) const override;
  std::optional<std::string> content(const Digest& sha256) const override;
  std::optional<Run> find_run(std::int64_t campaign, std::string_view source, std::string_view run,
                              std::string_view channel, std::optional<std::int64_t> sequence,
                              std::optional<std::int64_t> replicate) const override;
  std::vector<Run> runs_between(std::int64_t first, std::int64_t last) const override;
  std::optional<Measurement> find_measurement(std::string_view id) const override;
  std::vector<Measurement> measurements_of_run(std::int64_t run) const override;
  std::int64_t run_of_measurement(std::string_view id) const override;
  std::vector<Measurement> measurements(std::int64_t campaign, const MeasurementFilter& filter,
                                        const Page& page) const override;
  std::vector<double> replicates(std::int64_t campaign, std::string_view property,
                                 std::string_view catalyst, std::string_view conditions,
                                 std::int64_t limit) const override;
  std::int64_t count_measurements(std::int64_t campaign, bool live_only) const override;
  std::optional<QuarantinedRow> find_quarantined(std::string_view id) const override;
  std::vector<QuarantinedRow> quarantined_of_ingest(std::int64_t ingest) const override;
  std::vector<QuarantinedRow> quarantined(std::int64_t campaign,
                                          std::optional<QuarantineState> state,
                                          const Page& page) const override;
  std::optional<Batch> find_batch(std::string_view id) const override;
  std::vector<Batch> batches(std::int64_t campaign, const Page& page) const override;
  std::optional<Proposal> find_proposal(std::string_view id) const override;
  std::vector<Proposal> proposals(std::int64_t campaign, const ProposalFilter& filter,
                                  const Page& page) const override;
  std::optional<Proposal> open_proposal(std::int64_t campaign,
                                        std::string_view catalyst) const override;
  std::optional<Proposal> open_proposal(std::int64_t campaign,
                                        std::int64_t catalyst) const override;
  std::vector<Proposal> lapsed_proposals(Time now) const override;
  std::vector<std::string> measured_for_proposal(std::string_view proposal) const override;
  TrainingSet training_set(std::int64_t campaign, std::string_view property) const override;
  std::optional<TrainingSet> training_set(const Digest& snapshot) const override;
  KnownPoints known_points(std::int64_t campaign) const override;
  std::optional<Model> find_model(std::string_view id) const override;
  std::optional<Model> current_model(std::int64_t campaign,
                                     std::string_view property) const override;
  std::vector<Model> models(std::int64_t campaign, const Page& page) const override;
  std::int64_t last_model_version(std::int64_t campaign, std::string_view property) const override;
  std::vector<LedgerEntry> open_predictions(std::int64_t campaign, std::string_view property,
                                            std::string_view catalyst) const override;
  bool has_predictions(std::int64_t campaign, std::int64_t catalyst) const override;
  std::vector<LedgerEntry> ledger(std::int64_t campaign, std::string_view model,
                                  const Page& page) const override;
  std::optional<Job> find_job(std::string_view id) const override;
  std::vector<Job> jobs(std::optional<std::int64_t> campaign, std::optional<JobState> state,
                        const Page& page) const override;
  std::vector<Event> events(std::int64_t after, std::int64_t limit,
                            std::string_view campaign) const override;
  std::int64_t last_event() const override;
  std::optional<KeptReply> kept_reply(std::string_view scope, std::string_view key) const override;
  std::string setting(std::string_view name) const override;
  Counts counts() const override;

 protected:
  std::int64_t property_key(std::int64_t campaign, std::string_view name) const;

  Connection& connection_;
};

extern template class Queries<campaign::Reader>;
extern template class Queries<campaign::Transaction>;

using SqliteReader = Queries<campaign::Reader>;

class SqliteTransaction final : public Queries<campaign::Transaction> {
 public:
  explicit SqliteTransaction(Connection& connection) : Queries(connection) {}

  std::int64_t insert_campaign(const Campaign& campaign) override;
  void update_campaign(const Campaign& campaign) override;
  void insert_campaign_version(std::int64_t campaign, const CampaignVersion& version) override;
  void set_properties(std::int64_t campaign, const std::vector<Property>& properties) override;
  std::int64_t keep_catalyst(std::string_view canonical, std::string_view description,
                             Time now) override;
  void keep_sample(std::int64_t campaign, std::string_view label, std::int64_t catalyst,
                   SampleKind kind, Time now) override;
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

  // After a rollback: what was remembered of rows may not be there.
  void forget() {
    catalysts_.clear();
    property_keys_.clear();
  }
  std::int64_t newest_event() const { return newest_event_; }

 private:
  // Catalysts are never changed or deleted, so that their numbers can be remembered.
  std::unordered_map<std::string, std::int64_t> catalysts_;
  struct KnownProperty {
    std::int64_t campaign;
    std::string name;
    std::int64_t key;
  };
  std::vector<KnownProperty> property_keys_;
  std::int64_t newest_event_ = 0;
};

}  // namespace kasetsu::store
