#include "daemon/store/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "daemon/store/migrations.h"
#include "daemon/store/row_sums.h"

namespace kasetsu::store {
namespace {

// What is declared nowhere, because it would be probed at every row that is written: a query for
// the rows that break the rule, and the sentence's end.
struct Rule {
  std::int64_t since, upto;  // schema versions
  const char* query;
  const char* sentence;
};
constexpr std::int64_t kNewest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kSums = 8;  // the version since which every table has sums

// Which measurements are not live and why, from what was measured and said.
#define KASETSU_SAID                                                                            \
  "SELECT measurement, why FROM (SELECT supersedes AS measurement, 'superseded' AS why FROM "   \
  "measurements WHERE supersedes IS NOT NULL UNION SELECT measurement, 'retracted' FROM marks " \
  "WHERE kind = 'retract' UNION SELECT measurement, 'excluded' FROM marks k WHERE kind = "      \
  "'exclude' AND NOT EXISTS (SELECT 1 FROM marks l WHERE l.measurement = k.measurement AND "    \
  "l.kind = 'include' AND l.seq > k.seq))"

#define KASETSU_SUM_RULE(since, table, key, sum, columns, name)                           \
  {                                                                                       \
    since, kNewest, "SELECT " key " FROM " table " WHERE " sum " <> sum_of(" columns ")", \
        name " {} was changed where it is stored: its sum does not fit"                   \
  }

constexpr Rule kRules[] = {
    {3, kNewest,
     "SELECT seq FROM runs r WHERE NOT EXISTS (SELECT 1 FROM ingests i WHERE i.seq = r.ingest AND "
     "i.campaign = r.campaign)",
     "run {} belongs to no delivery of its campaign"},
    {3, kNewest, "SELECT seq FROM runs WHERE catalyst NOT IN (SELECT key FROM catalysts)",
     "run {} names a catalyst that is not there"},
    {3, kNewest,
     "SELECT seq FROM measurements m WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.seq = m.run "
     "AND "
     "r.campaign = m.campaign AND r.catalyst = m.catalyst)",
     "measurement {} belongs to no run of its campaign and catalyst"},
    {3, kNewest,
     "SELECT seq FROM measurements m WHERE NOT EXISTS (SELECT 1 FROM properties p WHERE p.key = "
     "m.property AND p.campaign = m.campaign)",
     "measurement {} names no property of its campaign"},
    {3, 4,
     "SELECT m.seq FROM measurements m CROSS JOIN runs r ON r.seq = m.run WHERE m.conditions_hash "
     "<> conditions_hash(r.conditions)",
     "measurement {} is not found by its conditions"},
    {3, 5,
     "SELECT m.seq FROM measurements m CROSS JOIN runs r ON r.seq = m.run CROSS JOIN ingests i ON "
     "i.seq = r.ingest WHERE (m.id IS NULL) <> (m.seq >= i.first_measurement AND m.seq < "
     "i.first_measurement + i.measurement_count)",
     "measurement {} has no identifier, or two"},
    {4, kNewest,
     "SELECT key FROM contents c WHERE key <= (SELECT upto FROM late_indexes WHERE name = "
     "'contents') AND NOT EXISTS (SELECT 1 FROM content_numbers n WHERE n.number = "
     "content_number(c.sha256) AND n.content = c.key)",
     "content {} is not found by its digest"},
    {4, kNewest, "SELECT max(key) FROM contents GROUP BY sha256 HAVING count(*) > 1",
     "content {} is kept twice"},
    {4, kNewest,
     "SELECT seq FROM runs r WHERE seq <= (SELECT upto FROM late_indexes WHERE name = 'runs') "
     "AND run_number(campaign, source, run, channel, sequence, replicate) IS NOT NULL AND NOT "
     "EXISTS (SELECT 1 FROM run_numbers n WHERE n.number = run_number(r.campaign, r.source, r.run, "
     "r.channel, r.sequence, r.replicate) AND n.run = r.seq)",
     "run {} is not found by its name"},
    {5, kNewest,
     "SELECT seq FROM measurements EXCEPT SELECT s.measurement FROM replicates x CROSS JOIN "
     "members(x.first, x.more) s",
     "measurement {} is not among its replicates"},
    {5, kNewest,
     "SELECT s.measurement FROM replicates x CROSS JOIN members(x.first, x.more) s GROUP BY "
     "s.measurement HAVING count(*) > 1",
     "measurement {} is among replicates twice"},
    {5, kNewest,
     "SELECT s.measurement FROM replicates x CROSS JOIN members(x.first, x.more) s WHERE NOT "
     "EXISTS (SELECT 1 FROM measurements m LEFT JOIN runs r ON r.seq = m.run WHERE m.seq = "
     "s.measurement AND m.catalyst = x.catalyst AND m.property = x.property AND "
     "coalesce(conditions_hash(r.conditions), x.conditions_hash) = x.conditions_hash)",
     "measurement {} is among replicates that are not its own"},
    {5, 5,
     "SELECT first FROM campaign_spans x WHERE last - first + 1 <> (SELECT count(*) FROM "
     "measurements m WHERE m.seq BETWEEN x.first AND x.last AND m.campaign = x.campaign)",
     "the span that measurement {} begins is not all of its campaign"},
    {5, 5,
     "SELECT first FROM (SELECT first, last, total, lag(last, 1, 0) OVER w AS last_before, "
     "lag(total, 1, 0) OVER w AS total_before FROM campaign_spans WINDOW w AS (PARTITION BY "
     "campaign ORDER BY first)) WHERE first <= last_before OR total <> total_before + last - first "
     "+ 1",
     "the span that measurement {} begins does not follow the one before it"},
    {5, 5,
     "SELECT campaign FROM (SELECT campaign, count(*) AS number FROM measurements GROUP BY "
     "campaign) m WHERE number > coalesce((SELECT sum(last - first + 1) FROM campaign_spans x "
     "WHERE x.campaign = m.campaign), 0)",
     "campaign {} has measurements outside its spans"},
    {6, kNewest,
     "SELECT key FROM campaigns a WHERE measurements <> (SELECT count(*) FROM measurements m WHERE "
     "m.campaign = a.key)",
     "campaign {} has another number of measurements than it says"},
    {6, kNewest,
     "SELECT measurement FROM (" KASETSU_SAID " EXCEPT SELECT measurement, why FROM not_live)",
     "measurement {} is live although it was corrected, retracted or excluded"},
    {6, kNewest,
     "SELECT measurement FROM (SELECT measurement, why FROM not_live EXCEPT " KASETSU_SAID ")",
     "measurement {} is not live, and nobody said why"},
    {6, 6, "SELECT seq FROM runs WHERE row_sum <> sum_of(" KASETSU_SUM_RUNS_6 ")",
     "run {} was changed where it is stored: its sum does not fit"},
    KASETSU_SUM_RULE(7, "runs", "seq", "row_sum", KASETSU_SUM_RUNS, "run"),
    KASETSU_SUM_RULE(6, "measurements", "seq", "row_sum", KASETSU_SUM_MEASUREMENTS, "measurement"),
    KASETSU_SUM_RULE(6, "proposals", "seq", "row_sum", KASETSU_SUM_PROPOSALS, "proposal"),
    KASETSU_SUM_RULE(6, "models", "seq", "row_sum", KASETSU_SUM_MODELS, "model"),
    KASETSU_SUM_RULE(6, "predictions", "seq", "row_sum", KASETSU_SUM_PREDICTIONS, "prediction"),
    KASETSU_SUM_RULE(6, "prediction_errors", "seq", "row_sum", KASETSU_SUM_PREDICTION_ERRORS,
                     "prediction error"),
    KASETSU_SUM_RULE(kSums, "settings", "name", "row_sum", KASETSU_SUM_SETTINGS, "setting"),
    KASETSU_SUM_RULE(kSums, "campaigns", "key", "row_sum", KASETSU_SUM_CAMPAIGNS, "campaign"),
    KASETSU_SUM_RULE(kSums, "campaign_versions", "version", "row_sum",
                     KASETSU_SUM_CAMPAIGN_VERSIONS, "a campaign's version"),
    KASETSU_SUM_RULE(kSums, "properties", "key", "row_sum", KASETSU_SUM_PROPERTIES, "property"),
    KASETSU_SUM_RULE(kSums, "catalysts", "key", "row_sum", KASETSU_SUM_CATALYSTS, "catalyst"),
    KASETSU_SUM_RULE(kSums, "renewed_keys", "catalyst", "row_sum", KASETSU_SUM_RENEWED_KEYS,
                     "the renewed key of catalyst"),
    KASETSU_SUM_RULE(kSums, "samples", "label", "row_sum", KASETSU_SUM_SAMPLES, "sample"),
    KASETSU_SUM_RULE(kSums, "ingests", "seq", "row_sum", KASETSU_SUM_INGESTS, "delivery"),
    KASETSU_SUM_RULE(kSums, "marks", "seq", "row_sum", KASETSU_SUM_MARKS, "mark"),
    KASETSU_SUM_RULE(kSums, "quarantine", "seq", "row_sum", KASETSU_SUM_QUARANTINE,
                     "quarantined row"),
    KASETSU_SUM_RULE(kSums, "batches", "seq", "row_sum", KASETSU_SUM_BATCHES, "batch"),
    KASETSU_SUM_RULE(kSums, "snapshots", "key", "row_sum", KASETSU_SUM_SNAPSHOTS, "snapshot"),
    KASETSU_SUM_RULE(kSums, "jobs", "seq", "row_sum", KASETSU_SUM_JOBS, "job"),
    KASETSU_SUM_RULE(kSums, "events", "seq", "row_sum", KASETSU_SUM_EVENTS, "event"),
    KASETSU_SUM_RULE(kSums, "replies", "key", "row_sum", KASETSU_SUM_REPLIES,
                     "the answer for the idempotency key"),
    KASETSU_SUM_RULE(kSums, "proposals", "seq", "state_sum", KASETSU_SUM_PROPOSAL_STATE,
                     "the state of proposal"),
    KASETSU_SUM_RULE(kSums, "models", "seq", "state_sum", KASETSU_SUM_MODEL_STATE,
                     "the status of model"),
    {1, kNewest, "SELECT key FROM contents WHERE sha256 <> sha256(bytes)",
     "content {} is not what was delivered: its digest does not fit"},
    {1, kNewest,
     "SELECT a.key FROM campaign_versions v CROSS JOIN campaigns a ON a.key = v.campaign WHERE "
     "v.sha256 <> sha256(CAST(v.text AS BLOB))",
     "a version of the file of campaign {} is not what was applied: its digest does not fit"},
};

// The definitions of tables, indexes, triggers and views by their names. Versions of SQLite may
// write the text of an altered table with other quotes and spaces: both are left out.
std::map<std::string, std::string> definitions(Connection& connection) {
  std::map<std::string, std::string> found;
  Statement each(connection.handle(),
                 "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  each.bind();
  while (each.step()) {
    std::string text = each.text(1);
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '"'; });
    found.emplace(each.text(0), std::move(text));
  }
  return found;
}

// What the scripts of the file's version make must be there as they make it. More may be there:
// people make indexes and views of their own.
void check_definitions(Connection& connection, std::int64_t version,
                       std::vector<std::string>& problems) {
  std::vector<Script> scripts = schema_scripts();
  scripts.resize(std::min(scripts.size(), static_cast<std::size_t>(version)));
  if (const Status same = applied_as_written(connection, {}, scripts); !same) {
    problems.push_back(same.error().message);
    return;
  }
  Connection fresh(":memory:", Access::write, {}, true);
  if (const Status made = migrate(fresh, {}, scripts, {}, {}); !made) {
    problems.push_back(made.error().message);
    return;
  }
  const auto found = definitions(connection);
  for (const auto& [name, text] : definitions(fresh)) {
    const auto known = found.find(name);
    if (known == found.end()) {
      problems.push_back(fmt::format("the {} is not there", name));
    } else if (known->second != text) {
      problems.push_back(fmt::format("the {} is not defined as the program defines it", name));
    }
  }
}

void check_rules(Connection& connection, std::int64_t version, std::vector<std::string>& problems) {
  for (const auto& [since, upto, query, sentence] : kRules) {
    if (version < since || version > upto) continue;
    Statement rule(connection.handle(), query);
    rule.bind();
    for (int shown = 0; shown < 5 && rule.step(); ++shown) {
      problems.push_back(fmt::format(fmt::runtime(sentence), rule.view(0)));
    }
  }
}

}  // namespace

void check_whole(Connection& connection, std::vector<std::string>& problems) {
  Statement integrity(connection.handle(), "PRAGMA integrity_check(20)");
  integrity.bind();
  while (integrity.step()) {
    if (integrity.view(0) != "ok") problems.push_back(integrity.text(0));
  }
  Statement keys(connection.handle(), "PRAGMA foreign_key_check");
  keys.bind();
  while (keys.step() && problems.size() < 40) {
    problems.push_back(fmt::format("row {} of table {} names a row of {} that is not there",
                                   keys.integer(1), keys.text(0), keys.text(2)));
  }
  // A file that waits for its migration has other tables.
  const std::int64_t version = connection.integer("PRAGMA user_version");
  check_definitions(connection, version, problems);
  try {
    check_rules(connection, version, problems);
  } catch (const StorageError& error) {
    // What was found already says more than that the rest cannot be read.
    if (problems.empty()) throw;
    problems.push_back(error.to_error().message);
  }
}

}  // namespace kasetsu::store
