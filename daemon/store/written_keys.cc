#include "daemon/store/written_keys.h"

#include <functional>

#include "daemon/store/queries.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu::store {
namespace {

// Reads each campaign of a file that may be in use.
Status for_each_campaign(const std::string& path,
                         const std::function<void(Connection&, std::int64_t)>& visit) {
  // Says whether the file is there and is ours.
  if (const auto reach = reach_of(path); !reach) return reach.error();
  try {
    Connection snapshot(path, Access::snapshot, {}, false);
    std::vector<std::int64_t> campaigns;
    Statement& all = snapshot.prepare("SELECT key FROM campaigns ORDER BY name");
    all.bind();
    while (all.step()) campaigns.push_back(all.integer(0));
    for (const std::int64_t campaign : campaigns) visit(snapshot, campaign);
    return {};
  } catch (const StorageError& error) {
    return error.to_error().in(path);
  }
}

}  // namespace

WrittenKeys written_keys_of(Connection& connection, std::int64_t campaign) {
  WrittenKeys written;
  Statement& file = connection.prepare(
      "SELECT a.name, v.text, v.media_type FROM campaigns a CROSS JOIN campaign_versions v "
      "ON v.campaign = a.key AND v.version = a.version WHERE a.key = ?1");
  file.bind(campaign);
  if (file.step()) {
    written.campaign = file.text(0);
    written.text = file.text(1);
    written.media_type = file.text(2);
    file.reset();
  }
  Statement& keys = connection.prepare(
      "SELECT canonical FROM catalysts WHERE key IN (SELECT catalyst FROM runs WHERE campaign = ?1 "
      "UNION SELECT catalyst FROM proposals WHERE campaign = ?1 UNION SELECT catalyst FROM "
      "predictions WHERE campaign = ?1 UNION SELECT catalyst FROM samples WHERE campaign = ?1) "
      "ORDER BY canonical");
  keys.bind(campaign);
  while (keys.step()) written.keys.push_back(keys.text(0));
  return written;
}

Result<std::vector<WrittenKeys>> written_keys(const std::string& path) {
  std::vector<WrittenKeys> written;
  const Status read = for_each_campaign(path, [&](Connection& snapshot, std::int64_t campaign) {
    WrittenKeys of_campaign = written_keys_of(snapshot, campaign);
    if (!of_campaign.campaign.empty()) written.push_back(std::move(of_campaign));
  });
  if (!read) return read.error();
  return written;
}

Result<std::vector<std::pair<std::string, campaign::RenewedKey>>> renewed_keys(
    const std::string& path) {
  std::vector<std::pair<std::string, campaign::RenewedKey>> renewed;
  const Status read = for_each_campaign(path, [&](Connection& snapshot, std::int64_t campaign) {
    constexpr std::int64_t kSince = 7;
    if (snapshot.integer("PRAGMA user_version") < kSince) return;
    const SqliteReader reader(snapshot);
    const std::string name = reader.campaign(campaign)->name;
    for (campaign::RenewedKey& key : reader.renewed_keys(campaign)) {
      renewed.emplace_back(name, std::move(key));
    }
  });
  if (!read) return read.error();
  return renewed;
}

}  // namespace kasetsu::store
