#include "daemon/base/web_address.h"

#include <algorithm>

namespace kasetsu {
namespace {

struct Authority {
  std::string host;
  std::optional<int> port;
};

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& c : low) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return low;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// 1 to 65535 without zeros in front.
std::optional<int> read_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.front() == '0') return {};
  int port = 0;
  for (const char c : text) {
    if (!is_digit(c)) return {};
    port = port * 10 + (c - '0');
  }
  return port <= 65'535 ? std::optional(port) : std::nullopt;
}

std::optional<Authority> read_authority(std::string_view text) {
  Authority authority;
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return {};
  authority.host = lowered(text.substr(0, bracketed ? end + 1 : end));
  const std::string_view inside =
      bracketed ? text.substr(1, end - 1) : std::string_view(authority.host);
  const bool plain = std::all_of(inside.begin(), inside.end(), [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' ||
           (bracketed ? c == ':' || (c >= 'A' && c <= 'F') : c == '-' || c == '_');
  });
  if (inside.empty() || inside.size() > 253 || !plain) return {};
  const std::string_view rest = text.substr(bracketed ? end + 1 : end);
  if (rest.empty()) return authority;
  if (rest.front() != ':') return {};
  authority.port = read_port(rest.substr(1));
  return authority.port ? std::optional(authority) : std::nullopt;
}

}  // namespace

std::optional<WebAddress> read_web_address(std::string_view url) {
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) {
    return c > 0x20 && c < 0x7F && c != '\\' && c != '"' && c != '<' && c != '>';
  });
  const std::size_t slashes = url.find("://");
  if (!plain || slashes == std::string_view::npos) return {};
  WebAddress address;
  address.scheme = std::string(url.substr(0, slashes));
  if (address.scheme != "http" && address.scheme != "https") return {};
  const std::string_view rest = url.substr(slashes + 3);
  const auto authority = read_authority(rest.substr(0, rest.find_first_of("/?#")));
  if (!authority) return {};
  address.host = authority->host;
  address.port = authority->port.value_or(address.scheme == "https" ? 443 : 80);
  return address;
}

bool is_host_entry(std::string_view entry) {
  return read_authority(entry).has_value();
}

bool is_listed(const WebAddress& address, std::string_view entry) {
  const auto authority = read_authority(entry);
  return authority && authority->host == address.host &&
         authority->port.value_or(address.port) == address.port;
}

}  // namespace kasetsu
