#include "daemon/service/driver_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "daemon/base/config_values.h"

namespace kasetsu {
namespace {

using namespace config_values;
using Keys = std::map<std::string, Read>;

Keys common_keys(drivers::Settings& s) {
  return {{"kind", one_of(s.kind, {"folder", "mqtt", "exec"})},
          {"enabled", boolean(s.enabled)},
          {"campaign", text(s.campaign)},
          {"source", text(s.source)},
          {"run", text(s.run)},
          {"profile", text(s.profile)},
          {"id", text(s.id)},
          {"whole", boolean(s.whole)},
          {"revise", boolean(s.revise)}};
}

Keys folder_keys(drivers::FolderSettings& s) {
  return {{"path", text(s.path)},
          {"tail", texts(s.tail)},
          {"settle_s", number(s.settle_s, 0.0, 3'600.0)},
          {"scan_s", number(s.scan_s, 0.05, 86'400.0)},
          {"stale_s", number(s.stale_s, 0.0, 1e7)},
          {"max_MiB", number(s.max_MiB, 0.001, 64.0)},
          {"polling", boolean(s.polling)}};
}

Keys mqtt_keys(drivers::MqttSettings& s) {
  return {{"host", text(s.host)},
          {"port", whole(s.port, 1, 65'535)},
          {"client_id", text(s.client_id)},
          {"version", one_of(s.version, {"5", "3.1.1"})},
          {"base", text(s.base)},
          {"user", text(s.user)},
          {"password_file", text(s.password_file)},
          {"ca_file", text(s.ca_file)},
          {"certificate_file", text(s.certificate_file)},
          {"key_file", text(s.key_file)},
          {"proposals", boolean(s.proposals)},
          {"keepalive_s", number(s.keepalive_s, 5.0, 65'535.0)},
          {"session_expiry_h", number(s.session_expiry_h, 0.0, 1e6)}};
}

Keys exec_keys(drivers::ExecSettings& s) {
  return {{"command", texts(s.command)},
          {"folder", text(s.folder)},
          {"environment", words(s.environment)},
          {"user", text(s.user)},
          {"silence_s", number(s.silence_s, 0.0, 1e7)},
          {"every_s", number(s.every_s, 0.0, 1e7)},
          {"memory_MiB", number(s.memory_MiB, 0.0, 1e7)},
          {"cpu_s", number(s.cpu_s, 0.0, 1e9)},
          {"files", whole(s.files, 8, 1'000'000)},
          {"line_MiB", number(s.line_MiB, 0.001, 256.0)}};
}

Keys keys_of(drivers::Settings& s) {
  Keys all = common_keys(s);
  Keys own = s.kind == "folder" ? folder_keys(s.folder)
             : s.kind == "mqtt" ? mqtt_keys(s.mqtt)
                                : exec_keys(s.exec);
  all.merge(own);
  return all;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// What a driver of its kind cannot do without.
Status check(const drivers::Settings& s, const std::string& where) {
  const auto missing = [&](const char* key, const char* expected) {
    return Error{ErrorCode::bad_data, "a key is missing", where + "." + key, "", expected};
  };
  if (s.kind == "folder") {
    if (s.folder.path.empty()) return missing("path", "a folder");
    if (s.campaign.empty()) return missing("campaign", "the campaign that the results belong to");
  } else if (s.kind == "mqtt") {
    if (s.mqtt.base.empty() || s.mqtt.base.front() == '/' ||
        s.mqtt.base.find_first_of("#+ ") != std::string::npos) {
      return missing("base", "the topics' beginning, such as lab/v1/site/room");
    }
    if (s.mqtt.certificate_file.empty() != s.mqtt.key_file.empty()) {
      return missing("key_file", "both certificate_file and key_file, or none");
    }
    if (s.mqtt.ca_file.empty() && !s.mqtt.certificate_file.empty()) {
      return missing("ca_file", "the authority that signed the broker's certificate");
    }
  } else if (s.exec.command.empty() || s.exec.command[0].empty()) {
    return missing("command", "[\"program\", \"argument\", ...]");
  }
  return {};
}

}  // namespace

Result<std::vector<drivers::Settings>> read_drivers(const toml::node& node,
                                                    const std::string& file) {
  std::vector<drivers::Settings> drivers;
  const auto place = [&](const toml::source_region& at, const std::string& key) {
    return fmt::format("{}:{}:{}: {}", file, at.begin.line, at.begin.column, key);
  };
  const auto* all = node.as_table();
  if (!all) return wrong(node, place(node.source(), "drivers"), "[drivers.NAME]");
  for (const auto& [key, value] : *all) {
    drivers::Settings settings;
    settings.name = key.str();
    const std::string path = "drivers." + settings.name;
    const std::string where = place(key.source(), path);
    if (!is_name(settings.name)) {
      return Error{ErrorCode::bad_data, "not a name for a driver", where, settings.name,
                   "at most 64 of a-z 0-9 - _"};
    }
    const auto* table = value.as_table();
    if (!table) return wrong(value, where, fmt::format("[{}]", path));
    const toml::node* kind = table->get("kind");
    if (!kind) {
      return Error{ErrorCode::bad_data, "a key is missing", where + ".kind", "",
                   "\"folder\", \"mqtt\" or \"exec\""};
    }
    const Keys first = common_keys(settings);
    if (const Status read = first.at("kind")(*kind, where + ".kind"); !read) return read.error();
    const Keys known = keys_of(settings);
    for (const auto& [name, item] : *table) {
      const std::string word(name.str());
      const std::string here = place(name.source(), path + "." + word);
      const auto read = known.find(word);
      if (read == known.end()) {
        std::vector<std::string> names;
        for (const auto& [one, reader] : known) names.push_back(one);
        return Error{ErrorCode::bad_data, "unknown key", here, word, hint(word, names)};
      }
      if (const Status status = read->second(item, here); !status) return status.error();
    }
    if (const Status fine = check(settings, where); !fine) return fine.error();
    drivers.push_back(std::move(settings));
  }
  return drivers;
}

std::vector<std::string> driver_config_keys() {
  drivers::Settings settings;
  std::vector<std::string> all;
  const auto add = [&](const std::string& kind, const Keys& keys) {
    for (const auto& [key, read] : keys) all.push_back(kind + "." + key);
  };
  add("*", common_keys(settings));
  add("folder", folder_keys(settings.folder));
  add("mqtt", mqtt_keys(settings.mqtt));
  add("exec", exec_keys(settings.exec));
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace kasetsu
