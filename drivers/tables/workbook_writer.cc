#include "drivers/tables/workbook_writer.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <memory>
#include <utility>

#include "core/base/csv.h"

namespace kasetsu::tables {
namespace {

constexpr const char* kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
constexpr const char* kMain = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
constexpr const char* kOffice =
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
constexpr const char* kPackage = "http://schemas.openxmlformats.org/package/2006";
constexpr std::time_t kTime = 946684800;  // of every part: 2000-01-01

// Control characters have no place in XML.
std::string escape_xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') {
      out += c;
    }
  }
  return out;
}

// "A", ..., "Z", "AA", ...
std::string column_letters(std::size_t column) {
  std::string letters;
  for (std::size_t rest = column + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('A' + (rest - 1) % 26));
  }
  return letters;
}

enum Style { plain = 0, heading = 1, to_fill = 2 };

// Readers take an apostrophe off that stands before a formula (csv_cell puts it there): one of the
// text's own gets another.
std::string as_read_back(const std::string& text) {
  std::string read = text;
  take_off_apostrophe(read);
  return read == text ? text : "'" + text;
}

std::string cell_xml(std::size_t column, std::size_t row, const SheetCell& cell, Style style) {
  const std::string place = fmt::format("{}{}", column_letters(column), row);
  const std::string* const text = std::get_if<std::string>(&cell);
  if (text == nullptr) {
    return fmt::format("<c r=\"{}\" s=\"{}\"><v>{}</v></c>", place, static_cast<int>(style),
                       std::get<double>(cell));
  }
  if (text->empty()) return fmt::format("<c r=\"{}\" s=\"{}\"/>", place, static_cast<int>(style));
  return fmt::format(
      "<c r=\"{}\" s=\"{}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", place,
      static_cast<int>(style), escape_xml(as_read_back(*text)));
}

// As wide as its longest cell, within bounds, in characters.
double width_of(const SheetToWrite& sheet, std::size_t column) {
  std::size_t widest = sheet.header[column].size();
  for (const auto& row : sheet.rows) {
    const std::string* const text = std::get_if<std::string>(&row[column]);
    widest = std::max(widest, text == nullptr ? std::size_t{8} : text->size());
  }
  return static_cast<double>(std::clamp<std::size_t>(widest + 2, 8, 40));
}

std::string sheet_xml(const SheetToWrite& sheet) {
  std::string xml = fmt::format(
      "{}<worksheet xmlns=\"{}\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" "
      "topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>"
      "<cols>",
      kHead, kMain);
  for (std::size_t c = 0; c < sheet.header.size(); ++c) {
    xml += fmt::format("<col min=\"{0}\" max=\"{0}\" width=\"{1}\" customWidth=\"1\"/>", c + 1,
                       width_of(sheet, c));
  }
  xml += "</cols><sheetData><row r=\"1\">";
  for (std::size_t c = 0; c < sheet.header.size(); ++c) {
    xml += cell_xml(c, 1, sheet.header[c], heading);
  }
  xml += "</row>";
  for (std::size_t r = 0; r < sheet.rows.size(); ++r) {
    xml += fmt::format("<row r=\"{}\">", r + 2);
    for (std::size_t c = 0; c < sheet.rows[r].size(); ++c) {
      const bool fill = c < sheet.to_fill.size() && sheet.to_fill[c];
      xml += cell_xml(c, r + 2, sheet.rows[r][c], fill ? to_fill : plain);
    }
    xml += "</row>";
  }
  return xml + "</sheetData></worksheet>";
}

std::string styles_xml() {
  return fmt::format(
      "{}<styleSheet xmlns=\"{}\"><fonts count=\"2\"><font><sz val=\"11\"/><name "
      "val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>"
      "<fills count=\"3\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill "
      "patternType=\"gray125\"/></fill><fill><patternFill patternType=\"solid\"><fgColor "
      "rgb=\"FFFFF4CC\"/></patternFill></fill></fills><borders count=\"2\"><border/><border><left "
      "style=\"thin\"/><right style=\"thin\"/><top style=\"thin\"/><bottom style=\"thin\"/>"
      "</border></borders><cellStyleXfs count=\"1\"><xf/></cellStyleXfs><cellXfs count=\"3\"><xf "
      "xfId=\"0\"/><xf fontId=\"1\" applyFont=\"1\" xfId=\"0\"/><xf fillId=\"2\" borderId=\"1\" "
      "applyFill=\"1\" applyBorder=\"1\" xfId=\"0\"/></cellXfs></styleSheet>",
      kHead, kMain);
}

