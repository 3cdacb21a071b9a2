#include "daemon/service/campaign_keys.h"

#include "core/chemistry/told_catalyst.h"
#include "daemon/campaign/file/campaign_file.h"

namespace kasetsu {

std::optional<std::map<std::string, store::NewKey>> campaign_keys(
    const store::WrittenKeys& written, const chemistry::SupportTable& supports) {
  const auto config =
      campaign::parse_campaign(written.text, written.campaign, written.media_type, supports);
  if (!config) return std::nullopt;
  const chemistry::RenewedKeys renewed =
      chemistry::renew_keys(written.keys, supports, config->composition);
  std::map<std::string, store::NewKey> keys;
  for (const auto& [was, now] : renewed.changed) {
    keys[was] = {now, chemistry::describe_key(now)};
  }
  return keys;
}

}  // namespace kasetsu
