#include "drivers/tables/workbook_writer.h"

#include <gtest/gtest.h>

#include <iomanip>
#include <sstream>

#include "core/base/random.h"
#include "drivers/tables/workbook.h"

namespace kasetsu::tables {
namespace {

std::string random_text(Random& random) {
  static const std::vector<std::string> kPieces = {
      "a",  "0",        "=",
      "+",  "-",        "@",
      "<",  ">",        "&",
      "\"", "'",        ",",
      ";",  "\xce\xb3", "\xe9\x85\xb8",
      "_",  "Al2O3",    "<img src=x onerror=alert(1)>"};
  std::string text;
  for (std::uint64_t i = 1 + random.below(6); i > 0; --i)
    text += kPieces[random.below(kPieces.size())];
  return text;
}

TEST(WorkbookWriter, WhatIsWrittenIsReadBack) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    SheetToWrite sheet;
    sheet.name = "results";
    const std::size_t columns = 1 + random.below(40);
    for (std::size_t c = 0; c < columns; ++c) sheet.header.push_back("c" + std::to_string(c));
    sheet.to_fill.assign(columns, false);
    sheet.to_fill.back() = true;
    std::vector<std::vector<std::string>> wanted = {sheet.header};
    for (std::uint64_t r = 1 + random.below(30); r > 0; --r) {
      std::vector<SheetCell> row;
      std::vector<std::string> texts;
      for (std::size_t c = 0; c < columns; ++c) {
        if (random.below(3) == 0) {
          const double value = static_cast<double>(random.below(100'000)) / 8.0;
          row.emplace_back(value);
          std::ostringstream text;
          text << std::setprecision(15) << value;
          texts.push_back(text.str());
        } else {
          texts.push_back(c == 0 || random.below(2) == 0 ? random_text(random) : "");
          row.emplace_back(texts.back());
        }
      }
      sheet.rows.push_back(std::move(row));
      wanted.push_back(std::move(texts));
    }
    const auto bytes = write_workbook({sheet, {"other", {"x"}, {{1.0}}, {}}});
    ASSERT_TRUE(bytes) << bytes.error().to_string();
    EXPECT_TRUE(is_workbook(*bytes));
    EXPECT_EQ(*bytes, write_workbook({sheet, {"other", {"x"}, {{1.0}}, {}}}).value());
    const auto read = read_workbook(*bytes, "sheet.xlsx", "");
    ASSERT_TRUE(read) << read.error().to_string();
    EXPECT_EQ(read->sheet, "results");
    EXPECT_EQ(read->other_sheets, std::vector<std::string>{"other"});
    ASSERT_EQ(read->rows.size(), wanted.size());
    for (std::size_t r = 0; r < wanted.size(); ++r) {
      std::vector<std::string> fields = read->rows[r].fields;
      fields.resize(columns);
      EXPECT_EQ(fields, wanted[r]) << "seed " << seed << ", row " << r;
    }
  }
}

}  // namespace
}  // namespace kasetsu::tables
