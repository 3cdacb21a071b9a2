// A set of candidates, small and ordered, so that equal sets are equal values.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace kasetsu::selection {

inline constexpr int kLargestSize = 16;

struct Subset {
  std::array<int, kLargestSize> members{};  // sorted; the rest is 0
  int size = 0;

  static Subset of(std::span<const int> candidates) {
    Subset subset;
    subset.size = static_cast<int>(candidates.size());
    std::copy(candidates.begin(), candidates.end(), subset.members.begin());
    std::sort(subset.members.begin(), subset.members.begin() + subset.size);
    return subset;
  }

  const int* begin() const { return members.data(); }
  const int* end() const { return members.data() + size; }
  std::vector<int> to_vector() const { return {begin(), end()}; }
  bool contains(int candidate) const { return std::binary_search(begin(), end(), candidate); }

  // The same set with the member at `place` replaced. Places are positions in the sorted order, so
  // they move when a member does.
  Subset with(int place, int candidate) const {
    Subset other = *this;
    other.members[static_cast<std::size_t>(place)] = candidate;
    std::sort(other.members.begin(), other.members.begin() + size);
    return other;
  }

  auto operator<=>(const Subset&) const = default;
};

// How many candidates two sets share.
inline int shared_members(const Subset& a, const Subset& b) {
  int shared = 0;
  for (const int *p = a.begin(), *q = b.begin(); p != a.end() && q != b.end();) {
    if (*p == *q) {
      ++shared;
      ++p;
      ++q;
    } else if (*p < *q) {
      ++p;
    } else {
      ++q;
    }
  }
  return shared;
}

struct SubsetHash {
  std::size_t operator()(const Subset& subset) const {
    std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
    for (const int member : subset) {
      hash ^= static_cast<std::uint64_t>(static_cast<std::uint32_t>(member)) + 1U;
      hash *= 0xff51afd7ed558ccdULL;
      hash ^= hash >> 32;
    }
    return static_cast<std::size_t>(hash);
  }
};

}  // namespace kasetsu::selection
