// A batch on the instrument's plates: which channel holds which proposal, blank or reference, and
// one condition that a plate shares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/planning/planner.h"

namespace kasetsu::planning {

struct PlateShape {
  int channels = 0;       // places of a plate, 1 or more
  int blanks = 0;         // of them empty on purpose
  int references = 0;     // of them with a reference
  bool randomize = true;  // the order, so that position and catalyst are not confounded
};

struct PlatePlace {
  enum class What { proposal, blank, reference };
  int plate = 1;
  int channel = 1;
  What what = What::proposal;
  std::size_t item = 0;  // of the proposals or of the references, from 0
};

// As many plates as the proposals need, each with all of its blanks and references; by plate and
// channel. The last plate may leave channels unused at its end. blanks + references < channels.
std::vector<PlatePlace> lay_out(std::size_t proposals, const PlateShape& shape, std::uint64_t seed);

// One batch for each level of the space's condition number `condition`, and of these the one whose
// strategies promise most: by the scores of exploit, else by disagreement, else by the distances of
// explore. Its proposals all have that level. Errors: those of plan().
Result<Plan> plan_sharing(const PlanProblem& problem, const PlanOptions& options,
                          std::size_t condition, const Executor& executor, const Control& control);

}  // namespace kasetsu::planning
