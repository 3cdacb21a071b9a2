#include "drivers/tables/workbook.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <set>

#include "core/base/text.h"
#include "drivers/tables/encoding.h"

namespace kasetsu::tables {
namespace {

constexpr std::uint64_t kLargestPart = 64U << 20;
constexpr std::uint64_t kLargestRatio = 200;  // unpacked to packed, of parts above a megabyte
constexpr std::size_t kMostRows = 1'000'000;
constexpr std::size_t kMostColumns = 1'000;
constexpr std::size_t kMostCells = 1'500'000;  // blank ones between others included
constexpr std::size_t kMostText = 256U << 20;  // bytes of all cells together
constexpr std::size_t kLongestCell = 1U << 16;

Error bad(std::string_view file_name, std::string message, std::string value = {},
          std::string expected = {}) {
  return Error{ErrorCode::bad_data, std::move(message), std::string(file_name), std::move(value),
               std::move(expected)};
}

class WorkbookArchive {
 public:
  static Result<WorkbookArchive> open(std::string_view bytes, std::string_view file_name) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* const source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    zip_t* const zip =
        source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
    if (zip == nullptr) {
      if (source != nullptr) zip_source_free(source);
      const std::string reason = zip_error_strerror(&error);
      zip_error_fini(&error);
      return bad(file_name, "the workbook cannot be unpacked", reason, "an .xlsx file");
    }
    zip_error_fini(&error);
    WorkbookArchive archive;
    archive.file_name_ = std::string(file_name);
    archive.zip_.reset(zip);
    return archive;
  }

  std::uint64_t unpacked_bytes() const {
    std::uint64_t all = 0;
    const auto parts = zip_get_num_entries(zip_.get(), 0);
    for (zip_int64_t i = 0; i < parts; ++i) {
      zip_stat_t found;
      zip_stat_init(&found);
      if (zip_stat_index(zip_.get(), static_cast<zip_uint64_t>(i), 0, &found) != 0) continue;
      all += std::min<std::uint64_t>(found.size, kLargestPart);
    }
    return all;
  }

  // Empty where there is no such part.
  Result<std::string> part(const std::string& name) const {
    zip_stat_t found;
    zip_stat_init(&found);
    if (zip_stat(zip_.get(), name.c_str(), 0, &found) != 0) return std::string();
    const std::uint64_t size = found.size, packed = std::max<std::uint64_t>(found.comp_size, 1);
    if (size > kLargestPart || (size > (1U << 20) && size / packed > kLargestRatio)) {
      return bad(file_name_, "a part of the workbook is too large", name,
                 "at most 64 MiB, and no archive that unpacks to 200 times its size");
    }
    if (found.encryption_method != ZIP_EM_NONE) {
      return bad(file_name_, "the workbook is encrypted", name, "a workbook without a password");
    }
    std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(zip_fopen(zip_.get(), name.c_str(), 0),
                                                            zip_fclose);
    if (!file) return bad(file_name_, "a part of the workbook cannot be read", name, "");
    std::string text(size, '\0');
    const auto read = zip_fread(file.get(), text.data(), size);
    if (read < 0 || static_cast<std::uint64_t>(read) != size) {
      return bad(file_name_, "a part of the workbook cannot be read", name, "");
    }
    return text;
  }

 private:
  struct Close {
    void operator()(zip_t* zip) const { zip_discard(zip); }
  };
  std::string file_name_;
  std::unique_ptr<zip_t, Close> zip_;
};

// Elements by their names without namespaces.
std::string_view local_name(const pugi::xml_node& node) {
  std::string_view name = node.name();
  return name.substr(name.rfind(':') == std::string_view::npos ? 0 : name.rfind(':') + 1);
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_node& one : node.children()) {
    if (local_name(one) == name) return one;
  }
  return {};
}

