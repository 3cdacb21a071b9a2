#include "drivers/tables/profile_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "drivers/tables/encoding.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/loadings.h"
#include "drivers/tables/profile_columns.h"
#include "drivers/tables/reduction.h"

namespace kasetsu::tables {
namespace {

constexpr double kLargestInteger = 9e15;

Error bad(std::string message, std::string value, std::string expected) {
  return Error{ErrorCode::bad_data, std::move(message), {}, std::move(value), std::move(expected)};
}

std::string small_letters(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_none(std::string_view cell) {
  return cell.empty() || small_letters(cell) == "none";
}

class RowReader {
 public:
  RowReader(std::string_view file_name, const CsvRecord& header, const MatchedColumns& columns,
            const Profile& profile, const chemistry::SupportTable& supports)
      : file_name_(file_name),
        header_(header),
        columns_(columns),
        profile_(profile),
        supports_(supports) {}

  ProfileRow read(const CsvRecord& record) const {
    ProfileRow row;
    row.line = record.line;
    Status fine = fill(row, record);
    if (fine) fine = check_labels(row);
    if (!fine) {
      row.problem = fine.error();
      if (row.problem->where.empty()) row.problem->where = csv_place(file_name_, record.line);
      for (std::size_t i = 0; i < header_.fields.size() && i < record.fields.size(); ++i) {
        row.cells.emplace_back(trim(header_.fields[i]), record.fields[i]);
      }
    }
    return row;
  }

  Result<double> number(std::string_view cell) const {
    std::string text = plain_characters(trim(cell));
    if (!profile_.thousands.empty()) {
      for (std::size_t at; (at = text.find(profile_.thousands)) != std::string::npos;) {
        // Three digits follow it, and no fourth; else it means something different.
        std::size_t digits = 0;
        const std::size_t next = at + profile_.thousands.size();
        while (next + digits < text.size() && text[next + digits] >= '0' &&
               text[next + digits] <= '9') {
          ++digits;
        }
        if (digits != 3 || at == 0) {
          return bad(fmt::format("\"{}\" does not stand between thousands", profile_.thousands),
                     std::string(cell), "a number such as 1,000 with the profile's own characters");
        }
        text.erase(at, profile_.thousands.size());
      }
    }
    if (profile_.decimal == ',') {
      if (text.find('.') != std::string::npos) {
        return bad("a decimal point where the profile says comma", std::string(cell),
                   "a number such as 8,2");
      }
      std::replace(text.begin(), text.end(), ',', '.');
    } else if (text.find(',') != std::string::npos) {
      return bad("a comma in a number", std::string(cell),
                 "a decimal point; or decimal = \",\" or thousands = \",\" in the profile");
    }
    if (const auto value = parse_number(text)) return *value;
    const std::string word = small_letters(text);
    if (word.find("inf") != std::string::npos || word.find("nan") != std::string::npos) {
      return bad("not a finite number", std::string(cell), "a finite number");
    }
    return bad("not a number", std::string(cell), "a number, or one of the profile's null words");
  }

  bool is_null(std::string_view cell) const {
    const std::string text = small_letters(plain_characters(trim(cell)));
    return std::any_of(profile_.null.begin(), profile_.null.end(),
                       [&](const std::string& word) { return small_letters(word) == text; });
  }

 private:
  Error at(const CsvRecord& record, const MatchedColumn& column, Error error) const {
    error.where = csv_place(file_name_, record.line, column.header, column.at);
    return error;
  }

  // The cell without spaces, with the column's map; empty for a null word.
  std::string text_of(const CsvRecord& record, const MatchedColumn& column) const {
    const std::string_view cell = trim(record.fields[column.at]);
    const auto mapped = column.column.map.find(std::string(cell));
    if (mapped != column.column.map.end()) return mapped->second;
    return is_null(cell) ? std::string() : std::string(cell);
  }

  // Names are printed on vials and in lists.
  static Status check_labels(const ProfileRow& row) {
    constexpr std::size_t kLongest = 200;
    for (const std::string* label :
         {&row.proposal, &row.sample, &row.source, &row.run, &row.channel}) {
      const bool printable = std::none_of(label->begin(), label->end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
      });
      if (!printable || label->size() > kLongest) {
        return bad("not a name", *label, fmt::format("at most {} printable characters", kLongest));
      }
    }
    return {};
  }

  struct Parts {
    std::string name;  // of a catalyst column
    std::vector<const MatchedColumn*> slots;
    std::vector<Loading> loadings;
    std::string elements, fractions;
    std::string support, preparation;
    bool structured = false;
  };

  Status fill(ProfileRow& row, const CsvRecord& record) const {
    const std::size_t width = header_.fields.size();
    if (record.fields.size() < width) {
      return bad(fmt::format("the row has {} cells", record.fields.size()), "",
                 fmt::format("{} as in the header; a last row like this is a file that was cut off "
                             "while it was written",
                             width));
    }
    for (std::size_t i = width; i < record.fields.size(); ++i) {
      if (!trim(record.fields[i]).empty()) {
        return bad(fmt::format("the row has {} cells", record.fields.size()), "",
                   fmt::format("{} as in the header", width));
      }
    }
    Parts parts;
    for (const MatchedColumn& column : columns_.columns) {
      const std::string text = text_of(record, column);
      if (const Status fine = take(row, parts, record, column, text); !fine) {
        return at(record, column, fine.error());
      }
    }
    if (const Status fine = take_constants(row, parts); !fine) return fine;
    if (const Status fine = check_kind(row, parts); !fine) return fine;
    if (row.kind != "blank") {
      auto catalyst = assemble(record, parts);
      if (!catalyst) return catalyst.error();
      row.catalyst = std::move(*catalyst);
    }
    if (!row.catalyst && row.kind != "blank" && row.sample.empty() && row.proposal.empty()) {
      return bad("the row does not say which catalyst it is about", "",
                 "a catalyst, a sample that is known, or a proposal");
    }
    if (row.values.empty()) return bad("no value is there", "", "at least one measured number");
    return {};
  }

  Status take(ProfileRow& row, Parts& parts, const CsvRecord& record, const MatchedColumn& column,
              const std::string& text) const {
    const auto integer = [&](std::optional<std::int64_t>& out) -> Status {
      if (text.empty()) return {};
      const auto value = number(text);
      if (!value) return value.error();
      if (*value != std::floor(*value) || std::abs(*value) > kLargestInteger) {
        return bad("not an integer", text, "an integer");
      }
      out = static_cast<std::int64_t>(*value);
      return {};
    };
    switch (column.column.use) {
      case ColumnUse::catalyst:
        parts.name = text;
        return {};
      case ColumnUse::slot:
        parts.structured = true;
        if (!is_none(text)) parts.slots.push_back(&column);
        return {};
      case ColumnUse::slot_amount:
        return {};  // read with its slot
      case ColumnUse::element: {
        parts.structured = true;
        if (text.empty()) return {};
        const auto amount = number(text);
        if (!amount) return amount.error();
        if (*amount < 0.0) return bad("a negative amount", text, "an amount of at least 0");
        parts.loadings.push_back({column.element, *amount, column.file_unit});
        return {};
      }
      case ColumnUse::element_list:
        parts.structured = true;
        parts.elements = text;
        return {};
      case ColumnUse::fraction_list:
        parts.fractions = text;
        return {};
      case ColumnUse::support:
        parts.support = is_none(text) ? std::string() : text;
        return {};
      case ColumnUse::preparation:
        parts.preparation = text;
        return {};
      case ColumnUse::sample:
        row.sample = text;
        return {};
      case ColumnUse::kind:
        row.kind = small_letters(text);
        return {};
      case ColumnUse::proposal:
        row.proposal = text;
        return {};
      case ColumnUse::source:
        row.source = text;
        return {};
      case ColumnUse::run:
        row.run = text;
        return {};
      case ColumnUse::channel:
        row.channel = text;
        return {};
      case ColumnUse::sequence:
        return integer(row.sequence);
      case ColumnUse::replicate:
        return integer(row.replicate);
      case ColumnUse::measured_at: {
        if (text.empty()) return {};
        const auto time = read_time(text, profile_.time_formats,
                                    profile_.time_zone ? &*profile_.time_zone : nullptr);
        if (!time) return time.error();
        row.measured_at = *time;
        return {};
      }
      case ColumnUse::condition:
      case ColumnUse::value: {
        if (text.empty()) return {};
        const auto value = number(text);
        if (!value) return value.error();
        const double converted = column.conversion(*value);
        if (column.column.use == ColumnUse::condition) {
          row.conditions[column.column.name] = converted;
        } else {
          row.values.push_back({column.column.name, converted, column.unit});
        }
        return {};
      }
      case ColumnUse::ignore:
        return {};
    }
    (void)record;
    return {};
  }

  Status take_constants(ProfileRow& row, Parts& parts) const {
    const auto set = [&](std::string_view name, std::string& member) {
      const auto found = profile_.constants.find(std::string(name));
      if (member.empty() && found != profile_.constants.end()) member = found->second;
    };
    set("channel", row.channel);
    if (const auto well = profile_.plate.find(row.channel); well != profile_.plate.end()) {
      if (row.sample.empty()) row.sample = well->second.sample;
      if (row.kind.empty()) row.kind = well->second.kind;
      if (parts.name.empty() && !parts.structured) parts.name = well->second.catalyst;
    } else if (!profile_.plate.empty() && parts.name.empty() && !parts.structured &&
               row.sample.empty()) {
      return bad("the plate map has no such channel", row.channel, "a channel of [plate]");
    }
    set("source", row.source);
    set("run", row.run);
    set("sample", row.sample);
    set("kind", row.kind);
    set("proposal", row.proposal);
    set("support", parts.support);
    set("preparation", parts.preparation);
    set("catalyst", parts.name);
    return {};
  }

  // Blanks are told by their kind, or by the name that laboratories give an empty tube.
  static Status check_kind(ProfileRow& row, const Parts& parts) {
    if (row.kind.empty() && small_letters(parts.name) == "blank") row.kind = "blank";
    constexpr std::array<std::string_view, 5> kKinds = {"", "catalyst", "support", "blank",
                                                        "reference"};
    if (std::find(kKinds.begin(), kKinds.end(), row.kind) == kKinds.end()) {
      return bad("unknown kind of sample", row.kind, "catalyst, support, blank or reference");
    }
    return {};
  }

  // Structured columns are the authority, a name beside them is a label. Nothing: the row tells no
  // composition.
  Result<std::optional<chemistry::Catalyst>> assemble(const CsvRecord& record,
                                                      const Parts& parts) const {
    chemistry::Catalyst catalyst;
    std::vector<Loading> loadings = parts.loadings;
    for (const MatchedColumn* slot : parts.slots) {
      const std::string symbol = text_of(record, *slot);
      const auto element = chemistry::atomic_number(symbol);
      if (!element) {
        return at(record, *slot,
                  bad("unknown element", symbol, "a chemical symbol such as Li, or none"));
      }
      double amount = 1.0;
      std::string unit;
      for (const MatchedColumn& column : columns_.columns) {
        if (column.column.use != ColumnUse::slot_amount ||
            fold_name(column.column.of) != fold_name(slot->header)) {
          continue;
        }
        const auto told = number(text_of(record, column));
        if (!told) return at(record, column, told.error());
        if (*told < 0.0) {
          return at(record, column, bad("a negative amount", "", "an amount of at least 0"));
        }
        amount = *told;
      }
      if (amount > 0.0) loadings.push_back({*element, amount, ""});
    }
    if (!parts.elements.empty() || !parts.fractions.empty()) {
      auto listed = read_lists(parts.elements, parts.fractions);
      if (!listed) return listed.error();
      loadings.insert(loadings.end(), listed->begin(), listed->end());
    }
    if (!parts.structured) {
      if (parts.name.empty()) {
        if (parts.support.empty()) return std::optional<chemistry::Catalyst>();
      } else {
        auto named = chemistry::parse_catalyst_name(plain_name(parts.name), supports_);
        if (!named) return named.error();
        catalyst = std::move(*named);
      }
    } else {
      auto active = combine(loadings, profile_.elements_unit);
      if (!active) return active.error();
      catalyst.active = std::move(*active);
    }
    if (!parts.support.empty()) {
      auto support = supports_.read(plain_name(parts.support));
      if (!support) return support.error();
      if (!catalyst.support.empty() && catalyst.support != support->name) {
        return bad("the support is told twice", parts.support, catalyst.support);
      }
      catalyst.support = std::move(support->name);
      catalyst.support_formula = std::move(support->formula);
    }
    catalyst.preparation = parts.preparation;
    if (catalyst.active.empty() && catalyst.support.empty()) {
      return bad("the row has no element and no support", "",
                 "at least one element, or a bare support; an empty tube is of the kind blank");
    }
    return std::optional<chemistry::Catalyst>(std::move(catalyst));
  }

  // Full-width letters and subscripts become plain ones; dashes between actives stay.
  static std::string plain_name(const std::string& name) {
    return std::string(trim(plain_characters(name)));
  }

  Result<std::vector<Loading>> read_lists(const std::string& elements,
                                          const std::string& fractions) const {
    const auto split = [](const std::string& text) {
      std::vector<std::string> parts;
      std::size_t at = 0;
      while (at <= text.size() && !text.empty()) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        parts.emplace_back(trim(std::string_view(text).substr(at, end - at)));
        at = end + 1;
      }
      return parts;
    };
    const auto symbols = split(elements), amounts = split(fractions);
    if (symbols.size() != amounts.size()) {
      return bad(fmt::format("{} elements and {} fractions", symbols.size(), amounts.size()),
                 elements, "as many of the one as of the other");
    }
    std::vector<Loading> loadings;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const auto element = chemistry::atomic_number(symbols[i]);
      if (!element) return bad("unknown element", symbols[i], "a chemical symbol such as Li");
      const auto amount = parse_number(amounts[i]);
      if (!amount || *amount < 0.0) {
        return bad("not a fraction", amounts[i], "a number of at least 0");
      }
      if (*amount > 0.0) loadings.push_back({*element, *amount, ""});
    }
    return loadings;
  }

