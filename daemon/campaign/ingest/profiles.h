// Profiles by name: the laboratory's own folder first, then those that come with the program.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "drivers/tables/profile.h"

namespace kasetsu {

// Of a profile's text; `file` in messages. Errors: those of parse_profile.
Result<std::shared_ptr<const tables::Profile>> make_profile(std::string_view text,
                                                            const std::string& file);

// name: of the file without ".toml". folder: empty: only the built-in ones. Read anew at every
// call, so that a mended profile counts at once. not_found lists what there is; bad_data as
// tables::parse_profile.
Result<std::shared_ptr<const tables::Profile>> find_profile(const std::string& name,
                                                            const std::string& folder);
// A profile's file by its path.
Result<std::shared_ptr<const tables::Profile>> read_profile(const std::string& path);

// Either: what ends with ".toml" or holds a "/" is a path.
Result<std::shared_ptr<const tables::Profile>> load_profile(const std::string& name_or_path,
                                                            const std::string& folder);

}  // namespace kasetsu
