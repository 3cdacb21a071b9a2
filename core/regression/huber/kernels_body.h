// The kernels' text, compiled by kernels_{baseline,avx2,avx512}.cc. Algebra in docs/method.md.
#pragma once

#include "core/regression/huber/huber_folds_kernel.h"
#include "core/regression/huber/vertex_kernel.h"

namespace kasetsu::regression {
namespace {

bool huber_fit(HuberTask& t, bool resume) {
  if (t.rank > kLargestRank) return false;
  switch (t.rank) {
    case 5:
      return HuberFolds<5>::fit(t, resume);
    case 9:
      return HuberFolds<9>::fit(t, resume);
    default:
      return HuberFolds<0>::fit(t, resume);
  }
}

bool huber_one_step(HuberTask& t) {
  switch (t.rank) {
    case 5:
      return HuberFolds<5>::one_step(t);
    case 9:
      return HuberFolds<9>::one_step(t);
    default:
      return HuberFolds<0>::one_step(t);
  }
}

double huber_leave_one_out(HuberTask& t, double limit) {
  switch (t.rank) {
    case 5:
      return HuberFolds<5>::leave_one_out(t, limit);
    case 9:
      return HuberFolds<9>::leave_one_out(t, limit);
    default:
      return HuberFolds<0>::leave_one_out(t, limit);
  }
}

}  // namespace

const Kernels& KASETSU_KERNELS() {
  static const Kernels table{dot_kernel,          project_kernel,      huber_fit,
                             huber_one_step,      huber_leave_one_out, vertex_fit,
                             vertex_leave_one_out};
  return table;
}

}  // namespace kasetsu::regression
