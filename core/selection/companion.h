// What predicts beside the hypotheses: forests, which follow what a straight line in eight
// descriptors cannot. They explain nothing and propose no descriptor; they only share in the
// prediction, with weights that errors on rows never seen decide (selection/calibration.h).
#pragma once

#include <Eigen/Core>
#include <span>
#include <string>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/descriptors/featurizer.h"
#include "core/regression/random_forest.h"
#include "core/selection/training_set.h"

namespace kasetsu::selection {

struct Companion {
  std::string name;                // of its kind, see companion_kinds()
  double weight = 0.0;             // of the prediction
  std::vector<int> primaries;      // its first columns: indices into the model's primaries
  CompositionColumns composition;  // its other columns
  regression::Forest forest;
  Eigen::VectorXd
      honest;  // by training row, what it said when it had not seen the row; may be empty

  // primary_values: rows x primaries of the model.
  Eigen::MatrixXd columns(std::span<const chemistry::Catalyst> catalysts,
                          const descriptors::Conditions& conditions,
                          const Eigen::MatrixXd& primary_values) const;
};

// Names of what grow_companions() grows, in its order.
std::vector<std::string> companion_kinds();

// distinct: the primaries that a companion may see. Without weights. Errors: those of fit_forest().
Result<std::vector<Companion>> grow_companions(const TrainingSet& data,
                                               const Eigen::MatrixXd& primary_values,
                                               const std::vector<int>& distinct, int trees,
                                               std::uint64_t seed, const Executor& executor,
                                               const Control& control = {});

// What they say together. by_companion: rows x companions.
Eigen::VectorXd weighted_mean(std::span<const Companion> companions,
                              const Eigen::MatrixXd& by_companion);

}  // namespace kasetsu::selection
