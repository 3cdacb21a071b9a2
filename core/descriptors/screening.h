// Products of two or three first-order descriptors (orders 2 and 3), screened without building
// them: sure independence screening, iterated on the residual (Fan and Lv, J. R. Stat. Soc. B 70,
// 849 (2008); used so by SISSO, Ouyang et al., Phys. Rev. Materials 2, 083802 (2018)).
//
// For columns x_a, x_b and a centred target y the squared correlation of the product x_a x_b with y
// comes from three matrix products,
//   S = X' diag(y) X,   M = X' X,   Q = (X o X)' (X o X),   r^2 = S^2 / ((Q - M^2/N) |y|^2),
// computed tile by tile in 32-bit floats; what is kept is scored again in 64-bit floats.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/descriptors/descriptor.h"

namespace kasetsu::descriptors {

struct ScreeningOptions {
  int order = 2;    // 2: products of two; 3: of two, and of three
  int keep = 2000;  // products kept in all; the search's time grows with it
  // Rounds, each on what is left of the target by least squares on the two best descriptors of
  // every round before: the best for the target itself are all alike.
  int rounds = 4;
  // Of one choice of primaries (144 products of two, 1728 of three) at most this many a round.
  int per_primaries = 4;
  double duplicate = 0.9999;  // |r| above it: the same descriptor, the simplest is kept
  // Order 3: products of three are the best `pairs` products of two times every descriptor; with
  // `all_triples` instead every one of them, some 1e10 for 4,000 descriptors: minutes of CPU a
  // round.
  int pairs = 2000;
  bool all_triples = false;
  Status validate() const;
};

struct Screened {
  DescriptorMatrix kept;       // by score, ties by simplicity; orders 2 and 3
  Eigen::VectorXd scores;      // squared correlation with the target of the round that kept it
  std::uint64_t products = 0;  // scored
};

// first: descriptors of order 1 (or 0) on the rows of target, none constant. Products share no
// primary among their factors, and repeat neither one another nor a column of `first` (|r| above
// `duplicate` on the rows). The same for any number of threads. Memory: bounded by a few times that
// of `first`, whatever the number of products.
//
// The 32-bit scores decide only which products (four times as many as are kept) are scored again,
// so results on different instruction sets agree unless a product is at the very edge of that. A
// product whose variance is below about 2e-6 of its mean square is scored too low to be kept.
//
// Errors: invalid_argument for shapes and options; cancelled. When time runs out, what was found so
// far.
Result<Screened> screen_products(const DescriptorMatrix& first, const Eigen::VectorXd& target,
                                 const ScreeningOptions& options, const Executor& executor,
                                 const Control& control);

}  // namespace kasetsu::descriptors
