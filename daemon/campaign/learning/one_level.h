// Conditions of which the measurements say nothing, because they stand at one value.
#pragma once

#include <set>
#include <string>

namespace kasetsu::campaign {

// One sentence where a condition has one value in all that was measured; else nothing. In the
// condition's own unit.
std::string one_level_note(const std::string& condition, const std::set<double>& measured);

}  // namespace kasetsu::campaign
