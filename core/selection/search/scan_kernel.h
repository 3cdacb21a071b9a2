// The one-swap scan's inner loops in 32-bit floats. Included by one source file an instruction set,
// each compiled with its own flags; everything here has internal linkage, so that no code of a
// newer instruction set can be picked by the linker for an older machine.
//
// FloatLanes are candidates: a tile holds 16 candidates' columns interleaved, row by row.
#pragma once

#include "core/base/float_lanes.h"
#include "core/selection/search/scan_tiles.h"

namespace kasetsu::selection {
namespace {

// The scores of M vectors of candidates. Q: columns of the basis. M: vectors of candidates at once,
// so that each number of the basis that is fetched serves M of them.
template <int Q, int M>
void score_vectors(const float* const* columns, const ScanInput& in, float* const* scores) {
  constexpr int stride = Q + 3;
  FloatLanes along[M][Q == 0 ? 1 : Q];  // Q'z, later divided by |v|
  FloatLanes slope[M];                  // z'r, later divided by |v|
  for (int m = 0; m < M; ++m) {
    slope[m] = FloatLanes::zero();
    for (int q = 0; q < Q; ++q) along[m][q] = FloatLanes::zero();
  }
  const float* row = in.rows_data;
  for (int i = 0; i < in.rows; ++i, row += stride) {
    FloatLanes z[M];
    for (int m = 0; m < M; ++m) z[m] = FloatLanes::load(columns[m] + i * kTileWidth);
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) {
      const FloatLanes basis = FloatLanes::all(row[q]);
      for (int m = 0; m < M; ++m) along[m][q] = multiply_add(z[m], basis, along[m][q]);
    }
    const FloatLanes residual = FloatLanes::all(row[Q]);
    for (int m = 0; m < M; ++m) slope[m] = multiply_add(z[m], residual, slope[m]);
  }
  const FloatLanes smallest = FloatLanes::all(in.smallest_square);
  const FloatLanes one = FloatLanes::all(1.0F);
  FloatLanes scale[M];
  FloatLanes square[M];
  for (int m = 0; m < M; ++m) {
    square[m] = FloatLanes::all(in.column_square);
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) {
      square[m] = subtract_product(square[m], along[m][q], along[m][q]);
    }
    scale[m] = inverse_sqrt(choose_at_least(square[m], smallest, square[m], one));
    slope[m] = slope[m] * scale[m];
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) along[m][q] = along[m][q] * scale[m];
  }
  FloatLanes sum[M];
  for (int m = 0; m < M; ++m) sum[m] = FloatLanes::zero();
  row = in.rows_data;
  const FloatLanes least_room = FloatLanes::all(1e-6F);
  for (int i = 0; i < in.rows; ++i, row += stride) {
    FloatLanes u[M];  // the candidate's own direction, length 1
    for (int m = 0; m < M; ++m) u[m] = FloatLanes::load(columns[m] + i * kTileWidth) * scale[m];
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) {
      const FloatLanes basis = FloatLanes::all(row[q]);
      for (int m = 0; m < M; ++m) u[m] = subtract_product(u[m], along[m][q], basis);
    }
    const FloatLanes residual = FloatLanes::all(row[Q]);
    const FloatLanes room = FloatLanes::all(row[Q + 1]);
    for (int m = 0; m < M; ++m) {
      const FloatLanes error = magnitude(subtract_product(residual, u[m], slope[m]));
      const FloatLanes left = largest(subtract_product(room, u[m], u[m]), least_room);
      sum[m] = multiply_add(error, inverse(left), sum[m]);
    }
  }
  const FloatLanes never = FloatLanes::all(kNever);
  for (int m = 0; m < M; ++m) {
    choose_at_least(square[m], smallest, sum[m], never).store(scores[m]);
  }
}

// The gains of M vectors of candidates: one pass over their rows.
template <int Q, int M>
void gain_vectors(const float* const* columns, const ScanInput& in, float* const* gains) {
  constexpr int stride = Q + 3;
  FloatLanes along[M][Q == 0 ? 1 : Q];  // Q'z
  FloatLanes residual[M];               // z'r
  FloatLanes slope[M];                  // z'g
  for (int m = 0; m < M; ++m) {
    residual[m] = FloatLanes::zero();
    slope[m] = FloatLanes::zero();
    for (int q = 0; q < Q; ++q) along[m][q] = FloatLanes::zero();
  }
  const float* row = in.rows_data;
  for (int i = 0; i < in.rows; ++i, row += stride) {
    FloatLanes z[M];
    for (int m = 0; m < M; ++m) z[m] = FloatLanes::load(columns[m] + i * kTileWidth);
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) {
      const FloatLanes basis = FloatLanes::all(row[q]);
      for (int m = 0; m < M; ++m) along[m][q] = multiply_add(z[m], basis, along[m][q]);
    }
    const FloatLanes r = FloatLanes::all(row[Q]);
    for (int m = 0; m < M; ++m) residual[m] = multiply_add(z[m], r, residual[m]);
    const FloatLanes g = FloatLanes::all(row[Q + 2]);
    for (int m = 0; m < M; ++m) slope[m] = multiply_add(z[m], g, slope[m]);
  }
  const FloatLanes bounded = FloatLanes::all(kBoundedShare * in.column_square);
  const FloatLanes unknown = FloatLanes::all(kNever);
  for (int m = 0; m < M; ++m) {
    FloatLanes square = FloatLanes::all(in.column_square);
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) square = subtract_product(square, along[m][q], along[m][q]);
    const FloatLanes gain = residual[m] * slope[m] * inverse(largest(square, bounded));
    choose_at_least(square, bounded, gain, unknown).store(gains[m]);
  }
}

