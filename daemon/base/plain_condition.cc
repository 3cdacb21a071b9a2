#include "daemon/base/plain_condition.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace kasetsu {

double plain_condition(double value) {
  if (value == 0.0 || !std::isfinite(value)) return value == 0.0 ? 0.0 : value;
  return std::strtod(fmt::format("{:.9g}", value).c_str(), nullptr);
}

}  // namespace kasetsu
