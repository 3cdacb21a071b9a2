// How much of a prediction each part has, and how wide its interval is: decided by the errors that
// the pipeline makes on catalysts that it has not seen.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <span>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/chemistry/element_table.h"
#include "core/selection/model.h"
#include "core/selection/pipeline.h"
#include "core/selection/training_set.h"

namespace kasetsu::selection {

// Shares of the parts of a prediction (columns of `parts`: what each said of rows that it had not
// seen), not negative, sum 1: of all tenths, those nearest to equal shares whose mean |error| is
// not more than one standard error of the difference above the least. Folds at random look like the
// training set, later batches do not; equal shares are hard to beat there (Clemen, Int. J.
// Forecasting 5, 559, 1989), so a departure has to be earned.
Eigen::VectorXd choose_shares(const Eigen::VectorXd& y, const Eigen::MatrixXd& parts);

// Sizes of a hypothesis that so many catalysts leave to be chosen from, at most `most`: only `most`
// where there are ten distinct catalysts for each descriptor, because the errors of sizes hardly
// differ there; else 2, 3, 4, 6, 8, 12, ... up to one descriptor for five catalysts. A single
// descriptor only where the catalysts bear no more: its search ends at one hypothesis, which has no
// rivals.
std::vector<int> sizes_to_try(std::span<const chemistry::Catalyst> catalysts, int most);

// The rows of one fold, and the features learnt on those of all others.
struct FoldPrepared {
  std::vector<int> left_out;
  TrainingSet train, test;
  Prepared prepared;
};

// The folds of a training set. What of them does not depend on the target is the same for the
// choice of the size and for calibration, and is kept between them where it is small.
class PreparedFolds {
 public:
  // elements, data and settings must outlive this.
  PreparedFolds(const chemistry::ElementTable& elements, const TrainingSet& data,
                const ModelSettings& settings, Folds folds);
  int count() const { return folds_.count; }
  // What was kept, or prepared now. Errors: those of prepare().
  Result<FoldPrepared> take(int fold, const Control& control);
  // For the next take().
  void keep(int fold, FoldPrepared prepared);

 private:
  const chemistry::ElementTable& elements_;
  const TrainingSet& data_;
  const ModelSettings& settings_;
  Folds folds_;
  std::vector<std::optional<FoldPrepared>> kept_;
};

// The number of descriptors, of sizes_to_try(), by nested error: a forward search (search_sizes) on
// each fold's other rows, and the hypotheses' median on the fold. Chosen is the smallest whose mean
// |error| is not more than one standard error of the difference above the least: the rows cannot
// tell it from a larger one. `tried` gets what was seen. The largest, with nothing tried, where
// there is no choice or there are no folds; the smallest where the time is over. Errors: those of
// train(); cancelled.
Result<int> choose_size(PreparedFolds& folds, const TrainingSet& data,
                        const ModelSettings& settings, const Executor& executor,
                        const Control& control, const History& history,
                        std::vector<SizeTried>& tried);

// The hypotheses and every companion weigh the same.
void share_equally(Model& model);

// Conformal scores from errors of rows, with what made the unit of each.
void set_scores(Model& model, const Eigen::VectorXd& errors, const Eigen::VectorXd& disagreement,
                const Eigen::VectorXd& novelty);

// By what factor intervals are to be widened (or narrowed) so that they hold what is measured next,
// which folds drawn from the known rows do not look like. The factor is a weighted conformal
// quantile (Barber, Candes, Ramdas and Tibshirani, Ann. Stat. 51, 816, 2023) of the forward errors:
// those of the newest model weigh 1 each, earlier ones 0.99 for each measurement since; the folds'
// scores count as ten measurements together. Its level follows adaptive conformal inference (Gibbs
// and Candes, NeurIPS 34, 1660, 2021): the coverage, and for each forward error 0.005 (their step)
// of what the intervals held too little, at most 0.15 in all. 1 without forward errors.
double widening_of(const Eigen::VectorXd& scores, std::span<const ForwardErrors> forward,
                   double coverage);

// Repeats the pipeline on folds and fills what their errors decide. disagreement: median over the
// training rows of how far the model's hypotheses disagree in leave-one-out; a fold's search, which
// does less, finds hypotheses that disagree more or less, and its disagreement is brought to the
// same scale. False: there was no time for all folds, nothing is filled.
Result<bool> calibrate(PreparedFolds& folds, const TrainingSet& data, const Executor& executor,
                       const Control& control, const History& history, double disagreement,
                       Model& model);

}  // namespace kasetsu::selection
