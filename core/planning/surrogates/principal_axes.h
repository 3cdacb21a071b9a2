// The principal components of a space's order-0 descriptors: where its candidates lie in general
// properties of their elements, whatever any model believes. The same for every batch.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/element_table.h"
#include "core/descriptors/featurizer.h"
#include "core/planning/space/space.h"

namespace kasetsu::planning {

class PrincipalAxes {
 public:
  // Learnt on candidates spread evenly over the space, by `seed`; descriptors standardised; at most
  // 8 components. Errors: an element of the space that the table lacks; a space in which no
  // descriptor varies.
  static Result<PrincipalAxes> learn(const chemistry::ElementTable& elements,
                                     const CandidateSpace& space,
                                     const descriptors::FeaturizerOptions& options,
                                     std::uint64_t seed);

  int dimensions() const { return static_cast<int>(directions_.cols()); }
  const std::vector<descriptors::Primary>& primaries() const { return featurizer_.primaries(); }
  // By axis: its share of the descriptors' variance, between 0 and 1, falling.
  const Eigen::VectorXd& shares() const { return shares_; }
  // primaries x dimensions: how much of an axis each standardised descriptor is; columns of
  // length 1.
  const Eigen::MatrixXd& loadings() const { return loadings_; }
  // candidates x dimensions. A candidate from elsewhere that does not tell a condition lies at the
  // mean of its levels. Errors: an element that the table lacks.
  Result<Eigen::MatrixXd> coordinates(std::span<const Candidate> candidates) const;

 private:
  PrincipalAxes(descriptors::Featurizer featurizer, std::vector<ConditionLevels> conditions)
      : featurizer_(std::move(featurizer)), conditions_(std::move(conditions)) {}
  descriptors::Featurizer featurizer_;
  std::vector<ConditionLevels> conditions_;
  Eigen::VectorXd center_, shares_;
  Eigen::MatrixXd loadings_;
  Eigen::MatrixXd directions_;  // primaries x dimensions: standardisation and rotation in one
};

}  // namespace kasetsu::planning
