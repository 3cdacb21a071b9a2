#include "daemon/campaign/records/conditions.h"

#include <algorithm>

#include "daemon/base/json.h"
#include "daemon/base/plain_condition.h"

namespace kasetsu::campaign {

std::string conditions_text(const std::map<std::string, double>& conditions) {
  Json object = Json::object();
  for (const auto& [name, value] : conditions) object[name] = plain_condition(value);
  return dump_json(object);
}

std::map<std::string, double> read_conditions(std::string_view text) {
  std::map<std::string, double> numbers;
  const Result<Json> object = parse_json(text);
  if (!object || !object->is_object()) return numbers;
  for (const auto& [name, value] : object->items()) {
    if (value.is_number()) numbers.emplace(name, plain_condition(value.get<double>()));
  }
  return numbers;
}

bool answers_conditions(std::string_view asked, std::string_view told) {
  if (asked.empty() || asked == "{}" || asked == told) return true;
  const auto told_numbers = read_conditions(told);
  const auto asked_numbers = read_conditions(asked);
  return std::all_of(asked_numbers.begin(), asked_numbers.end(), [&](const auto& one) {
    const auto found = told_numbers.find(one.first);
    return found != told_numbers.end() && found->second == one.second;
  });
}

}  // namespace kasetsu::campaign
