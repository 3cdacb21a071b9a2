#include "daemon/store/transaction.h"

#include <algorithm>
#include <bit>

#include "daemon/store/renewal.h"
#include "daemon/store/rising_numbers.h"
#include "daemon/store/row_sums.h"

namespace kasetsu::store {
namespace {

// Memory is for speed only: a table that grew beyond any laboratory's day is begun anew.
constexpr std::size_t kMostWindows = 50'000;  // times up to a hundred values

}  // namespace

std::optional<Campaign> SqliteTransaction::find_campaign(std::string_view name) const {
  const auto known = std::find_if(campaigns_.begin(), campaigns_.end(),
                                  [&](const Campaign& campaign) { return campaign.name == name; });
  if (known != campaigns_.end()) return *known;
  std::optional<Campaign> found = SqliteReader::find_campaign(name);
  constexpr std::size_t kFew = 16;
  if (campaigns_.size() == kFew) campaigns_.clear();
  if (found) campaigns_.push_back(*found);
  return found;
}

std::vector<Property> SqliteTransaction::properties(std::int64_t key) const {
  const auto known = std::find_if(properties_.begin(), properties_.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (known != properties_.end()) return known->second;
  std::vector<Property> found = SqliteReader::properties(key);
  constexpr std::size_t kFew = 16;
  if (properties_.size() == kFew) properties_.clear();
  properties_.emplace_back(key, found);
  return found;
}

std::vector<double> SqliteTransaction::replicates(std::int64_t campaign, std::string_view property,
                                                  std::int64_t catalyst,
                                                  std::string_view conditions,
                                                  std::int64_t limit) const {
  if (limit == static_cast<std::int64_t>(campaign::ReplicateWindow::kMost)) {
    const WindowKey key{catalyst, property_key(campaign, property), conditions_hash(conditions)};
    const auto known = windows_.find(key);
    if (known != windows_.end() && known->second.conditions == conditions) {
      return known->second.values.newest_first();
    }
  }
  write_waiting();
  return SqliteReader::replicates(campaign, property, catalyst, conditions, limit);
}

std::string SqliteTransaction::setting(std::string_view name) const {
  if (const auto known = settings_.find(name); known != settings_.end()) return known->second;
  std::string value = SqliteReader::setting(name);
  constexpr std::size_t kFew = 256;
  if (settings_.size() >= kFew) settings_.clear();
  // Long ones are lists that change as often as they are read.
  constexpr std::size_t kShort = 256;
  if (value.size() <= kShort) settings_.emplace(name, value);
  return value;
}

const campaign::ReplicateWindow& SqliteTransaction::replicate_window(std::int64_t campaign,
                                                                     std::string_view property,
                                                                     std::int64_t catalyst,
                                                                     std::string_view conditions) {
  between_rows();
  const WindowKey key{catalyst, known_property(campaign, property), conditions_hash(conditions)};
  if (const Window* known = find_window(key, conditions)) return known->values;
  if (windows_.size() >= kMostWindows) forget_windows();
  constexpr auto kMost = static_cast<std::int64_t>(campaign::ReplicateWindow::kMost);
  // Those that are not written yet have a window, so that none of them is missed here.
  Window window{std::string(conditions), campaign::ReplicateWindow(SqliteReader::replicates(
                                             campaign, property, catalyst, conditions, kMost))};
  newest_window_ = &*windows_.insert_or_assign(key, std::move(window)).first;
  return newest_window_->second.values;
}

SqliteTransaction::Window* SqliteTransaction::find_window(const WindowKey& key,
                                                          std::string_view conditions) {
  if (newest_window_ == nullptr || newest_window_->first != key) {
    const auto found = windows_.find(key);
    if (found == windows_.end()) return nullptr;
    newest_window_ = &*found;
  }
  // Two texts may have one number.
  return newest_window_->second.conditions == conditions ? &newest_window_->second : nullptr;
}

void SqliteTransaction::forget_windows() {
  write_waiting();
  windows_.clear();
  newest_window_ = nullptr;
}

std::int64_t SqliteTransaction::known_property(std::int64_t campaign, std::string_view name) {
  const auto remembered = std::find_if(
      property_keys_.begin(), property_keys_.end(),
      [&](const KnownProperty& known) { return known.campaign == campaign && known.name == name; });
  if (remembered != property_keys_.end()) return remembered->key;
  const std::int64_t key = property_key(campaign, name);
  require(key != 0, "a property of the campaign is not there");
  constexpr std::size_t kFew = 64;
  if (property_keys_.size() == kFew) property_keys_.clear();
  property_keys_.push_back({campaign, std::string(name), key});
  return key;
}

std::int64_t SqliteTransaction::find_content(const Digest& sha256) {
  if (content_ && content_->first == sha256) return content_->second;
  std::int64_t key = 0;
  for (const std::int64_t candidate : contents_by_number_.find(content_number(sha256))) {
    Statement& find = connection_.prepare("SELECT sha256 FROM contents WHERE key = ?1");
    find.bind(candidate);
    if (find.step() && find.digest(0) == sha256) key = candidate;
    find.reset();
  }
  content_.emplace(sha256, key);
  return key;
}

std::optional<CatalystRow> SqliteTransaction::find_catalyst(std::string_view canonical) const {
  between_rows();
  return SqliteReader::find_catalyst(canonical);
}

std::optional<Measurement> SqliteTransaction::find_measurement(std::string_view id) const {
  between_rows();
  return SqliteReader::find_measurement(id);
}

std::vector<Measurement> SqliteTransaction::measurements_of_run(std::int64_t run) const {
  between_rows();
  return SqliteReader::measurements_of_run(run);
}

std::vector<Measurement> SqliteTransaction::measurements(std::int64_t campaign,
                                                         const MeasurementFilter& filter,
                                                         const Page& page) const {
  between_rows();
  return SqliteReader::measurements(campaign, filter, page);
}

std::vector<Ingest> SqliteTransaction::ingests_by_content(std::int64_t campaign,
                                                          const Digest& sha256) {
  const std::int64_t content = find_content(sha256);
  if (content == 0) return {};
  return ingests_of_content(campaign, content);
}

std::optional<Run> SqliteTransaction::find_run(std::int64_t campaign, std::string_view source,
                                               std::string_view run, std::string_view channel,
                                               std::optional<std::int64_t> sequence,
                                               std::optional<std::int64_t> replicate) {
  between_rows();
  const auto number = run_number(campaign, source, run, channel, sequence, replicate);
  if (!number) return {};
  for (const std::int64_t seq : runs_by_number_.find(*number)) {
    for (Run& found : runs_between(seq, seq)) {
      if (found.campaign == campaign && found.source == source && found.run == run &&
          found.channel == channel && found.sequence == sequence && found.replicate == replicate) {
        return std::move(found);
      }
    }
  }
  return {};
}

bool SqliteTransaction::may_have_run(std::int64_t campaign, std::string_view source,
                                     std::string_view run) {
  return !run.empty() && runs_by_number_.any_like(lowest_run_number(campaign, source, run));
}

std::int64_t SqliteTransaction::next_run() const {
  if (run_ != 0) return run_ + 1;
  return connection_.integer("SELECT coalesce(max(seq), 0) + 1 FROM runs");
}

std::int64_t SqliteTransaction::next_measurement() const {
  if (measurement_ != 0) return measurement_ + 1;
  return connection_.integer("SELECT coalesce(max(seq), 0) + 1 FROM measurements");
}

void SqliteTransaction::require_one_change() const {
  require(connection_.changes() == 1, "a row that is to be changed is not there");
}

void SqliteTransaction::write_waiting() const {
  waiting_.write();
  for (const auto& [campaign, number] : uncounted_) {
    connection_.prepare("UPDATE campaigns SET measurements = measurements + ?2 WHERE key = ?1")
        .bind(campaign, number)
        .run();
    require_one_change();
  }
  uncounted_.clear();
}

void SqliteTransaction::finish() {
  write_waiting();
  contents_by_number_.write_some();
  runs_by_number_.write_some();
}

void SqliteTransaction::committed() {
  contents_by_number_.committed();
  runs_by_number_.committed();
}

void SqliteTransaction::forget() {
  waiting_.forget();
  uncounted_.clear();
  property_keys_.clear();
  campaigns_.clear();
  properties_.clear();
  settings_.clear();
  forget_windows();
  run_ = 0;
  measurement_ = 0;
  content_.reset();
  contents_by_number_.forget();
  runs_by_number_.forget();
  newest_event_ = 0;
}

std::int64_t SqliteTransaction::insert_campaign(const Campaign& c) {
  connection_
      .prepare("INSERT INTO campaigns (" KASETSU_SUM_CAMPAIGNS
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
               "sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10))")
      .bind(c.id, c.name, c.owner, to_string(c.state), c.reason, c.version, c.revision,
            c.created_at, c.updated_at, kKeyRules)
      .run();
  campaigns_.clear();
  return connection_.last_row();
}

void SqliteTransaction::update_campaign(const Campaign& c) {
  connection_
      .prepare(
          "UPDATE campaigns SET owner = ?2, state = ?3, reason = ?4, version = ?5, "
          "revision = ?6, updated_at = ?7, "
          "row_sum = sum_of(id, name, ?2, ?3, ?4, ?5, ?6, created_at, ?7, key_rules) WHERE key = "
          "?1")
      .bind(c.key, c.owner, to_string(c.state), c.reason, c.version, c.revision, c.updated_at)
      .run();
  require_one_change();
  campaigns_.clear();
}

void SqliteTransaction::insert_campaign_version(std::int64_t campaign,
                                                const CampaignVersion& version) {
  connection_
      .prepare("INSERT INTO campaign_versions (" KASETSU_SUM_CAMPAIGN_VERSIONS
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7))")
      .bind(campaign, version.version, version.text, version.media_type, version.sha256,
            version.actor, version.created_at)
      .run();
}

void SqliteTransaction::set_properties(std::int64_t campaign,
                                       const std::vector<Property>& properties) {
  connection_
      .prepare(
          "UPDATE properties SET known = 0, "
          "row_sum = sum_of(campaign, name, unit, target, low, high, position, 0) "
          "WHERE campaign = ?1")
      .bind(campaign)
      .run();
  std::int64_t position = 0;
  for (const Property& property : properties) {
    connection_
        .prepare("INSERT INTO properties (" KASETSU_SUM_PROPERTIES
                 ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, "
                 "sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)) ON CONFLICT (campaign, name) DO UPDATE "
                 "SET unit = excluded.unit, target = excluded.target, low = excluded.low, "
                 "high = excluded.high, position = excluded.position, known = 1, "
                 "row_sum = excluded.row_sum")
        .bind(campaign, property.name, property.unit, property.target, property.low, property.high,
              ++position)
        .run();
  }
  property_keys_.clear();
  properties_.clear();
}

std::int64_t SqliteTransaction::keep_catalyst(std::string_view canonical,
                                              std::string_view description, Time now) {
  between_rows();
  const std::int64_t known = first_integer(
      connection_.prepare("SELECT key FROM catalysts WHERE canonical = ?1").bind(canonical));
  if (known != 0) return known;
  connection_
      .prepare("INSERT INTO catalysts (" KASETSU_SUM_CATALYSTS
               ", row_sum) VALUES (?1, ?2, ?3, sum_of(?1, ?2, ?3))")
      .bind(canonical, description, now)
      .run();
  return connection_.last_row();
}

void SqliteTransaction::keep_sample(std::int64_t campaign, std::string_view label,
                                    std::int64_t catalyst, SampleKind kind, Time now) {
  connection_
      .prepare("INSERT INTO samples (" KASETSU_SUM_SAMPLES
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, sum_of(?1, ?2, ?3, ?4, ?5)) "
               "ON CONFLICT (campaign, label) DO UPDATE SET catalyst = excluded.catalyst, "
               "row_sum = sum_of(campaign, label, excluded.catalyst, kind, created_at)")
      .bind(campaign, label, catalyst, to_string(kind), now)
      .run();
}

