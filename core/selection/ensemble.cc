#include "core/selection/ensemble.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace kasetsu::selection {
namespace {

// A descriptor's value is not followed beyond the range that it was seen in, widened by this share
// on each side: a form such as 1/x^3 blows up just outside, and a straight line in it with it.
constexpr double kMargin = 0.25;
// Beyond this distance (in units of the typical distance between neighbours) an interval grows with
// the distance, up to three times its width: what lies further says no more of the error, and where
// many catalysts share a descriptor's value the typical distance is next to nothing.
constexpr double kFamiliar = 1.0;
constexpr double kNoveltySlope = 0.25;
constexpr double kWidest = 3.0;

}  // namespace

double median(std::vector<double> values) {
  KASETSU_ASSERT(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  const double upper = *middle;
  return 0.5 * (upper + *std::max_element(values.begin(), middle));
}

double conformal_quantile(const Eigen::VectorXd& scores, double coverage) {
  const auto n = static_cast<double>(scores.size());
  const auto rank =
      static_cast<Eigen::Index>(std::min(n, std::max(1.0, std::ceil((n + 1.0) * coverage))));
  return scores[rank - 1];
}

double interval_unit(double base, double disagreement, double novelty) {
  return (base + disagreement) *
         std::min(kWidest, 1.0 + kNoveltySlope * std::max(0.0, novelty - kFamiliar));
}

MedianAndSpread summarise(std::span<const double> values, std::span<const double> weights,
                          std::vector<int>& order) {
  const double center = weighted_median(values, weights, order);
  double spread = 0.0;
  double total = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    spread += weights[i] * std::abs(values[i] - center);
    total += weights[i];
  }
  return {center, spread / total};
}

std::vector<double> weights_of(const std::vector<Hypothesis>& hypotheses) {
  std::vector<double> weights;
  weights.reserve(hypotheses.size());
  for (const Hypothesis& hypothesis : hypotheses) weights.push_back(hypothesis.weight);
  return weights;
}

Eigen::MatrixXd clamped(const Hypothesis& hypothesis, const Eigen::MatrixXd& primary_values,
                        Eigen::VectorXd* outside) {
  Eigen::MatrixXd values = descriptors::evaluate(hypothesis.descriptors, primary_values);
  for (Eigen::Index j = 0; j < values.cols(); ++j) {
    const auto [low, high] = followed_range(hypothesis, j);
    for (Eigen::Index i = 0; i < values.rows(); ++i) {
      double& value = values(i, j);
      if (value >= low && value <= high) continue;
      if (outside != nullptr) (*outside)[i] = 1.0;
      // A form that is not defined here (NaN) says nothing: the middle of what was seen, and
      // "outside".
      value = std::isnan(value) ? hypothesis.center[j] : std::clamp(value, low, high);
    }
  }
  return values;
}

Eigen::MatrixXd standardized(const Hypothesis& hypothesis, Eigen::MatrixXd values) {
  for (Eigen::Index j = 0; j < values.cols(); ++j) {
    values.col(j).array() = (values.col(j).array() - hypothesis.center[j]) / hypothesis.spread[j];
  }
  return values;
}

Eigen::VectorXd nearest_distance(const Eigen::MatrixXd& points, const Eigen::MatrixXd& known,
                                 bool distinct) {
  Eigen::VectorXd nearest(points.rows());
  const Eigen::MatrixXd known_t = known.transpose();
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    const Eigen::VectorXd point = points.row(i).transpose();
    double best = std::numeric_limits<double>::infinity();
    for (Eigen::Index k = 0; k < known_t.cols(); ++k) {
      const double distance = (known_t.col(k) - point).squaredNorm();
      if (distinct && distance <= 1e-18) continue;
      best = std::min(best, distance);
    }
    nearest[i] = std::isfinite(best) ? std::sqrt(best) : 0.0;
  }
  return nearest;
}

Eigen::VectorXd in_units(const Eigen::VectorXd& distance, double typical) {
  if (!(typical > 0.0)) return Eigen::VectorXd::Zero(distance.size());
  return distance / typical;
}

FollowedRange followed_range(const Hypothesis& hypothesis, Eigen::Index j) {
  const double margin = kMargin * (hypothesis.high[j] - hypothesis.low[j]);
  return {hypothesis.low[j] - margin, hypothesis.high[j] + margin};
}

FollowedRange predicted_range(const Model& model) {
  const double lowest = model.y.minCoeff();
  const double highest = model.y.maxCoeff();
  const double margin = kMargin * (highest - lowest);
  return {lowest - margin, highest + margin};
}

double weighted_median(std::span<const double> values, std::span<const double> weights,
                       std::vector<int>& order) {
  KASETSU_ASSERT(!values.empty() && values.size() == weights.size());
  order.resize(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    return values[static_cast<std::size_t>(a)] != values[static_cast<std::size_t>(b)]
               ? values[static_cast<std::size_t>(a)] < values[static_cast<std::size_t>(b)]
               : a < b;
  });
  double total = 0.0;
  for (const double weight : weights) total += weight;
  double reached = 0.0;
  for (const int i : order) {
    reached += weights[static_cast<std::size_t>(i)];
    if (reached >= 0.5 * total) return values[static_cast<std::size_t>(i)];
  }
  return values[static_cast<std::size_t>(order.back())];
}

}  // namespace kasetsu::selection
