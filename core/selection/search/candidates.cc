#include "core/selection/search/candidates.h"

#include <cmath>
#include <cstdlib>
#include <new>

#include "core/selection/search/scan_tiles.h"

namespace kasetsu::selection {

void Candidates::Free::operator()(float* p) const {
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
    if (set.size() <= static_cast<std::size_t>(size_)) forbidden_.insert(Subset::of(set));
  }

  tile_count_ = (static_cast<std::size_t>(count) + kTileWidth - 1) / kTileWidth;
  const std::size_t tile_size = static_cast<std::size_t>(rows) * kTileWidth;
  const std::size_t floats = std::max<std::size_t>(tile_count_ * tile_size, kTileWidth);
  tiles_.reset(static_cast<float*>(std::aligned_alloc(64, floats * sizeof(float))));
  if (!tiles_) throw std::bad_alloc();
  std::fill_n(tiles_.get(), floats, 0.0F);
  for (Eigen::Index j = 0; j < count; ++j) {
    float* out = tiles_.get() + static_cast<std::size_t>(j / kTileWidth) * tile_size +
                 static_cast<std::size_t>(j % kTileWidth);
    for (Eigen::Index i = 0; i < rows; ++i) {
      out[i * kTileWidth] = static_cast<float>(standardised_(i, j));
    }
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
