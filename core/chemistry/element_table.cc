#include "core/chemistry/element_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/csv.h"
#include "core/base/fnv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"

namespace kasetsu::chemistry {
namespace {

// Names of properties become parts of descriptors' names, so what a descriptor is written with
// stays out of them.
bool is_property_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (static_cast<unsigned char>(c) & 0x80U) != 0;
  };
  if (name.empty() || !letter(name.front()) || name.back() == ' ') return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ' ';
  });
}

void take(Fnv1a& hash, std::string_view text) {
  hash.bytes(text);
  hash.byte(0);
}

void take(Fnv1a& hash, double number) {
  // One bit pattern for every NaN and for both zeros: equal tables have equal fingerprints.
  if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
  if (number == 0.0) number = 0.0;
  hash.number(std::bit_cast<std::uint64_t>(number));
}

}  // namespace

Result<ElementTable> ElementTable::from_csv(std::string_view text, std::string_view file_name) {
  Result<std::vector<CsvRecord>> records = read_csv(text, file_name);
  if (!records.ok()) return records.error();

  std::size_t at = 0;
  const auto skip_comments = [&] {
    while (at < records->size() && (*records)[at].fields[0].starts_with('#')) ++at;
  };
  skip_comments();
  if (at == records->size()) {
    return Error{ErrorCode::bad_data, "the element table is empty", csv_place(file_name, 1), "",
                 "a header symbol,<property>,... and one row an element"};
  }
  const CsvRecord& header = (*records)[at++];
  if (trim(header.fields[0]) != "symbol") {
    return Error{ErrorCode::bad_data, "the first column of an element table is the symbol",
                 csv_place(file_name, header.line, "", 0), header.fields[0],
                 "a header symbol,<property>,..."};
  }
  ElementTable table;
  for (std::size_t j = 1; j < header.fields.size(); ++j) {
    const std::string name(trim(header.fields[j]));
    if (!is_property_name(name)) {
      return Error{ErrorCode::bad_data, "a property cannot be named so",
                   csv_place(file_name, header.line, "", j), name,
                   "a letter, then letters, digits, underscores, hyphens or spaces"};
    }
    if (std::find(table.properties_.begin(), table.properties_.end(), name) !=
        table.properties_.end()) {
      return Error{ErrorCode::bad_data, "two columns have the same name",
                   csv_place(file_name, header.line, "", j), name, "each property once"};
    }
    table.properties_.push_back(name);
  }
  if (table.properties_.empty()) {
    return Error{ErrorCode::bad_data, "the element table has no property",
                 csv_place(file_name, header.line), "", "a header symbol,<property>,..."};
  }
  skip_comments();

  const std::size_t width = header.fields.size();
  table.row_of_.assign(kLastAtomicNumber + 1, -1);
  table.values_.resize(static_cast<Eigen::Index>(records->size() - at),
                       static_cast<Eigen::Index>(width - 1));
  for (int row = 0; at < records->size(); ++at, ++row) {
    const CsvRecord& record = (*records)[at];
    if (record.fields.size() != width) {
      return Error{ErrorCode::bad_data, fmt::format("the row has {} cells", record.fields.size()),
                   csv_place(file_name, record.line), "",
                   fmt::format("{} as in the header", width)};
    }
    const std::string symbol(trim(record.fields[0]));
    const std::optional<int> element = atomic_number(symbol);
    if (!element) {
      return Error{ErrorCode::bad_data, "unknown element",
                   csv_place(file_name, record.line, "symbol", 0), symbol,
                   "a chemical symbol such as Li"};
    }
    int& place = table.row_of_[static_cast<std::size_t>(*element)];
    if (place >= 0) {
      return Error{ErrorCode::bad_data, "the element has two rows",
                   csv_place(file_name, record.line, "symbol", 0), symbol, "each element once"};
    }
    place = row;
    for (std::size_t j = 1; j < width; ++j) {
      const std::string_view cell = trim(record.fields[j]);
      double value = std::numeric_limits<double>::quiet_NaN();
      if (!cell.empty() && cell != "nan" && cell != "NaN") {
        const std::optional<double> number = parse_number(cell);
        if (!number) {
          return Error{ErrorCode::bad_data, "not a finite number",
                       csv_place(file_name, record.line, header.fields[j], j), std::string(cell),
                       "a number with a decimal point, or an empty cell for a gap"};
        }
        value = *number;
      }
      table.values_(row, static_cast<Eigen::Index>(j - 1)) = value;
    }
  }
  if (table.values_.rows() == 0) {
    return Error{ErrorCode::bad_data, "the element table has no element",
                 csv_place(file_name, header.line), "", "one row an element"};
  }
  return table;
}

bool ElementTable::has(int element) const {
  return element >= 1 && static_cast<std::size_t>(element) < row_of_.size() &&
         row_of_[static_cast<std::size_t>(element)] >= 0;
}

std::vector<int> ElementTable::elements() const {
  std::vector<int> out;
  for (int element = 1; element <= kLastAtomicNumber; ++element) {
    if (has(element)) out.push_back(element);
  }
  return out;
}

double ElementTable::value(int element, std::size_t property) const {
  KASETSU_ASSERT(has(element) && property < properties_.size());
  return values_(row_of_[static_cast<std::size_t>(element)], static_cast<Eigen::Index>(property));
}

std::string ElementTable::fingerprint() const {
  Fnv1a hash;
  for (const std::string& name : properties_) take(hash, name);
  for (const int element : elements()) {
    take(hash, element_symbol(element));
    for (std::size_t j = 0; j < properties_.size(); ++j) take(hash, value(element, j));
  }
  return fmt::format("{:016x}", hash.value());
}

const std::vector<int>& afe65_elements() {
  static const std::vector<int> elements = [] {
    constexpr std::string_view kSymbols[] = {
        "Li", "Be", "Na", "Mg", "Al", "Si", "P",  "K",  "Ca", "Sc", "Ti", "V",  "Cr",
        "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Rb", "Sr", "Y",  "Zr",
        "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Cs", "Ba",
        "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm",
        "Yb", "Lu", "Hf", "Ta", "W",  "Re", "Os", "Ir", "Pt", "Au", "Tl", "Pb", "Bi"};
    std::vector<int> out;
    for (const std::string_view symbol : kSymbols) out.push_back(atomic_number(symbol).value());
    return out;
  }();
  return elements;
}

}  // namespace kasetsu::chemistry
