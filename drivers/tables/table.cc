#include "drivers/tables/table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "drivers/tables/columns.h"
#include "drivers/tables/encoding.h"

namespace kasetsu::tables {
namespace {

Error bad(std::string where, std::string message, std::string value, std::string expected) {
  return {ErrorCode::bad_data, std::move(message), std::move(where), std::move(value),
          std::move(expected)};
}

Status check_encoding(std::string_view text, std::string_view file_name) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return bad(csv_place(file_name, 1), "the file is in UTF-16", "",
               "UTF-8: save it as \"CSV UTF-8\"");
  }
  const std::size_t wrong = invalid_utf8(text);
  if (wrong == std::string_view::npos) return {};
  const auto before = text.substr(0, wrong);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return bad(csv_place(file_name, static_cast<std::size_t>(line)), "the file is not in UTF-8",
             fmt::format("byte 0x{:02X}", static_cast<unsigned char>(text[wrong])),
             "UTF-8: save it as \"CSV UTF-8\"");
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_none(std::string_view cell) {
  return cell.empty() || lower_case(cell) == "none";
}

class Reader {
 public:
  Reader(std::string_view file_name, const std::vector<std::string>& header, const Layout& layout,
         const ReadOptions& options, const chemistry::SupportTable& supports)
      : file_name_(file_name),
        header_(header),
        layout_(layout),
        options_(options),
        supports_(supports) {}

  Result<chemistry::Catalyst> catalyst(const CsvRecord& row) const {
    chemistry::Catalyst result;
    for (std::size_t i = 0; i < layout_.composition.size(); ++i) {
      const std::size_t column = layout_.composition[i];
      const std::string_view text = cell(row, column);
      switch (layout_.shape) {
        case Shape::slots: {
          if (is_none(text)) break;
          auto element = symbol(row, column, text);
          if (!element) return element.error();
          result.active.add(*element, 1.0);
          break;
        }
        case Shape::loadings: {
          auto amount = number(row, column, "an amount, 0 where the element is absent");
          if (!amount) return amount.error();
          if (*amount < 0) {
            return bad(place(row, column), "negative amount", std::string(text),
                       "an amount of at least 0");
          }
          result.active.add(layout_.elements[i], *amount);
          break;
        }
        default: {
          if (text.empty()) {
            return bad(place(row, column), "the cell is empty", "",
                       "a formula or a catalyst name such as Mn-Na2WO4/SiO2");
          }
          auto named = chemistry::parse_catalyst_name(text, supports_);
          if (!named) return named.error().in(place(row, column));
          result = std::move(named).value();
        }
      }
    }
    if (layout_.support) {
      const std::string_view text = cell(row, *layout_.support);
      if (!is_none(text)) {
        if (!result.support.empty()) {
          return bad(place(row, *layout_.support), "the support is told twice", std::string(text),
                     "the support in one column");
        }
        auto support = supports_.read(text);
        if (!support) return support.error().in(place(row, *layout_.support));
        result.support = std::move(support->name);
        result.support_formula = std::move(support->formula);
      }
    }
    if (result.active.empty() && result.support.empty()) {
      return bad(csv_place(file_name_, row.line), "the row has no element and no support", "",
                 layout_.shape == Shape::loadings ? "an amount above 0 in at least one of the "
                                                    "element columns"
                                                  : "at least one element, or a bare support");
    }
    return result;
  }

  // A finite number, or an error that says `wanted`.
  Result<double> number(const CsvRecord& row, std::size_t column, std::string wanted) const {
    const std::string_view text = cell(row, column);
    if (const auto value = parse_number(text)) return *value;
    if (text.empty()) return bad(place(row, column), "the cell is empty", "", std::move(wanted));
    const std::string word = lower_case(text);
    const std::string_view unsigned_word =
        std::string_view(word).substr(word.starts_with('-') || word.starts_with('+') ? 1 : 0);
    if (unsigned_word == "nan" || unsigned_word == "inf" || unsigned_word == "infinity") {
      return bad(place(row, column), "not a finite number", std::string(text), std::move(wanted));
    }
    if (text.find(',') != std::string_view::npos &&
        text.find_first_not_of("0123456789,.+-eE") == std::string_view::npos) {
      return bad(place(row, column), "a comma in a number", std::string(text),
                 wanted + ", written with a decimal point");
    }
    return bad(place(row, column), "not a number", std::string(text), std::move(wanted));
  }

  Result<double> target(const CsvRecord& row, std::size_t column) const {
    if (options_.missing_targets && cell(row, column).empty()) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    return number(row, column, "a finite number");
  }

  std::string place(const CsvRecord& row, std::size_t column) const {
    return csv_place(file_name_, row.line, header_[column], column);
  }
  std::string_view cell(const CsvRecord& row, std::size_t column) const {
    return trim(row.fields[column]);
  }

