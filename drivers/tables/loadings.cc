#include "drivers/tables/loadings.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/weights.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {

Result<chemistry::Composition> combine(const std::vector<Loading>& loadings,
                                       std::string_view unit) {
  chemistry::Composition composition;
  if (unit.empty()) {
    for (const Loading& loading : loadings) {
      if (!same_unit(loading.unit, loadings.front().unit)) {
        return Error{ErrorCode::bad_data, "amounts in different units", "", loading.unit,
                     loadings.front().unit};
      }
      composition.add(loading.element, loading.amount);
    }
    return composition;
  }
  double mass_fraction = 0.0;
  for (const Loading& loading : loadings) {
    if (same_unit(loading.unit, "wt%")) mass_fraction += loading.amount / 100.0;
  }
  if (mass_fraction >= 1.0) {
    return Error{ErrorCode::bad_data, "the active elements are the whole catalyst", "",
                 format_number(100.0 * mass_fraction), "less than 100 wt%"};
  }
  double grams = 0.0;  // of active elements on one gram of support
  for (const Loading& loading : loadings) {
    const auto weight = chemistry::atomic_weight(loading.element);
    double millimoles = 0.0;
    if (same_unit(loading.unit, "wt%")) {
      if (!weight) {
        return Error{ErrorCode::bad_data, "an element without an atomic weight", "",
                     std::string(chemistry::element_symbol(loading.element)), "mmol/g"};
      }
      millimoles = loading.amount / 100.0 / (1.0 - mass_fraction) / *weight * 1e3;
    } else {
      auto conversion = convert_units(loading.unit, "mmol/g");
      if (!conversion) {
        // An amount of substance is what was weighed in for one gram.
        auto amount = convert_units(loading.unit, "mmol");
        if (!amount) return conversion.error();
        conversion = std::move(amount);
      }
      millimoles = (*conversion)(loading.amount);
    }
    composition.add(loading.element, millimoles);
    grams += millimoles * 1e-3 * weight.value_or(250.0);
  }
  if (grams > 1.0) {
    return Error{
        ErrorCode::bad_data,
        fmt::format("{:.3g} g of active elements on one gram of support: mol or mmol?", grams), "",
        loadings.front().unit, "amounts of mmol on one gram"};
  }
  return composition;
}

}  // namespace kasetsu::tables
