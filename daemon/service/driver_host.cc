#include "daemon/service/driver_host.h"

#include <utility>

#include "daemon/base/log.h"
#include "drivers/exec/exec.h"
#include "drivers/folder/folder.h"
#include "drivers/mqtt/mqtt.h"

namespace kasetsu {

std::unique_ptr<drivers::Supervisor> make_supervisor(DriverServices services) {
  const auto shared = std::make_shared<const DriverServices>(std::move(services));
  const auto log = logger("drivers");
  auto make_host = [shared, log](const drivers::Settings& settings) {
    return drivers::Host{shared->intake,
                         log,
                         shared->data_dir + "/drivers/" + settings.name,
                         shared->clock,
                         [shared] { return shared->intake.database().last_event(); },
                         shared->proposals};
  };
  auto make = [shared](const drivers::Settings& given, const drivers::Host& host,
                       drivers::Counters& counters) -> Result<std::unique_ptr<drivers::Driver>> {
    drivers::Settings settings = given;
    if (!settings.profile.empty()) {
      // Looked for now, so that a wrong name is the driver's failure and not that of every file.
      const auto profile = shared->find_profile(settings.profile);
      if (!profile) return profile.error();
      settings.header_lines = (*profile)->header_row + ((*profile)->unit_row ? 1 : 0);
    }
    if (settings.kind == "folder") return drivers::make_folder_driver(settings, host, counters);
    if (settings.kind == "mqtt") return drivers::make_mqtt_driver(settings, host, counters);
    return drivers::make_exec_driver(settings, host, counters);
  };
  return std::make_unique<drivers::Supervisor>(std::move(make_host), std::move(make),
                                               shared->clock);
}

}  // namespace kasetsu
