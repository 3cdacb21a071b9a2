// The tables of tests/data/tables, as laboratories keep them: at the first try each is read, or
// says which option settles what is open; with that option it is read as its page says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/chemistry/element.h"
#include "drivers/tables/profile_text.h"
#include "drivers/tables/table.h"
#include "tests/paths.h"
#include "tests/shared_data.h"

namespace kasetsu::tables {
namespace {

using Json = nlohmann::json;

struct LaboratoryTable {
  std::string name, bytes;
  Json expected;
};

std::vector<LaboratoryTable> laboratory_tables() {
  std::vector<LaboratoryTable> tables;
  const std::filesystem::path folder = testing::source_file("tests/data/tables");
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const std::string path = entry.path().string();
    LaboratoryTable table;
    table.name = entry.path().stem().string();
    table.expected = Json::parse(testing::read_file(path));
    table.bytes = testing::read_file(path.substr(0, path.size() - 5));
    tables.push_back(std::move(table));
  }
  return tables;
}

const chemistry::SupportTable& supports() {
  static const chemistry::SupportTable table =
      chemistry::SupportTable::from_csv(
          testing::read_file(testing::source_file("config/elements/supports.csv")), "supports.csv")
          .value();
  return table;
}

ReadOptions first_try(const Json& expected) {
  ReadOptions options;
  options.targets = {expected["target"].get<std::string>()};
  return options;
}

ReadOptions told(const Json& expected) {
  ReadOptions options = first_try(expected);
  const Json& more = expected["options"];
  options.encoding = more.value("encoding", "");
  options.sheet = more.value("sheet", "");
  options.fill_down = more.value("fill_down", std::vector<std::string>());
  options.name_amounts = more.value("name_amounts", "");
  if (more.contains("composition")) options.composition = more["composition"].get<std::string>();
  return options;
}

// Shares of the active elements, which are the same in every basis of amounts of substance.
std::map<std::string, double> shares_of(const chemistry::Catalyst& catalyst) {
  std::map<std::string, double> shares;
  for (const auto& part : catalyst.active.parts()) {
    shares[std::string(chemistry::element_symbol(part.element))] =
        part.amount / catalyst.active.total();
  }
  return shares;
}

void expect_row(const TableRow& row, const Json& expected, const std::string& target,
                const std::string& where) {
  EXPECT_EQ(row.line, expected["line"].get<std::size_t>()) << where;
  ASSERT_TRUE(row.problems.empty()) << where << row.problems.front().to_string();
  ASSERT_NE(row.catalyst, nullptr) << where;
  EXPECT_EQ(row.catalyst->catalyst.support, expected["support"].get<std::string>()) << where;
  const auto shares = shares_of(row.catalyst->catalyst);
  EXPECT_EQ(shares.size(), expected["parts"].size()) << where << row.catalyst->key;
  for (const auto& [symbol, share] : expected["parts"].items()) {
    const auto found = shares.find(symbol);
    ASSERT_NE(found, shares.end()) << where << symbol << " in " << row.catalyst->key;
    EXPECT_NEAR(found->second, share.get<double>(), 2e-3) << where << symbol;
  }
  const TableValue* measured = nullptr;
  for (const TableValue& value : row.values) {
    if (value.name == target && !value.censored) measured = &value;
  }
  EXPECT_EQ(measured == nullptr, expected["value"].is_null()) << where;
  if (measured != nullptr && !expected["value"].is_null()) {
    EXPECT_DOUBLE_EQ(measured->value, expected["value"].get<double>()) << where;
  }
}

void expect_rows(const TableRows& table, const LaboratoryTable& wanted) {
  const Json& rows = wanted.expected["rows"];
  ASSERT_EQ(table.rows.size(), rows.size()) << wanted.name;
  const std::string target = wanted.expected["target"];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    expect_row(table.rows[i], rows[i], target,
               wanted.name + ", line " + std::to_string(table.rows[i].line) + ": ");
  }
  const Json limits = wanted.expected.value("limits", Json::object());
  std::size_t found = 0;
  for (const TableRow& row : table.rows) {
    for (const TableValue& value : row.values) {
      if (value.name != target || !value.censored) continue;
      ++found;
      EXPECT_DOUBLE_EQ(value.value, limits.value(std::to_string(row.line), std::nan("")));
    }
  }
  EXPECT_EQ(found, limits.size()) << wanted.name;
}

TEST(LaboratoryTables, AreReadAtTheFirstTryOrSayWhatToWrite) {
  const auto tables = laboratory_tables();
  ASSERT_EQ(tables.size(), 12U);
  for (const LaboratoryTable& wanted : tables) {
    const auto first = read_rows(wanted.bytes, wanted.name, first_try(wanted.expected), supports());
    if (!wanted.expected.contains("first_try_asks_for")) {
      ASSERT_TRUE(first.ok()) << first.error().to_string();
      expect_rows(*first, wanted);
      continue;
    }
    ASSERT_FALSE(first.ok()) << wanted.name;
    EXPECT_THAT(first.error().to_string(),
                ::testing::HasSubstr(wanted.expected["first_try_asks_for"].get<std::string>()));
    const auto second = read_rows(wanted.bytes, wanted.name, told(wanted.expected), supports());
    ASSERT_TRUE(second.ok()) << wanted.name << second.error().to_string();
    expect_rows(*second, wanted);
  }
}

TEST(LaboratoryTables, AreReadAlikeByTheProfileThatIsWrittenFromThem) {
  for (const LaboratoryTable& wanted : laboratory_tables()) {
    const ReadOptions options = told(wanted.expected);
    const auto table = read_rows(wanted.bytes, wanted.name, options, supports());
    ASSERT_TRUE(table.ok()) << table.error().to_string();
    const std::string text = profile_text(*table, options, wanted.name);
    auto profile = parse_profile(text, "lab.toml");
    ASSERT_TRUE(profile.ok()) << profile.error().to_string() << text;
    ReadOptions by_profile;
    by_profile.profile = std::make_shared<const Profile>(std::move(*profile));
    by_profile.sheet = options.sheet;
    const auto again = read_rows(wanted.bytes, wanted.name, by_profile, supports());
    ASSERT_TRUE(again.ok()) << wanted.name << again.error().to_string() << text;
    expect_rows(*again, wanted);
    ASSERT_EQ(again->rows.size(), table->rows.size());
    for (std::size_t i = 0; i < table->rows.size(); ++i) {
      EXPECT_EQ(again->rows[i].catalyst->key, table->rows[i].catalyst->key) << wanted.name;
    }
  }
}

// For people: every column with what it is, whatever is wrong with others.
TEST(LaboratoryTables, CanBeLookedAtWhateverIsWrongWithThem) {
  for (const LaboratoryTable& wanted : laboratory_tables()) {
    ReadOptions options = told(wanted.expected);
    options.targets = {"no such column"};
    options.look = true;
    const auto table = read_rows(wanted.bytes, wanted.name, options, supports());
    ASSERT_TRUE(table.ok()) << wanted.name << table.error().to_string();
    ASSERT_FALSE(table->problems.empty()) << wanted.name;
    EXPECT_THAT(table->problems.front().message, ::testing::HasSubstr("no such target"));
    EXPECT_GE(table->columns.size(), 5U);
    for (const ColumnReport& column : table->columns) {
      EXPECT_EQ(column.examples.empty(), column.filled == 0) << wanted.name << column.header;
    }
  }
}

}  // namespace
}  // namespace kasetsu::tables
