#include "daemon/http/message.h"

#include <algorithm>

#include "core/base/result.h"

namespace kasetsu::http {

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::open:
      return "open";
    case Scope::read:
      return "read";
    case Scope::results:
      return "results";
    case Scope::campaigns:
      return "campaigns";
    case Scope::admin:
      return "admin";
  }
  return "admin";
}

bool Principal::may(Scope scope) const {
  return scope == Scope::open || std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

const std::string& Request::parameter(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const auto& item) { return item.first == name; });
  KASETSU_ASSERT(found != parameters.end());
  return found->second;
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace kasetsu::http
