// Why a prediction is what it is: what each part says, what the best hypothesis's descriptors
// contribute, which measured catalysts are nearest, and how many hypotheses agree.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/selection/model.h"

namespace kasetsu::selection {

struct Explanation {
  struct Part {
    std::string name;  // "hypotheses", then the companions
    double weight = 0.0;
    double says = 0.0;
  };
  // Of the first hypothesis: coefficient times the descriptor's distance from its mean over the
  // training set. They sum to what it says minus `usual`, before it is held inside what was seen.
  struct Contribution {
    std::string descriptor;  // text form
    std::string words;
    double contribution = 0.0;
    bool outside = false;  // the value is outside what was seen (and held at its margin)
  };
  // Measured catalysts, by distance in the space of the first hypothesis's descriptors.
  struct Neighbour {
    std::string catalyst;   // canonical key
    double distance = 0.0;  // in typical distances between neighbours
    double measured = 0.0;  // mean over its rows
  };
  std::vector<Part> parts;
  double usual = 0.0;  // what the first hypothesis says of a catalyst of mean descriptors
  std::vector<Contribution> contributions;  // by size
  std::vector<Neighbour> neighbours;        // three, or as many as there are
  int agree = 0;                            // hypotheses that predict inside the interval
  int hypotheses = 0;
};

// By row. `predictions` of the same rows. Errors: those of Predictor::predict.
Result<std::vector<Explanation>> explain(const Model& model,
                                         std::span<const chemistry::Catalyst> catalysts,
                                         const descriptors::Conditions& conditions,
                                         const Predictions& predictions);

}  // namespace kasetsu::selection
