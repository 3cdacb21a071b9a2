#include "core/selection/explanation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/descriptors/featurizer.h"
#include "core/selection/ensemble.h"

namespace kasetsu::selection {
namespace {

constexpr std::size_t kNeighbours = 3;

// Distances of the point to every training row, one a catalyst.
std::vector<Explanation::Neighbour> neighbours_of(const Model& model,
                                                  const Eigen::VectorXd& point) {
  struct Found {
    double nearest = 0.0, sum = 0.0;
    int rows = 0;
  };
  std::map<std::string, Found> found;
  for (Eigen::Index i = 0; i < model.coordinates.rows(); ++i) {
    const double distance = (model.coordinates.row(i).transpose() - point).norm();
    Found& of = found[model.catalysts[static_cast<std::size_t>(i)]];
    of.nearest = of.rows == 0 ? distance : std::min(of.nearest, distance);
    of.sum += model.y[i];
    ++of.rows;
  }
  const double unit = model.typical_distance > 0.0 ? model.typical_distance : 1.0;
  std::vector<Explanation::Neighbour> out;
  for (const auto& [key, of] : found) out.push_back({key, of.nearest / unit, of.sum / of.rows});
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.distance < b.distance; });
  if (out.size() > kNeighbours) out.resize(kNeighbours);
  return out;
}

}  // namespace

Result<std::vector<Explanation>> explain(const Model& model,
                                         std::span<const chemistry::Catalyst> catalysts,
                                         const descriptors::Conditions& conditions,
                                         const Predictions& predictions) {
  const Result<descriptors::Featurizer> featurizer =
      descriptors::Featurizer::from_state(model.features);
  if (!featurizer) return featurizer.error();
  const Result<Eigen::MatrixXd> primary_values = featurizer->evaluate(catalysts, conditions);
  if (!primary_values) return primary_values.error();
  const Hypothesis& best = model.hypotheses.front();
  const Eigen::MatrixXd seen = clamped(best, *primary_values, nullptr);
  const Eigen::MatrixXd raw = descriptors::evaluate(best.descriptors, *primary_values);

  std::vector<Explanation> out(catalysts.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    Explanation& of = out[i];
    double rest = 1.0;
    for (const Companion& companion : model.companions) rest -= companion.weight;
    of.parts.push_back({"hypotheses", std::max(0.0, rest), predictions.median[row]});
    for (std::size_t k = 0; k < model.companions.size(); ++k) {
      of.parts.push_back({model.companions[k].name, model.companions[k].weight,
                          predictions.by_companion(row, static_cast<Eigen::Index>(k))});
    }
    of.usual = best.intercept + best.coefficients.dot(best.center);
    for (std::size_t j = 0; j < best.descriptors.size(); ++j) {
      const auto column = static_cast<Eigen::Index>(j);
      const double value = seen(row, column);
      of.contributions.push_back(
          {descriptors::to_text(best.descriptors[j], model.features.primaries),
           descriptors::describe(best.descriptors[j], model.features.primaries),
           best.coefficients[column] * (value - best.center[column]),
           !(raw(row, column) >= best.low[column] && raw(row, column) <= best.high[column])});
    }
    std::stable_sort(of.contributions.begin(), of.contributions.end(),
                     [](const auto& a, const auto& b) {
                       return std::abs(a.contribution) > std::abs(b.contribution);
                     });
    of.neighbours = neighbours_of(model, predictions.coordinates.row(row).transpose());
    of.hypotheses = static_cast<int>(predictions.by_hypothesis.cols());
    of.agree =
        static_cast<int>(((predictions.by_hypothesis.row(row).array() >= predictions.low[row]) &&
                          (predictions.by_hypothesis.row(row).array() <= predictions.high[row]))
                             .count());
  }
  return out;
}

}  // namespace kasetsu::selection
