#include "daemon/campaign/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "core/text.h"

namespace kasetsu::campaign {
namespace {

// A fault found by the parser's callback, on its way out of the library.
struct Refused {
  std::string message;
};

Error bad(std::string_view pointer, std::string message, std::string value = {},
          std::string expected = {}) {
  return Error{ErrorCode::bad_data, std::move(message), std::string(pointer), std::move(value),
               std::move(expected)};
}

std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) return "{...}";
  if (value.is_array()) return "[...]";
  return dump_json(value);
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  // Keys of the objects that are open at present, from the outermost.
  std::vector<std::set<std::string, std::less<>>> open;
  const auto guard = [&open](int depth, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        if (depth >= kDeepestJson) {
          throw Refused{fmt::format("nested deeper than {} levels", kDeepestJson)};
        }
        if (event == Json::parse_event_t::object_start) open.emplace_back();
        break;
      case Json::parse_event_t::object_end:
        open.pop_back();
        break;
      case Json::parse_event_t::key: {
        const auto& name = parsed.get_ref<const std::string&>();
        if (!open.back().insert(name).second) {
          throw Refused{fmt::format("the member \"{}\" is there twice", name)};
        }
        break;
      }
      case Json::parse_event_t::value:
        if (parsed.is_number_float() && !std::isfinite(parsed.get<double>())) {
          throw Refused{"a number is too large"};
        }
        break;
      case Json::parse_event_t::array_end:
        break;
    }
    return true;
  };
  try {
    return Json::parse(text, guard);
  } catch (const Refused& refused) {
    return bad("", refused.message);
  } catch (const Json::parse_error& error) {
    return bad("", fmt::format("this is not JSON, at byte {}", error.byte));
  } catch (const Json::exception& error) {
    return bad("", fmt::format("this is not JSON: {}", error.what()));
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_pointer(std::string_view pointer, std::string_view member) {
  std::string out(pointer);
  out += '/';
  for (const char c : member) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

template <>
Result<bool> read_value_as<bool>(const Json& value, std::string_view pointer) {
  if (!value.is_boolean()) return bad(pointer, "not a truth value", shown(value), "true or false");
  return value.get<bool>();
}

template <>
Result<std::int64_t> read_value_as<std::int64_t>(const Json& value, std::string_view pointer) {
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    return bad(pointer, "the integer is too large", shown(value), "at most 9223372036854775807");
  }
  if (!value.is_number_integer()) {
    return bad(pointer, "not an integer", shown(value), "an integer");
  }
  return value.get<std::int64_t>();
}

template <>
Result<double> read_value_as<double>(const Json& value, std::string_view pointer) {
  if (!value.is_number()) return bad(pointer, "not a number", shown(value), "a finite number");
  const double number = value.get<double>();
  if (!std::isfinite(number)) {
    return bad(pointer, "the number is not finite", shown(value), "a finite number");
  }
  return number;
}

template <>
Result<std::string> read_value_as<std::string>(const Json& value, std::string_view pointer) {
  if (!value.is_string()) return bad(pointer, "not a text", shown(value), "a text");
  return value.get<std::string>();
}

template <typename T>
Result<T> read_field(const Json& object, std::string_view name, std::string_view pointer) {
  const auto found = object.find(name);
  if (found == object.end()) {
    return bad(json_pointer(pointer, name), "this member is missing");
  }
  return read_value_as<T>(*found, json_pointer(pointer, name));
}

template <typename T>
Result<std::optional<T>> read_optional(const Json& object, std::string_view name,
                                       std::string_view pointer) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::optional<T>();
  Result<T> value = read_value_as<T>(*found, json_pointer(pointer, name));
  if (!value) return value.error();
  return std::optional<T>(std::move(value).value());
}

template Result<bool> read_field<bool>(const Json&, std::string_view, std::string_view);
template Result<std::int64_t> read_field<std::int64_t>(const Json&, std::string_view,
                                                       std::string_view);
template Result<double> read_field<double>(const Json&, std::string_view, std::string_view);
template Result<std::string> read_field<std::string>(const Json&, std::string_view,
                                                     std::string_view);
template Result<std::optional<bool>> read_optional<bool>(const Json&, std::string_view,
                                                         std::string_view);
template Result<std::optional<std::int64_t>> read_optional<std::int64_t>(const Json&,
                                                                         std::string_view,
                                                                         std::string_view);
template Result<std::optional<double>> read_optional<double>(const Json&, std::string_view,
                                                             std::string_view);
template Result<std::optional<std::string>> read_optional<std::string>(const Json&,
                                                                       std::string_view,
                                                                       std::string_view);

Status refuse_unknown(const Json& object, std::initializer_list<std::string_view> known,
                      std::string_view pointer) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    const std::vector<std::string> nearest = nearest_names(name, names, 1);
    const std::string expected =
        nearest.empty() ? join_or(names) : fmt::format("\"{}\"?", nearest.front());
    return bad(json_pointer(pointer, name), "unknown member", name, expected);
  }
  return {};
}

}  // namespace kasetsu::campaign
