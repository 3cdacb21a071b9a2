// Drivers as the daemon runs them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/campaign/ingest/intake.h"
#include "daemon/campaign/records/store_port.h"
#include "drivers/supervisor/supervisor.h"

namespace kasetsu {

struct DriverServices {
  campaign::Intake& intake;
  Clock clock;
  std::string data_dir;  // drivers keep what they must below it
  campaign::FindProfile find_profile;
  std::function<Result<Json>(const std::string& campaign)> proposals;
};

// Knows every kind of driver. Nothing runs until start is called.
std::unique_ptr<drivers::Supervisor> make_supervisor(DriverServices services);

}  // namespace kasetsu
