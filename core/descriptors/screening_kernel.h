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
                    std::size_t stride, FloatLanes (&highest)[V]) {
  FloatLanes products[V][kGroupWidth];
  FloatLanes weighted[V][kGroupWidth];
  FloatLanes squares[V][kGroupWidth];
  for (int v = 0; v < V; ++v) {
    for (int r = 0; r < kGroupWidth; ++r) {
      products[v][r] = FloatLanes::zero();
      weighted[v][r] = FloatLanes::zero();
      squares[v][r] = FloatLanes::zero();
    }
  }
  for (int i = 0; i < rows; ++i) {
    const float* row = right + i * 2 * kGroupWidth;
    FloatLanes x[V];
    FloatLanes yx[V];
    FloatLanes xx[V];
    for (int v = 0; v < V; ++v) {
      const float* column = left[v] + i * 3 * kPanelWidth;
      x[v] = FloatLanes::load(column);
      yx[v] = FloatLanes::load(column + kPanelWidth);
      xx[v] = FloatLanes::load(column + 2 * kPanelWidth);
    }
#pragma GCC unroll 4
    for (int r = 0; r < kGroupWidth; ++r) {
      const FloatLanes one = FloatLanes::all(row[r]);
      const FloatLanes square = FloatLanes::all(row[kGroupWidth + r]);
      for (int v = 0; v < V; ++v) {
        products[v][r] = multiply_add(x[v], one, products[v][r]);
        weighted[v][r] = multiply_add(yx[v], one, weighted[v][r]);
        squares[v][r] = multiply_add(xx[v], square, squares[v][r]);
      }
    }
  }
  const FloatLanes per_row = FloatLanes::all(1.0F / static_cast<float>(rows));
  const FloatLanes least_share = FloatLanes::all(2e-6F);
  const FloatLanes least = FloatLanes::all(1e-30F);
  for (int v = 0; v < V; ++v) {
    highest[v] = FloatLanes::zero();
    for (int r = 0; r < kGroupWidth; ++r) {
      const FloatLanes variation =
          subtract_product(squares[v][r], products[v][r] * per_row, products[v][r]);
      const FloatLanes floor = multiply_add(squares[v][r], least_share, least);
      const FloatLanes score = weighted[v][r] * weighted[v][r] * inverse(largest(variation, floor));
      score.store(scores[v] + static_cast<std::size_t>(r) * stride);
      highest[v] = largest(highest[v], score);
    }
  }
}

void screen_tile_here(const ScreeningTile& tile) {
  constexpr int in_panel = kPanelWidth / FloatLanes::width;
  constexpr int V = FloatLanes::registers >= 32 ? 2 : 1;
  const std::size_t stride = static_cast<std::size_t>(tile.panels) * kPanelWidth;
  const std::size_t panel_size = static_cast<std::size_t>(tile.rows) * 3 * kPanelWidth;
  const std::size_t group_size = static_cast<std::size_t>(tile.rows) * 2 * kGroupWidth;
  const FloatLanes bar = FloatLanes::all(tile.bar);
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
                    (at % in_panel) * FloatLanes::width;
          out[v] = scores + at * FloatLanes::width;
        }
        FloatLanes highest[V];
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
