#include "core/selection/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "core/descriptors/screening.h"
#include "core/regression/linear.h"

namespace kasetsu::selection {
namespace {

using descriptors::Conditions;
using descriptors::Descriptor;
using descriptors::Featurizer;

constexpr int kFewestRows = 5;
// A descriptor's value is not followed beyond the range that it was seen in, widened by this share
// on each side: a form such as 1/x^3 blows up just outside, and a straight line in it with it.
constexpr double kMargin = 0.25;
// Beyond this distance (in units of the typical distance between neighbours) an interval grows with
// the distance.
constexpr double kFamiliar = 1.0;
constexpr double kNoveltySlope = 0.25;

double median(std::vector<double> values) {
  KASETSU_ASSERT(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  const double upper = *middle;
  return 0.5 * (upper + *std::max_element(values.begin(), middle));
}

// How far a prediction of this catalyst may err, up to one factor that the conformal scores give.
double interval_unit(double base, double disagreement, double novelty) {
  return (base + disagreement) * (1.0 + kNoveltySlope * std::max(0.0, novelty - kFamiliar));
}

// Families of a descriptor: its primaries, each of which is one property and operation.
std::array<int, 3> families_of(const Descriptor& descriptor) {
  std::array<int, 3> families{-1, -1, -1};
  for (int i = 0; i < descriptor.order; ++i) families[i] = descriptor.factors[i].primary;
  return families;
}

struct MedianAndSpread {
  double median;
  double spread;
};

MedianAndSpread summarise(std::span<const double> values, std::span<const double> weights,
                          std::vector<int>& order) {
  const double center = weighted_median(values, weights, order);
  double spread = 0.0;
  double total = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    spread += weights[i] * std::abs(values[i] - center);
    total += weights[i];
  }
  return {center, spread / total};
}

std::vector<double> weights_of(const std::vector<Hypothesis>& hypotheses) {
  std::vector<double> weights;
  weights.reserve(hypotheses.size());
  for (const Hypothesis& hypothesis : hypotheses) weights.push_back(hypothesis.weight);
  return weights;
}

// Standardised descriptor values of the hypothesis, clamped to the range that was seen (with its
// margin). outside[i] is set to 1 where a row needed clamping.
Eigen::MatrixXd clamped(const Hypothesis& hypothesis, const Eigen::MatrixXd& primary_values,
                        Eigen::VectorXd* outside) {
  Eigen::MatrixXd values = descriptors::evaluate(hypothesis.descriptors, primary_values);
  for (Eigen::Index j = 0; j < values.cols(); ++j) {
    const auto [low, high] = followed_range(hypothesis, j);
    for (Eigen::Index i = 0; i < values.rows(); ++i) {
      double& value = values(i, j);
      if (value >= low && value <= high) continue;
      if (outside != nullptr) (*outside)[i] = 1.0;
      // A form that is not defined here (NaN) says nothing: the middle of what was seen, and
      // "outside".
      value = std::isnan(value) ? hypothesis.center[j] : std::clamp(value, low, high);
    }
  }
  return values;
}

Eigen::MatrixXd standardized(const Hypothesis& hypothesis, Eigen::MatrixXd values) {
  for (Eigen::Index j = 0; j < values.cols(); ++j) {
    values.col(j).array() = (values.col(j).array() - hypothesis.center[j]) / hypothesis.spread[j];
  }
  return values;
}

// Distance of each row of `points` to the nearest row of `known`; rows at distance 0 are passed
// over when `distinct` is set (a replicate is not a neighbour).
Eigen::VectorXd nearest_distance(const Eigen::MatrixXd& points, const Eigen::MatrixXd& known,
                                 bool distinct) {
  Eigen::VectorXd nearest(points.rows());
  const Eigen::MatrixXd known_t = known.transpose();
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    const Eigen::VectorXd point = points.row(i).transpose();
    double best = std::numeric_limits<double>::infinity();
    for (Eigen::Index k = 0; k < known_t.cols(); ++k) {
      const double distance = (known_t.col(k) - point).squaredNorm();
      if (distinct && distance <= 1e-18) continue;
      best = std::min(best, distance);
    }
    nearest[i] = std::isfinite(best) ? std::sqrt(best) : 0.0;
  }
  return nearest;
}

// Keeps of the featurizer only the primaries that the hypotheses use, and renumbers their factors.
void cut_down(Model& model) {
  std::set<int> used;
  for (const Hypothesis& hypothesis : model.hypotheses) {
    for (const Descriptor& descriptor : hypothesis.descriptors) {
      for (int f = 0; f < descriptor.order; ++f) used.insert(descriptor.factors[f].primary);
    }
  }
  std::map<int, int> renumbered;
  descriptors::FeaturizerState& state = model.features;
  std::vector<descriptors::Primary> primaries;
  Eigen::VectorXd offset(static_cast<Eigen::Index>(used.size()));
  for (const int old : used) {
    const int now = static_cast<int>(primaries.size());
    renumbered[old] = now;
    primaries.push_back(state.primaries[static_cast<std::size_t>(old)]);
    offset[now] = state.offset[old];
  }
  state.primaries = std::move(primaries);
  state.offset = std::move(offset);
  for (Hypothesis& hypothesis : model.hypotheses) {
    for (Descriptor& descriptor : hypothesis.descriptors) {
      for (int f = 0; f < descriptor.order; ++f) {
        descriptor.factors[f].primary = renumbered.at(descriptor.factors[f].primary);
      }
    }
  }
}

}  // namespace

