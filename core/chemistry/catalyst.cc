#include "core/chemistry/catalyst.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"

namespace kasetsu::chemistry {
namespace {

// Support and preparation are free text: what separates the parts of a key is written as %XX.
std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '|' || byte < 0x20 || byte == 0x7f) {
      out += fmt::format("%{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
  return std::nullopt;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const std::optional<unsigned> high = hex_digit(text[i + 1]);
    const std::optional<unsigned> low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16U + *low);
    i += 2;
  }
  return out;
}

Error bad_key(std::string_view key, std::string message) {
  return {ErrorCode::bad_data, std::move(message), "", std::string(key),
          "a catalyst's key such as K:1;Li:1;Mn:1/MgO"};
}

// Formulas that everybody writes in one way.
constexpr std::string_view kCommon[] = {
    "Al2O3", "AlPO4", "BN",    "BaO",   "BaTiO3", "CaCO3",  "CaO",   "CeO2",   "Co3O4",
    "Cr2O3", "CuO",   "Fe2O3", "Fe3O4", "Ga2O3",  "Gd2O3",  "In2O3", "La2O3",  "MgAl2O4",
    "MgO",   "Mn2O3", "MnO2",  "MoO3",  "Nb2O5",  "Nd2O3",  "NiO",   "Pr6O11", "Si3N4",
    "SiC",   "SiO2",  "Sm2O3", "SnO2",  "SrO",    "SrTiO3", "Ta2O5", "TiO2",   "V2O5",
    "WO3",   "Y2O3",  "Yb2O3", "ZnO",   "ZrO2"};

// Names that everybody uses for one oxide, behind any Greek prefix.
std::string_view oxide_of(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kOxides[] = {
      {"alumina", "Al2O3"}, {"silica", "SiO2"},   {"titania", "TiO2"},
      {"ceria", "CeO2"},    {"zirconia", "ZrO2"}, {"magnesia", "MgO"}};
  for (const auto& [word, formula] : kOxides) {
    if (same_but_for_case(name, word)) return formula;
  }
  return {};
}

// Whether one is a multiple of the other: "Si2O4" is SiO2.
bool same_ratios(const Composition& a, const Composition& b) {
  if (a.parts().size() != b.parts().size() || a.empty()) return false;
  const double factor = a.total() / b.total();
  return std::all_of(b.parts().begin(), b.parts().end(), [&](const Composition::Part& part) {
    return std::abs(a.amount(part.element) - factor * part.amount) <= 1e-9 * a.total();
  });
}

const std::vector<Support>& common_supports() {
  static const std::vector<Support> supports = [] {
    std::vector<Support> out;
    for (const std::string_view name : kCommon) {
      out.push_back({std::string(name), parse_formula(name).value()});
    }
    return out;
  }();
  return supports;
}

}  // namespace

bool says_none(std::string_view text) {
  const std::string plain = fold_name(text);
  if (plain.empty() || plain == "-") return true;
  return same_but_for_case(plain, "none") || same_but_for_case(plain, "n/a");
}

Result<SupportTable> SupportTable::from_csv(std::string_view text, std::string_view file_name) {
  constexpr std::string_view kHeader = "a header support_name,formula,source";
  const Result<CsvTable> csv = read_csv_table(text, file_name, "support table", kHeader);
  if (!csv.ok()) return csv.error();
  std::size_t columns[2] = {};
  constexpr std::string_view kColumns[2] = {"support_name", "formula"};
  for (std::size_t c = 0; c < 2; ++c) {
    const auto& fields = csv->header.fields;
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const std::string& name) {
      return trim(name) == kColumns[c];
    });
    if (found == fields.end()) {
      return Error{ErrorCode::bad_data, fmt::format("there is no column \"{}\"", kColumns[c]),
                   csv_place(file_name, csv->header.line), "", std::string(kHeader)};
    }
    columns[c] = static_cast<std::size_t>(found - fields.begin());
  }
  SupportTable table;
  for (const CsvRecord& record : csv->rows) {
    const std::string& told = record.fields[columns[0]];
    const auto place = [&](std::size_t c) {
      return csv_place(file_name, record.line, kColumns[c], columns[c]);
    };
    const std::string name = fold_name(told);
    if (name.empty()) {
      return Error{ErrorCode::bad_data, "the support has no name", place(0), "", "a name"};
    }
    Result<Composition> formula = parse_formula(record.fields[columns[1]]);
    if (!formula.ok()) return formula.error().in(place(1));
    const auto [row, is_new] = table.formulas_.emplace(name, *formula);
    const auto [small, first] = table.by_small_letters_.emplace(small_letters(name), name);
    if (!first && !small->second.empty() && table.formulas_.at(small->second) != *formula) {
      small->second.clear();
    }
    if (!is_new && (row->second != *formula || trim(told) == name)) {
      return Error{ErrorCode::bad_data, "the support has two rows", place(0), told,
                   "each name once, whatever its spelling"};
    }
  }
  return table;
}

