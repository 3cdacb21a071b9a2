#include "core/base/csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/text.h"

namespace kasetsu {
namespace {

Error fault(std::string_view file_name, std::size_t line, std::string message, std::string value,
            std::string expected) {
  return {ErrorCode::bad_data, std::move(message), csv_place(file_name, line), std::move(value),
          std::move(expected)};
}

bool looks_like_utf16(std::string_view text) {
  return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
         (text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0'));
}

// Whether a spreadsheet would run the cell as a formula, whatever apostrophes stand before it.
// Numbers with a sign are none.
bool is_formula(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('\''), text.size()));
  if (text.empty()) return false;
  constexpr std::string_view kFullWidth[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D",
                                             "\xEF\xBC\xA0"};
  const bool begins = std::string_view("=+-@\t\r\n").find(text[0]) != std::string_view::npos ||
                      std::any_of(std::begin(kFullWidth), std::end(kFullWidth),
                                  [&](std::string_view sign) { return text.starts_with(sign); });
  return begins && !parse_number(text);
}

struct CsvReader {
  std::string_view text;
  std::string_view file_name;
  const CsvOptions& options;
  std::size_t at = 0;
  std::size_t line = 1;

  bool more() const { return at < text.size(); }
  bool at_delimiter() const { return more() && text[at] == options.delimiter; }
  bool at_line_end() const { return more() && (text[at] == '\n' || text[at] == '\r'); }

  // Steps over one LF, CRLF, or CR at the end of the text.
  bool skip_line_end() {
    if (!at_line_end()) return false;
    const bool alone = text[at] == '\n' || at + 1 == text.size();
    if (!alone && text[at + 1] != '\n') return false;
    if (alone && text[at] == '\r') {
      ++at;
      return true;
    }
    at += alone ? 1 : 2;
    ++line;
    return true;
  }

  // True where a record begins.
  bool skip_empty_lines() {
    while (skip_line_end()) {
    }
    return more();
  }

  Status read(CsvRecord& record) {
    for (bool more_cells = true; more_cells;) {
      if (record.fields.size() == options.max_fields) {
        return fault(file_name, line, "the row has too many cells", "",
                     fmt::format("at most {} cells", options.max_fields));
      }
      std::string field;
      const bool quoted = more() && text[at] == '"';
      if (Status cell = quoted ? read_quoted(field) : read_plain(field); !cell.ok()) {
        return cell.error();
      }
      if (field.size() > options.max_field_bytes) {
        return fault(file_name, record.line, "a cell is too long", field,
                     fmt::format("at most {} bytes", options.max_field_bytes));
      }
      take_off_apostrophe(field);
      record.fields.push_back(std::move(field));
      more_cells = at_delimiter();
      if (more_cells) {
        ++at;
      } else if (more() && !skip_line_end()) {
        return fault(file_name, line, "a carriage return that ends no line", record.fields.back(),
                     "lines that end with LF or CRLF");
      }
    }
    return {};
  }

  Status read_quoted(std::string& field) {
    const std::size_t opened = line;
    ++at;
    while (field.size() <= options.max_field_bytes) {
      if (!more()) {
        return fault(file_name, opened, "a quote is opened and never closed", field,
                     "a closing \" before the end of the file");
      }
      const char c = text[at++];
      if (c == '"') {
        if (more() && text[at] == '"') {
          field += '"';
          ++at;
          continue;
        }
        if (!more() || at_delimiter() || at_line_end()) return {};
        return fault(file_name, line, "text after a closing quote", field,
                     fmt::format("the delimiter '{}' or the end of the line; a quote inside a "
                                 "quoted cell is doubled",
                                 options.delimiter));
      }
      if (c == '\n') ++line;
      if (c == '\0') return fault(file_name, line, "a NUL byte in a cell", "", "UTF-8 text");
      field += c;
    }
    return {};
  }

  Status read_plain(std::string& field) {
    while (more() && !at_delimiter() && !at_line_end()) {
      if (text[at] == '"') {
        return fault(file_name, line, "a quote inside a cell that does not begin with one",
                     field + "\"", "the whole cell in quotes, with inner quotes doubled");
      }
      if (text[at] == '\0') {
        return fault(file_name, line, "a NUL byte in a cell", field, "UTF-8 text");
      }
      field += text[at++];
    }
    return {};
  }
};

}  // namespace

Status CsvOptions::validate() const {
  if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' || delimiter == '\0') {
    return Error{ErrorCode::invalid_argument,
                 "CsvOptions::delimiter must not be a quote, a line end or NUL", "",
                 std::string(1, delimiter), "a comma, a semicolon or a tab"};
  }
  return {};
}

Result<std::vector<CsvRecord>> read_csv(std::string_view text, std::string_view file_name,
                                        const CsvOptions& options) {
  if (Status valid = options.validate(); !valid.ok()) return valid.error();
  if (text.size() > options.max_bytes) {
    return fault(file_name, 1, fmt::format("the table has {} bytes", text.size()), "",
                 fmt::format("at most {} bytes", options.max_bytes));
  }
  if (looks_like_utf16(text)) {
    return fault(file_name, 1, "the text is UTF-16", "", "UTF-8");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  CsvReader reader{text, file_name, options};
  std::vector<CsvRecord> records;
  while (reader.skip_empty_lines()) {
    if (records.size() == options.max_records) {
      return fault(file_name, reader.line, "the table has too many rows", "",
                   fmt::format("at most {} rows", options.max_records));
    }
    CsvRecord record{reader.line, {}};
    if (Status read = reader.read(record); !read.ok()) return read.error();
    records.push_back(std::move(record));
  }
  return records;
}

Result<CsvTable> read_csv_table(std::string_view text, std::string_view file_name,
                                std::string_view name, std::string_view expected_header) {
  Result<std::vector<CsvRecord>> records = read_csv(text, file_name);
  if (!records.ok()) return records.error();
  CsvTable table;
  bool has_header = false;
  for (CsvRecord& record : *records) {
    if (table.rows.empty() && record.fields[0].starts_with('#')) continue;
    if (!has_header) {
      table.header = std::move(record);
      has_header = true;
      continue;
    }
    if (record.fields.size() != table.header.fields.size()) {
      return fault(file_name, record.line,
                   fmt::format("the row has {} cells", record.fields.size()), "",
                   fmt::format("{} as in the header", table.header.fields.size()));
    }
    table.rows.push_back(std::move(record));
  }
  if (!has_header) {
    return fault(file_name, 1, fmt::format("the {} is empty", name), "",
                 std::string(expected_header));
  }
  return table;
}

std::string csv_place(std::string_view file_name, std::size_t line) {
  return fmt::format("{}:{}", file_name, line);
}

std::string csv_place(std::string_view file_name, std::size_t line, std::string_view column_name,
                      std::size_t column_index) {
  if (column_name.empty())
    return fmt::format("{}:{}: column {}", file_name, line, column_index + 1);
  constexpr std::size_t kLongest = 80;
  std::string name;
  for (const char c : cut_to(column_name, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    name += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return fmt::format("{}:{}: column \"{}\"", file_name, line, name);
}

std::string csv_cell(std::string_view text, char delimiter) {
  const bool formula = is_formula(text);
  const bool quoted = text.find_first_of("\"\r\n;") != std::string_view::npos ||
                      text.find(delimiter) != std::string_view::npos;
  std::string out = quoted ? "\"" : "";
  if (formula) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  if (quoted) out += '"';
  return out;
}

void take_off_apostrophe(std::string& cell) {
  if (cell.starts_with('\'') && is_formula(cell)) cell.erase(0, 1);
}

}  // namespace kasetsu