// The digits of a run that stands raised or lowered, as characters that do: behind another digit
// they would seem to belong to its number ("12" and the mark of a footnote).
std::string with_small_digits(std::string_view text, std::string_view place) {
  static constexpr std::string_view kRaised[] = {"\u2070", "\u00B9", "\u00B2", "\u00B3", "\u2074",
                                                 "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  static constexpr std::string_view kLowered[] = {"\u2080", "\u2081", "\u2082", "\u2083", "\u2084",
                                                  "\u2085", "\u2086", "\u2087", "\u2088", "\u2089"};
  if (place != "superscript" && place != "subscript") return std::string(text);
  std::string out;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      out += c;
    } else {
      out += (place == "superscript" ? kRaised : kLowered)[c - '0'];
    }
  }
  return out;
}

// The text of a string item: its runs, without the readings of Japanese words (rPh).
std::string text_of(const pugi::xml_node& item) {
  std::string text;
  for (const pugi::xml_node& part : item.children()) {
    if (local_name(part) == "t") text += part.text().get();
    if (local_name(part) != "r") continue;
    const std::string_view raised = child(child(part, "rPr"), "vertAlign").attribute("val").value();
    const std::string_view run = child(part, "t").text().get();
    const bool joins = !text.empty() && text.back() >= '0' && text.back() <= '9';
    text += joins ? with_small_digits(run, raised) : std::string(run);
  }
  return text;
}

// What a number format shows beside the number, of positive numbers, of negative ones, ...
struct Section {
  std::string before, after;
  bool digits = false;  // the number itself is shown
  std::string bound;    // "<", "<=", ...: for which numbers it is, as "[<0.1]" tells
  double limit = 0.0;
};
struct Format {
  enum class Kind { plain, percent, date } kind = Kind::plain;
  std::vector<Section> sections;  // empty: nothing but the number
};

// "[<0.1]" is a condition; what else stands in brackets is a colour or a language, but for the sign
// of a currency.
void take_bracket(std::string_view inside, Section& section) {
  const std::size_t number = std::min(inside.find_first_not_of("<>="), inside.size());
  if (const auto limit = parse_number(inside.substr(number)); number > 0 && limit) {
    section.bound = std::string(inside.substr(0, number));
    section.limit = *limit;
  } else if (inside.starts_with('$')) {
    (section.digits ? section.after : section.before) += inside.substr(1, inside.find('-') - 1);
  }
}

// One section of a code: letters of dates outside of quotes and brackets, a percent sign, literals.
Format::Kind take_section(std::string_view code, Section& section) {
  Format::Kind kind = Format::Kind::plain;
  const auto literal = [&](std::string_view text) {
    (section.digits ? section.after : section.before) += text;
  };
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (c == '"' || c == '[') {
      const std::size_t end = std::min(code.find(c == '"' ? '"' : ']', i + 1), code.size());
      const std::string_view inside = code.substr(i + 1, end - i - 1);
      c == '"' ? literal(inside) : take_bracket(inside, section);
      i = end;
    } else if (c == '\\') {
      literal(code.substr(++i, 1));
    } else if (c == '_' || c == '*') {
      ++i;
    } else if (code.substr(i).starts_with("General")) {
      section.digits = true;
      i += 6;
    } else if (c == '0' || c == '#' || c == '?') {
      section.digits = true;
    } else if (c == '%') {
      kind = Format::Kind::percent;
    } else if (kind == Format::Kind::plain &&
               std::string_view("yYdDhHsS").find(c) != std::string_view::npos) {
      kind = Format::Kind::date;
    } else if (c == '<' || c == '>' || c == '~' || static_cast<unsigned char>(c) >= 0x80) {
      literal(code.substr(i, 1));
    }
  }
  return kind;
}

// Signs and brackets of negative numbers are no texts.
std::string literal_of(std::string_view text) {
  const bool blank = text.find_first_not_of(" -+()\u00A0") == std::string_view::npos;
  return blank ? std::string() : std::string(text);
}

