#include "core/chemistry/basis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"
#include "core/chemistry/weights.h"

namespace kasetsu::chemistry {
namespace {

constexpr double kWhole = 0.005;  // relative; shares are given to two or three digits

Error bad_amounts(std::string message, std::string value, std::string expected) {
  return {ErrorCode::bad_data, std::move(message), "", std::move(value), std::move(expected)};
}

Composition scaled(const Composition& active, double factor) {
  Composition out;
  for (const auto& part : active.parts()) out.add(part.element, part.amount * factor);
  return out;
}

// Every amount times or by the atomic weight.
Result<Composition> weighed(const Composition& active, bool to_grams) {
  Composition out;
  for (const auto& part : active.parts()) {
    const auto weight = atomic_weight(part.element);
    if (!weight) {
      return bad_amounts("an element without an atomic weight",
                         std::string(element_symbol(part.element)), "an element up to plutonium");
    }
    out.add(part.element, to_grams ? part.amount * *weight : part.amount / *weight);
  }
  return out;
}

bool by_mass(Basis basis) {
  return basis == Basis::mass_fraction || basis == Basis::wt_percent_of_catalyst;
}

Result<Composition> shares_of_one(const Composition& active, std::string_view what) {
  const double total = active.total();
  if (std::abs(total - 1.0) > kWhole) {
    return bad_amounts(fmt::format("the {} do not sum to the whole", what),
                       fmt::format("{:.9g}", total), "a sum of 1 (or of 100 %)");
  }
  return scaled(active, 1.0 / total);
}

// Moles of the active elements: on one gram of support (in mmol) where the basis tells a loading of
// a supported catalyst, else relative ones.
Result<Composition> to_moles(const Composition& active, Basis from, bool supported) {
  if (from == Basis::atomic_ratio) return active;
  if (from == Basis::mole_fraction) return shares_of_one(active, "mole fractions");
  if (from == Basis::mmol_per_g_support) {
    if (supported) return active;
    return bad_amounts("amounts by gram of support need a support", "mmol_per_g_support",
                       "a basis of the whole catalyst, such as wt_percent_of_catalyst");
  }
  Composition grams = scaled(active, from == Basis::mass_fraction ? 1.0 : 0.01);
  if (!supported) {
    Result<Composition> whole = shares_of_one(grams, "mass fractions");
    if (!whole.ok()) return whole;
    return weighed(*whole, false);
  }
  if (Status room = leaves_support(active, from); !room.ok()) return room.error();
  return weighed(scaled(grams, 1e3 / (1.0 - grams.total())), false);
}

}  // namespace

std::string_view basis_unit(Basis basis) {
  switch (basis) {
    case Basis::atomic_ratio:
      return "";
    case Basis::mole_fraction:
      return "mol/mol";
    case Basis::mass_fraction:
      return "g/g";
    case Basis::mmol_per_g_support:
      return "mmol/g";
    case Basis::wt_percent_of_catalyst:
      return "wt%";
  }
  return "";
}

namespace {

struct Known {
  std::string_view text;
  ToldUnit unit;
};
constexpr ToldUnit kWeight{Basis::wt_percent_of_catalyst};
constexpr ToldUnit kMass{Basis::mass_fraction};
constexpr ToldUnit kMolePercent{Basis::mole_fraction, 0.01};
constexpr ToldUnit kMoles{Basis::mole_fraction};
constexpr ToldUnit kLoading{Basis::mmol_per_g_support};
constexpr ToldUnit kMicro{Basis::mmol_per_g_support, 1e-3};
constexpr ToldUnit kRatio{Basis::atomic_ratio};
constexpr Known kUnits[] = {{"wt%", kWeight},
                            {"w%", kWeight},
                            {"weight%", kWeight},
                            {"wtpercent", kWeight},
                            {"wtpct", kWeight},
                            {"weightpercent", kWeight},
                            {"mass%", kWeight},
                            {"m%", kWeight},
                            {"%w/w", kWeight},
                            {"%wt", kWeight},
                            {"%mass", kWeight},
                            {"%masse", kWeight},
                            {"gew%", kWeight},
                            {"gewichts%", kWeight},
                            {"ma%", kWeight},
                            {"masse%", kWeight},
                            {"massen%", kWeight},
                            {"\u91CD\u91CF%", kWeight},
                            {"\u8CEA\u91CF%", kWeight},
                            {"wtppm", {Basis::wt_percent_of_catalyst, 1e-4}},
                            {"ppmw", {Basis::wt_percent_of_catalyst, 1e-4}},
                            {"g/g", kMass},
                            {"g/gcat", kMass},
                            {"mg/g", {Basis::mass_fraction, 1e-3}},
                            {"mgg1", {Basis::mass_fraction, 1e-3}},
                            {"mg/gcat", {Basis::mass_fraction, 1e-3}},
                            {"mg/gcatalyst", {Basis::mass_fraction, 1e-3}},
                            {"mggcat1", {Basis::mass_fraction, 1e-3}},
                            {"g/kg", {Basis::mass_fraction, 1e-3}},
                            {"mg/kg", {Basis::mass_fraction, 1e-6}},
                            {"ug/g", {Basis::mass_fraction, 1e-6}},
                            {"mug/g", {Basis::mass_fraction, 1e-6}},
                            {"gg1", kMass},
                            {"massfraction", kMass},
                            {"weightfraction", kMass},
                            {"at%", kMolePercent},
                            {"atom%", kMolePercent},
                            {"atomic%", kMolePercent},
                            {"atpercent", kMolePercent},
                            {"atpct", kMolePercent},
                            {"mol%", kMolePercent},
                            {"mole%", kMolePercent},
                            {"molpercent", kMolePercent},
                            {"mol/mol", kMoles},
                            {"molefraction", kMoles},
                            {"molarfraction", kMoles},
                            {"atomicfraction", kMoles},
                            {"atomfraction", kMoles},
                            {"mmol/g", kLoading},
                            {"mmolg1", kLoading},
                            {"mmol/gsupport", kLoading},
                            {"mmol/gsup", kLoading},
                            {"mol/kg", kLoading},
                            {"mol/g", {Basis::mmol_per_g_support, 1e3}},
                            {"molg1", {Basis::mmol_per_g_support, 1e3}},
                            {"umol/g", kMicro},
                            {"mumol/g", kMicro},
                            {"\u00B5mol/g", kMicro},
                            {"umolg1", kMicro},
                            {"mol", {Basis::mmol_per_g_support, 1e3, true}},
                            {"mmol", {Basis::mmol_per_g_support, 1.0, true}},
                            {"umol", {Basis::mmol_per_g_support, 1e-3, true}},
                            {"mumol", {Basis::mmol_per_g_support, 1e-3, true}},
                            {"\u00B5mol", {Basis::mmol_per_g_support, 1e-3, true}},
                            {"kg", {Basis::mass_fraction, 1e3, true}},
                            {"g", {Basis::mass_fraction, 1.0, true}},
                            {"mg", {Basis::mass_fraction, 1e-3, true}},
                            {"ratio", kRatio},
                            {"atomicratio", kRatio},
                            {"molarratio", kRatio},
                            {"molratio", kRatio}};

}  // namespace

std::optional<ToldUnit> told_unit(std::string_view unit) {
  std::string plain;
  for (const char c : fold_name(unit)) {
    if (c == ' ' || c == '.' || c == '-' || c == '_' || c == '(' || c == ')' || c == '^') continue;
    plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  // What was weighed in is what every amount means that no analysis is named with.
  constexpr std::string_view kNominal = "nominal";
  std::string_view text = plain;
  if (text.starts_with(kNominal)) text.remove_prefix(kNominal.size());
  if (text.ends_with(kNominal)) text.remove_suffix(kNominal.size());
  while (text.ends_with(',')) text.remove_suffix(1);
  for (const Known& known : kUnits) {
    if (text == known.text) return known.unit;
  }
  return std::nullopt;
}

Status leaves_support(const Composition& active, Basis basis) {
  if (!by_mass(basis)) return {};
  const double percent = active.total() * (basis == Basis::mass_fraction ? 100.0 : 1.0);
  if (100.0 - percent > 1e-7) return {};
  return bad_amounts("the active elements leave nothing for the support",
                     fmt::format("{:.9g} wt%", percent), "less than 100 wt% in all");
}

Result<Composition> convert(const Composition& active, Basis from, Basis to, bool supported) {
  if (active.empty()) return active;
  const bool loading_known = !supported || by_mass(from) || from == Basis::mmol_per_g_support;
  if (from == to && !(to == Basis::mole_fraction)) return active;
  Result<Composition> moles = to_moles(active, from, supported);
  if (!moles.ok()) return moles;
  if (to == Basis::atomic_ratio) return moles;
  if (to == Basis::mole_fraction) return scaled(*moles, 1.0 / moles->total());
  if (!loading_known) {
    return bad_amounts(
        "ratios do not tell how much is on the support", "",
        fmt::format("amounts by mass or by gram of support, to give {}", basis_unit(to)));
  }
  if (to == Basis::mmol_per_g_support) {
    if (supported) return moles;
    return bad_amounts("amounts by gram of support need a support", "no support",
                       "a basis of the whole catalyst, such as wt_percent_of_catalyst");
  }
  Result<Composition> grams = weighed(*moles, true);
  if (!grams.ok()) return grams;
  const double whole = supported ? grams->total() + 1e3 : grams->total();
  return scaled(*grams, (to == Basis::mass_fraction ? 1.0 : 100.0) / whole);
}

Result<Composition> scale_to_total(const Composition& active, double total, bool are_ratios,
                                   double tolerance) {
  const double sum = active.total();
  if (!(sum > 0.0)) return active;
  const auto near = [&](double wanted) { return std::abs(sum - wanted) <= tolerance * wanted; };
  if (!are_ratios && !near(total) && !near(100.0 * total)) {
    return bad_amounts(
        fmt::format("the amounts sum to {:.9g}, and the campaign's total is {:.9g}", sum, total),
        "", "amounts that sum to the total, or percent of it");
  }
  return scaled(active, total / sum);
}

Composition nearest_on_grid(const Composition& active, double step) {
  const auto& parts = active.parts();
  std::vector<double> counts;
  std::vector<std::pair<double, std::size_t>> remainders;
  double left = std::round(active.total() / step);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double exact = parts[i].amount / step;
    counts.push_back(std::floor(exact + 1e-9));
    remainders.emplace_back(counts.back() - exact, i);
    left -= counts.back();
  }
  std::sort(remainders.begin(), remainders.end());
  for (const auto& [remainder, i] : remainders) {
    if (left < 0.5) break;
    counts[i] += 1.0;
    left -= 1.0;
  }
  Composition out;
  for (std::size_t i = 0; i < parts.size(); ++i) out.add(parts[i].element, counts[i] * step);
  return out;
}

bool has_elements_of(const Composition& point, const Composition& active, double rounding) {
  const auto& parts = active.parts();
  return std::all_of(parts.begin(), parts.end(), [&](const auto& part) {
    return part.amount <= rounding || point.amount(part.element) > 0.0;
  });
}

double largest_difference(const Composition& a, const Composition& b) {
  double largest = 0.0;
  for (const auto& part : a.parts()) {
    largest = std::max(largest, std::abs(part.amount - b.amount(part.element)));
  }
  for (const auto& part : b.parts()) {
    largest = std::max(largest, std::abs(part.amount - a.amount(part.element)));
  }
  return largest;
}

}  // namespace kasetsu::chemistry
