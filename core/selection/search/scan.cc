#include "core/selection/search/scan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/instruction_set.h"
#include "core/selection/search/scan_tiles.h"

namespace kasetsu::selection {
namespace {

// Share of its own squared length that a column must keep off the basis. Below it the 32-bit score
// has no figures left, and a model would rest on the last digits of a descriptor.
constexpr double kSmallestShare = 1e-4;
constexpr double kLeastRoom = 1e-9;

}  // namespace

SwapScan::SwapScan(const Candidates& candidates)
    : candidates_(candidates),
      basis_(candidates.rows(), kLargestBasis),
      residual_(candidates.rows()),
      room_(candidates.rows()),
      v_(candidates.rows()),
      along_(kLargestBasis) {
  raw_.assign(candidates.tile_count() * kTileWidth + 16, kNever);
  const double deviation =
      std::sqrt(candidates.centred().squaredNorm() / static_cast<double>(candidates.rows()));
  if (deviation > 0.0 && std::isfinite(deviation)) unit_ = deviation;
  const auto address = reinterpret_cast<std::uintptr_t>(raw_.data());
  scores_ = raw_.data() + ((64 - address % 64) % 64) / sizeof(float);
  fix({});
}

void SwapScan::fix(std::span<const int> members) {
  KASETSU_ASSERT(members.size() <= kLargestBasis);
  const int rows = candidates_.rows();
  fixed_.assign(members.begin(), members.end());
  basis_columns_ = 0;
  residual_ = candidates_.centred();
  room_.setConstant(1.0 - 1.0 / rows);
  for (const int member : members) {
    auto q = basis_.col(basis_columns_);
    q = Eigen::Map<const Eigen::VectorXd>(candidates_.column(member), rows);
    const double before = q.squaredNorm();
    // Twice: once loses orthogonality for nearly dependent columns.
    for (int pass = 0; pass < 2; ++pass) {
      for (int k = 0; k < basis_columns_; ++k) q -= basis_.col(k).dot(q) * basis_.col(k);
    }
    const double after = q.squaredNorm();
    if (!(after > 1e-10 * before)) continue;
    q /= std::sqrt(after);
    residual_ -= q.dot(residual_) * q;
    room_.array() -= q.array().square();
    ++basis_columns_;
  }
}

void SwapScan::score_all() {
  const int rows = candidates_.rows();
  const int stride = basis_columns_ + 2;
  rows_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride));
  float* out = rows_.data();
  for (int i = 0; i < rows; ++i) {
    for (int k = 0; k < basis_columns_; ++k) *out++ = static_cast<float>(basis_(i, k));
    *out++ = static_cast<float>(residual_[i] / unit_);
    *out++ = static_cast<float>(room_[i]);
  }
  const ScanInput input{rows_.data(), rows, basis_columns_, static_cast<float>(rows),
                        static_cast<float>(kSmallestShare * rows)};
  auto* kernel = scan_tiles_baseline;
#if defined(__x86_64__)
  if (instruction_set() == InstructionSet::avx512) {
    kernel = scan_tiles_avx512;
  } else if (instruction_set() == InstructionSet::avx2) {
    kernel = scan_tiles_avx2;
  }
#endif
  kernel(candidates_.tiles(), 0, candidates_.tile_count(), input, scores_);
}

std::span<const float> SwapScan::scores() const {
  return {scores_, static_cast<std::size_t>(candidates_.count())};
}

double SwapScan::ols_mae(int candidate) {
  const int rows = candidates_.rows();
  v_ = Eigen::Map<const Eigen::VectorXd>(candidates_.column(candidate), rows);
  const double before = v_.squaredNorm();
  for (int pass = 0; pass < 2; ++pass) {
    for (int k = 0; k < basis_columns_; ++k) v_ -= basis_.col(k).dot(v_) * basis_.col(k);
  }
  const double n = v_.squaredNorm();
  if (!(n > kSmallestShare * before)) return std::numeric_limits<double>::infinity();
  const double slope = v_.dot(residual_) / n;
  double sum = 0.0;
  for (int i = 0; i < rows; ++i) {
    const double room = room_[i] - v_[i] * v_[i] / n;
    if (room < kLeastRoom) return std::numeric_limits<double>::infinity();
    sum += std::abs((residual_[i] - v_[i] * slope) / room);
  }
  return sum / rows;
}

void SwapScan::rank(int keep, std::vector<Scored>& out) {
  out.clear();
  const auto wanted = static_cast<std::size_t>(keep);
  const int count = candidates_.count();
  float worst = kNever;
  for (int j = 0; j < count; j += kTileWidth) {
    const float* scores = scores_ + j;
    float least = scores[0];
    for (int lane = 1; lane < kTileWidth; ++lane) least = std::min(least, scores[lane]);
    if (!(least < worst)) continue;
    const int last = std::min(j + kTileWidth, count);
    for (int candidate = j; candidate < last; ++candidate) {
      const float score = scores_[candidate];
      if (!(score < worst)) continue;
      if (!candidates_.is_usable(candidate) || !candidates_.compatible(candidate, fixed_)) continue;
      if (out.size() == wanted) {
        std::pop_heap(out.begin(), out.end());
        out.pop_back();
      }
      out.push_back({static_cast<double>(score), candidate});
      std::push_heap(out.begin(), out.end());
      if (out.size() == wanted) worst = static_cast<float>(out.front().score);
    }
  }
  std::sort_heap(out.begin(), out.end());
}

void SwapScan::best(int keep, int margin, std::vector<Scored>& out) {
  rank(keep + margin, out);
  for (Scored& entry : out) entry.score = ols_mae(entry.candidate);
  std::sort(out.begin(), out.end());
  while (!out.empty() && !std::isfinite(out.back().score)) out.pop_back();
  if (out.size() > static_cast<std::size_t>(keep)) out.resize(static_cast<std::size_t>(keep));
}

}  // namespace kasetsu::selection
