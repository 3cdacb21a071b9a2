// Words of tables that doors check or write.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/chemistry/composition_rules.h"

namespace kasetsu::campaign {

// What an export says of the amounts in a campaign's keys: their unit, or "ratio" where nothing but
// their ratios counts; empty: neither is told.
std::string exported_unit(const chemistry::CompositionRules& rules);

// Whether it is the name of a shape of tables, or empty. Errors: bad_data with those that there
// are.
Status check_shape(std::string_view name);

}  // namespace kasetsu::campaign
