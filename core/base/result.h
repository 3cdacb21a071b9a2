// Expected failures as values. A function that can fail for a reason outside the program (bad
// input, a full disk, a missing record) returns Result<T>; bugs are KASETSU_ASSERT, which stays on
// in every build.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace kasetsu {

// The closed list of reasons. Mapped once to exit codes (daemon/cli) and once to HTTP status
// (daemon/http).
enum class ErrorCode {
  invalid_argument,  // the caller's options or request are wrong
  bad_data,          // a file, table or document is wrong
  not_found,
  conflict,       // the state forbids it, or another write came first
  unprocessable,  // same idempotency key, other content
  busy,           // try again later
  cancelled,
  storage_full,
  storage_failed,
  unavailable,  // a peer (daemon, broker) cannot be reached
  internal,
};

std::string_view to_string(ErrorCode code);

// What went wrong, where, with which value, and what was expected instead. `message` alone is a
// sentence; the other parts may be empty.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;   // "unknown element"
  std::string where;     // "catalysts.csv:7: column \"M2\"" or a JSON pointer "/rows/3/catalyst"
  std::string value;     // the offending text, as it was given
  std::string expected;  // "a chemical symbol such as Li, or none"

  // "where: message \"value\"; expected ..." on one line. Control characters in `value` are escaped
  // and a value longer than 80 characters is cut.
  std::string to_string() const;
  // The same error seen from further out: `outer` is put before `where`.
  Error in(std::string_view outer) const&;
};

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

#define KASETSU_ASSERT(condition) \
  ((condition) ? void(0) : ::kasetsu::assertion_failed(#condition, __FILE__, __LINE__))

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Asking for the value of a failure, or for the error of a success, is a bug.
  const T& value() const& {
    KASETSU_ASSERT(ok());
    return std::get<0>(content_);
  }
  T& value() & {
    KASETSU_ASSERT(ok());
    return std::get<0>(content_);
  }
  T&& value() && {
    KASETSU_ASSERT(ok());
    return std::get<0>(std::move(content_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  const Error& error() const {
    KASETSU_ASSERT(!ok());
    return std::get<1>(content_);
  }

 private:
  std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    KASETSU_ASSERT(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace kasetsu
