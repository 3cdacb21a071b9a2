#include "core/selection/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "core/descriptors/screening.h"
#include "core/random.h"
#include "core/regression/linear.h"
#include "core/selection/pipeline.h"

namespace kasetsu::selection {
namespace {

using descriptors::Conditions;
using descriptors::Descriptor;
using descriptors::Featurizer;

constexpr int kFewestRows = 5;
constexpr int kFewestToCalibrate = 10;
constexpr int kSharesByDistanceFromHalf[] = {5, 4, 6, 3, 7, 2, 8, 1, 9, 0, 10};
constexpr double kSameColumn = 0.9;  // |correlation| of columns that a forest sees as one
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
  used.insert(model.companion_columns.begin(), model.companion_columns.end());
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
  for (int& column : model.companion_columns) column = renumbered.at(column);
}

Eigen::VectorXd in_units(const Eigen::VectorXd& distance, double typical) {
  if (!(typical > 0.0)) return Eigen::VectorXd::Zero(distance.size());
  return distance / typical;
}

void note_what_was_seen(std::span<const chemistry::Catalyst> catalysts, Model& model) {
  std::set<int> elements;
  std::set<std::string> supports;
  for (const chemistry::Catalyst& catalyst : catalysts) {
    for (const auto& part : catalyst.active.parts()) elements.insert(part.element);
    supports.insert(catalyst.support);
  }
  model.elements.assign(elements.begin(), elements.end());
  model.supports.assign(supports.begin(), supports.end());
}

// Elements of a catalyst, and its support, that the training set does not have.
int never_seen(const chemistry::Catalyst& catalyst, const Model& model) {
  int count = 0;
  for (const auto& part : catalyst.active.parts()) {
    if (!std::binary_search(model.elements.begin(), model.elements.end(), part.element)) ++count;
  }
  if (!std::binary_search(model.supports.begin(), model.supports.end(), catalyst.support)) ++count;
  return count;
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
  if (trees < 0 || trees > 10000) {
    return Error{ErrorCode::invalid_argument, "trees is out of range", "trees",
                 fmt::format("{}", trees), "0 (no companion) to 10000"};
  }
  if (calibration_folds < 0 || calibration_folds == 1 || calibration_folds > 100) {
    return Error{ErrorCode::invalid_argument, "calibration_folds is out of range",
                 "calibration_folds", fmt::format("{}", calibration_folds), "0 (none) or 2 to 100"};
  }
  if (const Status status = features.validate(); !status) return status;
  return search.validate();
}

FollowedRange followed_range(const Hypothesis& hypothesis, Eigen::Index j) {
  const double margin = kMargin * (hypothesis.high[j] - hypothesis.low[j]);
  return {hypothesis.low[j] - margin, hypothesis.high[j] + margin};
}

FollowedRange predicted_range(const Model& model) {
  const double lowest = model.y.minCoeff();
  const double highest = model.y.maxCoeff();
  const double margin = kMargin * (highest - lowest);
  return {lowest - margin, highest + margin};
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

namespace {

// Candidates of a search that an eliminated hypothesis was made of; no value where one is missing.
std::optional<std::vector<int>> find_set(const std::vector<std::string>& texts,
                                         const std::map<std::string, int>& index) {
  std::vector<int> set;
  for (const std::string& text : texts) {
    const auto found = index.find(text);
    if (found == index.end()) return std::nullopt;
    set.push_back(found->second);
  }
  std::sort(set.begin(), set.end());
  return set;
}

std::vector<std::vector<int>> forbidden_sets(const History& history,
                                             const descriptors::DescriptorMatrix& candidates,
                                             std::span<const descriptors::Primary> primaries) {
  std::vector<std::vector<int>> sets;
  if (history.eliminated.empty()) return sets;
  std::map<std::string, int> index;
  for (std::size_t j = 0; j < candidates.descriptors.size(); ++j) {
    index.emplace(descriptors::to_text(candidates.descriptors[j], primaries), static_cast<int>(j));
  }
  for (const std::vector<std::string>& texts : history.eliminated) {
    if (auto set = find_set(texts, index)) sets.push_back(std::move(*set));
  }
  return sets;
}

// Order-0 columns that are not near copies of an earlier one: a forest chooses among columns at
// random, and a property with many copies would be chosen too often.
std::vector<int> distinct_columns(const Eigen::MatrixXd& values) {
  const double root = std::sqrt(static_cast<double>(values.rows()));
  Eigen::MatrixXd kept(values.rows(), values.cols());
  std::vector<int> columns;
  for (Eigen::Index j = 0; j < values.cols(); ++j) {
    Eigen::VectorXd column = values.col(j).array() - values.col(j).mean();
    const double spread = column.norm();
    if (!(spread > 1e-12 * root * values.col(j).cwiseAbs().maxCoeff())) continue;
    column /= spread;
    const auto count = static_cast<Eigen::Index>(columns.size());
    if (count > 0 &&
        (kept.leftCols(count).transpose() * column).cwiseAbs().maxCoeff() > kSameColumn) {
      continue;
    }
    kept.col(count) = column;
    columns.push_back(static_cast<int>(j));
  }
  return columns;
}

}  // namespace

Result<Prepared> prepare(const chemistry::ElementTable& elements, const TrainingSet& data,
                         const ModelSettings& settings) {
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
  std::vector<int> distinct = distinct_columns(*primary_values);
  return Prepared{std::move(*featurizer), std::move(*primary_values), std::move(candidates),
                  std::move(distinct)};
}

Result<Trained> train_prepared(const Prepared& prepared, const TrainingSet& data,
                               const ModelSettings& settings, const Executor& executor,
                               const Control& control, const History& history) {
  const auto rows = static_cast<int>(data.catalysts.size());
  descriptors::DescriptorMatrix with_products;
  if (settings.order >= 2 && settings.products > 0) {
    with_products = prepared.candidates;
    descriptors::ScreeningOptions screening;
    screening.order = settings.order;
    screening.keep = settings.products;
    Control screen = control;
    screen.progress = [&control](double fraction, std::string_view stage) {
      control.report(0.02 + 0.13 * fraction, stage);
    };
    Result<descriptors::Screened> screened =
        descriptors::screen_products(prepared.candidates, data.y, screening, executor, screen);
    if (!screened) return screened.error();
    const Eigen::Index simple = with_products.values.cols();
    with_products.values.conservativeResize(Eigen::NoChange, simple + screened->kept.values.cols());
    with_products.values.rightCols(screened->kept.values.cols()) = screened->kept.values;
    with_products.descriptors.insert(with_products.descriptors.end(),
                                     screened->kept.descriptors.begin(),
                                     screened->kept.descriptors.end());
  }

  const descriptors::DescriptorMatrix& candidates =
      with_products.descriptors.empty() ? prepared.candidates : with_products;

  Trained trained;
  Model& model = trained.model;
  model.settings = settings;
  model.n_samples = rows;
  model.n_descriptors = static_cast<int>(candidates.descriptors.size());
  model.y = data.y;
  note_what_was_seen(data.catalysts, model);

  SearchOptions options = settings.search;
  options.size = std::min({options.size, std::max(1, (rows - 2) / 2), model.n_descriptors});
  model.size = options.size;
  SearchProblem problem;
  problem.X = &candidates.values;
  problem.y = &data.y;
  problem.families.reserve(candidates.descriptors.size());
  for (const Descriptor& descriptor : candidates.descriptors)
    problem.families.push_back(families_of(descriptor));
  problem.forbidden = forbidden_sets(history, candidates, prepared.featurizer.primaries());

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
    hypothesis.promise = promise_of(fitted->residuals);
    hypothesis.low = columns.colwise().minCoeff().transpose();
    hypothesis.high = columns.colwise().maxCoeff().transpose();
    hypothesis.center = columns.colwise().mean().transpose();
    hypothesis.spread =
        ((columns.rowwise() - hypothesis.center.transpose()).colwise().squaredNorm() /
         static_cast<double>(rows))
            .cwiseSqrt()
            .transpose();
    hypothesis.weight =
        ledger_weight(hypothesis.mae_cv,
                      history.find(hypothesis_key(hypothesis, prepared.featurizer.primaries())));
    total_weight += hypothesis.weight;
    loo.col(static_cast<Eigen::Index>(h)) = data.y - fitted->residuals;
    model.hypotheses.push_back(std::move(hypothesis));
  }
  for (Hypothesis& hypothesis : model.hypotheses) hypothesis.weight /= total_weight;

  const Hypothesis& best = model.hypotheses.front();
  model.coordinates =
      standardized(best, descriptors::evaluate(best.descriptors, prepared.primary_values));
  const Eigen::VectorXd distance = nearest_distance(model.coordinates, model.coordinates, true);
  model.typical_distance = median({distance.begin(), distance.end()});
  trained.best_loo = loo.col(0);
  trained.novelty = in_units(distance, model.typical_distance);

  const std::vector<double> weights = weights_of(model.hypotheses);
  std::vector<int> order;
  model.loo_prediction.resize(rows);
  trained.disagreement.resize(rows);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Eigen::VectorXd row = loo.row(i).transpose();
    const MedianAndSpread summary =
        summarise({row.data(), static_cast<std::size_t>(row.size())}, weights, order);
    model.loo_prediction[i] = summary.median;
    trained.disagreement[i] = summary.spread;
  }

