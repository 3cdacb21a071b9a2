#include "daemon/base/secret_addresses.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace kasetsu {
namespace {

struct Letter {
  char letter = '\0';
  std::size_t length = 0;  // of its spelling in the text
};

// A letter as JSON and TOML may spell it: "/", "\/", "\u002f", "\U0000002f". Beyond the end: length
// 0.
Letter letter_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  if (text[at] != '\\' || at + 1 == text.size()) return {text[at], 1};
  const char escape = text[at + 1];
  if (escape == '/') return {'/', 2};
  const std::size_t digits = escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
  if (digits == 0 || at + 2 + digits > text.size()) return {text[at], 1};
  unsigned code = 0;
  const char* const first = text.data() + at + 2;
  const auto [end, error] = std::from_chars(first, first + digits, code, 16);
  if (error != std::errc() || end != first + digits || code > 0x7F) return {text[at], 1};
  return {static_cast<char>(code), 2 + digits};
}

// Behind "://"; nothing where it does not begin here.
std::optional<std::size_t> behind_scheme(std::string_view text, std::size_t at) {
  for (const char expected : {':', '/', '/'}) {
    const auto [letter, length] = letter_at(text, at);
    if (length == 0 || letter != expected) return {};
    at += length;
  }
  return at;
}

constexpr std::string_view kEndOfAddress = "\"' \t\r\n";

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto begin = behind_scheme(text, at);
    if (!begin) {
      out += text[at++];
      continue;
    }
    out += text.substr(at, *begin - at);
    std::string host;
    bool hidden = false;
    at = *begin;
    while (at < text.size()) {
      const auto [letter, length] = letter_at(text, at);
      if (std::string_view("/?#\\").find(letter) != std::string_view::npos ||
          kEndOfAddress.find(letter) != std::string_view::npos) {
        break;
      }
      at += length;
      host += letter;
      // A user's name and password stand before the host.
      hidden = hidden || letter == '@';
      if (letter == '@') host.clear();
    }
    const std::size_t end = std::min(text.find_first_of(kEndOfAddress, at), text.size());
    out += host;
    if (end > at || hidden) out += "/...";
    at = end;
  }
  return out;
}

}  // namespace kasetsu
