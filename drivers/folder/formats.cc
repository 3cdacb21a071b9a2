#include "drivers/folder/formats.h"

#include <algorithm>
#include <array>
#include <string>

namespace kasetsu::drivers {
namespace {

std::string small_letters(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

}  // namespace

campaign::DeliveryFormat format_of(std::string_view name) {
  const std::string small = small_letters(name);
  if (small.ends_with(".json")) return campaign::DeliveryFormat::json;
  if (small.ends_with(".ndjson") || small.ends_with(".jsonl")) {
    return campaign::DeliveryFormat::ndjson;
  }
  return campaign::DeliveryFormat::csv;
}

bool is_unfinished(std::string_view name) {
  const std::string small = small_letters(name);
  constexpr std::array<std::string_view, 5> kEnds = {".part", ".tmp", ".crdownload", ".filepart",
                                                     ".partial"};
  // Files that operating systems put into folders.
  if (small == "desktop.ini" || small == "thumbs.db" || small == "ehthumbs.db") return true;
  return small.starts_with('.') || small.starts_with("~$") || small.ends_with('~') ||
         std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return small.ends_with(end); });
}

bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, back = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      back = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++back;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace kasetsu::drivers
