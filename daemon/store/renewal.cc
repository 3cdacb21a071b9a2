#include "daemon/store/renewal.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/base/json.h"
#include "daemon/store/row_sums.h"
#include "daemon/store/rows.h"

namespace kasetsu::store {
namespace {

// What refuses changes of rows that are never changed otherwise.
constexpr const char* kTriggers[] = {"runs_kept", "measurements_kept", "proposals_kept",
                                     "predictions_kept", "replicates_stay"};

using Changes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// The columns of a sum with what some of them become.
std::string sum_with(std::string_view columns, Changes changes) {
  std::string sum;
  for (std::size_t at = 0; at < columns.size();) {
    const std::size_t end = std::min(columns.find(", ", at), columns.size());
    std::string_view column = columns.substr(at, end - at);
    for (const auto& [name, now] : changes) {
      if (column == name) column = now;
    }
    sum += (sum.empty() ? "" : ", ") + std::string(column);
    at = end + 2;
  }
  return "sum_of(" + sum + ")";
}

class Renewal {
 public:
  Renewal(Connection& writer, Time now, const std::function<void(const std::string&)>& log)
      : writer_(writer), now_(now), log_(log) {
    writer_.execute(
        "CREATE TEMP TABLE IF NOT EXISTS renewed "
        "(old INTEGER PRIMARY KEY, now INTEGER NOT NULL, written TEXT NOT NULL)");
  }

  void of_campaign(std::int64_t campaign, const std::string& name,
                   const std::map<std::string, NewKey>& keys) {
    writer_.execute("DELETE FROM temp.renewed");
    for (const auto& [was, now] : keys) {
      run("INSERT INTO temp.renewed SELECT key, ?2, canonical FROM catalysts WHERE canonical = ?1",
          was, catalyst(now));
    }
    if (!keys.empty()) {
      note_keys(campaign);
      cancel_twins(campaign, name);
      rewrite(campaign);
      tell(campaign, name);
    }
    run("UPDATE campaigns SET key_rules = ?2, row_sum = " +
            sum_with(KASETSU_SUM_CAMPAIGNS, {{"key_rules", "?2"}}) + " WHERE key = ?1",
        campaign, kKeyRules);
  }

 private:
  template <typename... Values>
  void run(const std::string& sql, const Values&... values) {
    Statement(writer_.handle(), sql.c_str()).bind(values...).run();
  }

  std::int64_t catalyst(const NewKey& now) {
    run("INSERT OR IGNORE INTO catalysts (" KASETSU_SUM_CATALYSTS
        ", row_sum) VALUES (?1, ?2, ?3, sum_of(?1, ?2, ?3))",
        now.key, now.description, now_);
    Statement find(writer_.handle(), "SELECT key FROM catalysts WHERE canonical = ?1");
    return first_integer(find.bind(now.key));
  }

  // What each key has before, of those that become another and of those that another becomes.
  void note_keys(std::int64_t campaign) {
    run("UPDATE renewed_keys SET now = r.now, row_sum = " +
            sum_with(KASETSU_SUM_RENEWED_KEYS, {{"now", "r.now"}}) +
            " FROM temp.renewed r WHERE campaign = ?1 AND renewed_keys.now = r.old",
        campaign);
    run("WITH made (" KASETSU_SUM_RENEWED_KEYS
        ") AS (SELECT ?1, k.catalyst, k.now, "
        "(SELECT count(*) FROM measurements m WHERE m.campaign = ?1 AND m.catalyst = k.catalyst), "
        "(SELECT count(*) FROM proposals p WHERE p.campaign = ?1 AND p.catalyst = k.catalyst), ?2 "
        "FROM (SELECT old AS catalyst, now FROM temp.renewed "
        "UNION SELECT now, now FROM temp.renewed r WHERE "
        "EXISTS (SELECT 1 FROM runs x WHERE x.campaign = ?1 AND x.catalyst = r.now) OR "
        "EXISTS (SELECT 1 FROM proposals x WHERE x.campaign = ?1 AND x.catalyst = r.now)) k) "
        "INSERT OR REPLACE INTO renewed_keys (" KASETSU_SUM_RENEWED_KEYS
        ", row_sum) SELECT *, sum_of(" KASETSU_SUM_RENEWED_KEYS ") FROM made",
        campaign, now_);
  }

  // Two keys that were asked for under the same conditions are one catalyst asked for twice: the
  // one that somebody holds stays, or the older one.
  void cancel_twins(std::int64_t campaign, const std::string& name) {
    Statement twins(writer_.handle(),
                    "WITH open AS (SELECT p.seq, p.id, p.state, p.conditions, p.catalyst, "
                    "coalesce(r.now, p.catalyst) AS now FROM proposals p LEFT JOIN temp.renewed r "
                    "ON r.old = p.catalyst WHERE p.campaign = ?1 AND p.state IN " KASETSU_SQL_OPEN
                    ") SELECT p.id, min(o.id) FROM open p CROSS JOIN open o ON o.now = p.now "
                    "AND o.catalyst <> p.catalyst AND o.conditions = p.conditions "
                    "WHERE p.state = 'REQUESTED' AND (o.state <> 'REQUESTED' OR o.seq < p.seq) "
                    "GROUP BY p.id");
    std::vector<std::pair<std::string, std::string>> found;
    twins.bind(campaign);
    while (twins.step()) found.emplace_back(twins.text(0), twins.text(1));
    for (const auto& [id, other] : found) {
      const std::string reason =
          fmt::format("by the present rules of names this is the catalyst of proposal {}", other);
      run("UPDATE proposals SET state = 'CANCELLED', state_reason = ?2, updated_at = ?3, "
          "revision = revision + 1, state_sum = sum_of(id, 'CANCELLED', ?2, client, "
          "lease_expires, attempts, failures, revision + 1, ?3) WHERE id = ?1",
          id, reason, now_);
      event(name, "proposal", id, "cancelled", {{"reason", reason}});
    }
  }

