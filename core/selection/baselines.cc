#include "core/selection/baselines.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <span>

#include "core/regression/gaussian_process.h"
#include "core/regression/random_forest.h"
#include "core/selection/ensemble.h"
#include "core/selection/population.h"

namespace kasetsu::selection {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

double median_of(const VectorXd& values) {
  return median(std::vector<double>(values.begin(), values.end()));
}

}  // namespace

double mean_error(const VectorXd& y, const VectorXd& predictions) {
  return (y - predictions).cwiseAbs().mean();
}

SearchOptions reduced(SearchOptions whole, int divisor) {
  if (whole.work > 0) {
    whole.work = std::max<std::uint64_t>(1, whole.work / static_cast<std::uint64_t>(divisor));
  } else {
    whole.time_limit /= divisor;
  }
  return whole;
}

Result<Selected> select(const MatrixXd& X, const VectorXd& y, const MatrixXd& fresh,
                        const std::vector<int>& families, SearchOptions options,
                        const Executor& executor, const Control& control) {
  std::vector<int> varying;
  for (Index j = 0; j < X.cols(); ++j) {
    const double range = X.col(j).maxCoeff() - X.col(j).minCoeff();
    if (X.col(j).allFinite() && range > 1e-12 * X.col(j).cwiseAbs().maxCoeff())
      varying.push_back(static_cast<int>(j));
  }
  Selected out;
  if (varying.empty()) {
    out.predictions = VectorXd::Constant(fresh.rows(), median_of(y));
    out.loo = VectorXd::Constant(y.size(), median_of(y));
    out.mae_train = out.mae_loo = mean_error(y, out.loo);
    return out;
  }
  const MatrixXd columns = X(Eigen::all, varying);
  SearchProblem problem;
  problem.X = &columns;
  problem.y = &y;
  std::set<int> distinct;
  for (const int j : varying) {
    const int family = families[static_cast<std::size_t>(j)];
    problem.families.push_back({family, -1, -1});
    distinct.insert(family);
  }
  options.size = std::min({options.size, std::max(1, (static_cast<int>(y.size()) - 2) / 2),
                           static_cast<int>(distinct.size())});
  const Result<SearchResult> found = search(problem, options, executor, control);
  if (!found) return found.error();
  const auto count = static_cast<Index>(found->hypotheses.size());
  MatrixXd by_hypothesis(fresh.rows(), count);
  std::vector<double> weights;
  for (Index h = 0; h < count; ++h) {
    if (control.cancelled()) return cancelled_error();
    const FoundHypothesis& hypothesis = found->hypotheses[static_cast<std::size_t>(h)];
    const MatrixXd chosen = columns(Eigen::all, hypothesis.candidates);
    const Result<regression::LeaveOneOut> fitted =
        regression::loo_robust(chosen, y, options.regression);
    if (!fitted) return fitted.error();
    MatrixXd values(fresh.rows(), chosen.cols());
    for (Index j = 0; j < chosen.cols(); ++j) {
      const int source =
          varying[static_cast<std::size_t>(hypothesis.candidates[static_cast<std::size_t>(j)])];
      const double middle = chosen.col(j).mean();
      for (Index i = 0; i < fresh.rows(); ++i) {
        const double value = fresh(i, source);
        values(i, j) = std::isnan(value)
                           ? middle
                           : std::clamp(value, chosen.col(j).minCoeff(), chosen.col(j).maxCoeff());
      }
    }
    by_hypothesis.col(h) = ((values * fitted->fit.coefficients).array() + fitted->fit.intercept)
                               .cwiseMax(y.minCoeff())
                               .cwiseMin(y.maxCoeff());
    weights.push_back(weight_of_error(fitted->mae_cv));
    if (h == 0) {
      out.loo = y - fitted->residuals;
      out.mae_train = fitted->fit.mae;
      out.mae_loo = fitted->mae_cv;
    }
  }
  out.predictions.resize(fresh.rows());
  std::vector<int> order;
  for (Index i = 0; i < fresh.rows(); ++i) {
    const VectorXd row = by_hypothesis.row(i).transpose();
    out.predictions[i] =
        weighted_median({row.data(), static_cast<std::size_t>(row.size())}, weights, order);
  }
  return out;
}

std::vector<int> one_family_each(Index count) {
  std::vector<int> families(static_cast<std::size_t>(count));
  std::iota(families.begin(), families.end(), 0);
  return families;
}

