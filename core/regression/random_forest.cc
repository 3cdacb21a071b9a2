#include "core/regression/random_forest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/random.h"

namespace kasetsu::regression {
namespace {

constexpr int kDeepest = 64;

// Every column as the ranks of its distinct values: splits are looked for among small integers.
struct Ranked {
  struct Column {
    std::vector<std::uint16_t> rank;  // by row
    std::vector<double> values;       // distinct, ascending
  };
  std::vector<Column> columns;

  explicit Ranked(const Eigen::Ref<const Eigen::MatrixXd>& X) {
    columns.resize(static_cast<std::size_t>(X.cols()));
    for (Eigen::Index j = 0; j < X.cols(); ++j) {
      Column& column = columns[static_cast<std::size_t>(j)];
      column.values.assign(X.col(j).begin(), X.col(j).end());
      std::sort(column.values.begin(), column.values.end());
      column.values.erase(std::unique(column.values.begin(), column.values.end()),
                          column.values.end());
      column.rank.resize(static_cast<std::size_t>(X.rows()));
      for (Eigen::Index i = 0; i < X.rows(); ++i) {
        const auto found = std::lower_bound(column.values.begin(), column.values.end(), X(i, j));
        column.rank[static_cast<std::size_t>(i)] =
            static_cast<std::uint16_t>(found - column.values.begin());
      }
    }
  }
};

class Grower {
 public:
  Grower(const Ranked& ranked, const Eigen::Ref<const Eigen::VectorXd>& y,
         const ForestOptions& options, std::uint64_t stream)
      : ranked_(ranked),
        y_(y),
        leaf_(options.leaf),
        random_cuts_(options.random_cuts),
        tried_(std::max<std::size_t>(
            1, static_cast<std::size_t>(
                   std::ceil(options.columns * static_cast<double>(ranked.columns.size()))))),
        random_(options.seed, stream),
        order_(ranked.columns.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  Tree grow() {
    const auto rows = static_cast<std::size_t>(y_.size());
    weight_.assign(rows, 0);
    for (std::size_t draw = 0; draw < rows; ++draw) {
      ++weight_[static_cast<std::size_t>(random_.below(rows))];
    }
    std::vector<std::uint16_t> members;
    for (std::size_t i = 0; i < rows; ++i) {
      if (weight_[i] > 0) members.push_back(static_cast<std::uint16_t>(i));
    }
    Tree tree;
    split(members.data(), members.data() + members.size(), 0, tree);
    return tree;
  }

 private:
  struct Cut {
    double gain = 0.0;
    std::int32_t column = -1;
    std::uint16_t rank = 0;  // rows of this rank and below go left
    double threshold = 0.0;
  };

  void split(std::uint16_t* begin, std::uint16_t* end, int depth, Tree& tree) {
    double sum = 0.0;
    long count = 0;
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const std::uint16_t* row = begin; row != end; ++row) {
      sum += weight_[*row] * y_[*row];
      count += weight_[*row];
      low = std::min(low, y_[*row]);
      high = std::max(high, y_[*row]);
    }
    const std::size_t place = tree.nodes.size();
    tree.nodes.push_back({-1, 0, sum / static_cast<double>(count)});
    if (count < 2 * leaf_ || low == high || depth >= kDeepest) return;
    const Cut cut = best_cut(begin, end, sum, count);
    if (cut.column < 0) return;
    const std::vector<std::uint16_t>& rank =
        ranked_.columns[static_cast<std::size_t>(cut.column)].rank;
    std::uint16_t* const middle =
        std::stable_partition(begin, end, [&](std::uint16_t row) { return rank[row] <= cut.rank; });
    tree.nodes[place].column = cut.column;
    tree.nodes[place].value = cut.threshold;
    split(begin, middle, depth + 1, tree);
    tree.nodes[place].right = static_cast<std::int32_t>(tree.nodes.size());
    split(middle, end, depth + 1, tree);
  }

  // The cut with the largest fall of the squared error among `tried_` columns that vary here.
  Cut best_cut(const std::uint16_t* begin, const std::uint16_t* end, double sum, long count) {
    Cut best;
    std::size_t tried = 0;
    for (std::size_t k = 0; k < order_.size() && tried < tried_; ++k) {
      std::swap(order_[k], order_[k + static_cast<std::size_t>(random_.below(order_.size() - k))]);
      if (try_column(order_[k], begin, end, sum, count, best)) ++tried;
    }
    return best;
  }

