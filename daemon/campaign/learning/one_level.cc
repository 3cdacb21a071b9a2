#include "daemon/campaign/learning/one_level.h"

#include <fmt/format.h>

#include "core/base/text.h"

namespace kasetsu::campaign {

std::string one_level_note(const std::string& condition, const std::set<double>& measured) {
  if (measured.size() != 1) return {};
  return fmt::format(
      "{} is {} in all that was measured: what is predicted at other values is a guess.", condition,
      format_number(*measured.begin()));
}

}  // namespace kasetsu::campaign