void SqliteTransaction::name_run(std::int64_t run, std::string_view sample, Time now) {
  connection_.prepare("INSERT INTO run_names (run, sample, given_at) VALUES (?1, ?2, ?3)")
      .bind(run, sample, now)
      .run();
}

void SqliteTransaction::keep_content(const Digest& sha256, std::string_view bytes, Time now) {
  if (find_content(sha256) != 0) return;
  connection_.prepare("INSERT INTO contents (sha256, bytes, created_at) VALUES (?1, ?2, ?3)")
      .bind(sha256, Blob{bytes}, now)
      .run();
  content_->second = connection_.last_row();
  contents_by_number_.add(content_->second, content_number(sha256));
}

std::int64_t SqliteTransaction::insert_ingest(const Ingest& i) {
  KASETSU_ASSERT(content_ && content_->first == i.sha256 && content_->second != 0);
  connection_
      .prepare(
          "INSERT INTO ingests (" KASETSU_SUM_INGESTS
          ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
          "?16, ?17, ?18, sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
          "?15, ?16, ?17, ?18))")
      .bind(i.id, i.campaign, content_->second, i.source, i.idempotency_key, i.media_type, i.actor,
            i.rows, i.accepted, i.flagged, i.duplicate, i.quarantined, i.first_run, i.last_run,
            i.received_at, i.run, i.first_measurement, i.measurements)
      .run();
  return connection_.last_row();
}

