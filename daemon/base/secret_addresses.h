// Addresses of webhooks are secrets: whoever knows one may write to its channel.
#pragma once

#include <string>
#include <string_view>

namespace kasetsu {

// A campaign file's text of which only scheme and host of each address stay:
// "https://hooks.example.org/...".
std::string without_secrets(std::string_view text);

}  // namespace kasetsu
