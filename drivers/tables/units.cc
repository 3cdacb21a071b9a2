#include "drivers/tables/units.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "core/base/text.h"
#include "drivers/tables/header_text.h"

namespace kasetsu::tables {
namespace {

struct Unit {
  std::string_view name;  // normalised: see normal()
  std::string_view kind;
  double factor;  // to the kind's own unit
  double offset = 0.0;
};

// Kinds are what may be converted into one another. A fraction of moles is not one of mass, so
// "mol%" and "wt%" have kinds of their own; a bare "%" is only itself and a ratio.
constexpr std::array kUnits = {
    Unit{"K", "temperature", 1.0},
    Unit{"\u00B0C", "temperature", 1.0, 273.15},
    Unit{"C", "temperature", 1.0, 273.15},
    Unit{"degC", "temperature", 1.0, 273.15},
    Unit{"celsius", "temperature", 1.0, 273.15},
    Unit{"Celsius", "temperature", 1.0, 273.15},
    Unit{"\u00B0F", "temperature", 5.0 / 9.0, 459.67 * 5.0 / 9.0},
    Unit{"Pa", "pressure", 1.0},
    Unit{"hPa", "pressure", 1e2},
    Unit{"kPa", "pressure", 1e3},
    Unit{"MPa", "pressure", 1e6},
    Unit{"mbar", "pressure", 1e2},
    Unit{"bar", "pressure", 1e5},
    Unit{"atm", "pressure", 101'325.0},
    Unit{"torr", "pressure", 101'325.0 / 760.0},
    Unit{"Torr", "pressure", 101'325.0 / 760.0},
    Unit{"s", "time", 1.0},
    Unit{"sec", "time", 1.0},
    Unit{"ms", "time", 1e-3},
    Unit{"min", "time", 60.0},
    Unit{"h", "time", 3'600.0},
    Unit{"hr", "time", 3'600.0},
    Unit{"d", "time", 86'400.0},
    Unit{"kg", "mass", 1e3},
    Unit{"g", "mass", 1.0},
    Unit{"mg", "mass", 1e-3},
    Unit{"\u03BCg", "mass", 1e-6},
    Unit{"mol", "amount", 1.0},
    Unit{"mmol", "amount", 1e-3},
    Unit{"\u03BCmol", "amount", 1e-6},
    Unit{"umol", "amount", 1e-6},
    Unit{"mol/g", "loading", 1.0},
    Unit{"mmol/g", "loading", 1e-3},
    Unit{"\u03BCmol/g", "loading", 1e-6},
    Unit{"umol/g", "loading", 1e-6},
    Unit{"mol/kg", "loading", 1e-3},
    Unit{"L/min", "flow", 1e3},
    Unit{"mL/min", "flow", 1.0},
    Unit{"sccm", "flow", 1.0},
    Unit{"mln", "flow", 1.0},
    Unit{"mln/min", "flow", 1.0},
    Unit{"L/h", "flow", 1e3 / 60.0},
    Unit{"mL/h", "flow", 1.0 / 60.0},
    Unit{"mL/s", "flow", 60.0},
    Unit{"1", "ratio", 1.0},
    Unit{"-", "ratio", 1.0},
    Unit{"%", "ratio", 1e-2},
    Unit{"ppm", "ratio", 1e-6},
    Unit{"mol%", "mole fraction", 1e-2},
    Unit{"at%", "mole fraction", 1e-2},
    Unit{"wt%", "mass fraction", 1e-2},
    Unit{"m", "length", 1.0},
    Unit{"cm", "length", 1e-2},
    Unit{"mm", "length", 1e-3},
    Unit{"\u03BCm", "length", 1e-6},
    Unit{"nm", "length", 1e-9},
    Unit{"V", "potential", 1.0},
    Unit{"mV", "potential", 1e-3},
    Unit{"1/h", "space velocity", 1.0},
    Unit{"1/s", "space velocity", 3'600.0},
    Unit{"mL/g/h", "weight hourly space velocity", 1.0},
    Unit{"L/g/h", "weight hourly space velocity", 1e3},
    Unit{"mmol/g/h", "rate", 1.0},
    Unit{"mol/g/h", "rate", 1e3},
    Unit{"\u03BCmol/g/s", "rate", 3.6},
    Unit{"\u03BCmol/g/min", "rate", 0.06},
    Unit{"m2/g", "specific surface", 1.0},
};

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t found = text.find(from, at);
    out += text.substr(at, found - at);
    if (found == std::string_view::npos) return out;
    out += to;
    at = found + from.size();
  }
}

// One way of writing: no spaces, "/h" for "h^-1" and "h-1", L for l, "%" without a dot before it.
std::string normal(std::string_view unit) {
  std::string text;
  for (const char c : plain_characters(unit)) {
    if (c == '*') continue;
    text.push_back(c);
  }
  text = replace_all(text, "\u00B7", " ");
  text = replace_all(text, "^-1", "-1");
  text = replace_all(text, "^{-1}", "-1");
  // "ml g-1 h-1" and "mmolg^-1h^-1": each factor with -1 goes below the line.
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find("-1", at);
    if (end == std::string::npos) {
      out += text.substr(at);
      break;
    }
    std::size_t begin = end;
    while (begin > at && text[begin - 1] != ' ' && text[begin - 1] != '/') --begin;
    std::string_view factor = std::string_view(text).substr(begin, end - begin);
    std::string_view before;
    for (const std::string_view last : {"min", "kg", "g", "h", "s"}) {
      if (factor.ends_with(last)) {
        before = factor.substr(0, factor.size() - last.size());
        factor = last;
        break;
      }
    }
    out += text.substr(at, begin - at);
    out += before;
    out += "/";
    out += factor;
    at = end + 2;
  }
  std::erase(out, ' ');
  if (out.starts_with('/')) out.insert(out.begin(), '1');
  for (const std::string_view percent : {"mol", "wt", "at"}) {
    out = replace_all(out, std::string(percent) + ".%", std::string(percent) + "%");
  }
  for (const std::string_view litre : {"ml", "l"}) {
    const std::string right = litre == "ml" ? "mL" : "L";
    if (out == litre || out.starts_with(std::string(litre) + "/")) {
      out = right + out.substr(litre.size());
    }
  }
  return out;
}

const Unit* find(std::string_view normalised) {
  for (const Unit& unit : kUnits) {
    if (unit.name == normalised) return &unit;
  }
  return nullptr;
}

}  // namespace

double Conversion::operator()(double value) const {
  if (factor == 1.0 && offset == 0.0) return value;
  const double exact = value * factor + offset;
  return parse_number(fmt::format("{:.15g}", exact)).value_or(exact);
}

bool same_unit(std::string_view a, std::string_view b) {
  const std::string left = normal(a), right = normal(b);
  if (left == right) return true;
  const Unit* one = find(left);
  const Unit* other = find(right);
  return one && other && one->kind == other->kind && one->factor == other->factor &&
         one->offset == other->offset;
}

bool is_unit(std::string_view text) {
  return find(normal(text)) != nullptr;
}

Result<Conversion> convert_units(std::string_view from, std::string_view to) {
  if (same_unit(from, to)) return Conversion{};
  const Unit* source = find(normal(from));
  const Unit* target = find(normal(to));
  if (source == nullptr || target == nullptr) {
    return Error{ErrorCode::bad_data, "unknown unit", "",
                 std::string(source == nullptr ? from : to),
                 target == nullptr
                     ? ""
                     : "a unit of " + std::string(target->kind) + ", such as " + std::string(to)};
  }
  if (source->kind != target->kind) {
    return Error{ErrorCode::bad_data,
                 "a unit of " + std::string(source->kind) + " where one of " +
                     std::string(target->kind) + " is expected",
                 "", std::string(from), std::string(to)};
  }
  Conversion conversion;
  conversion.factor = source->factor / target->factor;
  conversion.offset = (source->offset - target->offset) / target->factor;
  return conversion;
}

}  // namespace kasetsu::tables