  bool try_column(std::size_t index, const std::uint16_t* begin, const std::uint16_t* end,
                  double sum, long count, Cut& best) {
    if (random_cuts_) return cut_at_random(index, begin, end, sum, count, best);
    const Ranked::Column& column = ranked_.columns[index];
    const auto rows = static_cast<std::size_t>(end - begin);
    const double whole = sum * sum / static_cast<double>(count);
    double left_sum = 0.0;
    long left_count = 0;
    const auto consider = [&](std::uint16_t rank, std::uint16_t next) {
      const long right_count = count - left_count;
      if (left_count < leaf_ || right_count < leaf_) return;
      const double right_sum = sum - left_sum;
      const double gain = left_sum * left_sum / static_cast<double>(left_count) +
                          right_sum * right_sum / static_cast<double>(right_count) - whole;
      if (gain <= best.gain * (1.0 + 1e-12) + 1e-300) return;
      const double below = column.values[rank];
      const double above = column.values[next];
      const double middle = below + 0.5 * (above - below);
      best = {gain, static_cast<std::int32_t>(index), rank, middle < above ? middle : below};
    };
    if (rows < column.values.size() / 4) {
      sorted_.clear();
      for (const std::uint16_t* row = begin; row != end; ++row) {
        sorted_.push_back((static_cast<std::uint32_t>(column.rank[*row]) << 16) | *row);
      }
      std::sort(sorted_.begin(), sorted_.end());
      if (sorted_.front() >> 16 == sorted_.back() >> 16) return false;
      for (std::size_t k = 0; k + 1 < sorted_.size(); ++k) {
        const auto row = static_cast<std::uint16_t>(sorted_[k] & 0xffff);
        left_sum += weight_[row] * y_[row];
        left_count += weight_[row];
        const auto rank = static_cast<std::uint16_t>(sorted_[k] >> 16);
        const auto next = static_cast<std::uint16_t>(sorted_[k + 1] >> 16);
        if (rank != next) consider(rank, next);
      }
      return true;
    }
    sums_.assign(column.values.size(), 0.0);
    counts_.assign(column.values.size(), 0);
    for (const std::uint16_t* row = begin; row != end; ++row) {
      sums_[column.rank[*row]] += weight_[*row] * y_[*row];
      counts_[column.rank[*row]] += weight_[*row];
    }
    int before = -1;
    bool varies = false;
    for (std::size_t rank = 0; rank < counts_.size(); ++rank) {
      if (counts_[rank] == 0) continue;
      if (before >= 0) {
        varies = true;
        consider(static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(rank));
      }
      left_sum += sums_[rank];
      left_count += counts_[rank];
      before = static_cast<int>(rank);
    }
    return varies;
  }

  bool cut_at_random(std::size_t index, const std::uint16_t* begin, const std::uint16_t* end,
                     double sum, long count, Cut& best) {
    const Ranked::Column& column = ranked_.columns[index];
    std::uint16_t least = column.rank[*begin];
    std::uint16_t most = least;
    for (const std::uint16_t* row = begin; row != end; ++row) {
      least = std::min(least, column.rank[*row]);
      most = std::max(most, column.rank[*row]);
    }
    if (least == most) return false;
    const double low = column.values[least];
    const double threshold = low + random_.uniform() * (column.values[most] - low);
    // The last value that goes left; below the largest, so that something goes right.
    const auto last = std::upper_bound(column.values.begin() + least + 1,
                                       column.values.begin() + most, threshold);
    const auto rank = static_cast<std::uint16_t>(last - column.values.begin() - 1);
    double left_sum = 0.0;
    long left_count = 0;
    for (const std::uint16_t* row = begin; row != end; ++row) {
      if (column.rank[*row] > rank) continue;
      left_sum += weight_[*row] * y_[*row];
      left_count += weight_[*row];
    }
    const long right_count = count - left_count;
    if (left_count < leaf_ || right_count < leaf_) return true;
    const double right_sum = sum - left_sum;
    const double gain = left_sum * left_sum / static_cast<double>(left_count) +
                        right_sum * right_sum / static_cast<double>(right_count) -
                        sum * sum / static_cast<double>(count);
    if (gain > best.gain * (1.0 + 1e-12) + 1e-300)
      best = {gain, static_cast<std::int32_t>(index), rank,
              std::max(threshold, column.values[rank])};
    return true;
  }