  if (settings.trees > 0) {
    control.report(0.97, "companion");
    model.companion_columns = prepared.distinct;
    regression::ForestOptions forest;
    forest.trees = settings.trees;
    forest.seed = settings.search.seed;
    Result<regression::Forest> grown = regression::fit_forest(
        prepared.primary_values(Eigen::all, model.companion_columns), data.y, forest, executor);
    if (!grown) return grown.error();
    model.companion = std::move(*grown);
  }
  model.features = prepared.featurizer.state();
  return trained;
}

namespace {

Result<Trained> train_once(const chemistry::ElementTable& elements, const TrainingSet& data,
                           const ModelSettings& settings, const Executor& executor,
                           const Control& control, const History& history) {
  control.report(0.0, "descriptors");
  const Result<Prepared> prepared = prepare(elements, data, settings);
  if (!prepared) return prepared.error();
  return train_prepared(*prepared, data, settings, executor, control, history);
}

// Searching is nearly all of the time. The folds' searches together do a third of the work that the
// whole search did; a limit in seconds is therefore shared in three quarters and one quarter.
SearchOptions fold_search(const SearchOptions& whole, std::uint64_t work_done, int folds) {
  SearchOptions search = whole;
  search.time_limit = 0.0;
  search.work = std::max<std::uint64_t>(1, work_done / (3 * static_cast<std::uint64_t>(folds)));
  return search;
}

// Conformal scores from errors of rows, with what made the unit of each.
void set_scores(Model& model, const Eigen::VectorXd& errors, const Eigen::VectorXd& disagreement,
                const Eigen::VectorXd& novelty) {
  model.base = median({errors.begin(), errors.end()});
  model.scores.resize(errors.size());
  for (Eigen::Index i = 0; i < errors.size(); ++i) {
    const double unit = interval_unit(model.base, disagreement[i], novelty[i]);
    model.scores[i] = unit > 0.0 ? errors[i] / unit : 0.0;
  }
  std::sort(model.scores.begin(), model.scores.end());
}

// The companion's share of the prediction: the one nearest to a half whose error, on rows that
// neither half saw, is not more than one standard error of the difference above the least of all
// tenths. Folds at random look like the training set, later batches do not; equal shares are hard
// to beat there (Clemen, Int. J. Forecasting 5, 559, 1989), so a departure has to be earned.
double choose_share(const Eigen::VectorXd& y, const Eigen::VectorXd& hypotheses,
                    const Eigen::VectorXd& companion) {
  const auto errors = [&](int tenths) -> Eigen::ArrayXd {
    const double share = tenths / 10.0;
    return (y - (1.0 - share) * hypotheses - share * companion).array().abs();
  };
  int best = 5;
  for (const int tenths : kSharesByDistanceFromHalf) {
    if (errors(tenths).mean() < errors(best).mean()) best = tenths;
  }
  const Eigen::ArrayXd least = errors(best);
  for (const int tenths : kSharesByDistanceFromHalf) {
    const Eigen::ArrayXd more = errors(tenths) - least;
    const double mean = more.mean();
    const double deviation = std::sqrt((more - mean).square().mean());
    if (mean <= deviation / std::sqrt(static_cast<double>(y.size()))) return tenths / 10.0;
  }
  return best / 10.0;
}

// Repeats the pipeline on folds and fills what their errors decide. False: there was no time for
// all folds, nothing is filled.
Result<bool> calibrate(const chemistry::ElementTable& elements, const TrainingSet& data,
                       const Folds& folds, const Executor& executor, const Control& control,
                       const History& history, Model& model) {
  const auto rows = static_cast<Eigen::Index>(data.y.size());
  Eigen::VectorXd hypotheses(rows), companion = Eigen::VectorXd::Zero(rows), disagreement(rows),
                                    novelty(rows);
  ModelSettings settings = model.settings;
  settings.search = fold_search(model.settings.search, model.search.work, folds.count);
  for (int fold = 0; fold < folds.count; ++fold) {
    if (control.cancelled()) return Error{ErrorCode::cancelled, "cancelled", "", "", ""};
    if (control.out_of_time()) return false;
    std::vector<int> kept;
    std::vector<int> left_out;
    for (int i = 0; i < static_cast<int>(rows); ++i)
      (folds.of_row[static_cast<std::size_t>(i)] == fold ? left_out : kept).push_back(i);
    Control quiet;
    quiet.stop = control.stop;
    quiet.seconds_left = control.seconds_left;
    const Result<Trained> trained =
        train_once(elements, subset(data, kept), settings, executor, quiet, history);
    if (!trained) return trained.error();
    const Result<Predictor> predictor = Predictor::make(trained->model);
    if (!predictor) return predictor.error();
    const TrainingSet test = subset(data, left_out);
    const Result<Predictions> predicted = predictor->predict(test.catalysts, test.conditions);
    if (!predicted) return predicted.error();
    hypotheses(left_out) = predicted->median;
    if (predicted->companion.size() > 0) companion(left_out) = predicted->companion;
    disagreement(left_out) = predicted->disagreement;
    novelty(left_out) = predicted->novelty;
    control.report((fold + 1.0) / folds.count, "calibration");
  }
  if (model.companion.trees.empty()) {
    model.companion_weight = 0.0;
  } else {
    model.companion_weight = choose_share(data.y, hypotheses, companion);
  }
  model.honest_prediction =
      (1.0 - model.companion_weight) * hypotheses + model.companion_weight * companion;
  model.honest_hypotheses = hypotheses;
  if (!model.companion.trees.empty()) model.honest_companion = companion;
  set_scores(model, (data.y - model.honest_prediction).cwiseAbs(), disagreement, novelty);
  return true;
}

// Part of a control's progress and of its time.
Control part(const Control& control, double from, double to, double seconds_kept) {
  Control out;
  out.stop = control.stop;
  if (control.progress) {
    out.progress = [&control, from, to](double fraction, std::string_view stage) {
      control.report(from + (to - from) * fraction, stage);
    };
  }
  if (control.seconds_left) {
    out.seconds_left = [&control, seconds_kept] { return control.seconds_left() - seconds_kept; };
  }
  return out;
}

}  // namespace

