// Files of folders that the operator's configuration opens, for names that come from others: a
// campaign file, a request. Nobody reads with the daemon's eyes what they could not read
// themselves, so a name is one file of the folder and nothing else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kasetsu {

// 1 to 64 letters, digits, "-", "_" and ".", not beginning with a dot: one file of a folder.
bool is_plain_name(std::string_view name);

// The regular file `name` + `ending` of `folder`. Links are not followed, and a pipe or a device is
// not waited for. Errors (not_found, bad_data, storage_failed) name `name` and never quote what the
// file holds or where it lies.
Result<std::string> read_operator_file(const std::string& folder, std::string_view name,
                                       std::string_view ending, std::size_t largest);

// Names that read_operator_file takes, without the ending, sorted; empty without a folder.
std::vector<std::string> operator_file_names(const std::string& folder, std::string_view ending);

}  // namespace kasetsu
