#include "daemon/base/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <string_view>

namespace kasetsu {
namespace {

// Control characters cannot forge a second line.
class TextMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    for (const char c : message.payload) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f) {
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<TextMessage>();
  }
};

class JsonMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        json_escaped(std::string_view(message.payload.data(), message.payload.size()));
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

std::shared_ptr<spdlog::sinks::sink> the_sink;
spdlog::level::level_enum the_level = spdlog::level::info;

}  // namespace

std::string json_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

void set_up_logs(const std::string& level, const std::string& format) {
  const bool json = format == "json" || (format == "auto" && ::isatty(STDERR_FILENO) == 0);
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<TextMessage>('*').add_flag<JsonMessage>('&');
  formatter->set_pattern(
      json ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","logger":"%n","msg":"%&"})"
           : "%H:%M:%S.%e %^%-5l%$ %n: %*");
  the_sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  the_sink->set_formatter(std::move(formatter));
  the_level = spdlog::level::from_str(level);
  spdlog::drop_all();
  spdlog::set_default_logger(logger("daemon"));  // spdlog::info() and the like
}

void set_log_level(const std::string& level) {
  the_level = spdlog::level::from_str(level);
  spdlog::apply_all([](const std::shared_ptr<spdlog::logger>& one) { one->set_level(the_level); });
}

std::shared_ptr<spdlog::logger> logger(const std::string& name) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (auto found = spdlog::get(name)) return found;
  if (!the_sink) the_sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto made = std::make_shared<spdlog::logger>(name, the_sink);
  made->set_level(the_level);
  made->flush_on(spdlog::level::err);
  spdlog::register_logger(made);
  return made;
}

}  // namespace kasetsu