Folds make_folds(std::span<const chemistry::Catalyst> catalysts, int folds, std::uint64_t seed) {
  KASETSU_ASSERT(folds == 0 || folds >= 2);
  std::map<std::string, std::vector<int>> groups;
  std::vector<std::string> keys;  // in the order of their first row
  for (std::size_t i = 0; i < catalysts.size(); ++i) {
    const std::string key = chemistry::canonical_key(catalysts[i]);
    std::vector<int>& group = groups[key];
    if (group.empty()) keys.push_back(key);
    group.push_back(static_cast<int>(i));
  }
  Folds out;
  out.of_row.resize(catalysts.size());
  out.count = static_cast<int>(keys.size());
  if (folds > 0) out.count = std::min(out.count, folds);
  Random random(seed, 0x666f6c6473ULL);
  random.shuffle(keys);
  // The largest groups first, each to the fold with the fewest rows.
  std::stable_sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
    return groups.at(a).size() > groups.at(b).size();
  });
  std::vector<std::size_t> rows(static_cast<std::size_t>(out.count), 0);
  for (const std::string& key : keys) {
    const auto fewest = std::min_element(rows.begin(), rows.end());
    *fewest += groups.at(key).size();
    for (const int row : groups.at(key))
      out.of_row[static_cast<std::size_t>(row)] = static_cast<int>(fewest - rows.begin());
  }
  return out;
}