void SqliteTransaction::finish_ingest(const Ingest& i) {
  connection_
      .prepare(
          "UPDATE ingests SET row_count = ?2, accepted = ?3, flagged = ?4, duplicate = ?5, "
          "quarantined = ?6, first_run = ?7, last_run = ?8, first_measurement = ?9, "
          "measurement_count = ?10, row_sum = sum_of(id, campaign, content, source, "
          "idempotency_key, media_type, actor, ?2, ?3, ?4, ?5, ?6, ?7, ?8, received_at, run, ?9, "
          "?10) WHERE seq = ?1")
      .bind(i.seq, i.rows, i.accepted, i.flagged, i.duplicate, i.quarantined, i.first_run,
            i.last_run, i.first_measurement, i.measurements)
      .run();
}

std::int64_t SqliteTransaction::insert_run(const Run& r) {
  between_rows();
  run_ = next_run();
  connection_
      .prepare(
          "INSERT INTO runs (" KASETSU_SUM_RUNS
          ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
          "?16, ?17, sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
          "?17))")
      .bind(run_, r.ingest, r.row, r.campaign, r.catalyst, to_string(r.kind), r.source, r.run,
            r.channel, r.sequence, r.replicate, r.sample, r.conditions, r.proposal, r.measured_at,
            r.content, r.told)
      .run();
  runs_by_number_.add(run_,
                      run_number(r.campaign, r.source, r.run, r.channel, r.sequence, r.replicate));
  if (run_conditions_ != r.conditions) run_conditions_ = r.conditions;
  run_conditions_hash_ = conditions_hash(r.conditions);
  return run_;
}

