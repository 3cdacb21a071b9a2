// The hot loops of the search by bounds, compiled once for each instruction set and chosen at run
// time. Every operation is one IEEE operation and sums have one order: all instruction sets give
// the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/instruction_set.h"

namespace kasetsu::planning {

inline constexpr std::size_t kLanes = 8;

inline constexpr std::size_t whole_lanes(std::size_t count) {
  return (count + kLanes - 1) / kLanes * kLanes;
}

// `size` items side by side, of which a candidate has `count`; at most 20 of them.
struct ItemSpan {
  std::size_t first, size, count;
};

// Sums of rows: row r of the result is the sum of coefficients[k] times row terms[k], for k from
// first[r] to first[r + 1] - 1.
struct RowSums {
  std::size_t rows = 0;
  const std::size_t* first = nullptr;
  const std::size_t* terms = nullptr;
  const double* coefficients = nullptr;
};

// What items give hypotheses. All arrays start at a cache line; `width` (items) and `height`
// (hypotheses) are padded to whole lanes.
struct ItemTask {
  const ItemSpan* spans = nullptr;
  std::size_t span_count = 0;
  std::size_t items = 0, width = 0;
  std::size_t hypotheses = 0, height = 0;
  const double* weights = nullptr;  // height: those of the hypotheses, then 0
  const double* gives = nullptr;    // height x width
  const double* mean = nullptr;     // width: what they give the mean of the hypotheses
  double* by_item = nullptr;        // width x height: `gives` with rows and columns exchanged
  // By hypothesis: sums of the smallest and the largest that a candidate takes from the spans; by
  // span and hypothesis the last of these.
  double *low = nullptr, *high = nullptr;
  double *last_low = nullptr, *last_high = nullptr;
  // height x width: how far what an item gives lies from the mean's, less the middle of its span;
  // by hypothesis the sum of the middles that a candidate has; by item (width) the weighted sum of
  // the distances.
  double *apart = nullptr, *middles = nullptr, *off = nullptr;
  double* scratch = nullptr;  // width x height
};

// Where a weighted median lies: above low, at most high; the weight of what is not above low.
struct RowRange {
  double low, high, below;
};

struct BoundKernels {
  // to[c][r] = from[r][c]; both counts are whole lanes.
  void (*exchange)(const double* from, std::size_t rows, std::size_t columns, double* to);
  // numbers: rows of `width`.
  void (*add_rows)(const RowSums& sums, const double* numbers, std::size_t width, double* out);
  void (*spread_items)(const ItemTask& task);
  // After spread_items(), by hypothesis and item (height x width): the end of a hypothesis's
  // interval for candidates with the item, sign * what it gives being taken; within least and own.
  void (*ends_with_items)(const ItemTask& task, double sign, const double* end, double least,
                          const double* own, double* ends);
  // Halves what lies between `below` and `above` (width), so often: above stays where at least
  // `half` of the weight of its column of ends (height x width) does not exceed it.
  void (*halve)(const ItemTask& task, const double* ends, double half, int times, double* below,
                double* above);
  // The same of one row of values, from all of them on, so that few are left.
  RowRange (*halve_row)(const double* values, const double* weights, std::size_t height,
                        double half);
  // After spread_items(), for the quadratic form of squared_bounds.cc; part: by item (width) the
  // share of its span that a candidate has. Fills `scaled` (height x width) and `linear` (width),
  // and returns the constant.
  double (*scale_rows)(const ItemTask& task, const double* part, double* scaled, double* linear);
  // width x width: of each two columns the sum of their products over the rows.
  void (*gram)(const double* rows, std::size_t count, std::size_t width, double* out);
  // Adds to each item's part its largest partners in `gram` (symmetric; lost) from every span, as
  // many as a candidate takes from there; an item is not its own partner. kept: 20 x width.
  void (*add_best_partners)(const ItemTask& task, double* gram, double* kept, double* parts);
  // Bits that four rows have, of those in `to`; that two have.
  void (*keep_four)(const std::uint64_t* const* rows, std::size_t words, std::uint64_t* to);
  void (*keep_two)(const std::uint64_t* a, const std::uint64_t* b, std::size_t words,
                   std::uint64_t* to);
};

const BoundKernels& bound_kernels(InstructionSet set);
const BoundKernels& bound_kernels_baseline();
const BoundKernels& bound_kernels_avx2();
const BoundKernels& bound_kernels_avx512();

}  // namespace kasetsu::planning
