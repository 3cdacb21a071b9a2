// The tables [drivers.NAME] of the daemon's file. Drivers are defined nowhere else: never through
// the API.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <vector>

#include "core/base/result.h"
#include "drivers/supervisor/settings.h"

namespace kasetsu {

// bad_data: "file:line:column: drivers.name.key", the value, what was expected.
Result<std::vector<drivers::Settings>> read_drivers(const toml::node& node,
                                                    const std::string& file);

// "folder.path", "mqtt.host", ...: every key by the kind that it belongs to, sorted; keys of all
// kinds as "*.campaign".
std::vector<std::string> driver_config_keys();

}  // namespace kasetsu
