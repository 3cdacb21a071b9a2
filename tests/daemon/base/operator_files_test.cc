#include "daemon/base/operator_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kasetsu {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class OperatorFiles : public ::testing::Test {
 protected:
  OperatorFiles()
      : top_(std::filesystem::temp_directory_path() /
             ("kasetsu-operator-files-" + std::to_string(::getpid()))),
        folder_((top_ / "open").string()) {
    std::filesystem::create_directories(folder_);
    std::ofstream(top_ / "secret.csv") << "a secret\n";
    std::ofstream(folder_ + "/mine.csv") << "a table\n";
    std::filesystem::create_symlink(top_ / "secret.csv", folder_ + "/link.csv");
    std::filesystem::create_directory(folder_ + "/folder.csv");
    EXPECT_EQ(::mkfifo((folder_ + "/pipe.csv").c_str(), 0600), 0);
    std::ofstream(folder_ + "/large.csv") << std::string(1'001, 'x');
  }
  ~OperatorFiles() override { std::filesystem::remove_all(top_); }

  std::string read(std::string_view name) const {
    const auto text = read_operator_file(folder_, name, ".csv", 1'000);
    return text ? *text : text.error().to_string();
  }

  std::filesystem::path top_;
  std::string folder_;
};

TEST_F(OperatorFiles, APlainNameIsOneRegularFileOfTheFolder) {
  EXPECT_EQ(read("mine"), "a table\n");
  EXPECT_THAT(operator_file_names(folder_, ".csv"), ElementsAre("large", "mine"));
  EXPECT_TRUE(operator_file_names("", ".csv").empty());
}

TEST_F(OperatorFiles, NothingElseIsReadOrWaitedForAndNothingIsQuoted) {
  for (const char* name : {"link", "pipe", "folder", "large", "none", "../secret", "/etc/passwd",
                           "", ".", "..", ".mine", "mine.csv/../mine", "a\nb"}) {
    const auto text = read_operator_file(folder_, name, ".csv", 1'000);
    ASSERT_FALSE(text.ok()) << name;
    EXPECT_THAT(text.error().to_string(), Not(HasSubstr("secret\n"))) << name;
    EXPECT_THAT(text.error().to_string(), Not(HasSubstr(folder_))) << name;
  }
  EXPECT_THAT(read("link"), HasSubstr("a link"));
  EXPECT_THAT(read("pipe"), HasSubstr("not a regular file"));
  EXPECT_THAT(read("large"), HasSubstr("larger than 1000 bytes"));
  EXPECT_FALSE(read_operator_file("/dev", "zero", "", 1'000).ok());
  EXPECT_FALSE(read_operator_file("", "mine", ".csv", 1'000).ok());
}

}  // namespace
}  // namespace kasetsu
