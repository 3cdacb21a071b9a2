// Reading JSON from outside: bounded, strict, with errors that carry a JSON pointer.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/result.h"

namespace kasetsu {

using Json = nlohmann::json;

inline constexpr int kDeepestJson = 32;

// Parses one document. bad_data for: syntax (with the byte's position), nesting deeper than
// kDeepestJson, a key twice in one object, a number that a double cannot hold. (The library's own
// recursion in copying and printing deep values would overflow the stack.)
Result<Json> parse_json(std::string_view text);
// The same for what robots send: the NaN that Python and R write for "not measured" is null, and
// their Infinity is the text of that name, which is no number.
Result<Json> parse_measured_json(std::string_view text);

// Compact text; invalid UTF-8 is replaced, never thrown at the caller.
std::string dump_json(const Json& value);

// Appends a member's name to a pointer, with ~ and / escaped (RFC 6901).
std::string json_pointer(std::string_view pointer, std::string_view member);

// One value as T: bool, std::int64_t, double (finite; integers are taken) or std::string.
// No conversion between kinds: 3.9 is no integer, true is no number. `pointer` says where it
// is.
template <typename T>
Result<T> read_value_as(const Json& value, std::string_view pointer);
template <>
Result<bool> read_value_as<bool>(const Json& value, std::string_view pointer);
template <>
Result<std::int64_t> read_value_as<std::int64_t>(const Json& value, std::string_view pointer);
template <>
Result<double> read_value_as<double>(const Json& value, std::string_view pointer);
template <>
Result<std::string> read_value_as<std::string>(const Json& value, std::string_view pointer);

// Member `name` of an object; bad_data when it is absent or of another kind.
template <typename T>
Result<T> read_field(const Json& object, std::string_view name, std::string_view pointer = "");
// Absent or null: empty.
template <typename T>
Result<std::optional<T>> read_optional(const Json& object, std::string_view name,
                                       std::string_view pointer = "");

// bad_data for the first member that is not in `known`, with the nearest known name.
Status refuse_unknown(const Json& object, std::initializer_list<std::string_view> known,
                      std::string_view pointer);

// Reads the members of one object and remembers the first problem, so that a caller reads all of
// them and looks at the status once. After a problem, values are empty.
class FieldReader {
 public:
  FieldReader(const Json& object, std::initializer_list<std::string_view> known)
      : object_(object), status_(refuse_unknown(object, known, "")) {}

  template <typename T>
  T required(std::string_view name) {
    return keep(read_field<T>(object_, name));
  }
  template <typename T>
  std::optional<T> optional(std::string_view name) {
    return keep(read_optional<T>(object_, name));
  }
  const Status& status() const { return status_; }

 private:
  template <typename T>
  T keep(Result<T> read) {
    if (read && status_) return std::move(*read);
    if (!read && status_) status_ = read.error();
    return {};
  }

  const Json& object_;
  Status status_;
};

}  // namespace kasetsu
