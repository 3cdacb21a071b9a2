// Sums and projections. Included by kernels_body.h.
#pragma once

#include "core/regression/huber/double_lanes.h"
#include "core/regression/huber/kernels.h"

namespace kasetsu::regression {
namespace {

KASETSU_INLINE double largest_of(double a, double b) {
  return a > b ? a : b;
}
KASETSU_INLINE double magnitude_of(double a) {
  return a < 0.0 ? -a : a;
}

double dot_kernel(const double* a, const double* b, int stride) {
  DoubleLanes total = all(0.0);
  for (int k = 0; k < stride; k += 8) total += load(a + k) * load(b + k);
  return sum(total);
}

void project_kernel(const double* q, int count, double* x, double* projection, int stride) {
  double share[4];
  for (int first = 0; first < count; first += 4) {
    const int some = count - first < 4 ? count - first : 4;
    const double* q0 = q + static_cast<long>(first) * stride;
    if (some == 4) {
      const double* q1 = q0 + stride;
      const double* q2 = q1 + stride;
      const double* q3 = q2 + stride;
      DoubleLanes s0 = all(0.0), s1 = s0, s2 = s0, s3 = s0;
      for (int k = 0; k < stride; k += 8) {
        const DoubleLanes v = load(x + k);
        s0 += load(q0 + k) * v;
        s1 += load(q1 + k) * v;
        s2 += load(q2 + k) * v;
        s3 += load(q3 + k) * v;
      }
      share[0] = sum(s0);
      share[1] = sum(s1);
      share[2] = sum(s2);
      share[3] = sum(s3);
      const DoubleLanes f0 = all(share[0]), f1 = all(share[1]), f2 = all(share[2]),
                        f3 = all(share[3]);
      for (int k = 0; k < stride; k += 8) {
        store(x + k, load(x + k) - ((f0 * load(q0 + k) + f1 * load(q1 + k)) +
                                    (f2 * load(q2 + k) + f3 * load(q3 + k))));
      }
    } else {
      for (int l = 0; l < some; ++l) {
        const double* ql = q0 + static_cast<long>(l) * stride;
        share[l] = dot_kernel(ql, x, stride);
        const DoubleLanes f = all(share[l]);
        for (int k = 0; k < stride; k += 8) store(x + k, load(x + k) - f * load(ql + k));
      }
    }
    for (int l = 0; l < some; ++l) projection[first + l] += share[l];
  }
}

}  // namespace
}  // namespace kasetsu::regression
