// The ensemble of hypotheses as the planner's surrogate, and the surrogate of a campaign without
// data.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/planning/surrogates/surrogate.h"
#include "core/selection/model.h"

namespace kasetsu::planning {

// Predictions of a trained model; exploration measures distances in the space of its best
// hypothesis's descriptors, standardised on the training set. The model must outlive it.
// conditions: the names of a candidate's conditions, in their order; none: the model's own. Errors:
// invalid_argument for a condition of the model that is not among them.
Result<std::unique_ptr<Surrogate>> make_ensemble_surrogate(
    const selection::Model& model, std::span<const std::string> conditions = {});

}  // namespace kasetsu::planning
