// Deliveries, runs, measurements and quarantine, in SQL.
#include "daemon/store/queries.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "daemon/campaign/learning/models.h"
#include "daemon/store/measurement_ids.h"

namespace kasetsu::store {
namespace {

constexpr std::int64_t kMostRows = std::numeric_limits<std::int64_t>::max();

// Pieces of statements; literals that the compiler joins, so that a statement is cached by its
// address.
#define INGEST_COLUMNS                                                                        \
  "i.seq, i.id, i.campaign, i.source, i.idempotency_key, i.media_type, c.sha256, i.actor, "   \
  "i.row_count, i.accepted, i.flagged, i.duplicate, i.quarantined, i.first_run, i.last_run, " \
  "i.received_at, i.run, i.first_measurement, i.measurement_count FROM ingests i CROSS JOIN " \
  "contents c ON c.key = i.content"
#define RUN_COLUMNS                                                                       \
  "seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, " \
  "replicate, sample, conditions, proposal, measured_at, content FROM runs"
#define MEASUREMENTS(measurements)                                                              \
  KASETSU_SQL_MEASUREMENT_ID                                                                    \
  ", p.name, p.unit, m.value, m.flags, m.supersedes, "                                          \
  "(SELECT n.seq FROM measurements n WHERE n.supersedes = m.seq), "                             \
  "EXISTS (SELECT 1 FROM marks k WHERE k.measurement = m.seq), c.canonical, c.description, "    \
  "r.kind, r.source, r.run, r.channel, r.sample, r.conditions, r.proposal, i.id, r.sequence, "  \
  "r.replicate, r.measured_at, m.received_at, m.run "                                           \
  "FROM " measurements                                                                          \
  "CROSS JOIN runs r ON r.seq = m.run "                                                         \
  "CROSS JOIN catalysts c ON c.key = m.catalyst CROSS JOIN properties p ON p.key = m.property " \
  "CROSS JOIN ingests i ON i.seq = r.ingest "
#define QUARANTINE_COLUMNS                                                                  \
  "q.seq, q.id, i.id, q.delivery_row, q.pointer, q.raw, q.reason, q.state, q.measurement, " \
  "q.actor, q.remark, q.received_at, q.resolved_at "                                        \
  "FROM quarantine q CROSS JOIN ingests i ON i.seq = q.ingest "

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
  ingest.first_measurement = s.integer(17);
  ingest.measurements = s.integer(18);
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
  run.content = s.optional_digest(15);
  return run;
}

// Marks and other measurements of the chain of corrections are read apart: hardly one has any.
Measurement read_measurement(Connection& connection, MeasurementIds& ids, const Statement& s) {
  Measurement m;
  m.seq = s.integer(0);
  m.id = ids.read(s, 0);
  m.property = s.text(4);
  m.unit = s.text(5);
  m.value = s.real(6);
  m.flags = static_cast<std::uint32_t>(s.integer(7));
  if (!s.null(8)) m.supersedes = id_of_measurement(connection, s.integer(8));
  if (!s.null(9)) m.superseded_by = id_of_measurement(connection, s.integer(9));
  m.catalyst = s.text(11);
  m.catalyst_description = s.text(12);
  m.kind = known(campaign::parse_sample_kind(s.view(13)));
  m.source = s.text(14);
  m.run = s.text(15);
  m.channel = s.text(16);
  m.sample = s.text(17);
  m.conditions = s.text(18);
  m.proposal = s.text(19);
  m.ingest = s.text(20);
  m.sequence = s.optional_integer(21);
  m.replicate = s.optional_integer(22);
  m.measured_at = s.optional_time(23);
  m.received_at = s.time(24);
  m.row = s.integer(25);
  if (s.integer(10) != 0) {
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

std::optional<Measurement> one_measurement(Connection& connection, Statement& statement) {
  if (!statement.step()) return {};
  MeasurementIds ids;
  Measurement row = read_measurement(connection, ids, statement);
  statement.reset();
  return row;
}

std::vector<Measurement> all_measurements(Connection& connection, Statement& statement) {
  std::vector<Measurement> rows;
  MeasurementIds ids;
  while (statement.step()) rows.push_back(read_measurement(connection, ids, statement));
  return rows;
}

}  // namespace

template <typename Base>
std::optional<Ingest> ResultQueries<Base>::find_ingest(std::string_view id) const {
  return one(connection_.prepare("SELECT " INGEST_COLUMNS " WHERE i.id = ?1").bind(id),
             read_ingest);
}

template <typename Base>
std::optional<Ingest> ResultQueries<Base>::ingest_by_key(std::int64_t campaign,
                                                         std::string_view key) const {
  return one(connection_
                 .prepare_beside("SELECT " INGEST_COLUMNS
                                 " WHERE i.campaign = ?1 AND i.idempotency_key = ?2 "
                                 "AND i.idempotency_key <> ''")
                 .bind(campaign, key),
             read_ingest);
}

template <typename Base>
std::vector<Ingest> ResultQueries<Base>::ingests_of_content(std::int64_t campaign,
                                                            std::int64_t content) const {
  return all(connection_
                 .prepare_beside("SELECT " INGEST_COLUMNS
                                 " WHERE i.content = ?2 AND i.campaign = ?1 ORDER BY i.seq")
                 .bind(campaign, content),
             read_ingest);
}

template <typename Base>
std::vector<Ingest> ResultQueries<Base>::ingests(std::int64_t campaign, const Page& page) const {
  return all(connection_
                 .prepare("SELECT " INGEST_COLUMNS
                          " WHERE i.campaign = ?1 AND i.seq > ?2 ORDER BY i.seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_ingest);
}

template <typename Base>
std::optional<std::string> ResultQueries<Base>::content(std::int64_t ingest) const {
  return one<std::string>(
      connection_
          .prepare("SELECT c.bytes FROM ingests i CROSS JOIN contents c ON c.key = i.content "
                   "WHERE i.seq = ?1")
          .bind(ingest),
      [](const Statement& s) { return s.text(0); });
}

template <typename Base>
std::vector<Run> ResultQueries<Base>::runs_between(std::int64_t first, std::int64_t last) const {
  if (first <= 0) return {};
  return all(connection_.prepare("SELECT " RUN_COLUMNS " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
                 .bind(first, last),
             read_run);
}

template <typename Base>
std::optional<Measurement> ResultQueries<Base>::find_measurement(std::string_view id) const {
  const std::int64_t seq = seq_of_measurement(connection_, id);
  if (seq == 0) return {};
  return one_measurement(
      connection_,
      connection_.prepare("SELECT " MEASUREMENTS("measurements m ") "WHERE m.seq = ?1").bind(seq));
}

template <typename Base>
std::vector<Measurement> ResultQueries<Base>::measurements_of_run(std::int64_t run) const {
  return all_measurements(
      connection_,
      connection_
          .prepare("SELECT " MEASUREMENTS("measurements m ") "WHERE m.run = ?1 ORDER BY m.seq")
          .bind(run));
}

template <typename Base>
std::int64_t ResultQueries<Base>::run_of_measurement(std::string_view id) const {
  return one<std::int64_t>(connection_.prepare("SELECT run FROM measurements WHERE seq = ?1")
                               .bind(seq_of_measurement(connection_, id)),
                           [](const Statement& s) { return s.integer(0); })
      .value_or(0);
}

template <typename Base>
std::vector<Measurement> ResultQueries<Base>::measurements(std::int64_t campaign,
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
    // Replicates come by property and conditions: those of the page are chosen by number first, and
    // joined to the rest afterwards.
    return all_measurements(
        connection_,
        connection_
            .prepare("SELECT " MEASUREMENTS(
                "measurements m ") "WHERE m.seq IN (SELECT m.seq FROM " KASETSU_SQL_REPLICATES
                                   "WHERE x.catalyst = "
                                   "(SELECT key FROM catalysts WHERE canonical = ?7) "
                                   "AND x.property IN (SELECT key FROM properties WHERE campaign = "
                                   "?1 "
                                   "AND (?3 = '' OR name = ?3)) AND m.seq > ?2 "
                                   "AND m.run BETWEEN ?4 AND ?5 AND (?6 = 0 OR (" KASETSU_SQL_LIVE
                                   ")) ORDER BY m.seq LIMIT ?8) ORDER BY m.seq")
            .bind(campaign, page.after, filter.property, first_run, last_run, filter.live_only,
                  filter.catalyst, page.limit));
  }
  if (filter.ingest) {
    return all_measurements(
        connection_,
        connection_
            .prepare("SELECT " MEASUREMENTS(
                "measurements m ") "WHERE m.run BETWEEN ?4 AND ?5 AND m.campaign = ?1 AND m.seq > "
                                   "?2 "
                                   "AND (?3 = '' OR p.name = ?3) AND (?6 = 0 OR (" KASETSU_SQL_LIVE
                                   ")) ORDER BY m.seq LIMIT ?7")
            .bind(campaign, page.after, filter.property, first_run, last_run, filter.live_only,
                  page.limit));
  }
  return all_measurements(
      connection_,
      connection_
          .prepare("SELECT " MEASUREMENTS(
              KASETSU_SQL_SPANS_AFTER) "WHERE " KASETSU_SQL_OF_CAMPAIGN_AFTER
                                       "AND (?3 = '' OR p.name = ?3) AND (?4 = 0 OR "
                                       "(" KASETSU_SQL_LIVE ")) ORDER BY x.first, m.seq LIMIT ?5")
          .bind(campaign, page.after, filter.property, filter.live_only, page.limit));
}

template <typename Base>
std::vector<double> ResultQueries<Base>::replicates(std::int64_t campaign,
                                                    std::string_view property,
                                                    std::int64_t catalyst,
                                                    std::string_view conditions,
                                                    std::int64_t limit) const {
  // The transaction looks itself whether some of them wait.
  return all<double>(
      connection_
          .prepare_beside("SELECT m.value FROM " KASETSU_SQL_REPLICATES
                          "CROSS JOIN runs r ON r.seq = m.run "
                          "WHERE x.catalyst = ?3 AND x.property = "
                          "(SELECT key FROM properties WHERE campaign = ?1 AND name = ?2) "
                          "AND x.conditions_hash = ?6 AND r.conditions = ?4 AND " KASETSU_SQL_LIVE
                          "ORDER BY x.first DESC, m.seq DESC LIMIT ?5")
          .bind(campaign, property, catalyst, conditions, limit, conditions_hash(conditions)),
      [](const Statement& s) { return s.real(0); });
}

template <typename Base>
std::int64_t ResultQueries<Base>::count_measurements(std::int64_t campaign) const {
  Statement& count = connection_.prepare(
      "SELECT coalesce((SELECT total FROM campaign_spans WHERE campaign = ?1 ORDER BY first DESC "
      "LIMIT 1), 0) - (SELECT count(*) FROM (" KASETSU_SQL_NOT_LIVE
      ") x CROSS JOIN measurements m ON m.seq = x.seq WHERE m.campaign = ?1)");
  KASETSU_ASSERT(count.bind(campaign).step());
  const std::int64_t live = count.integer(0);
  count.reset();
  return live;
}

template <typename Base>
std::optional<QuarantinedRow> ResultQueries<Base>::find_quarantined(std::string_view id) const {
  return one(connection_.prepare("SELECT " QUARANTINE_COLUMNS "WHERE q.id = ?1").bind(id),
             read_quarantined);
}

template <typename Base>
std::vector<QuarantinedRow> ResultQueries<Base>::quarantined_of_ingest(std::int64_t ingest) const {
  return all(connection_.prepare("SELECT " QUARANTINE_COLUMNS "WHERE q.ingest = ?1 ORDER BY q.seq")
                 .bind(ingest),
             read_quarantined);
}

template <typename Base>
std::vector<QuarantinedRow> ResultQueries<Base>::quarantined(std::int64_t campaign,
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

template class ResultQueries<campaign::Reader>;
template class ResultQueries<campaign::Transaction>;

}  // namespace kasetsu::store
