#include "daemon/base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/base/text.h"

namespace kasetsu {
namespace {

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

// Builds the value, and stops at what parse_json refuses. (The library's own callback would be
// called for every token and needs a set of names for every object.)
class JsonBuilder {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  bool null() { return put(Json()); }
  bool boolean(bool value) { return put(Json(value)); }
  bool number_integer(number_integer_t value) { return put(Json(value)); }
  bool number_unsigned(number_unsigned_t value) { return put(Json(value)); }
  bool number_float(number_float_t value, const string_t&) {
    if (!std::isfinite(value)) return refuse("a number is too large");
    return put(Json(value));
  }
  bool string(string_t& value) { return put(Json(std::move(value))); }
  bool binary(binary_t&) { return refuse("this is not JSON"); }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(string_t& name) {
    auto& object = open_.back()->get_ref<Json::object_t&>();
    const auto [place, is_new] = object.try_emplace(std::move(name));
    if (!is_new) return refuse(fmt::format("the member \"{}\" is there twice", place->first));
    member_ = &place->second;
    return true;
  }
  bool parse_error(std::size_t byte, const std::string&, const Json::exception& error) {
    constexpr int kNumberOverflow = 406;
    return refuse(error.id == kNumberOverflow ? "a number is too large"
                                              : fmt::format("this is not JSON, at byte {}", byte));
  }

  Json& value() { return root_; }
  std::string& refusal() { return refusal_; }

 private:
  bool refuse(std::string message) {
    refusal_ = std::move(message);
    return false;
  }
  Json* place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      auto& array = open_.back()->get_ref<Json::array_t&>();
      array.push_back(std::move(value));
      return &array.back();
    }
    *member_ = std::move(value);
    return member_;
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (static_cast<int>(open_.size()) >= kDeepestJson) {
      return refuse(fmt::format("nested deeper than {} levels", kDeepestJson));
    }
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;  // no element is added to one of these but the last
  Json* member_ = nullptr;   // of the innermost object: waits for its value
  std::string refusal_;
};

}  // namespace

Result<Json> parse_json(std::string_view text) {
  JsonBuilder builder;
  try {
    if (!Json::sax_parse(text, &builder)) return bad("", std::move(builder.refusal()));
  } catch (const Json::exception& error) {
    return bad("", fmt::format("this is not JSON: {}", error.what()));
  }
  return std::move(builder.value());
}

Result<Json> parse_measured_json(std::string_view text) {
  Result<Json> parsed = parse_json(text);
  if (parsed) return parsed;
  std::string plain;
  bool quoted = false, found = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    std::size_t length = 1;
    std::string_view written = rest.substr(0, 1);
    if (quoted && rest[0] == '\\' && rest.size() > 1) {
      length = 2;
      written = rest.substr(0, 2);
    } else if (rest[0] == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      for (const auto& [token, as] : {std::pair<std::string_view, std::string_view>{"NaN", "null"},
                                      {"-Infinity", "\"-Infinity\""},
                                      {"Infinity", "\"Infinity\""}}) {
        if (!rest.starts_with(token)) continue;
        length = token.size();
        written = as;
        found = true;
        break;
      }
    }
    plain += written;
    at += length;
  }
  if (!found) return parsed;
  Result<Json> again = parse_json(plain);
  return again ? again : parsed;
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

}  // namespace kasetsu
