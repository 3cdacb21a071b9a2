// The few things that the daemon asks of the operating system.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kasetsu {

// Tells the service manager (sd_notify(3)) through $NOTIFY_SOCKET; does nothing without one.
void notify_service_manager(std::string_view message);
// How often the service manager wants to hear of us; nothing when it does not.
std::optional<std::chrono::microseconds> watchdog_interval();

// Bytes that this process may still write on the file system of `path`; nothing when it cannot be
// told.
std::optional<double> free_bytes(const std::string& path);

// The calling thread, and those that it starts from now on, give way to the others of this process
// where all want a processor: long work must not keep those who answer. Once a thread.
void give_way();

// Metrics of this process in the Prometheus text format.
std::string process_metrics();

}  // namespace kasetsu