TrainingSet subset(const TrainingSet& data, std::span<const int> rows) {
  TrainingSet out;
  const std::vector<int> picked(rows.begin(), rows.end());
  out.catalysts.reserve(picked.size());
  for (const int row : picked)
    out.catalysts.push_back(data.catalysts[static_cast<std::size_t>(row)]);
  out.conditions.names = data.conditions.names;
  if (!data.conditions.names.empty())
    out.conditions.values = data.conditions.values(picked, Eigen::all);
  out.y = data.y(picked);
  return out;
}

std::vector<std::string> hypothesis_key(const Hypothesis& hypothesis,
                                        std::span<const descriptors::Primary> primaries) {
  std::vector<std::string> key;
  for (const Descriptor& descriptor : hypothesis.descriptors)
    key.push_back(descriptors::to_text(descriptor, primaries));
  std::sort(key.begin(), key.end());
  return key;
}

Result<Model> train(const chemistry::ElementTable& elements, const TrainingSet& data,
                    const ModelSettings& settings, const Executor& executor, const Control& control,
                    const History& history) {
  if (const Status status = settings.validate(); !status) return status.error();
  const auto rows = static_cast<int>(data.catalysts.size());
  KASETSU_ASSERT(data.y.size() == rows);
  if (rows < kFewestRows) {
    return Error{ErrorCode::bad_data, "too few measurements to learn from", "",
                 fmt::format("{}", rows), fmt::format("at least {} rows", kFewestRows)};
  }
  if (!data.y.allFinite())
    return Error{ErrorCode::bad_data, "a target value is not a finite number", "", "", ""};

  Folds folds;
  if (settings.calibration_folds > 0)
    folds = make_folds(data.catalysts, settings.calibration_folds, settings.search.seed);
  const bool calibrating = folds.count >= 2 && rows >= kFewestToCalibrate;
  ModelSettings first = settings;
  if (calibrating && first.search.time_limit > 0.0) first.search.time_limit *= 0.75;
  const double kept =
      calibrating && control.seconds_left ? 0.25 * std::max(0.0, control.seconds_left()) : 0.0;
  Result<Trained> trained = train_once(elements, data, first, executor,
                                       part(control, 0.0, calibrating ? 0.7 : 1.0, kept), history);
  if (!trained) return trained.error();
  Model& model = trained->model;
  model.settings = settings;
  model.eliminated = history.eliminated;
  model.ledger = history.records;

  bool calibrated = false;
  if (calibrating) {
    const Result<bool> done =
        calibrate(elements, data, folds, executor, part(control, 0.7, 1.0, 0.0), history, model);
    if (!done) return done.error();
    calibrated = *done;
  }
  if (!calibrated) {
    model.companion_weight = model.companion.trees.empty() ? 0.0 : 0.5;
    set_scores(model, (data.y - model.loo_prediction).cwiseAbs(), trained->disagreement,
               trained->novelty);
  }
  if (model.companion_weight == 0.0) {
    model.companion = {};
    model.companion_columns.clear();
  }
  cut_down(model);
  control.report(1.0, "done");
  return std::move(model);
}

