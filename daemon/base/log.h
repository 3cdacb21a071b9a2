// Logs go to standard error, one line each: for people on a terminal, JSON otherwise. Never a body,
// never a token.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <spdlog/logger.h>

namespace kasetsu {

// Loggers "daemon", "http", "store", "jobs" share one sink. level: trace, debug, info, warn, error;
// format: text, json, auto.
void set_up_logs(const std::string& level, const std::string& format);
void set_log_level(const std::string& level);
std::shared_ptr<spdlog::logger> logger(const std::string& name);

// The text as it stands inside a JSON string.
std::string json_escaped(std::string_view text);

}  // namespace kasetsu
