// Tables of a few lines, read as `kasetsu fit` reads them: the target is "y".
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/chemistry/catalyst.h"
#include "drivers/tables/table.h"

namespace kasetsu::tables {

inline Result<Table> read(std::string_view text, ReadOptions options = {}) {
  if (options.targets.empty()) options.targets = {"y"};
  return read_table(text, "lab.csv", options, chemistry::SupportTable());
}

// What is said of a table that must not be read.
inline std::string refusal(std::string_view text, const ReadOptions& options = {}) {
  const auto table = read(text, options);
  EXPECT_FALSE(table.ok()) << text;
  return table.ok() ? "" : table.error().to_string();
}

// Of the catalysts of a table that must be read.
inline std::vector<std::string> keys(std::string_view text, const ReadOptions& options = {}) {
  const auto table = read(text, options);
  EXPECT_TRUE(table.ok()) << text << "\n" << (table.ok() ? "" : table.error().to_string());
  std::vector<std::string> keys;
  if (!table.ok()) return keys;
  for (const auto& catalyst : table->catalysts) keys.push_back(chemistry::canonical_key(catalyst));
  return keys;
}

}  // namespace kasetsu::tables
