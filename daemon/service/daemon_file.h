// The daemon's configuration file, config/kasetsud.toml. Every key is optional; an unknown one is
// an error. Flags of kasetsud override the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "daemon/http/server.h"
#include "drivers/supervisor/settings.h"

namespace kasetsu {

inline constexpr std::size_t kLargestConfigFile = 64 * 1024;

struct DaemonConfig {
  // [listen]
  std::string address = "127.0.0.1";
  std::uint16_t port = 8765;
  std::string unix_socket = "auto";    // path; auto: see data_files.h; empty: none
  bool plain_beyond_loopback = false;  // a proxy in front speaks TLS
  // [listen] hosts, [limits]
  http::ServerOptions server;
  double requests_per_s = 1'000.0;  // [limits], of one token; 0: no limit
  // [tls]
  std::string certificate_file, key_file;  // PEM; both or none
  std::string client_ca_file;              // empty: clients need no certificate
  // [tokens]
  std::string token_file;  // empty: no tokens, loopback only
  // [storage]
  std::string data_dir = "/var/lib/kasetsud";
  std::string backup_dir;        // empty: <data_dir>/backups
  double backup_every_h = 24.0;  // 0: never by itself
  std::int64_t backups_kept = 14;
  double least_free_MiB = 64.0;  // less on the disk: not ready
  // [learning]
  unsigned threads = 0;  // 0: all processors
  // [webhooks]
  std::vector<std::string> webhook_hosts;  // that may be told; empty: nobody is
  std::string webhook_secret_dir;          // folder of the keys that campaign files name
  // [campaigns]
  std::string campaign_dir;  // folder of campaign files that are applied by themselves
  // [log]
  std::string log_level = "info";   // trace, debug, info, warn, error
  std::string log_format = "auto";  // text, json; auto: text on a terminal, else json
  // [profiles]
  std::string profile_folder;  // beside the built-in ones, and before them; empty: none
  // [elements]
  std::string element_folder;  // of the property tables that campaign files may name; empty: none
  // [drivers.NAME]
  std::vector<drivers::Settings> drivers;
  // [shutdown]
  double drain_s = 5.0;

  // One sentence naming field, value and bound.
  Status validate() const;
};

// bad_data: "file:line: key", the value, what was expected, the nearest known key.
Result<DaemonConfig> parse_daemon_config(std::string_view text, std::string_view file_name);

// Every key as "section.key", sorted, for the test that holds decoder and example file together.
std::vector<std::string> daemon_config_keys();

}  // namespace kasetsu
