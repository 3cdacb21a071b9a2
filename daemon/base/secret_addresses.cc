#include "daemon/base/secret_addresses.h"

#include <algorithm>

namespace kasetsu {

std::string without_secrets(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) break;
    std::size_t host_end = text.find_first_of("/?#\"'\\ \t\r\n", scheme + 3);
    if (host_end == std::string_view::npos) host_end = text.size();
    const std::size_t end = std::min(text.find_first_of("\"' \t\r\n", host_end), text.size());
    // A user's name and password stand before the host.
    const std::size_t user = text.substr(0, host_end).rfind('@');
    out += text.substr(0, scheme + 3);
    const std::size_t host =
        user == std::string_view::npos || user < scheme ? scheme + 3 : user + 1;
    out += text.substr(host, host_end - host);
    if (end > host_end || host > scheme + 3) out += "/...";
    text.remove_prefix(end);
  }
  out += text;
  return out;
}

}  // namespace kasetsu
