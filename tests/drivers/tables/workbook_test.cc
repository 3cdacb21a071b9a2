#include "drivers/tables/workbook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <string>
#include <utility>
#include <vector>

#include "drivers/tables/sheet.h"

namespace kasetsu::tables {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string packed(const std::vector<std::pair<std::string, std::string>>& parts) {
  zip_source_t* const archive = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_t* const zip = zip_open_from_source(archive, ZIP_TRUNCATE, nullptr);
  zip_source_keep(archive);
  for (const auto& [name, text] : parts) {
    zip_source_t* const part = zip_source_buffer(zip, text.data(), text.size(), 0);
    EXPECT_GE(zip_file_add(zip, name.c_str(), part, ZIP_FL_ENC_UTF_8), 0);
  }
  EXPECT_EQ(zip_close(zip), 0);
  zip_stat_t size;
  zip_source_stat(archive, &size);
  std::string bytes(size.size, '\0');
  zip_source_open(archive);
  EXPECT_EQ(zip_source_read(archive, bytes.data(), bytes.size()),
            static_cast<zip_int64_t>(bytes.size()));
  zip_source_close(archive);
  zip_source_free(archive);
  return bytes;
}

// A workbook of one sheet. `rest`: what follows the rows, such as <mergeCells>.
std::string workbook(const std::string& rows, const std::string& rest = "",
                     const std::string& texts = "", const std::string& properties = "") {
  return packed(
      {{"xl/workbook.xml", "<workbook>" + properties +
                               "<sheets><sheet name=\"runs\" r:id=\"rId1\"/></sheets></workbook>"},
       {"xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/>"
        "</Relationships>"},
       {"xl/styles.xml",
        "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs>"
        "</styleSheet>"},
       {"xl/sharedStrings.xml", "<sst>" + texts + "</sst>"},
       {"xl/worksheets/sheet1.xml",
        "<worksheet><sheetData>" + rows + "</sheetData>" + rest + "</worksheet>"}});
}

std::string refusal(const std::string& bytes) {
  const auto read = read_workbook(bytes, "lab.xlsx", "");
  EXPECT_FALSE(read.ok());
  if (read.ok()) return "";
  EXPECT_EQ(read.error().code, ErrorCode::bad_data);
  return read.error().to_string();
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  all.reserve(text.size() * static_cast<std::size_t>(times));
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// One column with this header and number format.
std::vector<std::string> shown(const std::string& header, const std::string& code,
                               const std::vector<std::string>& numbers) {
  std::string rows =
      "<row><c t=\"inlineStr\"><is><t>Catalyst</t></is></c><c t=\"inlineStr\"><is><t>" + header +
      "</t></is></c></row>";
  for (const std::string& number : numbers) {
    rows += "<row><c t=\"inlineStr\"><is><t>Ni/MgO</t></is></c><c s=\"1\"><v>" + number +
            "</v></c></row>";
  }
  const std::string bytes = packed(
      {{"xl/workbook.xml",
        "<workbook><sheets><sheet name=\"runs\" r:id=\"rId1\"/></sheets></workbook>"},
       {"xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/>"
        "</Relationships>"},
       {"xl/styles.xml",
        "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode='" + code +
            "'/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/></cellXfs>"
            "</styleSheet>"},
       {"xl/worksheets/sheet1.xml", "<worksheet><sheetData>" + rows + "</sheetData></worksheet>"}});
  const auto sheet = read_sheet(bytes, "lab.xlsx", {});
  EXPECT_TRUE(sheet.ok());
  std::vector<std::string> cells;
  if (!sheet.ok()) return cells;
  for (const CsvRecord& row : sheet->rows) cells.push_back(row.fields[1]);
  cells.push_back(sheet->units.size() > 1 ? sheet->units[1] : "");
  return cells;
}

TEST(Workbook, WhatANumberFormatShowsIsAPartOfTheCell) {
  // The unit of the header, another one, one where the header tells none, and no unit.
  EXPECT_THAT(shown("T (K)", "0.00\" K\"", {"673.15", "700"}), ElementsAre("673.15", "700", ""));
  EXPECT_THAT(shown("T (\u00B0C)", "0.00\" K\"", {"673.15"}), ElementsAre("673.15 K", ""));
  EXPECT_THAT(shown("conv (%)", "0.0\\ \\p\\p\\m", {"12"}), ElementsAre("12 ppm", ""));
  EXPECT_THAT(shown("T", "General\" K\"", {"673.15", "700"}), ElementsAre("673.15", "700", "K"));
  EXPECT_THAT(shown("conv", "0\" a.u.\"", {"12"}), ElementsAre("12 a.u.", ""));
  // Limits, some numbers only, and numbers that are not shown.
  EXPECT_THAT(shown("conv", "\"&lt;\"0.0", {"12"}), ElementsAre("<12", ""));
  EXPECT_THAT(shown("conv", "[&lt;0.1]\"&lt;0.1\";0.0", {"0.05", "3"}),
              ElementsAre("<0.1", "3", ""));
  EXPECT_THAT(shown("conv", "0;-0;\"n.d.\"", {"3", "0", "-2"}), ElementsAre("3", "n.d.", "-2", ""));
  // What changes nothing: colours, signs, brackets of negative numbers, places.
  for (const char* code : {"#,##0.00", "[Red]0.0;(0.0)", "+0.0;-0.0", "0.00E+00", "_-* #,##0_-",
                           "[$-409]0.0", "0.0_);\\(0.0\\)"}) {
    EXPECT_THAT(shown("conv", code, {"12", "-3"}), ElementsAre("12", "-3", "")) << code;
  }
}

TEST(Workbook, ARaisedDigitBehindANumberIsNoneOfIt) {
  const std::string run =
      "<r><t>%</t></r><r><rPr><vertAlign val=\"superscript\"/></rPr><t>1</t></r>";
  const auto cell = [&](const std::string& text) {
    std::string runs = run;
    runs.replace(runs.find('%'), 1, text);
    const auto read = read_workbook(
        workbook("<row><c t=\"s\"><v>0</v></c></row>", "", "<si>" + runs + "</si>"), "a.xlsx", "");
    EXPECT_TRUE(read.ok());
    return read.ok() ? read->rows.front().fields.front() : "";
  };
  EXPECT_EQ(cell("12"), "12\u00B9");
  EXPECT_EQ(cell("mmol g-"), "mmol g-1");
}

const std::string kLongText = "<si><t>" + std::string(60'000, 'x') + "</t></si>";

TEST(Workbook, CellsAreCountedWhileTheyAreRead) {
  // Rows of one cell in the thousandth column are a thousand cells each.
  EXPECT_THAT(refusal(workbook(repeated("<row><c r=\"ALL\"><v>1</v></c></row>", 4'000))),
              HasSubstr("too many cells"));
}

TEST(Workbook, TextsAreCountedInEveryCell) {
  EXPECT_THAT(
      refusal(workbook(repeated("<row><c t=\"s\"><v>0</v></c></row>", 5'000), "", kLongText)),
      HasSubstr("too much text"));
  EXPECT_THAT(
      refusal(workbook(
          "<row><c t=\"s\"><v>0</v></c></row>" + repeated("<row><c><v>1</v></c></row>", 5'000),
          "<mergeCells><mergeCell ref=\"A1:A9999\"/></mergeCells>", kLongText)),
      HasSubstr("too much text"));
}

TEST(Workbook, RangesThatOverlapAreCounted) {
  const std::string rows = repeated("<row><c><v>1</v></c></row>", 4'000);
  EXPECT_THAT(
      refusal(workbook(rows, "<mergeCells>" + repeated("<mergeCell ref=\"A1:A4000\"/>", 1'000) +
                                 "</mergeCells>")),
      HasSubstr("too many cells"));
}

TEST(Workbook, RowsGoFromTopToBottom) {
  for (const char* second : {"2", "1", "0", "x", ""}) {
    EXPECT_THAT(refusal(workbook("<row r=\"2\"><c><v>1</v></c></row><row r=\"" +
                                 std::string(second) + "\"><c><v>2</v></c></row>")),
                HasSubstr("from top to bottom"))
        << second;
  }
  const auto read =
      read_workbook(workbook("<row r=\"3\"><c><v>1</v></c></row><row><c><v>2</v></c></row><row "
                             "r=\"9\"><c><v>3</v></c></row>"),
                    "lab.xlsx", "");
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  ASSERT_EQ(read->rows.size(), 3U);
  EXPECT_EQ(read->rows[1].line, 4U) << "a row that tells no number is the next one";
  EXPECT_EQ(read->rows[2].line, 9U);
}

TEST(Workbook, MergedCellsStandInTheirRows) {
  const std::string rows =
      "<row r=\"1\"><c t=\"inlineStr\"><is><t>catalyst</t></is></c><c><v>1</v></c></row>"
      "<row r=\"2\"><c t=\"inlineStr\"><is><t>Ni/MgO</t></is></c><c><v>2</v></c></row>"
      "<row r=\"3\"><c/><c><v>3</v></c></row><row r=\"5\"><c/><c><v>5</v></c></row>"
      "<row r=\"6\"><c/><c><v>6</v></c></row>";
  const auto first_column = [&](const std::string& range) {
    const auto read =
        read_workbook(workbook(rows, "<mergeCells><mergeCell ref=\"" + range + "\"/></mergeCells>"),
                      "lab.xlsx", "");
    EXPECT_TRUE(read.ok()) << read.error().to_string();
    std::vector<std::string> texts;
    if (!read) return texts;
    for (const CsvRecord& row : read->rows) texts.push_back(row.fields.at(0));
    return texts;
  };
  EXPECT_THAT(first_column("A2:A5"), ElementsAre("catalyst", "Ni/MgO", "Ni/MgO", "Ni/MgO", ""));
  for (const char* other : {"A2:B5", "A4:A6", "A2", "A5:A2", "A:A", "ZZ1:ZZ4", ":", "A2:A99e9"}) {
    EXPECT_THAT(first_column(other), ElementsAre("catalyst", "Ni/MgO", "", "", "")) << other;
  }
}

TEST(Workbook, DaysOfBothSystems) {
  const std::string row = "<row><c s=\"1\"><v>59</v></c><c s=\"1\"><v>61</v></c></row>";
  const auto days = [&](const std::string& properties) {
    const auto read = read_workbook(workbook(row, "", "", properties), "lab.xlsx", "");
    EXPECT_TRUE(read.ok()) << read.error().to_string();
    return read ? read->rows.at(0).fields : std::vector<std::string>();
  };
  EXPECT_THAT(days(""), ElementsAre("1900-02-28T00:00:00", "1900-03-01T00:00:00"));
  EXPECT_THAT(days("<workbookPr date1904=\"1\"/>"),
              ElementsAre("1904-02-29T00:00:00", "1904-03-02T00:00:00"));
}

}  // namespace
}  // namespace kasetsu::tables
