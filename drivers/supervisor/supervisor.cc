#include "drivers/supervisor/supervisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace kasetsu::drivers {

std::string_view to_string(State state) {
  switch (state) {
    case State::stopped:
      return "STOPPED";
    case State::running:
      return "RUNNING";
    case State::backing_off:
      return "BACKING_OFF";
    case State::finished:
      return "FINISHED";
  }
  return "";
}

Supervisor::Supervisor(MakeHost make_host, Make make, Clock clock, SupervisorOptions options)
    : make_host_(std::move(make_host)),
      make_(std::move(make)),
      clock_(std::move(clock)),
      options_(options) {
}

void Supervisor::start(std::vector<Settings> drivers) {
  for (Settings& settings : drivers) {
    auto entry = std::make_unique<Entry>();
    entry->settings = std::move(settings);
    entry->since = clock_();
    entries_.push_back(std::move(entry));
  }
  for (const auto& entry : entries_) {
    if (entry->settings.enabled) (void)start_one(entry->settings.name);
  }
}

void Supervisor::stop() {
  for (const auto& entry : entries_) {
    const std::scoped_lock control(entry->control);
    entry->thread.request_stop();
  }
  for (const auto& entry : entries_) (void)stop_one(entry->settings.name);
}

void Supervisor::set_state(Entry& entry, State state) {
  const std::scoped_lock lock(entry.mutex);
  entry.state = state;
  entry.since = clock_();
}

// What it throws is its failure, nobody else's.
Status Supervisor::attempt(Entry& entry, const std::stop_token& stop) {
  try {
    const Host host = make_host_(entry.settings);
    auto driver = make_(entry.settings, host, entry.counters);
    if (!driver) return driver.error();
    return (*driver)->run(stop);
  } catch (const std::exception& failure) {
    return Error{ErrorCode::internal, failure.what(), "", "", ""};
  }
}

void Supervisor::work(Entry& entry, const std::stop_token& stop) {
  double wait = options_.first_pause_s;
  for (;;) {
    set_state(entry, State::running);
    const auto begun = std::chrono::steady_clock::now();
    const Status ended = attempt(entry, stop);
    if (stop.stop_requested()) break;
    if (ended) {
      set_state(entry, State::finished);
      return;
    }
    const std::chrono::duration<double> ran = std::chrono::steady_clock::now() - begun;
    if (ran.count() >= options_.steady_s) wait = options_.first_pause_s;
    {
      const std::scoped_lock lock(entry.mutex);
      entry.last_error = ended.error().to_string();
      entry.last_error_at = clock_();
      entry.restarts += 1;
    }
    make_host_(entry.settings)
        .log->error("driver failed name={} again_in_s={} error=\"{}\"", entry.settings.name, wait,
                    ended.error().to_string());
    set_state(entry, State::backing_off);
    if (!pause(stop, wait)) break;
    wait = std::min(2.0 * wait, options_.longest_pause_s);
  }
  set_state(entry, State::stopped);
}

Supervisor::Entry* Supervisor::find(const std::string& name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& entry) { return entry->settings.name == name; });
  return found == entries_.end() ? nullptr : found->get();
}

namespace {

Error no_such(const std::string& name) {
  return Error{ErrorCode::not_found, "there is no such driver", "name", name,
               "a driver of the daemon's file ([drivers.NAME])"};
}

}  // namespace

Json Supervisor::json(const Entry& entry) const {
  const Counters& c = entry.counters;
  Json json = {{"name", entry.settings.name},         {"kind", entry.settings.kind},
               {"campaign", entry.settings.campaign}, {"deliveries", c.deliveries.load()},
               {"accepted", c.accepted.load()},       {"flagged", c.flagged.load()},
               {"duplicate", c.duplicate.load()},     {"quarantined", c.quarantined.load()},
               {"dropped", c.dropped.load()}};
  json["last_delivery_at"] = nullptr;
  if (const auto last = c.last_delivery.load(); last != 0) {
    json["last_delivery_at"] = format_time(from_micros(last));
  }
  const std::scoped_lock lock(entry.mutex);
  json["state"] = to_string(entry.state);
  json["since"] = format_time(entry.since);
  json["restarts"] = entry.restarts;
  json["last_error"] = nullptr;
  json["last_error_at"] = nullptr;
  if (!entry.last_error.empty()) {
    json["last_error"] = entry.last_error;
    json["last_error_at"] = format_time(entry.last_error_at);
  }
  return json;
}

