// Training sets, models, the ledger and jobs, in SQL.
#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <limits>
#include <tuple>

#include "daemon/campaign/learning/models.h"
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
  "d.created_at, (SELECT m.id FROM measurements m WHERE m.seq = e.measurement), e.observed, "   \
  "e.error, e.created_at "                                                                      \
  "FROM predictions d CROSS JOIN models o ON o.seq = d.model "                                  \
  "CROSS JOIN catalysts c ON c.key = d.catalyst CROSS JOIN properties p ON p.key = d.property " \
  "LEFT JOIN prediction_errors e ON e.seq = (SELECT x.seq FROM prediction_errors x "            \
  "CROSS JOIN measurements m ON m.seq = x.measurement "                                         \
  "WHERE x.prediction = d.seq AND " KASETSU_SQL_LIVE "ORDER BY x.seq LIMIT 1) "
#define JOB_COLUMNS                                                                            \
  "seq, id, campaign, kind, state, detail, progress, stage, result, error, cancel_requested, " \
  "attempts, actor, created_at, started_at, finished_at FROM jobs "
#define TRAINING_COLUMNS                                                                      \
  "m.seq, m.id, c.canonical, r.conditions, r.kind, m.value, m.flags, r.proposal "             \
  "FROM measurements m CROSS JOIN runs r ON r.seq = m.run CROSS JOIN catalysts c ON c.key = " \
  "m.catalyst "

// Of a run r. A blank tube holds no catalyst: its values are quality control, not something to
// learn.
#define TEACHES "r.kind <> 'blank' "

Model read_model(const Statement& s) {
  Model m;
  std::int64_t seed = 0;
  read_row(s, 0, m.seq, m.id, m.campaign, m.version, m.property, m.document, m.snapshot, m.rows,
           m.config_version, seed, m.code_version, m.mae_cv, m.mae_nested, m.status,
           m.status_reason, m.summary, m.seconds, m.job, m.created_at);
  m.seed = std::bit_cast<std::uint64_t>(seed);
  return m;
}

LedgerEntry read_entry(const Statement& s) {
  LedgerEntry e;
  read_row(s, 0, e.seq, e.model, e.hypothesis, e.catalyst, e.proposal, e.property, e.predicted,
           e.low, e.high, e.predicted_at, e.measurement, e.observed, e.error, e.observed_at);
  return e;
}

Job read_job(const Statement& s) {
  Job j;
  read_row(s, 0, j.seq, j.id, j.campaign, j.kind, j.state, j.detail, j.progress, j.stage, j.result,
           j.error, j.cancel_requested, j.attempts, j.actor, j.created_at, j.started_at,
           j.finished_at);
  return j;
}

TrainingRow read_training_row(const Statement& s) {
  TrainingRow row;
  read_row(s, 0, row.seq, row.measurement, row.catalyst, row.conditions, row.kind, row.value,
           row.flags, row.proposal);
  return row;
}

}  // namespace

bool SqliteReader::any_measured(std::int64_t campaign) const {
  return any(connection_
                 .prepare("SELECT 1 FROM measurements m WHERE m.campaign = ?1 "
                          "AND " KASETSU_SQL_LIVE "LIMIT 1")
                 .bind(campaign));
}

