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

// Whether an option of a table has one of its words, or is empty. Errors: bad_data with those that
// there are.
Status check_shape(std::string_view name);
Status check_encoding(std::string_view name);
Status check_name_amounts(std::string_view word);
Status check_decimal(std::string_view word);

}  // namespace kasetsu::campaign
