#include "daemon/store/written_keys.h"

#include <cstdint>
#include <utility>

#include "daemon/store/sqlite.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu::store {

Result<std::vector<WrittenKeys>> written_keys(const std::string& path) {
  // Says whether the file is there and is ours.
  if (const auto reach = reach_of(path); !reach) return reach.error();
  try {
    Connection snapshot(path, Access::snapshot, {}, false);
    std::vector<std::pair<std::int64_t, WrittenKeys>> found;
    Statement& campaigns = snapshot.prepare(
        "SELECT a.key, a.name, v.text, v.media_type FROM campaigns a CROSS JOIN campaign_versions "
        "v "
        "ON v.campaign = a.key AND v.version = a.version ORDER BY a.name");
    campaigns.bind();
    while (campaigns.step()) {
      found.push_back(
          {campaigns.integer(0), {campaigns.text(1), campaigns.text(2), campaigns.text(3), {}}});
    }
    Statement& keys = snapshot.prepare(
        "SELECT canonical FROM catalysts WHERE key IN (SELECT catalyst FROM runs WHERE campaign = "
        "?1 UNION SELECT catalyst FROM proposals WHERE campaign = ?1) ORDER BY canonical");
    std::vector<WrittenKeys> written;
    for (auto& [campaign, of_campaign] : found) {
      keys.bind(campaign);
      while (keys.step()) of_campaign.keys.push_back(keys.text(0));
      written.push_back(std::move(of_campaign));
    }
    return written;
  } catch (const StorageError& error) {
    return error.to_error().in(path);
  }
}

}  // namespace kasetsu::store
