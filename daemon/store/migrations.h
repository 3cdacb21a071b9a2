// Bringing a file to the present schema: every script in one transaction of its own, after a copy
// of the file was put aside.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/store/sqlite.h"

namespace kasetsu::store {

struct Script {
  int version;
  std::string_view name;  // "0001_init.sql"
  std::string_view sql;
};

// The scripts of schema/, embedded at build, versions 1, 2, ... without gaps.
const std::vector<Script>& schema_scripts();

// Error (bad_data) unless the file is empty, or a database of this program and of no later version
// than `newest`. Writes nothing.
Status recognise(Connection& connection, const std::string& path, int newest);

// Error (bad_data) unless the database was migrated by exactly these scripts. Writes nothing.
Status applied_as_written(Connection& connection, const std::string& path,
                          const std::vector<Script>& scripts);

// Migrates the writer's connection to the last of `scripts`. A file that holds something is copied
// to `<path>.pre-v<N>` first (N: the version that it had). Errors: those of recognise, and bad_data
// for a script that was applied with another text. Throws StorageError; each script is all or
// nothing.
Status migrate(Connection& connection, const std::string& path, const std::vector<Script>& scripts,
               Time now, const std::function<void(const std::string&)>& log);

// Copies the whole database into a new file: written as `<target>.part`, synced, renamed, folder
// synced.
Status copy_database(Connection& snapshot, const std::string& target);

}  // namespace kasetsu::store