const std::pair<const std::string, Composition>* SupportTable::find(std::string_view folded) const {
  if (const auto found = formulas_.find(folded); found != formulas_.end()) return &*found;
  const auto other = by_small_letters_.find(small_letters(folded));
  if (other == by_small_letters_.end() || other->second.empty()) return nullptr;
  return &*formulas_.find(other->second);
}

bool SupportTable::has(std::string_view name) const {
  return find(fold_name(name)) != nullptr;
}

// "TiO2 (P25)" and "Al2O3 (gamma)": a formula with a name of the table or a Greek prefix in
// brackets behind it. Without this, P25 would be phosphorus.
std::optional<Result<Support>> SupportTable::read_kind(const std::string& folded) const {
  const std::size_t open = folded.rfind('(');
  if (open == std::string::npos || open == 0 || folded.back() != ')') return std::nullopt;
  const std::string formula(trim(std::string_view(folded).substr(0, open)));
  const std::string kind = folded.substr(open + 1, folded.size() - open - 2);
  if (const auto* known = find(kind)) {
    const Result<Support> plain = read_one(formula);
    if (plain.ok() && plain->formula == known->second) return Support{known->first, known->second};
    return Error{ErrorCode::bad_data, fmt::format("{} is not a kind of {}", kind, formula), "",
                 folded, fmt::format("{} or {}", kind, formula)};
  }
  if (is_greek_prefix(small_letters(kind))) return read_one(small_letters(kind) + "-" + formula);
  return std::nullopt;
}

Result<Support> SupportTable::read_one(const std::string& folded) const {
  if (const std::string_view oxide = oxide_of(folded); !oxide.empty()) {
    return read_one(std::string(oxide));
  }
  if (const std::size_t hyphen = folded.find('-'); hyphen != std::string::npos) {
    const std::string_view oxide = oxide_of(std::string_view(folded).substr(hyphen + 1));
    if (!oxide.empty() && is_greek_prefix(folded.substr(0, hyphen))) {
      return read_one(folded.substr(0, hyphen + 1).append(oxide));
    }
  }
  if (const auto* known = find(folded)) return Support{known->first, known->second};
  if (const std::size_t hyphen = folded.find('-'); hyphen != std::string::npos) {
    const std::string prefix = folded.substr(0, hyphen);
    if (is_greek_prefix(prefix)) {
      Result<Support> plain = read_one(folded.substr(hyphen + 1));
      if (plain.ok()) plain->name = prefix + "-" + plain->name;
      return plain;
    }
  }
  if (std::optional<Result<Support>> kind = read_kind(folded)) return *kind;
  Result<Composition> formula = parse_formula(folded);
  const bool two_ways = !formula.ok() && formula.error().message.starts_with(kReadsInTwoWays);
  for (const Support& common : common_supports()) {
    const bool same = formula.ok() ? same_ratios(*formula, common.formula)
                                   : !two_ways && same_but_for_case(folded, common.name);
    if (same) return common;
  }
  if (!formula.ok()) return formula.error();
  std::string name;
  for (const char c : folded) {
    if (c != ' ') name += c;
  }
  return Support{std::move(name), std::move(*formula)};
}

Result<Support> SupportTable::read(std::string_view name) const {
  const std::string folded = fold_name(name);
  Result<Support> one = read_one(folded);
  if (one.ok()) return one;
  // A mixture: one of each part, in the order of the alphabet.
  std::vector<Support> parts;
  for (const NamePart& part : split_name(folded)) {
    Result<Support> support = read_one(std::string(part.text));
    if (!support.ok()) break;
    parts.push_back(std::move(*support));
  }
  if (parts.size() > 1 && parts.size() == split_name(folded).size()) {
    std::sort(parts.begin(), parts.end(),
              [](const Support& a, const Support& b) { return a.name < b.name; });
    Support mixed;
    for (const Support& part : parts) {
      mixed.name.append(mixed.name.empty() ? "" : "-").append(part.name);
      for (const auto& piece : part.formula.parts()) mixed.formula.add(piece.element, piece.amount);
    }
    return mixed;
  }
  std::vector<std::string> names;
  for (const auto& [known, composition] : formulas_) names.push_back(known);
  const std::vector<std::string> near = nearest_names(folded, names);
  std::string expected = "a formula such as MgO, or a name of the support table";
  if (!near.empty()) expected += fmt::format(" (nearest: {})", join_or(near));
  const bool formula_like = one.error().expected.find("such as La0.5") == std::string::npos;
  if (formula_like && !one.error().expected.empty()) {
    expected = one.error().expected + "; or a name of the support table";
  }
  return Error{ErrorCode::bad_data, "unknown support: neither in the table nor a formula", "",
               std::string(name), std::move(expected)};
}

