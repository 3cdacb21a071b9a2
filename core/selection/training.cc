#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "core/descriptors/screening.h"
#include "core/regression/huber/robust.h"
#include "core/selection/calibration.h"
#include "core/selection/contest.h"
#include "core/selection/ensemble.h"
#include "core/selection/pipeline.h"
#include "core/selection/population.h"
#include "core/selection/search/forward.h"

namespace kasetsu::selection {
namespace {

using descriptors::Descriptor;
using descriptors::Featurizer;

constexpr int kFewestRows = 5;
constexpr double kSameDescriptor = 0.9999;  // |correlation|
constexpr double kSameColumn = 0.9;         // |correlation| of columns that a forest sees as one

// Keeps of the featurizer only the primaries that the hypotheses use, and renumbers their factors.
void cut_down(Model& model) {
  std::set<int> used;
  for (const std::vector<Hypothesis>* kept : {&model.hypotheses, &model.dormant}) {
    for (const Hypothesis& hypothesis : *kept) {
      for (const Descriptor& descriptor : hypothesis.descriptors) {
        for (int f = 0; f < descriptor.order; ++f) used.insert(descriptor.factors[f].primary);
      }
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
  for (std::vector<Hypothesis>* kept : {&model.hypotheses, &model.dormant}) {
    for (Hypothesis& hypothesis : *kept) {
      for (Descriptor& descriptor : hypothesis.descriptors) {
        for (int f = 0; f < descriptor.order; ++f)
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

namespace {

// Part of a control's progress and of its time.
Control part(const Control& control, double from, double to, double seconds_kept = 0.0) {
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

// The candidates with the best screened products behind them.
Result<descriptors::DescriptorMatrix> with_products(const descriptors::DescriptorMatrix& simple,
                                                    const Eigen::VectorXd& y,
                                                    const ModelSettings& settings,
                                                    const Executor& executor,
                                                    const Control& control) {
  descriptors::ScreeningOptions screening;
  screening.order = settings.order;
  screening.keep = settings.products;
  const Result<descriptors::Screened> screened =
      descriptors::screen_products(simple, y, screening, executor, part(control, 0.02, 0.15));
  if (!screened) return screened.error();
  descriptors::DescriptorMatrix all = simple;
  const descriptors::DescriptorMatrix& kept = screened->kept;
  all.values.conservativeResize(Eigen::NoChange, simple.values.cols() + kept.values.cols());
  all.values.rightCols(kept.values.cols()) = kept.values;
  all.descriptors.insert(all.descriptors.end(), kept.descriptors.begin(), kept.descriptors.end());
  return all;
}

// The candidates, the best screened products behind them where the settings ask for such.
class Offered {
 public:
  static Result<Offered> make(const Prepared& prepared, const TrainingSet& data,
                              const ModelSettings& settings, const History& history,
                              const Executor& executor, const Control& control) {
    Offered offered(prepared, data, history);
    if (settings.order >= 2 && settings.products > 0) {
      Result<descriptors::DescriptorMatrix> found =
          with_products(prepared.candidates, data.y, settings, executor, control);
      if (!found) return found.error();
      offered.products_ = std::move(*found);
    }
    return offered;
  }

  const descriptors::DescriptorMatrix& candidates() const {
    return products_ ? *products_ : prepared_.candidates;
  }

  // At most `size`: what the rows and the candidates allow.
  int size(int size) const {
    return std::min({size, most_descriptors(data_.y.size()),
                     static_cast<int>(candidates().descriptors.size())});
  }

  SearchProblem problem() const {
    SearchProblem problem;
    problem.X = &candidates().values;
    problem.y = &data_.y;
    for (const Descriptor& descriptor : candidates().descriptors)
      problem.families.push_back(descriptors::families(descriptor));
    problem.forbidden = forbidden_sets(history_, candidates(), prepared_.featurizer.primaries());
    return problem;
  }

 private:
  Offered(const Prepared& prepared, const TrainingSet& data, const History& history)
      : prepared_(prepared), data_(data), history_(history) {}
  const Prepared& prepared_;
  const TrainingSet& data_;
  const History& history_;
  std::optional<descriptors::DescriptorMatrix> products_;
};

// Lets the sets of candidates that a search found compete with the veterans. options: those of the
// search. `loo` gets a column for each hypothesis of the model.
Status find_hypotheses(const Prepared& prepared, const descriptors::DescriptorMatrix& candidates,
                       const TrainingSet& data, const ModelSettings& settings,
                       const std::vector<std::vector<int>>& sets, const Control& control,
                       const History& history, Model& model, Eigen::MatrixXd& loo) {
  const SearchOptions& options = settings.search;
  model.size = options.size;
  model.generation = history.generation;
  const double optimism = optimism_of(history.records);
  Contest contest;
  for (const std::vector<int>& set : sets) {
    if (control.cancelled()) return cancelled_error();
    std::vector<Descriptor> descriptors;
    for (const int candidate : set)
      descriptors.push_back(candidates.descriptors[static_cast<std::size_t>(candidate)]);
    Result<Fitted> fitted = fit_hypothesis(
        std::move(descriptors), candidates.values(Eigen::all, set), data.y, options.regression);
    if (!fitted) return fitted.error();
    fitted->hypothesis.born = history.generation;
    std::vector<std::string> key =
        hypothesis_key(fitted->hypothesis, prepared.featurizer.primaries());
    contest.add(std::move(*fitted), std::move(key), false, options.size, optimism, history);
  }
  if (Status status =
          add_veterans(prepared, data, settings, history, options.size, optimism, contest);
      !status) {
    return status;
  }
  give_places(std::move(contest), options, history.rows, model, loo);
  return {};
}

Status check_rows(const TrainingSet& data) {
  const auto rows = static_cast<Eigen::Index>(data.catalysts.size());
  KASETSU_ASSERT(data.y.size() == rows);
  if (rows < kFewestRows) {
    return Error{ErrorCode::bad_data, "too few measurements to learn from", "",
                 fmt::format("{}", rows), fmt::format("at least {} rows", kFewestRows)};
  }
  if (!data.y.allFinite())
    return Error{ErrorCode::bad_data, "a target value is not a finite number", "", "", ""};
  return {};
}

// What the ensemble says of its own training rows, and where they lie.
void describe_training_rows(const Prepared& prepared, const Eigen::MatrixXd& loo,
                            Trained& trained) {
  Model& model = trained.model;
  const Hypothesis& best = model.hypotheses.front();
  model.coordinates =
      standardized(best, descriptors::evaluate(best.descriptors, prepared.primary_values));
  const Eigen::VectorXd distance = nearest_distance(model.coordinates, model.coordinates, true);
  model.typical_distance = median({distance.begin(), distance.end()});
  trained.best_loo = loo.col(0);
  trained.novelty = in_units(distance, model.typical_distance);
  const std::vector<double> weights = weights_of(model.hypotheses);
  std::vector<int> order;
  model.loo_prediction.resize(loo.rows());
  trained.disagreement.resize(loo.rows());
  for (Eigen::Index i = 0; i < loo.rows(); ++i) {
    const Eigen::VectorXd row = loo.row(i).transpose();
    const MedianAndSpread summary =
        summarise({row.data(), static_cast<std::size_t>(row.size())}, weights, order);
    model.loo_prediction[i] = summary.median;
    trained.disagreement[i] = summary.spread;
  }
}

// A model of the hypotheses that the sets are, without companions and calibration.
Result<Trained> train_on_sets(const Prepared& prepared, const Offered& offered,
                              const TrainingSet& data, const ModelSettings& settings,
                              const std::vector<std::vector<int>>& sets, const Control& control,
                              const History& history) {
  Trained trained;
  Model& model = trained.model;
  model.settings = settings;
  model.n_samples = static_cast<int>(data.catalysts.size());
  model.n_descriptors = static_cast<int>(offered.candidates().descriptors.size());
  model.y = data.y;
  note_what_was_seen(data.catalysts, model);
  Eigen::MatrixXd loo;
  if (Status status = find_hypotheses(prepared, offered.candidates(), data, settings, sets, control,
                                      history, model, loo);
      !status) {
    return status.error();
  }
  describe_training_rows(prepared, loo, trained);
  model.features = prepared.featurizer.state();
  return trained;
}

}  // namespace

Result<Trained> train_prepared(const Prepared& prepared, const TrainingSet& data,
                               const ModelSettings& settings, const Executor& executor,
                               const Control& control, const History& history) {
  const Result<Offered> offered =
      Offered::make(prepared, data, settings, history, executor, control);
  if (!offered) return offered.error();
  ModelSettings searched = settings;
  searched.search.size = offered->size(settings.search.size);
  Result<SearchResult> found =
      search(offered->problem(), searched.search, executor, part(control, 0.15, 0.95));
  if (!found) return found.error();
  if (control.cancelled()) return cancelled_error();
  KASETSU_ASSERT(!found->hypotheses.empty());
  control.report(0.95, "hypotheses");
  std::vector<std::vector<int>> sets;
  for (const FoundHypothesis& chosen : found->hypotheses) sets.push_back(chosen.candidates);
  Result<Trained> trained =
      train_on_sets(prepared, *offered, data, searched, sets, control, history);
  if (!trained) return trained.error();
  Model& model = trained->model;
  model.settings = settings;
  model.search = std::move(*found);
  if (settings.trees > 0) {
    Result<std::vector<Companion>> grown =
        grow_companions(data, prepared.primary_values, prepared.distinct, settings.trees,
                        settings.search.seed, executor, part(control, 0.97, 1.0));
    if (!grown) return grown.error();
    model.companions = std::move(*grown);
    share_equally(model);
  }
  return trained;
}

Result<std::vector<Trained>> train_sizes(const Prepared& prepared, const TrainingSet& data,
                                         const ModelSettings& settings, std::span<const int> sizes,
                                         const Executor& executor, const Control& control,
                                         const History& history) {
  const Result<Offered> offered =
      Offered::make(prepared, data, settings, history, executor, control);
  if (!offered) return offered.error();
  ModelSettings of_size = settings;
  of_size.search.size = offered->size(sizes.back());
  const Result<std::vector<SetsOfSize>> found =
      search_sizes(offered->problem(), of_size.search, sizes, executor, control);
  if (!found) return found.error();
  std::vector<Trained> models;
  for (const SetsOfSize& sets : *found) {
    of_size.search.size = sets.size;
    Result<Trained> trained =
        train_on_sets(prepared, *offered, data, of_size, sets.sets, control, history);
    if (!trained) return trained.error();
    models.push_back(std::move(*trained));
  }
  return models;
}

Result<Model> train(const chemistry::ElementTable& elements, const TrainingSet& measured,
                    const ModelSettings& settings, const Executor& executor, const Control& control,
                    const History& history) {
  if (const Status status = settings.validate(); !status) return status.error();
  const BatchOffsets offsets = batch_offsets(measured);
  TrainingSet data = measured;
  data.y = without_offsets(measured, offsets);
  if (const Status status = check_rows(data); !status) return status.error();
  const auto rows = static_cast<int>(data.catalysts.size());

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
  // Folds learn without the veterans and their records: those were chosen and judged with the rows
  // that a fold leaves out.
  History of_folds;
  of_folds.eliminated = history.eliminated;
  PreparedFolds prepared_folds(elements, data, settings, calibrating ? folds : Folds{});
  std::vector<SizeTried> tried;
  if (settings.size_by_nested_error) {
    const Result<int> size = choose_size(prepared_folds, data, first, executor,
                                         part(control, 0.0, 0.1, 2.0 * kept), of_folds, tried);
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
        calibrate(prepared_folds, data, executor, part(control, 0.7, 1.0), of_folds,
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
  model.forward = history.forward;
  model.widening = widening_of(model.scores, model.forward, settings.coverage);
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