std::int64_t SqliteTransaction::insert_measurement(std::int64_t campaign, std::int64_t run,
                                                   std::int64_t catalyst, const Measurement& m,
                                                   Time now) {
  between_rows();
  std::optional<std::int64_t> supersedes;
  if (!m.supersedes.empty()) {
    supersedes = first_integer(
        connection_.prepare("SELECT seq FROM measurements WHERE id = ?1").bind(m.supersedes));
    require(*supersedes != 0, "a measurement that is corrected is not there");
  }
  const bool of_newest_run = run == run_;
  std::int64_t hash = run_conditions_hash_;
  if (!of_newest_run) {
    Statement& find = connection_.prepare("SELECT conditions FROM runs WHERE seq = ?1");
    require(find.bind(run).step(), "a run is not there");
    hash = conditions_hash(find.view(0));
    find.reset();
  }
  measurement_ = next_measurement();
  const std::int64_t property = known_property(campaign, m.property);
  connection_
      .prepare("INSERT INTO measurements (" KASETSU_SUM_MEASUREMENTS
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
               "sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10))")
      .bind(measurement_, m.id, campaign, run, catalyst, property, m.value, m.flags, supersedes,
            now)
      .run();
  if (supersedes) {
    connection_.prepare("INSERT OR IGNORE INTO not_live VALUES (?1, 'superseded')")
        .bind(*supersedes)
        .run();
  }
  waiting_.add(catalyst, property, hash, measurement_);
  if (uncounted_.empty() || uncounted_.back().first != campaign) {
    uncounted_.emplace_back(campaign, 0);
  }
  ++uncounted_.back().second;
  if (supersedes || !of_newest_run) {
    // The remembered replicates are stale: one of them is no longer live, or the measurement
    // belongs to an older run.
    forget_windows();
  } else if (Window* known = find_window({catalyst, property, hash}, run_conditions_)) {
    known->values.add(m.value);
  } else {
    write_waiting();
  }
  return measurement_;
}

void SqliteTransaction::mark_measurement(std::string_view id, std::string_view kind,
                                         std::string_view reason, std::string_view person,
                                         Time now) {
  connection_
      .prepare("INSERT INTO marks (" KASETSU_SUM_MARKS
               ", row_sum) SELECT seq, ?2, ?3, ?4, ?5, sum_of(seq, ?2, ?3, ?4, ?5) "
               "FROM measurements WHERE id = ?1")
      .bind(id, kind, reason, person, now)
      .run();
  require_one_change();
  forget_windows();
}

void SqliteTransaction::insert_quarantined(std::int64_t campaign, std::int64_t ingest,
                                           const QuarantinedRow& row) {
  between_rows();
  connection_
      .prepare("INSERT INTO quarantine (" KASETSU_SUM_QUARANTINE
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
               "sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13))")
      .bind(row.id, campaign, ingest, row.row, row.pointer, row.raw, row.reason,
            to_string(row.state), row.measurement, row.actor, row.remark, row.received_at,
            row.resolved_at)
      .run();
}

