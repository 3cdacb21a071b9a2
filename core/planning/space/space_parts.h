// What the sources of a candidate space share: its errors, and when two numbers are the same.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/base/result.h"

namespace kasetsu::planning {

inline Error wrong_space(std::string message, std::string value, std::string expected) {
  return Error{ErrorCode::invalid_argument, std::move(message), "space", std::move(value),
               std::move(expected)};
}

inline bool same_amount(double a, double b) {
  constexpr double kSameAmount = 1e-6;
  return std::abs(a - b) <= kSameAmount * std::max(std::abs(a), std::abs(b));
}

// Nine significant digits: numbers that read the same are the same level.
inline std::string key_number(double value) {
  return fmt::format("{:.9g}", value);
}

}  // namespace kasetsu::planning
