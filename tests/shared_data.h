// Where the real tables and oracles lie: in the shared folder, or, those that are small and whose
// licence allows it, in tests/data. A test that needs another one fails where it is missing in CI
// (CI=true) and is skipped with a message elsewhere.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/paths.h"

namespace kasetsu::testing {

inline std::string shared_data(const std::string& relative) {
  const std::string whole = shared_data_dir() + "/" + relative;
  return std::filesystem::exists(whole) ? whole : source_dir() + "/tests/data/" + relative;
}

inline std::string source_file(const std::string& relative) {
  return kasetsu::testing::source_dir() + "/" + relative;
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << "cannot read " << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace kasetsu::testing

#define KASETSU_NEEDS_SHARED_DATA(relative)                                                 \
  do {                                                                                      \
    if (!std::filesystem::exists(::kasetsu::testing::shared_data(relative))) {              \
      const char* ci = std::getenv("CI");                                                   \
      if (ci != nullptr && std::string(ci) == "true") {                                     \
        FAIL() << "missing in CI: " << ::kasetsu::testing::shared_data(relative);           \
      }                                                                                     \
      GTEST_SKIP() << "not on this machine: " << ::kasetsu::testing::shared_data(relative); \
    }                                                                                       \
  } while (false)