 private:
  Result<int> symbol(const CsvRecord& row, std::size_t column, std::string_view text) const {
    if (const auto element = chemistry::atomic_number(text)) return *element;
    std::string expected = "a chemical symbol such as Li, or none";
    std::string forgiven = lower_case(text);
    if (!forgiven.empty() && forgiven[0] >= 'a' && forgiven[0] <= 'z') {
      forgiven[0] = static_cast<char>(forgiven[0] - 'a' + 'A');
      if (chemistry::atomic_number(forgiven)) {
        expected += fmt::format("; did you mean {}?", forgiven);
      }
    }
    return bad(place(row, column), "unknown element", std::string(text), std::move(expected));
  }

  std::string_view file_name_;
  const std::vector<std::string>& header_;
  const Layout& layout_;
  const ReadOptions& options_;
  const chemistry::SupportTable& supports_;
};

}  // namespace

std::string trim_name(std::string_view name) {
  constexpr std::string_view kNoBreakSpace = "\xC2\xA0";
  for (std::size_t before = name.size() + 1; before != name.size();) {
    before = name.size();
    name = trim(name);
    if (name.starts_with(kNoBreakSpace)) name.remove_prefix(kNoBreakSpace.size());
    if (name.ends_with(kNoBreakSpace)) name.remove_suffix(kNoBreakSpace.size());
  }
  return std::string(name);
}

Result<Table> read_table(std::string_view text, std::string_view file_name,
                         const ReadOptions& options, const chemistry::SupportTable& supports) {
  if (auto status = check_encoding(text, file_name); !status) return status.error();
  auto records = read_csv(text, file_name);
  if (!records) return records.error();
  if (records->empty()) {
    return bad(csv_place(file_name, 1), "the file is empty", "", "a header and at least one row");
  }
  std::vector<std::string> header;
  const bool named = !options.columns.empty();
  for (const std::string& name : named ? options.columns : records->front().fields) {
    header.push_back(trim_name(name));
  }
  const std::size_t header_line = records->front().line;
  const std::span<const CsvRecord> rows = std::span(*records).subspan(named ? 0 : 1);

  for (const CsvRecord& row : rows) {
    if (row.fields.size() != header.size()) {
      return bad(csv_place(file_name, row.line),
                 fmt::format("the row has {} cells", row.fields.size()), "",
                 fmt::format("{}, as many as {}", header.size(),
                             named ? "columns are named" : "the header"));
    }
  }
  auto layout = recognise(header, rows, options, file_name, header_line);
  if (!layout) return layout.error();
  if (rows.empty()) {
    return bad(csv_place(file_name, header_line), "the file has a header and no rows", "",
               "at least one row");
  }

  Table table;
  table.shape = layout->shape;
  table.target_names = options.targets;
  table.condition_names = options.conditions;
  for (std::string& name : table.target_names) name = trim_name(name);
  for (std::string& name : table.condition_names) name = trim_name(name);
  for (const std::size_t column : layout->composition) table.slot_columns.push_back(header[column]);
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (layout->roles[i] != Role::unused || header[i].empty()) continue;
    table.unused.push_back(header[i]);
    if (std::all_of(rows.begin(), rows.end(), [&](const CsvRecord& row) {
          return parse_number(row.fields[i]).has_value();
        })) {
      table.unused_numbers.push_back(header[i]);
    }
  }
  const auto row_count = static_cast<Eigen::Index>(rows.size());
  table.targets.resize(row_count, static_cast<Eigen::Index>(layout->targets.size()));
  table.conditions.resize(row_count, static_cast<Eigen::Index>(layout->conditions.size()));

  const Reader reader(file_name, header, *layout, options, supports);
  std::map<std::string_view, std::size_t> line_of_id;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const CsvRecord& row = rows[r];
    auto catalyst = reader.catalyst(row);
    if (!catalyst) return catalyst.error();
    table.catalysts.push_back(std::move(catalyst).value());
    table.lines.push_back(row.line);
    const auto at = static_cast<Eigen::Index>(r);
    for (std::size_t t = 0; t < layout->targets.size(); ++t) {
      auto value = reader.target(row, layout->targets[t]);
      if (!value) return value.error();
      table.targets(at, static_cast<Eigen::Index>(t)) = *value;
    }
    for (std::size_t c = 0; c < layout->conditions.size(); ++c) {
      auto value = reader.number(row, layout->conditions[c], "a finite number");
      if (!value) return value.error();
      table.conditions(at, static_cast<Eigen::Index>(c)) = *value;
    }
    if (layout->id) {
      const std::string_view id = reader.cell(row, *layout->id);
      if (id.empty()) {
        return bad(reader.place(row, *layout->id), "the id is empty", "", "a name for every row");
      }
      const auto [first, is_new] = line_of_id.try_emplace(id, row.line);
      if (!is_new) {
        return bad(reader.place(row, *layout->id),
                   fmt::format("the id is already that of line {}", first->second), std::string(id),
                   "an id of its own for every row");
      }
      table.ids.emplace_back(id);
    } else {
      table.ids.push_back(std::to_string(row.line));
    }
  }
  return table;
}

}  // namespace kasetsu::tables
