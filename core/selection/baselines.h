// What the model is compared with: the paper's baselines, and those of practice.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/regression/huber/robust.h"
#include "core/selection/pipeline.h"
#include "core/selection/search/search.h"
#include "core/selection/training_set.h"

namespace kasetsu::selection {

double mean_error(const Eigen::VectorXd& y, const Eigen::VectorXd& predictions);  // absolute

// A share of a search's effort; `whole` has work or a limit in seconds.
SearchOptions reduced(SearchOptions whole, int divisor);

// A search over given columns and the ensemble that it finds: composition with selection, and order
// 0. Values of new rows are held inside the range seen.
struct Selected {
  Eigen::VectorXd predictions;  // of the new rows: weighted median
  Eigen::VectorXd loo;          // of the training rows, by the best hypothesis
  double mae_train = 0.0, mae_loo = 0.0;
};

Result<Selected> select(const Eigen::MatrixXd& X, const Eigen::VectorXd& y,
                        const Eigen::MatrixXd& fresh, const std::vector<int>& families,
                        SearchOptions options, const Executor& executor, const Control& control);

std::vector<int> one_family_each(Eigen::Index count);

Eigen::VectorXd predict_linear(const regression::LinearFit& fit, const Eigen::MatrixXd& X);

// Predictions of the rows of `test`, learnt on the composition of the rows of `train`.
// Ridge with the penalty that leave-one-out likes best.
Result<Eigen::VectorXd> ridge_on_composition(const TrainingSet& train, const TrainingSet& test);
// scikit-learn's defaults for regression, with 300 trees.
Result<Eigen::VectorXd> forest_on_composition(const TrainingSet& train, const TrainingSet& test,
                                              std::uint64_t seed, const Executor& executor,
                                              const Control& control = {});
// Squared-exponential kernel on amounts scaled to [0, 1]; one length for the active elements, one
// for the rest.
Result<Eigen::VectorXd> process_on_composition(const TrainingSet& train, const TrainingSet& test,
                                               const Control& control = {});

using NamedPredictions = std::vector<std::pair<std::string, Eigen::VectorXd>>;

// All of them: "median", "composition_huber", "composition_selected", "assignment_order_0",
// "ridge", "random_forest", "gaussian_process". prepared: of `train`.
Result<NamedPredictions> baselines(const TrainingSet& train, const TrainingSet& test,
                                   const Prepared& prepared, const ModelSettings& settings,
                                   const Executor& executor, const Control& control);

}  // namespace kasetsu::selection
