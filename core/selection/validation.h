// What a small leave-one-out error is worth: nested cross-validation, which repeats the whole
// pipeline (features, search, ensemble, companion, calibration) inside every fold; a permutation
// test; baselines in the same folds; and the paper's comparison of orders (its Figure 1) in nested
// error. METHOD section 5. Rows of one catalyst are never on both sides of a fold.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/chemistry/element_table.h"
#include "core/selection/model.h"
#include "core/selection/verdict.h"

namespace kasetsu::selection {

struct ValidationOptions {
  // search.work or search.time_limit is that of one fold's search; where neither is given, a fold
  // has kFoldSeconds.
  ModelSettings model;
  int folds = 10;         // 0: leave one catalyst out
  int permutations = 20;  // of y; 0: no test
  bool baselines = true;
  std::uint64_t seed = 1;  // of folds and permutations
  Status validate() const;
};

// A way to predict, judged by predictions of rows that it never saw.
struct Judged {
  std::string name;  // "median", "composition_huber", ... (kBaselines in validation.cc)
  double mae = 0.0;
  Eigen::VectorXd predictions;  // by row
};

struct Frequency {
  std::string name;
  double share = 0.0;  // of the hypotheses' weight, mean over the folds: 1 is "in all of them"
};

struct Validation {
  int n_samples = 0;
  int n_catalysts = 0;
  int folds = 0;
  std::vector<int> fold_of_row;
  Judged nested;             // the model: what it would have said of each row
  Judged nested_hypotheses;  // its hypotheses' median alone
  Judged nested_companions;  // its companions alone; the hypotheses in folds that keep none
  Verdict verdict;           // of the model's nested errors
  // Who predicts: "hypotheses", then the companions, with their shares of the prediction (mean over
  // the folds of what each fold's own calibration chose).
  std::vector<Frequency> parts;
  Eigen::VectorXd low, high;
  double coverage = 0.0;  // share of rows inside their interval
  double nominal = 0.0;
  double mae_naive = 0.0;           // leave-one-out of the best hypothesis found on all rows
  double mae_naive_ensemble = 0.0;  // of the ensemble's median
  Noise noise;  // replicates, and the lack of fit of the best hypothesis on all rows
  std::vector<Judged> baselines;
  // Nested error of a reduced pipeline (a sixteenth of the search, 30 trees, equal shares) with
  // the measured y, and with y shuffled; p = (1 + number of shuffles with an error as small) / (1 +
  // shuffles). Uniform when y has nothing to do with the catalysts. NaN without permutations.
  double permutation_p = 0.0;
  double mae_reduced = 0.0;
  std::vector<double> mae_shuffled;
  std::vector<Frequency> descriptors, families, properties;  // by share
};

inline constexpr double kFoldSeconds = 3.0;  // nominal

// Errors: those of train(); bad_data with fewer than 3 catalysts; cancelled. Deterministic for any
// number of threads.
Result<Validation> validate(const chemistry::ElementTable& elements, const TrainingSet& data,
                            const ValidationOptions& options, const Executor& executor,
                            const Control& control);

// One line of the paper's Figure 1.
struct Figure1Row {
  std::string name;  // "composition", "composition_selected", "order_0", ..., "order_3"
  double mae_train = 0.0, mae_loo = 0.0;  // of the best on all rows
  double mae_nested = 0.0;
  Eigen::VectorXd loo, nested;  // predictions by row: parity data
};

// Hypotheses only, without companion, as the paper has them. options: permutations and baselines
// are not used.
Result<std::vector<Figure1Row>> figure1(const chemistry::ElementTable& elements,
                                        const TrainingSet& data, const ValidationOptions& options,
                                        const Executor& executor, const Control& control);

}  // namespace kasetsu::selection
