// Deliveries, runs, measurements and quarantine, in SQL.
#include "daemon/store/queries.h"

#include <limits>

namespace kasetsu::store {
namespace {

constexpr std::int64_t kMostRows = std::numeric_limits<std::int64_t>::max();

// Pieces of statements. The compiler joins the literals, and a statement is cached by its address.
#define INGEST_COLUMNS                                                                        \
  "i.seq, i.id, i.campaign, i.source, i.idempotency_key, i.media_type, c.sha256, i.actor, "   \
  "i.row_count, i.accepted, i.flagged, i.duplicate, i.quarantined, i.first_run, i.last_run, " \
  "i.received_at, i.run, i.first_measurement, i.measurement_count FROM ingests i CROSS JOIN " \
  "contents c ON c.key = i.content"
#define RUN_COLUMNS                                                                       \
  "seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, " \
  "replicate, sample, conditions, proposal, measured_at, content, told FROM runs"
#define NOT_LIVE(why) \
  "EXISTS (SELECT 1 FROM not_live l WHERE l.measurement = m.seq AND l.why = '" why "')"
#define NEWEST_MARK(column) \
  "(SELECT k." column " FROM marks k WHERE k.measurement = m.seq ORDER BY k.seq DESC LIMIT 1)"
#define MEASUREMENTS \
  "m.seq, m.run, m.id, p.name, p.unit, m.value, m.flags, "                                             \
  "(SELECT n.id FROM measurements n WHERE n.seq = m.supersedes), "                              \
  "(SELECT n.id FROM measurements n WHERE n.supersedes = m.seq), "                             \
  NOT_LIVE("retracted") ", " NOT_LIVE("excluded") ", " NEWEST_MARK("reason") ", "               \
  NEWEST_MARK("person") ", c.canonical, "                                         \
  "r.kind, r.source, r.run, r.channel, "                                                        \
  "coalesce((SELECT w.sample FROM run_names w WHERE w.run = r.seq), r.sample), "                \
  "r.conditions, r.proposal, i.id, r.sequence, "                                                \
  "r.replicate, r.measured_at, m.received_at, r.told, m.campaign "                              \
  "FROM measurements m "                                                                        \
  "CROSS JOIN runs r ON r.seq = m.run "                                                         \
  "CROSS JOIN catalysts c ON c.key = m.catalyst CROSS JOIN properties p ON p.key = m.property " \
  "CROSS JOIN ingests i ON i.seq = r.ingest "
#define QUARANTINE_COLUMNS                                                                  \
  "q.seq, q.id, i.id, q.delivery_row, q.pointer, q.raw, q.reason, q.state, q.measurement, " \
  "q.actor, q.remark, q.received_at, q.resolved_at "                                        \
  "FROM quarantine q CROSS JOIN ingests i ON i.seq = q.ingest "

Ingest read_ingest(const Statement& s) {
  Ingest i;
  read_row(s, 0, i.seq, i.id, i.campaign, i.source, i.idempotency_key, i.media_type, i.sha256,
           i.actor, i.rows, i.accepted, i.flagged, i.duplicate, i.quarantined, i.first_run,
           i.last_run, i.received_at, i.run, i.first_measurement, i.measurements);
  return i;
}

Run read_run(const Statement& s) {
  Run r;
  read_row(s, 0, r.seq, r.ingest, r.row, r.campaign, r.catalyst, r.kind, r.source, r.run, r.channel,
           r.sequence, r.replicate, r.sample, r.conditions, r.proposal, r.measured_at, r.content,
           r.told);
  return r;
}

Measurement read_measurement(const Statement& s) {
  Measurement m;
  read_row(s, 0, m.seq, m.row, m.id, m.property, m.unit, m.value, m.flags, m.supersedes,
           m.superseded_by, m.retracted, m.excluded, m.reason, m.person, m.catalyst, m.kind,
           m.source, m.run, m.channel, m.sample, m.conditions, m.proposal, m.ingest, m.sequence,
           m.replicate, m.measured_at, m.received_at, m.told, m.campaign);
  return m;
}

QuarantinedRow read_quarantined(const Statement& s) {
  QuarantinedRow r;
  read_row(s, 0, r.seq, r.id, r.ingest, r.row, r.pointer, r.raw, r.reason, r.state, r.measurement,
           r.actor, r.remark, r.received_at, r.resolved_at);
  return r;
}

}  // namespace

std::optional<Ingest> SqliteReader::find_ingest(std::string_view id) const {
  return one(connection_.prepare("SELECT " INGEST_COLUMNS " WHERE i.id = ?1").bind(id),
             read_ingest);
}

std::optional<Ingest> SqliteReader::ingest_by_key(std::int64_t campaign, std::string_view actor,
                                                  std::string_view key) const {
  return one(
      connection_
          .prepare("SELECT " INGEST_COLUMNS " WHERE i.campaign = ?1 AND i.idempotency_key = ?2 "
                   "AND i.idempotency_key <> '' AND i.actor = ?3")
          .bind(campaign, key, actor),
      read_ingest);
}

std::vector<Ingest> SqliteReader::ingests_of_content(std::int64_t campaign,
                                                     std::int64_t content) const {
  return all(connection_
                 .prepare("SELECT " INGEST_COLUMNS
                          " WHERE i.content = ?2 AND i.campaign = ?1 ORDER BY i.seq")
                 .bind(campaign, content),
             read_ingest);
}

std::vector<Ingest> SqliteReader::ingests(std::int64_t campaign, const Page& page) const {
  return all(connection_
                 .prepare("SELECT " INGEST_COLUMNS
                          " WHERE i.campaign = ?1 AND i.seq > ?2 ORDER BY i.seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_ingest);
}

std::optional<Ingest> SqliteReader::newest_ingest(std::int64_t campaign) const {
  return one(
      connection_
          .prepare("SELECT " INGEST_COLUMNS " WHERE i.campaign = ?1 ORDER BY i.seq DESC LIMIT 1")
          .bind(campaign),
      read_ingest);
}

std::optional<std::string> SqliteReader::content(std::int64_t ingest) const {
  return one<std::string>(
      connection_
          .prepare("SELECT c.bytes FROM ingests i CROSS JOIN contents c ON c.key = i.content "
                   "WHERE i.seq = ?1")
          .bind(ingest),
      [](const Statement& s) { return s.text(0); });
}

std::vector<Run> SqliteReader::runs_between(std::int64_t first, std::int64_t last) const {
  if (first <= 0) return {};
  return all(connection_.prepare("SELECT " RUN_COLUMNS " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
                 .bind(first, last),
             read_run);
}

std::optional<Measurement> SqliteReader::find_measurement(std::string_view id) const {
  return one(connection_.prepare("SELECT " MEASUREMENTS "WHERE m.id = ?1").bind(id),
             read_measurement);
}

std::vector<Measurement> SqliteReader::measurements_of_run(std::int64_t run) const {
  return all(
      connection_.prepare("SELECT " MEASUREMENTS "WHERE m.run = ?1 ORDER BY m.seq").bind(run),
      read_measurement);
}

std::int64_t SqliteReader::run_of_measurement(std::string_view id) const {
  return first_integer(connection_.prepare("SELECT run FROM measurements WHERE id = ?1").bind(id));
}

std::vector<Measurement> SqliteReader::measurements(std::int64_t campaign,
                                                    const MeasurementFilter& filter,
                                                    const Page& page) const {
  std::int64_t first_run = 0;
  std::int64_t last_run = kMostRows;
  const Time received_from = filter.received_from.value_or(Time::min());
  if (filter.ingest) {
    const auto ingest = find_ingest(*filter.ingest);
    if (!ingest || ingest->first_run == 0) return {};
    first_run = ingest->first_run;
    last_run = ingest->last_run;
  }
  if (!filter.catalyst.empty()) {
    write_waiting();
    // Replicates come by property and conditions: those of the page are chosen by number first, and
    // joined to the rest afterwards.
    return all(
        connection_
            .prepare("SELECT " MEASUREMENTS
                     "WHERE m.seq IN (SELECT m.seq FROM " KASETSU_SQL_REPLICATES
                     "WHERE x.catalyst = (SELECT coalesce((SELECT k.now FROM renewed_keys k WHERE "
                     "k.campaign = ?1 AND k.catalyst = c.key), c.key) FROM catalysts c WHERE "
                     "c.canonical = ?7) "
                     "AND x.property IN (SELECT key FROM properties WHERE campaign = ?1 "
                     "AND (?3 = '' OR name = ?3)) AND m.seq > ?2 AND m.run BETWEEN ?4 AND ?5 "
                     "AND (?6 = 0 OR (" KASETSU_SQL_LIVE
                     ")) AND m.received_at >= ?9 ORDER BY m.seq LIMIT ?8) "
                     "ORDER BY m.seq")
            .bind(campaign, page.after, filter.property, first_run, last_run, filter.live_only,
                  filter.catalyst, page.limit, received_from),
        read_measurement);
  }
  if (filter.ingest) {
    return all(connection_
                   .prepare("SELECT " MEASUREMENTS
                            "WHERE m.run BETWEEN ?4 AND ?5 AND m.campaign = ?1 AND m.seq > ?2 "
                            "AND (?3 = '' OR p.name = ?3) AND (?6 = 0 OR (" KASETSU_SQL_LIVE
                            ")) AND m.received_at >= ?8 ORDER BY m.seq LIMIT ?7")
                   .bind(campaign, page.after, filter.property, first_run, last_run,
                         filter.live_only, page.limit, received_from),
               read_measurement);
  }
  return all(
      connection_
          .prepare("SELECT " MEASUREMENTS "WHERE m.campaign = ?1 AND m.seq > ?2 "
                   "AND (?3 = '' OR p.name = ?3) AND (?4 = 0 OR (" KASETSU_SQL_LIVE
                   ")) AND m.received_at >= ?6 ORDER BY m.seq LIMIT ?5")
          .bind(campaign, page.after, filter.property, filter.live_only, page.limit, received_from),
      read_measurement);
}

std::vector<double> SqliteReader::replicates(std::int64_t campaign, std::string_view property,
                                             std::int64_t catalyst, std::string_view conditions,
                                             std::int64_t limit) const {
  return all<double>(
      connection_
          .prepare("SELECT m.value FROM " KASETSU_SQL_REPLICATES
                   "CROSS JOIN runs r ON r.seq = m.run "
                   "WHERE x.catalyst = ?3 AND x.property = "
                   "(SELECT key FROM properties WHERE campaign = ?1 AND name = ?2) "
                   "AND x.conditions_hash = ?6 AND r.conditions = ?4 AND " KASETSU_SQL_LIVE
                   "ORDER BY x.first DESC, m.seq DESC LIMIT ?5")
          .bind(campaign, property, catalyst, conditions, limit, conditions_hash(conditions)),
      [](const Statement& s) { return s.real(0); });
}

std::optional<std::string> SqliteReader::measured_unit(std::int64_t campaign,
                                                       std::string_view property) const {
  write_waiting();
  return one<std::string>(
      connection_
          .prepare("SELECT p.unit FROM properties p WHERE p.campaign = ?1 AND p.name = ?2 "
                   "AND EXISTS (SELECT 1 FROM catalysts c CROSS JOIN replicates x "
                   "ON x.catalyst = c.key AND x.property = p.key)")
          .bind(campaign, property),
      [](const Statement& s) { return s.text(0); });
}

std::int64_t SqliteReader::count_measurements(std::int64_t campaign) const {
  write_waiting();
  return first_integer(
      connection_
          .prepare("SELECT measurements - (SELECT count(DISTINCT l.measurement) FROM not_live l "
                   "CROSS JOIN measurements m ON m.seq = l.measurement WHERE m.campaign = ?1) "
                   "FROM campaigns WHERE key = ?1")
          .bind(campaign));
}

std::optional<QuarantinedRow> SqliteReader::find_quarantined(std::string_view id) const {
  return one(connection_.prepare("SELECT " QUARANTINE_COLUMNS "WHERE q.id = ?1").bind(id),
             read_quarantined);
}

std::vector<QuarantinedRow> SqliteReader::quarantined_of_ingest(std::int64_t ingest) const {
  return all(connection_.prepare("SELECT " QUARANTINE_COLUMNS "WHERE q.ingest = ?1 ORDER BY q.seq")
                 .bind(ingest),
             read_quarantined);
}

std::vector<QuarantinedRow> SqliteReader::quarantined(std::int64_t campaign,
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

std::int64_t SqliteReader::count_quarantined(std::int64_t campaign, QuarantineState state) const {
  return first_integer(
      connection_.prepare("SELECT count(*) FROM quarantine WHERE campaign = ?1 AND state = ?2")
          .bind(campaign, campaign::to_string(state)));
}

}  // namespace kasetsu::store
