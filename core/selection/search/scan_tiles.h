// What the scan's kernels are given. Plain data only: this header is compiled for several
// instruction sets.
#pragma once

#include <cstddef>

namespace kasetsu::selection {

inline constexpr int kTileWidth = 16;     // candidates in a tile
inline constexpr int kLargestBasis = 15;  // columns that stay while one is swapped, at most
inline constexpr float kNever = 3e38F;    // the score of a candidate that cannot be taken

// One place is free. basis: for each row the basis_columns numbers of an orthonormal basis (which
// is orthogonal to the constant) of the columns that stay, then the residual of y on them, then 1 -
// leverage. Candidates are centred with squared length column_square; one whose squared length off
// the basis is below smallest_square scores kNever.
struct ScanInput {
  const float* basis;
  int rows;
  int basis_columns;
  float column_square;
  float smallest_square;
};

// scores[16 first ... 16 last - 1]: sum over the rows of |leave-one-out residual| of ordinary least
// squares with the candidate in the free place. tiles and scores are aligned to 64 bytes.
void scan_tiles_baseline(const float* tiles, std::size_t first, std::size_t last,
                         const ScanInput& in, float* scores);
void scan_tiles_avx2(const float* tiles, std::size_t first, std::size_t last, const ScanInput& in,
                     float* scores);
void scan_tiles_avx512(const float* tiles, std::size_t first, std::size_t last, const ScanInput& in,
                       float* scores);

}  // namespace kasetsu::selection
