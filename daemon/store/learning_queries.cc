// Training sets, models, the ledger and jobs, in SQL.
#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <limits>
#include <tuple>

#include "daemon/campaign/learning/models.h"
#include "daemon/store/measurement_ids.h"
#include "daemon/store/queries.h"
#include "daemon/store/rising_numbers.h"

namespace kasetsu::store {
namespace {

// Pieces of statements. The compiler joins the literals, and a statement is cached by its address.
#define MODEL_COLUMNS(document)                                                  \
  "m.seq, m.id, m.campaign, m.version, p.name, " document                        \
  ", m.snapshot, m.row_count, "                                                  \
  "m.config_version, m.seed, m.code_version, m.mae_cv, m.mae_nested, m.status, " \
  "m.status_reason, m.summary, m.seconds, m.job, m.created_at "                  \
  "FROM models m CROSS JOIN properties p ON p.key = m.property "
#define LEDGER_COLUMNS                                                                          \
  "d.seq, o.id, d.hypothesis, c.canonical, d.proposal, p.name, d.predicted, d.low, d.high, "    \
  "d.created_at, e.measurement, e.observed, e.error, e.created_at "                             \
  "FROM predictions d CROSS JOIN models o ON o.seq = d.model "                                  \
  "CROSS JOIN catalysts c ON c.key = d.catalyst CROSS JOIN properties p ON p.key = d.property " \
  "LEFT JOIN prediction_errors e ON e.seq = (SELECT x.seq FROM prediction_errors x "            \
  "CROSS JOIN measurements m ON m.seq = x.measurement "                                         \
  "WHERE x.prediction = d.seq AND " KASETSU_SQL_LIVE "ORDER BY x.seq LIMIT 1) "
#define JOB_COLUMNS                                                                            \
  "seq, id, campaign, kind, state, detail, progress, stage, result, error, cancel_requested, " \
  "attempts, actor, created_at, started_at, finished_at FROM jobs "
#define TRAINING_COLUMNS(measurements)                                 \
  KASETSU_SQL_MEASUREMENT_ID                                           \
  ", c.canonical, r.conditions, r.kind, m.value, m.flags, r.proposal " \
  "FROM " measurements                                                 \
  "CROSS JOIN runs r ON r.seq = m.run "                                \
  "CROSS JOIN ingests i ON i.seq = r.ingest CROSS JOIN catalysts c ON c.key = m.catalyst "

// Of a run r. A blank tube holds no catalyst: its values are quality control, not something to
// learn.
#define TEACHES "r.kind <> 'blank' "

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

LedgerEntry read_entry(Connection& connection, const Statement& s) {
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
    e.measurement = id_of_measurement(connection, s.integer(10));
    e.observed = s.real(11);
    e.error = s.real(12);
    e.observed_at = s.time(13);
  }
  return e;
}

std::vector<LedgerEntry> read_ledger(Connection& connection, Statement& statement) {
  std::vector<LedgerEntry> entries;
  while (statement.step()) entries.push_back(read_entry(connection, statement));
  return entries;
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

TrainingRow read_training_row(MeasurementIds& ids, const Statement& s) {
  TrainingRow row;
  row.seq = s.integer(0);
  row.measurement = ids.read(s, 0);
  row.catalyst = s.text(4);
  row.conditions = s.text(5);
  row.kind = known(campaign::parse_sample_kind(s.view(6)));
  row.value = s.real(7);
  row.flags = static_cast<std::uint32_t>(s.integer(8));
  row.proposal = s.text(9);
  return row;
}

}  // namespace

bool SqliteReader::any_measured(std::int64_t campaign) const {
  Statement& find =
      connection_.prepare("SELECT 1 FROM " KASETSU_SQL_SPANS "WHERE " KASETSU_SQL_OF_CAMPAIGN
                          "AND " KASETSU_SQL_LIVE "LIMIT 1");
  const bool found = find.bind(campaign).step();
  find.reset();
  return found;
}

TrainingSet SqliteReader::training_set(std::int64_t campaign, std::string_view property,
                                                const std::stop_token& stop) const {
  TrainingSet set;
  set.property = std::string(property);
  const std::int64_t key = property_key(campaign, property);
  Statement& unit = connection_.prepare("SELECT unit FROM properties WHERE key = ?1");
  unit.bind(key);
  if (unit.step()) set.unit = unit.text(0);
  unit.reset();
  Statement& rows = connection_.prepare("SELECT " TRAINING_COLUMNS(
      KASETSU_SQL_SPANS) "WHERE " KASETSU_SQL_OF_CAMPAIGN "AND m.property = ?2 AND " TEACHES
                         "AND " KASETSU_SQL_LIVE_IN_BULK "ORDER BY x.first, m.seq");
  rows.bind(campaign, key);
  MeasurementIds ids;
  while (rows.step()) {
    set.rows.push_back(read_training_row(ids, rows));
    if (stop.stop_requested()) {
      rows.reset();
      return set;
    }
  }
  set.snapshot = campaign::snapshot_digest(set);
  return set;
}

std::int64_t SqliteReader::count_training(std::int64_t campaign, std::string_view property,
                                                   std::int64_t enough) const {
  // Catalyst by catalyst, so that a property that nobody measured is not looked for among all
  // measurements.
  Statement& count = connection_.prepare(
      "SELECT count(*) FROM (SELECT 1 FROM catalysts c CROSS JOIN " KASETSU_SQL_REPLICATES
      "CROSS JOIN runs r ON r.seq = m.run WHERE x.catalyst = c.key AND x.property = ?1 AND " TEACHES
      "AND " KASETSU_SQL_LIVE "LIMIT ?2)");
  count.bind(property_key(campaign, property), enough);
  count.step();
  const std::int64_t number = count.integer(0);
  count.reset();
  return number;
}

std::vector<std::int64_t> SqliteReader::snapshot_members(const Digest& snapshot,
                                                                  std::int64_t campaign) const {
  Statement& find =
      connection_.prepare("SELECT members FROM snapshots WHERE sha256 = ?1 AND campaign = ?2");
  KASETSU_ASSERT(find.bind(snapshot, campaign).step());
  std::vector<std::int64_t> members = all_rising(find.view(0));
  find.reset();
  return members;
}

TrainingChange SqliteReader::training_change(std::int64_t campaign,
                                                      std::string_view property,
                                                      const Digest& snapshot,
                                                      std::int64_t enough) const {
  const std::int64_t key = property_key(campaign, property);
  Statement& find = connection_.prepare(
      "SELECT last FROM snapshots INDEXED BY snapshots_by_last "
      "WHERE sha256 = ?1 AND campaign = ?2 AND property = ?3");
  find.bind(snapshot, campaign, key);
  KASETSU_ASSERT(find.step());  // kept with its model
  // All measurements up to the last member were there then, so that only these can be live now and
  // not then, or the other way round: those that somebody marked, and those corrected since.
  const std::int64_t last = find.integer(0);
  find.reset();
  std::vector<std::int64_t> then;
  Statement& touched = connection_.prepare(
      "SELECT m.seq, " KASETSU_SQL_LIVE
      "FROM (SELECT k.measurement AS seq FROM marks k UNION SELECT n.supersedes "
      "FROM measurements n WHERE n.supersedes IS NOT NULL AND +n.seq > ?3) x "
      "CROSS JOIN measurements m ON m.seq = x.seq CROSS JOIN runs r ON r.seq = m.run "
      "WHERE m.campaign = ?1 AND m.property = ?2 AND m.seq <= ?3 AND " TEACHES "ORDER BY m.seq");
  touched.bind(campaign, key, last);
  std::vector<std::int64_t> lost;
  std::vector<std::int64_t> more;
  while (touched.step()) {
    const std::int64_t seq = touched.integer(0);
    const bool live = touched.integer(1) != 0;
    if (then.empty()) then = snapshot_members(snapshot, campaign);
    if (live != std::binary_search(then.begin(), then.end(), seq))
      (live ? more : lost).push_back(seq);
  }
  Statement& added =
      connection_.prepare("SELECT m.seq FROM " KASETSU_SQL_SPANS_AFTER
                          "CROSS JOIN runs r ON r.seq = m.run "
                          "WHERE " KASETSU_SQL_OF_CAMPAIGN_AFTER "AND m.property = ?3 AND " TEACHES
                          "AND " KASETSU_SQL_LIVE "ORDER BY x.first, m.seq LIMIT ?4");
  added.bind(campaign, last, key, enough + std::ssize(lost));
  while (added.step()) more.push_back(added.integer(0));
  TrainingChange change;
  change.growth = std::ssize(more) - std::ssize(lost);
  change.changed = change.growth != 0;
  if (change.growth == 0 && !lost.empty()) {
    // As many as then, but others: a correction, for instance. What they say decides.
    std::vector<std::int64_t> kept;
    std::set_difference(then.begin(), then.end(), lost.begin(), lost.end(),
                        std::back_inserter(kept));
    std::vector<std::int64_t> now;
    std::merge(kept.begin(), kept.end(), more.begin(), more.end(), std::back_inserter(now));
    change.changed = !same_rows(then, now);
  }
  return change;
}

bool SqliteReader::same_rows(std::span<const std::int64_t> some,
                                      std::span<const std::int64_t> others) const {
  KASETSU_ASSERT(some.size() == others.size());
  // What snapshot_digest takes in, less the property, which is the same.
  Statement& row = connection_.prepare(
      "SELECT m.catalyst, m.value, r.kind, r.conditions FROM measurements m "
      "CROSS JOIN runs r ON r.seq = m.run WHERE m.seq = ?1");
  const auto read = [&](std::int64_t seq) {
    KASETSU_ASSERT(row.bind(seq).step());
    std::tuple said(row.integer(0), std::bit_cast<std::uint64_t>(row.real(1)), row.text(2),
                    row.text(3));
    row.reset();
    return said;
  };
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i] != others[i] && read(some[i]) != read(others[i])) return false;
  }
  return true;
}

