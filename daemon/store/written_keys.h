// Which catalysts' keys a database's campaigns hold, for those who ask what present rules make of
// them.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"

namespace kasetsu::store {

struct WrittenKeys {
  std::string campaign;           // name
  std::string text, media_type;   // of its present file
  std::vector<std::string> keys;  // of its measurements and proposals, sorted, each once
};

// Of every campaign, by name. The file may be in use by a daemon. Errors: not_found, bad_data (no
// database of this program), storage_failed.
Result<std::vector<WrittenKeys>> written_keys(const std::string& path);

}  // namespace kasetsu::store
