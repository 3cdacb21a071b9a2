// Whether a database is whole, also where SQLite itself does not look.
#pragma once

#include <string>
#include <vector>

#include "daemon/store/sqlite.h"

namespace kasetsu::store {

// Adds a sentence for everything that is wrong: pages and indexes (integrity_check), declared
// references (foreign_key_check), definitions of tables that differ from those that the scripts of
// its version make, references that are not declared, and rows or contents that a disk changed
// (their sums and digests). Throws StorageError where the file cannot be read.
void check_whole(Connection& connection, std::vector<std::string>& problems);

}  // namespace kasetsu::store
