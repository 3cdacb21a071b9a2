// What the amounts of a composition are, and how one becomes the other. Weights are the standard
// atomic weights (weights.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/names.h"
#include "core/base/result.h"
#include "core/chemistry/composition.h"

namespace kasetsu::chemistry {

enum class Basis : std::uint8_t {
  atomic_ratio,           // counts, as of slots: only their ratios mean something
  mole_fraction,          // moles of each element by moles of all active elements; they sum to 1
  mass_fraction,          // grams of each element by grams of the whole catalyst
  mmol_per_g_support,     // millimoles of each element on one gram of support
  wt_percent_of_catalyst  // 100 x mass_fraction
};
inline constexpr auto kBasisNames =
    name_table<Basis>({{Basis::atomic_ratio, "atomic_ratio"},
                       {Basis::mole_fraction, "mole_fraction"},
                       {Basis::mass_fraction, "mass_fraction"},
                       {Basis::mmol_per_g_support, "mmol_per_g_support"},
                       {Basis::wt_percent_of_catalyst, "wt_percent_of_catalyst"}});

// The unit to print behind an amount: "", "mol/mol", "g/g", "mmol/g", "wt%".
std::string_view basis_unit(Basis basis);
// What a unit in a header, a cell or a JSON member tells of amounts.
struct ToldUnit {
  Basis basis = Basis::atomic_ratio;
  double scale = 1.0;  // an amount times this is in the basis: percent of moles are mole fractions
  // Grams or moles of a sample: moles are those on one gram of support.
  bool weighed = false;
};
// "wt%", "wt.%", "mass %", "at%", "mol%", "mmol/g", "mmol/g support", "g/g", "mol", "mg", ...
// Nothing for a bare "%" and other texts.
std::optional<ToldUnit> told_unit(std::string_view unit);

// Whether weights on a support leave something for it: an error (bad_data) where they sum to 100
// wt% or more. Other bases always do.
Status leaves_support(const Composition& active, Basis basis);

// The active elements' amounts in another basis. `supported`: the rest of the catalyst is a
// support; otherwise the active elements are all of it. Ratios of a supported catalyst tell no
// loading: from atomic_ratio or mole_fraction there is no way to a basis by mass or by gram of
// support. Errors (bad_data): that, amounts of a bulk catalyst by gram of support, shares that
// leave nothing for the support or do not sum to the whole, an element without an atomic weight.
Result<Composition> convert(const Composition& active, Basis from, Basis to, bool supported);

// The amounts brought to a space's total: those that sum to it, or to 100 times it (percent where
// the total is 1), within `tolerance` of it are scaled to it exactly; ratios (`are_ratios`: from a
// formula or a name) whatever their sum. Errors: bad_data that names the sum.
Result<Composition> scale_to_total(const Composition& active, double total, bool are_ratios,
                                   double tolerance = 0.005);

// The point of a grid with `step` that is nearest to `active` and has the same total (largest
// remainders). What a measured composition is compared with.
Composition nearest_on_grid(const Composition& active, double step);
// The largest difference of one element's amount.
double largest_difference(const Composition& a, const Composition& b);

// Whether `point` has every element of `active` whose amount is above `rounding`.
bool has_elements_of(const Composition& point, const Composition& active, double rounding);

}  // namespace kasetsu::chemistry
