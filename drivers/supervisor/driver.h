// A driver is a door through which results come in by themselves. It runs on a thread of its own
// under the supervisor and knows nothing but the intake.
#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "daemon/base/json.h"
#include "daemon/campaign/ingest/intake.h"
#include "drivers/supervisor/settings.h"

namespace kasetsu::drivers {

// Rows by verdict, and deliveries. `dropped`: deliveries that no intake would ever take, kept aside
// with their reason.
struct Counters {
  std::atomic<std::int64_t> deliveries{0}, accepted{0}, flagged{0}, duplicate{0}, quarantined{0},
      dropped{0};
  std::atomic<std::int64_t> last_delivery{0};  // microseconds since 1970; 0: none
};

// What the daemon lends a driver. Everything outlives it.
struct Host {
  campaign::Intake& intake;
  std::shared_ptr<spdlog::logger> log;
  std::string state_folder;  // of this driver alone; made on start
  Clock clock;
  // Rises with every commit; cheap.
  std::function<std::int64_t()> last_event;
  // Open proposals of a campaign as the API shows them: {"campaign", "proposals": [...]}.
  std::function<Result<Json>(const std::string& campaign)> proposals;
};

class Driver {
 public:
  virtual ~Driver() = default;
  // Works until `stop` is asked for, then returns at the next safe point. ok: the work is done for
  // good. An error ends this attempt; the supervisor tries again after a pause. What was claimed
  // and not committed is taken up by the next attempt.
  virtual Status run(std::stop_token stop) = 0;
  // What would happen now, without changing anything: {"would_take": [{"name", "verdict summary" or
  // "reason"}], "notes": [...]}. May be called while run is running.
  virtual Result<Json> dry_run() = 0;
};

// Whether trying the same delivery again can help: the database is busy or full, or the campaign is
// not there yet. The one judge of it for all drivers.
bool is_transient(const Error& error);

// Sends one delivery through the intake, waiting while the database is busy, and counts its rows.
// A delivery that meets a fault of the program (internal) is tried five times.
Result<campaign::IngestReceipt> deliver(const Host& host, Counters& counters,
                                        const campaign::IntakeRequest& request,
                                        const std::stop_token& stop);

// The request that the settings make of a delivery's bytes.
campaign::IntakeRequest request_of(const Settings& settings, std::string bytes,
                                   campaign::DeliveryFormat format);

// Waits; false when it was asked to stop.
bool pause(const std::stop_token& stop, double seconds);

}  // namespace kasetsu::drivers