  std::string_view file_name_;
  const CsvRecord& header_;
  const MatchedColumns& columns_;
  const Profile& profile_;
  const chemistry::SupportTable& supports_;
};

char delimiter_of(std::string_view name) {
  return name == "tab" ? '\t' : name[0];
}

// The records with the delimiter under which the header holds the most columns of the profile.
Result<std::vector<CsvRecord>> split(std::string_view text, std::string_view file_name,
                                     const Profile& profile, std::string& delimiter) {
  const std::vector<std::string> candidates = profile.delimiter == "auto"
                                                  ? std::vector<std::string>{",", ";", "tab", "|"}
                                                  : std::vector<std::string>{profile.delimiter};
  std::optional<Error> first;
  std::vector<CsvRecord> best;
  std::size_t most = 0;
  for (const std::string& candidate : candidates) {
    CsvOptions options;
    options.delimiter = delimiter_of(candidate);
    auto records = read_csv(text, file_name, options);
    if (!records) {
      if (!first) first = records.error();
      continue;
    }
    const auto header = static_cast<std::size_t>(profile.header_row) - 1;
    if (records->size() <= header) {
      if (!first) {
        first = Error{ErrorCode::bad_data, "the file is empty", std::string(file_name), "",
                      "a table with a header and at least one row"};
      }
      continue;
    }
    const std::size_t count = count_matches((*records)[header].fields, profile) + 1;
    if (count <= most) continue;
    most = count;
    best = std::move(*records);
    delimiter = candidate;
  }
  // Read without its commas a table that is wrong in another way has one column, which is nobody's.
  if (best.empty() || (most == 1 && first)) return *first;
  return best;
}

