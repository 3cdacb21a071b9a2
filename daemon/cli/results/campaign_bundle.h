// A campaign as a folder of plain files, for a notebook.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "daemon/cli/results/report_data.h"

namespace kasetsu::cli {

// One JSON document a line, each a whole item.
std::string ndjson(const Json& items);

// One line a catalyst and its conditions: amounts in a column an element, the support, and the
// means of the live values in a column a property. kasetsu fit reads it. Errors: of a key that
// cannot be read.
Result<std::string> catalysts_csv(const Json& measurements);

// Names and contents of the folder's files.
Result<std::vector<std::pair<std::string, std::string>>> campaign_bundle(const CampaignData& data);

}  // namespace kasetsu::cli
