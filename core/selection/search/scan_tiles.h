// What the scan's kernels are given. Plain data only: this header is compiled for several
// instruction sets.
#pragma once

#include <cstddef>

namespace kasetsu::selection {

inline constexpr int kTileWidth = 16;     // candidates in a tile
inline constexpr int kLargestBasis = 15;  // columns that stay while one is swapped, at most
inline constexpr float kNever = 3e38F;    // the score of a candidate that cannot be taken
// Below this share of its squared length off the basis a column's gain has too few figures in 32
// bits: nothing is known of it.
inline constexpr float kBoundedShare = 0.02F;

// One place is free. rows_data: for each row the basis_columns numbers of an orthonormal basis
// (which is orthogonal to the constant) of the columns that stay, then the residual r of y on them,
// 1 - leverage, and the slope g: sign(r) / (1 - leverage), orthogonal to the basis and the
// constant. Candidates are centred with squared length column_square; one whose squared length off
// the basis is below smallest_square cannot be taken.
struct ScanInput {
  const float* rows_data;
  int rows;
  int basis_columns;
  float column_square;
  float smallest_square;
};

// gains[16 first ... 16 last - 1]: (z'r)(z'g) / |v|^2 of each candidate z, v = z off the basis;
// -kNever for one that cannot be taken. tiles and gains are aligned to 64 bytes.
using GainKernel = void(const float* tiles, std::size_t first, std::size_t last,
                        const ScanInput& in, float* gains);
// scores[16 k ... 16 k + 15] of candidates 16 which[k] ... + 15, for k < count: sum over the rows
// of |leave-one-out residual| of ordinary least squares with the candidate in the free place;
// kNever for one that cannot be taken. tiles and scores are aligned to 64 bytes.
using ScoreKernel = void(const float* tiles, const int* which, std::size_t count,
                         const ScanInput& in, float* scores);

struct ScanKernels {
  GainKernel* gains;
  ScoreKernel* scores;
};
extern const ScanKernels kScanBaseline;
extern const ScanKernels kScanAvx2;
extern const ScanKernels kScanAvx512;

}  // namespace kasetsu::selection
