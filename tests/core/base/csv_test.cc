#include "core/base/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/random.h"

namespace kasetsu {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<CsvRecord> read(std::string_view text, const CsvOptions& options = {}) {
  Result<std::vector<CsvRecord>> records = read_csv(text, "t.csv", options);
  EXPECT_TRUE(records.ok()) << (records.ok() ? "" : records.error().to_string());
  return records.ok() ? *records : std::vector<CsvRecord>{};
}

std::string error_of(std::string_view text, const CsvOptions& options = {}) {
  const Result<std::vector<CsvRecord>> records = read_csv(text, "t.csv", options);
  EXPECT_FALSE(records.ok()) << text;
  return records.ok() ? "" : records.error().to_string();
}

TEST(Csv, ReadsPlainRows) {
  const auto records = read("a,b\n1,2\n");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(records[0].fields, ElementsAre("a", "b"));
  EXPECT_THAT(records[1].fields, ElementsAre("1", "2"));
  EXPECT_EQ(records[1].line, 2U);
}

TEST(Csv, SkipsTheByteOrderMarkAndReadsCrlfAndAMissingLastLineEnd) {
  const auto records = read("\xEF\xBB\xBFsymbol,x\r\nLi,1\r\nNa,2");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_THAT(records[0].fields, ElementsAre("symbol", "x"));
  EXPECT_THAT(records[2].fields, ElementsAre("Na", "2"));
}

TEST(Csv, QuotedCellsHoldDelimitersQuotesAndLineEndsAndLinesStayPhysical) {
  const auto records = read("a,\"b,\"\"c\"\"\nd\r\ne\"\n\n1,\n");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(records[0].fields, ElementsAre("a", "b,\"c\"\nd\r\ne"));
  EXPECT_THAT(records[1].fields, ElementsAre("1", ""));
  EXPECT_EQ(records[1].line, 5U);
}

TEST(Csv, KeepsSpacesAndEmptyCellsAndRaggedRows) {
  const auto records = read(" a , b\n,\nx\n\"\"\n");
  ASSERT_EQ(records.size(), 4U);
  EXPECT_THAT(records[0].fields, ElementsAre(" a ", " b"));
  EXPECT_THAT(records[1].fields, ElementsAre("", ""));
  EXPECT_THAT(records[2].fields, ElementsAre("x"));
  EXPECT_THAT(records[3].fields, ElementsAre(""));
}

TEST(Csv, TakesOtherDelimiters) {
  CsvOptions options;
  options.delimiter = ';';
  EXPECT_THAT(read("a;1,5\n", options)[0].fields, ElementsAre("a", "1,5"));
  options.delimiter = '"';
  EXPECT_FALSE(read_csv("a", "t.csv", options).ok());
}

TEST(Csv, EmptyTextHasNoRecords) {
  EXPECT_TRUE(read("").empty());
  EXPECT_TRUE(read("\n\r\n\n").empty());
}

TEST(Csv, RefusesWhatRfc4180DoesNotHaveAndNamesTheLine) {
  EXPECT_THAT(error_of("a\nb\"c\n"), HasSubstr("t.csv:2: "));
  EXPECT_THAT(error_of("a\n\"b\"c\n"), HasSubstr("t.csv:2: text after a closing quote"));
  EXPECT_THAT(error_of("a\n\n\"b\nc\nd"), HasSubstr("t.csv:3: a quote is opened and never closed"));
  EXPECT_THAT(error_of("a\rb\n"), HasSubstr("carriage return"));
  EXPECT_THAT(error_of(std::string_view("ab\0c\n", 5)), HasSubstr("NUL"));
  EXPECT_THAT(error_of(std::string_view("a\0,\0", 4)), HasSubstr("UTF-16"));
  EXPECT_THAT(error_of("\xFF\xFEz"), HasSubstr("UTF-16"));
}

TEST(Csv, HoldsToItsLimits) {
  CsvOptions options;
  options.max_bytes = 10;
  EXPECT_THAT(error_of("a,b\n1,2\n3,4\n", options), HasSubstr("at most 10 bytes"));
  options = {};
  options.max_records = 2;
  EXPECT_THAT(error_of("a\nb\nc\n", options), HasSubstr("t.csv:3: the table has too many rows"));
  options = {};
  options.max_fields = 2;
  EXPECT_THAT(error_of("a,b,c\n", options), HasSubstr("too many cells"));
  options = {};
  options.max_field_bytes = 3;
  EXPECT_THAT(error_of("abcd\n", options), HasSubstr("too long"));
  EXPECT_THAT(error_of("\"abcd\"\n", options), HasSubstr("too long"));
  EXPECT_EQ(read("abc,\"def\"\n", options).size(), 1U);
}

TEST(Csv, PlacesNameColumnsByNameOrNumber) {
  EXPECT_EQ(csv_place("t.csv", 7, "M2", 2), "t.csv:7: column \"M2\"");
  EXPECT_EQ(csv_place("t.csv", 7, "", 2), "t.csv:7: column 3");
  std::string recorded;  // of 27 characters, the last of which lies over the 80th byte
  for (int i = 0; i < 27; ++i) recorded += "\u9332";
  EXPECT_EQ(csv_place("t.csv", 7, recorded, 2),
            "t.csv:7: column \"" + recorded.substr(0, 78) + "\"");
  EXPECT_EQ(csv_place("t.csv", 7, "a\nb", 0), "t.csv:7: column \"a b\"");
}

TEST(Csv, WhatIsWrittenIsReadBack) {
  Random random(11);
  constexpr std::string_view kAlphabet = "ab,;\"\n\r\t \xC3\xA9'=-";
  for (int round = 0; round < 2000; ++round) {
    const char delimiter = random.below(2) == 0 ? ',' : ';';
    std::vector<std::vector<std::string>> rows(1 + random.below(4));
    std::string text;
    for (auto& row : rows) {
      row.resize(2 + random.below(3));
      for (std::size_t j = 0; j < row.size(); ++j) {
        for (std::size_t n = random.below(6); n > 0; --n)
          row[j] += kAlphabet[random.below(kAlphabet.size())];
        if (j > 0) text += delimiter;
        text += csv_cell(row[j], delimiter);
      }
      text += random.below(2) == 0 ? "\n" : "\r\n";
    }
    CsvOptions options;
    options.delimiter = delimiter;
    const auto records = read(text, options);
    ASSERT_EQ(records.size(), rows.size()) << text;
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(records[i].fields, rows[i]) << text;
  }
}

TEST(Csv, ASpreadsheetRunsNoCellAndTheTextComesBack) {
  for (const std::string text :
       {"=1+1", "=cmd|' /C calc'!A0", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "-/MgO", "'=1", "''-x",
        "\xEF\xBC\x9D"
        "1",
        "\n=1"}) {
    const std::string cell = csv_cell(text);
    EXPECT_TRUE(cell.starts_with('\'') || cell.starts_with("\"'")) << cell;
    EXPECT_EQ(read("a,b\n" + cell + ",x\n")[1].fields[0], text);
    std::string elsewhere = "'" + text;
    take_off_apostrophe(elsewhere);
    EXPECT_EQ(elsewhere, text);
  }
  for (const std::string text : {"-5", "+0.5", "-1e-3", "'quoted", "MgO", "'-5"})
    EXPECT_EQ(csv_cell(text), text) << "no formula";
  std::string label = "'quoted";
  take_off_apostrophe(label);
  EXPECT_EQ(label, "'quoted");
}

TEST(Csv, NothingThatCutsAtSemicolonsSplitsACell) {
  EXPECT_EQ(csv_cell("Li:1;Na:2/MgO"), "\"Li:1;Na:2/MgO\"");
  EXPECT_EQ(csv_cell("=1;=2"), "\"'=1;=2\"");
}

TEST(Csv, AnyBytesGiveRecordsOrAnError) {
  Random random(13);
  constexpr std::string_view kAlphabet = "a,\"\n\r";
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::size_t n = random.below(12); n > 0; --n)
      text += kAlphabet[random.below(kAlphabet.size())];
    const Result<std::vector<CsvRecord>> records = read_csv(text, "t.csv");
    if (!records.ok()) {
      EXPECT_EQ(records.error().code, ErrorCode::bad_data);
      EXPECT_THAT(records.error().where, HasSubstr("t.csv:"));
      continue;
    }
    for (const CsvRecord& record : *records) EXPECT_FALSE(record.fields.empty());
  }
}

}  // namespace
}  // namespace kasetsu
