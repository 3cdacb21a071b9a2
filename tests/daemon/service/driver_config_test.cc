#include "daemon/service/driver_config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "daemon/service/daemon_file.h"
#include "tests/paths.h"

namespace kasetsu {
namespace {

std::string error_of(const std::string& text) {
  const auto config = parse_daemon_config(text, "kasetsud.toml");
  return config ? "" : config.error().to_string();
}

TEST(DriverConfig, EveryKeyIsDocumented) {
  std::ifstream file(kasetsu::testing::source_dir() + "/docs/drivers.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const std::string& key : driver_config_keys()) {
    const std::string name = "`" + key.substr(key.find('.') + 1) + "`";
    EXPECT_NE(text.str().find(name), std::string::npos) << key;
  }
}

TEST(DriverConfig, ReadsEveryKind) {
  const auto config = parse_daemon_config(
      "[drivers.gc]\nkind = \"folder\"\ncampaign = \"ocm\"\npath = \"/srv/gc\"\nprofile = "
      "\"ocm_hte\"\n"
      "tail = [\"*.log\"]\nsettle_s = 2\n"
      "[drivers.broker]\nkind = \"mqtt\"\nbase = \"lab/v1/a/b\"\nport = 8883\nca_file = "
      "\"ca.pem\"\n"
      "[drivers.meter]\nkind = \"exec\"\ncommand = [\"/bin/true\", \"x\"]\nenvironment = { A = "
      "\"b\" }\n"
      "enabled = false\n",
      "kasetsud.toml");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  ASSERT_EQ(config->drivers.size(), 3U);
  for (const drivers::Settings& driver : config->drivers) {
    if (driver.name == "gc") {
      EXPECT_EQ(driver.folder.path, "/srv/gc");
      EXPECT_EQ(driver.folder.tail, std::vector<std::string>{"*.log"});
      EXPECT_EQ(driver.folder.settle_s, 2.0);
      EXPECT_EQ(driver.profile, "ocm_hte");
    } else if (driver.name == "broker") {
      EXPECT_EQ(driver.mqtt.port, 8883);
      EXPECT_EQ(driver.mqtt.ca_file, "ca.pem");
    } else {
      EXPECT_FALSE(driver.enabled);
      EXPECT_EQ(driver.exec.command.size(), 2U);
      EXPECT_EQ(driver.exec.environment.at("A"), "b");
    }
  }
}

TEST(DriverConfig, EveryMistakeIsNamedWithItsPlace) {
  EXPECT_NE(error_of("[drivers.gc]\npath = \"x\"\n").find("drivers.gc.kind"), std::string::npos);
  EXPECT_NE(error_of("[drivers.gc]\nkind = \"ftp\"\n").find("folder, mqtt or exec"),
            std::string::npos);
  EXPECT_NE(error_of("[drivers.gc]\nkind = \"folder\"\ncampaign = \"a\"\n").find("path"),
            std::string::npos);
  EXPECT_NE(error_of("[drivers.gc]\nkind = \"folder\"\npath = \"a\"\n").find("campaign"),
            std::string::npos);
  EXPECT_NE(
      error_of("[drivers.gc]\nkind = \"folder\"\npth = \"a\"\n").find(". Did you mean \"path\"?"),
      std::string::npos);
  EXPECT_NE(error_of("[drivers.gc]\nkind = \"folder\"\nhost = \"a\"\n").find("unknown key"),
            std::string::npos)
      << "a key of another kind";
  EXPECT_NE(error_of("[drivers.\"G C\"]\nkind = \"exec\"\n").find("not a name"), std::string::npos);
  EXPECT_NE(error_of("[drivers.m]\nkind = \"mqtt\"\nbase = \"a/#\"\n").find("base"),
            std::string::npos);
  EXPECT_NE(error_of("[drivers.e]\nkind = \"exec\"\ncommand = []\n").find("command"),
            std::string::npos);
  EXPECT_NE(
      error_of("[drivers.e]\nkind = \"exec\"\ncommand = \"rm -rf\"\n").find("a list of texts"),
      std::string::npos)
      << "no shell";
}

}  // namespace
}  // namespace kasetsu
