// The element tables that campaign files may name in the daemon: files NAME.csv of the folder that
// its operator opened ([elements] folder).
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/chemistry/element_table.h"
#include "daemon/campaign/file/campaign_file.h"

namespace kasetsu::campaign {

// "general", or the name of a table in the folder, with or without ".csv". Errors: bad_data, naming
// what may be written.
Status check_element_table(const std::string& folder, const CampaignConfig& config);

// Errors: those of read_operator_file; bad_data where the file is no element table, without a word
// of what it holds, which goes into the daemon's log.
Result<chemistry::ElementTable> read_element_table(const std::string& folder,
                                                   const std::string& name);

}  // namespace kasetsu::campaign
