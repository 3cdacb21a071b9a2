#include "core/selection/search/scan_kernel.h"

namespace kasetsu::selection {

const ScanKernels kScanBaseline = {gains_here, scores_here};

}  // namespace kasetsu::selection
