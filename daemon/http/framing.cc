#include "daemon/http/framing.h"

#include <fmt/format.h>

#include <charconv>

namespace kasetsu::http {
namespace {

FramingError refuse(std::string detail, int status = 400) {
  return {status, std::move(detail)};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// RFC 9110, section 5.6.2.
bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool lists(std::string_view value, std::string_view wanted) {
  while (!value.empty()) {
    const auto comma = value.find(',');
    if (equal_ignoring_case(trimmed(value.substr(0, comma)), wanted)) return true;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return false;
}

bool is_target(std::string_view target) {
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f) return false;
  }
  return !target.empty();
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

std::variant<std::size_t, FramingError> find_head(std::string_view arrived, std::size_t& seen) {
  for (std::size_t i = seen; i < arrived.size(); ++i) {
    const auto byte = static_cast<unsigned char>(arrived[i]);
    if (byte == '\n') {
      if (i == 0 || arrived[i - 1] != '\r') return refuse("a line ends in LF without CR");
      if (i >= 3 && arrived[i - 2] == '\n' && arrived[i - 3] == '\r') {
        seen = i + 1;
        return i + 1;
      }
    } else if (i > 0 && arrived[i - 1] == '\r') {
      return refuse("a CR without LF");
    } else if ((byte < 0x20 && byte != '\r' && byte != '\t') || byte == 0x7f) {
      return refuse("a control character in the head");
    }
  }
  seen = arrived.size();
  return std::size_t{0};
}

std::variant<Head, FramingError> read_head(std::string_view block, std::size_t most_fields) {
  Head head;
  std::size_t seen = 0;
  const auto length = find_head(block, seen);
  if (const auto* error = std::get_if<FramingError>(&length)) return *error;
  if (std::get<std::size_t>(length) != block.size()) return refuse("the head does not end here");

  const auto line_end = block.find("\r\n");
  const std::string_view line = block.substr(0, line_end);
  const auto first = line.find(' ');
  const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos)
    return refuse("the request line is not: method target version");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(head.method)) return refuse("the method is not a token");
  if (!is_target(head.target))
    return refuse("the request target is empty or holds unprintable bytes");
  if (version == "HTTP/1.1") {
    head.minor_version = 1;
  } else if (version == "HTTP/1.0") {
    head.minor_version = 0;
  } else if (version.starts_with("HTTP/") && version.size() == 8) {
    return refuse("only HTTP/1.1 and HTTP/1.0 are spoken here", 505);
  } else {
    return refuse("the version is not HTTP/1.1 or HTTP/1.0");
  }

  std::size_t fields = 0, hosts = 0, lengths = 0, encodings = 0;
  bool close = false, keep = false;
  std::string_view rest = block.substr(line_end + 2);
  while (rest != "\r\n") {
    const auto end = rest.find("\r\n");
    const std::string_view field = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (++fields > most_fields) {
      return refuse(fmt::format("more than {} header fields", most_fields), 431);
    }
    if (field.front() == ' ' || field.front() == '\t') return refuse("a folded header line");
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) return refuse("a header line without a colon");
    const std::string_view name = field.substr(0, colon);
    if (!is_token(name)) return refuse("a header field name is not a token");
    const std::string_view value = trimmed(field.substr(colon + 1));

    if (equal_ignoring_case(name, "Host")) {
      ++hosts;
      head.host = value;
    } else if (equal_ignoring_case(name, "Content-Length")) {
      ++lengths;
      std::uint64_t number = 0;
      const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || stop != value.data() + value.size() || value.size() > 18) {
        return refuse("Content-Length is not one plain number");
      }
      head.content_length = number;
    } else if (equal_ignoring_case(name, "Transfer-Encoding")) {
      ++encodings;
      head.chunked = equal_ignoring_case(value, "chunked");
      if (!head.chunked) return refuse("Transfer-Encoding is not exactly chunked");
    } else if (equal_ignoring_case(name, "Connection")) {
      close = close || lists(value, "close");
      keep = keep || lists(value, "keep-alive");
    } else if (equal_ignoring_case(name, "Expect")) {
      if (!equal_ignoring_case(value, "100-continue")) {
        return refuse("the only expectation met here is 100-continue", 417);
      }
      head.expects_continue = head.minor_version == 1;
    }
  }
  if (hosts > 1) return refuse("more than one Host");
  if (hosts == 0 && head.minor_version == 1) return refuse("no Host");
  if (lengths > 1) return refuse("more than one Content-Length");
  if (encodings > 1) return refuse("more than one Transfer-Encoding");
  if (encodings == 1 && lengths == 1) return refuse("both Transfer-Encoding and Content-Length");
  if (encodings == 1 && head.minor_version == 0) return refuse("Transfer-Encoding in HTTP/1.0");
  head.keep_alive = !close && (head.minor_version == 1 || keep);
  return head;
}

}  // namespace kasetsu::http
