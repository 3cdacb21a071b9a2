#include "core/chemistry/element_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "core/base/constants.h"
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
  if (std::isnan(number)) number = kNaN;
  if (number == 0.0) number = 0.0;
  hash.number(std::bit_cast<std::uint64_t>(number));
}

}  // namespace

Result<ElementTable> ElementTable::from_csv(std::string_view text, std::string_view file_name) {
  const Result<CsvTable> csv = read_csv_table(
      text, file_name, "element table", "a header symbol,<property>,... and one row an element");
  if (!csv.ok()) return csv.error();
  const auto fault = [&](const CsvRecord& record, std::size_t column, std::string message,
                         std::string_view value, std::string expected) {
    const std::string_view name = &record == &csv->header ? "" : trim(csv->header.fields[column]);
    return Error{ErrorCode::bad_data, std::move(message),
                 csv_place(file_name, record.line, name, column), std::string(value),
                 std::move(expected)};
  };
  const CsvRecord& header = csv->header;
  if (trim(header.fields[0]) != "symbol") {
    return fault(header, 0, "the first column of an element table is the symbol", header.fields[0],
                 "a header symbol,<property>,...");
  }
  ElementTable table;
  for (std::size_t j = 1; j < header.fields.size(); ++j) {
    const std::string name(trim(header.fields[j]));
    if (!is_property_name(name)) {
      return fault(header, j, "a property cannot be named so", name,
                   "a letter, then letters, digits, underscores, hyphens or spaces");
    }
    if (std::find(table.properties_.begin(), table.properties_.end(), name) !=
        table.properties_.end()) {
      return fault(header, j, "two columns have the same name", name, "each property once");
    }
    table.properties_.push_back(name);
  }
  if (table.properties_.empty() || csv->rows.empty()) {
    return Error{ErrorCode::bad_data,
                 fmt::format("the element table has no {}",
                             table.properties_.empty() ? "property" : "element"),
                 csv_place(file_name, header.line), "",
                 "a header symbol,<property>,... and one row an element"};
  }

  table.row_of_.assign(kLastAtomicNumber + 1, -1);
  table.values_.resize(std::ssize(csv->rows), std::ssize(table.properties_));
  for (int row = 0; row < table.values_.rows(); ++row) {
    const CsvRecord& record = csv->rows[static_cast<std::size_t>(row)];
    const std::string_view symbol = trim(record.fields[0]);
    const std::optional<int> element = atomic_number(symbol);
    if (!element)
      return fault(record, 0, "unknown element", symbol, "a chemical symbol such as Li");
    int& place = table.row_of_[static_cast<std::size_t>(*element)];
    if (place >= 0)
      return fault(record, 0, "the element has two rows", symbol, "each element once");
    place = row;
    for (std::size_t j = 1; j < header.fields.size(); ++j) {
      const std::string_view cell = trim(record.fields[j]);
      const bool gap = cell.empty() || cell == "nan" || cell == "NaN";
      const std::optional<double> number = gap ? kNaN : parse_number(cell);
      if (!number) {
        return fault(record, j, "not a finite number", cell,
                     "a number with a decimal point, or an empty cell for a gap");
      }
      table.values_(row, static_cast<Eigen::Index>(j - 1)) = *number;
    }
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
