// Strict reading of a request's head (RFC 9112), before Beast sees it. Boost 1.74's parser accepts
// heads that leave the two ends of a connection with different ideas of where a request stops; here
// each of those is refused, and the session closes the connection after the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace kasetsu::http {

struct FramingError {
  int status = 400;
  std::string detail;
};

// What framing needs to know of a head. The views point into the block that was given.
struct Head {
  std::string_view method;
  std::string_view target;
  int minor_version = 1;  // HTTP/1.0 or HTTP/1.1
  std::string_view host;  // empty when it was sent so, or not at all (HTTP/1.0)
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool expects_continue = false;
  bool keep_alive = true;
};

// block: from the first byte of the request line to the empty line, both CRLF included.
// Refused: bare CR or LF, NUL and other control characters, folded lines, white space before a
// colon, a field without a name, more than `most_fields` fields, another version than 1.0 and 1.1,
// no Host or two (1.1), two Content-Length fields or one that is not plain digits, any
// Transfer-Encoding that is not exactly `chunked` on HTTP/1.1 without Content-Length, an Expect
// that is not 100-continue (417).
std::variant<Head, FramingError> read_head(std::string_view block, std::size_t most_fields);

// Looks for the end of the head in what has arrived so far. Returns its length with the empty line,
// 0 when more is needed, or an error as soon as a byte is seen that no head may hold. `seen` is
// where the last look stopped and is moved on.
std::variant<std::size_t, FramingError> find_head(std::string_view arrived, std::size_t& seen);

// In lower case, as field values and host names are compared (ASCII).
std::string lowered(std::string_view text);

}  // namespace kasetsu::http