TrainingSet SqliteReader::training_set(std::int64_t campaign, std::string_view property,
                                       const std::stop_token& stop) const {
  TrainingSet set;
  set.property = std::string(property);
  const std::int64_t key = property_key(campaign, property);
  set.unit =
      first_text(connection_.prepare("SELECT unit FROM properties WHERE key = ?1").bind(key));
  Statement& rows = connection_.prepare("SELECT " TRAINING_COLUMNS
                                        "WHERE m.campaign = ?1 AND m.property = ?2 AND " TEACHES
                                        "AND " KASETSU_SQL_LIVE "ORDER BY m.seq");
  rows.bind(campaign, key);
  while (rows.step()) {
    set.rows.push_back(read_training_row(rows));
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
  write_waiting();
  // Catalyst by catalyst, so that a property that nobody measured is not looked for among all
  // measurements.
  Statement& count = connection_.prepare(
      "SELECT count(*) FROM (SELECT 1 FROM catalysts c CROSS JOIN " KASETSU_SQL_REPLICATES
      "CROSS JOIN runs r ON r.seq = m.run WHERE x.catalyst = c.key AND x.property = ?1 AND " TEACHES
      "AND " KASETSU_SQL_LIVE "LIMIT ?2)");
  return first_integer(count.bind(property_key(campaign, property), enough));
}

std::vector<std::int64_t> SqliteReader::snapshot_members(const Digest& snapshot,
                                                         std::int64_t campaign) const {
  Statement& find =
      connection_.prepare("SELECT members FROM snapshots WHERE sha256 = ?1 AND campaign = ?2");
  require(find.bind(snapshot, campaign).step(), "the snapshot of a model is not there");
  std::vector<std::int64_t> members = all_rising(find.view(0));
  find.reset();
  return members;
}

TrainingChange SqliteReader::training_change(std::int64_t campaign, std::string_view property,
                                             const Digest& snapshot, std::int64_t enough) const {
  const std::int64_t key = property_key(campaign, property);
  Statement& find = connection_.prepare(
      "SELECT last FROM snapshots INDEXED BY snapshots_by_last "
      "WHERE sha256 = ?1 AND campaign = ?2 AND property = ?3");
  require(find.bind(snapshot, campaign, key).step(), "the snapshot of a model is not there");
  // All measurements up to the last member were there then, so that only these can be live now and
  // not then, or the other way round: those that somebody marked, and those corrected since.
  const std::int64_t last = find.integer(0);
  find.reset();
  std::vector<std::int64_t> then;
  Statement& touched = connection_.prepare(
      "SELECT m.seq, " KASETSU_SQL_LIVE
      "FROM (SELECT measurement FROM marks UNION SELECT measurement FROM not_live) x "
      "CROSS JOIN measurements m ON m.seq = x.measurement CROSS JOIN runs r ON r.seq = m.run "
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
  Statement& added = connection_.prepare(
      "SELECT m.seq FROM measurements m CROSS JOIN runs r ON r.seq = m.run "
      "WHERE m.campaign = ?1 AND m.seq > ?2 AND m.property = ?3 AND " TEACHES
      "AND " KASETSU_SQL_LIVE "ORDER BY m.seq LIMIT ?4");
  added.bind(campaign, last, key, enough + std::ssize(lost));
  while (added.step()) more.push_back(added.integer(0));
  TrainingChange change;
  change.growth = std::ssize(more) - std::ssize(lost);
  change.lost = std::ssize(lost);
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
    require(row.bind(seq).step(), "a measurement of a snapshot is not there");
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

std::optional<TrainingSet> SqliteReader::training_set(std::int64_t campaign, const Digest& snapshot,
                                                      const TrainingSet& known,
                                                      const std::stop_token& stop) const {
  TrainingSet set;
  Statement& find = connection_.prepare(
      "SELECT p.name, p.unit, s.members FROM snapshots s "
      "CROSS JOIN properties p ON p.key = s.property WHERE s.sha256 = ?1 AND s.campaign = ?2");
  find.bind(snapshot, campaign);
  if (!find.step()) return {};
  set.property = find.text(0);
  set.unit = find.text(1);
  const std::vector<std::int64_t> members = all_rising(find.view(2));
  find.reset();
  Statement& row = connection_.prepare("SELECT " TRAINING_COLUMNS "WHERE m.seq = ?1");
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
    require(row.step(), "a measurement of a snapshot is not there");
    set.rows.push_back(read_training_row(row));
  }
  row.reset();
  set.snapshot = snapshot;
  return set;
}

KnownPoints SqliteReader::known_points(std::int64_t campaign) const {
  write_waiting();
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
      "AND (o.state = ?2 OR (?2 = 'open' AND o.state IN " KASETSU_SQL_OPEN
      ")) ORDER BY c.canonical, o.conditions");
  const auto asked = [&](const char* state) {
    std::vector<campaign::AskedCandidate> found;
    Statement& rows = of_state.bind(campaign, state);
    while (rows.step()) found.push_back({rows.text(0), rows.text(1)});
    return found;
  };
  known.pending = asked("open");
  known.failed = asked("FAILED");
  known.infeasible = asked("INFEASIBLE");
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

std::optional<Model> SqliteReader::newest_model(std::int64_t campaign, std::string_view property,
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
  return first_integer(find.bind(campaign, property_key(campaign, property)));
}

std::vector<LedgerEntry> SqliteReader::open_predictions(std::int64_t campaign,
                                                        std::string_view property,
                                                        std::string_view catalyst) const {
  return all(connection_
                 .prepare("SELECT " LEDGER_COLUMNS
                          "WHERE d.catalyst = (SELECT key FROM catalysts WHERE canonical = ?3) "
                          "AND d.campaign = ?1 AND p.name = ?2 AND e.seq IS NULL ORDER BY d.seq")
                 .bind(campaign, property, catalyst),
             read_entry);
}

bool SqliteReader::has_predictions(std::int64_t campaign, std::int64_t catalyst) const {
  return any(
      connection_.prepare("SELECT 1 FROM predictions WHERE catalyst = ?2 AND campaign = ?1 LIMIT 1")
          .bind(campaign, catalyst));
}

std::vector<LedgerEntry> SqliteReader::ledger(std::int64_t campaign, std::string_view model,
                                              const Page& page) const {
  if (!model.empty()) {
    return all(connection_
                   .prepare("SELECT " LEDGER_COLUMNS
                            "WHERE d.model = (SELECT seq FROM models WHERE id = ?2) "
                            "AND d.campaign = ?1 AND d.seq > ?3 ORDER BY d.seq LIMIT ?4")
                   .bind(campaign, model, page.after, page.limit),
               read_entry);
  }
  return all(connection_
                 .prepare("SELECT " LEDGER_COLUMNS
                          "WHERE d.campaign = ?1 AND d.seq > ?2 ORDER BY d.seq LIMIT ?3")
                 .bind(campaign, page.after, page.limit),
             read_entry);
}

// Jobs

std::optional<Job> SqliteReader::find_job(std::string_view id) const {
  return one(connection_.prepare("SELECT " JOB_COLUMNS "WHERE id = ?1").bind(id), read_job);
}

std::vector<Job> SqliteReader::jobs(std::optional<std::int64_t> campaign,
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

}  // namespace kasetsu::store