void SqliteTransaction::resolve_quarantined(const QuarantinedRow& row) {
  connection_
      .prepare(
          "UPDATE quarantine SET state = ?2, measurement = ?3, actor = ?4, remark = ?5, "
          "resolved_at = ?6, row_sum = sum_of(id, campaign, ingest, delivery_row, pointer, raw, "
          "reason, ?2, ?3, ?4, ?5, received_at, ?6) WHERE id = ?1")
      .bind(row.id, to_string(row.state), row.measurement, row.actor, row.remark, row.resolved_at)
      .run();
  require_one_change();
}

void SqliteTransaction::insert_batch(const Batch& b) {
  connection_
      .prepare("INSERT INTO batches (" KASETSU_SUM_BATCHES
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, sum_of(?1, ?2, ?3, ?4, ?5, ?6))")
      .bind(b.id, b.campaign, b.model, b.actor, b.summary, b.created_at)
      .run();
}

void SqliteTransaction::insert_proposal(const Proposal& p) {
  const std::int64_t catalyst = keep_catalyst(p.catalyst, p.catalyst, p.created_at);
  connection_
      .prepare(
          "INSERT INTO proposals (id, campaign, batch, batch_rank, strategy, catalyst, "
          "conditions, mean, low, high, novelty, reason, card, model, state, state_reason, "
          "client, lease_expires, attempts, failures, amended_from, revision, created_at, "
          "updated_at, row_sum, state_sum) VALUES (?1, ?2, (SELECT seq FROM batches WHERE id = "
          "?3), "
          "?4, ?5, "
          "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, "
          "?24, sum_of(?1, ?2, (SELECT seq FROM batches WHERE id = ?3), ?4, ?5, ?6, ?7, ?8, ?9, "
          "?10, ?11, ?12, ?13, ?14, ?21, ?23), "
          "sum_of(?1, ?15, ?16, ?17, ?18, ?19, ?20, ?22, ?24))")
      .bind(p.id, p.campaign, p.batch, p.rank, p.strategy, catalyst, p.conditions, p.mean, p.low,
            p.high, p.novelty, p.reason, p.card, p.model, to_string(p.state), p.state_reason,
            p.client, p.lease_expires, p.attempts, p.failures, p.amended_from, p.revision,
            p.created_at, p.updated_at)
      .run();
}

void SqliteTransaction::update_proposal(const Proposal& p) {
  connection_
      .prepare(
          "UPDATE proposals SET state = ?2, state_reason = ?3, client = ?4, "
          "lease_expires = ?5, attempts = ?6, failures = ?7, updated_at = ?8, "
          "revision = revision + 1, "
          "state_sum = sum_of(id, ?2, ?3, ?4, ?5, ?6, ?7, revision + 1, ?8) WHERE id = ?1")
      .bind(p.id, to_string(p.state), p.state_reason, p.client, p.lease_expires, p.attempts,
            p.failures, p.updated_at)
      .run();
  require_one_change();
}

void SqliteTransaction::keep_snapshot(std::int64_t campaign, const TrainingSet& set, Time now) {
  std::string members;
  std::int64_t last = 0;
  for (const campaign::TrainingRow& row : set.rows) {
    append_rising(members, std::exchange(last, row.seq), row.seq);
  }
  connection_
      .prepare("INSERT INTO snapshots (" KASETSU_SUM_SNAPSHOTS
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7)) "
               "ON CONFLICT (sha256, campaign) DO NOTHING")
      .bind(set.snapshot, campaign, property_key(campaign, set.property),
            static_cast<std::int64_t>(set.rows.size()), Blob{members}, last, now)
      .run();
}

void SqliteTransaction::insert_model(const Model& m) {
  connection_
      .prepare(
          "INSERT INTO models (id, campaign, property, version, document, snapshot, "
          "row_count, config_version, seed, code_version, mae_cv, mae_nested, status, "
          "status_reason, summary, seconds, job, created_at, row_sum, state_sum) VALUES (?1, ?2, "
          "?3, ?4, ?5, "
          "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, sum_of(?1, ?2, ?3, ?4, "
          "?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?15, ?16, ?17, ?18), sum_of(?1, ?13, ?14))")
      .bind(m.id, m.campaign, property_key(m.campaign, m.property), m.version, m.document,
            m.snapshot, m.rows, m.config_version, std::bit_cast<std::int64_t>(m.seed),
            m.code_version, m.mae_cv, m.mae_nested, m.status, m.status_reason, m.summary, m.seconds,
            m.job, m.created_at)
      .run();
}

