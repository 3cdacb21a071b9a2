#include "drivers/folder/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/base/digest.h"
#include "tests/drivers/supervisor/driver_fixture.h"

namespace kasetsu::drivers {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uid_t kNobody = 65'534;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class FolderTest : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    apply_campaign_file("ocm");
    settings_.name = "door";
    settings_.kind = "folder";
    settings_.campaign = "ocm";
    settings_.source = "rig";
    settings_.run = "run-1";
    settings_.folder.path = folder_ / "watched";
    settings_.folder.settle_s = 0.05;
    settings_.folder.scan_s = 0.05;
    for (const char* name : {"inbox", "work", "done", "quarantine"}) {
      fs::create_directories(settings_.folder.path + "/" + name);
    }
  }
  void TearDown() override { end(); }

  std::string inbox(const std::string& name) const {
    return settings_.folder.path + "/inbox/" + name;
  }
  std::string aside(const std::string& name) const {
    return settings_.folder.path + "/quarantine/" + name;
  }

  // As the supervisor does it: a driver that fails is made anew.
  void begin() {
    thread_ = std::jthread([this](std::stop_token stop) {
      while (!stop.stop_requested()) {
        last_ = make_folder_driver(settings_, host(settings_), counters_)->run(stop);
        if (!last_) pause(stop, 0.02);
      }
    });
  }
  void end() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

  static std::string table(const std::string& sample, double value) {
    return "M1,M2,Support,sample,C2_yield (%)\nLi,Na,MgO," + sample + "," + std::to_string(value) +
           "\n";
  }

  Settings settings_;
  Counters counters_;
  Status last_;
  std::jthread thread_;
};

TEST_F(FolderTest, AChecksumThatIsStillBeingWrittenIsWaitedFor) {
  const std::string text = table("A", 5.0);
  write_file(inbox("a.csv"), text);
  write_file(inbox("a.csv.sha256"), "");
  begin();
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_TRUE(fs::exists(inbox("a.csv"))) << "it is not known yet what its sum is";
  EXPECT_FALSE(fs::exists(aside("a.csv")));
  write_file(inbox("a.csv.sha256"), sha256(text).hex() + "  a.csv\n");
  wait_until([&] { return counters_.accepted == 1; }, "the file that was told complete");
  write_file(inbox("b.csv"), table("B", 6.0));
  write_file(inbox("b.csv.sha256"), sha256(text).hex() + "  b.csv\n");
  wait_until([&] { return fs::exists(aside("b.csv.reason.json")); }, "the wrong one is put aside");
  EXPECT_THAT(file_text(aside("b.csv.reason.json")), HasSubstr("checksum"));
}

TEST_F(FolderTest, AChecksumThatNeverComesIsNamed) {
  settings_.folder.stale_s = 0.1;
  write_file(inbox("a.csv"), table("A", 5.0));
  write_file(inbox("a.csv.sha256"), "");
  begin();
  wait_until([&] { return fs::exists(aside("a.csv.reason.json")); }, "put aside");
  EXPECT_THAT(file_text(aside("a.csv.reason.json")), HasSubstr("a.csv.sha256"));
}

TEST_F(FolderTest, AFileThatMayNotBeReadStopsNoOther) {
  write_file(inbox("a.csv"), table("A", 5.0));
  ASSERT_EQ(::chmod(inbox("a.csv").c_str(), 0), 0);
  write_file(inbox("b.csv"), table("B", 6.0));
  const bool root = ::geteuid() == 0;  // who may read everything
  if (root) {
    fs::permissions(fs::path(settings_.folder.path).parent_path(), fs::perms::all);
    fs::create_directories(folder_ / settings_.name);
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "")) {
      ASSERT_EQ(::chown(entry.path().c_str(), kNobody, kNobody), 0);
    }
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  begin();
  wait_until([&] { return counters_.accepted == 1; }, "the other file");
  wait_until([&] { return fs::exists(aside("a.csv.reason.json")); }, "the unreadable one aside");
  end();
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_THAT(file_text(aside("a.csv.reason.json")), HasSubstr("may not read"));
  EXPECT_TRUE(last_.ok()) << last_.error().to_string();
}

TEST_F(FolderTest, GrowingFilesThatBeginAlikeAreKeptApart) {
  // The header alone is longer than what a file is known by.
  std::string header = "M1,M2,Support,sample,C2_yield (%)";
  for (int i = 0; header.size() < 400; ++i) header += ",signal of detector " + std::to_string(i);
  const std::string rest(
      static_cast<std::size_t>(std::count(header.begin(), header.end(), ',')) - 4, ',');
  const auto row = [&](const char* element, int number) {
    return std::string(element) + ",Na,MgO,S" + std::to_string(number) + "," +
           std::to_string(number) + rest + "\n";
  };
  settings_.folder.tail = {"gc-*.csv"};
  write_file(inbox("gc-1.csv"), header + "\n" + row("Li", 1));
  write_file(inbox("gc-2.csv"), header + "\n" + row("Mn", 2));
  begin();
  wait_until([&] { return counters_.accepted == 2; }, "a row of each file");
  std::ofstream(inbox("gc-1.csv"), std::ios::app) << row("Li", 3);
  std::ofstream(inbox("gc-2.csv"), std::ios::app) << row("Mn", 4);
  wait_until([&] { return counters_.accepted == 4; }, "one more of each");
  EXPECT_EQ(counters_.dropped, 0);
}

}  // namespace
}  // namespace kasetsu::drivers