Status ModelSettings::validate() const {
  if (order < 0 || order > 3) {
    return Error{ErrorCode::invalid_argument, "order is out of range", "order",
                 fmt::format("{}", order), "0, 1, 2 or 3"};
  }
  if (products < 0 || products > 1000000) {
    return Error{ErrorCode::invalid_argument, "products is out of range", "products",
                 fmt::format("{}", products), "0 to 1000000"};
  }
  if (!(coverage > 0.0 && coverage < 1.0)) {
    return Error{ErrorCode::invalid_argument, "coverage is out of range", "coverage",
                 fmt::format("{}", coverage), "a number between 0 and 1"};
  }
  if (const Status status = features.validate(); !status) return status;
  return search.validate();
}

FollowedRange followed_range(const Hypothesis& hypothesis, Eigen::Index j) {
  const double margin = kMargin * (hypothesis.high[j] - hypothesis.low[j]);
  return {hypothesis.low[j] - margin, hypothesis.high[j] + margin};
}

double weighted_median(std::span<const double> values, std::span<const double> weights,
                       std::vector<int>& order) {
  KASETSU_ASSERT(!values.empty() && values.size() == weights.size());
  order.resize(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    return values[static_cast<std::size_t>(a)] != values[static_cast<std::size_t>(b)]
               ? values[static_cast<std::size_t>(a)] < values[static_cast<std::size_t>(b)]
               : a < b;
  });
  double total = 0.0;
  for (const double weight : weights) total += weight;
  double reached = 0.0;
  for (const int i : order) {
    reached += weights[static_cast<std::size_t>(i)];
    if (reached >= 0.5 * total) return values[static_cast<std::size_t>(i)];
  }
  return values[static_cast<std::size_t>(order.back())];
}

