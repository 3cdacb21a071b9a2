#include "core/descriptors/screening_kernel.h"

namespace kasetsu::descriptors {

void screen_tile_baseline(const ScreeningTile& tile) {
  screen_tile_here(tile);
}

}  // namespace kasetsu::descriptors
