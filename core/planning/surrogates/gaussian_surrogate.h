// The Gaussian process as the planner's surrogate: on the composition, and where a model is given
// also on the descriptors that it selected.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/planning/surrogates/surrogate.h"
#include "core/regression/gaussian_process.h"

namespace kasetsu::planning {

using regression::GaussianProcess;
using regression::GaussianProcessOptions;
using regression::Kernel;

// One measured value; the same candidate may occur several times.
struct MeasuredPoint {
  Candidate candidate;
  double value = 0.0;
};

struct GaussianSurrogateOptions {
  // Coordinates of this surrogate (the ensemble of hypotheses) are inputs beside the composition;
  // null: composition alone. Must outlive the result.
  const Surrogate* descriptors = nullptr;
  // Which inputs and kernels are tried; the one with the largest leave-one-out log density plans.
  // Empty: all that apply.
  std::vector<Kernel> kernels;
  bool roots = true;          // whether square roots of the shares are tried beside the shares
  int iterations = 60;        // see GaussianProcessOptions
  int rows_for_search = 400;  // see GaussianProcessOptions
};

class GaussianSurrogate : public Surrogate {
 public:
  virtual const GaussianProcess& process() const = 0;
};

// Inputs: the share of each element of the space, the total amount where it varies, the support
// (one 0/1 column each), preparations, conditions, scaled to [0, 1] over the space. Up to 16
// elements have a lengthscale each; more share one, as the supports do. `before`: an earlier one of
// the same space, whose hyperparameters are where the search begins. Errors: invalid_argument for
// fewer than 2 rows or values that are not finite; those of `descriptors`; cancelled, within
// milliseconds.
Result<std::unique_ptr<GaussianSurrogate>> make_gaussian_surrogate(
    const CandidateSpace& space, const std::vector<MeasuredPoint>& measured,
    const GaussianSurrogateOptions& options, const Executor& executor,
    const GaussianSurrogate* before = nullptr, const Control& control = {});

// Predictions of the process, for exploit; coordinates and disagreement of the ensemble of
// hypotheses, for explore and challenge. Takes both over.
std::unique_ptr<Surrogate> combine(std::unique_ptr<GaussianSurrogate> process,
                                   std::unique_ptr<Surrogate> ensemble);

}  // namespace kasetsu::planning
