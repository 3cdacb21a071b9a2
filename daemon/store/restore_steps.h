// What a restore does, in two steps. A kill may come at any moment: until the first one has ended
// nothing was done, and what is left of the second one is done when the database is opened next.
// Whoever calls them holds the lock of the database.
#pragma once

#include <string>

#include "core/base/result.h"
#include "daemon/base/time.h"

namespace kasetsu::store {

// Verifies the backup and copies it to `<path>.restored`, on a timeline of its own; then
// `<path>.restoring` says that it is to take the database's place, and what that is to be called.
// Errors: not_found, bad_data (damaged, foreign, of a newer version), storage_full, storage_failed.
Status begin_restore(const std::string& backup, const std::string& path, Time now);

// Puts what was there aside and the copy in its place. False: nothing was left to do. Errors:
// storage_failed; bad_data where both the database and the copy are gone.
Result<bool> finish_restore(const std::string& path);

}  // namespace kasetsu::store
