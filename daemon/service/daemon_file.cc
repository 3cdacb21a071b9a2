#include "daemon/service/daemon_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "core/base/text.h"
#include "daemon/base/config_values.h"
#include "daemon/service/driver_config.h"

namespace kasetsu {
namespace {

using namespace config_values;

// Every key of the file and where it goes.
std::map<std::string, std::map<std::string, Read>> keys(DaemonConfig& config) {
  http::ServerOptions& server = config.server;
  constexpr std::int64_t kKiB = 1'024, kMiB = 1'024 * 1'024;
  return {
      {"listen",
       {{"address", text(config.address)},
        {"port", whole(config.port, 0, 65'535)},
        {"unix_socket", text(config.unix_socket)},
        {"plain_beyond_loopback", boolean(config.plain_beyond_loopback)},
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
        {"bulk_body_MiB", whole(server.bulk_body_bytes, 1, 256, kMiB)},
        {"all_bodies_MiB", whole(server.all_bodies_bytes, 1, 65'536, kMiB)},
        {"header_s", seconds(server.header_time)},
        {"request_s", seconds(server.request_time)},
        {"idle_s", seconds(server.idle_time)},
        {"write_s", seconds(server.write_time)},
        {"connections", whole(server.connections, 1, 100'000)},
        {"connections_per_peer", whole(server.connections_per_peer, 1, 100'000)},
        {"requests_per_s", number(config.requests_per_s, 0.0, 1e6)}}},
      {"profiles", {{"folder", text(config.profile_folder)}}},
      {"shutdown", {{"drain_s", number(config.drain_s, 0.0, 3'600.0)}}},
  };
}

template <typename Map>
std::vector<std::string> names_of(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
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
  // The library follows dotted keys without limit; no key of this file has more than one dot.
  int dots = 0;
  for (const char c : contents) {
    dots = c == '.' ? dots + 1 : c == '\n' ? 0 : dots;
    if (dots > 256) return Error{ErrorCode::bad_data, "a line with too many dots", file, "", ""};
  }
  toml::table document;
  try {
    document = toml::parse(contents, file);
  } catch (const toml::parse_error& error) {
    return Error{
        ErrorCode::bad_data, std::string(error.description()),
        fmt::format("{}:{}:{}", file, error.source().begin.line, error.source().begin.column), "",
        ""};
  }
  DaemonConfig config;
  const auto sections = keys(config);
  const auto place = [&](const toml::source_region& at, std::string_view key) {
    return fmt::format("{}:{}:{}: {}", file, at.begin.line, at.begin.column, key);
  };
  for (const auto& [section, value] : document) {
    const std::string name(section.str());
    if (name == "drivers") {
      auto drivers = read_drivers(value, file);
      if (!drivers) return drivers.error();
      config.drivers = std::move(*drivers);
      continue;
    }
    const auto known = sections.find(name);
    if (known == sections.end()) {
      return Error{ErrorCode::bad_data, "unknown section", place(section.source(), name), name,
                   hint(name, names_of(sections))};
    }
    const auto* table = value.as_table();
    if (!table) {
      return Error{ErrorCode::bad_data, "not a section", place(section.source(), name), name,
                   fmt::format("[{}]", name)};
    }
    for (const auto& [key, item] : *table) {
      const std::string word(key.str());
      const std::string where = place(key.source(), name + "." + word);
      const auto read = known->second.find(word);
      if (read == known->second.end()) {
        return Error{ErrorCode::bad_data, "unknown key", where, word,
                     hint(word, names_of(known->second))};
      }
      const Status status = read->second(item, where);
      if (!status) return status.error();
    }
  }
  const Status valid = config.validate();
  if (!valid) return valid.error().in(file);
  return config;
}

std::vector<std::string> daemon_config_keys() {
  DaemonConfig config;
  std::vector<std::string> all;
  for (const auto& [section, entries] : keys(config)) {
    for (const auto& [key, read] : entries) all.push_back(section + "." + key);
  }
  return all;
}

}  // namespace kasetsu
