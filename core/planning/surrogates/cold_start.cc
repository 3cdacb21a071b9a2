#include "core/planning/surrogates/cold_start.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

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
    // A candidate from elsewhere (an old measurement) may not tell a condition: it lies at the mean
    // of the levels.
    for (Eigen::Index j = 0; j < width; ++j) {
      const auto column = static_cast<std::size_t>(j);
      conditions.values(static_cast<Eigen::Index>(i), j) = column < candidates[i].conditions.size()
                                                               ? candidates[i].conditions[column]
                                                               : mean_level(levels[column]);
    }
  }
}

class ColdStartSurrogate final : public Surrogate {
 public:
  ColdStartSurrogate(Featurizer featurizer, std::vector<ConditionLevels> conditions,
                     Eigen::VectorXd center, Eigen::MatrixXd directions)
      : featurizer_(std::move(featurizer)),
        conditions_(std::move(conditions)),
        center_(std::move(center)),
        directions_(std::move(directions)) {}

  std::string name() const override {
    return "no model yet: order-0 descriptors of the candidates";
  }
  int dimensions() const override { return static_cast<int>(directions_.cols()); }
  bool predicts() const override { return false; }

  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    std::vector<chemistry::Catalyst> catalysts;
    Conditions conditions;
    split(candidates, conditions_, catalysts, conditions);
    const Result<Eigen::MatrixXd> values = featurizer_.evaluate(catalysts, conditions);
    if (!values) return values.error();
    const auto rows = static_cast<Eigen::Index>(candidates.size());
    out.resize(rows, directions_.cols());
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    for (Eigen::VectorXd* column :
         {&out.mean, &out.low, &out.high, &out.novelty, &out.disagreement}) {
      column->setConstant(kNothing);
    }
    out.coordinates = (values->rowwise() - center_.transpose()) * directions_;
    return {};
  }

 private:
  Featurizer featurizer_;
  std::vector<ConditionLevels> conditions_;
  Eigen::VectorXd center_;
  Eigen::MatrixXd directions_;  // primaries x dimensions: standardisation and rotation in one
};

}  // namespace

Result<std::unique_ptr<Surrogate>> make_cold_start_surrogate(
    const chemistry::ElementTable& elements, const CandidateSpace& space,
    const descriptors::FeaturizerOptions& options, std::uint64_t seed) {
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

  const auto rows = static_cast<double>(values->rows());
  const Eigen::VectorXd center = values->colwise().mean().transpose();
  values->rowwise() -= center.transpose();
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
  Eigen::MatrixXd directions(values->cols(), kept);
  for (Eigen::Index k = 0; k < kept; ++k) {
    const double eigenvalue = solver.eigenvalues()[last - k];
    Eigen::VectorXd direction =
        values->transpose() * solver.eigenvectors().col(last - k) / std::sqrt(eigenvalue);
    // An eigenvector's sign is arbitrary: the largest entry is made positive.
    Eigen::Index where = 0;
    direction.cwiseAbs().maxCoeff(&where);
    if (direction[where] < 0.0) direction = -direction;
    directions.col(k) = direction.cwiseQuotient(spread);
  }
  return std::unique_ptr<Surrogate>(std::make_unique<ColdStartSurrogate>(
      std::move(featurizer).value(), space.conditions(), center, std::move(directions)));
}

}  // namespace kasetsu::planning
