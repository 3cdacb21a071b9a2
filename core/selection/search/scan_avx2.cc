#include "core/selection/search/scan_kernel.h"

namespace kasetsu::selection {

void scan_tiles_avx2(const float* tiles, std::size_t first, std::size_t last, const ScanInput& in,
                     float* scores) {
  scan_tiles_here(tiles, first, last, in, scores);
}

}  // namespace kasetsu::selection
