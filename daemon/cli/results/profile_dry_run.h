// What a profile makes of a file, without a daemon.
#pragma once

#include <string>

#include "core/base/result.h"
#include "daemon/cli/program/session.h"

namespace kasetsu::cli {

// Whether --profile names a file, not a profile by its name.
bool is_profile_file(const std::string& profile);

// Prints the file row by row as the profile reads it: catalyst, conditions, values, or the reason
// for quarantine. bad_data when the file or a row cannot be taken. What only the daemon can know
// (duplicates, unknown samples and properties) is not told.
Status dry_run_offline(const std::string& file, const std::string& profile, Session& session);

}  // namespace kasetsu::cli
