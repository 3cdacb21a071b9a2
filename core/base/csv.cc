#include "core/base/csv.h"

#include <fmt/format.h>

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

  std::vector<CsvRecord> records;
  std::size_t i = 0;
  std::size_t line = 1;
  while (i < text.size()) {
    if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] == '\n'))) {
      i += text[i] == '\n' ? 1 : 2;
      ++line;
      continue;
    }
    if (records.size() == options.max_records) {
      return fault(file_name, line, "the table has too many rows", "",
                   fmt::format("at most {} rows", options.max_records));
    }
    CsvRecord record{line, {}};
    for (bool more = true; more;) {
      if (record.fields.size() == options.max_fields) {
        return fault(file_name, line, "the row has too many cells", "",
                     fmt::format("at most {} cells", options.max_fields));
      }
      std::string field;
      if (i < text.size() && text[i] == '"') {
        const std::size_t opened = line;
        bool closed = false;
        ++i;
        while (i < text.size() && !closed) {
          const char c = text[i++];
          if (c == '"') {
            if (i < text.size() && text[i] == '"') {
              field += '"';
              ++i;
            } else {
              closed = true;
            }
          } else {
            if (c == '\n') ++line;
            if (c == '\0') return fault(file_name, line, "a NUL byte in a cell", "", "UTF-8 text");
            field += c;
          }
          if (field.size() > options.max_field_bytes) break;
        }
        if (!closed && field.size() <= options.max_field_bytes) {
          return fault(file_name, opened, "a quote is opened and never closed", field,
                       "a closing \" before the end of the file");
        }
        if (closed && i < text.size() && text[i] != options.delimiter && text[i] != '\n' &&
            text[i] != '\r') {
          return fault(file_name, line, "text after a closing quote", field,
                       fmt::format("the delimiter '{}' or the end of the line; a quote inside a "
                                   "quoted cell is doubled",
                                   options.delimiter));
        }
      } else {
        while (i < text.size() && text[i] != options.delimiter && text[i] != '\n' &&
               text[i] != '\r') {
          if (text[i] == '"') {
            return fault(file_name, line, "a quote inside a cell that does not begin with one",
                         field + "\"", "the whole cell in quotes, with inner quotes doubled");
          }
          if (text[i] == '\0') {
            return fault(file_name, line, "a NUL byte in a cell", field, "UTF-8 text");
          }
          field += text[i++];
        }
      }
      if (field.size() > options.max_field_bytes) {
        return fault(file_name, record.line, "a cell is too long", field,
                     fmt::format("at most {} bytes", options.max_field_bytes));
      }
      record.fields.push_back(std::move(field));
      more = false;
      if (i < text.size()) {
        if (text[i] == options.delimiter) {
          ++i;
          more = true;
        } else if (text[i] == '\n') {
          ++i;
          ++line;
        } else if (i + 1 < text.size() && text[i + 1] == '\n') {
          i += 2;
          ++line;
        } else if (i + 1 == text.size()) {
          ++i;
        } else {
          return fault(file_name, line, "a carriage return that ends no line", record.fields.back(),
                       "lines that end with LF or CRLF");
        }
      }
    }
    records.push_back(std::move(record));
  }
  return records;
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
  for (const char c : column_name.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    name += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return fmt::format("{}:{}: column \"{}\"", file_name, line, name);
}

std::string csv_cell(std::string_view text, char delimiter) {
  if (text.find_first_of("\"\r\n") == std::string_view::npos &&
      text.find(delimiter) == std::string_view::npos) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
  return out;
}

}  // namespace kasetsu
