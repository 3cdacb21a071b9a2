// What numbers without a unit are.
#pragma once

#include <string>

#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

// The unit that numbers before the elements of names, and amounts without a unit, were told to
// have; empty: none was, or "none" (a line above the header that tells a unit is about something
// else).
inline std::string unit_of_numbers(const ReadOptions& options) {
  const std::string& told = options.profile ? options.profile->name_amounts : options.name_amounts;
  return told == "none" ? std::string() : told;
}

}  // namespace kasetsu::tables