Result<Model> train(const chemistry::ElementTable& elements, const TrainingSet& data,
                    const ModelSettings& settings, const Executor& executor,
                    const Control& control) {
  if (const Status status = settings.validate(); !status) return status.error();
  const auto rows = static_cast<int>(data.catalysts.size());
  KASETSU_ASSERT(data.y.size() == rows);
  if (rows < kFewestRows) {
    return Error{ErrorCode::bad_data, "too few measurements to learn from", "",
                 fmt::format("{}", rows), fmt::format("at least {} rows", kFewestRows)};
  }
  if (!data.y.allFinite())
    return Error{ErrorCode::bad_data, "a target value is not a finite number", "", "", ""};

  control.report(0.0, "descriptors");
  Result<Featurizer> featurizer =
      Featurizer::learn(elements, data.catalysts, data.conditions, settings.features);
  if (!featurizer) return featurizer.error();
  Result<Eigen::MatrixXd> primary_values = featurizer->evaluate(data.catalysts, data.conditions);
  if (!primary_values) return primary_values.error();
  descriptors::DescriptorMatrix candidates = descriptors::remove_duplicates(
      descriptors::enumerate(*primary_values, std::min(settings.order, 1)));
  if (candidates.descriptors.empty()) {
    return Error{ErrorCode::bad_data, "no descriptor varies over the training set", "", "",
                 "catalysts that differ in their elements or amounts"};
  }

  if (settings.order >= 2 && settings.products > 0) {
    descriptors::ScreeningOptions screening;
    screening.order = settings.order;
    screening.keep = settings.products;
    Control screen = control;
    screen.progress = [&control](double fraction, std::string_view stage) {
      control.report(0.02 + 0.13 * fraction, stage);
    };
    Result<descriptors::Screened> screened =
        descriptors::screen_products(candidates, data.y, screening, executor, screen);
    if (!screened) return screened.error();
    const Eigen::Index simple = candidates.values.cols();
    candidates.values.conservativeResize(Eigen::NoChange, simple + screened->kept.values.cols());
    candidates.values.rightCols(screened->kept.values.cols()) = screened->kept.values;
    candidates.descriptors.insert(candidates.descriptors.end(), screened->kept.descriptors.begin(),
                                  screened->kept.descriptors.end());
  }

  Model model;
  model.settings = settings;
  model.n_samples = rows;
  model.n_descriptors = static_cast<int>(candidates.descriptors.size());
  model.y = data.y;

  SearchOptions options = settings.search;
  const int size = std::min({options.size, std::max(1, (rows - 2) / 2), model.n_descriptors});
  options.shared = std::min(options.shared, size * options.shared / options.size);
  options.size = size;
  model.size = size;
  SearchProblem problem;
  problem.X = &candidates.values;
  problem.y = &data.y;
  problem.families.reserve(candidates.descriptors.size());
  for (const Descriptor& descriptor : candidates.descriptors)
    problem.families.push_back(families_of(descriptor));

  Control searching = control;
  if (control.progress) {
    searching.progress = [&control](double fraction, std::string_view stage) {
      control.report(0.15 + 0.8 * fraction, stage);
    };
  }
  Result<SearchResult> found = search(problem, options, executor, searching);
  if (!found) return found.error();
  KASETSU_ASSERT(!found->hypotheses.empty());
  model.search = std::move(*found);

  control.report(0.95, "hypotheses");
  Eigen::MatrixXd loo(rows, static_cast<Eigen::Index>(model.search.hypotheses.size()));
  double total_weight = 0.0;
  for (std::size_t h = 0; h < model.search.hypotheses.size(); ++h) {
    const FoundHypothesis& chosen = model.search.hypotheses[h];
    Hypothesis hypothesis;
    Eigen::MatrixXd columns(rows, static_cast<Eigen::Index>(chosen.candidates.size()));
    for (std::size_t j = 0; j < chosen.candidates.size(); ++j) {
      columns.col(static_cast<Eigen::Index>(j)) = candidates.values.col(chosen.candidates[j]);
      hypothesis.descriptors.push_back(
          candidates.descriptors[static_cast<std::size_t>(chosen.candidates[j])]);
    }
    Result<regression::LeaveOneOut> fitted =
        regression::loo_robust(columns, data.y, options.regression);
    if (!fitted) return fitted.error();
    hypothesis.coefficients = fitted->fit.coefficients;
    hypothesis.intercept = fitted->fit.intercept;
    hypothesis.scale = fitted->fit.scale;
    hypothesis.mae_train = fitted->fit.mae;
    hypothesis.mae_cv = fitted->mae_cv;
    hypothesis.low = columns.colwise().minCoeff().transpose();
    hypothesis.high = columns.colwise().maxCoeff().transpose();
    hypothesis.center = columns.colwise().mean().transpose();
    hypothesis.spread =
        ((columns.rowwise() - hypothesis.center.transpose()).colwise().squaredNorm() /
         static_cast<double>(rows))
            .cwiseSqrt()
            .transpose();
    hypothesis.weight = 1.0 / std::max(hypothesis.mae_cv * hypothesis.mae_cv, 1e-300);
    total_weight += hypothesis.weight;
    loo.col(static_cast<Eigen::Index>(h)) = data.y - fitted->residuals;
    model.hypotheses.push_back(std::move(hypothesis));
  }
  for (Hypothesis& hypothesis : model.hypotheses) hypothesis.weight /= total_weight;

  // The distances and the conformal scores of the ensemble on its own training set.
  const Hypothesis& best = model.hypotheses.front();
  model.coordinates = standardized(best, descriptors::evaluate(best.descriptors, *primary_values));
  const Eigen::VectorXd distance = nearest_distance(model.coordinates, model.coordinates, true);
  model.typical_distance = median({distance.begin(), distance.end()});

  const std::vector<double> weights = weights_of(model.hypotheses);
  std::vector<int> order;
  model.loo_prediction.resize(rows);
  Eigen::VectorXd disagreement(rows);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Eigen::VectorXd row = loo.row(i).transpose();
    const MedianAndSpread summary =
        summarise({row.data(), static_cast<std::size_t>(row.size())}, weights, order);
    model.loo_prediction[i] = summary.median;
    disagreement[i] = summary.spread;
  }
  const Eigen::VectorXd errors = (data.y - model.loo_prediction).cwiseAbs();
  const double base = median({errors.begin(), errors.end()});
  model.scores.resize(rows);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const double novelty =
        model.typical_distance > 0.0 ? distance[i] / model.typical_distance : 0.0;
    const double unit = interval_unit(base, disagreement[i], novelty);
    model.scores[i] = unit > 0.0 ? errors[i] / unit : 0.0;
  }
  std::sort(model.scores.begin(), model.scores.end());

  model.features = featurizer->state();
  cut_down(model);
  control.report(1.0, "done");
  return model;
}

