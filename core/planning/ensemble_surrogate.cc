#include "core/planning/ensemble_surrogate.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace kasetsu::planning {
namespace {

class EnsembleSurrogate final : public Surrogate {
 public:
  explicit EnsembleSurrogate(selection::Predictor predictor) : predictor_(std::move(predictor)) {}

  std::string name() const override {
    return fmt::format("ensemble of {} hypotheses", predictor_.model().hypotheses.size());
  }
  const selection::Predictor* ensemble() const override { return &predictor_; }
  int dimensions() const override {
    return static_cast<int>(predictor_.model().coordinates.cols());
  }

  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    std::vector<chemistry::Catalyst> catalysts;
    catalysts.reserve(candidates.size());
    descriptors::Conditions conditions;
    conditions.names = predictor_.model().features.condition_names;
    const auto width = static_cast<Eigen::Index>(conditions.names.size());
    conditions.values.resize(static_cast<Eigen::Index>(candidates.size()), width);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      catalysts.push_back(candidates[i].catalyst);
      if (static_cast<Eigen::Index>(candidates[i].conditions.size()) < width) {
        return Error{ErrorCode::invalid_argument,
                     "a candidate does not tell the conditions that the model needs", "space",
                     fmt::format("{}", candidates[i].conditions.size()),
                     fmt::format("{} conditions", width)};
      }
      for (Eigen::Index j = 0; j < width; ++j) {
        conditions.values(static_cast<Eigen::Index>(i), j) =
            candidates[i].conditions[static_cast<std::size_t>(j)];
      }
    }
    Result<selection::Predictions> predictions = predictor_.predict(catalysts, conditions);
    if (!predictions) return predictions.error();
    out.mean = std::move(predictions->mean);
    out.low = std::move(predictions->low);
    out.high = std::move(predictions->high);
    out.novelty = std::move(predictions->novelty);
    out.disagreement = std::move(predictions->disagreement);
    out.coordinates = std::move(predictions->coordinates);
    return {};
  }

 private:
  selection::Predictor predictor_;
};

}  // namespace

Result<std::unique_ptr<Surrogate>> make_ensemble_surrogate(const selection::Model& model) {
  Result<selection::Predictor> predictor = selection::Predictor::make(model);
  if (!predictor) return predictor.error();
  return std::unique_ptr<Surrogate>(
      std::make_unique<EnsembleSurrogate>(std::move(predictor).value()));
}

}  // namespace kasetsu::planning
