#include "core/chemistry/catalyst.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"

namespace kasetsu::chemistry {
namespace {

constexpr int kOxygen = 8;
constexpr std::size_t kLongestName = 1000;

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

Error bad_name(std::string_view text, std::string message) {
  return {ErrorCode::bad_data, std::move(message), "", std::string(text),
          "a name such as Mn-Na2WO4/SiO2"};
}

// Length in bytes of the sign that separates actives at text[at], 0 where there is none.
std::size_t separator_at(std::string_view text, std::size_t at) {
  constexpr std::string_view kSeparators[] = {"-",      "+",      "\u2010", "\u2011", "\u2012",
                                              "\u2013", "\u2014", "\u2212", "\u00B7"};
  for (const std::string_view sign : kSeparators) {
    if (text.substr(at).starts_with(sign)) {
      if (sign.size() == 1 && at >= 2 && at + 1 < text.size()) {
        // The sign of an exponent, as in 1e-3.
        const auto digit = [](char c) { return c >= '0' && c <= '9'; };
        const char e = text[at - 1];
        if ((e == 'e' || e == 'E') && (digit(text[at - 2]) || text[at - 2] == '.') &&
            digit(text[at + 1])) {
          return 0;
        }
      }
      return sign.size();
    }
  }
  return 0;
}

std::vector<std::string_view> split_actives(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = separator_at(text, i);
    if (length == 0) {
      ++i;
      continue;
    }
    parts.push_back(trim(text.substr(begin, i - begin)));
    i += length;
    begin = i;
  }
  parts.push_back(trim(text.substr(begin)));
  return parts;
}

bool means_nothing(std::string_view text) {
  return text == "none" || text == "None";
}

}  // namespace

Result<SupportTable> SupportTable::from_csv(std::string_view text, std::string_view file_name) {
  Result<std::vector<CsvRecord>> records = read_csv(text, file_name);
  if (!records.ok()) return records.error();
  std::size_t at = 0;
  while (at < records->size() && (*records)[at].fields[0].starts_with('#')) ++at;
  if (at == records->size()) {
    return Error{ErrorCode::bad_data, "the support table is empty", csv_place(file_name, 1), "",
                 "a header support_name,formula,source"};
  }
  const CsvRecord& header = (*records)[at++];
  std::size_t columns[2] = {};
  constexpr std::string_view kColumns[2] = {"support_name", "formula"};
  for (std::size_t c = 0; c < 2; ++c) {
    const auto found =
        std::find_if(header.fields.begin(), header.fields.end(),
                     [&](const std::string& name) { return trim(name) == kColumns[c]; });
    if (found == header.fields.end()) {
      return Error{ErrorCode::bad_data, fmt::format("there is no column \"{}\"", kColumns[c]),
                   csv_place(file_name, header.line), "", "a header support_name,formula,source"};
    }
    columns[c] = static_cast<std::size_t>(found - header.fields.begin());
  }
  SupportTable table;
  for (; at < records->size(); ++at) {
    const CsvRecord& record = (*records)[at];
    if (record.fields.size() != header.fields.size()) {
      return Error{ErrorCode::bad_data, fmt::format("the row has {} cells", record.fields.size()),
                   csv_place(file_name, record.line), "",
                   fmt::format("{} as in the header", header.fields.size())};
    }
    const std::string name(trim(record.fields[columns[0]]));
    if (name.empty()) {
      return Error{ErrorCode::bad_data, "the support has no name",
                   csv_place(file_name, record.line, kColumns[0], columns[0]), "", "a name"};
    }
    Result<Composition> formula = parse_formula(record.fields[columns[1]]);
    if (!formula.ok()) {
      return formula.error().in(csv_place(file_name, record.line, kColumns[1], columns[1]));
    }
    if (!table.formulas_.emplace(name, std::move(*formula)).second) {
      return Error{ErrorCode::bad_data, "the support has two rows",
                   csv_place(file_name, record.line, kColumns[0], columns[0]), name,
                   "each name once"};
    }
  }
  return table;
}