// The parts of a code at semicolons outside of quotes and brackets; the fourth is for texts.
std::vector<std::string_view> sections_of(std::string_view code) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  char inside = '\0';
  for (std::size_t i = 0; i <= code.size() && parts.size() < 3; ++i) {
    const char c = i < code.size() ? code[i] : ';';
    if (i < code.size() && c == '\\' && inside == '\0') {
      ++i;
    } else if (inside != '\0') {
      if (c == inside) inside = '\0';
      if (i < code.size()) continue;
    } else if (c == '"' || c == '[') {
      inside = c == '"' ? '"' : ']';
    }
    if (i < code.size() && (c != ';' || inside != '\0')) continue;
    parts.push_back(code.substr(begin, i - begin));
    begin = i + 1;
  }
  return parts;
}

Format format_of(std::string_view code) {
  Format format;
  bool literals = false;
  for (const std::string_view part : sections_of(code)) {
    Section section;
    const Format::Kind kind = take_section(part, section);
    if (format.sections.empty()) format.kind = kind;
    section.before = literal_of(section.before);
    section.after = literal_of(section.after);
    literals = literals || !section.before.empty() || !section.after.empty();
    format.sections.push_back(std::move(section));
  }
  if (!literals || format.kind == Format::Kind::date) format.sections.clear();
  return format;
}

// The section for a number; null where the format shows nothing else.
const Section* section_for(const Format& format, double value) {
  const std::vector<Section>& all = format.sections;
  if (all.empty()) return nullptr;
  const auto fits = [&](const Section& one) {
    const bool below = one.bound.starts_with('<'), above = one.bound.starts_with('>');
    return (below && value < one.limit) || (above && value > one.limit) ||
           (one.bound.ends_with('=') && value == one.limit);
  };
  const bool told =
      std::any_of(all.begin(), all.end(), [](const Section& one) { return !one.bound.empty(); });
  if (told) {
    for (const Section& one : all) {
      if (one.bound.empty() || fits(one)) return &one;
    }
    return &all.back();
  }
  if (value < 0.0 && all.size() > 1) return &all[1];
  return value == 0.0 && all.size() > 2 ? &all[2] : &all[0];
}

