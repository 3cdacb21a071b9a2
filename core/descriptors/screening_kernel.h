// The screening's inner loops in 32-bit floats; see core/base/float_lanes.h on how this is
// compiled.
#pragma once

#include "core/base/float_lanes.h"
#include "core/descriptors/screening_tiles.h"

namespace kasetsu::descriptors {
namespace {

// V vectors of left columns against one group of right columns: 3 x 4 x V accumulators.
template <int V>
void screen_vectors(const float* const* left, const float* right, int rows, float* const* scores,
                    std::size_t stride, Lanes (&highest)[V]) {
  Lanes products[V][kGroupWidth];
  Lanes weighted[V][kGroupWidth];
  Lanes squares[V][kGroupWidth];
  for (int v = 0; v < V; ++v) {
    for (int r = 0; r < kGroupWidth; ++r) {
      products[v][r] = Lanes::zero();
      weighted[v][r] = Lanes::zero();
      squares[v][r] = Lanes::zero();
    }
  }
  for (int i = 0; i < rows; ++i) {
    const float* row = right + i * 2 * kGroupWidth;
    Lanes x[V];
    Lanes yx[V];
    Lanes xx[V];
    for (int v = 0; v < V; ++v) {
      const float* column = left[v] + i * 3 * kPanelWidth;
      x[v] = Lanes::load(column);
      yx[v] = Lanes::load(column + kPanelWidth);
      xx[v] = Lanes::load(column + 2 * kPanelWidth);
    }
#pragma GCC unroll 4
    for (int r = 0; r < kGroupWidth; ++r) {
      const Lanes one = Lanes::all(row[r]);
      const Lanes square = Lanes::all(row[kGroupWidth + r]);
      for (int v = 0; v < V; ++v) {
        products[v][r] = multiply_add(x[v], one, products[v][r]);
        weighted[v][r] = multiply_add(yx[v], one, weighted[v][r]);
        squares[v][r] = multiply_add(xx[v], square, squares[v][r]);
      }
    }
  }
  const Lanes per_row = Lanes::all(1.0F / static_cast<float>(rows));
  const Lanes least_share = Lanes::all(2e-6F);
  const Lanes least = Lanes::all(1e-30F);
  for (int v = 0; v < V; ++v) {
    highest[v] = Lanes::zero();
    for (int r = 0; r < kGroupWidth; ++r) {
      const Lanes variation =
          subtract_product(squares[v][r], products[v][r] * per_row, products[v][r]);
      const Lanes floor = multiply_add(squares[v][r], least_share, least);
      const Lanes score = weighted[v][r] * weighted[v][r] * inverse(largest(variation, floor));
      score.store(scores[v] + static_cast<std::size_t>(r) * stride);
      highest[v] = largest(highest[v], score);
    }
  }
}

void screen_tile_here(const ScreeningTile& tile) {
  constexpr int in_panel = kPanelWidth / Lanes::width;
  constexpr int V = Lanes::registers >= 32 ? 2 : 1;
  const std::size_t stride = static_cast<std::size_t>(tile.panels) * kPanelWidth;
  const std::size_t panel_size = static_cast<std::size_t>(tile.rows) * 3 * kPanelWidth;
  const std::size_t group_size = static_cast<std::size_t>(tile.rows) * 2 * kGroupWidth;
  const Lanes bar = Lanes::all(tile.bar);
  // Two panels stay in the first cache while all groups pass.
  for (int panel = 0; panel < tile.panels; panel += 2) {
    for (int group = 0; group < tile.groups; ++group) {
      const float* right = tile.right + static_cast<std::size_t>(group) * group_size;
      float* scores = tile.scores + static_cast<std::size_t>(group) * kGroupWidth * stride +
                      panel * kPanelWidth;
      for (int vector = 0; vector < 2 * in_panel; vector += V) {
        const float* left[V];
        float* out[V];
        for (int v = 0; v < V; ++v) {
          const int at = vector + v;
          left[v] = tile.left + static_cast<std::size_t>(panel + at / in_panel) * panel_size +
                    (at % in_panel) * Lanes::width;
          out[v] = scores + at * Lanes::width;
        }
        Lanes highest[V];
        screen_vectors<V>(left, right, tile.rows, out, stride, highest);
        for (int v = 0; v < V; ++v) {
          const int at = panel + (vector + v) / in_panel;
          unsigned char& hit = tile.hits[group * tile.panels + at];
          if ((vector + v) % in_panel == 0) hit = 0;
          if (any_above(highest[v], bar)) hit = 1;
        }
      }
    }
  }
}

}  // namespace
}  // namespace kasetsu::descriptors
