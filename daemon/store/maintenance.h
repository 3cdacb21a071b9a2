// What is done to a database without a daemon: checked, and replaced by a backup.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu {

// The database in a folder of a daemon, or the file itself.
std::string database_path(const std::string& folder_or_file);

// Also while a daemon uses it. Errors as store::check_file.
Result<campaign::CheckReport> check_database(const std::string& folder_or_file);

struct Restored {
  std::string backup;    // the file that was taken
  std::string database;  // where it lies now
  std::int64_t last_event = 0;
  Time at;  // of the last event that it holds
};

// Puts a backup in the place of the database, which is kept beside it. `backup` is a file, or a
// folder of them: the newest by the time of its last event, or with `at` the newest whose last
// event is not after it. A backup is verified before anything is moved. Errors: not_found (no such
// backup, none that old); busy (a daemon uses the database); bad_data (the backup is damaged or
// foreign).
Result<Restored> restore_database(const std::string& backup, std::optional<Time> at,
                                  const std::string& folder_or_file, Time now);

}  // namespace kasetsu
