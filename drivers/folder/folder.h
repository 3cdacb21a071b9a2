// The watched folder: files that other programs write become deliveries.
//
// Below `path`: inbox/ (others write here), work/ (claimed by renaming), done/YYYY/MM/, and
// quarantine/ with a NAME.reason.json beside each file. A writer that finishes by renaming into
// inbox/, or that writes NAME.ok or NAME.sha256 afterwards, is served at once; any other file when
// its size and time have stood still. Hidden and unfinished names (.x, x.part, x.tmp, ~$x) are left
// alone. Links are never followed. Files that match `tail` stay where they are and are read line by
// line as they grow.
#pragma once

#include <memory>

#include "drivers/supervisor/driver.h"

namespace kasetsu::drivers {

std::unique_ptr<Driver> make_folder_driver(const Settings& settings, const Host& host,
                                           Counters& counters);

}  // namespace kasetsu::drivers
