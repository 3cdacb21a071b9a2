#include "core/selection/search/candidates.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/selection/search/scan_tiles.h"

namespace kasetsu::selection {

namespace {

constexpr double kLargestRounded = 32000.0;

// Zeros, on a boundary of 64 bytes; count must be a multiple of 16 floats or 32 shorter numbers.
template <typename T>
T* aligned_zeros(std::size_t count) {
  void* p = std::aligned_alloc(64, count * sizeof(T));
  if (p == nullptr) throw std::bad_alloc();
  return static_cast<T*>(std::memset(p, 0, count * sizeof(T)));
}

}  // namespace

void Candidates::Free::operator()(void* p) const {
  std::free(p);
}

Candidates::Candidates(const SearchProblem& problem, const SearchOptions& options)
    : options_(options), size_(options.size), target_(*problem.y) {
  const Eigen::MatrixXd& X = *problem.X;
  const Eigen::Index rows = X.rows();
  const Eigen::Index count = X.cols();
  centred_ = target_.array() - target_.mean();
  standardised_.resize(rows, count);
  is_usable_.assign(static_cast<std::size_t>(count), 0);
  const double n = static_cast<double>(rows);
  for (Eigen::Index j = 0; j < count; ++j) {
    auto column = standardised_.col(j);
    // By the largest first, so that squares of huge or tiny numbers stay in range.
    const double largest = X.col(j).cwiseAbs().maxCoeff();
    if (largest > 0.0) {
      column = X.col(j) / largest;
      column.array() -= column.mean();
      const double deviation = std::sqrt(column.squaredNorm() / n);
      if (deviation > 1e-12) {
        column /= deviation;
        is_usable_[static_cast<std::size_t>(j)] = 1;
        usable_.push_back(static_cast<int>(j));
        continue;
      }
    }
    column.setZero();
  }
  if (options.one_per_family) families_ = problem.families;
  for (const std::vector<int>& set : problem.forbidden) {
    if (set.size() == static_cast<std::size_t>(size_)) forbidden_.insert(Subset::of(set));
  }

  fill_tiles();
}

void Candidates::fill_tiles() {
  const Eigen::Index rows = standardised_.rows();
  const Eigen::Index count = standardised_.cols();
  // An even number of them, so that every array fills whole cache lines.
  tile_count_ = 2 * ((static_cast<std::size_t>(count) + 2 * kTileWidth - 1) / (2 * kTileWidth));
  const std::size_t tile_size = static_cast<std::size_t>(rows) * kTileWidth;
  const std::size_t tiles = std::max<std::size_t>(tile_count_, 2);
  tiles_.reset(aligned_zeros<float>(tiles * tile_size));
  rounded_tiles_.reset(aligned_zeros<std::int16_t>(tiles * tile_size));
  rounded_squares_.reset(aligned_zeros<float>(tiles * kTileWidth));
  for (Eigen::Index j = 0; j < count; ++j) {
    const std::size_t at = static_cast<std::size_t>(j / kTileWidth) * tile_size +
                           static_cast<std::size_t>(j % kTileWidth);
    float* out = tiles_.get() + at;
    std::int16_t* rounded = rounded_tiles_.get() + at;
    const auto column = standardised_.col(j);
    const double largest = column.cwiseAbs().maxCoeff();
    const double unit = largest > 0.0 ? kLargestRounded / largest : 0.0;
    double sum = 0.0;
    double squares = 0.0;
    for (Eigen::Index i = 0; i < rows; ++i) {
      out[i * kTileWidth] = static_cast<float>(column[i]);
      rounded[i * kTileWidth] = static_cast<std::int16_t>(std::lrint(column[i] * unit));
      const double value = rounded[i * kTileWidth];
      sum += value;
      squares += value * value;
    }
    rounded_squares_[static_cast<std::size_t>(j)] =
        static_cast<float>(squares - sum * sum / static_cast<double>(rows));
  }
}

bool Candidates::compatible(int a, int b) const {
  if (a == b) return false;
  if (families_.empty()) return true;
  for (const int family : families_[static_cast<std::size_t>(a)]) {
    if (family < 0) continue;
    for (const int other : families_[static_cast<std::size_t>(b)]) {
      if (family == other) return false;
    }
  }
  return true;
}

bool Candidates::compatible(int candidate, std::span<const int> others) const {
  for (const int other : others) {
    if (!compatible(candidate, other)) return false;
  }
  return true;
}

bool Candidates::admissible(const Subset& subset) const {
  for (int k = 0; k < subset.size; ++k) {
    const int member = subset.members[static_cast<std::size_t>(k)];
    if (!is_usable(member)) return false;
    if (!compatible(member, std::span(subset.begin(), static_cast<std::size_t>(k)))) return false;
  }
  return true;
}

}  // namespace kasetsu::selection
