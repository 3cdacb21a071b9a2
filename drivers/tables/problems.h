// All problems of a table in one answer.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kasetsu::tables {

// A single problem is itself. Several are told one below the other; those with the same column and
// message are one, with their lines and the first value. `problems` is not empty.
Error together(std::string_view file_name, const std::vector<Error>& problems);

}  // namespace kasetsu::tables
