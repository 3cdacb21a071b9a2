// Starts drivers, watches them, starts them again. A driver that fails takes nothing with it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "drivers/supervisor/driver.h"

namespace kasetsu::drivers {

enum class State {
  stopped,  // by a person, or not enabled
  running,
  backing_off,  // failed; waits before it is tried again
  finished      // its work is done
};
std::string_view to_string(State state);  // "STOPPED", ...

struct SupervisorOptions {
  double first_pause_s = 1.0;  // after a failure; doubled after each
  double longest_pause_s = 60.0;
  double steady_s = 60.0;  // after running this long a failure counts as the first again
};

class Supervisor {
 public:
  using Make =
      std::function<Result<std::unique_ptr<Driver>>(const Settings&, const Host&, Counters&)>;
  using MakeHost = std::function<Host(const Settings&)>;

  Supervisor(MakeHost make_host, Make make, Clock clock, SupervisorOptions options = {});
  ~Supervisor() { stop(); }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // A thread each for those that are enabled. Once.
  void start(std::vector<Settings> drivers);
  // Ends all; waits.
  void stop();

  // [{"name", "kind", "campaign", "state", "since", "restarts", "deliveries", "accepted",
  // "flagged", "duplicate", "quarantined", "dropped", "last_delivery_at", "last_error",
  // "last_error_at"}]; quick.
  Json list() const;
  Result<Json> show(const std::string& name) const;
  // By a person; they wait for the driver's next safe point. not_found.
  Result<Json> start_one(const std::string& name);
  Result<Json> stop_one(const std::string& name);
  // What it would do now. not_found, or why it cannot be told.
  Result<Json> dry_run(const std::string& name);
  // Prometheus text.
  std::string metrics() const;

 private:
  struct Entry {
    Settings settings;
    Counters counters;
    mutable std::mutex mutex;  // of the members below
    State state = State::stopped;
    Time since;
    std::int64_t restarts = 0;
    std::string last_error;
    Time last_error_at;
    std::mutex control;  // starting and stopping, one at a time
    std::jthread thread;
  };

  void work(Entry& entry, const std::stop_token& stop);
  Status attempt(Entry& entry, const std::stop_token& stop);
  void set_state(Entry& entry, State state);
  Json json(const Entry& entry) const;
  Entry* find(const std::string& name) const;

  MakeHost make_host_;
  Make make_;
  Clock clock_;
  SupervisorOptions options_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace kasetsu::drivers
