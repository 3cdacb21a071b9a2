#include "core/planning/space/counting.h"

#include <algorithm>
#include <array>

namespace kasetsu::planning {

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  if (a == 0 || b == 0) return 0;
  return a > kLargestSpace / b ? kLargestSpace : a * b;
}

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return a > kLargestSpace - std::min(b, kLargestSpace) ? kLargestSpace : a + b;
}

namespace {

// Of sets of elements: they are asked for all the time.
constexpr std::size_t kTableRows = 129;
constexpr std::size_t kTableColumns = kMostElements + 1;
using BinomialTable = std::array<std::array<std::uint64_t, kTableColumns>, kTableRows>;

constexpr BinomialTable kBinomials = [] {
  BinomialTable table{};
  for (std::size_t n = 0; n < kTableRows; ++n) {
    table[n][0] = 1;
    for (std::size_t k = 1; n > 0 && k < kTableColumns; ++k) {
      const std::uint64_t with = table[n - 1][k - 1];
      const std::uint64_t without = table[n - 1][k];
      table[n][k] = with > kLargestSpace - without ? kLargestSpace : with + without;
    }
  }
  return table;
}();

std::uint64_t computed_binomial(int n, int k) {
  if (k < 0 || n < 0 || k > n) return 0;
  k = std::min(k, n - k);
  std::uint64_t value = 1;
  for (int i = 1; i <= k; ++i) {
    // value * (n - k + i) / i is exact at every step; divide first what can be divided.
    auto factor = static_cast<std::uint64_t>(n - k + i);
    auto divisor = static_cast<std::uint64_t>(i);
    const auto gcd = [](std::uint64_t a, std::uint64_t b) {
      while (b != 0) {
        const std::uint64_t rest = a % b;
        a = b;
        b = rest;
      }
      return a;
    };
    const std::uint64_t common = gcd(value, divisor);
    value /= common;
    divisor /= common;
    factor /= divisor;
    value = times(value, factor);
    if (value >= kLargestSpace) return kLargestSpace;
  }
  return value;
}

}  // namespace

std::uint64_t binomial(int n, int k) {
  if (k >= 0 && n >= 0 && k <= kMostElements && n < static_cast<int>(kTableRows))
    return kBinomials[static_cast<std::size_t>(n)][static_cast<std::size_t>(k)];
  return computed_binomial(n, k);
}

std::uint64_t power(std::uint64_t base, int exponent) {
  std::uint64_t value = 1;
  for (int i = 0; i < exponent; ++i) value = times(value, base);
  return value;
}

void unrank_subset(std::uint64_t rank, int k, int n, int* out) {
  int high = n;
  for (int i = k; i >= 1; --i) {
    // Largest c < high with C(c, i) <= rank.
    int low = i - 1;
    int top = high - 1;
    while (low < top) {
      const int middle = (low + top + 1) / 2;
      if (binomial(middle, i) <= rank) {
        low = middle;
      } else {
        top = middle - 1;
      }
    }
    out[i - 1] = low;
    rank -= binomial(low, i);
    high = low;
  }
}

std::uint64_t rank_subset(const int* subset, int k) {
  std::uint64_t rank = 0;
  for (int i = 0; i < k; ++i) rank += binomial(subset[i], i + 1);
  return rank;
}

void parts_of_sum(std::uint64_t rank, int count, int total, int* out) {
  std::array<int, kMostElements> bars{};
  unrank_subset(rank, count - 1, total - 1, bars.data());
  int before = -1;
  for (int i = 0; i < count - 1; ++i) {
    out[i] = bars[i] - before;
    before = bars[i];
  }
  out[count - 1] = total - 1 - before;
}

std::uint64_t rank_of_parts(const int* parts, int count) {
  std::array<int, kMostElements> bars{};
  int at = -1;
  for (int i = 0; i < count - 1; ++i) {
    at += parts[i];
    bars[i] = at;
  }
  return rank_subset(bars.data(), count - 1);
}

}  // namespace kasetsu::planning
