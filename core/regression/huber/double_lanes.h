// Eight doubles side by side. Included only by kernels, one source file an instruction set, each
// compiled with its own flags; everything has internal linkage, so that the linker cannot pick code
// of a newer instruction set for an older machine. Every operation is one IEEE operation a lane,
// nothing is fused, and sums across lanes have one order: all instruction sets give the same bits.
#pragma once

#include <immintrin.h>

namespace kasetsu::regression {
namespace {

using DoubleLanes = double __attribute__((vector_size(64)));
using Four = double __attribute__((vector_size(32)));
using Two = double __attribute__((vector_size(16)));
using Bits = long long __attribute__((vector_size(64)));

#define KASETSU_INLINE static inline __attribute__((always_inline))

KASETSU_INLINE DoubleLanes load(const double* p) {
  return *reinterpret_cast<const DoubleLanes*>(p);
}
KASETSU_INLINE void store(double* p, DoubleLanes x) {
  *reinterpret_cast<DoubleLanes*>(p) = x;
}
KASETSU_INLINE DoubleLanes all(double x) {
  return DoubleLanes{x, x, x, x, x, x, x, x};
}
KASETSU_INLINE DoubleLanes magnitude(DoubleLanes x) {
  return reinterpret_cast<DoubleLanes>(reinterpret_cast<Bits>(x) & 0x7fffffffffffffffLL);
}

// ((0+4)+(2+6)) + ((1+5)+(3+7))
KASETSU_INLINE double sum(DoubleLanes x) {
  const Four four =
      __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
  const Two two =
      __builtin_shufflevector(four, four, 0, 1) + __builtin_shufflevector(four, four, 2, 3);
  return two[0] + two[1];
}

// Rows become columns: out[i][l] = in[l][i].
KASETSU_INLINE void transpose(const DoubleLanes* in, DoubleLanes* out) {
  DoubleLanes a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = __builtin_shufflevector(in[i], in[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    a[i + 1] = __builtin_shufflevector(in[i], in[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      b[i + j] = __builtin_shufflevector(a[i + j], a[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      b[i + j + 2] = __builtin_shufflevector(a[i + j], a[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (int j = 0; j < 4; ++j) {
    out[j] = __builtin_shufflevector(b[j], b[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    out[j + 4] = __builtin_shufflevector(b[j], b[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

#if defined(__AVX512F__)
KASETSU_INLINE DoubleLanes least(DoubleLanes a, DoubleLanes b) {  // a < b ? a : b
  return reinterpret_cast<DoubleLanes>(
      _mm512_min_pd(reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b)));
}
KASETSU_INLINE unsigned mask_below(DoubleLanes a, DoubleLanes b) {  // bit by lane: a < b
  return _mm512_cmp_pd_mask(reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b), _CMP_LT_OQ);
}
KASETSU_INLINE DoubleLanes root(DoubleLanes x) {
  return reinterpret_cast<DoubleLanes>(_mm512_sqrt_pd(reinterpret_cast<__m512d>(x)));
}
// by lane: tested < limit ? a : b
KASETSU_INLINE DoubleLanes choose_below(DoubleLanes tested, DoubleLanes limit, DoubleLanes a,
                                        DoubleLanes b) {
  return reinterpret_cast<DoubleLanes>(
      _mm512_mask_blend_pd(static_cast<__mmask8>(mask_below(tested, limit)),
                           reinterpret_cast<__m512d>(b), reinterpret_cast<__m512d>(a)));
}
#else
KASETSU_INLINE DoubleLanes least(DoubleLanes a, DoubleLanes b) {
  return a < b ? a : b;
}
KASETSU_INLINE DoubleLanes choose_below(DoubleLanes tested, DoubleLanes limit, DoubleLanes a,
                                        DoubleLanes b) {
  return tested < limit ? a : b;
}
#if defined(__AVX2__)
KASETSU_INLINE unsigned mask_below(DoubleLanes a, DoubleLanes b) {
  const DoubleLanes m = reinterpret_cast<DoubleLanes>(a < b);
  const __m256d low = reinterpret_cast<__m256d>(__builtin_shufflevector(m, m, 0, 1, 2, 3));
  const __m256d high = reinterpret_cast<__m256d>(__builtin_shufflevector(m, m, 4, 5, 6, 7));
  return static_cast<unsigned>(_mm256_movemask_pd(low)) |
         static_cast<unsigned>(_mm256_movemask_pd(high)) << 4;
}
KASETSU_INLINE DoubleLanes root(DoubleLanes x) {
  const __m256d low =
      _mm256_sqrt_pd(reinterpret_cast<__m256d>(__builtin_shufflevector(x, x, 0, 1, 2, 3)));
  const __m256d high =
      _mm256_sqrt_pd(reinterpret_cast<__m256d>(__builtin_shufflevector(x, x, 4, 5, 6, 7)));
  return __builtin_shufflevector(reinterpret_cast<Four>(low), reinterpret_cast<Four>(high), 0, 1, 2,
                                 3, 4, 5, 6, 7);
}
#else
KASETSU_INLINE unsigned mask_below(DoubleLanes a, DoubleLanes b) {
  const Bits m = a < b;
  unsigned bits = 0;
  for (unsigned i = 0; i < 8; ++i) bits |= static_cast<unsigned>(m[i] & 1) << i;
  return bits;
}
KASETSU_INLINE DoubleLanes root(DoubleLanes x) {
  DoubleLanes out;
  for (int i = 0; i < 8; ++i) out[i] = __builtin_sqrt(x[i]);
  return out;
}
#endif
#endif

}  // namespace
}  // namespace kasetsu::regression
