#include "core/regression/random_forest.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
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
  // The ranks of a row beside one another, rows x columns, less kMiddle: every machine has vector
  // instructions that compare signed numbers.
  std::vector<std::int16_t> by_row;
  static constexpr int kMiddle = 32768;

  explicit Ranked(const Eigen::Ref<const Eigen::MatrixXd>& X) {
    const auto width = static_cast<std::size_t>(X.cols());
    columns.resize(width);
    by_row.resize(width * static_cast<std::size_t>(X.rows()));
    for (Eigen::Index j = 0; j < X.cols(); ++j) {
      Column& column = columns[static_cast<std::size_t>(j)];
      column.values.assign(X.col(j).begin(), X.col(j).end());
      std::sort(column.values.begin(), column.values.end());
      column.values.erase(std::unique(column.values.begin(), column.values.end()),
                          column.values.end());
      column.rank.resize(static_cast<std::size_t>(X.rows()));
      for (Eigen::Index i = 0; i < X.rows(); ++i) {
        const auto found = std::lower_bound(column.values.begin(), column.values.end(), X(i, j));
        const auto rank = static_cast<std::uint16_t>(found - column.values.begin());
        column.rank[static_cast<std::size_t>(i)] = rank;
        by_row[static_cast<std::size_t>(i) * width + static_cast<std::size_t>(j)] =
            static_cast<std::int16_t>(rank - kMiddle);
      }
    }
  }

  const std::int16_t* row(std::uint16_t i) const {
    return by_row.data() + static_cast<std::size_t>(i) * columns.size();
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
        order_(ranked.columns.size()),
        inverse_(static_cast<std::size_t>(y.size()) + 1, 0.0),
        least_(order_.size()),
        most_(order_.size()),
        last_(order_.size()),
        left_count_(order_.size()),
        left_sum_(order_.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    for (std::size_t n = 1; n < inverse_.size(); ++n) inverse_[n] = 1.0 / static_cast<double>(n);
    std::size_t most = 0;
    for (const Ranked::Column& column : ranked.columns) most = std::max(most, column.values.size());
    bins_.resize(most);
    present_.resize(most / 64 + 1);
  }

  Tree grow() {
    const auto rows = static_cast<std::size_t>(y_.size());
    weight_.assign(rows, 0);
    weighted_.resize(rows);
    for (std::size_t draw = 0; draw < rows; ++draw) {
      ++weight_[static_cast<std::size_t>(random_.below(rows))];
    }
    std::vector<std::uint16_t> members;
    for (std::size_t i = 0; i < rows; ++i) {
      weighted_[i] = weight_[i] * y_[static_cast<Eigen::Index>(i)];
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
      sum += weighted_[*row];
      count += weight_[*row];
      low = std::min(low, y_[*row]);
      high = std::max(high, y_[*row]);
    }
    const std::size_t place = tree.nodes.size();
    tree.nodes.push_back({-1, 0, sum / static_cast<double>(count)});
    if (count < 2 * leaf_ || low == high || depth >= kDeepest) return;
    const Cut cut =
        random_cuts_ ? best_random_cut(begin, end, sum, count) : best_cut(begin, end, sum, count);
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

  // Fall of the squared error, in which the sum of squares before the cut is `whole`.
  double gain(double left_sum, long left_count, double sum, long count, double whole) const {
    const double right_sum = sum - left_sum;
    return left_sum * left_sum * inverse_[static_cast<std::size_t>(left_count)] +
           right_sum * right_sum * inverse_[static_cast<std::size_t>(count - left_count)] - whole;
  }
  // More than rounding.
  static bool better(double gain, const Cut& best) {
    return gain > best.gain * (1.0 + 1e-12) + 1e-300;
  }

  // Whether the column varies here. Its rows are added up by rank; the bits of `present_` tell
  // which ranks occur, so that only those are looked at, in ascending order, and cleared again.
  bool try_column(std::size_t index, const std::uint16_t* begin, const std::uint16_t* end,
                  double sum, long count, Cut& best) {
    const Ranked::Column& column = ranked_.columns[index];
    const std::uint16_t* const rank_of = column.rank.data();
    const double* const weighted = weighted_.data();
    const int* const weight = weight_.data();
    Bin* const bins = bins_.data();
    std::uint64_t* const present = present_.data();
    for (const std::uint16_t* row = begin; row != end; ++row) {
      const std::uint16_t rank = rank_of[*row];
      bins[rank].sum += weighted[*row];
      bins[rank].count += weight[*row];
      present[rank / 64] |= std::uint64_t{1} << (rank % 64);
    }
    const double whole = sum * sum * inverse_[static_cast<std::size_t>(count)];
    double left_sum = 0.0;
    long left_count = 0;
    int before = -1;
    bool varies = false;
    const std::size_t words = (column.values.size() + 63) / 64;
    for (std::size_t word = 0; word < words; ++word) {
      for (std::uint64_t bits = present[word]; bits != 0; bits &= bits - 1) {
        const auto rank = static_cast<int>(word * 64) + std::countr_zero(bits);
        if (before >= 0) {
          varies = true;
          if (left_count >= leaf_ && count - left_count >= leaf_) {
            const double found = gain(left_sum, left_count, sum, count, whole);
            if (better(found, best)) best = cut_between(index, found, before, rank);
          }
        }
        Bin& bin = bins[rank];
        left_sum += bin.sum;
        left_count += bin.count;
        bin = {};
        before = rank;
      }
      present[word] = 0;
    }
    return varies;
  }

  Cut cut_between(std::size_t index, double gain, int rank, int next) const {
    const std::vector<double>& values = ranked_.columns[index].values;
    const double below = values[static_cast<std::size_t>(rank)];
    const double above = values[static_cast<std::size_t>(next)];
    const double middle = below + 0.5 * (above - below);
    return {gain, static_cast<std::int32_t>(index), static_cast<std::uint16_t>(rank),
            middle < above ? middle : below};
  }

  // The same with one cut at random a column. All columns are looked at side by side, row by row,
  // without a branch: what lies left of a random cut cannot be foreseen.
  Cut best_random_cut(const std::uint16_t* begin, const std::uint16_t* end, double sum,
                      long count) {
    const std::size_t width = order_.size();
    std::int16_t* const least = least_.data();
    std::int16_t* const most = most_.data();
    std::copy_n(ranked_.row(*begin), width, least);
    std::copy_n(ranked_.row(*begin), width, most);
    for (const std::uint16_t* row = begin + 1; row != end; ++row) {
      const std::int16_t* const rank = ranked_.row(*row);
      for (std::size_t j = 0; j < width; ++j) least[j] = std::min(least[j], rank[j]);
      for (std::size_t j = 0; j < width; ++j) most[j] = std::max(most[j], rank[j]);
    }
    cuts_.clear();
    for (std::size_t k = 0; k < width && cuts_.size() < tried_; ++k) {
      std::swap(order_[k], order_[k + static_cast<std::size_t>(random_.below(width - k))]);
      const std::size_t j = order_[k];
      if (least[j] == most[j]) continue;
      const double* const values = ranked_.columns[j].values.data() + Ranked::kMiddle;
      const double low = values[least[j]];
      const double threshold = low + random_.uniform() * (values[most[j]] - low);
      // The last value that goes left; below the largest, so that something goes right. Bisection
      // without a branch.
      const double* last = values + least[j];
      for (long others = most[j] - 1L - least[j]; others > 0;) {
        const long half = (others + 1) / 2;
        last += last[half] <= threshold ? half : 0;
        others -= half;
      }
      last_[j] = static_cast<std::int16_t>(last - values);
      cuts_.push_back({0.0, static_cast<std::int32_t>(j),
                       static_cast<std::uint16_t>(last_[j] + Ranked::kMiddle),
                       std::max(threshold, *last)});
    }
    add_up_left(begin, end);
    const double whole = sum * sum * inverse_[static_cast<std::size_t>(count)];
    Cut best;
    for (Cut& cut : cuts_) {
      const auto j = static_cast<std::size_t>(cut.column);
      const long left = left_count_[j];
      if (left < leaf_ || count - left < leaf_) continue;
      cut.gain = gain(left_sum_[j], left, sum, count, whole);
      if (better(cut.gain, best)) best = cut;
    }
    return best;
  }

  // left_sum_ and left_count_ of each column: of the rows whose rank is at most last_.
  void add_up_left(const std::uint16_t* begin, const std::uint16_t* end) {
    const std::size_t width = order_.size();
    std::fill(left_sum_.begin(), left_sum_.end(), 0.0);
    std::fill(left_count_.begin(), left_count_.end(), std::uint16_t{0});
    const std::int16_t* const last = last_.data();
    double* const left_sum = left_sum_.data();
    std::uint16_t* const left_count = left_count_.data();
    for (const std::uint16_t* row = begin; row != end; ++row) {
      const std::int16_t* const rank = ranked_.row(*row);
      const double value = weighted_[*row];
      const auto weight = static_cast<std::uint16_t>(weight_[*row]);
      for (std::size_t j = 0; j < width; ++j) left_sum[j] += rank[j] <= last[j] ? value : 0.0;
      for (std::size_t j = 0; j < width; ++j) {
        left_count[j] =
            static_cast<std::uint16_t>(left_count[j] + (rank[j] <= last[j] ? weight : 0));
      }
    }
  }

  const Ranked& ranked_;
  const Eigen::Ref<const Eigen::VectorXd>& y_;
  long leaf_;
  bool random_cuts_;
  std::size_t tried_;
  Random random_;
  std::vector<std::size_t> order_;
  std::vector<int> weight_;  // how often each row was drawn: at most as often as there are rows
  std::vector<double> weighted_;  // times y
  std::vector<double> inverse_;   // 1 / n
  struct Bin {
    double sum = 0.0;
    long count = 0;
  };
  std::vector<Bin> bins_;               // by rank; zero between columns
  std::vector<std::uint64_t> present_;  // a bit a rank; zero between columns
  // Of random cuts, by column.
  std::vector<std::int16_t> least_, most_, last_;
  std::vector<std::uint16_t> left_count_;
  std::vector<double> left_sum_;
  std::vector<Cut> cuts_;
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
  if (X.rows() != y.size() || X.rows() < 1 || X.cols() < 1) {
    return invalid("a forest needs as many rows of X as of y", "",
                   fmt::format("{} x {} and {}", X.rows(), X.cols(), y.size()),
                   "at least one row and one column");
  }
  if (X.rows() > 65535) {  // rows are numbered in 16 bits
    return invalid("too many rows for a forest", "", std::to_string(X.rows()), "at most 65535");
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

double center_of(std::span<double> values, Center center) {
  if (center == Center::mean)
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

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

}  // namespace kasetsu::regression
