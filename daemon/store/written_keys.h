// Which catalysts' keys a database's campaigns hold, for those who ask what present rules make of
// them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "daemon/campaign/records/types.h"
#include "daemon/store/sqlite.h"

namespace kasetsu::store {

struct WrittenKeys {
  std::string campaign;           // name
  std::string text, media_type;   // of its present file
  std::vector<std::string> keys;  // of all its rows, sorted, each once
};

// Of the campaign with this number. Throws StorageError.
WrittenKeys written_keys_of(Connection& connection, std::int64_t campaign);

// Of every campaign, by name. The file may be in use by a daemon. Errors: not_found, bad_data (no
// database of this program), storage_failed.
Result<std::vector<WrittenKeys>> written_keys(const std::string& path);

// Keys that were renewed, with the names of their campaigns; empty for a file of an earlier schema.
// Errors: those of written_keys.
Result<std::vector<std::pair<std::string, campaign::RenewedKey>>> renewed_keys(
    const std::string& path);

}  // namespace kasetsu::store
