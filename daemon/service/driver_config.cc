#include "daemon/service/driver_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "daemon/campaign/records/store_port.h"
#include "drivers/tables/option_names.h"

namespace kasetsu {
namespace {

using namespace config_value;

constexpr double kLargestMiB = campaign::kLargestContentMiB;

// An empty word is as if the key did not stand there.
std::vector<std::string> or_none_told(std::vector<std::string> words) {
  words.insert(words.begin(), "");
  return words;
}

ConfigKeys::value_type kind_key(drivers::Settings& s) {
  return {"kind", one_of(s.kind, {"folder", "mqtt", "exec"})};
}

ConfigKeys common_keys(drivers::Settings& s) {
  return {kind_key(s),
          {"enabled", flag(s.enabled)},
          {"campaign", text(s.campaign)},
          {"source", text(s.source)},
          {"run", text(s.run)},
          {"profile", text(s.profile)},
          {"id", text(s.id)},
          {"whole", flag(s.whole)},
          {"revise", flag(s.revise)},
          {"repeats", one_of(s.repeats, {"ask", "skip", "keep"})},
          {"composition", text(s.composition)},
          {"sheet", text(s.sheet)},
          {"encoding", one_of(s.encoding, or_none_told(tables::encoding_names()))},
          {"decimal", one_of(s.decimal, or_none_told(tables::decimal_names()))},
          {"name_amounts", one_of(s.name_amounts, or_none_told(tables::name_amounts_names()))},
          {"ignore", texts(s.ignore)},
          {"fill_down", texts(s.fill_down)},
          {"null", texts(s.null)}};
}

ConfigKeys folder_keys(drivers::FolderSettings& s) {
  return {{"path", text(s.path)},
          {"tail", texts(s.tail)},
          {"settle_s", number(s.settle_s, 0.0, 3'600.0)},
          {"scan_s", number(s.scan_s, 0.05, 86'400.0)},
          {"stale_s", number(s.stale_s, 0.0, 1e7)},
          {"max_MiB", number(s.max_MiB, 0.001, kLargestMiB)},
          {"polling", flag(s.polling)}};
}

ConfigKeys mqtt_keys(drivers::MqttSettings& s) {
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
          {"proposals", flag(s.proposals)},
          {"keepalive_s", number(s.keepalive_s, 5.0, 65'535.0)},
          {"session_expiry_h", number(s.session_expiry_h, 0.0, 1e6)}};
}

ConfigKeys exec_keys(drivers::ExecSettings& s) {
  return {{"command", texts(s.command)},
          {"folder", text(s.folder)},
          {"environment", pairs(s.environment)},
          {"user", text(s.user)},
          {"silence_s", number(s.silence_s, 0.0, 1e7)},
          {"every_s", number(s.every_s, 0.0, 1e7)},
          {"memory_MiB", number(s.memory_MiB, 0.0, 1e7)},
          {"cpu_s", number(s.cpu_s, 0.0, 1e9)},
          {"files", whole(s.files, 8, 1'000'000)},
          {"line_MiB", number(s.line_MiB, 0.001, kLargestMiB)}};
}

ConfigKeys keys_of(drivers::Settings& s) {
  ConfigKeys all = common_keys(s);
  ConfigKeys own = s.kind == "folder" ? folder_keys(s.folder)
                   : s.kind == "mqtt" ? mqtt_keys(s.mqtt)
                                      : exec_keys(s.exec);
  std::move(own.begin(), own.end(), std::back_inserter(all));
  return all;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// What a driver of its kind cannot do without.
void check(ConfigReader& reader, const ConfigNode& node, const std::string& path,
           const drivers::Settings& s) {
  const auto missing = [&](const char* key, const char* expected) {
    reader.fail(node, join_key(path, key), "a key is missing", "", expected);
  };
  if (s.kind == "folder") {
    if (s.folder.path.empty()) missing("path", "a folder");
    if (s.campaign.empty()) missing("campaign", "the campaign that the results belong to");
  } else if (s.kind == "mqtt") {
    if (s.mqtt.base.empty() || s.mqtt.base.front() == '/' ||
        s.mqtt.base.find_first_of("#+ ") != std::string::npos) {
      missing("base", "the topics' beginning, such as lab/v1/site/room");
    }
    if (s.mqtt.certificate_file.empty() != s.mqtt.key_file.empty())
      missing("key_file", "both certificate_file and key_file, or none");
    if (s.mqtt.ca_file.empty() && !s.mqtt.certificate_file.empty())
      missing("ca_file", "the authority that signed the broker's certificate");
  } else if (s.exec.command.empty() || s.exec.command[0].empty()) {
    missing("command", "[\"program\", \"argument\", ...]");
  }
}

drivers::Settings read_driver(ConfigReader& reader, const ConfigNode& node, const std::string& path,
                              const std::string& name) {
  drivers::Settings settings;
  settings.name = name;
  if (!is_name(name)) {
    reader.fail(node, path, "not a name for a driver", name, "at most 64 of a-z 0-9 - _");
  } else if (node.kind != ConfigNode::Kind::table) {
    reader.fail(node, path, "expected a table", shown(node), fmt::format("[{}]", path));
  } else if (const ConfigNode* kind = node.find("kind"); kind == nullptr) {
    reader.fail(node, join_key(path, "kind"), "a key is missing", "",
                "\"folder\", \"mqtt\" or \"exec\"");
  } else {
    kind_key(settings).second(reader, *kind, join_key(path, "kind"));
    reader.read_table(node, path, keys_of(settings));
    check(reader, node, path, settings);
  }
  return settings;
}

}  // namespace

std::vector<drivers::Settings> read_drivers(ConfigReader& reader, const ConfigNode& node,
                                            const std::string& path) {
  std::vector<drivers::Settings> drivers;
  if (node.kind != ConfigNode::Kind::table)
    reader.fail(node, path, "expected a table", shown(node), "[drivers.NAME]");
  for (const auto& [name, value] : node.members) {
    drivers.push_back(read_driver(reader, value, join_key(path, name), name));
    if (reader.failed()) break;
  }
  return drivers;
}

std::vector<std::string> driver_config_keys() {
  drivers::Settings settings;
  std::vector<std::string> all;
  const auto add = [&](const std::string& kind, const ConfigKeys& keys) {
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