std::optional<TrainingSet> SqliteReader::training_set(const Digest& snapshot,
                                                               const TrainingSet& known,
                                                               const std::stop_token& stop) const {
  TrainingSet set;
  Statement& find = connection_.prepare(
      "SELECT p.name, p.unit, s.members FROM snapshots s "
      "CROSS JOIN properties p ON p.key = s.property WHERE s.sha256 = ?1 ORDER BY s.key LIMIT 1");
  find.bind(snapshot);
  if (!find.step()) return {};
  set.property = find.text(0);
  set.unit = find.text(1);
  const std::vector<std::int64_t> members = all_rising(find.view(2));
  find.reset();
  Statement& row =
      connection_.prepare("SELECT " TRAINING_COLUMNS("measurements m ") "WHERE m.seq = ?1");
  MeasurementIds ids;
  set.rows.reserve(members.size());
  auto at_hand = known.rows.begin();
  for (const std::int64_t seq : members) {
    if (stop.stop_requested()) break;
    while (at_hand != known.rows.end() && at_hand->seq < seq) ++at_hand;
    if (at_hand != known.rows.end() && at_hand->seq == seq) {
      set.rows.push_back(*at_hand);
      set.rows.back().batch.clear();
      continue;
    }
    row.bind(seq);
    KASETSU_ASSERT(row.step());  // triggers keep it there
    set.rows.push_back(read_training_row(ids, row));
  }
  row.reset();
  set.snapshot = snapshot;
  return set;
}

