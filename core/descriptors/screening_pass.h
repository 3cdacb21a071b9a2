// One pass of the screening (screening.h runs several): products of two or three descriptors
// against one target, scored in 32 bits tile by tile and never stored. The best are kept.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/descriptors/screening_tiles.h"

namespace kasetsu::descriptors {

// Columns a side of a tile: its panels and scores fit the second cache.
inline constexpr int kScreenBlock = 192;

// A product as columns of the first-order matrix; the third is -1 for a product of two. Sorted by
// factor.
using Product = std::array<int, 3>;

struct Hit {
  float score;
  Product product;
};

// The left side of a tile: descriptors, or products of two.
using LeftItem = std::array<int, 2>;  // the second is -1 for a descriptor

// One screening: left items times descriptors, against one target.
class ScreeningPass {
 public:
  // x: descriptors in 32 bits, of about size 1. primary: that of each column; forms of one primary
  // are not multiplied. Both are kept by reference.
  ScreeningPass(const Eigen::MatrixXf& x, const std::vector<int>& primary,
                const Eigen::VectorXd& target, int per_primaries, std::size_t keep);

  using ItemsOf = std::function<void(std::uint32_t block, std::vector<LeftItem>& items)>;

  // items_of(block, items): the left items of a block, at most kScreenBlock. ordered: only right
  // columns behind the last column of the left item count (so that each product is met once).
  void run(std::uint32_t blocks, const ItemsOf& items_of, bool ordered, const Executor& executor,
           const Control& control, double from, double to);

  // The best found, at most `keep`, at most per_primaries of each choice of primaries.
  const std::vector<Hit>& finish();
  std::uint64_t products() const { return products_; }

 private:
  struct Worker;
  void reduce();

  const Eigen::MatrixXf& x_;
  const std::vector<int>& primary_;
  Eigen::VectorXf y_;
  int per_primaries_;
  std::size_t keep_;
  void (*kernel_)(const ScreeningTile&) = screen_tile_baseline;
  float bar_ = 0.0F;
  std::vector<Hit> hits_;
  std::uint64_t products_ = 0;
};

}  // namespace kasetsu::descriptors
