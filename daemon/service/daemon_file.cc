#include "daemon/service/daemon_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "daemon/base/config_reader.h"
#include "daemon/base/web_address.h"
#include "daemon/campaign/records/store_port.h"
#include "daemon/service/driver_config.h"

namespace kasetsu {
namespace {

using namespace config_value;

ReadValue seconds(std::chrono::milliseconds& out) {
  return [&out](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
    const double read = reader.number(&value, path, 0.1, 3'600.0, 0.1);
    if (!reader.failed()) out = std::chrono::milliseconds(std::llround(read * 1e3));
  };
}

// Every key of the file and where it goes.
std::vector<std::pair<std::string, ConfigKeys>> sections(DaemonConfig& config) {
  http::ServerOptions& server = config.server;
  constexpr std::int64_t kKiB = 1'024, kMiB = 1'024 * 1'024;
  return {
      {"listen",
       {{"address", text(config.address)},
        {"port", whole(config.port, 0, 65'535)},
        {"unix_socket", text(config.unix_socket)},
        {"plain_beyond_loopback", flag(config.plain_beyond_loopback)},
        {"hosts", texts(server.hosts)},
        {"proxies", texts(server.proxies)}}},
      {"tls",
       {{"certificate_file", text(config.certificate_file)},
        {"key_file", text(config.key_file)},
        {"client_ca_file", text(config.client_ca_file)}}},
      {"tokens", {{"file", text(config.token_file)}}},
      {"storage",
       {{"data_dir", text(config.data_dir)},
        {"backup_dir", text(config.backup_dir)},
        {"backup_every_h", number(config.backup_every_h, 0.0, 8'760.0)},
        {"backups_kept", whole(config.backups_kept, 1, 10'000)},
        {"least_free_MiB", number(config.least_free_MiB, 0.0, 1e6)}}},
      {"learning", {{"threads", whole(config.threads, 0, 1'024)}}},
      {"webhooks",
       {{"hosts", texts(config.webhook_hosts)}, {"secret_dir", text(config.webhook_secret_dir)}}},
      {"campaigns", {{"dir", text(config.campaign_dir)}}},
      {"log",
       {{"level", one_of(config.log_level, {"trace", "debug", "info", "warn", "error"})},
        {"format", one_of(config.log_format, {"auto", "text", "json"})}}},
      {"limits",
       {{"header_KiB", whole(server.header_bytes, 1, 64, kKiB)},
        {"header_fields", whole(server.header_fields, 8, 1'000)},
        {"body_MiB", whole(server.body_bytes, 1, 64, kMiB)},
        {"bulk_body_MiB", whole(server.bulk_body_bytes, 1, campaign::kLargestContentMiB, kMiB)},
        {"all_bodies_MiB", whole(server.all_bodies_bytes, 1, 65'536, kMiB)},
        {"rows", whole(server.rows, 1, 1'000'000)},
        {"header_s", seconds(server.header_time)},
        {"request_s", seconds(server.request_time)},
        {"idle_s", seconds(server.idle_time)},
        {"plan_s", seconds(server.plan_time)},
        {"write_s", seconds(server.write_time)},
        {"connections", whole(server.connections, 1, 100'000)},
        {"connections_per_peer", whole(server.connections_per_peer, 1, 100'000)},
        {"requests_per_s", number(config.requests_per_s, 0.0, 1e6)}}},
      {"profiles", {{"folder", text(config.profile_folder)}}},
      {"elements", {{"folder", text(config.element_folder)}}},
      {"shutdown", {{"drain_s", number(config.drain_s, 0.0, 3'600.0)}}},
  };
}

}  // namespace

Status DaemonConfig::validate() const {
  if (certificate_file.empty() != key_file.empty()) {
    return Error{ErrorCode::invalid_argument, "only one of the two files of TLS is named",
                 "tls.certificate_file, tls.key_file", certificate_file + key_file, "both or none"};
  }
  if (!client_ca_file.empty() && certificate_file.empty()) {
    return Error{ErrorCode::invalid_argument, "client certificates need TLS", "tls.client_ca_file",
                 client_ca_file, "tls.certificate_file and tls.key_file beside it"};
  }
  for (const std::string& host : webhook_hosts) {
    if (is_host_entry(host)) continue;
    return Error{ErrorCode::invalid_argument, "an entry that no address matches", "webhooks.hosts",
                 host, "HOST or HOST:PORT, such as hooks.slack.com"};
  }
  if (data_dir.empty()) {
    return Error{ErrorCode::invalid_argument, "no folder for the data", "storage.data_dir", "",
                 "a folder"};
  }
  return server.validate();
}

Result<DaemonConfig> parse_daemon_config(std::string_view contents, std::string_view file_name) {
  const std::string file(file_name);
  if (contents.size() > kLargestConfigFile) {
    return Error{ErrorCode::bad_data, fmt::format("larger than {} bytes", kLargestConfigFile), file,
                 "", "a configuration file"};
  }
  const Result<ConfigNode> root = read_tree(contents, file, kToml);
  if (!root) return root.error();
  DaemonConfig config;
  ConfigKeys known;
  for (auto& [section, keys] : sections(config)) {
    known.emplace_back(section,
                       [keys = std::move(keys)](ConfigReader& reader, const ConfigNode& value,
                                                const std::string& path) {
                         reader.read_table(value, path, keys);
                       });
  }
  known.emplace_back(
      "drivers", [&config](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
        config.drivers = read_drivers(reader, value, path);
      });
  ConfigReader reader(file);
  reader.read_table(*root, "", known);
  if (const Status read = reader.status(); !read) return read.error();
  const Status valid = config.validate();
  if (!valid) return valid.error().in(file);
  return config;
}

std::vector<std::string> daemon_config_keys() {
  DaemonConfig config;
  std::vector<std::string> all;
  for (const auto& [section, entries] : sections(config)) {
    for (const auto& [key, read] : entries) all.push_back(section + "." + key);
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace kasetsu
