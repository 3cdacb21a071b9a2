#include "core/selection/batch_offsets.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "core/base/result.h"
#include "core/selection/noise.h"

namespace kasetsu::selection {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// What is left of y and the batches' indicators when each point's mean is taken off (Z the
// indicators, W that projection).
struct Contrasts {
  MatrixXd A;       // Z'WZ
  VectorXd u;       // Z'Wy
  double s = 0.0;   // y'Wy
  int df = 0;       // rows - points
  int bridges = 0;  // points in two batches or more
};

Contrasts contrasts_of(const TrainingSet& data, const std::vector<int>& batch_of_row,
                       std::vector<BatchOffsets::Batch>& batches) {
  const auto count = static_cast<Index>(batches.size());
  Contrasts out;
  out.A = MatrixXd::Zero(count, count);
  out.u = VectorXd::Zero(count);
  for (const auto& [point, rows] : rows_by_point(data)) {
    std::map<int, double> inside;  // rows of the point by batch: few of many batches
    double mean = 0.0;
    for (const Index row : rows) {
      inside[batch_of_row[static_cast<std::size_t>(row)]] += 1.0;
      mean += data.y[row] / static_cast<double>(rows.size());
    }
    const bool bridge = inside.size() > 1;
    out.bridges += bridge ? 1 : 0;
    out.df += static_cast<int>(rows.size()) - 1;
    for (const auto& [one, here] : inside) {
      out.A(one, one) += here;
      for (const auto& [other, there] : inside) {
        out.A(one, other) -= here * there / static_cast<double>(rows.size());
      }
    }
    for (const Index row : rows) {
      const int batch = batch_of_row[static_cast<std::size_t>(row)];
      batches[static_cast<std::size_t>(batch)].bridges += bridge ? 1 : 0;
      out.u[batch] += data.y[row] - mean;
      out.s += (data.y[row] - mean) * (data.y[row] - mean);
    }
  }
  return out;
}

// Restricted likelihood of tau^2 / sigma^2, of independent w_j ~ N(0, sigma^2 + tau^2 lambda_j) and
// the rest of the squares.
struct OffsetLikelihood {
  const std::vector<std::pair<double, double>>& parts;  // lambda, w^2
  double rest;
  int df;

  double variance(double ratio) const {
    double sum = rest;
    for (const auto& [value, square] : parts) sum += square / (1.0 + ratio * value);
    return sum / df;
  }
  double minus_log(double ratio) const {
    double sum = df * std::log(variance(ratio));
    for (const auto& [value, square] : parts) sum += std::log1p(ratio * value);
    return sum;
  }
  // 0, or the best of a fine logarithmic grid, refined by golden section.
  double best_ratio() const {
    constexpr double kLow = -12.0, kHigh = 12.0;  // natural logarithms
    constexpr int kGrid = 240;
    double best_log = kLow;
    for (int k = 0; k <= kGrid; ++k) {
      const double log = kLow + (kHigh - kLow) * k / kGrid;
      if (minus_log(std::exp(log)) < minus_log(std::exp(best_log))) best_log = log;
    }
    double low = best_log - (kHigh - kLow) / kGrid;
    double high = best_log + (kHigh - kLow) / kGrid;
    const double golden = 0.5 * (std::sqrt(5.0) - 1.0);
    for (int k = 0; k < 60; ++k) {
      const double a = high - golden * (high - low);
      const double b = low + golden * (high - low);
      if (minus_log(std::exp(a)) <= minus_log(std::exp(b))) {
        high = b;
      } else {
        low = a;
      }
    }
    const double ratio = std::exp(0.5 * (low + high));
    return minus_log(0.0) <= minus_log(ratio) ? 0.0 : ratio;
  }
};

}  // namespace

double BatchOffsets::of(std::string_view name) const {
  for (const Batch& batch : batches) {
    if (batch.name == name) return batch.offset;
  }
  return 0.0;
}

BatchOffsets batch_offsets(const TrainingSet& data) {
  BatchOffsets out;
  if (data.batches.empty()) return out;
  KASETSU_ASSERT(data.batches.size() == data.catalysts.size());
  std::map<std::string, int> places;
  std::vector<int> batch_of_row;
  for (const std::string& name : data.batches) {
    const auto [found, added] = places.emplace(name, static_cast<int>(out.batches.size()));
    if (added) out.batches.push_back({name, 0.0, 0.0, 0, 0});
    batch_of_row.push_back(found->second);
    ++out.batches[static_cast<std::size_t>(found->second)].rows;
  }
  const Contrasts of = contrasts_of(data, batch_of_row, out.batches);
  out.bridge_points = of.bridges;
  const Eigen::SelfAdjointEigenSolver<MatrixXd> eigen(of.A);
  const VectorXd lambda = eigen.eigenvalues();
  const MatrixXd& Q = eigen.eigenvectors();
  const VectorXd t = Q.transpose() * of.u;
  std::vector<std::pair<double, double>> parts;  // lambda, w^2
  double rest = of.s;
  for (Index j = 0; j < lambda.size(); ++j) {
    if (!(lambda[j] > 1e-9)) continue;
    parts.emplace_back(lambda[j], t[j] * t[j] / lambda[j]);
    rest -= parts.back().second;
  }
  rest = std::max(rest, 0.0);
  const auto ranks = static_cast<int>(parts.size());
  out.df = of.df - ranks;
  if (ranks == 0) {
    out.why_none = "no catalyst was measured in two batches";
    return out;
  }
  if (out.df < kFewestBatchDf) {
    out.why_none = "too few bridge samples to tell drift from the error of a measurement";
    return out;
  }
  double between = 0.0;
  for (const auto& [value, square] : parts) between += square;
  if (between + rest <= 0.0) return out;  // all replicates are equal: no drift, no error
  if (rest > 0.0) out.p = f_upper(between / ranks / (rest / out.df), ranks, out.df);

  const OffsetLikelihood likelihood{parts, rest, of.df};
  const double ratio = likelihood.best_ratio();
  const double sigma = std::sqrt(likelihood.variance(ratio));
  out.within_sd = sigma;
  out.between_sd = sigma * std::sqrt(ratio);
  VectorXd shrink(lambda.size());
  VectorXd left(lambda.size());
  for (Index j = 0; j < lambda.size(); ++j) {
    const bool told = lambda[j] > 1e-9;
    shrink[j] = told ? ratio / (1.0 + ratio * lambda[j]) : 0.0;
    left[j] = ratio / (1.0 + ratio * (told ? lambda[j] : 0.0));
  }
  const VectorXd offset = Q * (shrink.array() * t.array()).matrix();
  const MatrixXd covariance = Q * left.asDiagonal() * Q.transpose();
  for (std::size_t b = 0; b < out.batches.size(); ++b) {
    const auto row = static_cast<Index>(b);
    out.batches[b].offset = out.batches[b].bridges > 0 ? offset[row] : 0.0;
    out.batches[b].standard_error = sigma * std::sqrt(std::max(0.0, covariance(row, row)));
  }
  return out;
}

VectorXd without_offsets(const TrainingSet& data, const BatchOffsets& offsets) {
  VectorXd y = data.y;
  if (offsets.batches.empty()) return y;
  for (Index row = 0; row < y.size(); ++row)
    y[row] -= offsets.of(data.batches[static_cast<std::size_t>(row)]);
  return y;
}

}  // namespace kasetsu::selection
