#include "core/planning/surrogates/ensemble_surrogate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/descriptors/descriptor.h"
#include "core/descriptors/featurizer.h"

namespace kasetsu::planning {
namespace {

class EnsembleSurrogate final : public Surrogate {
 public:
  // places: of the model's conditions among a candidate's.
  EnsembleSurrogate(selection::Predictor predictor, descriptors::Featurizer featurizer,
                    std::vector<std::size_t> places)
      : predictor_(std::move(predictor)),
        featurizer_(std::move(featurizer)),
        places_(std::move(places)) {}

  std::string name() const override {
    return fmt::format("ensemble of {} hypotheses", predictor_.model().hypotheses.size());
  }
  const selection::Predictor* ensemble() const override { return &predictor_; }
  int dimensions() const override {
    return static_cast<int>(predictor_.model().coordinates.cols());
  }

  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    std::vector<chemistry::Catalyst> catalysts;
    descriptors::Conditions conditions;
    if (Status status = split(candidates, catalysts, conditions); !status) return status;
    Result<selection::Predictions> predictions = predictor_.predict(catalysts, conditions);
    if (!predictions) return predictions.error();
    out.mean = std::move(predictions->mean);
    out.low = std::move(predictions->low);
    out.high = std::move(predictions->high);
    out.novelty = std::move(predictions->novelty);
    // A hypothesis asked outside of where its descriptors were seen claims nothing that a
    // measurement could refute: only the share of those within counts. Else the wildest
    // extrapolation would be the best test.
    out.disagreement =
        predictions->disagreement.array() * (1.0 - predictions->outside.array()).max(0.0);
    out.coordinates = std::move(predictions->coordinates);
    return {};
  }

  std::vector<Driver> drivers(const Candidate& candidate) const override {
    std::vector<chemistry::Catalyst> catalysts;
    descriptors::Conditions conditions;
    if (!split({&candidate, 1}, catalysts, conditions)) return {};
    const Result<Eigen::MatrixXd> primaries = featurizer_.evaluate(catalysts, conditions);
    if (!primaries) return {};
    const selection::Hypothesis& best = predictor_.model().hypotheses.front();
    const Eigen::MatrixXd values = descriptors::evaluate(best.descriptors, *primaries);
    std::vector<Driver> drivers;
    for (std::size_t j = 0; j < best.descriptors.size(); ++j) {
      const auto column = static_cast<Eigen::Index>(j);
      const auto [low, high] = selection::followed_range(best, column);
      const double value = std::isnan(values(0, column)) ? best.center[column]
                                                         : std::clamp(values(0, column), low, high);
      drivers.push_back({descriptors::to_text(best.descriptors[j], featurizer_.primaries()),
                         best.coefficients[column] * (value - best.center[column])});
    }
    std::stable_sort(drivers.begin(), drivers.end(), [](const Driver& a, const Driver& b) {
      return std::abs(a.contribution) > std::abs(b.contribution);
    });
    return drivers;
  }

 private:
  Status split(std::span<const Candidate> candidates, std::vector<chemistry::Catalyst>& catalysts,
               descriptors::Conditions& conditions) const {
    catalysts.reserve(candidates.size());
    conditions.names = predictor_.model().features.condition_names;
    conditions.values.resize(static_cast<Eigen::Index>(candidates.size()),
                             static_cast<Eigen::Index>(places_.size()));
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      catalysts.push_back(candidates[i].catalyst);
      for (std::size_t j = 0; j < places_.size(); ++j) {
        if (places_[j] >= candidates[i].conditions.size()) {
          return Error{ErrorCode::invalid_argument,
                       "a candidate does not tell a condition that the model needs", "space",
                       fmt::format("{} conditions", candidates[i].conditions.size()),
                       conditions.names[j]};
        }
        conditions.values(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
            candidates[i].conditions[places_[j]];
      }
    }
    return {};
  }

  selection::Predictor predictor_;
  descriptors::Featurizer featurizer_;
  std::vector<std::size_t> places_;
};

}  // namespace

Result<std::unique_ptr<Surrogate>> make_ensemble_surrogate(
    const selection::Model& model, std::span<const std::string> conditions) {
  const std::vector<std::string>& asked = model.features.condition_names;
  if (conditions.empty()) conditions = asked;
  std::vector<std::size_t> places;
  for (const std::string& name : asked) {
    const auto found = std::find(conditions.begin(), conditions.end(), name);
    if (found == conditions.end()) {
      return Error{ErrorCode::invalid_argument,
                   "the model was learnt under a condition that the candidates do not tell",
                   "conditions", name, "a model that was learnt under theirs"};
    }
    places.push_back(static_cast<std::size_t>(found - conditions.begin()));
  }
  Result<selection::Predictor> predictor = selection::Predictor::make(model);
  if (!predictor) return predictor.error();
  Result<descriptors::Featurizer> featurizer = descriptors::Featurizer::from_state(model.features);
  if (!featurizer) return featurizer.error();
  return std::unique_ptr<Surrogate>(std::make_unique<EnsembleSurrogate>(
      std::move(predictor).value(), std::move(featurizer).value(), std::move(places)));
}

}  // namespace kasetsu::planning
