#include "core/base/result.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "core/base/text.h"

namespace kasetsu {
namespace {

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string out;
  for (const char c : cut_to(text, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  if (text.size() > kLongest) out += "...";
  return out;
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::bad_data:
      return "bad_data";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::unprocessable:
      return "unprocessable";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::storage_full:
      return "storage_full";
    case ErrorCode::storage_failed:
      return "storage_failed";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

std::string Error::to_string() const {
  std::string text;
  if (!where.empty()) text += where + ": ";
  text += message;
  if (!value.empty()) text += fmt::format(" \"{}\"", printable(value));
  if (!expected.empty()) text += "; expected " + expected;
  return text;
}

Error Error::in(std::string_view outer) const& {
  Error copy = *this;
  copy.where = where.empty() ? std::string(outer) : fmt::format("{}: {}", outer, where);
  return copy;
}

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, expression);
  std::abort();
}

}  // namespace kasetsu