Result<Composition> SupportTable::formula(std::string_view name) const {
  Result<Support> support = read(name);
  if (!support.ok()) return support.error();
  return std::move(support->formula);
}

std::string canonical_key(const Catalyst& catalyst) {
  std::vector<std::pair<std::string_view, double>> parts;
  for (const Composition::Part& part : catalyst.active.parts()) {
    parts.emplace_back(element_symbol(part.element), part.amount);
  }
  std::sort(parts.begin(), parts.end());
  std::string key;
  for (const auto& [symbol, amount] : parts) {
    if (!key.empty()) key += ';';
    key += fmt::format("{}:{:.9g}", symbol, amount);
  }
  if (key.empty()) key.push_back('-');
  const std::string support = fold_name(catalyst.support);
  const std::string preparation = fold_name(catalyst.preparation);
  if (!support.empty()) key.append("/").append(escape(support));
  if (!preparation.empty()) key.append("|").append(escape(preparation));
  return key;
}

namespace {

// Without `supports` the support has its name and no formula.
Result<Catalyst> read_key(std::string_view key, const SupportTable* supports) {
  Catalyst catalyst;
  std::string_view rest = key;
  if (const std::size_t bar = rest.find('|'); bar != std::string_view::npos) {
    std::optional<std::string> preparation = unescape(rest.substr(bar + 1));
    if (!preparation || preparation->empty()) {
      return bad_key(key, "the preparation after | cannot be read");
    }
    catalyst.preparation = std::move(*preparation);
    rest = rest.substr(0, bar);
  }
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    std::optional<std::string> support = unescape(rest.substr(slash + 1));
    if (!support || support->empty()) return bad_key(key, "the support after / cannot be read");
    catalyst.support = fold_name(*support);
    if (supports != nullptr) {
      Result<Support> read = supports->read(*support);
      if (!read.ok()) return read.error();
      catalyst.support_formula = std::move(read->formula);
    }
    rest = rest.substr(0, slash);
  }
  if (rest == "-") return catalyst;
  while (true) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view part = rest.substr(0, end);
    const std::size_t colon = part.find(':');
    if (colon == std::string_view::npos) {
      return bad_key(key, "each active element is given as symbol:amount");
    }
    const std::optional<int> element = atomic_number(part.substr(0, colon));
    if (!element) return bad_key(key, "unknown element before a colon in the key");
    const std::optional<double> amount = parse_number(part.substr(colon + 1));
    if (!amount || !(*amount > 0.0)) return bad_key(key, "an amount is not a number above zero");
    // What was brought into another basis may have left the range of what is told, though not by
    // much.
    if (!(*amount >= kSmallestAmount * kSmallestAmount &&
          *amount <= kLargestAmount * kLargestAmount)) {
      return bad_key(key, "an amount out of any range");
    }
    if (catalyst.active.amount(*element) > 0.0) return bad_key(key, "an element is given twice");
    catalyst.active.add(*element, *amount);
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  return catalyst;
}

}  // namespace

Result<Catalyst> parse_key(std::string_view key, const SupportTable& supports) {
  return read_key(key, &supports);
}

std::string describe(const Catalyst& catalyst, std::string_view unit) {
  std::string out;
  const std::vector<Composition::Part>& parts = catalyst.active.parts();
  const bool plain = unit.empty() && std::all_of(parts.begin(), parts.end(), [](const auto& part) {
                       return part.amount == 1.0;
                     });
  const std::string in_unit = unit.empty() ? " " : fmt::format(" {} ", unit);
  for (const Composition::Part& part : parts) {
    if (plain) {
      if (!out.empty()) out += '-';
      out += element_symbol(part.element);
    } else {
      if (!out.empty()) out += " + ";
      out += fmt::format("{:.9g}{}{}", part.amount, in_unit, element_symbol(part.element));
    }
  }
  if (parts.empty()) {
    out = catalyst.support.empty() ? "blank" : fmt::format("bare {}", catalyst.support);
  } else if (!catalyst.support.empty()) {
    out.append("/").append(catalyst.support);
  }
  if (!catalyst.preparation.empty()) out += fmt::format(" ({})", catalyst.preparation);
  return out;
}

std::string describe_key(std::string_view key, std::string_view unit) {
  const Result<Catalyst> catalyst = read_key(key, nullptr);
  return catalyst.ok() ? describe(*catalyst, unit) : std::string(key);
}

}  // namespace kasetsu::chemistry
