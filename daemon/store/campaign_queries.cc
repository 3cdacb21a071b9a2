// Campaigns, catalysts, samples, events and small things, in SQL.
#include "daemon/store/queries.h"

namespace kasetsu::store {
namespace {

// Pieces of statements. The compiler joins the literals, and a statement is cached by its address.
#define CAMPAIGN_COLUMNS \
  "key, id, name, owner, state, reason, version, revision, created_at, updated_at"

Campaign read_campaign(const Statement& s) {
  Campaign c;
  read_row(s, 0, c.key, c.id, c.name, c.owner, c.state, c.reason, c.version, c.revision,
           c.created_at, c.updated_at);
  return c;
}

CampaignVersion read_version(const Statement& s) {
  CampaignVersion v;
  read_row(s, 0, v.version, v.text, v.media_type, v.sha256, v.actor, v.created_at);
  return v;
}

CatalystRow read_catalyst(const Statement& s) {
  return {s.integer(0), s.text(1), s.text(2)};
}

}  // namespace

std::optional<Campaign> SqliteReader::find_campaign(std::string_view name) const {
  return one(
      connection_.prepare("SELECT " CAMPAIGN_COLUMNS " FROM campaigns WHERE name = ?1").bind(name),
      read_campaign);
}

std::optional<Campaign> SqliteReader::campaign(std::int64_t key) const {
  return one(
      connection_.prepare("SELECT " CAMPAIGN_COLUMNS " FROM campaigns WHERE key = ?1").bind(key),
      read_campaign);
}

std::vector<Campaign> SqliteReader::campaigns() const {
  return all(connection_.prepare("SELECT " CAMPAIGN_COLUMNS " FROM campaigns ORDER BY name").bind(),
             read_campaign);
}

std::optional<CampaignVersion> SqliteReader::campaign_version(std::int64_t key,
                                                              std::int64_t version) const {
  return one(connection_
                 .prepare("SELECT version, text, media_type, sha256, actor, created_at "
                          "FROM campaign_versions WHERE campaign = ?1 AND version = ?2")
                 .bind(key, version),
             read_version);
}

std::vector<CampaignVersion> SqliteReader::campaign_versions(std::int64_t key) const {
  return all(connection_
                 .prepare("SELECT version, text, media_type, sha256, actor, created_at "
                          "FROM campaign_versions WHERE campaign = ?1 ORDER BY version")
                 .bind(key),
             read_version);
}

std::vector<Property> SqliteReader::properties(std::int64_t key) const {
  return all<Property>(connection_
                           .prepare("SELECT name, unit, target, low, high FROM properties "
                                    "WHERE campaign = ?1 AND known = 1 ORDER BY position")
                           .bind(key),
                       [](const Statement& s) {
                         return Property{s.text(0), s.text(1), s.integer(2) != 0,
                                         s.optional_real(3), s.optional_real(4)};
                       });
}

std::int64_t SqliteReader::property_key(std::int64_t campaign, std::string_view name) const {
  return first_integer(
      connection_.prepare("SELECT key FROM properties WHERE campaign = ?1 AND name = ?2")
          .bind(campaign, name));
}

// Catalysts and samples

std::vector<RenewedKey> SqliteReader::renewed_keys(std::int64_t campaign) const {
  return all<RenewedKey>(
      connection_
          .prepare("SELECT o.canonical, c.canonical, k.measurements, k.proposals, k.renewed_at "
                   "FROM renewed_keys k CROSS JOIN catalysts o ON o.key = k.catalyst "
                   "CROSS JOIN catalysts c ON c.key = k.now WHERE k.campaign = ?1 ORDER BY 2, 1")
          .bind(campaign),
      [](const Statement& s) {
        RenewedKey key;
        read_row(s, 0, key.was, key.now, key.measurements, key.proposals, key.renewed_at);
        return key;
      });
}

std::string SqliteReader::present_key(std::int64_t campaign, std::string_view canonical) const {
  const std::string now = first_text(
      connection_
          .prepare("SELECT c.canonical FROM catalysts o CROSS JOIN renewed_keys k ON k.campaign = "
                   "?1 AND k.catalyst = o.key CROSS JOIN catalysts c ON c.key = k.now "
                   "WHERE o.canonical = ?2")
          .bind(campaign, canonical));
  return now.empty() ? std::string(canonical) : now;
}

std::optional<CatalystRow> SqliteReader::find_catalyst(std::string_view canonical) const {
  return one(
      connection_.prepare("SELECT key, canonical, description FROM catalysts WHERE canonical = ?1")
          .bind(canonical),
      read_catalyst);
}

std::optional<CatalystRow> SqliteReader::catalyst(std::int64_t key) const {
  return one(connection_.prepare("SELECT key, canonical, description FROM catalysts WHERE key = ?1")
                 .bind(key),
             read_catalyst);
}

std::optional<std::int64_t> SqliteReader::sample_catalyst(std::int64_t campaign,
                                                          std::string_view label) const {
  return one<std::int64_t>(
      connection_.prepare("SELECT catalyst FROM samples WHERE campaign = ?1 AND label = ?2")
          .bind(campaign, label),
      [](const Statement& s) { return s.integer(0); });
}

std::vector<Event> SqliteReader::events(std::int64_t after, std::int64_t limit,
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

std::vector<std::string> SqliteReader::campaigns_with_news(std::int64_t after,
                                                           std::int64_t last) const {
  return all_texts(connection_
                       .prepare("SELECT DISTINCT campaign FROM events "
                                "WHERE seq > ?1 AND seq <= ?2 AND campaign <> '' "
                                "AND object <> 'job' AND object <> 'model' ORDER BY campaign")
                       .bind(after, last));
}

std::int64_t SqliteReader::last_event() const {
  return first_integer(connection_.prepare("SELECT max(seq) FROM events").bind());
}

std::optional<KeptReply> SqliteReader::kept_reply(std::string_view scope,
                                                  std::string_view key) const {
  return one<KeptReply>(
      connection_.prepare("SELECT body, status, reply FROM replies WHERE scope = ?1 AND key = ?2")
          .bind(scope, key),
      [](const Statement& s) {
        return KeptReply{s.digest(0), s.integer(1), s.text(2)};
      });
}

std::string SqliteReader::setting(std::string_view name) const {
  return first_text(connection_.prepare("SELECT value FROM settings WHERE name = ?1").bind(name));
}

Counts SqliteReader::counts() const {
  // Row numbers rise by one and nothing is deleted: the largest is the count, without a scan.
  const auto largest = [this](const char* sql) {
    return first_integer(connection_.prepare(sql).bind());
  };
  Counts counts;
  counts.campaigns = largest("SELECT max(key) FROM campaigns");
  counts.catalysts = largest("SELECT max(key) FROM catalysts");
  counts.runs = largest("SELECT max(seq) FROM runs");
  counts.measurements = largest("SELECT max(seq) FROM measurements");
  counts.ingests = largest("SELECT max(seq) FROM ingests");
  counts.quarantined = largest("SELECT max(seq) FROM quarantine");
  counts.proposals = largest("SELECT max(seq) FROM proposals");
  counts.models = largest("SELECT max(seq) FROM models");
  counts.events = largest("SELECT max(seq) FROM events");
  return counts;
}

}  // namespace kasetsu::store
