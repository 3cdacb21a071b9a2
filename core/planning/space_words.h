// Words that a candidate space uses in errors and keys.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "core/result.h"

namespace kasetsu::planning {

inline Error wrong_space(std::string message, std::string value, std::string expected) {
  return Error{ErrorCode::invalid_argument, std::move(message), "space", std::move(value),
               std::move(expected)};
}

// Nine significant digits: numbers that read the same are the same level.
inline std::string key_number(double value) {
  return fmt::format("{:.9g}", value);
}

}  // namespace kasetsu::planning
