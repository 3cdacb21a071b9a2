// The port of the store's readers in SQL, on one connection. Each subject has its file:
// campaign_queries.cc, result_queries.cc, proposal_queries.cc, learning_queries.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/campaign/records/store_port.h"
#include "daemon/store/rows.h"
#include "daemon/store/sqlite.h"

namespace kasetsu::store {

class SqliteReader : public virtual campaign::Reader {
 public:
  explicit SqliteReader(Connection& connection) : connection_(connection) {}

  std::optional<Campaign> find_campaign(std::string_view name) const override;
  std::optional<Campaign> campaign(std::int64_t key) const override;
  std::vector<Campaign> campaigns() const override;
  std::optional<CampaignVersion> campaign_version(std::int64_t key,
                                                  std::int64_t version) const override;
  std::vector<CampaignVersion> campaign_versions(std::int64_t key) const override;
  std::vector<Property> properties(std::int64_t key) const override;
  std::optional<CatalystRow> find_catalyst(std::string_view canonical) const override;
  std::optional<CatalystRow> catalyst(std::int64_t key) const override;
  std::vector<RenewedKey> renewed_keys(std::int64_t campaign) const override;
  std::string present_key(std::int64_t campaign, std::string_view canonical) const override;
  std::optional<std::int64_t> sample_catalyst(std::int64_t campaign,
                                              std::string_view label) const override;
  std::vector<std::string> campaigns_with_news(std::int64_t after,
                                               std::int64_t last) const override;
  std::vector<Event> events(std::int64_t after, std::int64_t limit,
                            std::string_view campaign) const override;
  std::int64_t last_event() const override;
  std::optional<KeptReply> kept_reply(std::string_view scope, std::string_view key) const override;
  std::string setting(std::string_view name) const override;
  Counts counts() const override;

  std::optional<Ingest> find_ingest(std::string_view id) const override;
  std::optional<Ingest> ingest_by_key(std::int64_t campaign, std::string_view actor,
                                      std::string_view key) const override;
  std::vector<Ingest> ingests(std::int64_t campaign, const Page& page) const override;
  std::optional<Ingest> newest_ingest(std::int64_t campaign) const override;
  std::optional<std::string> content(std::int64_t ingest) const override;
  std::vector<Run> runs_between(std::int64_t first, std::int64_t last) const override;
  std::optional<Measurement> find_measurement(std::string_view id) const override;
  std::vector<Measurement> measurements_of_run(std::int64_t run) const override;
  std::int64_t run_of_measurement(std::string_view id) const override;
  std::vector<Measurement> measurements(std::int64_t campaign, const MeasurementFilter& filter,
                                        const Page& page) const override;
  std::vector<double> replicates(std::int64_t campaign, std::string_view property,
                                 std::int64_t catalyst, std::string_view conditions,
                                 std::int64_t limit) const override;
  std::int64_t count_quarantined(std::int64_t campaign, QuarantineState state) const override;
  std::optional<std::string> measured_unit(std::int64_t campaign,
                                           std::string_view property) const override;
  std::int64_t count_measurements(std::int64_t campaign) const override;
  std::optional<QuarantinedRow> find_quarantined(std::string_view id) const override;
  std::vector<QuarantinedRow> quarantined_of_ingest(std::int64_t ingest) const override;
  std::vector<QuarantinedRow> quarantined(std::int64_t campaign,
                                          std::optional<QuarantineState> state,
                                          const Page& page) const override;

  std::optional<Batch> find_batch(std::string_view id) const override;
  std::vector<Batch> batches(std::int64_t campaign, const Page& page) const override;
  std::vector<Batch> all_batches(std::int64_t campaign) const override;
  std::int64_t count_batches(std::int64_t campaign) const override;
  std::optional<Proposal> find_proposal(std::string_view id) const override;
  std::vector<Proposal> proposals(std::int64_t campaign, const ProposalFilter& filter,
                                  const Page& page) const override;
  std::vector<Proposal> answerable_proposals(std::int64_t campaign,
                                             std::int64_t catalyst) const override;
  std::vector<Proposal> lapsed_proposals(Time now) const override;
  std::vector<std::string> measured_for_proposal(std::string_view proposal) const override;

  bool any_measured(std::int64_t campaign) const override;
  TrainingSet training_set(std::int64_t campaign, std::string_view property,
                           const std::stop_token& stop = {}) const override;
  std::int64_t count_training(std::int64_t campaign, std::string_view property,
                              std::int64_t enough) const override;
  TrainingChange training_change(std::int64_t campaign, std::string_view property,
                                 const Digest& snapshot, std::int64_t enough) const override;
  std::optional<TrainingSet> training_set(std::int64_t campaign, const Digest& snapshot,
                                          const TrainingSet& known = {},
                                          const std::stop_token& stop = {}) const override;
  KnownPoints known_points(std::int64_t campaign) const override;
  std::optional<Model> find_model(std::string_view id) const override;
  std::optional<Model> current_model(std::int64_t campaign,
                                     std::string_view property) const override;
  std::optional<Model> newest_model(std::int64_t campaign, std::string_view property,
                                    std::string_view status) const override;
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

 protected:
  std::int64_t property_key(std::int64_t campaign, std::string_view name) const;  // 0: none
  // The deliveries of a content, by its key, to a campaign, the oldest first.
  std::vector<Ingest> ingests_of_content(std::int64_t campaign, std::int64_t content) const;

  // Called before a query of what the writer writes late: replicates and numbers of measurements.
  virtual void write_waiting() const {}

  Connection& connection_;

 private:
  std::vector<std::int64_t> snapshot_members(const Digest& snapshot, std::int64_t campaign) const;
  // Whether two lists of measurements, equally long, say the same in their order.
  bool same_rows(std::span<const std::int64_t> some, std::span<const std::int64_t> others) const;
};

}  // namespace kasetsu::store
