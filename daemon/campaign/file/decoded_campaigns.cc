#include "daemon/campaign/file/decoded_campaigns.h"

#include <fmt/format.h>

#include <utility>

namespace kasetsu::campaign {

Result<DecodedCampaigns::Config> DecodedCampaigns::of(const Reader& reader,
                                                      const Campaign& campaign) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = entries_.find(campaign.id);
    if (known != entries_.end() && known->second.version == campaign.version) {
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
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(campaign.id, Entry{campaign.version, config});
  return config;
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
