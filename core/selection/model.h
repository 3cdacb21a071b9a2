// A model: an ensemble of hypotheses with everything that is needed to predict catalysts never
// seen. Pure data and mathematics; its document form (JSON) is daemon/campaign/model_document.h.
#pragma once

#include <Eigen/Core>
#include <span>
#include <string>
#include <vector>

#include "core/chemistry/catalyst.h"
#include "core/chemistry/element_table.h"
#include "core/control.h"
#include "core/descriptors/descriptor.h"
#include "core/descriptors/featurizer.h"
#include "core/executor.h"
#include "core/result.h"
#include "core/selection/search.h"

namespace kasetsu::selection {

// What is learnt from: one row a measured value. Replicates stay separate rows.
struct TrainingSet {
  std::vector<chemistry::Catalyst> catalysts;
  descriptors::Conditions conditions;  // empty, or one row a catalyst
  Eigen::VectorXd y;                   // finite
};

struct ModelSettings {
  descriptors::FeaturizerOptions features;
  int order = 1;         // 0, 1, 2 or 3: the highest order of descriptors offered to the search
  int products = 2000;   // of each order above 1, the best screened products offered to the search
  SearchOptions search;  // size, method, epsilon, family, hypotheses, seed, work
  double coverage = 0.80;  // of the prediction intervals
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
  // Of each descriptor on the training set: where it was seen, and its standardisation.
  Eigen::VectorXd low, high, center, spread;
};

struct Model {
  ModelSettings settings;
  descriptors::FeaturizerState features;  // cut down to the primaries that the hypotheses use
  std::vector<Hypothesis> hypotheses;     // by mae_cv
  int n_samples = 0;
  int n_descriptors = 0;  // offered to the search
  int size = 0;           // descriptors in a hypothesis; smaller than asked for when rows are few
  SearchResult search;    // effort; its hypotheses are those above
  Eigen::VectorXd y;      // of the training set, by row
  // Leave-one-out prediction of the ensemble for each training row (weighted median over the
  // hypotheses, each fitted without the row).
  Eigen::VectorXd loo_prediction;
  // Sorted |y - loo_prediction| / spread of that row (see intervals in model.cc): the conformal
  // scores.
  Eigen::VectorXd scores;
  // The training set in the space of the best hypothesis's descriptors, standardised: rows x size.
  // Novelty and farthest-point sampling measure distances here.
  Eigen::MatrixXd coordinates;
  double typical_distance = 0.0;  // median distance of a training row to its nearest distinct other
};

// By row of the catalysts asked for.
struct Predictions {
  Eigen::VectorXd mean;       // weighted median of the hypotheses
  Eigen::VectorXd low, high;  // interval at settings.coverage
  Eigen::VectorXd novelty;    // distance to the nearest training row over typical_distance
  Eigen::VectorXd
      outside;  // share of the hypotheses (by weight) with a descriptor outside where it was seen
  Eigen::VectorXd
      disagreement;  // weighted mean absolute deviation of the hypotheses from the median
  Eigen::MatrixXd by_hypothesis;  // rows x hypotheses
  Eigen::MatrixXd coordinates;    // rows x size, as Model::coordinates
};

// Learns featurizer and hypotheses. Errors: bad_data when there are fewer than 5 rows or no
// descriptor varies; cancelled. With few rows a hypothesis has at most (rows - 2) / 2 descriptors.
// Deterministic in everything but Control's time limit.
Result<Model> train(const chemistry::ElementTable& elements, const TrainingSet& data,
                    const ModelSettings& settings, const Executor& executor,
                    const Control& control);

// Predicts with a model, which must outlive it. Safe to use from several threads at once.
class Predictor {
 public:
  // Errors: a featurizer state that does not fit itself (a document that was tampered with).
  static Result<Predictor> make(const Model& model);
  // Errors: an element that the model's table lacks; conditions that do not fit the model's.
  Result<Predictions> predict(std::span<const chemistry::Catalyst> catalysts,
                              const descriptors::Conditions& conditions) const;
  const Model& model() const { return *model_; }
  // Half of the interval of a prediction with this disagreement and novelty; grows with both.
  double half_width(double disagreement, double novelty) const;

 private:
  Predictor(const Model& model, descriptors::Featurizer featurizer);
  const Model* model_;
  descriptors::Featurizer featurizer_;
  std::vector<double> weights_;
  double base_ = 0.0;      // median |leave-one-out residual| of the ensemble
  double quantile_ = 0.0;  // conformal quantile of the scores at settings.coverage
};

// Where the value of descriptor j of a hypothesis is followed: beyond these it counts as the nearer
// one, and where it is not defined as hypothesis.center[j].
struct FollowedRange {
  double low, high;
};
FollowedRange followed_range(const Hypothesis& hypothesis, Eigen::Index j);

// Weighted median: the smallest value at which at least half of the weight is reached; weights >= 0
// with a positive sum; values finite. `order` is scratch space.
double weighted_median(std::span<const double> values, std::span<const double> weights,
                       std::vector<int>& order);

}  // namespace kasetsu::selection
