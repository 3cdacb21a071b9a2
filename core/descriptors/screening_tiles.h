// What the screening's kernels are given. Plain data only: this header is compiled for several
// instruction sets.
#pragma once

#include <cstddef>

namespace kasetsu::descriptors {

inline constexpr int kPanelWidth = 16;  // left columns in a panel
inline constexpr int kGroupWidth = 4;   // right columns in a group

// left: panels, each rows x {16 x, 16 y x, 16 x x}, aligned to 64 bytes. right: groups, each
// rows x {4 x, 4 x x}. scores: for each group, for each of its 4 columns, all left columns
// (16 panels wide). hits: for each group and panel whether any of its 64 scores is above `bar`.
struct ScreeningTile {
  const float* left;
  int panels;  // even
  const float* right;
  int groups;
  int rows;
  float bar;
  float* scores;
  unsigned char* hits;
};

void screen_tile_baseline(const ScreeningTile& tile);
void screen_tile_avx2(const ScreeningTile& tile);
void screen_tile_avx512(const ScreeningTile& tile);

}  // namespace kasetsu::descriptors
