#include "drivers/tables/profile_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/tables/cells.h"

namespace kasetsu::tables {

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

namespace {

std::string list_of(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + toml_text(text);
  return out + "]";
}

// The words that a table without a profile may use for "not measured", and those that were told.
std::vector<std::string> null_words(const ReadOptions& options) {
  std::vector<std::string> words{""};
  for (const std::string_view word : usual_null_words()) words.emplace_back(word);
  words.insert(words.end(), options.null.begin(), options.null.end());
  return words;
}

std::string column_text(const ColumnReport& column) {
  const bool used = column.use != "not used";
  std::string text = fmt::format("\n[[columns]]\nheader = {}\nas = {}\n", toml_text(column.header),
                                 toml_text(used ? column.use : "ignore"));
  if (column.use == "value" || column.use == "condition" || column.use == "element") {
    text += fmt::format("name = {}\n", toml_text(column.name));
  }
  if (column.use == "element" && !column.unit.empty()) {
    text += fmt::format("assume = {}\n", toml_text(column.unit));
  }
  if (!column.of.empty()) {
    text += fmt::format("of = {}\n", toml_text(column.of));
    if (!column.unit.empty()) text += fmt::format("assume = {}\n", toml_text(column.unit));
  }
  return text;
}

}  // namespace

std::string profile_text(const TableRows& table, const ReadOptions& options,
                         std::string_view file_name) {
  std::string text = fmt::format("# Written from {}; docs/profiles.md explains every key.\n",
                                 toml_text(file_name.substr(file_name.rfind('/') + 1)));
  if (table.delimiter != "workbook") {
    text += fmt::format("encoding = {}\ndelimiter = {}\n", toml_text(table.encoding),
                        toml_text(table.delimiter));
  }
  text += fmt::format("decimal = \"{}\"\n", table.style.decimal);
  if (!table.style.thousands.empty()) {
    text += fmt::format("thousands = {}\n", toml_text(table.style.thousands));
  }
  if (table.header_at > 0) text += fmt::format("header_row = {}\n", table.header_at);
  if (table.header_lines > 1) text += fmt::format("header_lines = {}\n", table.header_lines);
  if (table.unit_row) text += "unit_row = true\n";
  if (!options.fill_down.empty())
    text += fmt::format("fill_down = {}\n", list_of(options.fill_down));
  if (!options.name_amounts.empty()) {
    text += fmt::format("name_amounts = {}\n", toml_text(options.name_amounts));
  }
  text += fmt::format("null = {}\n", list_of(null_words(options)));
  for (const ColumnReport& column : table.columns) {
    if (!column.header.empty()) text += column_text(column);
  }
  return text;
}

}  // namespace kasetsu::tables
