// Units of laboratories, converted where both are known and measure the same thing. Never a guess:
// an unknown unit is an error unless it is written the same on both sides.
#pragma once

#include <string_view>

#include "core/base/result.h"

namespace kasetsu::tables {

struct Conversion {
  double factor = 1.0;
  double offset = 0.0;
  // value * factor + offset to fifteen digits, so that 120000 ppm are 12 % and no neighbour of it.
  double operator()(double value) const;
};

// From one unit to the other. bad_data: unknown, or of another kind ("mol" and "K").
Result<Conversion> convert_units(std::string_view from, std::string_view to);

// Whether two texts write the same unit ("mL/min", "ml min^-1").
bool same_unit(std::string_view a, std::string_view b);

// Whether the text writes a unit that can be converted.
bool is_unit(std::string_view text);

}  // namespace kasetsu::tables
