// The ensemble of hypotheses as the planner's surrogate, and the surrogate of a campaign without
// data.
#pragma once

#include <memory>

#include "core/planning/surrogates/surrogate.h"
#include "core/selection/model.h"

namespace kasetsu::planning {

// Predictions of a trained model; exploration measures distances in the space of its best
// hypothesis's descriptors, standardised on the training set. The model must outlive it.
Result<std::unique_ptr<Surrogate>> make_ensemble_surrogate(const selection::Model& model);

}  // namespace kasetsu::planning
