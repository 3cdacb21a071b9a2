// Amounts of active elements in the units that laboratories weigh in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/composition.h"

namespace kasetsu::tables {

struct Loading {
  int element = 0;
  double amount = 0.0;
  std::string unit;
};

// The composition in `unit`: empty takes the amounts as they are (all must then tell the same unit,
// or none); "mmol/g" is per gram of support and takes mmol/g, mol/g and the like, mol and mmol as
// weighed for one gram, and wt% of the whole. bad_data: units that do not go together, fractions
// above one, and amounts that cannot be: metals that weigh more than the support they lie on, which
// is what mol written for mmol gives.
Result<chemistry::Composition> combine(const std::vector<Loading>& loadings, std::string_view unit);

}  // namespace kasetsu::tables
