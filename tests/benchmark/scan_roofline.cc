// How near the one-swap scan is to what this machine can do, on one core:
//
//   bench_scan_roofline [SECONDS]
//
// For every instruction set, at 150 rows x 4,002 candidates and 376 x 5,568 with sets of eight:
// multiply-adds a second of the bound's kernel (size + 1 for each row of a candidate), of the whole
// ranking, and the roofline, which is the smaller of two limits measured in the same run: the peak
// of multiply-adds in registers, and what reading the candidates once allows (4 bytes for each row
// of a candidate, read from wherever they lie, as many as the scan reads). Each figure is the best
// of many short runs, so that what else the machine does disturbs little. Exit code 1 where the
// kernel does not reach two thirds of its roofline. AVX2 against AVX-512 is printed beside the
// ratio of the two rooflines, which no kernel can better where both are bound by arithmetic.
#include <fmt/format.h>
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/instruction_set.h"
#include "core/base/random.h"
#include "core/selection/search/scan.h"
#include "core/selection/search/scan_tiles.h"
#include "tests/benchmark/arguments.h"
#include "tests/core/selection/synthetic.h"

namespace {

using namespace kasetsu;

constexpr int kSize = 8;
constexpr int kKept = 16;
volatile float sink = 0.0F;

// Rounds of sixteen independent multiply-adds.
constexpr long kRounds = 20'000;

__attribute__((target("avx512f"))) void multiply_adds_avx512() {
  __m512 sums[16];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1.0F);
  const __m512 a = _mm512_set1_ps(0.999F + sink);
  const __m512 b = _mm512_set1_ps(0.001F + sink);
  for (long round = 0; round < kRounds; ++round) {
#pragma GCC unroll 16
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, a, b);
  }
  for (int k = 1; k < 16; ++k) sums[0] = _mm512_add_ps(sums[0], sums[k]);
  sink = 0.0F * _mm512_cvtss_f32(sums[0]);
}

__attribute__((target("avx2,fma"))) void multiply_adds_avx2() {
  __m256 sums[12];
  for (__m256& sum : sums) sum = _mm256_set1_ps(1.0F);
  const __m256 a = _mm256_set1_ps(0.999F + sink);
  const __m256 b = _mm256_set1_ps(0.001F + sink);
  for (long round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, a, b);
  }
  for (int k = 1; k < 12; ++k) sums[0] = _mm256_add_ps(sums[0], sums[k]);
  sink = 0.0F * _mm256_cvtss_f32(sums[0]);
}

// Reads the floats once; count a multiple of 64.
__attribute__((target("avx512f"))) void read_avx512(const float* from, std::size_t count) {
  __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                    _mm512_setzero_ps()};
  for (std::size_t i = 0; i < count; i += 64) {
    for (int k = 0; k < 4; ++k) sums[k] = _mm512_add_ps(sums[k], _mm512_load_ps(from + i + 16 * k));
  }
  sink = 0.0F * _mm512_cvtss_f32(sums[0] + sums[1] + sums[2] + sums[3]);
}

__attribute__((target("avx2"))) void read_avx2(const float* from, std::size_t count) {
  __m256 sums[8];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  for (std::size_t i = 0; i < count; i += 64) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) sums[k] = _mm256_add_ps(sums[k], _mm256_load_ps(from + i + 8 * k));
  }
  for (int k = 1; k < 8; ++k) sums[0] = sums[0] + sums[k];
  sink = 0.0F * _mm256_cvtss_f32(sums[0]);
}

// The least seconds of a call, over so many seconds.
double least_seconds(double for_seconds, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  double least = 1e300;
  for (const auto start = Clock::now(); since(start) < for_seconds;) {
    const auto begin = Clock::now();
    work();
    least = std::min(least, since(begin));
  }
  return least;
}

struct Figures {
  double kernel = 0.0, whole = 0.0, roof = 0.0;  // multiply-adds a second; whole: subsets a second
};

