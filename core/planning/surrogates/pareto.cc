#include "core/planning/surrogates/pareto.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/constants.h"
#include "core/base/result.h"
#include "core/planning/surrogates/farthest_points.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Points that the boxes of so many targets stay few for: there are about n^(targets - 1) of them.
std::size_t most_points(Index targets) {
  if (targets <= 2) return 500;
  return targets == 3 ? 40 : 12;
}

bool dominates(const VectorXd& a, const VectorXd& b) {
  return (a.array() >= b.array()).all() && (a.array() > b.array()).any();
}

// Points by index into `points`, in their first `targets` coordinates.
using Some = std::vector<std::size_t>;

// Slices of the last coordinate: between two levels the same points reach over.
template <typename Visit>
void slices(const std::vector<VectorXd>& points, const Some& some, Index last, double from,
            const Visit& visit) {
  std::vector<double> levels;
  for (const std::size_t i : some) levels.push_back(points[i][last]);
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  levels.push_back(kInfinity);
  for (const double to : levels) {
    if (!(to > from)) continue;
    Some over;
    for (const std::size_t i : some) {
      if (points[i][last] >= to) over.push_back(i);
    }
    visit(from, to, over);
    from = to;
  }
}

double volume(const std::vector<VectorXd>& points, const Some& some, const VectorXd& reference,
              Index targets) {
  if (some.empty()) return 0.0;
  if (targets == 1) {
    double most = reference[0];
    for (const std::size_t i : some) most = std::max(most, points[i][0]);
    return most - reference[0];
  }
  double sum = 0.0;
  slices(points, some, targets - 1, reference[targets - 1],
         [&](double from, double to, const Some& over) {
           if (!over.empty()) sum += (to - from) * volume(points, over, reference, targets - 1);
         });
  return sum;
}

struct Range {
  double low, high;
};

// Boxes of what no point covers, disjoint; `box` holds the ranges of the coordinates above
// `targets`.
void uncovered(const std::vector<VectorXd>& points, const Some& some, const VectorXd& reference,
               Index targets, std::vector<Range>& box, std::vector<std::vector<Range>>& out) {
  Range& range = box[static_cast<std::size_t>(targets - 1)];
  if (targets == 1) {
    double most = reference[0];
    for (const std::size_t i : some) most = std::max(most, points[i][0]);
    range = {most, kInfinity};
    out.push_back(box);
    return;
  }
  slices(points, some, targets - 1, reference[targets - 1],
         [&](double from, double to, const Some& over) {
           box[static_cast<std::size_t>(targets - 1)] = {from, to};
           uncovered(points, over, reference, targets - 1, box, out);
         });
}

Some all_of(const std::vector<VectorXd>& points) {
  Some some(points.size());
  for (std::size_t i = 0; i < some.size(); ++i) some[i] = i;
  return some;
}

}  // namespace

std::vector<std::size_t> pareto_front(const MatrixXd& utilities) {
  std::vector<std::size_t> front;
  const Index rows = utilities.rows();
  for (Index i = 0; i < rows; ++i) {
    if (!utilities.row(i).allFinite()) continue;
    bool beaten = false;
    for (Index k = 0; k < rows && !beaten; ++k) {
      if (k == i || !utilities.row(k).allFinite()) continue;
      const VectorXd other = utilities.row(k).transpose();
      const VectorXd own = utilities.row(i).transpose();
      beaten = dominates(other, own) || (k < i && other == own);
    }
    if (!beaten) front.push_back(static_cast<std::size_t>(i));
  }
  return front;
}

Front::Front(std::vector<Aim> aims, VectorXd reference, const MatrixXd& points)
    : aims_(std::move(aims)),
      targets_(static_cast<Index>(aims_.size())),
      reference_(std::move(reference)) {
  KASETSU_ASSERT(targets_ >= 1 && reference_.size() == targets_ && points.cols() == targets_);
  std::vector<Index> rows;
  for (const std::size_t row : pareto_front(points)) {
    if ((points.row(static_cast<Index>(row)).transpose().array() > reference_.array()).all())
      rows.push_back(static_cast<Index>(row));
  }
  if (rows.size() > most_points(targets_)) {
    MatrixXd scaled = points(rows, Eigen::all);
    for (Index t = 0; t < targets_; ++t) {
      const double low = scaled.col(t).minCoeff();
      const double range = scaled.col(t).maxCoeff() - low;
      scaled.col(t) = (scaled.col(t).array() - low) / (range > 0.0 ? range : 1.0);
    }
    std::vector<Index> kept;
    for (const std::size_t row :
         farthest_points(scaled, MatrixXd(0, targets_), most_points(targets_)))
      kept.push_back(rows[row]);
    rows = std::move(kept);
  }
  for (const Index row : rows) points_.emplace_back(points.row(row).transpose());
  cut();
}

void Front::add(const VectorXd& utilities) {
  if (!utilities.allFinite() || !(utilities.array() > reference_.array()).all()) return;
  for (const VectorXd& point : points_) {
    if (dominates(point, utilities) || point == utilities) return;
  }
  std::erase_if(points_, [&](const VectorXd& point) { return dominates(utilities, point); });
  points_.push_back(utilities);
  cut();
}

double Front::covered() const {
  return volume(points_, all_of(points_), reference_, targets_);
}

void Front::cut() {
  std::vector<std::vector<Range>> cells;
  std::vector<Range> box(static_cast<std::size_t>(targets_));
  uncovered(points_, all_of(points_), reference_, targets_, box, cells);
  levels_.assign(static_cast<std::size_t>(targets_), {kInfinity});
  for (const std::vector<Range>& cell : cells) {
    for (std::size_t t = 0; t < cell.size(); ++t) {
      levels_[t].push_back(cell[t].low);
      levels_[t].push_back(cell[t].high);
    }
  }
  for (std::vector<double>& levels : levels_) {
    std::sort(levels.begin(), levels.end());
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  }
  boxes_.clear();
  for (const std::vector<Range>& cell : cells) {
    for (std::size_t t = 0; t < cell.size(); ++t) {
      const auto place = [&](double level) {
        return static_cast<int>(std::lower_bound(levels_[t].begin(), levels_[t].end(), level) -
                                levels_[t].begin());
      };
      boxes_.push_back(place(cell[t].low));
      boxes_.push_back(place(cell[t].high));
    }
  }
}

double Front::expected_improvement(const VectorXd& mean, const VectorXd& sd) const {
  if (!mean.allFinite() || !sd.allFinite()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<std::vector<double>> gains(levels_.size());
  for (std::size_t t = 0; t < levels_.size(); ++t) {
    const auto column = static_cast<Index>(t);
    for (const double level : levels_[t]) {
      gains[t].push_back(
          std::isfinite(level) ? aims_[t].expected_gain(mean[column], sd[column], level) : 0.0);
    }
  }
  double sum = 0.0;
  for (std::size_t at = 0; at < boxes_.size();) {
    double product = 1.0;
    for (const std::vector<double>& gain : gains) {
      product *= gain[static_cast<std::size_t>(boxes_[at])] -
                 gain[static_cast<std::size_t>(boxes_[at + 1])];
      at += 2;
    }
    sum += product;
  }
  return std::max(0.0, sum);
}

}  // namespace kasetsu::planning
