#include "core/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <system_error>

namespace kasetsu {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr std::size_t kEdit = 4;

// Edit distance in quarter edits (optimal string alignment: two neighbours that changed places are
// one edit, "fti" for "fit"). A change of letter case costs one quarter, so that "co" is nearer to
// "Co" than to "Cs".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> second_above(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j * kEdit;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    second_above.swap(above);
    above.swap(row);
    row[0] = i * kEdit;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t change = kEdit;
      if (a[i - 1] == b[j - 1]) {
        change = 0;
      } else if (lower(a[i - 1]) == lower(b[j - 1])) {
        change = 1;
      }
      row[j] = std::min({above[j - 1] + change, above[j] + kEdit, row[j - 1] + kEdit});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], second_above[j - 2] + kEdit);
    }
  }
  return row[b.size()];
}

// How often each letter is there, whatever its case.
std::array<int, 256> letters(std::string_view text) {
  std::array<int, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(lower(c))];
  return counts;
}

// At most distance(a, b), of their letters: what one has more of must be changed or dropped.
std::size_t least_distance(const std::array<int, 256>& a, std::size_t length_a,
                           std::string_view b) {
  std::array<int, 256> left = a;
  std::size_t missing = 0;
  std::size_t matched = 0;
  for (const char c : b) {
    int& count = left[static_cast<unsigned char>(lower(c))];
    if (count-- > 0) {
      ++matched;
    } else {
      ++missing;
    }
  }
  return kEdit * std::max(missing, length_a - matched);
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

namespace {
// Of a number without a sign: the power of ten of its first digit that is not 0.
long decimal_exponent(std::string_view number) {
  constexpr long kMost = 1'000'000;
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  long exponent = 0;
  if (e < number.size()) {
    std::string_view told = number.substr(e + 1);
    const bool below = told.starts_with('-');
    if (below || told.starts_with('+')) told.remove_prefix(1);
    for (const char c : told) exponent = std::min(kMost, exponent * 10 + (c - '0'));
    if (below) exponent = -exponent;
  }
  number = number.substr(0, e);
  const auto point = static_cast<long>(std::min(number.find('.'), number.size()));
  const std::size_t digit = number.find_first_of("123456789");
  if (digit == std::string_view::npos) return -kMost;
  const auto first = static_cast<long>(digit);
  return exponent + (first < point ? point - first - 1 : point - first);
}
}  // namespace

std::string_view cut_to(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

std::optional<double> parse_number(std::string_view text) {
  text = trim(text);
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  // std::from_chars reads "inf" and "nan" too; a number begins with a digit, a point or a minus.
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == '-') digits.remove_prefix(1);
  if (digits.empty() ||
      !((digits.front() >= '0' && digits.front() <= '9') || digits.front() == '.')) {
    return std::nullopt;
  }
  double value = 0.0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (problem == std::errc::result_out_of_range) {
    // Too small is zero, too large is an error.
    return decimal_exponent(digits) < 0 ? std::optional<double>(0.0) : std::nullopt;
  }
  if (problem != std::errc() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string format_number(double value) {
  return fmt::format("{}", value);
}

std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names,
                                       std::size_t count) {
  constexpr std::size_t kLongest = 200;  // the cost is the product of the lengths
  wanted = wanted.substr(0, kLongest);
  const std::array<int, 256> letters_wanted = letters(wanted);
  std::vector<std::pair<std::size_t, std::size_t>> found;  // distance, place
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = std::string_view(names[i]).substr(0, kLongest);
    const std::size_t farthest = 2 * std::max(wanted.size(), name.size());
    if (least_distance(letters_wanted, wanted.size(), name) > farthest) continue;
    const std::size_t cost = distance(wanted, name);
    if (cost <= farthest) found.emplace_back(cost, i);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> out;
  for (const auto& [cost, place] : found) {
    if (out.size() == count) break;
    if (std::find(out.begin(), out.end(), names[place]) == out.end()) out.push_back(names[place]);
  }
  return out;
}

std::string join_or(std::span<const std::string> names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += names[i];
  }
  return out;
}

}  // namespace kasetsu
