// What `kasetsu doctor --security` says of an installation.
#include "daemon/service/security_report.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "daemon/base/tokens.h"
#include "tests/daemon/http/test_certificate.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SecurityReports : public ::testing::Test {
 protected:
  SecurityReports() {
    config_.data_dir = folder_ / "data";
    config_.backup_dir = folder_ / "data/backups";
    fs::create_directories(config_.backup_dir);
    for (const std::string& path : {config_.data_dir, config_.backup_dir}) {
      fs::permissions(path, fs::perms::owner_all);
    }
  }

  std::string file(const std::string& name, unsigned mode) {
    std::ofstream(folder_ / name) << "x";
    fs::permissions(folder_ / name, static_cast<fs::perms>(mode));
    return folder_ / name;
  }
  std::string folder(const std::string& name, unsigned mode) {
    fs::create_directories(folder_ / name);
    fs::permissions(folder_ / name, static_cast<fs::perms>(mode));
    return folder_ / name;
  }

  // "found: text | advice" of each finding of this check.
  std::string said(const std::string& check) const {
    std::string text;
    for (const SecurityFinding& finding : look_at_security(config_, now_)) {
      if (finding.check == check)
        text += finding.found + ": " + finding.text + " | " + finding.advice + "\n";
    }
    return text;
  }

  testing::TemporaryFolder folder_;
  DaemonConfig config_;
  const Time now_ = system_now();
};

TEST_F(SecurityReports, LoopbackWithoutTokensIsForOnePersonsMachine) {
  EXPECT_THAT(said("network"), HasSubstr("ok: 127.0.0.1: this machine alone"));
  EXPECT_THAT(said("tokens"), HasSubstr("warning: none"));
  config_.address = "::1";
  EXPECT_THAT(said("network"), HasSubstr("ok: ::1: this machine alone"));
  for (const SecurityFinding& finding : look_at_security(config_, now_)) {
    EXPECT_NE(finding.found, "wrong") << finding.check << finding.text;
  }
}

TEST_F(SecurityReports, PlainTextBeyondThisMachineIsTold) {
  config_.address = "0.0.0.0";
  config_.plain_beyond_loopback = true;
  EXPECT_THAT(said("network"), HasSubstr("warning: 0.0.0.0"));
  EXPECT_THAT(said("hosts"), HasSubstr("warning"));
  config_.server.hosts = {"lab.example.org"};
  EXPECT_EQ(said("hosts"), "");
  config_.server.proxies = {"10.0.0.2"};
  EXPECT_THAT(said("proxies"), HasSubstr("10.0.0.2"));
}

TEST_F(SecurityReports, TheDaysOfACertificateAndWhoReadsItsKey) {
  config_.certificate_file = folder_ / "certificate.pem";
  config_.key_file = folder_ / "key.pem";
  const auto make = [&](long days) {
    http::write_test_certificate(config_.certificate_file, config_.key_file, -9 * 86'400,
                                 days * 86'400 + 3'600);
  };
  make(90);
  fs::permissions(config_.key_file, fs::perms::owner_read);
  EXPECT_THAT(said("certificate"), HasSubstr("ok: valid until 20"));
  EXPECT_THAT(said("certificate"), HasSubstr(", 90 days |"));
  EXPECT_THAT(said("private key"), HasSubstr("ok: "));
  fs::permissions(config_.key_file, static_cast<fs::perms>(0644));
  EXPECT_THAT(said("private key"), HasSubstr("wrong: "));
  EXPECT_THAT(said("private key"), HasSubstr("can be read by others (mode 0644) | chmod 0600"));
  fs::permissions(config_.key_file, static_cast<fs::perms>(0640));
  EXPECT_THAT(said("private key"), HasSubstr("warning: "));
  make(5);
  EXPECT_THAT(said("certificate"), HasSubstr("warning: "));
  make(-1);
  EXPECT_THAT(said("certificate"), HasSubstr("wrong: "));
  std::ofstream(config_.key_file) << "no key";
  EXPECT_THAT(said("certificate"), HasSubstr("wrong: "));
}