Json Supervisor::list() const {
  Json list = Json::array();
  for (const auto& entry : entries_) list.push_back(json(*entry));
  return list;
}

Result<Json> Supervisor::show(const std::string& name) const {
  const Entry* entry = find(name);
  if (entry == nullptr) return no_such(name);
  return json(*entry);
}

Result<Json> Supervisor::start_one(const std::string& name) {
  Entry* entry = find(name);
  if (entry == nullptr) return no_such(name);
  {
    const std::scoped_lock control(entry->control);
    const auto running = [&] {
      const std::scoped_lock lock(entry->mutex);
      return entry->state == State::running || entry->state == State::backing_off;
    };
    if (!running()) {
      if (entry->thread.joinable()) entry->thread.join();
      set_state(*entry, State::running);
      entry->thread =
          std::jthread([this, entry](const std::stop_token& stop) { work(*entry, stop); });
    }
  }
  return json(*entry);
}

Result<Json> Supervisor::stop_one(const std::string& name) {
  Entry* entry = find(name);
  if (entry == nullptr) return no_such(name);
  {
    const std::scoped_lock control(entry->control);
    if (entry->thread.joinable()) {
      entry->thread.request_stop();
      entry->thread.join();
    }
    set_state(*entry, State::stopped);
  }
  return json(*entry);
}

Result<Json> Supervisor::dry_run(const std::string& name) {
  Entry* entry = find(name);
  if (entry == nullptr) return no_such(name);
  try {
    // Its counters are nobody's: nothing is taken in.
    Counters counters;
    auto driver = make_(entry->settings, make_host_(entry->settings), counters);
    if (!driver) return driver.error();
    return (*driver)->dry_run();
  } catch (const std::exception& failure) {
    return Error{ErrorCode::internal, failure.what(), "", "", ""};
  }
}

std::string Supervisor::metrics() const {
  if (entries_.empty()) return "";
  std::string up =
      "# HELP kasetsu_driver_up Whether the driver runs.\n# TYPE kasetsu_driver_up gauge\n";
  std::string rows =
      "# HELP kasetsu_driver_rows_total Rows that came through the driver, by verdict.\n"
      "# TYPE kasetsu_driver_rows_total counter\n";
  std::string other =
      "# HELP kasetsu_driver_events_total Deliveries, restarts, and what was put aside.\n"
      "# TYPE kasetsu_driver_events_total counter\n";
  for (const auto& entry : entries_) {
    const std::string& name = entry->settings.name;
    const Counters& c = entry->counters;
    bool running = false;
    std::int64_t restarts = 0;
    {
      const std::scoped_lock lock(entry->mutex);
      running = entry->state == State::running;
      restarts = entry->restarts;
    }
    up += fmt::format("kasetsu_driver_up{{driver=\"{}\",kind=\"{}\"}} {}\n", name,
                      entry->settings.kind, running ? 1 : 0);
    for (const auto& [verdict, count] :
         {std::pair{"accepted", c.accepted.load()}, std::pair{"flagged", c.flagged.load()},
          std::pair{"duplicate", c.duplicate.load()},
          std::pair{"quarantined", c.quarantined.load()}}) {
      rows += fmt::format("kasetsu_driver_rows_total{{driver=\"{}\",verdict=\"{}\"}} {}\n", name,
                          verdict, count);
    }
    for (const auto& [event, count] :
         {std::pair{"delivery", c.deliveries.load()}, std::pair{"dropped", c.dropped.load()},
          std::pair{"restart", restarts}}) {
      other += fmt::format("kasetsu_driver_events_total{{driver=\"{}\",event=\"{}\"}} {}\n", name,
                           event, count);
    }
  }
  return up + rows + other;
}

}  // namespace kasetsu::drivers