using Parts = std::vector<std::pair<std::string, std::string>>;

Parts parts_of(const std::vector<SheetToWrite>& sheets) {
  std::string types, list, relations;
  Parts parts;
  for (std::size_t i = 0; i < sheets.size(); ++i) {
    const std::string file = fmt::format("worksheets/sheet{}.xml", i + 1);
    types += fmt::format(
        "<Override PartName=\"/xl/{}\" ContentType=\"application/"
        "vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>",
        file);
    list += fmt::format("<sheet name=\"{}\" sheetId=\"{}\" r:id=\"rId{}\"/>",
                        escape_xml(sheets[i].name), i + 1, i + 1);
    relations += fmt::format("<Relationship Id=\"rId{}\" Type=\"{}/worksheet\" Target=\"{}\"/>",
                             i + 1, kOffice, file);
    parts.emplace_back("xl/" + file, sheet_xml(sheets[i]));
  }
  relations += fmt::format("<Relationship Id=\"rId{}\" Type=\"{}/styles\" Target=\"styles.xml\"/>",
                           sheets.size() + 1, kOffice);
  parts.emplace_back("xl/styles.xml", styles_xml());
  parts.emplace_back(
      "xl/workbook.xml",
      fmt::format("{}<workbook xmlns=\"{}\" xmlns:r=\"{}\"><sheets>{}</sheets></workbook>", kHead,
                  kMain, kOffice, list));
  parts.emplace_back("xl/_rels/workbook.xml.rels",
                     fmt::format("{}<Relationships xmlns=\"{}/relationships\">{}</Relationships>",
                                 kHead, kPackage, relations));
  parts.emplace_back(
      "_rels/.rels",
      fmt::format("{}<Relationships xmlns=\"{}/relationships\"><Relationship Id=\"rId1\" "
                  "Type=\"{}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
                  kHead, kPackage, kOffice));
  parts.emplace_back(
      "[Content_Types].xml",
      fmt::format("{}<Types xmlns=\"{}/content-types\"><Default Extension=\"rels\" "
                  "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
                  "<Default Extension=\"xml\" ContentType=\"application/xml\"/><Override "
                  "PartName=\"/xl/workbook.xml\" ContentType=\"application/"
                  "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/><Override "
                  "PartName=\"/xl/styles.xml\" ContentType=\"application/"
                  "vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>{}</Types>",
                  kHead, kPackage, types));
  // Readers look at the first part to tell what kind of archive it is.
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Error failed(const std::string& reason) {
  return Error{ErrorCode::internal, "the workbook cannot be packed", "", reason, ""};
}

// The finished archive; `source` is where the library has put it.
Result<std::string> bytes_of(zip_source_t* source) {
  zip_stat_t size;
  zip_stat_init(&size);
  if (zip_source_stat(source, &size) != 0 || zip_source_open(source) != 0) {
    return failed(zip_error_strerror(zip_source_error(source)));
  }
  std::string bytes(size.size, '\0');
  const auto read = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (read != static_cast<zip_int64_t>(bytes.size())) return failed("read too little");
  return bytes;
}

}  // namespace

Result<std::string> write_workbook(const std::vector<SheetToWrite>& sheets) {
  const Parts parts = parts_of(sheets);  // the library reads them when it closes the archive
  zip_error_t error;
  zip_error_init(&error);
  std::unique_ptr<zip_source_t, decltype(&zip_source_free)> archive(
      zip_source_buffer_create(nullptr, 0, 0, &error), zip_source_free);
  zip_t* const zip = archive ? zip_open_from_source(archive.get(), ZIP_TRUNCATE, &error) : nullptr;
  if (zip == nullptr) {
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    return failed(reason);
  }
  zip_error_fini(&error);
  zip_source_keep(archive.get());  // the archive gives its own up when it is closed
  bool good = true;
  for (const auto& [name, text] : parts) {
    zip_source_t* const part = zip_source_buffer(zip, text.data(), text.size(), 0);
    const zip_int64_t index =
        part == nullptr ? -1 : zip_file_add(zip, name.c_str(), part, ZIP_FL_ENC_UTF_8);
    if (index < 0 && part != nullptr) zip_source_free(part);
    good = good && index >= 0 &&
           zip_file_set_mtime(zip, static_cast<zip_uint64_t>(index), kTime, 0) == 0;
  }
  if (!good || zip_close(zip) != 0) {
    const std::string reason = zip_strerror(zip);
    zip_discard(zip);
    return failed(reason);
  }
  return bytes_of(archive.get());
}

}  // namespace kasetsu::tables
