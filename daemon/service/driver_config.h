// The tables [drivers.NAME] of the daemon's file. Drivers are defined nowhere else: never through
// the API.
#pragma once

#include <string>
#include <vector>

#include "daemon/base/config_reader.h"
#include "drivers/supervisor/settings.h"

namespace kasetsu {

// What is wrong is the reader's error.
std::vector<drivers::Settings> read_drivers(ConfigReader& reader, const ConfigNode& node,
                                            const std::string& path);

// "folder.path", "mqtt.host", ...: every key by the kind that it belongs to, sorted; keys of all
// kinds as "*.campaign".
std::vector<std::string> driver_config_keys();

}  // namespace kasetsu
