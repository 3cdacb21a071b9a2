#include "core/regression/huber/kernels.h"

namespace kasetsu::regression {

const Kernels& kernels(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512:
      return kernels_avx512();
    case InstructionSet::avx2:
      return kernels_avx2();
    case InstructionSet::baseline:
      break;
  }
  return kernels_baseline();
}

}  // namespace kasetsu::regression
