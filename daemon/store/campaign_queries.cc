// Campaigns, catalysts, samples, events and small things, in SQL.
#include "daemon/store/queries.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>


namespace kasetsu::store {
namespace {

// Pieces of statements. The compiler joins the literals, and a statement is cached by its address.
#define CAMPAIGN_COLUMNS \
  "key, id, name, owner, state, reason, version, revision, created_at, updated_at"

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

std::int64_t SqliteReader::property_key(std::int64_t campaign,
                                                 std::string_view name) const {
  Statement& find =
      connection_.prepare("SELECT key FROM properties WHERE campaign = ?1 AND name = ?2");
  find.bind(campaign, name);
  if (!find.step()) return 0;
  const std::int64_t key = find.integer(0);
  find.reset();
  return key;
}

// Catalysts and samples

std::optional<CatalystRow> SqliteReader::find_catalyst(std::string_view canonical) const {
  return one<CatalystRow>(
      connection_.prepare("SELECT key, canonical, description FROM catalysts WHERE canonical = ?1")
          .bind(canonical),
      [](const Statement& s) {
        return CatalystRow{s.integer(0), s.text(1), s.text(2)};
      });
}

std::optional<CatalystRow> SqliteReader::catalyst(std::int64_t key) const {
  return one<CatalystRow>(
      connection_.prepare("SELECT key, canonical, description FROM catalysts WHERE key = ?1")
          .bind(key),
      [](const Statement& s) {
        return CatalystRow{s.integer(0), s.text(1), s.text(2)};
      });
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
  Statement& find = connection_.prepare("SELECT coalesce(max(seq), 0) FROM events");
  find.bind();
  find.step();
  const std::int64_t seq = find.integer(0);
  find.reset();
  return seq;
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
  return one<std::string>(
             connection_.prepare("SELECT value FROM settings WHERE name = ?1").bind(name),
             [](const Statement& s) { return s.text(0); })
      .value_or(std::string());
}

Counts SqliteReader::counts() const {
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


}  // namespace kasetsu::store
