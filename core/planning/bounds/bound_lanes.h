// Eight doubles side by side, in as many registers as the instruction set needs for them. Included
// only by kernels, one source file an instruction set, each compiled with its own flags; everything
// has internal linkage, so that the linker cannot pick code of a newer instruction set for an older
// machine. Every operation is one IEEE operation a lane, nothing is fused, and sums across lanes
// have one order: all instruction sets give the same bits.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace kasetsu::planning {
namespace {

#define KASETSU_LANES static inline __attribute__((always_inline))

#if defined(__AVX512F__)
using Register = __m512d;
KASETSU_LANES Register load_register(const double* p) {
  return _mm512_load_pd(p);
}
KASETSU_LANES void store_register(double* p, Register x) {
  _mm512_store_pd(p, x);
}
KASETSU_LANES Register register_of(double x) {
  return _mm512_set1_pd(x);
}
KASETSU_LANES Register least_of(Register a, Register b) {  // a < b ? a : b
  return _mm512_min_pd(a, b);
}
KASETSU_LANES Register most_of(Register a, Register b) {  // a > b ? a : b
  return _mm512_max_pd(a, b);
}
KASETSU_LANES Register choose(Register tested, Register limit, Register a, Register b) {
  return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(tested, limit, _CMP_LT_OQ), b, a);
}
KASETSU_LANES Register magnitude_of(Register x) {
  return _mm512_abs_pd(x);
}
#elif defined(__AVX2__)
using Register = __m256d;
KASETSU_LANES Register load_register(const double* p) {
  return _mm256_load_pd(p);
}
KASETSU_LANES void store_register(double* p, Register x) {
  _mm256_store_pd(p, x);
}
KASETSU_LANES Register register_of(double x) {
  return _mm256_set1_pd(x);
}
KASETSU_LANES Register least_of(Register a, Register b) {
  return _mm256_min_pd(a, b);
}
KASETSU_LANES Register most_of(Register a, Register b) {
  return _mm256_max_pd(a, b);
}
KASETSU_LANES Register choose(Register tested, Register limit, Register a, Register b) {
  return _mm256_blendv_pd(b, a, _mm256_cmp_pd(tested, limit, _CMP_LT_OQ));
}
KASETSU_LANES Register magnitude_of(Register x) {
  return _mm256_andnot_pd(_mm256_set1_pd(-0.0), x);
}
#else
using Register = __m128d;
KASETSU_LANES Register load_register(const double* p) {
  return _mm_load_pd(p);
}
KASETSU_LANES void store_register(double* p, Register x) {
  _mm_store_pd(p, x);
}
KASETSU_LANES Register register_of(double x) {
  return _mm_set1_pd(x);
}
KASETSU_LANES Register least_of(Register a, Register b) {
  return _mm_min_pd(a, b);
}
KASETSU_LANES Register most_of(Register a, Register b) {
  return _mm_max_pd(a, b);
}
KASETSU_LANES Register choose(Register tested, Register limit, Register a, Register b) {
  const Register below = _mm_cmplt_pd(tested, limit);
  return _mm_or_pd(_mm_and_pd(below, a), _mm_andnot_pd(below, b));
}
KASETSU_LANES Register magnitude_of(Register x) {
  return _mm_andnot_pd(_mm_set1_pd(-0.0), x);
}
#endif

constexpr std::size_t kInRegister = sizeof(Register) / sizeof(double);
constexpr std::size_t kRegisters = 8 / kInRegister;

struct Lanes {
  Register part[kRegisters];
};

KASETSU_LANES Lanes load(const double* p) {
  Lanes out;
  for (std::size_t k = 0; k < kRegisters; ++k) out.part[k] = load_register(p + k * kInRegister);
  return out;
}
KASETSU_LANES void store(double* p, const Lanes& x) {
  for (std::size_t k = 0; k < kRegisters; ++k) store_register(p + k * kInRegister, x.part[k]);
}
KASETSU_LANES Lanes all(double x) {
  Lanes out;
  for (std::size_t k = 0; k < kRegisters; ++k) out.part[k] = register_of(x);
  return out;
}

// One operation of registers, register by register.
template <typename Operation>
KASETSU_LANES Lanes each(const Operation& operation, const Lanes& a, const Lanes& b) {
  Lanes out;
  for (std::size_t k = 0; k < kRegisters; ++k) out.part[k] = operation(a.part[k], b.part[k]);
  return out;
}
KASETSU_LANES Lanes operator+(const Lanes& a, const Lanes& b) {
  return each([](Register x, Register y) { return x + y; }, a, b);
}
KASETSU_LANES Lanes operator-(const Lanes& a, const Lanes& b) {
  return each([](Register x, Register y) { return x - y; }, a, b);
}
KASETSU_LANES Lanes operator*(const Lanes& a, const Lanes& b) {
  return each([](Register x, Register y) { return x * y; }, a, b);
}
KASETSU_LANES void operator+=(Lanes& a, const Lanes& b) {
  a = a + b;
}
KASETSU_LANES Lanes smaller(const Lanes& a, const Lanes& b) {
  return each([](Register x, Register y) { return least_of(x, y); }, a, b);
}
KASETSU_LANES Lanes larger(const Lanes& a, const Lanes& b) {
  return each([](Register x, Register y) { return most_of(x, y); }, a, b);
}
KASETSU_LANES Lanes magnitude(const Lanes& x) {
  return each([](Register y, Register) { return magnitude_of(y); }, x, x);
}
// by lane: tested < limit ? a : b
KASETSU_LANES Lanes choose_below(const Lanes& tested, const Lanes& limit, const Lanes& a,
                                 const Lanes& b) {
  Lanes out;
  for (std::size_t k = 0; k < kRegisters; ++k)
    out.part[k] = choose(tested.part[k], limit.part[k], a.part[k], b.part[k]);
  return out;
}

// ((0+4)+(2+6)) + ((1+5)+(3+7))
KASETSU_LANES double sum(const Lanes& x) {
  alignas(64) double lane[8];
  store(lane, x);
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace
}  // namespace kasetsu::planning
