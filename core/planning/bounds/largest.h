// The largest of a few numbers: what the best elements of a group may add.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>

#include "core/planning/bounds/item_tree.h"

namespace kasetsu::planning {

// The sum of the `taken` largest of at most 128 numbers, and the last of these.
struct Largest {
  double sum, last;
};

inline Largest largest_of(const double* values, std::size_t size, std::size_t taken) {
  if (taken == 1) {
    double most = values[0];
    for (std::size_t i = 1; i < size; ++i) most = std::max(most, values[i]);
    return {most, most};
  }
  double sorted[Items().size()];
  std::copy(values, values + size, sorted);
  double* const last = sorted + std::min(taken, size);
  std::partial_sort(sorted, last, sorted + size, std::greater<>());
  return {std::accumulate(sorted, last, 0.0), *(last - 1)};
}

// Keeps the larger of each two numbers, and leaves the smaller one in `x`: number by number, so
// that several are done at once.
inline void keep_larger(std::size_t count, double* x, double* kept) {
  for (std::size_t i = 0; i < count; ++i) {
    const double a = kept[i];
    const double b = x[i];
    kept[i] = a < b ? b : a;
    x[i] = a < b ? a : b;
  }
}

inline void keep_smaller(std::size_t count, double* x, double* kept) {
  for (std::size_t i = 0; i < count; ++i) {
    const double a = kept[i];
    const double b = x[i];
    kept[i] = b < a ? b : a;
    x[i] = b < a ? a : b;
  }
}

}  // namespace kasetsu::planning
