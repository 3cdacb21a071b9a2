// Random forest (Breiman, Machine Learning 45, 5, 2001): bagged regression trees with squared
// error, a random choice of columns at every split, mean or median of the trees; with random cuts,
// extremely randomised trees (Geurts, Ernst and Wehenkel, Machine Learning 63, 3, 2006). The
// companions of the hypotheses in selection's model, and a baseline in validation.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/names.h"
#include "core/base/result.h"

namespace kasetsu::regression {

// What a forest says is the mean of its trees, or their median: with few rows in a leaf nearly the
// conditional median (Meinshausen, J. Mach. Learn. Res. 7, 983, 2006), which is what has the least
// absolute error, and which one wild measurement does not move.
enum class Center { mean, median };

inline constexpr auto kCenterNames =
    name_table<Center>({{Center::mean, "mean"}, {Center::median, "median"}});

struct ForestOptions {
  int trees = 100;  // more only smooth the mean; predictions must stay quick
  int leaf = 2;     // rows that a leaf holds at least, counted with their bootstrap repeats
  // Share of the columns that a split may use: a third is Breiman's rule for regression; 1 is
  // bagging.
  double columns = 1.0 / 3.0;
  // One cut a column, drawn uniformly between the least and the largest value, instead of the best.
  bool random_cuts = false;
  Center center = Center::mean;
  std::uint64_t seed = 1;
  Status validate() const;
};

// Nodes in preorder: the left child of node i is i + 1. column < 0: a leaf with value `value`;
// else rows with x[column] <= value go left, others (NaN among them) to node `right`.
struct Tree {
  struct Node {
    std::int32_t column = -1;
    std::int32_t right = 0;
    double value = 0.0;
    bool operator==(const Node&) const = default;
  };
  std::vector<Node> nodes;
  bool operator==(const Tree&) const = default;
};

struct Forest {
  std::vector<Tree> trees;
  int columns = 0;  // that a row must have
  Center center = Center::mean;
  // Every child lies behind its parent and inside its tree, and columns are in range: true for what
  // fit_forest makes; to be asked of a forest that was read from a document.
  bool sound() const;
};

// X: rows x columns, finite; y: rows, finite; at least 1 row and 1 column, at most 65,535 rows.
// Deterministic: tree t draws from stream t of the seed, whatever the number of threads. `control`
// is asked before every tree; it only cancels, as a forest with fewer trees is another forest.
// Errors: invalid_argument; cancelled.
Result<Forest> fit_forest(const Eigen::Ref<const Eigen::MatrixXd>& X,
                          const Eigen::Ref<const Eigen::VectorXd>& y, const ForestOptions& options,
                          const Executor& executor, const Control& control = {});

// Mean or median of the trees. X: rows x forest.columns.
Eigen::VectorXd predict(const Forest& forest, const Eigen::Ref<const Eigen::MatrixXd>& X);

// What a forest says where its trees say these values, which are reordered.
double center_of(std::span<double> values, Center center);

}  // namespace kasetsu::regression
