#include "daemon/service/security_report.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/base/tokens.h"
#include "daemon/http/server.h"
#include "daemon/http/tls.h"

namespace kasetsu {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFine = "ok", kDoubtful = "warning", kWrong = "wrong";
constexpr auto kOldToken = std::chrono::hours(24 * 365);
constexpr auto kSoon = std::chrono::hours(24 * 14);

std::int64_t days(Time from, Time to) {
  return std::chrono::duration_cast<std::chrono::hours>(to - from).count() / 24;
}

std::string day(Time time) {
  return format_time(time).substr(0, 10);
}

class SecurityReport {
 public:
  SecurityReport(const DaemonConfig& config, Time now) : config_(config), now_(now) {}

  std::vector<SecurityFinding> look() {
    look_at_network();
    look_at_certificate();
    look_at_tokens();
    look_at_data();
    look_at_folders();
    look_at_limits();
    return std::move(findings_);
  }

 private:
  void add(std::string_view check, std::string_view found, std::string text,
           std::string advice = {}) {
    findings_.push_back(
        {std::string(check), std::string(found), std::move(text), std::move(advice)});
  }

  void look_at_network() {
    const bool here = http::check_address(config_.address, false).ok();
    const bool tls = !config_.certificate_file.empty();
    if (here) {
      add("network", kFine, fmt::format("{}: this machine alone can ask", config_.address));
    } else if (tls) {
      add("network", kFine, fmt::format("{}: other machines ask over TLS", config_.address));
    } else {
      add("network", kDoubtful,
          fmt::format("{}: tokens and results cross the network in plain text unless a proxy on "
                      "this machine speaks TLS",
                      config_.address),
          "address = \"127.0.0.1\" where the proxy runs on this machine, or [tls]");
    }
    if (!here && config_.server.hosts == http::ServerOptions().hosts) {
      add("hosts", kDoubtful,
          "clients of other machines are refused: no name of this one is listed",
          "[listen] hosts = [\"NAME\"]");
    }
    if (!config_.server.proxies.empty()) {
      add("proxies", kFine,
          fmt::format("{} may say in X-Forwarded-For for whom it asks",
                      fmt::join(config_.server.proxies, ", ")));
    }
  }

  void look_at_certificate() {
    if (config_.certificate_file.empty()) return;
    look_at_file("private key", config_.key_file, 077);
    const auto context =
        http::make_tls_context(config_.certificate_file, config_.key_file, config_.client_ca_file);
    if (!context) {
      add("certificate", kWrong, context.error().to_string());
      return;
    }
    const auto end = http::certificate_end(**context);
    const std::string warning = http::certificate_warning(**context, now_);
    const bool refused = end && (*end < now_ || warning.find("refuse") != std::string::npos);
    add("certificate",
        refused           ? kWrong
        : warning.empty() ? kFine
                          : kDoubtful,
        fmt::format("valid until {}, {} days{}{}", end ? day(*end) : "an unknown day",
                    end ? days(now_, *end) : 0, warning.empty() ? "" : ": ", warning),
        warning.empty() ? "" : "a new certificate, then: systemctl reload kasetsud");
  }

  void look_at_tokens() {
    if (config_.token_file.empty()) {
      add("tokens", kDoubtful, "none: whoever has an account on this machine has every scope",
          "kasetsu token create NAME --scope read --file TOKENS, and [tokens] file");
      return;
    }
    look_at_file("token file", config_.token_file, 077);
    const auto file = read_token_file(config_.token_file);
    if (!file) {
      add("tokens", kWrong, file.error().to_string());
      return;
    }
    if (file->tokens().empty()) {
      add("tokens", kDoubtful, "the file holds none: nobody can ask",
          fmt::format("kasetsu token create NAME --scope read --file {}", config_.token_file));
    }
    for (const Token& token : file->tokens()) look_at_token(token);
  }

  void look_at_token(const Token& token) {
    const bool ended = token.expires && *token.expires <= now_;
    const bool old = !token.expires && token.created + kOldToken < now_;
    std::string when = "never ends";
    if (token.expires) when = fmt::format("{} {}", ended ? "ended" : "ends", day(*token.expires));
    const std::string text = fmt::format("{}; {} days old, {}", fmt::join(token.scopes, ", "),
                                         days(token.created, now_), when);
    const std::string revoke =
        fmt::format("kasetsu token revoke {} --file {}", token.name, config_.token_file);
    if (ended) {
      add("token " + token.name, kDoubtful, text, revoke);
    } else if (old) {
      add("token " + token.name, kDoubtful, text,
          revoke + ", and a new one with --expires for whoever still needs it");
    } else if (token.expires && *token.expires < now_ + kSoon) {
      add("token " + token.name, kDoubtful, text, "a new token before that day");
    } else {
      add("token " + token.name, kFine, text);
    }
  }

