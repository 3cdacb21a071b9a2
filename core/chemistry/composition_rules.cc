#include "core/chemistry/composition_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/weights.h"

namespace kasetsu::chemistry {
namespace {

constexpr int kOxygen = 8;

Error bad_amounts(std::string message, std::string value, std::string expected) {
  return {ErrorCode::bad_data, std::move(message), "", std::move(value), std::move(expected)};
}

bool is_loading(Basis basis) {
  return basis == Basis::mass_fraction || basis == Basis::wt_percent_of_catalyst ||
         basis == Basis::mmol_per_g_support;
}

// Amounts of one kind: the unit's basis with its percent taken off.
struct Told {
  Composition active;
  Basis basis = Basis::atomic_ratio;
  bool weighed = false;  // grams or moles of a sample, not shares of it
};

Composition scaled(const Composition& active, double factor) {
  Composition out;
  for (const auto& part : active.parts()) out.add(part.element, part.amount * factor);
  return out;
}

Composition without_oxygen(const Composition& active) {
  Composition out;
  for (const auto& part : active.parts()) {
    if (part.element != kOxygen) out.add(part.element, part.amount);
  }
  return out;
}

Error different_units(const ElementAmount& one, const ElementAmount& first) {
  return bad_amounts(
      fmt::format("amounts in different units: {} in {} beside {} in {}",
                  element_symbol(one.element), one.unit, element_symbol(first.element), first.unit),
      one.unit,
      fmt::format("the amounts of all elements in one unit, such as {} ({})",
                  element_symbol(one.element), first.unit));
}

Error unknown_unit(const ElementAmount& one) {
  const std::string& unit = one.unit;
  if (unit.empty()) {
    return bad_amounts(fmt::format("an amount of {} without a unit stands beside amounts with one",
                                   element_symbol(one.element)),
                       format_number(one.amount), "an amount with its unit for each element");
  }
  const bool percent = unit == "%";
  return bad_amounts(percent ? "percent of what is not told" : "an unknown unit of an amount", unit,
                     percent ? "wt%, at% or mol%"
                             : "wt%, at%, mol%, g/g, mol/mol, mmol/g, mol/g, mmol, mol, g or mg");
}

// Each amount in the basis that its unit tells; all must tell the same one. Weights on a support
// beside loadings are left to the caller.
Result<Told> read_units(const std::vector<ElementAmount>& amounts, bool supported) {
  Told told;
  bool first = true;
  for (const ElementAmount& one : amounts) {
    const std::optional<ToldUnit> unit = told_unit(one.unit);
    if (!unit) return unknown_unit(one);
    Basis basis = unit->basis;
    double scale = unit->scale;
    if (basis == Basis::wt_percent_of_catalyst) {
      basis = Basis::mass_fraction;
      scale *= 0.01;
    }
    if (!first && (basis != told.basis || unit->weighed != told.weighed)) {
      return different_units(one, amounts.front());
    }
    first = false;
    told.basis = basis;
    told.weighed = unit->weighed;
    told.active.add(one.element, one.amount * scale);
  }
  if (!told.weighed) return told;
  if (told.basis == Basis::mass_fraction) {
    if (supported) {
      return bad_amounts("grams of active elements, and of how much support is not told",
                         amounts.front().unit, "wt% of the whole catalyst, or mmol/g of support");
    }
    // Weighed together they are the whole.
    if (told.active.total() > 0.0) told.active = scaled(told.active, 1.0 / told.active.total());
  } else if (!supported) {
    told.basis = Basis::atomic_ratio;
  }
  return told;
}

// mol written for mmol gives elements that weigh more than the support they lie on.
Status check_loading(const Composition& loading, const std::string& unit) {
  double grams = 0.0;
  constexpr double kHeavy = 250.0;
  for (const auto& part : loading.parts()) {
    grams += part.amount * 1e-3 * atomic_weight(part.element).value_or(kHeavy);
  }
  if (grams <= 1.0) return {};
  return bad_amounts(
      fmt::format("{:.3g} g of active elements on one gram of support: mol or mmol?", grams), unit,
      "amounts of mmol on one gram");
}

// Between weights and loadings on a support. An amount that is so near to a number of six digits
// that the nine digits of a key may have made the difference is that number: 10 wt% stay 10 wt%
// after a way through mmol/g.
Result<Composition> converted_loading(const Composition& active, Basis from, Basis to) {
  constexpr double kNear = 5e-8;
  const Result<Composition> converted = convert(active, from, to, true);
  if (!converted.ok()) return converted;
  Composition out;
  for (const auto& part : converted->parts()) {
    const double digits = std::pow(10.0, 5.0 - std::floor(std::log10(part.amount)));
    const double rounded = std::round(part.amount * digits) / digits;
    const bool near = std::abs(rounded - part.amount) <= kNear * part.amount;
    out.add(part.element, near ? rounded : part.amount);
  }
  return out;
}

// Weights beside loadings on one support: what the weights leave is the support.
Result<Composition> loading_of_mixed(const std::vector<ElementAmount>& amounts) {
  Composition by_weight, loading;
  for (const ElementAmount& one : amounts) {
    const std::optional<ToldUnit> unit = told_unit(one.unit);
    if (!unit) return unknown_unit(one);
    if (unit->basis == Basis::mmol_per_g_support) {
      loading.add(one.element, one.amount * unit->scale);
    } else if (!unit->weighed && is_loading(unit->basis)) {
      const double percent = unit->basis == Basis::mass_fraction ? 100.0 : 1.0;
      by_weight.add(one.element, one.amount * unit->scale * percent);
    } else {
      return different_units(one, amounts.front());
    }
  }
  Result<Composition> moles =
      convert(by_weight, Basis::wt_percent_of_catalyst, Basis::mmol_per_g_support, true);
  if (!moles.ok()) return moles;
  for (const auto& part : moles->parts()) loading.add(part.element, part.amount);
  return loading;
}

// Of a campaign that tells no basis: weights and loadings on a support are mmol/g, the weights of a
// whole are shares of the substance with the same sum, other numbers stay.
Result<Composition> amounts_without_basis(const std::vector<ElementAmount>& amounts,
                                          bool supported) {
  Composition plain;
  for (const ElementAmount& one : amounts) plain.add(one.element, one.amount);
  const std::string& unit = amounts.front().unit;
  const bool one_unit = std::all_of(amounts.begin(), amounts.end(),
                                    [&](const ElementAmount& one) { return one.unit == unit; });
  if (one_unit && (unit.empty() || unit == "%")) return plain;
  Result<Told> told = read_units(amounts, supported);
  if (!told.ok()) {
    if (!supported || one_unit) return told.error();
    Result<Composition> loading = loading_of_mixed(amounts);
    if (!loading.ok()) return told.error();
    told = Told{std::move(*loading), Basis::mmol_per_g_support, false};
  }
  switch (told->basis) {
    case Basis::mass_fraction:
      if (!supported) {
        Result<Composition> shares = convert(scaled(told->active, 1.0 / told->active.total()),
                                             Basis::mass_fraction, Basis::mole_fraction, false);
        if (!shares.ok()) return shares;
        return scaled(*shares, plain.total());
      }
      return converted_loading(told->active, Basis::mass_fraction, Basis::mmol_per_g_support);
    case Basis::mmol_per_g_support:
      if (supported) {
        if (Status fine = check_loading(told->active, unit); !fine.ok()) return fine.error();
      }
      return told->active;
    default:
      if (!one_unit) {
        return different_units(amounts.back(), amounts.front());
      }
      return plain;
  }
}

// Shares of moles on a support are those of the active elements among one another: 5 mol% alone
// tell neither that nor how much lies on the support.
Status check_shares(const std::vector<ElementAmount>& amounts) {
  constexpr double kRounded = 0.02;
  double sum = 0.0;
  for (const ElementAmount& one : amounts) {
    const std::optional<ToldUnit> unit = told_unit(one.unit);
    if (!unit || unit->weighed || unit->basis != Basis::mole_fraction) return {};
    sum += one.amount * unit->scale;
  }
  if (sum == 0.0 || std::abs(sum - 1.0) <= kRounded) return {};
  return bad_amounts(
      "shares of the elements on a support do not sum to 100 %",
      fmt::format("{} %", format_number(std::round(1e8 * sum) / 1e6)),
      "shares of the active elements that sum to 100 %, or loadings in wt% or mmol/g");
}

struct InBasis {
  Composition active;
  bool are_ratios = false;  // their sum says nothing
};

Result<InBasis> in_basis(const std::vector<ElementAmount>& amounts, AmountsKind kind,
                         bool supported, const CompositionRules& rules) {
  Composition plain;
  for (const ElementAmount& one : amounts) plain.add(one.element, one.amount);
  const bool own = std::all_of(amounts.begin(), amounts.end(),
                               [](const ElementAmount& one) { return one.unit.empty(); });
  const bool to_ratios = !rules.basis || *rules.basis == Basis::atomic_ratio;
  if (kind == AmountsKind::ratios) {
    if (to_ratios) return InBasis{std::move(plain), true};
    // Where only the unit of a space tells the basis, a support may be there and have no name.
    const bool on_support =
        supported || (is_loading(*rules.basis) && rules.plain_names_are_amounts);
    Result<Composition> active = convert(plain, Basis::atomic_ratio, *rules.basis, on_support);
    if (!active.ok()) return active.error();
    return InBasis{std::move(*active), true};
  }
  if (own) return InBasis{std::move(plain), rules.basis && to_ratios};
  if (supported) {
    if (Status fine = check_shares(amounts); !fine.ok()) return fine.error();
  }
  if (!rules.basis) {
    Result<Composition> active = amounts_without_basis(amounts, supported);
    if (!active.ok()) return active.error();
    return InBasis{std::move(*active), false};
  }
  Result<Told> told = read_units(amounts, supported);
  if (!told.ok()) return told.error();
  const bool moles_told = told->basis == Basis::mmol_per_g_support;
  const bool moles_wanted = *rules.basis == Basis::mmol_per_g_support;
  Result<Composition> active =
      supported && is_loading(told->basis) && is_loading(*rules.basis) && moles_told != moles_wanted
          ? converted_loading(told->active, told->basis, *rules.basis)
          : convert(told->active, told->basis, *rules.basis, supported);
  if (!active.ok()) return active.error();
  if (*rules.basis == Basis::mmol_per_g_support && supported) {
    if (Status fine = check_loading(*active, amounts.front().unit); !fine.ok()) return fine.error();
  }
  return InBasis{std::move(*active),
                 to_ratios || !supported || *rules.basis == Basis::mole_fraction};
}

Result<Composition> to_whole(const Composition& active, double whole, bool are_ratios) {
  if (!(whole > 0.0) || active.empty()) return active;
  constexpr double kSame = 1e-8;  // what nine digits of a key leave
  if (std::abs(active.total() - whole) <= kSame * whole) return active;
  // Fractions where the campaign counts in percent.
  const bool fractions = whole == 100.0 && std::abs(active.total() - 1.0) <= 0.005;
  return scale_to_total(active, whole, are_ratios || fractions);
}

// Whether the amounts' unit says that only their ratios count.
bool are_shares(const std::vector<ElementAmount>& amounts, AmountsKind kind,
                const CompositionRules& rules) {
  const std::string& unit = amounts.front().unit;
  if (kind == AmountsKind::ratios || unit.empty()) return false;
  const std::optional<ToldUnit> told = told_unit(unit);
  return rules.basis.has_value() || (told && !is_loading(told->basis));
}

// The smallest counts of slots that have these shares; where there are none, the shares. Amounts
// that sum to 1 or 100 are shares.
Composition counts_of_slots(const Composition& active, int slots, bool shares) {
  const double sum = active.total();
  const auto is_count = [](double amount) {
    return amount > 0.5 && std::abs(amount - std::round(amount)) < 1e-6;
  };
  const auto& parts = active.parts();
  const bool counts = std::all_of(parts.begin(), parts.end(),
                                  [&](const auto& part) { return is_count(part.amount); });
  if (parts.empty() || (counts && sum < slots + 0.5)) return active;
  const auto near = [&](double whole) { return std::abs(sum - whole) <= 0.005 * whole; };
  if (!shares && !counts && !near(1.0) && !near(100.0)) return active;
  // Within the slots two digits of a share are enough; beyond them counts must be exact.
  constexpr int kMostCounts = 20;
  for (int n = 1; n <= std::max(slots, kMostCounts); ++n) {
    const double kNear = n <= slots ? 0.02 : 1e-6;
    Composition whole;
    bool all = true;
    for (const auto& part : parts) {
      const double exact = part.amount / sum * n;
      all = all && std::round(exact) > 0.5 && std::abs(exact - std::round(exact)) <= kNear;
      whole.add(part.element, std::round(exact));
    }
    if (all && std::abs(whole.total() - n) < 0.5) return whole;
  }
  return shares || near(1.0) || near(100.0) ? scaled(active, 1.0 / sum) : active;
}

// The nearest point of the campaign's space, where it is near enough. Amounts of the point's
// elements may differ by the tolerance; an element that was put in and that the point lacks makes
// it another catalyst, unless it is what rounding leaves.
Composition on_grid(const Composition& active, double whole, const CompositionRules& rules) {
  constexpr double kRounding = 1e-3;  // of the whole
  Composition best = active;
  double least = std::numeric_limits<double>::infinity();
  const auto consider = [&](const Composition& point, double tolerance, double rounding) {
    const double difference = largest_difference(point, active);
    if (point.empty() || difference > tolerance * (1.0 + 1e-9) || difference >= least) return;
    if (!has_elements_of(point, active, rounding)) return;
    least = difference;
    best = point;
  };
  for (const AmountGrid& grid : rules.grids) {
    if (grid.step > 0.0) {
      const double rounding = std::min(kRounding * whole, 0.1 * grid.step);
      consider(nearest_on_grid(active, grid.step), rules.tolerance.value_or(rounding), rounding);
    }
    if (!rules.tolerance) continue;
    for (const Composition& point : grid.points) {
      consider(point, *rules.tolerance, kRounding * point.total());
    }
    if (grid.levels.empty()) continue;
    const auto lowest = std::find_if(grid.levels.begin(), grid.levels.end(),
                                     [](double level) { return level > 0.0; });
    if (lowest == grid.levels.end()) continue;
    const double rounding = kRounding * *lowest;
    Composition point;
    for (const auto& part : active.parts()) {
      double nearest = part.amount <= rounding ? 0.0 : *lowest;
      for (const double level : grid.levels) {
        if (level > 0.0 && std::abs(level - part.amount) < std::abs(nearest - part.amount)) {
          nearest = level;
        }
      }
      if (nearest > 0.0) point.add(part.element, nearest);
    }
    consider(point, *rules.tolerance, rounding);
  }
  return best;
}

}  // namespace

std::string_view CompositionRules::unit() const {
  if (!basis) return "";
  if (*basis == Basis::mole_fraction && total == 100.0) return "mol%";
  return basis_unit(*basis);
}

double CompositionRules::whole(bool supported) const {
  if (total > 0.0) return total;
  if (!basis) return 0.0;
  if (*basis == Basis::mole_fraction) return 1.0;
  // Without a basis that is told a support may be there and have no name.
  if (supported || plain_names_are_amounts) return 0.0;
  if (*basis == Basis::mass_fraction) return 1.0;
  return *basis == Basis::wt_percent_of_catalyst ? 100.0 : 0.0;
}

Status CompositionRules::validate() const {
  const auto wrong = [&](std::string message, std::string value, std::string expected) -> Status {
    return Error{ErrorCode::invalid_argument, std::move(message), "", std::move(value),
                 std::move(expected)};
  };
  if (total != 0.0 && !(total >= kSmallestAmount && total <= kLargestAmount)) {
    return wrong("total is out of range", format_number(total), "a number above 0");
  }
  if (tolerance && (!(*tolerance >= 0.0) || !std::isfinite(*tolerance))) {
    return wrong("tolerance is out of range", format_number(*tolerance), "a number from 0");
  }
  if (slots > 0 && basis && *basis != Basis::atomic_ratio) {
    return wrong("slots count atoms", std::string(kBasisNames.to_name(*basis)),
                 "basis = \"atomic_ratio\" with a space of slots");
  }
  if (!basis || total == 0.0) return {};
  switch (*basis) {
    case Basis::mole_fraction:
      if (total == 1.0 || total == 100.0) return {};
      return wrong("mole fractions have another total", format_number(total),
                   "total = 1, or 100 for mol%");
    case Basis::mass_fraction:
      if (total <= 1.0) return {};
      return wrong("mass fractions add up to more than the whole", format_number(total),
                   "total = 1 or less");
    case Basis::wt_percent_of_catalyst:
      if (total <= 100.0) return {};
      return wrong("weight percent add up to more than the whole", format_number(total),
                   "total = 100 or less");
    default:
      return {};
  }
}

Result<BroughtAmounts> bring_amounts(const std::vector<ElementAmount>& amounts, AmountsKind kind,
                                     bool supported, const CompositionRules& rules) {
  BroughtAmounts brought;
  std::vector<ElementAmount> given;
  Composition told;
  // What a solver or an instrument leaves of a zero is none.
  constexpr double kDust = 1e-9;
  double most = 0.0;
  for (const ElementAmount& one : amounts) most = std::max(most, one.amount);
  if (most > 0.0 && !(most >= kSmallestAmount && most <= kLargestAmount)) {
    return bad_amounts("an amount out of any range", format_number(most),
                       "amounts between 1e-30 and 1e30");
  }
  for (const ElementAmount& one : amounts) {
    if (!(one.amount > kDust * most)) continue;
    given.push_back(one);
    told.add(one.element, one.amount);
  }
  if (given.empty()) return brought;
  Result<InBasis> read = in_basis(given, kind, supported, rules);
  if (!read.ok()) return read.error();
  const double whole = rules.whole(supported);
  Composition active = std::move(read->active);
  const double oxygen = rules.count_oxygen ? 0.0 : active.amount(kOxygen);
  if (oxygen > 0.0) {
    // The others may be the whole by themselves, or together with it.
    Composition others = without_oxygen(active);
    if (!to_whole(others, whole, read->are_ratios).ok()) {
      if (const auto all = to_whole(active, whole, false); !all.ok()) return all.error();
      read->are_ratios = true;
    }
    active = std::move(others);
    if (active.empty()) return brought;
    brought.dropped_oxygen = oxygen / active.total();
    told = without_oxygen(told);
  }
  if (rules.basis && supported && !(whole > 0.0)) {
    if (Status room = leaves_support(active, *rules.basis); !room.ok()) return room.error();
  }
  Result<Composition> scaled_to = to_whole(active, whole, read->are_ratios);
  if (!scaled_to.ok()) return scaled_to.error();
  active = std::move(*scaled_to);
  if (rules.slots > 0) {
    active = counts_of_slots(active, rules.slots, are_shares(given, kind, rules));
  }
  brought.active = on_grid(active, whole, rules);
  brought.changed = largest_difference(brought.active, told) > 1e-9 * told.total();
  return brought;
}

}  // namespace kasetsu::chemistry