  void rewrite(std::int64_t campaign) {
    constexpr std::string_view kTold = "iif(told = '', r.written, told)";
    run(fmt::format("UPDATE runs SET catalyst = r.now, told = {}, row_sum = {} "
                    "FROM temp.renewed r WHERE campaign = ?1 AND catalyst = r.old",
                    kTold, sum_with(KASETSU_SUM_RUNS, {{"catalyst", "r.now"}, {"told", kTold}})),
        campaign);
    for (const auto& [table, columns] : {std::pair{"measurements", KASETSU_SUM_MEASUREMENTS},
                                         {"proposals", KASETSU_SUM_PROPOSALS},
                                         {"samples", KASETSU_SUM_SAMPLES},
                                         {"predictions", KASETSU_SUM_PREDICTIONS}}) {
      run(fmt::format("UPDATE {} SET catalyst = r.now, row_sum = {} "
                      "FROM temp.renewed r WHERE campaign = ?1 AND catalyst = r.old",
                      table, sum_with(columns, {{"catalyst", "r.now"}})),
          campaign);
    }
    // Replicates of two keys may alternate: those of the campaign are written anew.
    run("DELETE FROM replicates WHERE property IN (SELECT key FROM properties WHERE campaign = ?1) "
        "AND catalyst IN (SELECT old FROM temp.renewed UNION SELECT now FROM temp.renewed)",
        campaign);
    run("INSERT INTO replicates (catalyst, property, conditions_hash, first, more) "
        "SELECT m.catalyst, m.property, conditions_hash(r.conditions), m.seq, x'' "
        "FROM measurements m CROSS JOIN runs r ON r.seq = m.run WHERE m.campaign = ?1 "
        "AND m.catalyst IN (SELECT now FROM temp.renewed) ORDER BY 1, 2, 3, 4",
        campaign);
  }

  // One event of the campaign with all keys, and a line of the log for those that became one.
  void tell(std::int64_t campaign, const std::string& name) {
    Statement keys(writer_.handle(),
                   "SELECT c.canonical, o.canonical, k.measurements, k.proposals "
                   "FROM renewed_keys k CROSS JOIN catalysts o ON o.key = k.catalyst "
                   "CROSS JOIN catalysts c ON c.key = k.now WHERE k.campaign = ?1 "
                   "AND k.now IN (SELECT now FROM temp.renewed) ORDER BY 1, 2");
    Json list = Json::array();
    std::map<std::string, std::string> lines;
    keys.bind(campaign);
    while (keys.step()) {
      list.push_back({{"key", keys.text(0)},
                      {"was", keys.text(1)},
                      {"measurements", keys.integer(2)},
                      {"proposals", keys.integer(3)}});
      std::string& line = lines[keys.text(0)];
      line += fmt::format("{}{} (measurements: {})", line.empty() ? "" : ", ", keys.text(1),
                          keys.integer(2));
    }
    event(name, "campaign", name, "keys_renewed", {{"keys", std::move(list)}});
    if (!log_) return;
    for (const auto& [now, was] : lines) {
      log_(fmt::format("campaign {}: catalyst {} was written as {}", name, now, was));
    }
  }

  void event(const std::string& campaign, std::string_view object, const std::string& id,
             std::string_view verb, const Json& detail) {
    run("INSERT INTO events (" KASETSU_SUM_EVENTS
        ", row_sum) VALUES (?1, 'migration', ?2, ?3, ?4, ?5, ?6, "
        "sum_of(?1, 'migration', ?2, ?3, ?4, ?5, ?6))",
        now_, campaign, object, id, verb, dump_json(detail));
  }

  Connection& writer_;
  Time now_;
  const std::function<void(const std::string&)>& log_;
};

}  // namespace

void renew(Connection& writer, const RenewKeys& rules, Time now,
           const std::function<void(const std::string&)>& log) {
  if (!rules) return;
  std::vector<std::pair<std::int64_t, std::string>> campaigns;
  {
    Statement waiting(writer.handle(), "SELECT key, name FROM campaigns WHERE key_rules < ?1");
    waiting.bind(kKeyRules);
    while (waiting.step()) campaigns.emplace_back(waiting.integer(0), waiting.text(1));
  }
  if (campaigns.empty()) return;
  Renewal renewal(writer, now, log);
  writer.execute("BEGIN IMMEDIATE");
  try {
    std::vector<std::string> triggers;
    for (const char* const name : kTriggers) {
      Statement find(writer.handle(), "SELECT sql FROM sqlite_schema WHERE name = ?1");
      triggers.push_back(first_text(find.bind(name)));
      writer.execute(fmt::format("DROP TRIGGER {}", name).c_str());
    }
    for (const auto& [key, name] : campaigns) {
      const auto keys = rules(written_keys_of(writer, key));
      if (keys) renewal.of_campaign(key, name, *keys);
    }
    for (const std::string& trigger : triggers) writer.execute(trigger.c_str());
    writer.execute("COMMIT");
  } catch (...) {
    if (writer.in_transaction()) writer.execute("ROLLBACK");
    throw;
  }
  writer.execute("DROP TABLE temp.renewed");
}

}  // namespace kasetsu::store