KnownPoints SqliteReader::known_points(std::int64_t campaign) const {
  KnownPoints known;
  // Catalyst by catalyst, each until its first live measurement: their number matters, not that of
  // the measurements.
  known.measured =
      all_texts(connection_
                    .prepare("SELECT c.canonical FROM catalysts c WHERE c.canonical <> '-' "
                             "AND EXISTS (SELECT 1 FROM " KASETSU_SQL_REPLICATES
                             "WHERE x.catalyst = c.key AND x.property IN "
                             "(SELECT key FROM properties WHERE campaign = ?1 AND target = 1) "
                             "AND " KASETSU_SQL_LIVE ") ORDER BY c.canonical")
                    .bind(campaign));
  Statement& of_state = connection_.prepare(
      "SELECT DISTINCT c.canonical, o.conditions FROM proposals o "
      "CROSS JOIN catalysts c ON c.key = o.catalyst WHERE o.campaign = ?1 "
      "AND o.state IN (?2, ?3, ?4) ORDER BY c.canonical, o.conditions");
  const auto asked = [&](const char* state, const char* or_this, const char* or_that) {
    std::vector<campaign::AskedCandidate> found;
    Statement& rows = of_state.bind(campaign, state, or_this, or_that);
    while (rows.step()) found.push_back({rows.text(0), rows.text(1)});
    return found;
  };
  known.pending = asked("REQUESTED", "ACTIVE", "PARTIAL");
  known.failed = asked("FAILED", "", "");
  known.infeasible = asked("INFEASIBLE", "", "");
  return known;
}

