// Groups of elements, and of supports and conditions, that a model can hardly tell apart: what the
// search by bounds divides.
#pragma once

#include "core/planning/bounds/ensemble_bounds.h"

namespace kasetsu::planning {

// Fills `trees` of tables that are complete but for them. False: it was stopped.
bool grow_trees(EnsembleBounds& tables, EnsembleBounds::Of of, const Control& control);

}  // namespace kasetsu::planning
