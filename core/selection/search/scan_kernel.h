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

// Q: columns of the basis. M: vectors of candidates at once, so that each number of the basis that
// is fetched serves M of them.
template <int Q, int M>
void scan_vectors(const float* const* columns, const ScanInput& in, float* const* scores) {
  constexpr int stride = Q + 2;
  FloatLanes along[M][Q == 0 ? 1 : Q];  // Q'z, later divided by |v|
  FloatLanes slope[M];                  // z'r, later divided by |v|
  for (int m = 0; m < M; ++m) {
    slope[m] = FloatLanes::zero();
    for (int q = 0; q < Q; ++q) along[m][q] = FloatLanes::zero();
  }
  const float* row = in.basis;
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
  row = in.basis;
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

template <int Q>
void scan_tiles_of(const float* tiles, std::size_t first, std::size_t last, const ScanInput& in,
                   float* scores) {
  // Q + 1 accumulators a vector, and a few registers for what is fetched.
  constexpr int fit = (FloatLanes::registers - 4) / (Q + 2);
  constexpr int M = fit < 1 ? 1 : (fit > 4 ? 4 : fit);
  constexpr int vectors = kTileWidth / FloatLanes::width;  // in a tile
  const std::size_t begin = first * vectors;
  const std::size_t end = last * vectors;
  const std::size_t tile_size = static_cast<std::size_t>(in.rows) * kTileWidth;
  const auto column_of = [&](std::size_t vector) {
    return tiles + (vector / vectors) * tile_size + (vector % vectors) * FloatLanes::width;
  };
  std::size_t at = begin;
  for (; at + M <= end; at += M) {
    const float* columns[M];
    float* out[M];
    for (std::size_t m = 0; m < M; ++m) {
      columns[m] = column_of(at + m);
      out[m] = scores + (at + m) * FloatLanes::width;
    }
    scan_vectors<Q, M>(columns, in, out);
  }
  for (; at < end; ++at) {
    const float* column = column_of(at);
    float* out = scores + at * FloatLanes::width;
    scan_vectors<Q, 1>(&column, in, &out);
  }
}

void scan_tiles_here(const float* tiles, std::size_t first, std::size_t last, const ScanInput& in,
                     float* scores) {
  using Kernel = void (*)(const float*, std::size_t, std::size_t, const ScanInput&, float*);
  static constexpr Kernel kernels[kLargestBasis + 1] = {
      scan_tiles_of<0>,  scan_tiles_of<1>,  scan_tiles_of<2>,  scan_tiles_of<3>,
      scan_tiles_of<4>,  scan_tiles_of<5>,  scan_tiles_of<6>,  scan_tiles_of<7>,
      scan_tiles_of<8>,  scan_tiles_of<9>,  scan_tiles_of<10>, scan_tiles_of<11>,
      scan_tiles_of<12>, scan_tiles_of<13>, scan_tiles_of<14>, scan_tiles_of<15>};
  kernels[in.basis_columns](tiles, first, last, in, scores);
}

}  // namespace
}  // namespace kasetsu::selection
