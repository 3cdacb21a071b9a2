// A broker as a door (MQTT 5 or 3.1.1, libmosquitto).
//
// Below base = "<root>/v1/<site>/<lab>": results come on base/<instrument>/results (quality of
// service 1, never retained) and are answered on base/ack/<instrument>; base/kasetsu/status says
// "online" or "offline" (retained, last will); base/campaign/<name>/proposals holds the open
// proposals (retained).
//
// The library acknowledges a message to the broker before anyone has seen it, so that a message is
// written to a spool on the disk first of all, and the answer is the real receipt: a publisher
// keeps its run until the answer is there, and publishes it again after some minutes without one.
#pragma once

#include <memory>

#include "drivers/supervisor/driver.h"

namespace kasetsu::drivers {

std::unique_ptr<Driver> make_mqtt_driver(const Settings& settings, const Host& host,
                                         Counters& counters);

}  // namespace kasetsu::drivers