Result<Predictor> Predictor::make(const Model& model) {
  KASETSU_ASSERT(!model.hypotheses.empty() && model.scores.size() > 0);
  Result<Featurizer> featurizer = Featurizer::from_state(model.features);
  if (!featurizer) return featurizer.error();
  return Predictor(model, std::move(featurizer).value());
}

Predictor::Predictor(const Model& model, Featurizer featurizer)
    : model_(&model), featurizer_(std::move(featurizer)), weights_(weights_of(model.hypotheses)) {
  const Eigen::VectorXd errors = (model.y - model.loo_prediction).cwiseAbs();
  base_ = median({errors.begin(), errors.end()});
  // Conformal quantile with its finite-sample correction: the ceil((n + 1) coverage)-th smallest
  // score.
  const auto n = static_cast<double>(model.scores.size());
  const auto rank = static_cast<Eigen::Index>(
      std::min(n, std::max(1.0, std::ceil((n + 1.0) * model.settings.coverage))));
  quantile_ = model.scores[rank - 1];
}

double Predictor::half_width(double disagreement, double novelty) const {
  return quantile_ * interval_unit(base_, disagreement, novelty);
}

Result<Predictions> Predictor::predict(std::span<const chemistry::Catalyst> catalysts,
                                       const Conditions& conditions) const {
  const Model& model = *model_;
  const Result<Eigen::MatrixXd> primary_values = featurizer_.evaluate(catalysts, conditions);
  if (!primary_values) return primary_values.error();

  const auto rows = static_cast<Eigen::Index>(catalysts.size());
  const auto count = static_cast<Eigen::Index>(model.hypotheses.size());
  Predictions out;
  out.by_hypothesis.resize(rows, count);
  out.outside = Eigen::VectorXd::Zero(rows);
  for (Eigen::Index h = 0; h < count; ++h) {
    const Hypothesis& hypothesis = model.hypotheses[static_cast<std::size_t>(h)];
    Eigen::VectorXd outside = Eigen::VectorXd::Zero(rows);
    const Eigen::MatrixXd values = clamped(hypothesis, *primary_values, &outside);
    out.by_hypothesis.col(h) = (values * hypothesis.coefficients).array() + hypothesis.intercept;
    out.outside += hypothesis.weight * outside;
    if (h == 0) out.coordinates = standardized(hypothesis, values);
  }
  const Eigen::VectorXd distance = nearest_distance(out.coordinates, model.coordinates, false);

  out.mean.resize(rows);
  out.low.resize(rows);
  out.high.resize(rows);
  out.novelty.resize(rows);
  out.disagreement.resize(rows);
  std::vector<int> order;
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Eigen::VectorXd row = out.by_hypothesis.row(i).transpose();
    const MedianAndSpread summary =
        summarise({row.data(), static_cast<std::size_t>(row.size())}, weights_, order);
    out.mean[i] = summary.median;
    out.disagreement[i] = summary.spread;
    out.novelty[i] = model.typical_distance > 0.0 ? distance[i] / model.typical_distance : 0.0;
    const double half = half_width(summary.spread, out.novelty[i]);
    out.low[i] = summary.median - half;
    out.high[i] = summary.median + half;
  }
  return out;
}

}  // namespace kasetsu::selection
