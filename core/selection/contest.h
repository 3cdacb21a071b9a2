// The places of an ensemble, and who competes for them: sets that the search found, and the
// hypotheses of earlier models (veterans), which are fitted again to the present rows.
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/descriptors/descriptor.h"
#include "core/selection/ledger.h"
#include "core/selection/model.h"
#include "core/selection/pipeline.h"
#include "core/selection/population.h"

namespace kasetsu::selection {

// The hypothesis fitted to these columns, and its leave-one-out predictions; without a weight.
struct Fitted {
  Hypothesis hypothesis;
  Eigen::VectorXd loo;
};
Result<Fitted> fit_hypothesis(std::vector<descriptors::Descriptor> descriptors,
                              const Eigen::MatrixXd& columns, const Eigen::VectorXd& y,
                              const regression::RobustOptions& options);

// Hypotheses that want a place in the ensemble, with their leave-one-out predictions.
struct Contest {
  std::vector<Contender> contenders;
  std::vector<Fitted> fitted;

  // most: descriptors that one with a place may have.
  void add(Fitted candidate, std::vector<std::string> key, bool veteran, int most, double optimism,
           const History& history);
};

// That a hypothesis on so many rows may have.
int most_descriptors(Eigen::Index rows);

// Fits the veterans to the present rows. One is passed over where it was eliminated, where the
// present features do not have its descriptors or the settings do not ask for such, and where the
// rows are too few for it. most: descriptors of one that may get a place.
Status add_veterans(const Prepared& prepared, const TrainingSet& data,
                    const ModelSettings& settings, const History& history, int most,
                    double optimism, Contest& contest);

// Gives the places to the contenders with the least expected error. `loo` gets a column for each
// hypothesis. The veterans that are left stay in the model without a weight. rows_before: that the
// model before learnt.
void give_places(Contest contest, const SearchOptions& options, int rows_before, Model& model,
                 Eigen::MatrixXd& loo);

}  // namespace kasetsu::selection