constexpr std::size_t kVectorsATile = kTileWidth / FloatLanes::width;

// Vectors of candidates that go side by side when each has so many accumulators.
constexpr int side_by_side(int accumulators, int spare) {
  const int fit = (FloatLanes::registers - spare) / accumulators;
  return fit < 1 ? 1 : (fit > 4 ? 4 : fit);
}

template <int Q>
void gains_of(const float* tiles, std::size_t first, std::size_t last, const ScanInput& in,
              float* gains) {
  constexpr int M = side_by_side(Q + 3, 1);
  const std::size_t end = last * kVectorsATile;
  const std::size_t tile_size = static_cast<std::size_t>(in.rows) * kTileWidth;
  const auto column_of = [&](std::size_t vector) {
    return tiles + (vector / kVectorsATile) * tile_size +
           (vector % kVectorsATile) * FloatLanes::width;
  };
  std::size_t at = first * kVectorsATile;
  for (; at + M <= end; at += M) {
    const float* columns[M];
    float* out[M];
    for (std::size_t m = 0; m < M; ++m) {
      columns[m] = column_of(at + m);
      out[m] = gains + (at + m) * FloatLanes::width;
    }
    gain_vectors<Q, M>(columns, in, out);
  }
  for (; at < end; ++at) {
    const float* column = column_of(at);
    float* out = gains + at * FloatLanes::width;
    gain_vectors<Q, 1>(&column, in, &out);
  }
}

template <int Q>
void scores_of(const float* tiles, const int* which, std::size_t count, const ScanInput& in,
               float* scores) {
  constexpr int M = side_by_side(Q + 2, 4);
  const std::size_t end = count * kVectorsATile;
  const std::size_t tile_size = static_cast<std::size_t>(in.rows) * kTileWidth;
  const auto column_of = [&](std::size_t vector) {
    return tiles + static_cast<std::size_t>(which[vector / kVectorsATile]) * tile_size +
           (vector % kVectorsATile) * FloatLanes::width;
  };
  std::size_t at = 0;
  for (; at + M <= end; at += M) {
    const float* columns[M];
    float* out[M];
    for (std::size_t m = 0; m < M; ++m) {
      columns[m] = column_of(at + m);
      out[m] = scores + (at + m) * FloatLanes::width;
    }
    score_vectors<Q, M>(columns, in, out);
  }
  for (; at < end; ++at) {
    const float* column = column_of(at);
    float* out = scores + at * FloatLanes::width;
    score_vectors<Q, 1>(&column, in, &out);
  }
}

void gains_here(const float* tiles, std::size_t first, std::size_t last, const ScanInput& in,
                float* gains) {
  static constexpr GainKernel* kernels[kLargestBasis + 1] = {
      gains_of<0>,  gains_of<1>,  gains_of<2>,  gains_of<3>, gains_of<4>,  gains_of<5>,
      gains_of<6>,  gains_of<7>,  gains_of<8>,  gains_of<9>, gains_of<10>, gains_of<11>,
      gains_of<12>, gains_of<13>, gains_of<14>, gains_of<15>};
  kernels[in.basis_columns](tiles, first, last, in, gains);
}

void scores_here(const float* tiles, const int* which, std::size_t count, const ScanInput& in,
                 float* scores) {
  static constexpr ScoreKernel* kernels[kLargestBasis + 1] = {
      scores_of<0>,  scores_of<1>,  scores_of<2>,  scores_of<3>, scores_of<4>,  scores_of<5>,
      scores_of<6>,  scores_of<7>,  scores_of<8>,  scores_of<9>, scores_of<10>, scores_of<11>,
      scores_of<12>, scores_of<13>, scores_of<14>, scores_of<15>};
  kernels[in.basis_columns](tiles, which, count, in, scores);
}

}  // namespace
}  // namespace kasetsu::selection