void SqliteTransaction::update_model(const Model& m) {
  connection_
      .prepare(
          "UPDATE models SET status = ?2, status_reason = ?3, state_sum = sum_of(id, ?2, ?3) "
          "WHERE id = ?1")
      .bind(m.id, m.status, m.status_reason)
      .run();
  require_one_change();
}

void SqliteTransaction::insert_prediction(std::int64_t campaign, const LedgerEntry& e) {
  const std::int64_t catalyst = keep_catalyst(e.catalyst, e.catalyst, e.predicted_at);
  connection_
      .prepare(
          "INSERT INTO predictions (" KASETSU_SUM_PREDICTIONS
          ", row_sum) VALUES (?1, ?2, ?3, (SELECT seq FROM models WHERE id = ?4), ?5, ?6, ?7, ?8, "
          "?9, ?10, sum_of(?1, ?2, ?3, (SELECT seq FROM models WHERE id = ?4), ?5, ?6, ?7, ?8, "
          "?9, ?10))")
      .bind(campaign, catalyst, property_key(campaign, e.property), e.model, e.hypothesis,
            e.proposal, e.predicted, e.low, e.high, e.predicted_at)
      .run();
}

void SqliteTransaction::insert_prediction_error(std::int64_t prediction,
                                                std::string_view measurement, double observed,
                                                double error, Time now) {
  connection_
      .prepare("INSERT INTO prediction_errors (" KASETSU_SUM_PREDICTION_ERRORS
               ", row_sum) VALUES (?1, (SELECT seq FROM measurements WHERE id = ?2), ?3, ?4, ?5, "
               "sum_of(?1, (SELECT seq FROM measurements WHERE id = ?2), ?3, ?4, ?5))")
      .bind(prediction, measurement, observed, error, now)
      .run();
}

void SqliteTransaction::insert_job(const Job& j) {
  connection_
      .prepare(
          "INSERT INTO jobs (" KASETSU_SUM_JOBS
          ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
          "sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15))")
      .bind(j.id, j.campaign, j.kind, to_string(j.state), j.detail, j.progress, j.stage, j.result,
            j.error, j.cancel_requested, j.attempts, j.actor, j.created_at, j.started_at,
            j.finished_at)
      .run();
}

void SqliteTransaction::update_job(const Job& j) {
  connection_
      .prepare(
          "UPDATE jobs SET state = ?2, progress = ?3, stage = ?4, result = ?5, error = ?6, "
          "cancel_requested = ?7, attempts = ?8, started_at = ?9, finished_at = ?10, "
          "row_sum = sum_of(id, campaign, kind, ?2, detail, ?3, ?4, ?5, ?6, ?7, ?8, actor, "
          "created_at, ?9, ?10) WHERE id = ?1")
      .bind(j.id, to_string(j.state), j.progress, j.stage, j.result, j.error, j.cancel_requested,
            j.attempts, j.started_at, j.finished_at)
      .run();
  require_one_change();
}

std::int64_t SqliteTransaction::append_event(const Event& e) {
  connection_
      .prepare("INSERT INTO events (" KASETSU_SUM_EVENTS
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7))")
      .bind(e.at, e.actor, e.campaign, e.object, e.id, e.verb, e.detail)
      .run();
  newest_event_ = connection_.last_row();
  return newest_event_;
}

void SqliteTransaction::keep_reply(std::string_view scope, std::string_view key,
                                   const KeptReply& reply, Time now) {
  connection_
      .prepare("INSERT INTO replies (" KASETSU_SUM_REPLIES
               ", row_sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, sum_of(?1, ?2, ?3, ?4, ?5, ?6))")
      .bind(scope, key, reply.body, reply.status, reply.reply, now)
      .run();
}

void SqliteTransaction::set_setting(std::string_view name, std::string_view value) {
  if (const auto known = settings_.find(name); known != settings_.end()) settings_.erase(known);
  connection_
      .prepare(
          "INSERT INTO settings (name, value, row_sum) VALUES (?1, ?2, sum_of(?1, ?2)) "
          "ON CONFLICT (name) DO UPDATE SET value = excluded.value, row_sum = excluded.row_sum")
      .bind(name, value)
      .run();
}

}  // namespace kasetsu::store
