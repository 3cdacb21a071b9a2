// The surrogate of a campaign that has measured nothing yet: it predicts nothing, and spreads the
// first batch over the general properties of the elements.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/result.h"
#include "core/chemistry/element_table.h"
#include "core/descriptors/featurizer.h"
#include "core/planning/space/space.h"
#include "core/planning/surrogates/surrogate.h"

namespace kasetsu::planning {

// Coordinates: the PrincipalAxes of the space (at most 8 components of the standardised order-0
// descriptors, learnt on candidates spread evenly over it). Errors: an element of the space
// that the table lacks; a space in which no descriptor varies.
Result<std::unique_ptr<Surrogate>> make_cold_start_surrogate(
    const chemistry::ElementTable& elements, const CandidateSpace& space,
    const descriptors::FeaturizerOptions& options, std::uint64_t seed);

}  // namespace kasetsu::planning
