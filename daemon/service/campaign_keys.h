// What the present rules make of the keys that a database holds for a campaign.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/chemistry/catalyst.h"
#include "daemon/store/renewal.h"

namespace kasetsu {

// Keys that would be written otherwise now; none: the campaign's present file cannot be read. Keys
// that the rules cannot read stay as they are.
std::optional<std::map<std::string, store::NewKey>> campaign_keys(
    const store::WrittenKeys& written, const chemistry::SupportTable& supports);

}  // namespace kasetsu
