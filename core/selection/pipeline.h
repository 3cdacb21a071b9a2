// The pipeline behind train() in its two steps, for validation, which repeats them: what the
// composition alone decides, and what the measurements decide.
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "core/descriptors/descriptor.h"
#include "core/descriptors/featurizer.h"
#include "core/selection/model.h"

namespace kasetsu::selection {

// Of a training set without its target: serves every permutation of y.
struct Prepared {
  descriptors::Featurizer featurizer;
  Eigen::MatrixXd primary_values;            // rows x primaries
  descriptors::DescriptorMatrix candidates;  // of order 0 or 1, without near copies
  std::vector<int> distinct;                 // primaries that the companion sees
};

Result<Prepared> prepare(const chemistry::ElementTable& elements, const TrainingSet& data,
                         const ModelSettings& settings, const Control& control = {});

struct Trained {
  // Predicts, but is not calibrated: scores, base and the companion's weight are not set, and the
  // featurizer is whole.
  Model model;
  // Of the training rows: of the hypotheses in leave-one-out, and to the nearest distinct other
  // row.
  Eigen::VectorXd disagreement, novelty;
  Eigen::VectorXd best_loo;  // leave-one-out predictions of the first hypothesis
};

// data: what `prepared` was made of, with any y. Products of descriptors are screened here.
Result<Trained> train_prepared(const Prepared& prepared, const TrainingSet& data,
                               const ModelSettings& settings, const Executor& executor,
                               const Control& control, const History& history = {});

// Models of hypotheses of each of these sizes (ascending) by search_sizes(), without companions:
// what choosing the size compares. Sizes that the rows or the candidates do not allow are left out.
// Errors: those of train(); cancelled.
Result<std::vector<Trained>> train_sizes(const Prepared& prepared, const TrainingSet& data,
                                         const ModelSettings& settings, std::span<const int> sizes,
                                         const Executor& executor, const Control& control,
                                         const History& history = {});

}  // namespace kasetsu::selection
