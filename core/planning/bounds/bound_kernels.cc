#include "core/planning/bounds/bound_kernels.h"

namespace kasetsu::planning {

const BoundKernels& bound_kernels(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512:
      return bound_kernels_avx512();
    case InstructionSet::avx2:
      return bound_kernels_avx2();
    case InstructionSet::baseline:
      break;
  }
  return bound_kernels_baseline();
}

}  // namespace kasetsu::planning
