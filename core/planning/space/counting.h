// Counts and numbers subsets of a set and parts of a sum, so that a space need not be listed.
#pragma once

#include <cstdint>

namespace kasetsu::planning {

// Counts stop here: whoever sees this value refuses the space.
inline constexpr std::uint64_t kLargestSpace = std::uint64_t{1} << 63;
inline constexpr int kMostElements = 20;  // in one composition

// Saturate at kLargestSpace.
std::uint64_t times(std::uint64_t a, std::uint64_t b);
std::uint64_t plus(std::uint64_t a, std::uint64_t b);
std::uint64_t power(std::uint64_t base, int exponent);

// C(n, k) for n up to 4096, saturating; exact below.
std::uint64_t binomial(int n, int k);

// The k-subset of {0 ... n - 1} with this rank in colexicographic order, ascending; and back.
void unrank_subset(std::uint64_t rank, int k, int n, int* out);
std::uint64_t rank_subset(const int* subset, int k);

// `count` positive integers with sum `total`, by rank; and back. They correspond to (count - 1)-
// subsets of {0 ... total - 2}: the places of the bars between the parts.
void parts_of_sum(std::uint64_t rank, int count, int total, int* out);
std::uint64_t rank_of_parts(const int* parts, int count);

}  // namespace kasetsu::planning
