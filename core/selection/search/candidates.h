// The candidates of one search as its kernels want them: standardised columns in 64-bit floats, and
// the same in 32-bit floats as tiles for the scan.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "core/selection/search/search.h"
#include "core/selection/search/subset.h"

namespace kasetsu::selection {

class Candidates {
 public:
  // The problem must be valid (search() has checked it) and must outlive this.
  Candidates(const SearchProblem& problem, const SearchOptions& options);

  int rows() const { return static_cast<int>(standardised_.rows()); }
  int count() const { return static_cast<int>(standardised_.cols()); }
  int size() const { return size_; }  // of the sets that are searched for
  const SearchOptions& options() const { return options_; }

  // Mean 0, standard deviation 1 (divisor rows). A constant column is all zeros and not usable.
  const double* column(int candidate) const { return standardised_.col(candidate).data(); }
  const Eigen::VectorXd& target() const { return target_; }    // as given
  const Eigen::VectorXd& centred() const { return centred_; }  // minus its mean
  const std::vector<int>& usable() const { return usable_; }

  // 16 candidates a tile, rows x 16 floats each, aligned to 64 bytes; padded with zero columns.
  const float* tiles() const { return tiles_.get(); }
  std::size_t tile_count() const { return tile_count_; }

  bool is_usable(int candidate) const { return is_usable_[static_cast<std::size_t>(candidate)]; }
  // Whether the two may be in one hypothesis: different, and of different families where that is
  // asked for.
  bool compatible(int a, int b) const;
  bool compatible(int candidate, std::span<const int> others) const;
  // Whether no two members exclude one another.
  bool admissible(const Subset& subset) const;
  bool forbidden(const Subset& subset) const {
    return !forbidden_.empty() && forbidden_.contains(subset);
  }

 private:
  struct Free {
    void operator()(float* p) const;
  };
  SearchOptions options_;
  int size_;
  Eigen::MatrixXd standardised_;
  Eigen::VectorXd target_;
  Eigen::VectorXd centred_;
  std::unique_ptr<float[], Free> tiles_;
  std::size_t tile_count_ = 0;
  std::vector<int> usable_;
  std::vector<char> is_usable_;
  std::vector<std::array<int, 3>> families_;  // empty when the constraint is off
  std::unordered_set<Subset, SubsetHash> forbidden_;
};

}  // namespace kasetsu::selection
