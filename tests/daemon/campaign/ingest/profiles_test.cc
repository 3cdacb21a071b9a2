#include "daemon/campaign/ingest/profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kasetsu {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kGood =
    "[[columns]]\nheader = \"Catalyst\"\nas = \"catalyst\"\n"
    "[[columns]]\nheader = \"y\"\nas = \"value\"\nname = \"y\"\n";

class Profiles : public ::testing::Test {
 protected:
  Profiles()
      : top_(std::filesystem::temp_directory_path() /
             ("kasetsu-profiles-" + std::to_string(::getpid()))),
        folder_((top_ / "open").string()) {
    std::filesystem::create_directories(folder_);
    write("good.toml", kGood);
    write("bad.toml", "secret-word = \n");
    write("large.toml", std::string((std::size_t{4} << 20) + 1, '#'));
    std::ofstream(top_ / "secret.toml") << kGood;
    std::filesystem::create_symlink(top_ / "secret.toml", folder_ + "/link.toml");
    std::filesystem::create_directory(folder_ + "/folder.toml");
    EXPECT_EQ(::mkfifo((folder_ + "/pipe.toml").c_str(), 0600), 0);
  }
  ~Profiles() override { std::filesystem::remove_all(top_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }

  std::filesystem::path top_;
  std::string folder_;
};

TEST_F(Profiles, ByNameComeFromTheLaboratorysFolderAndThenFromTheProgram) {
  const auto mine = find_profile("good", folder_);
  ASSERT_TRUE(mine.ok()) << mine.error().to_string();
  EXPECT_EQ((*mine)->name, "good");
  EXPECT_EQ((*mine)->version.size(), 12U);
  EXPECT_TRUE(find_profile("ocm_hte", folder_).ok());
}

TEST_F(Profiles, ByNameReadNothingButRegularFilesOfTheFolderAndQuoteNothing) {
  for (const char* name : {"link", "pipe", "folder", "large", "bad", "../secret", "/etc/passwd", "",
                           ".", "..", "good.toml/../good"}) {
    const auto found = find_profile(name, folder_);
    ASSERT_FALSE(found.ok()) << name;
    const std::string told = found.error().to_string();
    EXPECT_THAT(told, Not(HasSubstr("secret-word"))) << name;
    EXPECT_THAT(told, Not(HasSubstr(folder_))) << name;
  }
  EXPECT_EQ(find_profile("bad", folder_).error().code, ErrorCode::bad_data);
  EXPECT_EQ(find_profile("large", folder_).error().code, ErrorCode::bad_data);
}

TEST_F(Profiles, TheListHoldsOnlyWhatCanBeRead) {
  const std::string listed = find_profile("none", folder_).error().expected;
  EXPECT_THAT(listed, HasSubstr("good"));
  EXPECT_THAT(listed, HasSubstr("ocm_hte"));
  for (const char* name : {"link", "pipe", "folder"}) EXPECT_THAT(listed, Not(HasSubstr(name)));
}

}  // namespace
}  // namespace kasetsu
