#include "daemon/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "core/text.h"

namespace kasetsu {
namespace {

using Read = std::function<Status(const toml::node&, const std::string& where)>;

Error wrong(const toml::node& value, const std::string& where, const std::string& expected) {
  std::string text;
  if (const auto* string = value.as_string()) {
    text = string->get();
  } else if (const auto* integer = value.as_integer()) {
    text = std::to_string(integer->get());
  } else if (const auto* number = value.as_floating_point()) {
    text = format_number(number->get());
  } else if (const auto* boolean = value.as_boolean()) {
    text = boolean->get() ? "true" : "false";
  }
  return {ErrorCode::bad_data, "wrong value", where, text, expected};
}

Read text(std::string& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    const auto* found = value.as_string();
    if (!found) return wrong(value, where, "a text in quotes");
    out = found->get();
    return {};
  };
}

Read boolean(bool& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    const auto* found = value.as_boolean();
    if (!found) return wrong(value, where, "true or false");
    out = found->get();
    return {};
  };
}

Read one_of(std::string& out, std::vector<std::string> words) {
  return [&out, words = std::move(words)](const toml::node& value,
                                          const std::string& where) -> Status {
    const auto* found = value.as_string();
    if (!found || std::find(words.begin(), words.end(), found->get()) == words.end()) {
      return wrong(value, where, join_or(words));
    }
    out = found->get();
    return {};
  };
}

template <typename Integer>
Read whole(Integer& out, std::int64_t low, std::int64_t high, std::int64_t unit = 1) {
  return [&out, low, high, unit](const toml::node& value, const std::string& where) -> Status {
    const auto* found = value.as_integer();
    if (!found || found->get() < low || found->get() > high) {
      return wrong(value, where, fmt::format("a whole number from {} to {}", low, high));
    }
    out = static_cast<Integer>(found->get() * unit);
    return {};
  };
}

Read number(double& out, double low, double high) {
  return [&out, low, high](const toml::node& value, const std::string& where) -> Status {
    const auto found = value.value<double>();
    if (!value.is_number() || !found || !(*found >= low && *found <= high)) {
      return wrong(value, where, fmt::format("a number from {} to {}", low, high));
    }
    out = *found;
    return {};
  };
}

Read seconds(std::chrono::milliseconds& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    double found = 0.0;
    const Status read = number(found, 0.1, 3'600.0)(value, where);
    if (!read) return read;
    out = std::chrono::milliseconds(static_cast<std::int64_t>(std::lround(found * 1e3)));
    return {};
  };
}

Read texts(std::vector<std::string>& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    const auto* list = value.as_array();
    if (!list) return wrong(value, where, "a list of texts");
    std::vector<std::string> found;
    for (const toml::node& item : *list) {
      const auto* one = item.as_string();
      if (!one) return wrong(item, where, "a list of texts");
      found.push_back(one->get());
    }
    out = std::move(found);
    return {};
  };
}

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
        {"hosts", texts(server.hosts)}}},
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
        {"header_s", seconds(server.header_time)},
        {"request_s", seconds(server.request_time)},
        {"idle_s", seconds(server.idle_time)},
        {"write_s", seconds(server.write_time)},
        {"connections", whole(server.connections, 1, 100'000)},
        {"connections_per_peer", whole(server.connections_per_peer, 1, 100'000)},
        {"requests_per_s", number(config.requests_per_s, 0.0, 1e6)}}},
      {"shutdown", {{"drain_s", number(config.drain_s, 0.0, 3'600.0)}}},
  };
}

std::string hint(const std::string& name, const std::vector<std::string>& known) {
  const auto nearest = nearest_names(name, known, 1);
  return nearest.empty() ? join_or(known) : fmt::format("did you mean \"{}\"?", nearest.front());
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