Figures measure(InstructionSet set, int rows, int count, double seconds) {
  force_instruction_set(set);
  const bool wide = set == InstructionSet::avx512;
  Random random(1);
  const auto made = testing::synthetic(rows, count / 6, kSize, 1.0, 1);
  const selection::SearchProblem problem = made.problem();
  selection::SearchOptions options;
  options.size = kSize;
  const selection::Candidates candidates(problem, options);
  const std::size_t tiles = candidates.tile_count();
  const std::size_t floats = tiles * selection::kTileWidth * static_cast<std::size_t>(rows);

  const double peak = wide ? kRounds * 16 * 16 / least_seconds(seconds, multiply_adds_avx512)
                           : kRounds * 12 * 8 / least_seconds(seconds, multiply_adds_avx2);
  const double read = least_seconds(seconds, [&] {
    const auto read_once = wide ? read_avx512 : read_avx2;
    read_once(candidates.tiles(), floats / 64 * 64);
  });

  // The kernel by itself, on a basis as good as any.
  std::vector<float> basis(static_cast<std::size_t>(rows) * (kSize - 1 + 3));
  for (float& value : basis) value = static_cast<float>(random.normal() / rows);
  const selection::ScanInput input{basis.data(), rows, kSize - 1, static_cast<float>(rows), 1e-3F};
  std::vector<float> raw(tiles * selection::kTileWidth + 16);
  float* gains = raw.data();
  while (reinterpret_cast<std::uintptr_t>(gains) % 64 != 0) ++gains;
  const selection::ScanKernels& kernels = wide ? selection::kScanAvx512 : selection::kScanAvx2;
  const double kernel =
      least_seconds(seconds, [&] { kernels.gains(candidates.tiles(), 0, tiles, input, gains); });

  selection::SwapScan scan(candidates);
  const std::vector<int> fixed(made.planted.begin() + 1, made.planted.end());
  std::vector<selection::Scored> best;
  const double whole = least_seconds(seconds, [&] {
    scan.fix(fixed);
    scan.rank(kKept, best);
  });
  force_instruction_set(std::nullopt);

  const double work = static_cast<double>(floats) * (kSize + 1);
  const double by_reading = work / read;
  const Figures figures{work / kernel, count / whole, std::min(peak, by_reading)};
  fmt::print(
      "{:8} {:4} x {:5}  peak {:6.1f}  reading {:6.1f} ({:5.1f} GB/s of {:.1f} MB)  roofline "
      "{:6.1f} | bound {:6.1f} ({:3.0f} %)  whole {:6.2f} million subsets/s, {:.2f} ms, bound "
      "{:2.0f} "
      "% of it\n",
      to_string(set), rows, count, 1e-9 * peak, 1e-9 * by_reading,
      4e-9 * static_cast<double>(floats) / read, 4e-6 * static_cast<double>(floats),
      1e-9 * figures.roof, 1e-9 * figures.kernel, 100.0 * figures.kernel / figures.roof,
      1e-6 * figures.whole, 1e3 * whole, 100.0 * kernel / whole);
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? number_argument<double>(argv[1]) : 2.0;
  fmt::print("billions of multiply-adds a second, one core\n");
  bool holds = true;
  for (const auto& [rows, count] : {std::pair{150, 4002}, std::pair{376, 5568}}) {
    std::map<InstructionSet, Figures> found;
    for (const auto set : {InstructionSet::avx512, InstructionSet::avx2}) {
      if (static_cast<int>(set) > static_cast<int>(best_instruction_set())) continue;
      found[set] = measure(set, rows, count, seconds);
      holds = holds && found[set].kernel >= 2.0 / 3.0 * found[set].roof;
    }
    if (found.size() < 2) continue;
    const auto& [narrow, wide] =
        std::pair{found[InstructionSet::avx2], found[InstructionSet::avx512]};
    fmt::print("  AVX2 ranks {:.0f} % as many subsets as AVX-512; its roofline is {:.0f} %\n",
               100.0 * narrow.whole / wide.whole, 100.0 * narrow.roof / wide.roof);
  }
  fmt::print("{}\n", holds ? "two thirds of the roofline are reached" : "DOES NOT HOLD");
  return holds ? 0 : 1;
}
