// Addresses that the daemon posts to, and the names of hosts that it may post to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kasetsu {

struct WebAddress {
  std::string scheme;  // "http" or "https"
  std::string host;    // in small letters; an IPv6 address in brackets
  int port = 0;        // the scheme's own where the address names none
};

// "https://hooks.example.org:8443/a?b": nothing for what is no such address or reads differently to
// different programs: a name or password before the host, backslashes, spaces, other schemes, and
// ports that are none.
std::optional<WebAddress> read_web_address(std::string_view url);

// "hooks.example.org" is every port of that host, "hooks.example.org:8443" that port alone.
bool is_host_entry(std::string_view entry);
bool is_listed(const WebAddress& address, std::string_view entry);

}  // namespace kasetsu