std::optional<Model> SqliteReader::find_model(std::string_view id) const {
  return one(connection_.prepare("SELECT " MODEL_COLUMNS("m.document") "WHERE m.id = ?1").bind(id),
             read_model);
}

std::optional<Model> SqliteReader::current_model(std::int64_t campaign,
                                                          std::string_view property) const {
  return one(connection_
                 .prepare("SELECT " MODEL_COLUMNS(
                     "m.document") "WHERE m.campaign = ?1 AND m.status = 'current' "
                                   "AND (?2 = '' OR p.name = ?2) ORDER BY m.seq DESC LIMIT 1")
                 .bind(campaign, property),
             read_model);
}

std::optional<Model> SqliteReader::newest_model(std::int64_t campaign,
                                                         std::string_view property,
                                                         std::string_view status) const {
  return one(connection_
                 .prepare("SELECT " MODEL_COLUMNS("''") "WHERE m.campaign = ?1 AND m.property = ?2 "
                                                        "AND (?3 = '' OR m.status = ?3) "
                                                        "ORDER BY m.version DESC LIMIT 1")
                 .bind(campaign, property_key(campaign, property), status),
             read_model);
}

std::vector<Model> SqliteReader::models(std::int64_t campaign, const Page& page) const {
  return all(connection_
                 .prepare("SELECT " MODEL_COLUMNS(
                     "''") "WHERE m.campaign = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_model);
}

std::int64_t SqliteReader::last_model_version(std::int64_t campaign,
                                                       std::string_view property) const {
  Statement& find = connection_.prepare(
      "SELECT coalesce(max(m.version), 0) FROM models m WHERE m.campaign = ?1 AND m.property = ?2");
  find.bind(campaign, property_key(campaign, property));
  find.step();
  const std::int64_t version = find.integer(0);
  find.reset();
  return version;
}

std::vector<LedgerEntry> SqliteReader::open_predictions(std::int64_t campaign,
                                                                 std::string_view property,
                                                                 std::string_view catalyst) const {
  return read_ledger(
      connection_,
      connection_
          .prepare("SELECT " LEDGER_COLUMNS
                   "WHERE d.catalyst = (SELECT key FROM catalysts WHERE canonical = ?3) "
                   "AND d.campaign = ?1 AND p.name = ?2 AND e.seq IS NULL ORDER BY d.seq")
          .bind(campaign, property, catalyst));
}

bool SqliteReader::has_predictions(std::int64_t campaign, std::int64_t catalyst) const {
  Statement& find = connection_.prepare_beside(
      "SELECT 1 FROM predictions WHERE catalyst = ?2 AND campaign = ?1 LIMIT 1");
  find.bind(campaign, catalyst);
  const bool found = find.step();
  find.reset();
  return found;
}

std::vector<LedgerEntry> SqliteReader::ledger(std::int64_t campaign,
                                                       std::string_view model,
                                                       const Page& page) const {
  if (!model.empty()) {
    return read_ledger(connection_,
                       connection_
                           .prepare("SELECT " LEDGER_COLUMNS
                                    "WHERE d.model = (SELECT seq FROM models WHERE id = ?2) "
                                    "AND d.campaign = ?1 AND d.seq > ?3 ORDER BY d.seq LIMIT ?4")
                           .bind(campaign, model, page.after, page.limit));
  }
  return read_ledger(connection_,
                     connection_
                         .prepare("SELECT " LEDGER_COLUMNS
                                  "WHERE d.campaign = ?1 AND d.seq > ?2 ORDER BY d.seq LIMIT ?3")
                         .bind(campaign, page.after, page.limit));
}

// Jobs

std::optional<Job> SqliteReader::find_job(std::string_view id) const {
  return one(connection_.prepare("SELECT " JOB_COLUMNS "WHERE id = ?1").bind(id), read_job);
}

std::vector<Job> SqliteReader::jobs(std::optional<std::int64_t> campaign,
                                             std::optional<JobState> state,
                                             const Page& page) const {
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


}  // namespace kasetsu::store
