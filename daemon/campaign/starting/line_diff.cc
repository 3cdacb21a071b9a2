#include "daemon/campaign/starting/line_diff.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace kasetsu::campaign {
namespace {

struct Line {
  char mark;  // ' ' in both, '-' before, '+' after
  std::string_view text;
};
using Lines = std::vector<std::string_view>;

// More cells than this of the usual table are not filled: the lines are then told as all removed
// and all added.
constexpr std::size_t kMostCells = 4'000'000;

// By the longest common subsequence.
void compare(std::span<const std::string_view> a, std::span<const std::string_view> b,
             std::vector<Line>& all) {
  const bool small = (a.size() + 1) * (b.size() + 1) <= kMostCells;
  std::vector<std::vector<std::uint32_t>> common;
  if (small) common.assign(a.size() + 1, std::vector<std::uint32_t>(b.size() + 1));
  for (std::size_t i = small ? a.size() : 0; i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (small && i < a.size() && j < b.size() && a[i] == b[j]) {
      all.push_back({' ', a[i]});
      ++i, ++j;
    } else if (j == b.size() ||
               (i < a.size() && (!small || common[i + 1][j] >= common[i][j + 1]))) {
      all.push_back({'-', a[i++]});
    } else {
      all.push_back({'+', b[j++]});
    }
  }
}

// Two lines around every change, so that one sees where it is.
std::string with_context(const std::vector<Line>& all) {
  constexpr std::size_t kAround = 2;
  std::string out;
  std::size_t shown_to = 0;  // lines before this one are written or passed over
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (all[k].mark == ' ') continue;
    const std::size_t first = std::max(shown_to, k < kAround ? 0 : k - kAround);
    if (first > shown_to && !out.empty()) out += "...\n";
    const std::size_t last = std::min(all.size(), k + kAround + 1);
    for (std::size_t l = first; l < last; ++l) {
      out += all[l].mark;
      out += ' ';
      out += all[l].text;
      out += '\n';
    }
    shown_to = std::max(shown_to, last);
  }
  return out;
}

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string line_diff(std::string_view before, std::string_view after) {
  const Lines a = lines_of(before);
  const Lines b = lines_of(after);
  std::size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  std::vector<Line> all;
  for (std::size_t i = 0; i < head; ++i) all.push_back({' ', a[i]});
  compare(std::span(a).subspan(head, a.size() - head - tail),
          std::span(b).subspan(head, b.size() - head - tail), all);
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) all.push_back({' ', a[i]});
  return with_context(all);
}

}  // namespace kasetsu::campaign
