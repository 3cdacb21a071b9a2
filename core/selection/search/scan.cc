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
constexpr double kLeastScoreRoom = 1e-6;  // that the kernels divide by
// Where a column keeps less than this, one more projection makes it orthogonal to rounding.
constexpr double kOnceIsEnough = 1e-2;
// Margins above the rounding of 32-bit numbers: of a bound, as shares of the gain and of the error
// without the candidate, and of a score.
constexpr double kGainMargin = 0.02;
constexpr double kErrorMargin = 1e-4;
constexpr double kScoreMargin = 2e-3;
constexpr std::size_t kTilesAtOnce = 6;

// Of a tile; four at a time, so that no comparison waits for the one before it.
float largest_of(const float* gains) {
  float largest[4] = {gains[0], gains[1], gains[2], gains[3]};
  for (int lane = 4; lane < kTileWidth; lane += 4) {
    for (int k = 0; k < 4; ++k) largest[k] = std::max(largest[k], gains[lane + k]);
  }
  return std::max(std::max(largest[0], largest[1]), std::max(largest[2], largest[3]));
}

const ScanKernels& kernels() {
#if defined(__x86_64__)
  if (instruction_set() == InstructionSet::avx512) return kScanAvx512;
  if (instruction_set() == InstructionSet::avx2) return kScanAvx2;
#endif
  return kScanBaseline;
}

}  // namespace

SwapScan::SwapScan(const Candidates& candidates)
    : candidates_(candidates),
      basis_(candidates.rows(), kLargestBasis),
      residual_(candidates.rows()),
      room_(candidates.rows()),
      v_(candidates.rows()),
      along_(kLargestBasis) {
  const std::size_t lanes = candidates.tile_count() * kTileWidth;
  raw_.assign(lanes + kTilesAtOnce * kTileWidth + 16, 0.0F);
  const double deviation =
      std::sqrt(candidates.centred().squaredNorm() / static_cast<double>(candidates.rows()));
  if (deviation > 0.0 && std::isfinite(deviation)) unit_ = deviation;
  const auto address = reinterpret_cast<std::uintptr_t>(raw_.data());
  gains_ = raw_.data() + ((64 - address % 64) % 64) / sizeof(float);
  scores_ = gains_ + lanes;
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

void SwapScan::write_rows() {
  const int rows = candidates_.rows();
  v_ = (residual_.array().sign() / room_.array().max(kLeastScoreRoom)).matrix();
  without_ = v_.dot(residual_) / unit_;
  v_.array() -= v_.mean();
  for (int k = 0; k < basis_columns_; ++k) v_ -= basis_.col(k).dot(v_) * basis_.col(k);
  rows_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(basis_columns_ + 3));
  float* out = rows_.data();
  for (int i = 0; i < rows; ++i) {
    for (int k = 0; k < basis_columns_; ++k) *out++ = static_cast<float>(basis_(i, k));
    *out++ = static_cast<float>(residual_[i] / unit_);
    *out++ = static_cast<float>(room_[i]);
    *out++ = static_cast<float>(v_[i]);
  }
}

double SwapScan::ols_mae(int candidate) {
  const int rows = candidates_.rows();
  v_ = Eigen::Map<const Eigen::VectorXd>(candidates_.column(candidate), rows);
  const double before = v_.squaredNorm();
  const auto basis = basis_.leftCols(basis_columns_);
  double n = before;
  for (int pass = 0; pass < 2; ++pass) {
    along_.head(basis_columns_).noalias() = basis.transpose() * v_;
    v_.noalias() -= basis * along_.head(basis_columns_);
    n = v_.squaredNorm();
    if (n > kOnceIsEnough * before) break;
  }
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
  write_rows();
  const int rows = candidates_.rows();
  const ScanInput input{rows_.data(), rows, basis_columns_, static_cast<float>(rows),
                        static_cast<float>(kSmallestShare * rows)};
  const ScanKernels& kernel = kernels();
  kernel.gains(candidates_.tiles(), 0, candidates_.tile_count(), input, gains_);
  tiles_.clear();
  for (std::size_t tile = 0; tile < candidates_.tile_count(); ++tile) {
    const float* gains = gains_ + tile * kTileWidth;
    float largest = largest_of(gains);
    if (largest >= kNever) largest = largest_that_counts(static_cast<int>(tile));
    tiles_.emplace_back(largest, static_cast<int>(tile));
  }
  std::make_heap(tiles_.begin(), tiles_.end());
  // The most promising tiles first, until none that is left can hold one of the best.
  least_.clear();
  near_.clear();
  scored_ = 0;
  double bar = kNever;
  const auto lower_bound = [&](float gain) {
    return (1.0 - kErrorMargin) * without_ - (1.0 + kGainMargin) * gain;
  };
  while (!tiles_.empty() && lower_bound(tiles_.front().first) <= bar) {
    int which[kTilesAtOnce];
    std::size_t taken = 0;
    while (taken < kTilesAtOnce && !tiles_.empty()) {
      std::pop_heap(tiles_.begin(), tiles_.end());
      which[taken++] = tiles_.back().second;
      tiles_.pop_back();
    }
    kernel.scores(candidates_.tiles(), which, taken, input, scores_);
    scored_ += taken * kTileWidth;
    for (std::size_t lane = 0; lane < taken * kTileWidth; ++lane) {
      const int candidate =
          which[lane / kTileWidth] * kTileWidth + static_cast<int>(lane) % kTileWidth;
      consider(candidate, scores_[lane], static_cast<std::size_t>(keep), bar);
    }
  }
  out.clear();
  for (const auto& [score, candidate] : near_) {
    if (score > bar) continue;
    const double exact = ols_mae(candidate);
    if (std::isfinite(exact)) out.push_back({exact, candidate});
  }
  std::sort(out.begin(), out.end());
  if (out.size() > static_cast<std::size_t>(keep)) out.resize(static_cast<std::size_t>(keep));
}

// Where nothing is known of a candidate: most of these are other forms of the members that stay,
// and may not be taken anyway.
float SwapScan::largest_that_counts(int tile) const {
  float largest = -kNever;
  for (int lane = 0; lane < kTileWidth; ++lane) {
    const int candidate = tile * kTileWidth + lane;
    if (gains_[candidate] > largest && (gains_[candidate] < kNever || may_be_taken(candidate)))
      largest = gains_[candidate];
  }
  return largest;
}

bool SwapScan::may_be_taken(int candidate) const {
  return candidate < candidates_.count() && candidates_.is_usable(candidate) &&
         candidates_.compatible(candidate, fixed_);
}

// Takes note of a score, and lowers the bar that the `keep` best are certainly below.
void SwapScan::consider(int candidate, float score, std::size_t keep, double& bar) {
  if (score > bar || score >= kNever || !may_be_taken(candidate)) return;
  near_.emplace_back(score, candidate);
  least_.push_back(score);
  std::push_heap(least_.begin(), least_.end());
  if (least_.size() > keep) {
    std::pop_heap(least_.begin(), least_.end());
    least_.pop_back();
  }
  if (least_.size() == keep) bar = (1.0 + kScoreMargin) * least_.front();
}

}  // namespace kasetsu::selection
