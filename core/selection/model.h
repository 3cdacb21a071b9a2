// A model: an ensemble of hypotheses with everything that is needed to predict catalysts never
// seen. Pure data and mathematics; its document form (JSON) is
// daemon/campaign/learning/model_document.h.
#pragma once

#include <Eigen/Core>
#include <span>
#include <string>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/element_table.h"
#include "core/descriptors/descriptor.h"
#include "core/descriptors/featurizer.h"
#include "core/selection/batch_offsets.h"
#include "core/selection/companion.h"
#include "core/selection/ledger.h"
#include "core/selection/noise.h"
#include "core/selection/search/search.h"
#include "core/selection/training_set.h"

namespace kasetsu::selection {

struct ModelSettings {
  descriptors::FeaturizerOptions features;
  int order = 1;         // 0, 1, 2 or 3: the highest order of descriptors offered to the search
  int products = 2000;   // of each order above 1, the best screened products offered to the search
  SearchOptions search;  // size, method, epsilon, family, hypotheses, seed, work
  // Chooses the number of descriptors in a hypothesis, at most search.size: so many where the rows
  // bear them, else by the error that the hypotheses make on calibration folds (choose_size in
  // calibration.h).
  bool size_by_nested_error = false;
  double coverage = 0.80;  // of the prediction intervals
  // Trees of each companion (selection/companion.h): more only smooth what they say, and cost in
  // every prediction. 0: none, the hypotheses alone predict.
  int trees = 64;
  // The whole pipeline is repeated on so many folds of the training set, with a fifteenth of the
  // search's work each: the errors that it makes there choose the companions' weights and give the
  // width of the intervals. Leave-one-out errors cannot: the search has chosen by them. 0: none;
  // then all parts weigh the same and the intervals come from leave-one-out, too narrow.
  int calibration_folds = 5;
  Status validate() const;
};

struct Hypothesis {
  std::vector<descriptors::Descriptor> descriptors;
  Eigen::VectorXd coefficients;  // per descriptor, on its value as it is
  double intercept = 0.0;
  double scale = 0.0;  // sigma of the Huber fit
  double mae_train = 0.0;
  double mae_cv = 0.0;  // exact leave-one-out
  double weight = 0.0;  // in the ensemble's median; all weights sum to 1
  // What leave-one-out promises: quantiles of its |residuals|, ascending, evenly spaced in
  // probability, at most 99 (selection/ledger.h).
  Eigen::VectorXd promise;
  // Of each descriptor on the training set: where it was seen, and its standardisation.
  Eigen::VectorXd low, high, center, spread;
  int born = 0;  // number of the retraining that found it (Model::generation)
};

// What choosing the size saw: mean |error| of the hypotheses on calibration folds.
struct SizeTried {
  int size = 0;
  double mae_honest = 0.0;
  bool operator==(const SizeTried&) const = default;
};

struct Model {
  ModelSettings settings;
  descriptors::FeaturizerState features;  // cut down to the primaries that the hypotheses use
  std::vector<Hypothesis> hypotheses;     // by expected error (population.h)
  std::vector<Hypothesis> dormant;  // of earlier models, without a place and a weight; the same
  int generation = 0;               // models of the campaign before this one
  int n_samples = 0;
  int n_descriptors = 0;  // offered to the search
  int size = 0;           // descriptors in a hypothesis; smaller than asked for when rows are few
  std::vector<SizeTried> sizes_tried;  // empty: it was given
  SearchResult search;                 // effort; its hypotheses are those above
  std::vector<LedgerRecord> ledger;    // what was known of hypotheses when this was trained
  std::vector<std::vector<std::string>> eliminated;  // sets that could not be chosen
  // What the batches measured too much or too little; no batches: the term was not asked for. y,
  // and with it everything that the model learnt and predicts, is without them.
  BatchOffsets offsets;
  // Of the training set, by row: canonical key of the catalyst, and the target.
  std::vector<std::string> catalysts;
  Eigen::VectorXd y;
  // Leave-one-out prediction of the ensemble for each training row (weighted median over the
  // hypotheses, each fitted without the row). Optimistic: the search saw the row.
  Eigen::VectorXd loo_prediction;
  // Prediction of each training row by the pipeline that never saw it (calibration folds), and that
  // of the hypotheses' median alone; empty when there was no calibration.
  Eigen::VectorXd honest_prediction, honest_hypotheses;
  std::vector<Companion> companions;  // those with a weight; the ensemble's median has the rest
  Noise noise;  // of the training set's replicates, beside the fit of the first hypothesis
  // Elements and supports of the training set: others are "outside".
  std::vector<int> elements;
  std::vector<std::string> supports;
  double base = 0.0;  // median |error| of the rows behind `scores`
  // Sorted |error| / unit of each row (see interval_unit in ensemble.h): the conformal scores, of
  // the honest predictions where there are any; else of leave-one-out, or of the median of the
  // other rows where that is worse.
  Eigen::VectorXd scores;
  std::vector<ForwardErrors> forward;  // of the models before, the oldest first
  double widening = 1.0;  // of the intervals, by `forward` (widening_of in calibration.h)
  // The training set in the space of the best hypothesis's descriptors, standardised: rows x size.
  // Novelty and farthest-point sampling measure distances here.
  Eigen::MatrixXd coordinates;
  double typical_distance = 0.0;  // median distance of a training row to its nearest distinct other
};

// By row of the catalysts asked for.
struct Predictions {
  Eigen::VectorXd mean;          // of all parts, by their weights
  Eigen::VectorXd median;        // weighted median of the hypotheses
  Eigen::MatrixXd by_companion;  // rows x companions
  Eigen::VectorXd low, high;     // interval at settings.coverage
  Eigen::VectorXd novelty;       // distance to the nearest training row over typical_distance
  Eigen::VectorXd
      outside;  // share of the hypotheses (by weight) with a descriptor outside where it was seen;
                // 1 with an element or support that the training set does not have
  Eigen::VectorXd
      disagreement;  // weighted mean absolute deviation of the hypotheses from the median
  Eigen::MatrixXd by_hypothesis;  // rows x hypotheses
  Eigen::MatrixXd by_dormant;     // rows x dormant hypotheses; without columns unless asked for
  // What each hypothesis predicts for a row, the dormant ones last: what the ledger keeps. Of
  // predictions that were asked of the dormant ones, too.
  std::vector<double> for_ledger(Eigen::Index row) const;
  Eigen::MatrixXd coordinates;  // rows x size, as Model::coordinates
};

// Learns featurizer and hypotheses. Errors: bad_data when there are fewer than 5 rows or no
// descriptor varies; cancelled. With few rows a hypothesis has at most (rows - 2) / 2 descriptors.
// Deterministic in everything but Control's time limit. `history`: ledger records, which weigh the
// hypotheses that are found again, and eliminated ones, which are not. Where the rows tell their
// batches, the batches' offsets are estimated first and taken off (batch_offsets.h).
Result<Model> train(const chemistry::ElementTable& elements, const TrainingSet& data,
                    const ModelSettings& settings, const Executor& executor, const Control& control,
                    const History& history = {});

// The texts of a hypothesis's descriptors, sorted: what it says, whatever model it stands in.
std::vector<std::string> hypothesis_key(const Hypothesis& hypothesis,
                                        std::span<const descriptors::Primary> primaries);

// Whom a prediction asks. Dormant hypotheses have no part in it: only the ledger needs them, and a
// search of the space would pay for them a million times.
enum class Asked { alive, alive_and_dormant };

// Predicts with a model, which must outlive it. Safe to use from several threads at once.
class Predictor {
 public:
  // Errors: a featurizer state that does not fit itself (a document that was tampered with).
  static Result<Predictor> make(const Model& model);
  // Errors: an element that the model's table lacks; conditions that do not fit the model's.
  Result<Predictions> predict(std::span<const chemistry::Catalyst> catalysts,
                              const descriptors::Conditions& conditions,
                              Asked asked = Asked::alive) const;
  const Model& model() const { return *model_; }
  // Half of the interval of a prediction with this disagreement and novelty; grows with both.
  double half_width(double disagreement, double novelty) const;

 private:
  Predictor(const Model& model, descriptors::Featurizer featurizer);
  const Model* model_;
  descriptors::Featurizer featurizer_;
  std::vector<double> weights_;
  double quantile_ = 0.0;  // conformal quantile of the scores at settings.coverage
};

// Where the value of descriptor j of a hypothesis is followed: beyond these it counts as the nearer
// one, and where it is not defined as hypothesis.center[j].
struct FollowedRange {
  double low, high;
};
FollowedRange followed_range(const Hypothesis& hypothesis, Eigen::Index j);

// What a single hypothesis may predict: the range of the training set's target, widened alike.
FollowedRange predicted_range(const Model& model);

// An element or support that was never seen counts as so much novelty: one more typical distance.
inline constexpr double kNeverSeen = 1.0;

// Weighted median: the smallest value at which at least half of the weight is reached; weights >= 0
// with a positive sum; values finite. `order` is scratch space.
double weighted_median(std::span<const double> values, std::span<const double> weights,
                       std::vector<int>& order);

}  // namespace kasetsu::selection
