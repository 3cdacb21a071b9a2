#include "core/selection/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/selection/ensemble.h"

namespace kasetsu::selection {
namespace {

using descriptors::Conditions;
using descriptors::Featurizer;

// Elements of a catalyst, and its support, that the training set does not have.
int never_seen(const chemistry::Catalyst& catalyst, const Model& model) {
  int count = 0;
  for (const auto& part : catalyst.active.parts()) {
    if (!std::binary_search(model.elements.begin(), model.elements.end(), part.element)) ++count;
  }
  if (!std::binary_search(model.supports.begin(), model.supports.end(), catalyst.support)) ++count;
  return count;
}

}  // namespace

Status ModelSettings::validate() const {
  if (order < 0 || order > 3) {
    return Error{ErrorCode::invalid_argument, "order is out of range", "order",
                 fmt::format("{}", order), "0, 1, 2 or 3"};
  }
  if (products < 0 || products > 1000000) {
    return Error{ErrorCode::invalid_argument, "products is out of range", "products",
                 fmt::format("{}", products), "0 to 1000000"};
  }
  if (!(coverage > 0.0 && coverage < 1.0)) {
    return Error{ErrorCode::invalid_argument, "coverage is out of range", "coverage",
                 fmt::format("{}", coverage), "a number between 0 and 1"};
  }
  if (trees < 0 || trees > 10000) {
    return Error{ErrorCode::invalid_argument, "trees is out of range", "trees",
                 fmt::format("{}", trees), "0 (no companion) to 10000"};
  }
  if (calibration_folds < 0 || calibration_folds == 1 || calibration_folds > 100) {
    return Error{ErrorCode::invalid_argument, "calibration_folds is out of range",
                 "calibration_folds", fmt::format("{}", calibration_folds), "0 (none) or 2 to 100"};
  }
  if (const Status status = features.validate(); !status) return status;
  return search.validate();
}

std::vector<std::string> hypothesis_key(const Hypothesis& hypothesis,
                                        std::span<const descriptors::Primary> primaries) {
  std::vector<std::string> key;
  for (const descriptors::Descriptor& descriptor : hypothesis.descriptors)
    key.push_back(descriptors::to_text(descriptor, primaries));
  std::sort(key.begin(), key.end());
  return key;
}

std::vector<double> Predictions::for_ledger(Eigen::Index row) const {
  std::vector<double> said;
  for (const Eigen::MatrixXd* of : {&by_hypothesis, &by_dormant}) {
    for (Eigen::Index h = 0; h < of->cols(); ++h) said.push_back((*of)(row, h));
  }
  return said;
}

Result<Predictor> Predictor::make(const Model& model) {
  KASETSU_ASSERT(!model.hypotheses.empty());
  Result<Featurizer> featurizer = Featurizer::from_state(model.features);
  if (!featurizer) return featurizer.error();
  return Predictor(model, std::move(featurizer).value());
}

Predictor::Predictor(const Model& model, Featurizer featurizer)
    : model_(&model), featurizer_(std::move(featurizer)), weights_(weights_of(model.hypotheses)) {
  if (model.scores.size() == 0) return;  // not calibrated yet
  quantile_ = conformal_quantile(model.scores, model.settings.coverage);
}

double Predictor::half_width(double disagreement, double novelty) const {
  return model_->widening * quantile_ * interval_unit(model_->base, disagreement, novelty);
}

Result<Predictions> Predictor::predict(std::span<const chemistry::Catalyst> catalysts,
                                       const Conditions& conditions, Asked asked) const {
  const Model& model = *model_;
  const Result<Eigen::MatrixXd> primary_values = featurizer_.evaluate(catalysts, conditions);
  if (!primary_values) return primary_values.error();

  const auto rows = static_cast<Eigen::Index>(catalysts.size());
  const auto count = static_cast<Eigen::Index>(model.hypotheses.size());
  // No hypothesis is believed far beyond anything that was ever measured.
  const FollowedRange range = predicted_range(model);
  const double lowest = range.low;
  const double highest = range.high;
  Predictions out;
  out.by_hypothesis.resize(rows, count);
  out.outside = Eigen::VectorXd::Zero(rows);
  const auto say = [&](const Hypothesis& hypothesis, const Eigen::MatrixXd& values) {
    // Column by column: Eigen adds up a product of a single row in another order, and what is said
    // of a catalyst may not depend on how many are asked together.
    Eigen::ArrayXd sum = Eigen::ArrayXd::Zero(values.rows());
    for (Eigen::Index j = 0; j < values.cols(); ++j)
      sum += values.col(j).array() * hypothesis.coefficients[j];
    return (sum + hypothesis.intercept).cwiseMax(lowest).cwiseMin(highest).matrix().eval();
  };
  if (asked == Asked::alive_and_dormant) {
    out.by_dormant.resize(rows, static_cast<Eigen::Index>(model.dormant.size()));
    for (std::size_t h = 0; h < model.dormant.size(); ++h) {
      out.by_dormant.col(static_cast<Eigen::Index>(h)) =
          say(model.dormant[h], clamped(model.dormant[h], *primary_values, nullptr));
    }
  }
  for (Eigen::Index h = 0; h < count; ++h) {
    const Hypothesis& hypothesis = model.hypotheses[static_cast<std::size_t>(h)];
    Eigen::VectorXd outside = Eigen::VectorXd::Zero(rows);
    const Eigen::MatrixXd values = clamped(hypothesis, *primary_values, &outside);
    out.by_hypothesis.col(h) = say(hypothesis, values);
    out.outside += hypothesis.weight * outside;
    if (h == 0) out.coordinates = standardized(hypothesis, values);
  }
  out.by_companion.resize(rows, static_cast<Eigen::Index>(model.companions.size()));
  for (std::size_t k = 0; k < model.companions.size(); ++k) {
    const Companion& companion = model.companions[k];
    out.by_companion.col(static_cast<Eigen::Index>(k)) = regression::predict(
        companion.forest, companion.columns(catalysts, conditions, *primary_values));
  }
  out.novelty =
      in_units(nearest_distance(out.coordinates, model.coordinates, false), model.typical_distance);

  out.median.resize(rows);
  out.disagreement.resize(rows);
  std::vector<int> order;
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Eigen::VectorXd row = out.by_hypothesis.row(i).transpose();
    const MedianAndSpread summary =
        summarise({row.data(), static_cast<std::size_t>(row.size())}, weights_, order);
    out.median[i] = summary.median;
    out.disagreement[i] = summary.spread;
    const int unseen = never_seen(catalysts[static_cast<std::size_t>(i)], model);
    out.novelty[i] += kNeverSeen * unseen;
    if (unseen > 0) out.outside[i] = 1.0;
  }
  out.mean = out.median;
  if (!model.companions.empty()) {
    double share = 0.0;
    for (const Companion& companion : model.companions) share += companion.weight;
    out.mean =
        (1.0 - share) * out.median + share * weighted_mean(model.companions, out.by_companion);
  }
  out.low.resize(rows);
  out.high.resize(rows);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const double half = half_width(out.disagreement[i], out.novelty[i]);
    out.low[i] = out.mean[i] - half;
    out.high[i] = out.mean[i] + half;
  }
  return out;
}

}  // namespace kasetsu::selection
