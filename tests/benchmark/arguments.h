// Numbers on the command lines of benchmarks.
#pragma once

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace kasetsu {

// Ends the program with a sentence if the text is no such number.
template <typename Number>
Number number_argument(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  std::fprintf(stderr, "\"%.*s\" is no such number\n", static_cast<int>(text.size()), text.data());
  std::exit(2);
}

}  // namespace kasetsu