// Whether the line below the header is a line of units that the profile does not expect: no number
// stands below a value, and a unit does.
bool is_unit_row(const CsvRecord& record, const MatchedColumns& columns, const RowReader& reader) {
  bool unit = false;
  for (const MatchedColumn& column : columns.columns) {
    if (column.column.use != ColumnUse::value && column.column.use != ColumnUse::condition) {
      continue;
    }
    if (column.at >= record.fields.size()) return false;
    const std::string_view cell = trim(record.fields[column.at]);
    if (reader.is_null(cell)) continue;
    if (reader.number(cell)) return false;
    unit = unit || convert_units(cell, column.unit.empty() ? cell : column.unit).ok();
  }
  return unit;
}

}  // namespace

Result<ProfileTable> read_profile_table(std::string_view bytes, std::string_view file_name,
                                        const Profile& profile,
                                        const chemistry::SupportTable& supports,
                                        std::size_t max_rows) {
  auto decoded = decode_text(bytes, profile.encoding, file_name);
  if (!decoded) return decoded.error();
  ProfileTable table;
  table.encoding = decoded->encoding;
  if (trim(decoded->text).empty()) {
    return Error{ErrorCode::bad_data, "the file is empty", std::string(file_name), "",
                 "a table with a header and at least one row"};
  }
  auto records = split(decoded->text, file_name, profile, table.delimiter);
  if (!records) return records.error();
  const auto header_at = static_cast<std::size_t>(profile.header_row) - 1;
  const CsvRecord& header = (*records)[header_at];
  std::size_t first = header_at + 1;
  std::vector<std::string> units;
  if (profile.unit_row && first < records->size()) units = (*records)[first++].fields;
  auto columns = match_columns(header, units, profile, file_name);
  if (!columns) return columns.error();
  if (first >= records->size()) {
    return Error{ErrorCode::bad_data, "the table has no rows", csv_place(file_name, header.line),
                 "", "at least one row below the header"};
  }
  if (records->size() - first > max_rows) {
    return Error{ErrorCode::bad_data, fmt::format("the table has {} rows", records->size() - first),
                 std::string(file_name), "", fmt::format("at most {}", max_rows)};
  }
  const bool values = std::any_of(
      columns->columns.begin(), columns->columns.end(),
      [](const MatchedColumn& column) { return column.column.use == ColumnUse::value; });
  if (!values) {
    std::vector<std::string> wanted;
    for (const ProfileColumn& column : profile.columns) {
      if (column.use == ColumnUse::value) wanted.push_back(column.headers[0]);
    }
    return Error{ErrorCode::bad_data, "no column holds a measured value",
                 csv_place(file_name, header.line), "", "a column " + join_or(wanted)};
  }
  const RowReader reader(file_name, header, *columns, profile, supports);
  if (is_unit_row((*records)[first], *columns, reader)) {
    return Error{ErrorCode::bad_data, "the line below the header holds units",
                 csv_place(file_name, (*records)[first].line), "",
                 "unit_row = true in the profile"};
  }
  table.unused = columns->unused;
  for (const MatchedColumn& column : columns->columns) {
    if (column.column.use == ColumnUse::ignore) continue;
    table.columns.push_back(fmt::format("{} -> {}{}{}", column.header, to_string(column.column.use),
                                        column.column.name.empty() ? "" : " " + column.column.name,
                                        column.unit.empty() ? "" : " [" + column.unit + "]"));
  }
  table.rows.reserve(records->size() - first);
  for (std::size_t i = first; i < records->size(); ++i) {
    const CsvRecord& record = (*records)[i];
    const bool blank = std::all_of(record.fields.begin(), record.fields.end(),
                                   [](const std::string& cell) { return trim(cell).empty(); });
    if (!blank) table.rows.push_back(reader.read(record));
  }
  if (table.rows.empty()) {
    return Error{ErrorCode::bad_data, "the table has no rows", csv_place(file_name, header.line),
                 "", "at least one row below the header"};
  }
  if (profile.reduce) reduce(*profile.reduce, table.rows);
  return table;
}

}  // namespace kasetsu::tables