  const Ranked& ranked_;
  const Eigen::Ref<const Eigen::VectorXd>& y_;
  long leaf_;
  bool random_cuts_;
  std::size_t tried_;
  Random random_;
  std::vector<std::size_t> order_;
  std::vector<int> weight_;
  std::vector<std::uint32_t> sorted_;
  std::vector<double> sums_;
  std::vector<long> counts_;
};

Error invalid(std::string message, std::string where, std::string value, std::string expected) {
  return {ErrorCode::invalid_argument, std::move(message), std::move(where), std::move(value),
          std::move(expected)};
}

}  // namespace

Status ForestOptions::validate() const {
  if (trees < 1 || trees > 10000)
    return invalid("trees is out of range", "trees", fmt::format("{}", trees), "1 to 10000");
  if (leaf < 1 || leaf > 10000)
    return invalid("leaf is out of range", "leaf", fmt::format("{}", leaf), "1 to 10000");
  if (!(columns > 0.0 && columns <= 1.0)) {
    return invalid("columns is out of range", "columns", fmt::format("{}", columns),
                   "above 0, at most 1");
  }
  return {};
}

bool Forest::sound() const {
  if (trees.empty() || columns < 1) return false;
  for (const Tree& tree : trees) {
    const auto size = static_cast<std::int32_t>(tree.nodes.size());
    if (size == 0) return false;
    for (std::int32_t i = 0; i < size; ++i) {
      const Tree::Node& node = tree.nodes[static_cast<std::size_t>(i)];
      if (!std::isfinite(node.value) || node.column >= columns) return false;
      if (node.column >= 0 && (node.right <= i + 1 || node.right >= size)) return false;
    }
    if (tree.nodes.back().column >= 0) return false;
  }
  return true;
}

Result<Forest> fit_forest(const Eigen::Ref<const Eigen::MatrixXd>& X,
                          const Eigen::Ref<const Eigen::VectorXd>& y, const ForestOptions& options,
                          const Executor& executor, const Control& control) {
  if (const Status status = options.validate(); !status) return status.error();
  if (X.rows() != y.size() || X.rows() < 1 || X.rows() > 65535 || X.cols() < 1) {
    return invalid("a forest needs as many rows of X as of y", "",
                   fmt::format("{} x {} and {}", X.rows(), X.cols(), y.size()),
                   "1 to 65535 rows, at least one column");
  }
  if (!X.allFinite() || !y.allFinite())
    return invalid("a forest learns from finite numbers only", "", "", "");
  const Ranked ranked(X);
  Forest forest;
  forest.columns = static_cast<int>(X.cols());
  forest.center = options.center;
  forest.trees.resize(static_cast<std::size_t>(options.trees));
  executor.parallel_for(forest.trees.size(), [&](std::size_t t) {
    if (!control.cancelled()) forest.trees[t] = Grower(ranked, y, options, t).grow();
  });
  if (control.cancelled()) return cancelled_error();
  return forest;
}

namespace {

// Mean or median of one number a tree; may reorder them.
double center_of(std::span<double> values, Center center) {
  if (center == Center::mean)
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

}  // namespace

Eigen::VectorXd predict(const Forest& forest, const Eigen::Ref<const Eigen::MatrixXd>& X) {
  KASETSU_ASSERT(X.cols() == forest.columns && !forest.trees.empty());
  // Rows beside one another in memory, and tree by tree: a tree stays in the cache.
  const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = X;
  const std::size_t trees = forest.trees.size();
  constexpr Eigen::Index kBlock = 256;
  Eigen::VectorXd out(rows.rows());
  std::vector<double> said(trees * static_cast<std::size_t>(std::min(kBlock, rows.rows())));
  for (Eigen::Index first = 0; first < rows.rows(); first += kBlock) {
    const Eigen::Index count = std::min(kBlock, rows.rows() - first);
    for (std::size_t t = 0; t < trees; ++t) {
      const Tree::Node* const root = forest.trees[t].nodes.data();
      for (Eigen::Index i = 0; i < count; ++i) {
        const double* x = rows.row(first + i).data();
        const Tree::Node* node = root;
        while (node->column >= 0)
          node = x[node->column] <= node->value ? node + 1 : root + node->right;
        said[static_cast<std::size_t>(i) * trees + t] = node->value;
      }
    }
    for (Eigen::Index i = 0; i < count; ++i)
      out[first + i] =
          center_of({said.data() + static_cast<std::size_t>(i) * trees, trees}, forest.center);
  }
  return out;
}

Bounds bounds(const Forest& forest, std::span<const double> low, std::span<const double> high) {
  KASETSU_ASSERT(low.size() == static_cast<std::size_t>(forest.columns) &&
                 high.size() == low.size() && !forest.trees.empty());
  std::vector<double> lows, highs;
  std::vector<std::int32_t> open;
  for (const Tree& tree : forest.trees) {
    Bounds of_tree{std::numeric_limits<double>::infinity(),
                   -std::numeric_limits<double>::infinity()};
    open.assign(1, 0);
    while (!open.empty()) {
      const std::int32_t at = open.back();
      open.pop_back();
      const Tree::Node& node = tree.nodes[static_cast<std::size_t>(at)];
      if (node.column < 0) {
        of_tree = {std::min(of_tree.low, node.value), std::max(of_tree.high, node.value)};
        continue;
      }
      const auto column = static_cast<std::size_t>(node.column);
      if (low[column] <= node.value) open.push_back(at + 1);
      if (!(high[column] <= node.value)) open.push_back(node.right);
    }
    lows.push_back(of_tree.low);
    highs.push_back(of_tree.high);
  }
  return {center_of(lows, forest.center), center_of(highs, forest.center)};
}

}  // namespace kasetsu::regression
