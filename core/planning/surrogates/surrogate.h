// What the planner asks of a model. selection's ensemble of hypotheses, the Gaussian process and
// the cold start answer it.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/planning/space/space.h"
#include "core/selection/model.h"

namespace kasetsu::planning {

// One row a candidate. An entry that is not finite takes its candidate out of the strategies that
// need it.
struct Evaluation {
  Eigen::VectorXd mean;
  Eigen::VectorXd low;           // of the 80 % interval
  Eigen::VectorXd high;          // of the 80 % interval
  Eigen::VectorXd novelty;       // how far outside the training set; 0 within
  Eigen::VectorXd disagreement;  // weighted spread of the surviving hypotheses, in target units
  Eigen::MatrixXd coordinates;   // rows x dimensions(): where exploration measures distances

  void resize(Eigen::Index rows, Eigen::Index dimensions) {
    mean.resize(rows);
    low.resize(rows);
    high.resize(rows);
    novelty.resize(rows);
    disagreement.resize(rows);
    coordinates.resize(rows, dimensions);
  }
};

// Mean and covariance of the values of several candidates together, without the noise of a
// measurement; `noise` is that noise's variance.
struct JointPrediction {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  double noise = 0.0;
};

// One descriptor's part in a prediction: by how much it moves it away from that of a catalyst in
// the middle of the training set, in target units.
struct Driver {
  std::string descriptor;
  double contribution = 0.0;
};

class Surrogate {
 public:
  virtual ~Surrogate() = default;

  // For people: "ensemble of 50 hypotheses", "Gaussian process (Matern 5/2) on composition".
  virtual std::string name() const = 0;
  virtual int dimensions() const = 0;  // 1 or more
  // False for a cold start: only coordinates are filled, the rest is NaN.
  virtual bool predicts() const { return true; }
  // Fills every field of `out` for these candidates. Called from several threads at once; the
  // answer for a candidate may not depend on which others are asked with it.
  virtual Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const = 0;
  // The ensemble of hypotheses behind it, where there is one: large spaces are searched by bounds
  // on its descriptors. Null: none.
  virtual const selection::Predictor* ensemble() const { return nullptr; }
  // Of the best hypothesis, the largest first; empty where there is none.
  virtual std::vector<Driver> drivers(const Candidate& candidate) const {
    static_cast<void>(candidate);
    return {};
  }
  // For choosing several candidates at once, where the model has it; up to about 1,000 candidates.
  virtual std::optional<JointPrediction> joint(std::span<const Candidate> candidates) const {
    static_cast<void>(candidates);
    return std::nullopt;
  }
};

}  // namespace kasetsu::planning