Format builtin_format(int id) {
  Format format;
  if (id == 9 || id == 10) format.kind = Format::Kind::percent;
  if ((id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
      (id >= 50 && id <= 58)) {
    format.kind = Format::Kind::date;
  }
  return format;
}

// "AB12": the column, from 0.
std::optional<std::size_t> column_of(std::string_view reference) {
  std::size_t column = 0;
  std::size_t letters = 0;
  while (letters < reference.size() && reference[letters] >= 'A' && reference[letters] <= 'Z') {
    column = column * 26 + static_cast<std::size_t>(reference[letters] - 'A') + 1;
    if (++letters > 3) return std::nullopt;
  }
  return letters == 0 ? std::nullopt : std::optional(column - 1);
}

struct MergedRows {
  std::size_t column = 0;
  std::size_t first = 0, last = 0;  // numbers of rows
};

// "B3:B7", of one column; nothing where columns are merged, too.
std::optional<MergedRows> merged_rows(std::string_view range) {
  const auto colon = range.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view from = range.substr(0, colon), to = range.substr(colon + 1);
  const auto column = column_of(from);
  if (!column || column != column_of(to)) return std::nullopt;
  const auto row_of = [](std::string_view reference) -> std::size_t {
    const auto digits = reference.find_first_of("0123456789");
    if (digits == std::string_view::npos) return 0;
    const double row = parse_number(reference.substr(digits)).value_or(0.0);
    return row >= 1.0 && row < 1e9 ? static_cast<std::size_t>(row) : 0;
  };
  const MergedRows merged{*column, row_of(from), row_of(to)};
  if (merged.first == 0 || merged.last < merged.first) return std::nullopt;
  return merged;
}

class WorkbookReader {
 public:
  WorkbookReader(const WorkbookArchive& archive, std::string_view file_name)
      : archive_(archive), file_name_(file_name) {}

  Result<Workbook> read(std::string_view wanted) {
    auto part = choose_sheet(wanted);
    if (!part) return part.error();
    if (const Status read = read_strings(); !read) return read.error();
    if (const Status read = read_formats(); !read) return read.error();
    if (const Status read = read_cells(*part); !read) return read.error();
    return std::move(workbook_);
  }

 private:
  Result<pugi::xml_node> load(const std::string& name, pugi::xml_document& document) const {
    auto text = archive_.part(name);
    if (!text) return text.error();
    if (text->empty()) return pugi::xml_node();
    const auto parsed = document.load_buffer(text->data(), text->size(),
                                             pugi::parse_default | pugi::parse_ws_pcdata);
    if (!parsed) {
      return bad(file_name_, fmt::format("{} is no XML", name), parsed.description(),
                 "a workbook that a spreadsheet program can open");
    }
    return document.document_element();
  }

  Result<std::string> choose_sheet(std::string_view wanted) {
    pugi::xml_document document, links;
    const auto book = load("xl/workbook.xml", document);
    if (!book) return book.error();
    if (!*book) {
      return bad(file_name_, "the archive holds no workbook", "", "an .xlsx file or a text table");
    }
    const std::string_view epoch = child(*book, "workbookPr").attribute("date1904").value();
    since_1904_ = epoch == "1" || epoch == "true";
    const auto relations = load("xl/_rels/workbook.xml.rels", links);
    if (!relations) return relations.error();
    std::string chosen, name;
    std::vector<std::string> others;
    for (const pugi::xml_node& sheet : child(*book, "sheets").children()) {
      const std::string here = sheet.attribute("name").value();
      const bool hidden =
          std::string_view(sheet.attribute("state").value()).starts_with("hidden") ||
          std::string_view(sheet.attribute("state").value()) == "veryHidden";
      const bool fits = wanted.empty() ? !hidden && chosen.empty() : trim(here) == trim(wanted);
      if (!fits) {
        others.push_back(here);
        continue;
      }
      name = here;
      for (const pugi::xml_attribute& attribute : sheet.attributes()) {
        if (std::string_view(attribute.name()).ends_with(":id")) chosen = attribute.value();
      }
    }
    if (chosen.empty()) {
      return bad(file_name_, "the workbook has no such sheet", std::string(wanted),
                 join_or(others));
    }
    workbook_.sheet = name;
    workbook_.other_sheets = others;
    if (!others.empty()) {
      workbook_.notes.push_back(
          fmt::format("sheet \"{}\" was read; the workbook also has {} (--sheet)", name,
                      fmt::join(others, ", ")));
    }
    for (const pugi::xml_node& link : relations->children()) {
      if (link.attribute("Id").value() != chosen) continue;
      const std::string target = link.attribute("Target").value();
      return target.starts_with('/') ? target.substr(1) : "xl/" + target;
    }
    return bad(file_name_, "the workbook does not say where the sheet lies", name, "");
  }

  Status read_strings() {
    pugi::xml_document document;
    const auto root = load("xl/sharedStrings.xml", document);
    if (!root) return root.error();
    for (const pugi::xml_node& item : root->children()) {
      if (local_name(item) != "si") continue;
      if (strings_.size() >= kMostCells) {
        return bad(file_name_, "the workbook has too many texts", "",
                   fmt::format("at most {}", kMostCells));
      }
      strings_.push_back(text_of(item));
    }
    return {};
  }

  Status read_formats() {
    pugi::xml_document document;
    const auto root = load("xl/styles.xml", document);
    if (!root) return root.error();
    std::map<int, Format> own;
    for (const pugi::xml_node& format : child(*root, "numFmts").children()) {
      own[format.attribute("numFmtId").as_int()] =
          format_of(format.attribute("formatCode").value());
    }
    for (const pugi::xml_node& style : child(*root, "cellXfs").children()) {
      const int id = style.attribute("numFmtId").as_int();
      const auto found = own.find(id);
      formats_.push_back(found != own.end() ? found->second : builtin_format(id));
    }
    return {};
  }

  // What stands behind the number by its format is counted in `unit`.
  std::string number(const std::string& text, const Format& format, std::size_t& unit) const {
    const auto value = parse_number(text);
    if (!value) return text;
    if (const Section* const section = section_for(format, *value)) {
      const bool nothing = section->before.empty() && section->after.empty();
      if (!section->digits && !nothing) return section->before;
      const bool percent = format.kind == Format::Kind::percent;
      std::string shown = section->before + (percent ? fmt::format("{:.15g} %", *value * 100.0)
                                                     : format_number(*value));
      unit = section->after.size();
      return shown + section->after;
    }
    if (format.kind == Format::Kind::percent) return fmt::format("{:.15g} %", *value * 100.0);
    if (format.kind == Format::Kind::date && *value > 0.0 && *value < 2'958'466.0) {
      // The 1900 system counts a 29 February 1900 that never was.
      const double days = *value + (since_1904_ ? 1462.0 : *value < 60.0 ? 1.0 : 0.0);
      const auto seconds = std::chrono::seconds(
          static_cast<std::int64_t>(std::llround((days - 25'569.0) * 86'400.0)));
      return fmt::format("{:%Y-%m-%dT%H:%M:%S}", std::chrono::sys_seconds(seconds));
    }
    return format_number(*value);
  }

  Result<std::string> cell_text(const pugi::xml_node& cell, std::size_t& unit) const {
    const std::string_view type = cell.attribute("t").value();
    const std::string value = child(cell, "v").text().get();
    if (type == "inlineStr") return text_of(child(cell, "is"));
    if (type == "s") {
      const auto index = parse_number(value);
      if (!index || *index < 0.0 || *index >= static_cast<double>(strings_.size())) {
        return bad(file_name_, "a cell names a text that the workbook does not have",
                   cell.attribute("r").value(), "");
      }
      return strings_[static_cast<std::size_t>(*index)];
    }
    if (type == "b") return std::string(value == "1" ? "true" : "false");
    if (type == "str" || type == "e" || type == "d") return value;
    const auto style = static_cast<std::size_t>(cell.attribute("s").as_uint());
    return number(value, style < formats_.size() ? formats_[style] : Format(), unit);
  }

  // Counts what a sheet holds while it is read, so that a small file cannot ask for much memory.
  Status count(std::size_t cells, std::size_t bytes) {
    cells_ += cells;
    text_bytes_ += bytes;
    if (cells_ > kMostCells) {
      return bad(file_name_, "the sheet has too many cells", "",
                 fmt::format("at most {}", kMostCells));
    }
    if (text_bytes_ > kMostText) {
      return bad(file_name_, "the sheet has too much text", "",
                 fmt::format("at most {} MiB in all cells together", kMostText >> 20));
    }
    return {};
  }

  Result<CsvRecord> read_row(const pugi::xml_node& row, std::size_t line) {
    CsvRecord record{line, {}};
    for (const pugi::xml_node& cell : row.children()) {
      if (local_name(cell) != "c") continue;
      const std::string place = cell.attribute("r").value();
      const auto told = column_of(place);
      const std::size_t column = told.value_or(record.fields.size());
      if (column >= kMostColumns) {
        return bad(file_name_, "the sheet has too many columns", place,
                   fmt::format("at most {}", kMostColumns));
      }
      std::size_t unit = 0;
      auto text = cell_text(cell, unit);
      if (!text) return text.error();
      if (text->size() > kLongestCell || invalid_utf8(*text) != std::string_view::npos) {
        return bad(file_name_, "a cell holds no readable text", place, "");
      }
      if (const Status few = count(0, text->size()); !few) return few.error();
      if (child(cell, "f") && text->empty()) ++unfinished_;
      take_off_apostrophe(*text);
      if (unit > 0) workbook_.units.push_back({line, column, unit});
      if (record.fields.size() <= column) record.fields.resize(column + 1);
      record.fields[column] = std::move(*text);
    }
    if (const Status few = count(record.fields.size(), 0); !few) return few.error();
    return record;
  }

  Status read_cells(const std::string& part) {
    pugi::xml_document document;
    const auto root = load(part, document);
    if (!root) return root.error();
    std::size_t width = 0, line = 0, hidden = 0;
    for (const pugi::xml_node& row : child(*root, "sheetData").children()) {
      const pugi::xml_attribute told = row.attribute("r");
      const std::size_t here = told ? told.as_uint() : line + 1;
      if (here <= line) {
        return bad(file_name_,
                   fmt::format("the sheet has a row after row {} that is not below it", line),
                   told.value(), "rows from top to bottom, each once");
      }
      line = here;
      if (workbook_.rows.size() >= kMostRows) {
        return bad(file_name_, "the sheet has too many rows", "",
                   fmt::format("at most {}", kMostRows));
      }
      hidden += row.attribute("hidden").as_bool() ? 1 : 0;
      auto record = read_row(row, line);
      if (!record) return record.error();
      width = std::max(width, record->fields.size());
      workbook_.rows.push_back(std::move(*record));
    }
    if (width == 0)
      return bad(file_name_, "the sheet is empty", "", "a header and at least one row");
    cells_ = 0;
    if (const Status few = count(width * workbook_.rows.size(), 0); !few) return few;
    for (CsvRecord& record : workbook_.rows) record.fields.resize(width);
    if (const Status spread = spread_down(*root); !spread) return spread;
    if (hidden > 0) {
      workbook_.notes.push_back(fmt::format("{} hidden rows were read like the others", hidden));
    }
    if (unfinished_ > 0) {
      workbook_.notes.push_back(fmt::format(
          "{} formulas have no value in the file: open and save it in a spreadsheet program",
          unfinished_));
    }
    return {};
  }

  // What is merged over several rows stands in each of them: a name over two lines of the header,
  // or a catalyst beside its measurements.
  Status spread_down(const pugi::xml_node& root) {
    cells_ = 0;  // ranges that overlap would write a cell again and again
    for (const pugi::xml_node& merged : child(root, "mergeCells").children()) {
      const auto range = merged_rows(merged.attribute("ref").value());
      if (!range) continue;
      auto row = std::lower_bound(
          workbook_.rows.begin(), workbook_.rows.end(), range->first,
          [](const CsvRecord& record, std::size_t line) { return record.line < line; });
      if (row == workbook_.rows.end() || row->line != range->first) continue;
      if (range->column >= row->fields.size()) continue;
      const std::string& text = row->fields[range->column];
      for (++row; row != workbook_.rows.end() && row->line <= range->last; ++row) {
        if (const Status few = count(1, text.size()); !few) return few;
        row->fields[range->column] = text;
      }
    }
    return {};
  }

  const WorkbookArchive& archive_;
  std::string_view file_name_;
  bool since_1904_ = false;
  std::vector<std::string> strings_;
  std::vector<Format> formats_;
  std::size_t cells_ = 0, text_bytes_ = 0, unfinished_ = 0;
  Workbook workbook_;
};

}  // namespace

bool is_workbook(std::string_view bytes) {
  return bytes.starts_with("PK\x03\x04");
}

std::uint64_t unpacked_bytes(std::string_view bytes) {
  const auto archive = WorkbookArchive::open(bytes, "");
  return archive ? archive->unpacked_bytes() : 0;
}

Result<Workbook> read_workbook(std::string_view bytes, std::string_view file_name,
                               std::string_view sheet) {
  const auto archive = WorkbookArchive::open(bytes, file_name);
  if (!archive) return archive.error();
  return WorkbookReader(*archive, file_name).read(sheet);
}

}  // namespace kasetsu::tables
