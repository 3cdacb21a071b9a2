// One vector of 32-bit floats of the instruction set that a source file is compiled for. Included
// only by kernels, one source file an instruction set, each compiled with its own flags; everything
// here has internal linkage, so that no code of a newer instruction set can be picked by the linker
// for an older machine.
#pragma once

#include <immintrin.h>

namespace kasetsu {
namespace {

#if defined(__AVX512F__)
struct FloatLanes {
  static constexpr int width = 16;
  static constexpr int registers = 32;
  __m512 x;
  static FloatLanes load(const float* p) { return {_mm512_load_ps(p)}; }
  static FloatLanes all(float v) { return {_mm512_set1_ps(v)}; }
  static FloatLanes zero() { return {_mm512_setzero_ps()}; }
  void store(float* p) const { _mm512_store_ps(p, x); }
  friend FloatLanes operator*(FloatLanes a, FloatLanes b) { return {_mm512_mul_ps(a.x, b.x)}; }
  friend FloatLanes operator+(FloatLanes a, FloatLanes b) { return {_mm512_add_ps(a.x, b.x)}; }
};
inline FloatLanes multiply_add(FloatLanes a, FloatLanes b, FloatLanes c) {
  return {_mm512_fmadd_ps(a.x, b.x, c.x)};
}
inline FloatLanes subtract_product(FloatLanes c, FloatLanes a, FloatLanes b) {  // c - a b
  return {_mm512_fnmadd_ps(a.x, b.x, c.x)};
}
inline FloatLanes largest(FloatLanes a, FloatLanes b) {
  return {_mm512_max_ps(a.x, b.x)};
}
inline FloatLanes magnitude(FloatLanes a) {
  return {_mm512_abs_ps(a.x)};
}
inline FloatLanes inverse_sqrt(FloatLanes a) {
  return {_mm512_div_ps(_mm512_set1_ps(1.0F), _mm512_sqrt_ps(a.x))};
}
// To 23 bits or so: 14 of the table, doubled by one Newton step.
inline FloatLanes inverse(FloatLanes a) {
  const __m512 guess = _mm512_rcp14_ps(a.x);
  return {_mm512_mul_ps(guess, _mm512_fnmadd_ps(a.x, guess, _mm512_set1_ps(2.0F)))};
}
// a where limit <= tested, else otherwise; by lane
inline FloatLanes choose_at_least(FloatLanes tested, FloatLanes limit, FloatLanes a,
                                  FloatLanes otherwise) {
  return {
      _mm512_mask_blend_ps(_mm512_cmp_ps_mask(limit.x, tested.x, _CMP_LE_OQ), otherwise.x, a.x)};
}
inline bool any_above(FloatLanes a, FloatLanes bar) {
  return _mm512_cmp_ps_mask(a.x, bar.x, _CMP_GT_OQ) != 0;
}
#elif defined(__AVX2__)
struct FloatLanes {
  static constexpr int width = 8;
  static constexpr int registers = 16;
  __m256 x;
  static FloatLanes load(const float* p) { return {_mm256_load_ps(p)}; }
  static FloatLanes all(float v) { return {_mm256_set1_ps(v)}; }
  static FloatLanes zero() { return {_mm256_setzero_ps()}; }
  void store(float* p) const { _mm256_store_ps(p, x); }
  friend FloatLanes operator*(FloatLanes a, FloatLanes b) { return {_mm256_mul_ps(a.x, b.x)}; }
  friend FloatLanes operator+(FloatLanes a, FloatLanes b) { return {_mm256_add_ps(a.x, b.x)}; }
};
inline FloatLanes multiply_add(FloatLanes a, FloatLanes b, FloatLanes c) {
  return {_mm256_fmadd_ps(a.x, b.x, c.x)};
}
inline FloatLanes subtract_product(FloatLanes c, FloatLanes a, FloatLanes b) {
  return {_mm256_fnmadd_ps(a.x, b.x, c.x)};
}
inline FloatLanes largest(FloatLanes a, FloatLanes b) {
  return {_mm256_max_ps(a.x, b.x)};
}
inline FloatLanes magnitude(FloatLanes a) {
  return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.x)};
}
inline FloatLanes inverse_sqrt(FloatLanes a) {
  return {_mm256_div_ps(_mm256_set1_ps(1.0F), _mm256_sqrt_ps(a.x))};
}
inline FloatLanes inverse(FloatLanes a) {
  const __m256 guess = _mm256_rcp_ps(a.x);
  return {_mm256_mul_ps(guess, _mm256_fnmadd_ps(a.x, guess, _mm256_set1_ps(2.0F)))};
}
inline FloatLanes choose_at_least(FloatLanes tested, FloatLanes limit, FloatLanes a,
                                  FloatLanes otherwise) {
  return {_mm256_blendv_ps(otherwise.x, a.x, _mm256_cmp_ps(limit.x, tested.x, _CMP_LE_OQ))};
}
inline bool any_above(FloatLanes a, FloatLanes bar) {
  return _mm256_movemask_ps(_mm256_cmp_ps(a.x, bar.x, _CMP_GT_OQ)) != 0;
}
#else
struct FloatLanes {
  static constexpr int width = 4;
  static constexpr int registers = 16;
  __m128 x;
  static FloatLanes load(const float* p) { return {_mm_load_ps(p)}; }
  static FloatLanes all(float v) { return {_mm_set1_ps(v)}; }
  static FloatLanes zero() { return {_mm_setzero_ps()}; }
  void store(float* p) const { _mm_store_ps(p, x); }
  friend FloatLanes operator*(FloatLanes a, FloatLanes b) { return {_mm_mul_ps(a.x, b.x)}; }
  friend FloatLanes operator+(FloatLanes a, FloatLanes b) { return {_mm_add_ps(a.x, b.x)}; }
};
inline FloatLanes multiply_add(FloatLanes a, FloatLanes b, FloatLanes c) {
  return {_mm_add_ps(_mm_mul_ps(a.x, b.x), c.x)};
}
inline FloatLanes subtract_product(FloatLanes c, FloatLanes a, FloatLanes b) {
  return {_mm_sub_ps(c.x, _mm_mul_ps(a.x, b.x))};
}
inline FloatLanes largest(FloatLanes a, FloatLanes b) {
  return {_mm_max_ps(a.x, b.x)};
}
inline FloatLanes magnitude(FloatLanes a) {
  return {_mm_andnot_ps(_mm_set1_ps(-0.0F), a.x)};
}
inline FloatLanes inverse_sqrt(FloatLanes a) {
  return {_mm_div_ps(_mm_set1_ps(1.0F), _mm_sqrt_ps(a.x))};
}
inline FloatLanes inverse(FloatLanes a) {
  const __m128 guess = _mm_rcp_ps(a.x);
  return {_mm_mul_ps(guess, _mm_sub_ps(_mm_set1_ps(2.0F), _mm_mul_ps(a.x, guess)))};
}
inline FloatLanes choose_at_least(FloatLanes tested, FloatLanes limit, FloatLanes a,
                                  FloatLanes otherwise) {
  const __m128 mask = _mm_cmple_ps(limit.x, tested.x);
  return {_mm_or_ps(_mm_and_ps(mask, a.x), _mm_andnot_ps(mask, otherwise.x))};
}
inline bool any_above(FloatLanes a, FloatLanes bar) {
  return _mm_movemask_ps(_mm_cmpgt_ps(a.x, bar.x)) != 0;
}
#endif

}  // namespace
}  // namespace kasetsu