Result<Composition> SupportTable::formula(std::string_view name) const {
  if (const auto found = formulas_.find(name); found != formulas_.end()) return found->second;
  Result<Composition> formula = parse_formula(name);
  if (formula.ok()) return formula;
  std::vector<std::string> names;
  for (const auto& [known, composition] : formulas_) names.push_back(known);
  const std::vector<std::string> near = nearest_names(name, names);
  std::string expected = "a formula such as MgO, or a name of the support table";
  if (!near.empty()) expected += fmt::format(" (nearest: {})", join_or(near));
  return Error{ErrorCode::bad_data, "unknown support: neither in the table nor a formula", "",
               std::string(name), std::move(expected)};
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
  if (!catalyst.support.empty()) key.append("/").append(escape(catalyst.support));
  if (!catalyst.preparation.empty()) key.append("|").append(escape(catalyst.preparation));
  return key;
}

Result<Catalyst> parse_key(std::string_view key, const SupportTable& supports) {
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
    Result<Composition> formula = supports.formula(*support);
    if (!formula.ok()) return formula.error();
    catalyst.support = std::move(*support);
    catalyst.support_formula = std::move(*formula);
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
    if (catalyst.active.amount(*element) > 0.0) return bad_key(key, "an element is given twice");
    catalyst.active.add(*element, *amount);
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  return catalyst;
}

Result<Catalyst> parse_catalyst_name(std::string_view text, const SupportTable& supports) {
  const std::string_view name = trim(text);
  if (name.empty()) return bad_name(text, "the name is empty");
  if (name.size() > kLongestName) return bad_name(text, "the name is too long");
  if (name.find('%') != std::string_view::npos) {
    return {Error{ErrorCode::bad_data,
                  "percent signs in a name are not read: the name does not tell whether they are "
                  "by weight or by moles, and of what",
                  "", std::string(text), "amounts as plain numbers, such as 2Mn-1Na-1W/SiO2"}};
  }
  Catalyst catalyst;
  if (name == "blank" || name == "Blank") return catalyst;

  std::string_view actives = name;
  if (const std::size_t last = name.rfind('/'); last != std::string_view::npos) {
    // A support's own name may hold a slash ("MgO/Al2O3"): the longest tail that the table knows is
    // the support.
    std::size_t slash = last;
    for (std::size_t i = name.find('/'); i < last; i = name.find('/', i + 1)) {
      if (supports.formula(trim(name.substr(i + 1))).ok()) {
        slash = i;
        break;
      }
    }
    const std::string_view support = trim(name.substr(slash + 1));
    if (support.empty()) return bad_name(text, "no support follows the /");
    Result<Composition> formula = supports.formula(support);
    if (!formula.ok()) return formula.error();
    catalyst.support = support;
    catalyst.support_formula = std::move(*formula);
    actives = trim(name.substr(0, slash));
    if (actives.empty() || actives == "-") return catalyst;
  }

  bool any = false;
  for (const std::string_view part : split_actives(actives)) {
    if (means_nothing(part)) {
      any = true;
      continue;
    }
    if (part.empty()) return bad_name(text, "two separators in a row, or one at the end");
    Result<Composition> formula = parse_formula(part);
    if (!formula.ok()) return formula.error();
    bool metal = false;
    for (const Composition::Part& piece : formula->parts()) {
      if (piece.element == kOxygen) continue;
      const double sum = catalyst.active.amount(piece.element) + piece.amount;
      if (!std::isfinite(sum)) return bad_name(text, "the amounts are too large");
      catalyst.active.add(piece.element, piece.amount);
      metal = true;
    }
    if (!metal) return bad_name(text, "an active that is only oxygen");
    any = true;
  }
  if (!any) return bad_name(text, "no active element");
  return catalyst;
}

std::string describe(const Catalyst& catalyst) {
  std::string out;
  const std::vector<Composition::Part>& parts = catalyst.active.parts();
  const bool plain =
      std::all_of(parts.begin(), parts.end(), [](const auto& part) { return part.amount == 1.0; });
  for (const Composition::Part& part : parts) {
    if (plain) {
      if (!out.empty()) out += '-';
      out += element_symbol(part.element);
    } else {
      if (!out.empty()) out += " + ";
      out += fmt::format("{:.9g} {}", part.amount, element_symbol(part.element));
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

}  // namespace kasetsu::chemistry
