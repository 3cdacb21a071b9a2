#include "daemon/campaign/file/decoded_campaigns.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kasetsu::campaign {
namespace {

// Of all texts whose decoded form is kept: that takes some ten times as much. A hundred campaigns
// of usual files have less than a tenth of it.
constexpr std::size_t kMostBytes = std::size_t{8} << 20;

}  // namespace

Result<DecodedCampaigns::Config> DecodedCampaigns::of(const Reader& reader,
                                                      const Campaign& campaign) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = entries_.find(campaign.id);
    if (known != entries_.end() && known->second.version == campaign.version) {
      known->second.used = ++uses_;
      return known->second.config;
    }
  }
  const auto version = reader.campaign_version(campaign.key, campaign.version);
  if (!version) {
    return Error{ErrorCode::internal, "the campaign's text is missing", campaign.name, "", ""};
  }
  auto parsed = parse_campaign(version->text, campaign.name, version->media_type, supports_);
  Result<Config> config = Error{};
  if (parsed) {
    config = Config(std::make_shared<const CampaignConfig>(std::move(*parsed)));
  } else {
    config = Error{ErrorCode::conflict,
                   fmt::format("the daemon cannot read the file of campaign {}: {}", campaign.name,
                               parsed.error().to_string()),
                   "", "", "a corrected campaign file, or a daemon with the tables that it names"};
  }
  return keep_entry(campaign.id, {campaign.version, config, version->text.size()});
}

Result<DecodedCampaigns::Config> DecodedCampaigns::keep_entry(const std::string& id, Entry entry) {
  const std::lock_guard lock(mutex_);
  entry.used = ++uses_;
  bytes_ += entry.bytes;
  Result<Config> config = entry.config;
  if (const auto before = entries_.find(id); before != entries_.end()) {
    bytes_ -= before->second.bytes;
  }
  entries_.insert_or_assign(id, std::move(entry));
  while (bytes_ > kMostBytes && entries_.size() > 1) {
    const auto oldest = std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    bytes_ -= oldest->second.bytes;
    entries_.erase(oldest);
  }
  return config;
}

void DecodedCampaigns::keep(const std::string& id, std::int64_t version, Config config,
                            std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = entries_.find(id);
    if (known != entries_.end() && known->second.version >= version) return;
  }
  (void)keep_entry(id, {version, std::move(config), bytes});
}

std::string DecodedCampaigns::unit_of(const Reader& reader, std::int64_t campaign) {
  const auto found = reader.campaign(campaign);
  if (!found) return {};
  const auto config = of(reader, *found);
  return config ? std::string((*config)->composition.unit()) : std::string();
}

std::vector<std::string> DecodedCampaigns::unreadable(const Database& database) {
  std::vector<std::string> reasons;
  // What the database itself reports is told elsewhere.
  (void)database.read([&](const Reader& reader) -> Status {
    for (const Campaign& campaign : reader.campaigns()) {
      if (campaign.state != CampaignState::active && campaign.state != CampaignState::paused) {
        continue;
      }
      const auto config = of(reader, campaign);
      if (!config) reasons.push_back(config.error().message);
    }
    return {};
  });
  return reasons;
}

}  // namespace kasetsu::campaign