  void look_at_data() {
    std::error_code error;
    const fs::path folder = config_.data_dir;
    if (!fs::exists(folder, error)) {
      add("data folder", kFine, fmt::format("{} is made at the first start", folder.string()));
      return;
    }
    look_at_file("data folder", folder.string(), 077);
    const fs::path where = fs::canonical(folder, error);
    if (!error && where != fs::absolute(folder, error).lexically_normal()) {
      add("data folder", kFine, fmt::format("{} lies in {}", folder.string(), where.string()));
    }
    for (const char* suffix : {"", "-wal", "-reached"}) {
      const fs::path file = folder / (std::string("kasetsu.db") + suffix);
      if (fs::exists(file, error)) look_at_file("database", file.string(), 077);
    }
    if (fs::exists(config_.backup_dir, error)) {
      look_at_file("folder of backups", config_.backup_dir, 077);
    }
  }

  // Folders from which the daemon takes what it reads or runs.
  void look_at_folders() {
    look_at_open("folder of campaign files", config_.campaign_dir, 022);
    look_at_open("folder of profiles", config_.profile_folder, 022);
    look_at_open("folder of element tables", config_.element_folder, 022);
    look_at_open("folder of webhook keys", config_.webhook_secret_dir, 077);
    for (const drivers::Settings& driver : config_.drivers) {
      const std::string name = "driver " + driver.name;
      if (driver.kind == "folder") look_at_open(name, driver.folder.path, 002);
      if (driver.kind == "mqtt") {
        look_at_open(name + ", password", driver.mqtt.password_file, 077);
        look_at_open(name + ", key", driver.mqtt.key_file, 077);
      }
      if (driver.kind == "exec" && !driver.exec.command.empty()) {
        look_at_open(name + ", program", driver.exec.command.front(), 022);
        if (driver.exec.user.empty()) {
          add(name, kDoubtful, "its program runs with the daemon's rights",
              fmt::format("[drivers.{}] user = \"NAME\"", driver.name));
        }
      }
    }
  }

  void look_at_open(const std::string& check, const std::string& path, mode_t forbidden) {
    if (!path.empty()) look_at_file(check, path, forbidden);
  }

  // forbidden: bits of the mode by which others could read or change it.
  void look_at_file(const std::string& check, const std::string& path, mode_t forbidden) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      add(check, kWrong, fmt::format("{} cannot be looked at: {}", path, std::strerror(errno)),
          "run as the daemon's user or as root");
      return;
    }
    const mode_t mode = status.st_mode & 07777;
    if ((mode & forbidden) == 0) {
      add(check, kFine, fmt::format("{} (mode {:04o})", path, mode));
      return;
    }
    const bool written = (mode & forbidden & 022) != 0;
    add(check, written || (mode & forbidden & 007) != 0 ? kWrong : kDoubtful,
        fmt::format("{} can be {} by others (mode {:04o})", path, written ? "changed" : "read",
                    mode),
        fmt::format("chmod {:04o} {}", mode & ~forbidden, path));
  }

  void look_at_limits() {
    const http::ServerOptions& limits = config_.server;
    add("limits", kFine,
        fmt::format("{} MiB a delivery, {} MiB all bodies, {} rows, {} connections",
                    limits.bulk_body_bytes >> 20, limits.all_bodies_bytes >> 20, limits.rows,
                    limits.connections));
    if (config_.requests_per_s <= 0.0) {
      add("limits", kDoubtful, "one token may ask as often as it likes",
          "[limits] requests_per_s = 1000");
    }
  }

  const DaemonConfig& config_;
  const Time now_;
  std::vector<SecurityFinding> findings_;
};

}  // namespace

std::vector<SecurityFinding> look_at_security(const DaemonConfig& config, Time now) {
  return SecurityReport(config, now).look();
}

Json to_json(const std::vector<SecurityFinding>& findings) {
  Json checks = Json::array();
  for (const SecurityFinding& finding : findings) {
    checks.push_back({{"check", finding.check},
                      {"found", finding.found},
                      {"text", finding.text},
                      {"advice", finding.advice}});
  }
  return {{"checks", std::move(checks)}};
}

}  // namespace kasetsu
