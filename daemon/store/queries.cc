#include "daemon/store/queries.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "daemon/campaign/learning.h"

namespace kasetsu::store {
namespace {

using campaign::TrainingRow;

constexpr std::int64_t kMostRows = std::numeric_limits<std::int64_t>::max();

// Pieces of statements; literals that the compiler joins, so that a statement is cached by its
// address.
#define CAMPAIGN_COLUMNS \
  "key, id, name, owner, state, reason, version, revision, created_at, updated_at"
#define INGEST_COLUMNS                                                                        \
  "i.seq, i.id, i.campaign, i.source, i.idempotency_key, i.media_type, c.sha256, i.actor, "   \
  "i.row_count, i.accepted, i.flagged, i.duplicate, i.quarantined, i.first_run, i.last_run, " \
  "i.received_at, i.run FROM ingests i CROSS JOIN contents c ON c.key = i.content"
#define RUN_COLUMNS                                                                       \
  "seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, " \
  "replicate, sample, conditions, proposal, measured_at, content FROM runs"
#define MEASUREMENT_COLUMNS                                                                     \
  "m.seq, m.id, p.name, p.unit, m.value, m.flags, "                                             \
  "coalesce((SELECT o.id FROM measurements o WHERE o.seq = m.supersedes), ''), "                \
  "coalesce((SELECT n.id FROM measurements n WHERE n.supersedes = m.seq), ''), "                \
  "EXISTS (SELECT 1 FROM marks k WHERE k.measurement = m.seq), c.canonical, c.description, "    \
  "r.kind, r.source, r.run, r.channel, r.sample, r.conditions, r.proposal, i.id, r.sequence, "  \
  "r.replicate, r.measured_at, m.received_at "                                                  \
  "FROM measurements m CROSS JOIN runs r ON r.seq = m.run "                                     \
  "CROSS JOIN catalysts c ON c.key = m.catalyst CROSS JOIN properties p ON p.key = m.property " \
  "CROSS JOIN ingests i ON i.seq = r.ingest "
// Of one measurement m: neither superseded nor retracted nor excluded. By probes, for a few rows.
#define IS_LIVE                                                                                \
  "NOT EXISTS (SELECT 1 FROM measurements n WHERE n.supersedes = m.seq) "                      \
  "AND NOT EXISTS (SELECT 1 FROM marks k WHERE k.measurement = m.seq AND k.kind = 'retract') " \
  "AND coalesce((SELECT k.kind FROM marks k WHERE k.measurement = m.seq AND k.kind IN "        \
  "('exclude', 'include') "                                                                    \
  "ORDER BY k.seq DESC LIMIT 1), 'include') = 'include' "
// The same by one set, for many rows: what is not live is rare.
#define IS_LIVE_IN_BULK                                                                   \
  "m.seq NOT IN (SELECT n.supersedes FROM measurements n WHERE n.supersedes IS NOT NULL " \
  "UNION SELECT k.measurement FROM marks k WHERE k.kind = 'retract' "                     \
  "OR (k.kind = 'exclude' AND NOT EXISTS (SELECT 1 FROM marks l WHERE "                   \
  "l.measurement = k.measurement AND l.kind = 'include' AND l.seq > k.seq))) "
#define QUARANTINE_COLUMNS                                                                  \
  "q.seq, q.id, i.id, q.delivery_row, q.pointer, q.raw, q.reason, q.state, q.measurement, " \
  "q.actor, q.remark, q.received_at, q.resolved_at "                                        \
  "FROM quarantine q CROSS JOIN ingests i ON i.seq = q.ingest "
#define BATCH_COLUMNS "seq, id, campaign, model, actor, summary, created_at FROM batches "
#define PROPOSAL_COLUMNS                                                                  \
  "o.seq, o.id, o.campaign, b.id, o.batch_rank, o.strategy, c.canonical, c.description, " \
  "o.conditions, o.mean, o.low, o.high, o.novelty, o.reason, o.card, o.model, o.state, "  \
  "o.state_reason, o.client, o.lease_expires, o.attempts, o.failures, o.amended_from, "   \
  "o.revision, o.created_at, o.updated_at "                                               \
  "FROM proposals o CROSS JOIN batches b ON b.seq = o.batch "                             \
  "CROSS JOIN catalysts c ON c.key = o.catalyst "
#define MODEL_COLUMNS(document)                                                  \
  "m.seq, m.id, m.campaign, m.version, p.name, " document                        \
  ", m.snapshot, m.row_count, "                                                  \
  "m.config_version, m.seed, m.code_version, m.mae_cv, m.mae_nested, m.status, " \
  "m.status_reason, m.summary, m.seconds, m.job, m.created_at "                  \
  "FROM models m CROSS JOIN properties p ON p.key = m.property "
#define LEDGER_COLUMNS                                                                          \
  "d.seq, o.id, d.hypothesis, c.canonical, d.proposal, p.name, d.predicted, d.low, d.high, "    \
  "d.created_at, e.seq, f.id, e.observed, e.error, e.created_at "                               \
  "FROM predictions d CROSS JOIN models o ON o.seq = d.model "                                  \
  "CROSS JOIN catalysts c ON c.key = d.catalyst CROSS JOIN properties p ON p.key = d.property " \
  "LEFT JOIN prediction_errors e ON e.seq = (SELECT x.seq FROM prediction_errors x "            \
  "CROSS JOIN measurements m ON m.seq = x.measurement "                                         \
  "WHERE x.prediction = d.seq AND " IS_LIVE                                                     \
  "ORDER BY x.seq LIMIT 1) LEFT JOIN measurements f ON f.seq = e.measurement "
#define JOB_COLUMNS                                                                            \
  "seq, id, campaign, kind, state, detail, progress, stage, result, error, cancel_requested, " \
  "attempts, actor, created_at, started_at, finished_at FROM jobs "
#define TRAINING_COLUMNS                                                          \
  "m.seq, m.id, c.canonical, r.conditions, r.kind, m.value, m.flags, r.proposal " \
  "FROM measurements m CROSS JOIN runs r ON r.seq = m.run "                       \
  "CROSS JOIN catalysts c ON c.key = m.catalyst "

// A word that a CHECK of the schema lets through.
template <typename State>
State known(std::optional<State> state) {
  KASETSU_ASSERT(state.has_value());
  return *state;
}

Campaign read_campaign(const Statement& s) {
  Campaign campaign;
  campaign.key = s.integer(0);
  campaign.id = s.text(1);
  campaign.name = s.text(2);
  campaign.owner = s.text(3);
  campaign.state = known(campaign::parse_campaign_state(s.view(4)));
  campaign.reason = s.text(5);
  campaign.version = s.integer(6);
  campaign.revision = s.integer(7);
  campaign.created_at = s.time(8);
  campaign.updated_at = s.time(9);
  return campaign;
}

CampaignVersion read_version(const Statement& s) {
  CampaignVersion version;
  version.version = s.integer(0);
  version.text = s.text(1);
  version.media_type = s.text(2);
  version.sha256 = s.digest(3);
  version.actor = s.text(4);
  version.created_at = s.time(5);
  return version;
}

Ingest read_ingest(const Statement& s) {
  Ingest ingest;
  ingest.seq = s.integer(0);
  ingest.id = s.text(1);
  ingest.campaign = s.integer(2);
  ingest.source = s.text(3);
  ingest.idempotency_key = s.text(4);
  ingest.media_type = s.text(5);
  ingest.sha256 = s.digest(6);
  ingest.actor = s.text(7);
  ingest.rows = s.integer(8);
  ingest.accepted = s.integer(9);
  ingest.flagged = s.integer(10);
  ingest.duplicate = s.integer(11);
  ingest.quarantined = s.integer(12);
  ingest.first_run = s.integer(13);
  ingest.last_run = s.integer(14);
  ingest.received_at = s.time(15);
  ingest.run = s.text(16);
  return ingest;
}

Run read_run(const Statement& s) {
  Run run;
  run.seq = s.integer(0);
  run.ingest = s.integer(1);
  run.row = s.integer(2);
  run.campaign = s.integer(3);
  run.catalyst = s.integer(4);
  run.kind = known(campaign::parse_sample_kind(s.view(5)));
  run.source = s.text(6);
  run.run = s.text(7);
  run.channel = s.text(8);
  run.sequence = s.optional_integer(9);
  run.replicate = s.optional_integer(10);
  run.sample = s.text(11);
  run.conditions = s.text(12);
  run.proposal = s.text(13);
  run.measured_at = s.optional_time(14);
  run.content = s.digest(15);
  return run;
}

// The marks of a measurement are read apart: hardly one has any.
Measurement read_measurement(Connection& connection, const Statement& s) {
  Measurement m;
  m.seq = s.integer(0);
  m.id = s.text(1);
  m.property = s.text(2);
  m.unit = s.text(3);
  m.value = s.real(4);
  m.flags = static_cast<std::uint32_t>(s.integer(5));
  m.supersedes = s.text(6);
  m.superseded_by = s.text(7);
  m.catalyst = s.text(9);
  m.catalyst_description = s.text(10);
  m.kind = known(campaign::parse_sample_kind(s.view(11)));
  m.source = s.text(12);
  m.run = s.text(13);
  m.channel = s.text(14);
  m.sample = s.text(15);
  m.conditions = s.text(16);
  m.proposal = s.text(17);
  m.ingest = s.text(18);
  m.sequence = s.optional_integer(19);
  m.replicate = s.optional_integer(20);
  m.measured_at = s.optional_time(21);
  m.received_at = s.time(22);
  if (s.integer(8) != 0) {
    Statement& marks = connection.prepare(
        "SELECT kind, reason, person FROM marks WHERE measurement = ?1 ORDER BY seq");
    marks.bind(m.seq);
    while (marks.step()) {
      const std::string_view kind = marks.view(0);
      if (kind == "retract") m.retracted = true;
      if (kind == "exclude") m.excluded = true;
      if (kind == "include") m.excluded = false;
      m.reason = marks.text(1);
      m.person = marks.text(2);
    }
  }
  return m;
}

QuarantinedRow read_quarantined(const Statement& s) {
  QuarantinedRow row;
  row.seq = s.integer(0);
  row.id = s.text(1);
  row.ingest = s.text(2);
  row.row = s.integer(3);
  row.pointer = s.text(4);
  row.raw = s.text(5);
  row.reason = s.text(6);
  row.state = known(campaign::parse_quarantine_state(s.view(7)));
  row.measurement = s.text(8);
  row.actor = s.text(9);
  row.remark = s.text(10);
  row.received_at = s.time(11);
  row.resolved_at = s.optional_time(12);
  return row;
}

Batch read_batch(const Statement& s) {
  Batch batch;
  batch.seq = s.integer(0);
  batch.id = s.text(1);
  batch.campaign = s.integer(2);
  batch.model = s.text(3);
  batch.actor = s.text(4);
  batch.summary = s.text(5);
  batch.created_at = s.time(6);
  return batch;
}

Proposal read_proposal(const Statement& s) {
  Proposal p;
  p.seq = s.integer(0);
  p.id = s.text(1);
  p.campaign = s.integer(2);
  p.batch = s.text(3);
  p.rank = s.integer(4);
  p.strategy = s.text(5);
  p.catalyst = s.text(6);
  p.catalyst_description = s.text(7);
  p.conditions = s.text(8);
  p.mean = s.optional_real(9);
  p.low = s.optional_real(10);
  p.high = s.optional_real(11);
  p.novelty = s.optional_real(12);
  p.reason = s.text(13);
  p.card = s.text(14);
  p.model = s.text(15);
  p.state = known(campaign::parse_proposal_state(s.view(16)));
  p.state_reason = s.text(17);
  p.client = s.text(18);
  p.lease_expires = s.optional_time(19);
  p.attempts = s.integer(20);
  p.failures = s.integer(21);
  p.amended_from = s.text(22);
  p.revision = s.integer(23);
  p.created_at = s.time(24);
  p.updated_at = s.time(25);
  return p;
}

Model read_model(const Statement& s) {
  Model m;
  m.seq = s.integer(0);
  m.id = s.text(1);
  m.campaign = s.integer(2);
  m.version = s.integer(3);
  m.property = s.text(4);
  m.document = s.text(5);
  m.snapshot = s.digest(6);
  m.rows = s.integer(7);
  m.config_version = s.integer(8);
  m.seed = std::bit_cast<std::uint64_t>(s.integer(9));
  m.code_version = s.text(10);
  m.mae_cv = s.real(11);
  m.mae_nested = s.optional_real(12);
  m.status = s.text(13);
  m.status_reason = s.text(14);
  m.summary = s.text(15);
  m.seconds = s.real(16);
  m.job = s.text(17);
  m.created_at = s.time(18);
  return m;
}

LedgerEntry read_ledger(const Statement& s) {
  LedgerEntry e;
  e.seq = s.integer(0);
  e.model = s.text(1);
  e.hypothesis = s.integer(2);
  e.catalyst = s.text(3);
  e.proposal = s.text(4);
  e.property = s.text(5);
  e.predicted = s.real(6);
  e.low = s.optional_real(7);
  e.high = s.optional_real(8);
  e.predicted_at = s.time(9);
  if (!s.null(10)) {
    e.measurement = s.text(11);
    e.observed = s.real(12);
    e.error = s.real(13);
    e.observed_at = s.time(14);
  }
  return e;
}

Job read_job(const Statement& s) {
  Job job;
  job.seq = s.integer(0);
  job.id = s.text(1);
  job.campaign = s.integer(2);
  job.kind = s.text(3);
  job.state = known(campaign::parse_job_state(s.view(4)));
  job.detail = s.text(5);
  job.progress = s.real(6);
  job.stage = s.text(7);
  job.result = s.text(8);
  job.error = s.text(9);
  job.cancel_requested = s.integer(10) != 0;
  job.attempts = s.integer(11);
  job.actor = s.text(12);
  job.created_at = s.time(13);
  job.started_at = s.optional_time(14);
  job.finished_at = s.optional_time(15);
  return job;
}

TrainingRow read_training_row(const Statement& s) {
  TrainingRow row;
  row.seq = s.integer(0);
  row.measurement = s.text(1);
  row.catalyst = s.text(2);
  row.conditions = s.text(3);
  row.kind = known(campaign::parse_sample_kind(s.view(4)));
  row.value = s.real(5);
  row.flags = static_cast<std::uint32_t>(s.integer(6));
  row.proposal = s.text(7);
  return row;
}

template <typename Row>
std::optional<Row> one(Statement& statement, Row (*read)(const Statement&)) {
  if (!statement.step()) return {};
  Row row = read(statement);
  statement.reset();
  return row;
}

template <typename Row>
std::vector<Row> all(Statement& statement, Row (*read)(const Statement&)) {
  std::vector<Row> rows;
  while (statement.step()) rows.push_back(read(statement));
  return rows;
}

std::optional<Measurement> one_measurement(Connection& connection, Statement& statement) {
  if (!statement.step()) return {};
  Measurement row = read_measurement(connection, statement);
  statement.reset();
  return row;
}

std::vector<Measurement> all_measurements(Connection& connection, Statement& statement) {
  std::vector<Measurement> rows;
  while (statement.step()) rows.push_back(read_measurement(connection, statement));
  return rows;
}

std::vector<std::string> all_texts(Statement& statement) {
  std::vector<std::string> rows;
  while (statement.step()) rows.push_back(statement.text(0));
  return rows;
}

// Rising numbers as differences, seven bits a byte, lowest first, the high bit says that more
// follow.
std::string pack(const std::vector<TrainingRow>& rows) {
  std::string bytes;
  std::int64_t last = 0;
  for (const TrainingRow& row : rows) {
    KASETSU_ASSERT(row.seq > last);
    auto difference = static_cast<std::uint64_t>(row.seq - last);
    last = row.seq;
    for (; difference >= 0x80; difference >>= 7) {
      bytes.push_back(static_cast<char>((difference & 0x7F) | 0x80));
    }
    bytes.push_back(static_cast<char>(difference));
  }
  return bytes;
}

std::vector<std::int64_t> unpack(std::string_view bytes) {
  std::vector<std::int64_t> numbers;
  std::uint64_t difference = 0;
  int shift = 0;
  std::int64_t last = 0;
  for (const char byte : bytes) {
    difference |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    shift += 7;
    if ((byte & 0x80) == 0) {
      last += static_cast<std::int64_t>(difference);
      numbers.push_back(last);
      difference = 0;
      shift = 0;
    }
  }
  return numbers;
}

}  // namespace

// Campaigns

template <typename Base>
std::optional<Campaign> Queries<Base>::find_campaign(std::string_view name) const {
  return one(
      connection_.prepare("SELECT " CAMPAIGN_COLUMNS " FROM campaigns WHERE name = ?1").bind(name),
      read_campaign);
}

template <typename Base>
std::optional<Campaign> Queries<Base>::campaign(std::int64_t key) const {
  return one(
      connection_.prepare("SELECT " CAMPAIGN_COLUMNS " FROM campaigns WHERE key = ?1").bind(key),
      read_campaign);
}

template <typename Base>
std::vector<Campaign> Queries<Base>::campaigns() const {
  return all(connection_.prepare("SELECT " CAMPAIGN_COLUMNS " FROM campaigns ORDER BY name").bind(),
             read_campaign);
}

template <typename Base>
std::optional<CampaignVersion> Queries<Base>::campaign_version(std::int64_t key,
                                                               std::int64_t version) const {
  return one(connection_
                 .prepare("SELECT version, text, media_type, sha256, actor, created_at "
                          "FROM campaign_versions WHERE campaign = ?1 AND version = ?2")
                 .bind(key, version),
             read_version);
}

template <typename Base>
std::vector<CampaignVersion> Queries<Base>::campaign_versions(std::int64_t key) const {
  return all(connection_
                 .prepare("SELECT version, text, media_type, sha256, actor, created_at "
                          "FROM campaign_versions WHERE campaign = ?1 ORDER BY version")
                 .bind(key),
             read_version);
}

template <typename Base>
std::vector<Property> Queries<Base>::properties(std::int64_t key) const {
  return all<Property>(connection_
                           .prepare("SELECT name, unit, target, low, high FROM properties "
                                    "WHERE campaign = ?1 AND known = 1 ORDER BY position")
                           .bind(key),
                       [](const Statement& s) {
                         return Property{s.text(0), s.text(1), s.integer(2) != 0,
                                         s.optional_real(3), s.optional_real(4)};
                       });
}

template <typename Base>
std::int64_t Queries<Base>::property_key(std::int64_t campaign, std::string_view name) const {
  Statement& find =
      connection_.prepare("SELECT key FROM properties WHERE campaign = ?1 AND name = ?2");
  find.bind(campaign, name);
  if (!find.step()) return 0;
  const std::int64_t key = find.integer(0);
  find.reset();
  return key;
}

// Catalysts and samples

template <typename Base>
std::optional<CatalystRow> Queries<Base>::find_catalyst(std::string_view canonical) const {
  return one<CatalystRow>(
      connection_.prepare("SELECT key, canonical, description FROM catalysts WHERE canonical = ?1")
          .bind(canonical),
      [](const Statement& s) {
        return CatalystRow{s.integer(0), s.text(1), s.text(2)};
      });
}

template <typename Base>
std::optional<std::int64_t> Queries<Base>::sample_catalyst(std::int64_t campaign,
                                                           std::string_view label) const {
  return one<std::int64_t>(
      connection_.prepare("SELECT catalyst FROM samples WHERE campaign = ?1 AND label = ?2")
          .bind(campaign, label),
      [](const Statement& s) { return s.integer(0); });
}

// Results

template <typename Base>
std::optional<Ingest> Queries<Base>::find_ingest(std::string_view id) const {
  return one(connection_.prepare("SELECT " INGEST_COLUMNS " WHERE i.id = ?1").bind(id),
             read_ingest);
}

template <typename Base>
std::optional<Ingest> Queries<Base>::ingest_by_key(std::int64_t campaign,
                                                   std::string_view key) const {
  return one(
      connection_
          .prepare("SELECT " INGEST_COLUMNS " WHERE i.campaign = ?1 AND i.idempotency_key = ?2 "
                   "AND i.idempotency_key <> ''")
          .bind(campaign, key),
      read_ingest);
}

template <typename Base>
std::optional<Ingest> Queries<Base>::ingest_by_content(std::int64_t campaign,
                                                       const Digest& sha256) const {
  return one(connection_
                 .prepare("SELECT " INGEST_COLUMNS
                          " WHERE i.content = (SELECT x.key FROM contents x WHERE x.sha256 = ?2) "
                          "AND i.campaign = ?1 ORDER BY i.seq LIMIT 1")
                 .bind(campaign, sha256),
             read_ingest);
}

template <typename Base>
std::vector<Ingest> Queries<Base>::ingests(std::int64_t campaign, const Page& page) const {
  return all(connection_
                 .prepare("SELECT " INGEST_COLUMNS
                          " WHERE i.campaign = ?1 AND i.seq > ?2 ORDER BY i.seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_ingest);
}

template <typename Base>
std::optional<std::string> Queries<Base>::content(const Digest& sha256) const {
  return one<std::string>(
      connection_.prepare("SELECT bytes FROM contents WHERE sha256 = ?1").bind(sha256),
      [](const Statement& s) { return s.text(0); });
}

template <typename Base>
std::optional<Run> Queries<Base>::find_run(std::int64_t campaign, std::string_view source,
                                           std::string_view run, std::string_view channel,
                                           std::optional<std::int64_t> sequence,
                                           std::optional<std::int64_t> replicate) const {
  if (run.empty()) return {};
  return one(connection_
                 .prepare("SELECT " RUN_COLUMNS
                          " WHERE campaign = ?1 AND source = ?2 AND run = ?3 AND run <> '' "
                          "AND channel = ?4 AND sequence IS ?5 AND replicate IS ?6 "
                          "ORDER BY seq DESC LIMIT 1")
                 .bind(campaign, source, run, channel, sequence, replicate),
             read_run);
}

template <typename Base>
std::vector<Run> Queries<Base>::runs_between(std::int64_t first, std::int64_t last) const {
  if (first <= 0) return {};
  return all(connection_.prepare("SELECT " RUN_COLUMNS " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
                 .bind(first, last),
             read_run);
}

template <typename Base>
std::optional<Measurement> Queries<Base>::find_measurement(std::string_view id) const {
  return one_measurement(
      connection_, connection_.prepare("SELECT " MEASUREMENT_COLUMNS "WHERE m.id = ?1").bind(id));
}

template <typename Base>
std::vector<Measurement> Queries<Base>::measurements_of_run(std::int64_t run) const {
  return all_measurements(
      connection_,
      connection_.prepare("SELECT " MEASUREMENT_COLUMNS "WHERE m.run = ?1 ORDER BY m.seq")
          .bind(run));
}

template <typename Base>
std::int64_t Queries<Base>::run_of_measurement(std::string_view id) const {
  return one<std::int64_t>(
             connection_.prepare("SELECT run FROM measurements WHERE id = ?1").bind(id),
             [](const Statement& s) { return s.integer(0); })
      .value_or(0);
}

template <typename Base>
std::vector<Measurement> Queries<Base>::measurements(std::int64_t campaign,
                                                     const MeasurementFilter& filter,
                                                     const Page& page) const {
  std::int64_t first_run = 0;
  std::int64_t last_run = kMostRows;
  if (filter.ingest) {
    const auto ingest = find_ingest(*filter.ingest);
    if (!ingest || ingest->first_run == 0) return {};
    first_run = ingest->first_run;
    last_run = ingest->last_run;
  }
  if (!filter.catalyst.empty()) {
    return all_measurements(
        connection_,
        connection_
            .prepare("SELECT " MEASUREMENT_COLUMNS
                     "WHERE m.catalyst = (SELECT key FROM catalysts WHERE canonical = ?7) "
                     "AND m.campaign = ?1 AND m.seq > ?2 AND (?3 = '' OR p.name = ?3) "
                     "AND m.run BETWEEN ?4 AND ?5 AND (?6 = 0 OR (" IS_LIVE
                     ")) ORDER BY m.seq LIMIT ?8")
            .bind(campaign, page.after, filter.property, first_run, last_run, filter.live_only,
                  filter.catalyst, page.limit));
  }
  if (filter.ingest) {
    return all_measurements(
        connection_,
        connection_
            .prepare("SELECT " MEASUREMENT_COLUMNS
                     "WHERE m.run BETWEEN ?4 AND ?5 AND m.campaign = ?1 AND m.seq > ?2 "
                     "AND (?3 = '' OR p.name = ?3) AND (?6 = 0 OR (" IS_LIVE
                     ")) ORDER BY m.seq LIMIT ?7")
            .bind(campaign, page.after, filter.property, first_run, last_run, filter.live_only,
                  page.limit));
  }
  return all_measurements(
      connection_,
      connection_
          .prepare("SELECT " MEASUREMENT_COLUMNS "WHERE m.campaign = ?1 AND m.seq > ?2 "
                   "AND (?3 = '' OR p.name = ?3) AND (?4 = 0 OR (" IS_LIVE
                   ")) ORDER BY m.seq LIMIT ?5")
          .bind(campaign, page.after, filter.property, filter.live_only, page.limit));
}

template <typename Base>
std::vector<double> Queries<Base>::replicates(std::int64_t campaign, std::string_view property,
                                              std::string_view catalyst,
                                              std::string_view conditions,
                                              std::int64_t limit) const {
  return all<double>(
      connection_
          .prepare("SELECT m.value FROM measurements m CROSS JOIN runs r ON r.seq = m.run "
                   "WHERE m.catalyst = (SELECT key FROM catalysts WHERE canonical = ?3) "
                   "AND m.campaign = ?1 AND m.property = "
                   "(SELECT key FROM properties WHERE campaign = ?1 AND name = ?2) "
                   "AND r.conditions = ?4 AND " IS_LIVE "ORDER BY m.seq DESC LIMIT ?5")
          .bind(campaign, property, catalyst, conditions, limit),
      [](const Statement& s) { return s.real(0); });
}

template <typename Base>
std::int64_t Queries<Base>::count_measurements(std::int64_t campaign, bool live_only) const {
  Statement& count =
      live_only ? connection_.prepare(
                      "SELECT count(*) FROM measurements m "
                      "WHERE m.campaign = ?1 AND " IS_LIVE_IN_BULK)
                : connection_.prepare("SELECT count(*) FROM measurements m WHERE m.campaign = ?1");
  count.bind(campaign);
  count.step();
  const std::int64_t number = count.integer(0);
  count.reset();
  return number;
}

template <typename Base>
std::optional<QuarantinedRow> Queries<Base>::find_quarantined(std::string_view id) const {
  return one(connection_.prepare("SELECT " QUARANTINE_COLUMNS "WHERE q.id = ?1").bind(id),
             read_quarantined);
}

template <typename Base>
std::vector<QuarantinedRow> Queries<Base>::quarantined_of_ingest(std::int64_t ingest) const {
  return all(connection_.prepare("SELECT " QUARANTINE_COLUMNS "WHERE q.ingest = ?1 ORDER BY q.seq")
                 .bind(ingest),
             read_quarantined);
}

template <typename Base>
std::vector<QuarantinedRow> Queries<Base>::quarantined(std::int64_t campaign,
                                                       std::optional<QuarantineState> state,
                                                       const Page& page) const {
  if (state) {
    return all(connection_
                   .prepare("SELECT " QUARANTINE_COLUMNS
                            "WHERE q.campaign = ?1 AND q.state = ?2 AND q.seq > ?3 "
                            "ORDER BY q.seq LIMIT ?4")
                   .bind(campaign, campaign::to_string(*state), page.after, page.limit),
               read_quarantined);
  }
  return all(connection_
                 .prepare("SELECT " QUARANTINE_COLUMNS
                          "WHERE q.campaign = ?1 AND q.seq > ?2 ORDER BY q.seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_quarantined);
}

// Proposals

template <typename Base>
std::optional<Batch> Queries<Base>::find_batch(std::string_view id) const {
  return one(connection_.prepare("SELECT " BATCH_COLUMNS "WHERE id = ?1").bind(id), read_batch);
}

template <typename Base>
std::vector<Batch> Queries<Base>::batches(std::int64_t campaign, const Page& page) const {
  return all(
      connection_
          .prepare("SELECT " BATCH_COLUMNS "WHERE campaign = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")
          .bind(campaign, page.after, page.limit),
      read_batch);
}

template <typename Base>
std::optional<Proposal> Queries<Base>::find_proposal(std::string_view id) const {
  return one(connection_.prepare("SELECT " PROPOSAL_COLUMNS "WHERE o.id = ?1").bind(id),
             read_proposal);
}

template <typename Base>
std::vector<Proposal> Queries<Base>::proposals(std::int64_t campaign, const ProposalFilter& filter,
                                               const Page& page) const {
  if (filter.state) {
    return all(connection_
                   .prepare("SELECT " PROPOSAL_COLUMNS
                            "WHERE o.campaign = ?1 AND o.state = ?2 AND o.seq > ?3 "
                            "AND (?4 = '' OR b.id = ?4) AND (?5 = '' OR o.client = ?5) "
                            "ORDER BY o.seq LIMIT ?6")
                   .bind(campaign, campaign::to_string(*filter.state), page.after, filter.batch,
                         filter.client, page.limit),
               read_proposal);
  }
  return all(connection_
                 .prepare("SELECT " PROPOSAL_COLUMNS "WHERE o.campaign = ?1 AND o.seq > ?2 "
                          "AND (?3 = '' OR b.id = ?3) AND (?4 = '' OR o.client = ?4) "
                          "ORDER BY o.seq LIMIT ?5")
                 .bind(campaign, page.after, filter.batch, filter.client, page.limit),
             read_proposal);
}

template <typename Base>
std::optional<Proposal> Queries<Base>::open_proposal(std::int64_t campaign,
                                                     std::string_view catalyst) const {
  const auto known = find_catalyst(catalyst);
  return known ? open_proposal(campaign, known->key) : std::nullopt;
}

template <typename Base>
std::optional<Proposal> Queries<Base>::open_proposal(std::int64_t campaign,
                                                     std::int64_t catalyst) const {
  // Most results answer no proposal: a look at the index tells.
  Statement& any =
      connection_.prepare("SELECT 1 FROM proposals WHERE catalyst = ?2 AND campaign = ?1 LIMIT 1");
  any.bind(campaign, catalyst);
  if (!any.step()) return {};
  any.reset();
  return one(connection_
                 .prepare("SELECT " PROPOSAL_COLUMNS "WHERE o.catalyst = ?2 AND o.campaign = ?1 "
                          "AND o.state IN ('ACTIVE', 'PARTIAL', 'REQUESTED', 'FAILED', 'EXPIRED') "
                          "ORDER BY CASE o.state WHEN 'ACTIVE' THEN 0 WHEN 'PARTIAL' THEN 1 "
                          "WHEN 'REQUESTED' THEN 2 WHEN 'FAILED' THEN 3 ELSE 4 END, o.seq LIMIT 1")
                 .bind(campaign, catalyst),
             read_proposal);
}

template <typename Base>
std::vector<Proposal> Queries<Base>::lapsed_proposals(Time now) const {
  return all(connection_
                 .prepare("SELECT " PROPOSAL_COLUMNS
                          "WHERE o.state = 'ACTIVE' AND o.lease_expires <= ?1 ORDER BY o.seq")
                 .bind(now),
             read_proposal);
}

template <typename Base>
std::vector<std::string> Queries<Base>::measured_for_proposal(std::string_view proposal) const {
  if (proposal.empty()) return {};
  return all_texts(connection_
                       .prepare("SELECT DISTINCT p.name FROM runs r "
                                "CROSS JOIN measurements m ON m.run = r.seq "
                                "CROSS JOIN properties p ON p.key = m.property "
                                "WHERE r.proposal = ?1 AND r.proposal <> '' AND " IS_LIVE
                                "ORDER BY p.name")
                       .bind(proposal));
}

// Learning

template <typename Base>
TrainingSet Queries<Base>::training_set(std::int64_t campaign, std::string_view property) const {
  TrainingSet set;
  set.property = std::string(property);
  const std::int64_t key = property_key(campaign, property);
  Statement& unit = connection_.prepare("SELECT unit FROM properties WHERE key = ?1");
  unit.bind(key);
  if (unit.step()) set.unit = unit.text(0);
  unit.reset();
  // A blank tube holds no catalyst: its values are quality control, not something to learn.
  set.rows = all(connection_
                     .prepare("SELECT " TRAINING_COLUMNS
                              "WHERE m.campaign = ?1 AND m.property = ?2 AND r.kind <> 'blank' "
                              "AND " IS_LIVE_IN_BULK "ORDER BY m.seq")
                     .bind(campaign, key),
                 read_training_row);
  set.snapshot = campaign::snapshot_digest(set);
  return set;
}

template <typename Base>
std::optional<TrainingSet> Queries<Base>::training_set(const Digest& snapshot) const {
  TrainingSet set;
  Statement& find = connection_.prepare(
      "SELECT p.name, p.unit, s.members FROM snapshots s "
      "CROSS JOIN properties p ON p.key = s.property WHERE s.sha256 = ?1 ORDER BY s.key LIMIT 1");
  find.bind(snapshot);
  if (!find.step()) return {};
  set.property = find.text(0);
  set.unit = find.text(1);
  const std::vector<std::int64_t> members = unpack(find.view(2));
  find.reset();
  Statement& row = connection_.prepare("SELECT " TRAINING_COLUMNS "WHERE m.seq = ?1");
  for (const std::int64_t seq : members) {
    row.bind(seq);
    KASETSU_ASSERT(row.step());  // foreign keys and triggers keep it there
    set.rows.push_back(read_training_row(row));
  }
  row.reset();
  set.snapshot = campaign::snapshot_digest(set);
  return set;
}

template <typename Base>
KnownPoints Queries<Base>::known_points(std::int64_t campaign) const {
  KnownPoints known;
  // Catalyst by catalyst, each until its first live measurement: their number matters, not that of
  // the measurements.
  known.measured = all_texts(
      connection_
          .prepare("SELECT c.canonical FROM catalysts c WHERE c.canonical <> '-' "
                   "AND EXISTS (SELECT 1 FROM measurements m "
                   "CROSS JOIN properties p ON p.key = m.property "
                   "WHERE m.catalyst = c.key AND m.campaign = ?1 AND p.target = 1 AND " IS_LIVE
                   ") ORDER BY c.canonical")
          .bind(campaign));
  known.pending =
      all_texts(connection_
                    .prepare("SELECT DISTINCT c.canonical FROM proposals o "
                             "CROSS JOIN catalysts c ON c.key = o.catalyst WHERE o.campaign = ?1 "
                             "AND o.state IN ('REQUESTED', 'ACTIVE', 'PARTIAL') "
                             "ORDER BY c.canonical")
                    .bind(campaign));
  Statement& of_state = connection_.prepare(
      "SELECT DISTINCT c.canonical FROM proposals o CROSS JOIN catalysts c ON c.key = o.catalyst "
      "WHERE o.campaign = ?1 AND o.state = ?2 ORDER BY c.canonical");
  known.failed = all_texts(of_state.bind(campaign, "FAILED"));
  known.infeasible = all_texts(of_state.bind(campaign, "INFEASIBLE"));
  return known;
}

template <typename Base>
std::optional<Model> Queries<Base>::find_model(std::string_view id) const {
  return one(connection_.prepare("SELECT " MODEL_COLUMNS("m.document") "WHERE m.id = ?1").bind(id),
             read_model);
}

template <typename Base>
std::optional<Model> Queries<Base>::current_model(std::int64_t campaign,
                                                  std::string_view property) const {
  return one(connection_
                 .prepare("SELECT " MODEL_COLUMNS(
                     "m.document") "WHERE m.campaign = ?1 AND m.status = 'current' "
                                   "AND (?2 = '' OR p.name = ?2) ORDER BY m.seq DESC LIMIT 1")
                 .bind(campaign, property),
             read_model);
}

template <typename Base>
std::vector<Model> Queries<Base>::models(std::int64_t campaign, const Page& page) const {
  return all(connection_
                 .prepare("SELECT " MODEL_COLUMNS(
                     "''") "WHERE m.campaign = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_model);
}

template <typename Base>
std::int64_t Queries<Base>::last_model_version(std::int64_t campaign,
                                               std::string_view property) const {
  Statement& find = connection_.prepare(
      "SELECT coalesce(max(m.version), 0) FROM models m WHERE m.campaign = ?1 AND m.property = ?2");
  find.bind(campaign, property_key(campaign, property));
  find.step();
  const std::int64_t version = find.integer(0);
  find.reset();
  return version;
}

template <typename Base>
std::vector<LedgerEntry> Queries<Base>::open_predictions(std::int64_t campaign,
                                                         std::string_view property,
                                                         std::string_view catalyst) const {
  return all(connection_
                 .prepare("SELECT " LEDGER_COLUMNS
                          "WHERE d.catalyst = (SELECT key FROM catalysts WHERE canonical = ?3) "
                          "AND d.campaign = ?1 AND p.name = ?2 AND e.seq IS NULL ORDER BY d.seq")
                 .bind(campaign, property, catalyst),
             read_ledger);
}

template <typename Base>
bool Queries<Base>::has_predictions(std::int64_t campaign, std::int64_t catalyst) const {
  Statement& find = connection_.prepare(
      "SELECT 1 FROM predictions WHERE catalyst = ?2 AND campaign = ?1 LIMIT 1");
  find.bind(campaign, catalyst);
  const bool found = find.step();
  find.reset();
  return found;
}

template <typename Base>
std::vector<LedgerEntry> Queries<Base>::ledger(std::int64_t campaign, std::string_view model,
                                               const Page& page) const {
  if (!model.empty()) {
    return all(connection_
                   .prepare("SELECT " LEDGER_COLUMNS
                            "WHERE d.model = (SELECT seq FROM models WHERE id = ?2) "
                            "AND d.campaign = ?1 AND d.seq > ?3 ORDER BY d.seq LIMIT ?4")
                   .bind(campaign, model, page.after, page.limit),
               read_ledger);
  }
  return all(connection_
                 .prepare("SELECT " LEDGER_COLUMNS
                          "WHERE d.campaign = ?1 AND d.seq > ?2 ORDER BY d.seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_ledger);
}

// Jobs

template <typename Base>
std::optional<Job> Queries<Base>::find_job(std::string_view id) const {
  return one(connection_.prepare("SELECT " JOB_COLUMNS "WHERE id = ?1").bind(id), read_job);
}

template <typename Base>
std::vector<Job> Queries<Base>::jobs(std::optional<std::int64_t> campaign,
                                     std::optional<JobState> state, const Page& page) const {
  const std::string_view word = state ? campaign::to_string(*state) : std::string_view();
  if (campaign) {
    return all(connection_
                   .prepare("SELECT " JOB_COLUMNS
                            "WHERE campaign = ?1 AND (?2 = '' OR state = ?2) AND seq > ?3 "
                            "ORDER BY seq LIMIT ?4")
                   .bind(*campaign, word, page.after, page.limit),
               read_job);
  }
  if (state) {
    return all(
        connection_
            .prepare("SELECT " JOB_COLUMNS "WHERE state = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")
            .bind(word, page.after, page.limit),
        read_job);
  }
  return all(connection_.prepare("SELECT " JOB_COLUMNS "WHERE seq > ?1 ORDER BY seq LIMIT ?2")
                 .bind(page.after, page.limit),
             read_job);
}

// Events and small things

template <typename Base>
std::vector<Event> Queries<Base>::events(std::int64_t after, std::int64_t limit,
                                         std::string_view campaign) const {
  return all<Event>(connection_
                        .prepare("SELECT seq, created_at, actor, campaign, object, id, verb, "
                                 "detail FROM events WHERE seq > ?1 "
                                 "AND (?2 = '' OR campaign = ?2) ORDER BY seq LIMIT ?3")
                        .bind(after, campaign, limit),
                    [](const Statement& s) {
                      return Event{s.integer(0), s.time(1), s.text(2), s.text(3),
                                   s.text(4),    s.text(5), s.text(6), s.text(7)};
                    });
}

template <typename Base>
std::int64_t Queries<Base>::last_event() const {
  Statement& find = connection_.prepare("SELECT coalesce(max(seq), 0) FROM events");
  find.bind();
  find.step();
  const std::int64_t seq = find.integer(0);
  find.reset();
  return seq;
}

template <typename Base>
std::optional<KeptReply> Queries<Base>::kept_reply(std::string_view scope,
                                                   std::string_view key) const {
  return one<KeptReply>(
      connection_.prepare("SELECT body, status, reply FROM replies WHERE scope = ?1 AND key = ?2")
          .bind(scope, key),
      [](const Statement& s) {
        return KeptReply{s.digest(0), s.integer(1), s.text(2)};
      });
}

template <typename Base>
std::string Queries<Base>::setting(std::string_view name) const {
  return one<std::string>(
             connection_.prepare("SELECT value FROM settings WHERE name = ?1").bind(name),
             [](const Statement& s) { return s.text(0); })
      .value_or(std::string());
}

template <typename Base>
Counts Queries<Base>::counts() const {
  // Row numbers rise by one and nothing is deleted: the largest is the count, without a scan.
  const auto largest = [this](const char* sql) {
    Statement& find = connection_.prepare(sql);
    find.bind();
    find.step();
    const std::int64_t number = find.integer(0);
    find.reset();
    return number;
  };
  Counts counts;
  counts.campaigns = largest("SELECT coalesce(max(key), 0) FROM campaigns");
  counts.catalysts = largest("SELECT coalesce(max(key), 0) FROM catalysts");
  counts.runs = largest("SELECT coalesce(max(seq), 0) FROM runs");
  counts.measurements = largest("SELECT coalesce(max(seq), 0) FROM measurements");
  counts.ingests = largest("SELECT coalesce(max(seq), 0) FROM ingests");
  counts.quarantined = largest("SELECT coalesce(max(seq), 0) FROM quarantine");
  counts.proposals = largest("SELECT coalesce(max(seq), 0) FROM proposals");
  counts.models = largest("SELECT coalesce(max(seq), 0) FROM models");
  counts.events = largest("SELECT coalesce(max(seq), 0) FROM events");
  return counts;
}

template class Queries<campaign::Reader>;
template class Queries<campaign::Transaction>;

// What the writer does

std::int64_t SqliteTransaction::insert_campaign(const Campaign& c) {
  connection_
      .prepare(
          "INSERT INTO campaigns (id, name, owner, state, reason, version, revision, "
          "created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
      .bind(c.id, c.name, c.owner, to_string(c.state), c.reason, c.version, c.revision,
            c.created_at, c.updated_at)
      .run();
  return connection_.last_row();
}

void SqliteTransaction::update_campaign(const Campaign& c) {
  connection_
      .prepare(
          "UPDATE campaigns SET owner = ?2, state = ?3, reason = ?4, version = ?5, "
          "revision = ?6, updated_at = ?7 WHERE key = ?1")
      .bind(c.key, c.owner, to_string(c.state), c.reason, c.version, c.revision, c.updated_at)
      .run();
  KASETSU_ASSERT(connection_.changes() == 1);
}

void SqliteTransaction::insert_campaign_version(std::int64_t campaign,
                                                const CampaignVersion& version) {
  connection_
      .prepare(
          "INSERT INTO campaign_versions (campaign, version, text, media_type, sha256, actor, "
          "created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .bind(campaign, version.version, version.text, version.media_type, version.sha256,
            version.actor, version.created_at)
      .run();
}

void SqliteTransaction::set_properties(std::int64_t campaign,
                                       const std::vector<Property>& properties) {
  connection_.prepare("UPDATE properties SET known = 0 WHERE campaign = ?1").bind(campaign).run();
  std::int64_t position = 0;
  for (const Property& property : properties) {
    connection_
        .prepare(
            "INSERT INTO properties (campaign, name, unit, target, low, high, position, known) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1) ON CONFLICT (campaign, name) DO UPDATE "
            "SET unit = excluded.unit, target = excluded.target, low = excluded.low, "
            "high = excluded.high, position = excluded.position, known = 1")
        .bind(campaign, property.name, property.unit, property.target, property.low, property.high,
              ++position)
        .run();
  }
  property_keys_.clear();
}

std::int64_t SqliteTransaction::keep_catalyst(std::string_view canonical,
                                              std::string_view description, Time now) {
  constexpr std::size_t kMostRemembered = 200'000;
  if (const auto found = catalysts_.find(std::string(canonical)); found != catalysts_.end()) {
    return found->second;
  }
  std::int64_t key = 0;
  Statement& find = connection_.prepare("SELECT key FROM catalysts WHERE canonical = ?1");
  find.bind(canonical);
  if (find.step()) {
    key = find.integer(0);
    find.reset();
  } else {
    connection_
        .prepare("INSERT INTO catalysts (canonical, description, created_at) VALUES (?1, ?2, ?3)")
        .bind(canonical, description, now)
        .run();
    key = connection_.last_row();
  }
  if (catalysts_.size() >= kMostRemembered) catalysts_.clear();
  catalysts_.emplace(canonical, key);
  return key;
}

void SqliteTransaction::keep_sample(std::int64_t campaign, std::string_view label,
                                    std::int64_t catalyst, SampleKind kind, Time now) {
  connection_
      .prepare(
          "INSERT INTO samples (campaign, label, catalyst, kind, created_at) "
          "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (campaign, label) DO NOTHING")
      .bind(campaign, label, catalyst, to_string(kind), now)
      .run();
}

void SqliteTransaction::keep_content(const Digest& sha256, std::string_view bytes, Time now) {
  connection_
      .prepare(
          "INSERT INTO contents (sha256, bytes, created_at) VALUES (?1, ?2, ?3) "
          "ON CONFLICT (sha256) DO NOTHING")
      .bind(sha256, Blob{bytes}, now)
      .run();
}

std::int64_t SqliteTransaction::insert_ingest(const Ingest& i) {
  connection_
      .prepare(
          "INSERT INTO ingests (id, campaign, content, source, idempotency_key, media_type, "
          "actor, row_count, accepted, flagged, duplicate, quarantined, first_run, last_run, "
          "received_at, run) VALUES (?1, ?2, (SELECT key FROM contents WHERE sha256 = ?3), ?4, "
          "?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)")
      .bind(i.id, i.campaign, i.sha256, i.source, i.idempotency_key, i.media_type, i.actor, i.rows,
            i.accepted, i.flagged, i.duplicate, i.quarantined, i.first_run, i.last_run,
            i.received_at, i.run)
      .run();
  return connection_.last_row();
}

void SqliteTransaction::finish_ingest(const Ingest& i) {
  connection_
      .prepare(
          "UPDATE ingests SET row_count = ?2, accepted = ?3, flagged = ?4, duplicate = ?5, "
          "quarantined = ?6, first_run = ?7, last_run = ?8 WHERE seq = ?1")
      .bind(i.seq, i.rows, i.accepted, i.flagged, i.duplicate, i.quarantined, i.first_run,
            i.last_run)
      .run();
}

std::int64_t SqliteTransaction::insert_run(const Run& r) {
  connection_
      .prepare(
          "INSERT INTO runs (ingest, delivery_row, campaign, catalyst, kind, source, run, "
          "channel, sequence, replicate, sample, conditions, proposal, measured_at, content) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")
      .bind(r.ingest, r.row, r.campaign, r.catalyst, to_string(r.kind), r.source, r.run, r.channel,
            r.sequence, r.replicate, r.sample, r.conditions, r.proposal, r.measured_at, r.content)
      .run();
  return connection_.last_row();
}

std::int64_t SqliteTransaction::insert_measurement(std::int64_t campaign, std::int64_t run,
                                                   std::int64_t catalyst, const Measurement& m,
                                                   Time now) {
  const auto remembered =
      std::find_if(property_keys_.begin(), property_keys_.end(), [&](const KnownProperty& known) {
        return known.campaign == campaign && known.name == m.property;
      });
  std::int64_t property = 0;
  if (remembered != property_keys_.end()) {
    property = remembered->key;
  } else {
    property = property_key(campaign, m.property);
    constexpr std::size_t kMostRemembered = 16;
    if (property_keys_.size() == kMostRemembered) property_keys_.clear();
    property_keys_.push_back({campaign, m.property, property});
  }
  KASETSU_ASSERT(property != 0);
  std::optional<std::int64_t> supersedes;
  if (!m.supersedes.empty()) {
    Statement& find = connection_.prepare("SELECT seq FROM measurements WHERE id = ?1");
    find.bind(m.supersedes);
    KASETSU_ASSERT(find.step());
    supersedes = find.integer(0);
    find.reset();
  }
  connection_
      .prepare(
          "INSERT INTO measurements (id, campaign, run, catalyst, property, value, flags, "
          "supersedes, received_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
      .bind(m.id, campaign, run, catalyst, property, m.value, m.flags, supersedes, now)
      .run();
  return connection_.last_row();
}

void SqliteTransaction::mark_measurement(std::string_view id, std::string_view kind,
                                         std::string_view reason, std::string_view person,
                                         Time now) {
  connection_
      .prepare(
          "INSERT INTO marks (measurement, kind, reason, person, created_at) "
          "VALUES ((SELECT seq FROM measurements WHERE id = ?1), ?2, ?3, ?4, ?5)")
      .bind(id, kind, reason, person, now)
      .run();
}

void SqliteTransaction::insert_quarantined(std::int64_t campaign, std::int64_t ingest,
                                           const QuarantinedRow& row) {
  connection_
      .prepare(
          "INSERT INTO quarantine (id, campaign, ingest, delivery_row, pointer, raw, reason, "
          "state, measurement, actor, remark, received_at, resolved_at) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")
      .bind(row.id, campaign, ingest, row.row, row.pointer, row.raw, row.reason,
            to_string(row.state), row.measurement, row.actor, row.remark, row.received_at,
            row.resolved_at)
      .run();
}

void SqliteTransaction::resolve_quarantined(const QuarantinedRow& row) {
  connection_
      .prepare(
          "UPDATE quarantine SET state = ?2, measurement = ?3, actor = ?4, remark = ?5, "
          "resolved_at = ?6 WHERE id = ?1")
      .bind(row.id, to_string(row.state), row.measurement, row.actor, row.remark, row.resolved_at)
      .run();
  KASETSU_ASSERT(connection_.changes() == 1);
}

void SqliteTransaction::insert_batch(const Batch& b) {
  connection_
      .prepare(
          "INSERT INTO batches (id, campaign, model, actor, summary, created_at) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
      .bind(b.id, b.campaign, b.model, b.actor, b.summary, b.created_at)
      .run();
}

void SqliteTransaction::insert_proposal(const Proposal& p) {
  const std::int64_t catalyst = keep_catalyst(p.catalyst, p.catalyst_description, p.created_at);
  connection_
      .prepare(
          "INSERT INTO proposals (id, campaign, batch, batch_rank, strategy, catalyst, "
          "conditions, mean, low, high, novelty, reason, card, model, state, state_reason, "
          "client, lease_expires, attempts, failures, amended_from, revision, created_at, "
          "updated_at) VALUES (?1, ?2, (SELECT seq FROM batches WHERE id = ?3), ?4, ?5, ?6, "
          "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, "
          "?24)")
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
          "revision = revision + 1 WHERE id = ?1")
      .bind(p.id, to_string(p.state), p.state_reason, p.client, p.lease_expires, p.attempts,
            p.failures, p.updated_at)
      .run();
  KASETSU_ASSERT(connection_.changes() == 1);
}

void SqliteTransaction::keep_snapshot(std::int64_t campaign, const TrainingSet& set, Time now) {
  connection_
      .prepare(
          "INSERT INTO snapshots (sha256, campaign, property, row_count, members, created_at) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (sha256, campaign) DO NOTHING")
      .bind(set.snapshot, campaign, property_key(campaign, set.property),
            static_cast<std::int64_t>(set.rows.size()), Blob{pack(set.rows)}, now)
      .run();
}

void SqliteTransaction::insert_model(const Model& m) {
  connection_
      .prepare(
          "INSERT INTO models (id, campaign, property, version, document, snapshot, "
          "row_count, config_version, seed, code_version, mae_cv, mae_nested, status, "
          "status_reason, summary, seconds, job, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
          "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)")
      .bind(m.id, m.campaign, property_key(m.campaign, m.property), m.version, m.document,
            m.snapshot, m.rows, m.config_version, std::bit_cast<std::int64_t>(m.seed),
            m.code_version, m.mae_cv, m.mae_nested, m.status, m.status_reason, m.summary, m.seconds,
            m.job, m.created_at)
      .run();
}

void SqliteTransaction::update_model(const Model& m) {
  connection_.prepare("UPDATE models SET status = ?2, status_reason = ?3 WHERE id = ?1")
      .bind(m.id, m.status, m.status_reason)
      .run();
  KASETSU_ASSERT(connection_.changes() == 1);
}

void SqliteTransaction::insert_prediction(std::int64_t campaign, const LedgerEntry& e) {
  const std::int64_t catalyst = keep_catalyst(e.catalyst, e.catalyst, e.predicted_at);
  connection_
      .prepare(
          "INSERT INTO predictions (campaign, catalyst, property, model, hypothesis, "
          "proposal, predicted, low, high, created_at) VALUES (?1, ?2, ?3, (SELECT seq FROM "
          "models WHERE id = ?4), ?5, ?6, ?7, ?8, ?9, ?10)")
      .bind(campaign, catalyst, property_key(campaign, e.property), e.model, e.hypothesis,
            e.proposal, e.predicted, e.low, e.high, e.predicted_at)
      .run();
}

void SqliteTransaction::insert_prediction_error(std::int64_t prediction,
                                                std::string_view measurement, double observed,
                                                double error, Time now) {
  connection_
      .prepare(
          "INSERT INTO prediction_errors (prediction, measurement, observed, error, "
          "created_at) VALUES (?1, (SELECT seq FROM measurements WHERE id = ?2), ?3, ?4, ?5)")
      .bind(prediction, measurement, observed, error, now)
      .run();
}

void SqliteTransaction::insert_job(const Job& j) {
  connection_
      .prepare(
          "INSERT INTO jobs (id, campaign, kind, state, detail, progress, stage, result, "
          "error, cancel_requested, attempts, actor, created_at, started_at, finished_at) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")
      .bind(j.id, j.campaign, j.kind, to_string(j.state), j.detail, j.progress, j.stage, j.result,
            j.error, j.cancel_requested, j.attempts, j.actor, j.created_at, j.started_at,
            j.finished_at)
      .run();
}

void SqliteTransaction::update_job(const Job& j) {
  connection_
      .prepare(
          "UPDATE jobs SET state = ?2, progress = ?3, stage = ?4, result = ?5, error = ?6, "
          "cancel_requested = ?7, attempts = ?8, started_at = ?9, finished_at = ?10 "
          "WHERE id = ?1")
      .bind(j.id, to_string(j.state), j.progress, j.stage, j.result, j.error, j.cancel_requested,
            j.attempts, j.started_at, j.finished_at)
      .run();
  KASETSU_ASSERT(connection_.changes() == 1);
}

std::int64_t SqliteTransaction::append_event(const Event& e) {
  connection_
      .prepare(
          "INSERT INTO events (created_at, actor, campaign, object, id, verb, detail) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .bind(e.at, e.actor, e.campaign, e.object, e.id, e.verb, e.detail)
      .run();
  newest_event_ = connection_.last_row();
  return newest_event_;
}

void SqliteTransaction::keep_reply(std::string_view scope, std::string_view key,
                                   const KeptReply& reply, Time now) {
  connection_
      .prepare(
          "INSERT INTO replies (scope, key, body, status, reply, created_at) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
      .bind(scope, key, reply.body, reply.status, reply.reply, now)
      .run();
}

void SqliteTransaction::set_setting(std::string_view name, std::string_view value) {
  connection_
      .prepare(
          "INSERT INTO settings (name, value) VALUES (?1, ?2) "
          "ON CONFLICT (name) DO UPDATE SET value = excluded.value")
      .bind(name, value)
      .run();
}

}  // namespace kasetsu::store