TEST_F(SecurityReports, TokensByScopeAndAge) {
  config_.token_file = folder_ / "tokens";
  TokenFile tokens;
  const auto day = std::chrono::hours(24);
  std::string secrets;
  secrets += tokens.create("robot", {"read", "results"}, {}, now_ - 3 * day).value();
  secrets += tokens.create("old", {"admin"}, {}, now_ - 400 * day).value();
  secrets += tokens.create("soon", {"read"}, now_ + 3 * day, now_ - day).value();
  secrets += tokens.create("gone", {"read"}, now_ - day, now_ - 9 * day).value();
  ASSERT_TRUE(write_token_file(config_.token_file, tokens).ok());
  EXPECT_THAT(said("token file"), HasSubstr("ok: "));
  EXPECT_THAT(said("token robot"), HasSubstr("ok: read, results; 3 days old, never ends"));
  EXPECT_THAT(said("token old"), HasSubstr("warning: admin; 400 days old, never ends"));
  EXPECT_THAT(said("token soon"), HasSubstr("warning: read; 1 days old, ends "));
  EXPECT_THAT(said("token gone"), HasSubstr("warning: read; 9 days old, ended "));
  EXPECT_THAT(said("token gone"), HasSubstr("kasetsu token revoke gone"));
  const std::string all = dump_json(to_json(look_at_security(config_, now_)));
  for (const Token& token : tokens.tokens()) {
    EXPECT_EQ(all.find(token.hash.hex()), std::string::npos);
  }
  fs::permissions(config_.token_file, static_cast<fs::perms>(0644));
  EXPECT_THAT(said("token file"), HasSubstr("wrong: "));
  fs::permissions(config_.token_file, static_cast<fs::perms>(0666));
  EXPECT_THAT(said("token file"), HasSubstr("can be changed by others"));
  EXPECT_THAT(said("tokens"), HasSubstr("wrong: "));
}

TEST_F(SecurityReports, FoldersThatOthersMayReadOrChange) {
  fs::permissions(config_.data_dir, static_cast<fs::perms>(0755));
  file("data/kasetsu.db", 0644);
  EXPECT_THAT(said("data folder"), HasSubstr("wrong: "));
  EXPECT_THAT(said("data folder"), HasSubstr("chmod 0700"));
  EXPECT_THAT(said("database"), HasSubstr("(mode 0644) | chmod 0600"));
  // A link is followed, and told.
  fs::create_directory_symlink(config_.data_dir, folder_ / "link");
  config_.data_dir = folder_ / "link";
  EXPECT_THAT(said("data folder"), HasSubstr("/link lies in "));

  config_.campaign_dir = folder("campaigns", 0777);
  config_.profile_folder = folder("profiles", 0755);
  config_.webhook_secret_dir = folder("keys", 0750);
  config_.element_folder = folder_ / "not there";
  drivers::Settings watched;
  watched.name = "gc";
  watched.kind = "folder";
  watched.folder.path = folder("inbox", 0770);
  drivers::Settings program;
  program.name = "reader";
  program.kind = "exec";
  program.exec.command = {file("reader.py", 0775)};
  config_.drivers = {watched, program};
  EXPECT_THAT(said("folder of campaign files"), HasSubstr("wrong: "));
  EXPECT_THAT(said("folder of profiles"), HasSubstr("ok: "));
  EXPECT_THAT(said("folder of webhook keys"), HasSubstr("warning: "));
  EXPECT_THAT(said("folder of element tables"), HasSubstr("wrong: "));
  EXPECT_THAT(said("driver gc"), HasSubstr("ok: "));
  EXPECT_THAT(said("driver reader, program"), HasSubstr("can be changed by others"));
  EXPECT_THAT(said("driver reader"), HasSubstr("runs with the daemon's rights"));
}

}  // namespace
}  // namespace kasetsu