VectorXd predict_linear(const regression::LinearFit& fit, const MatrixXd& X) {
  return (X * fit.coefficients).array() + fit.intercept;
}

Result<VectorXd> ridge_on_composition(const TrainingSet& train, const TrainingSet& test) {
  const CompositionColumns columns = CompositionColumns::learn(train);
  const MatrixXd X = columns.of(train);
  std::optional<regression::LeaveOneOut> best;
  double least = std::numeric_limits<double>::infinity();
  for (int step = -4; step <= 8; ++step) {
    Result<regression::LeaveOneOut> fitted =
        regression::loo_least_squares(X, train.y, std::pow(10.0, 0.5 * step));
    if (!fitted) return fitted.error();
    const double error = fitted->residuals.squaredNorm();
    if (error < least) {
      least = error;
      best = std::move(*fitted);
    }
  }
  KASETSU_ASSERT(best.has_value());
  return predict_linear(best->fit, columns.of(test));
}

Result<VectorXd> forest_on_composition(const TrainingSet& train, const TrainingSet& test,
                                       std::uint64_t seed, const Executor& executor,
                                       const Control& control) {
  const CompositionColumns columns = CompositionColumns::learn(train);
  regression::ForestOptions options;
  options.trees = 300;
  options.leaf = 1;
  options.columns = 1.0;
  options.seed = seed;
  const auto grown = regression::fit_forest(columns.of(train), train.y, options, executor, control);
  if (!grown) return grown.error();
  return regression::predict(*grown, columns.of(test));
}

Result<VectorXd> process_on_composition(const TrainingSet& train, const TrainingSet& test,
                                        const Control& control) {
  const CompositionColumns columns = CompositionColumns::learn(train);
  const MatrixXd X = columns.of(train);
  const MatrixXd fresh = columns.of(test);
  const std::size_t elements = columns.elements.size();
  const Eigen::RowVectorXd scale = X.cwiseAbs().colwise().maxCoeff().cwiseMax(1e-300);
  regression::GaussianProcessOptions options;
  options.kernel = regression::Kernel::squared_exponential;
  options.groups.assign(static_cast<std::size_t>(X.cols()), 1);
  std::fill_n(options.groups.begin(), std::min(elements, options.groups.size()), 0);
  if (elements == 0 || elements == options.groups.size())
    std::fill(options.groups.begin(), options.groups.end(), 0);
  const auto process = regression::GaussianProcess::fit(X.array().rowwise() / scale.array(),
                                                        train.y, options, control);
  if (!process) return process.error();
  VectorXd mean, variance;
  process->predict(fresh.array().rowwise() / scale.array(), mean, variance);
  return mean;
}

Result<NamedPredictions> baselines(const TrainingSet& train, const TrainingSet& test,
                                   const Prepared& prepared, const ModelSettings& settings,
                                   const Executor& executor, const Control& control) {
  const CompositionColumns columns = CompositionColumns::learn(train);
  const MatrixXd X = columns.of(train);
  const MatrixXd fresh = columns.of(test);
  const VectorXd& y = train.y;
  const SearchOptions quick = reduced(settings.search, 4);
  NamedPredictions out;
  out.emplace_back("median", VectorXd::Constant(fresh.rows(), median_of(y)));

  const auto huber = regression::fit_robust(X, y, settings.search.regression);
  if (!huber) return huber.error();
  out.emplace_back("composition_huber", predict_linear(*huber, fresh));

  const auto chosen = select(X, y, fresh, one_family_each(X.cols()), quick, executor, control);
  if (!chosen) return chosen.error();
  out.emplace_back("composition_selected", chosen->predictions);

  const auto assigned = prepared.featurizer.evaluate(test.catalysts, test.conditions);
  if (!assigned) return assigned.error();
  const auto order0 =
      select(prepared.primary_values, y, *assigned, one_family_each(prepared.primary_values.cols()),
             quick, executor, control);
  if (!order0) return order0.error();
  out.emplace_back("assignment_order_0", order0->predictions);

  if (control.cancelled()) return cancelled_error();
  const auto penalised = ridge_on_composition(train, test);
  if (!penalised) return penalised.error();
  out.emplace_back("ridge", *penalised);

  const auto forest = forest_on_composition(train, test, settings.search.seed, executor, control);
  if (!forest) return forest.error();
  out.emplace_back("random_forest", *forest);

  const auto process = process_on_composition(train, test, control);
  if (!process) return process.error();
  out.emplace_back("gaussian_process", *process);
  return out;
}

}  // namespace kasetsu::selection
