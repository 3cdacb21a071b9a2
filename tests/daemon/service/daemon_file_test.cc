#include "daemon/service/daemon_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "daemon/base/log.h"
#include "tests/paths.h"

namespace kasetsu {
namespace {

std::string example() {
  std::ifstream file(kasetsu::testing::source_dir() + "/config/kasetsud.toml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string error_of(std::string_view text) {
  const auto config = parse_daemon_config(text, "kasetsud.toml");
  return config ? "" : config.error().to_string();
}

TEST(DaemonConfig, TheExampleNamesEveryKeyWithItsBuiltInValue) {
  const std::string text = example();
  const auto config = parse_daemon_config(text, "kasetsud.toml");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  const DaemonConfig built_in;
  EXPECT_EQ(config->address, built_in.address);
  EXPECT_EQ(config->port, built_in.port);
  EXPECT_EQ(config->plain_beyond_loopback, built_in.plain_beyond_loopback);
  EXPECT_EQ(config->data_dir, built_in.data_dir);
  EXPECT_EQ(config->backup_every_h, built_in.backup_every_h);
  EXPECT_EQ(config->backups_kept, built_in.backups_kept);
  EXPECT_EQ(config->least_free_MiB, built_in.least_free_MiB);
  EXPECT_EQ(config->drain_s, built_in.drain_s);
  EXPECT_EQ(config->log_level, built_in.log_level);
  EXPECT_EQ(config->log_format, built_in.log_format);
  EXPECT_EQ(config->server.hosts, built_in.server.hosts);
  EXPECT_EQ(config->server.header_bytes, built_in.server.header_bytes);
  EXPECT_EQ(config->server.header_fields, built_in.server.header_fields);
  EXPECT_EQ(config->server.body_bytes, built_in.server.body_bytes);
  EXPECT_EQ(config->server.bulk_body_bytes, built_in.server.bulk_body_bytes);
  EXPECT_EQ(config->server.header_time, built_in.server.header_time);
  EXPECT_EQ(config->server.request_time, built_in.server.request_time);
  EXPECT_EQ(config->server.idle_time, built_in.server.idle_time);
  EXPECT_EQ(config->server.write_time, built_in.server.write_time);
  EXPECT_EQ(config->server.connections, built_in.server.connections);
  EXPECT_EQ(config->server.connections_per_peer, built_in.server.connections_per_peer);
  std::string section;
  std::vector<std::string> in_file;
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) section = line.substr(1, line.find(']') - 1);
    const auto equals = line.find(" = ");
    if (!line.starts_with('#') && equals != std::string::npos) {
      in_file.push_back(section + "." + line.substr(0, equals));
    }
  }
  std::sort(in_file.begin(), in_file.end());
  EXPECT_EQ(in_file, daemon_config_keys());
}

TEST(DaemonConfig, EveryMistakeIsNamedWithItsPlace) {
  EXPECT_NE(error_of("[listen]\nprot = 1\n").find("kasetsud.toml:2: listen: unknown key \"prot\""),
            std::string::npos);
  EXPECT_NE(error_of("[listen]\nprot = 1\n").find(". Did you mean \"port\"?"), std::string::npos);
  EXPECT_NE(error_of("[lisen]\n").find(". Did you mean \"listen\"?"), std::string::npos);
  EXPECT_NE(error_of("[listen]\nport = 70000\n").find("0 to 65535"), std::string::npos);
  EXPECT_NE(error_of("[listen]\nport = \"8765\"\n").find("whole number"), std::string::npos);
  EXPECT_NE(error_of("[log]\nlevel = \"loud\"\n").find("debug"), std::string::npos);
  EXPECT_NE(error_of("[limits]\nidle_s = nan\n").find("a number from"), std::string::npos);
  EXPECT_NE(error_of("[limits]\nidle_s = 0\n").find("a number from"), std::string::npos);
  EXPECT_NE(error_of("[tls]\ncertificate_file = \"a\"\n").find("both or none"), std::string::npos);
  EXPECT_NE(error_of("listen = 3\n").find("[listen]"), std::string::npos);
  EXPECT_NE(error_of("[listen]\nport = \n").find("kasetsud.toml:2:"), std::string::npos);
  for (const char* host : {"https://x.org", "x.org/", "x.org:99999", ""}) {
    const std::string text = std::string("[webhooks]\nhosts = [\"") + host + "\"]\n";
    EXPECT_NE(error_of(text).find("webhooks.hosts"), std::string::npos) << host;
  }
  EXPECT_EQ(error_of("[webhooks]\nhosts = [\"x.org\", \"127.0.0.1:8080\"]\n"), "");
  EXPECT_EQ(error_of(""), "");
}

TEST(DaemonConfig, HostileFilesAreRefusedWithoutHarm) {
  EXPECT_NE(error_of(std::string(kLargestConfigFile + 1, '#')).find("larger"), std::string::npos);
  std::string dotted = "a";
  for (int i = 0; i < 30'000; ++i) dotted += ".a";
  EXPECT_NE(error_of(dotted + " = 1\n").find("nested too deeply"), std::string::npos);
  EXPECT_NE(error_of("a = " + std::string(10'000, '[')), "");
}

TEST(Log, OneLineWhateverTheMessageHolds) {
  const std::string text = json_escaped("a\"b\\c\nd\x01\x7f");
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse("\"" + text + "\"").get<std::string>(), "a\"b\\c\nd\x01\x7f");
}

}  // namespace
}  // namespace kasetsu
