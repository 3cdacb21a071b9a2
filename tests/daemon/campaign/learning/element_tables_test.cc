#include "daemon/campaign/learning/element_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/shared_data.h"

namespace kasetsu::campaign {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ElementTables : public ::testing::Test {
 protected:
  ElementTables()
      : folder_((std::filesystem::temp_directory_path() /
                 ("kasetsu-elements-" + std::to_string(::getpid())))
                    .string()) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ + "/mine.csv")
        << testing::read_file(testing::source_file("config/elements/general.csv"));
    std::ofstream(folder_ + "/notes.csv") << "root:x:0:0:secret\n";
  }
  ~ElementTables() override { std::filesystem::remove_all(folder_); }

  std::string refusal(const std::string& name) const {
    CampaignConfig config;
    config.elements = name;
    const Status fine = check_element_table(folder_, config);
    return fine ? "" : fine.error().to_string();
  }

  std::string folder_;
};

TEST_F(ElementTables, ACampaignNamesTablesOfTheOperatorsFolderOnly) {
  EXPECT_EQ(refusal("general"), "");
  EXPECT_EQ(refusal("mine"), "");
  EXPECT_EQ(refusal("mine.csv"), "");
  EXPECT_TRUE(read_element_table(folder_, "mine.csv").ok());
  for (const char* path :
       {"/etc/shadow", "/proc/self/fd/3", "/dev/zero", "../mine.csv", "./mine"}) {
    EXPECT_THAT(refusal(path), HasSubstr("not a path")) << path;
    EXPECT_FALSE(read_element_table(folder_, path).ok()) << path;
  }
  EXPECT_THAT(refusal("other"), HasSubstr("general, mine or notes"));
}

TEST_F(ElementTables, WhatAFileHoldsIsNotQuoted) {
  const auto table = read_element_table(folder_, "notes");
  ASSERT_FALSE(table.ok());
  EXPECT_THAT(table.error().to_string(), Not(HasSubstr("root")));
  EXPECT_THAT(table.error().to_string(), HasSubstr("no element table"));
}

}  // namespace
}  // namespace kasetsu::campaign
