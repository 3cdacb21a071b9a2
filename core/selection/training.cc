#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "core/descriptors/screening.h"
#include "core/regression/huber/robust.h"
#include "core/selection/calibration.h"
#include "core/selection/ensemble.h"
#include "core/selection/pipeline.h"

namespace kasetsu::selection {
namespace {

using descriptors::Descriptor;
using descriptors::Featurizer;

constexpr int kFewestRows = 5;
constexpr double kSameDescriptor = 0.9999;  // |correlation|
constexpr double kSameColumn = 0.9;         // |correlation| of columns that a forest sees as one

// Families of a descriptor: its primaries, each of which is one property and operation.
std::array<int, 3> families_of(const Descriptor& descriptor) {
  std::array<int, 3> families{-1, -1, -1};
  for (int i = 0; i < descriptor.order; ++i) families[i] = descriptor.factors[i].primary;
  return families;
}

// Keeps of the featurizer only the primaries that the hypotheses use, and renumbers their factors.
void cut_down(Model& model) {
  std::set<int> used;
  for (const Hypothesis& hypothesis : model.hypotheses) {
    for (const Descriptor& descriptor : hypothesis.descriptors) {
      for (int f = 0; f < descriptor.order; ++f) used.insert(descriptor.factors[f].primary);
    }
  }
  for (const Companion& companion : model.companions)
    used.insert(companion.primaries.begin(), companion.primaries.end());
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
  for (Companion& companion : model.companions) {
    for (int& primary : companion.primaries) primary = renumbered.at(primary);
  }
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

int largest_fold(const Folds& folds) {
  std::vector<int> sizes(static_cast<std::size_t>(folds.count), 0);
  for (const int fold : folds.of_row) ++sizes[static_cast<std::size_t>(fold)];
  return *std::max_element(sizes.begin(), sizes.end());
}

// By row, how far the median of all other rows is off.
Eigen::VectorXd median_errors(const Eigen::VectorXd& y) {
  Eigen::VectorXd errors(y.size());
  for (Eigen::Index i = 0; i < y.size(); ++i) {
    std::vector<double> others(y.begin(), y.end());
    others.erase(others.begin() + i);
    errors[i] = std::abs(y[i] - median(std::move(others)));
  }
  return errors;
}

}  // namespace

Result<Prepared> prepare(const chemistry::ElementTable& elements, const TrainingSet& data,
                         const ModelSettings& settings, const Control& control) {
  Result<Featurizer> featurizer =
      Featurizer::learn(elements, data.catalysts, data.conditions, settings.features, control);
  if (!featurizer) return featurizer.error();
  Result<Eigen::MatrixXd> primary_values =
      featurizer->evaluate(data.catalysts, data.conditions, control);
  if (!primary_values) return primary_values.error();
  if (control.cancelled()) return cancelled_error();
  descriptors::DescriptorMatrix candidates =
      descriptors::enumerate(*primary_values, std::min(settings.order, 1), control);
  if (control.cancelled()) return cancelled_error();
  candidates = descriptors::remove_duplicates(std::move(candidates), kSameDescriptor, control);
  if (control.cancelled()) return cancelled_error();
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
  if (control.cancelled()) return cancelled_error();
  KASETSU_ASSERT(!found->hypotheses.empty());
  model.search = std::move(*found);

  control.report(0.95, "hypotheses");
  Eigen::MatrixXd loo(rows, static_cast<Eigen::Index>(model.search.hypotheses.size()));
  double total_weight = 0.0;
  for (std::size_t h = 0; h < model.search.hypotheses.size(); ++h) {
    if (control.cancelled()) return cancelled_error();
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
    Control growing = control;
    if (control.progress) {
      growing.progress = [&control](double fraction, std::string_view stage) {
        control.report(0.97 + 0.03 * fraction, stage);
      };
    }
    Result<std::vector<Companion>> grown =
        grow_companions(data, prepared.primary_values, prepared.distinct, settings.trees,
                        settings.search.seed, executor, growing);
    if (!grown) return grown.error();
    model.companions = std::move(*grown);
    share_equally(model);
  }
  model.features = prepared.featurizer.state();
  return trained;
}

namespace {

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

Result<Model> train(const chemistry::ElementTable& elements, const TrainingSet& measured,
                    const ModelSettings& settings, const Executor& executor, const Control& control,
                    const History& history) {
  if (const Status status = settings.validate(); !status) return status.error();
  const BatchOffsets offsets = batch_offsets(measured);
  TrainingSet data = measured;
  data.y = without_offsets(measured, offsets);
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
  const bool calibrating = folds.count >= 2 && rows - largest_fold(folds) >= kFewestRows;
  ModelSettings first = settings;
  if (calibrating && first.search.time_limit > 0.0) first.search.time_limit *= 0.75;
  const double kept =
      calibrating && control.seconds_left ? 0.25 * std::max(0.0, control.seconds_left()) : 0.0;
  control.report(0.0, "descriptors");
  Result<Prepared> prepared = prepare(elements, data, settings, control);
  if (!prepared) return prepared.error();
  std::vector<SizeTried> tried;
  if (calibrating && settings.size_by_nested_error) {
    // Half of a time that is given goes to the choice.
    first.search.time_limit *= 0.5;
    const Result<int> size = choose_size(elements, data, first, folds, executor,
                                         part(control, 0.0, 0.3, kept), history, tried);
    if (!size) return size.error();
    first.search.size = *size;
  }
  Result<Trained> trained = train_prepared(
      *prepared, data, first, executor, part(control, 0.0, calibrating ? 0.7 : 1.0, kept), history);
  if (!trained) return trained.error();
  prepared->candidates = {};  // calibration makes its own, which are large
  Model& model = trained->model;
  model.settings = settings;
  model.settings.search.size = first.search.size;  // what calibration repeats
  model.sizes_tried = std::move(tried);
  for (const chemistry::Catalyst& catalyst : data.catalysts)
    model.catalysts.push_back(chemistry::canonical_key(catalyst));
  model.eliminated = history.eliminated;
  model.ledger = history.records;
  model.offsets = offsets;

  bool calibrated = false;
  if (calibrating) {
    const Result<bool> done =
        calibrate(elements, data, folds, executor, part(control, 0.7, 1.0, 0.0), history,
                  median({trained->disagreement.begin(), trained->disagreement.end()}), model);
    if (!done) return done.error();
    calibrated = *done;
  }
  if (!calibrated) {
    share_equally(model);
    // The hypotheses were chosen by their leave-one-out errors, so these promise too much; nothing
    // else shows that the model is better than the median of the others.
    set_scores(model, (data.y - model.loo_prediction).cwiseAbs().cwiseMax(median_errors(data.y)),
               trained->disagreement, trained->novelty);
  }
  std::erase_if(model.companions,
                [](const Companion& companion) { return companion.weight == 0.0; });
  const Hypothesis& best = model.hypotheses.front();
  const Eigen::VectorXd fitted =
      (descriptors::evaluate(best.descriptors, prepared->primary_values) * best.coefficients)
          .array() +
      best.intercept;
  model.noise = noise_of(data, fitted, 1 + static_cast<int>(best.descriptors.size()));
  model.settings.search.size = settings.search.size;
  cut_down(model);
  control.report(1.0, "done");
  return std::move(model);
}

}  // namespace kasetsu::selection