Result<Predictor> Predictor::make(const Model& model) {
  KASETSU_ASSERT(!model.hypotheses.empty());
  Result<Featurizer> featurizer = Featurizer::from_state(model.features);
  if (!featurizer) return featurizer.error();
  return Predictor(model, std::move(featurizer).value());
}

Predictor::Predictor(const Model& model, Featurizer featurizer)
    : model_(&model), featurizer_(std::move(featurizer)), weights_(weights_of(model.hypotheses)) {
  if (model.scores.size() == 0) return;  // not calibrated yet
  // Conformal quantile with its finite-sample correction: the ceil((n + 1) coverage)-th smallest
  // score.
  const auto n = static_cast<double>(model.scores.size());
  const auto rank = static_cast<Eigen::Index>(
      std::min(n, std::max(1.0, std::ceil((n + 1.0) * model.settings.coverage))));
  quantile_ = model.scores[rank - 1];
}

double Predictor::half_width(double disagreement, double novelty) const {
  return quantile_ * interval_unit(model_->base, disagreement, novelty);
}

Result<Predictions> Predictor::predict(std::span<const chemistry::Catalyst> catalysts,
                                       const Conditions& conditions) const {
  const Model& model = *model_;
  const Result<Eigen::MatrixXd> primary_values = featurizer_.evaluate(catalysts, conditions);
  if (!primary_values) return primary_values.error();

  const auto rows = static_cast<Eigen::Index>(catalysts.size());
  const auto count = static_cast<Eigen::Index>(model.hypotheses.size());
  // No hypothesis is believed far beyond anything that was ever measured.
  const auto [lowest, highest] = predicted_range(model);
  Predictions out;
  out.by_hypothesis.resize(rows, count);
  out.outside = Eigen::VectorXd::Zero(rows);
  for (Eigen::Index h = 0; h < count; ++h) {
    const Hypothesis& hypothesis = model.hypotheses[static_cast<std::size_t>(h)];
    Eigen::VectorXd outside = Eigen::VectorXd::Zero(rows);
    const Eigen::MatrixXd values = clamped(hypothesis, *primary_values, &outside);
    out.by_hypothesis.col(h) = ((values * hypothesis.coefficients).array() + hypothesis.intercept)
                                   .cwiseMax(lowest)
                                   .cwiseMin(highest);
    out.outside += hypothesis.weight * outside;
    if (h == 0) out.coordinates = standardized(hypothesis, values);
  }
  if (!model.companion.trees.empty()) {
    out.companion = regression::predict(model.companion,
                                        (*primary_values)(Eigen::all, model.companion_columns));
  }
  out.novelty =
      in_units(nearest_distance(out.coordinates, model.coordinates, false), model.typical_distance);

  out.median.resize(rows);
  out.disagreement.resize(rows);
  std::vector<int> order;
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Eigen::VectorXd row = out.by_hypothesis.row(i).transpose();
    const MedianAndSpread summary =
        summarise({row.data(), static_cast<std::size_t>(row.size())}, weights_, order);
    out.median[i] = summary.median;
    out.disagreement[i] = summary.spread;
    const int unseen = never_seen(catalysts[static_cast<std::size_t>(i)], model);
    out.novelty[i] += kNeverSeen * unseen;
    if (unseen > 0) out.outside[i] = 1.0;
  }
  out.mean = out.median;
  if (out.companion.size() > 0) {
    out.mean = (1.0 - model.companion_weight) * out.median + model.companion_weight * out.companion;
  }
  out.low.resize(rows);
  out.high.resize(rows);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const double half = half_width(out.disagreement[i], out.novelty[i]);
    out.low[i] = out.mean[i] - half;
    out.high[i] = out.mean[i] + half;
  }
  return out;
}

}  // namespace kasetsu::selection
