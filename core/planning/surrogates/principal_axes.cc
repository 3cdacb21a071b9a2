#include "core/planning/surrogates/principal_axes.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <utility>

#include "core/planning/space/rules.h"

namespace kasetsu::planning {
namespace {

using descriptors::Conditions;
using descriptors::Featurizer;

constexpr std::uint64_t kSample = 512;       // candidates that the components are learnt on
constexpr Eigen::Index kMostDimensions = 8;  // as many as a hypothesis has descriptors
constexpr double kSmallestVariance = 1e-9;   // of a component, relative to the largest

double mean_level(const ConditionLevels& condition) {
  double sum = 0.0;
  for (const double level : condition.levels) sum += level;
  return sum / static_cast<double>(condition.levels.size());
}

void split(std::span<const Candidate> candidates, const std::vector<ConditionLevels>& levels,
           std::vector<chemistry::Catalyst>& catalysts, Conditions& conditions) {
  catalysts.clear();
  catalysts.reserve(candidates.size());
  for (const ConditionLevels& condition : levels) conditions.names.push_back(condition.name);
  const auto width = static_cast<Eigen::Index>(levels.size());
  conditions.values.resize(static_cast<Eigen::Index>(candidates.size()), width);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    catalysts.push_back(candidates[i].catalyst);
    for (Eigen::Index j = 0; j < width; ++j) {
      const auto column = static_cast<std::size_t>(j);
      conditions.values(static_cast<Eigen::Index>(i), j) = column < candidates[i].conditions.size()
                                                               ? candidates[i].conditions[column]
                                                               : mean_level(levels[column]);
    }
  }
}

}  // namespace

Result<PrincipalAxes> PrincipalAxes::learn(const chemistry::ElementTable& elements,
                                           const CandidateSpace& space,
                                           const descriptors::FeaturizerOptions& options,
                                           std::uint64_t seed) {
  const std::uint64_t count = std::min(kSample, space.size());
  std::vector<Candidate> sample;
  sample.reserve(count);
  for (std::uint64_t j = 0; j < count; ++j)
    sample.push_back(space.unrank(spread_index(j, count, space.size(), seed)));
  std::vector<chemistry::Catalyst> catalysts;
  Conditions conditions;
  split(sample, space.conditions(), catalysts, conditions);
  Result<Featurizer> featurizer = Featurizer::learn(elements, catalysts, conditions, options);
  if (!featurizer) return featurizer.error();
  Result<Eigen::MatrixXd> values = featurizer->evaluate(catalysts, conditions);
  if (!values) return values.error();
  if (values->cols() == 0) {
    return Error{ErrorCode::bad_data, "no descriptor varies over the candidate space", "space", "",
                 "candidates that differ in their elements or amounts"};
  }

  PrincipalAxes axes(std::move(featurizer).value(), space.conditions());
  const auto rows = static_cast<double>(values->rows());
  axes.center_ = values->colwise().mean().transpose();
  values->rowwise() -= axes.center_.transpose();
  Eigen::VectorXd spread = (values->colwise().squaredNorm() / rows).cwiseSqrt().transpose();
  spread = (spread.array() > 0.0).select(spread, 1.0);
  *values = *values * spread.cwiseInverse().asDiagonal();
  // Principal components by the Gram matrix of the rows: there are fewer rows than descriptors.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(*values * values->transpose());
  const Eigen::Index last = values->rows() - 1;
  const double largest = solver.eigenvalues()[last];
  Eigen::Index kept = 0;
  while (kept < std::min(kMostDimensions, values->rows()) &&
         solver.eigenvalues()[last - kept] > kSmallestVariance * largest) {
    ++kept;
  }
  axes.loadings_.resize(values->cols(), kept);
  axes.directions_.resize(values->cols(), kept);
  axes.shares_.resize(kept);
  const double total = solver.eigenvalues().cwiseMax(0.0).sum();
  for (Eigen::Index k = 0; k < kept; ++k) {
    const double eigenvalue = solver.eigenvalues()[last - k];
    Eigen::VectorXd direction =
        values->transpose() * solver.eigenvectors().col(last - k) / std::sqrt(eigenvalue);
    // An eigenvector's sign is arbitrary: the largest entry is made positive.
    Eigen::Index where = 0;
    direction.cwiseAbs().maxCoeff(&where);
    if (direction[where] < 0.0) direction = -direction;
    axes.loadings_.col(k) = direction;
    axes.directions_.col(k) = direction.cwiseQuotient(spread);
    axes.shares_[k] = eigenvalue / total;
  }
  return axes;
}

Result<Eigen::MatrixXd> PrincipalAxes::coordinates(std::span<const Candidate> candidates) const {
  std::vector<chemistry::Catalyst> catalysts;
  Conditions conditions;
  split(candidates, conditions_, catalysts, conditions);
  const Result<Eigen::MatrixXd> values = featurizer_.evaluate(catalysts, conditions);
  if (!values) return values.error();
  return Eigen::MatrixXd((values->rowwise() - center_.transpose()) * directions_);
}

}  // namespace kasetsu::planning
