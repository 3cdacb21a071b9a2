// docs/names.md promises what is read and refused: its tables are read and tried.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/chemistry/told_catalyst.h"
#include "tests/shared_data.h"

namespace kasetsu::chemistry {
namespace {

// The texts in backticks of each row of a table whose header begins with `first`, under `heading`.
std::vector<std::vector<std::string>> rows_of(const std::string& heading,
                                              const std::string& first) {
  std::istringstream page(testing::read_file(testing::source_file("docs/names.md")));
  std::vector<std::vector<std::string>> rows;
  bool under = false, inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) under = line == "## " + heading;
    if (!line.starts_with('|')) inside = false;
    if (under && line.starts_with("| " + first + " |")) inside = true;
    if (!inside) continue;
    std::vector<std::string> texts;
    for (std::size_t at = line.find('`'); at != std::string::npos; at = line.find('`', at + 1)) {
      const std::size_t end = line.find('`', at + 1);
      texts.push_back(line.substr(at + 1, end - at - 1));
      at = end;
    }
    if (texts.size() >= 2) rows.push_back(texts);
  }
  EXPECT_GT(rows.size(), 4U) << heading << ": " << first;
  return rows;
}

SupportTable supports() {
  return SupportTable::from_csv(
             testing::read_file(testing::source_file("config/elements/supports.csv")),
             "supports.csv")
      .value();
}

TEST(NamesPage, FormulasAreReadAsItSays) {
  for (const auto& row : rows_of("Formulas", "formula")) {
    const auto formula = parse_formula(row[0]);
    ASSERT_TRUE(formula.ok()) << row[0] << ": " << formula.error().to_string();
    EXPECT_EQ(to_formula(*formula), row[1]) << row[0];
  }
}

TEST(NamesPage, FormulasAreRefusedAsItSays) {
  for (const auto& row : rows_of("Formulas", "refused")) {
    EXPECT_FALSE(parse_formula(row[0]).ok()) << row[0];
    EXPECT_TRUE(parse_formula(row[1]).ok() || parse_catalyst_name(row[1], supports()).ok())
        << row[1];
  }
}

TEST(NamesPage, NamesAreReadAsItSays) {
  for (const auto& row : rows_of("Names of catalysts", "name")) {
    const auto catalyst = parse_catalyst_name(row[0], supports());
    ASSERT_TRUE(catalyst.ok()) << row[0] << ": " << catalyst.error().to_string();
    EXPECT_EQ(canonical_key(*catalyst), row[1]) << row[0];
  }
}

TEST(NamesPage, NamesAreRefusedAsItSays) {
  for (const auto& row : rows_of("Names of catalysts", "refused")) {
    EXPECT_FALSE(parse_catalyst_name(row[0], supports()).ok()) << row[0];
    EXPECT_TRUE(parse_catalyst_name(row[1], supports()).ok()) << row[1];
  }
}

}  // namespace
}  // namespace kasetsu::chemistry
