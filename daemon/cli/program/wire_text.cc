#include "daemon/cli/program/wire_text.h"

namespace kasetsu::cli {

std::string field(const Json& object, std::string_view name) {
  if (!object.is_object()) return "-";
  const auto found = object.find(std::string(name));
  if (found == object.end() || found->is_null()) return "-";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_float()) return format_short(found->get<double>());
  return found->dump();
}

std::string catalyst_text(const Json& object) {
  if (!object.is_object() || !object.contains("catalyst")) return "-";
  const std::string description = field(object["catalyst"], "description");
  return description == "-" ? field(object["catalyst"], "key") : description;
}

}  // namespace kasetsu::cli
