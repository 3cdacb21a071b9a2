// What the daemon does by itself beside learning: gives back leases that ran out, and backs up.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <spdlog/logger.h>

#include "core/base/result.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu {

struct UpkeepOptions {
  std::chrono::milliseconds look_every{2'000};
  std::string backup_dir;
  std::chrono::seconds backup_every{24 * 3'600};  // 0: never
  std::size_t backups_kept = 14;
  std::function<void()> also;  // at every look; empty: nothing
};

// Writes `<folder>/kasetsu-YYYYMMDDTHHMMSS.ffffffZ.db` and removes the oldest beyond `kept`.
// Returns the path.
Result<std::string> back_up(const campaign::Database& database, const std::string& folder,
                            std::size_t kept, Time now);

class Upkeep {
 public:
  // Everything given outlives it.
  Upkeep(campaign::Database& database, Clock clock, UlidSource& ids, UpkeepOptions options,
         std::shared_ptr<spdlog::logger> log);
  void start();
  void stop();  // waits

 private:
  void run(const std::stop_token& stop);
  void sweep();
  void back_up_if_due();

  campaign::Database& database_;
  Clock clock_;
  UlidSource& ids_;
  UpkeepOptions options_;
  std::shared_ptr<spdlog::logger> log_;
  std::chrono::steady_clock::time_point next_backup_;  // not tried before, after a failure
  std::jthread thread_;
};

}  // namespace kasetsu
