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
#include "core/selection/population.h"

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

// The hypothesis fitted to these columns, and its leave-one-out predictions; without a weight.
struct Fitted {
  Hypothesis hypothesis;
  Eigen::VectorXd loo;
};
Result<Fitted> fit_hypothesis(std::vector<Descriptor> descriptors, const Eigen::MatrixXd& columns,
                              const Eigen::VectorXd& y, const regression::RobustOptions& options) {
  const Result<regression::LeaveOneOut> fitted = regression::loo_robust(columns, y, options);
  if (!fitted) return fitted.error();
  Fitted out;
  Hypothesis& hypothesis = out.hypothesis;
  hypothesis.descriptors = std::move(descriptors);
  hypothesis.coefficients = fitted->fit.coefficients;
  hypothesis.intercept = fitted->fit.intercept;
  hypothesis.scale = fitted->fit.scale;
  hypothesis.mae_train = fitted->fit.mae;
  hypothesis.mae_cv = fitted->mae_cv;
  hypothesis.promise = promise_of(fitted->residuals);
  hypothesis.low = columns.colwise().minCoeff().transpose();
  hypothesis.high = columns.colwise().maxCoeff().transpose();
  hypothesis.center = columns.colwise().mean().transpose();
  hypothesis.spread = ((columns.rowwise() - hypothesis.center.transpose()).colwise().squaredNorm() /
                       static_cast<double>(columns.rows()))
                          .cwiseSqrt()
                          .transpose();
  out.loo = y - fitted->residuals;
  return out;
}

// Hypotheses that want a place in the ensemble, with their leave-one-out predictions.
struct Contest {
  std::vector<Contender> contenders;
  std::vector<Fitted> fitted;

  // most: descriptors that one with a place may have.
  void add(Fitted candidate, std::vector<std::string> key, bool veteran, int most, double optimism,
           const History& history) {
    const double expected =
        expected_error(candidate.hypothesis.mae_cv, static_cast<int>(candidate.loo.size()),
                       optimism, history.find(key));
    const bool may_stand = std::ssize(key) <= most;
    contenders.push_back({expected, veteran, std::move(key), may_stand});
    fitted.push_back(std::move(candidate));
  }
};

int most_descriptors(Eigen::Index rows) {
  return std::max(1, static_cast<int>(rows - 2) / 2);
}

// Whether no column is constant to rounding, by the rule of descriptors::enumerate.
bool all_vary(const Eigen::MatrixXd& columns) {
  const Eigen::RowVectorXd range = columns.colwise().maxCoeff() - columns.colwise().minCoeff();
  const Eigen::RowVectorXd largest = columns.cwiseAbs().colwise().maxCoeff();
  return (range.array() > 1e-12 * largest.array()).all();
}

// Whether these settings ask for hypotheses of such descriptors, whatever their number.
bool asked_for(std::span<const Descriptor> descriptors, const ModelSettings& settings) {
  std::set<int> families;
  for (const Descriptor& descriptor : descriptors) {
    if (descriptor.order > std::max(1, settings.order)) return false;
    if (settings.order == 0 && descriptor.factors[0].form != descriptors::Form::identity)
      return false;
    for (int f = 0; f < descriptor.order; ++f) {
      if (!families.insert(descriptor.factors[f].primary).second && settings.search.one_per_family)
        return false;
    }
  }
  return true;
}

// Fits the veterans to the present rows. One is passed over where it was eliminated, where the
// present features do not have its descriptors or the settings do not ask for such, and where the
// rows are too few for it. most: descriptors of one that may get a place.
Status add_veterans(const Prepared& prepared, const TrainingSet& data,
                    const ModelSettings& settings, const History& history, int most,
                    double optimism, Contest& contest) {
  const auto primaries = prepared.featurizer.primaries();
  for (const Veteran& veteran : history.veterans) {
    if (std::find(history.eliminated.begin(), history.eliminated.end(), veteran.descriptors) !=
        history.eliminated.end()) {
      continue;
    }
    const auto known = std::find_if(
        contest.contenders.begin(), contest.contenders.end(),
        [&](const Contender& contender) { return contender.key == veteran.descriptors; });
    if (known != contest.contenders.end()) {
      const auto at = static_cast<std::size_t>(known - contest.contenders.begin());
      known->veteran = true;
      contest.fitted[at].hypothesis.born = veteran.born;
      continue;
    }
    std::vector<Descriptor> descriptors;
    for (const std::string& text : veteran.descriptors) {
      const Result<Descriptor> parsed = descriptors::parse_descriptor(text, primaries);
      if (parsed) descriptors.push_back(*parsed);
    }
    if (descriptors.size() != veteran.descriptors.size() || !asked_for(descriptors, settings) ||
        std::ssize(descriptors) > most_descriptors(data.y.size())) {
      continue;
    }
    const Eigen::MatrixXd columns = descriptors::evaluate(descriptors, prepared.primary_values);
    if (!columns.allFinite() || !all_vary(columns)) continue;
    Result<Fitted> fitted =
        fit_hypothesis(std::move(descriptors), columns, data.y, settings.search.regression);
    if (!fitted) return fitted.error();
    fitted->hypothesis.born = veteran.born;
    contest.add(std::move(*fitted), veteran.descriptors, true, most, optimism, history);
  }
  return {};
}

// Gives the places to the contenders with the least expected error. `loo` gets a column for each
// hypothesis. The veterans that are left stay in the model without a weight. rows_before: that the
// model before learnt.
void give_places(Contest contest, const SearchOptions& options, int rows_before, Model& model,
                 Eigen::MatrixXd& loo) {
  constexpr std::size_t kDormantForEachPlace = 2;
  const auto places = static_cast<std::size_t>(options.hypotheses);
  const int shared = std::min(options.size - 1, options.shared * options.size / 8);
  const std::size_t fresh = places_for_fresh(places, rows_before, static_cast<int>(model.y.size()));
  const std::vector<std::size_t> chosen = fill_places(contest.contenders, places, fresh, shared);
  loo.resize(model.y.size(), static_cast<Eigen::Index>(chosen.size()));
  double total_weight = 0.0;
  for (const std::size_t i : chosen) {
    Hypothesis& hypothesis = contest.fitted[i].hypothesis;
    hypothesis.weight = weight_of_error(contest.contenders[i].expected);
    total_weight += hypothesis.weight;
    loo.col(static_cast<Eigen::Index>(model.hypotheses.size())) = contest.fitted[i].loo;
    model.hypotheses.push_back(std::move(hypothesis));
  }
  for (Hypothesis& hypothesis : model.hypotheses) hypothesis.weight /= total_weight;
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < contest.contenders.size(); ++i) {
    if (contest.contenders[i].veteran &&
        std::find(chosen.begin(), chosen.end(), i) == chosen.end()) {
      rest.push_back(i);
    }
  }
  std::stable_sort(rest.begin(), rest.end(), [&](std::size_t a, std::size_t b) {
    return contest.contenders[a].expected < contest.contenders[b].expected;
  });
  if (rest.size() > kDormantForEachPlace * places) rest.resize(kDormantForEachPlace * places);
  for (const std::size_t i : rest) model.dormant.push_back(std::move(contest.fitted[i].hypothesis));
}

// Searches for fresh hypotheses and lets them compete with the veterans.
Status find_hypotheses(const Prepared& prepared, const descriptors::DescriptorMatrix& candidates,
                       const TrainingSet& data, const ModelSettings& settings,
                       const Executor& executor, const Control& control, const History& history,
                       Model& model, Eigen::MatrixXd& loo) {
  SearchOptions options = settings.search;
  options.size = std::min({options.size, most_descriptors(data.y.size()),
                           static_cast<int>(candidates.descriptors.size())});
  model.size = options.size;
  SearchProblem problem;
  problem.X = &candidates.values;
  problem.y = &data.y;
  for (const Descriptor& descriptor : candidates.descriptors)
    problem.families.push_back(families_of(descriptor));
  problem.forbidden = forbidden_sets(history, candidates, prepared.featurizer.primaries());
  Result<SearchResult> found = search(problem, options, executor, part(control, 0.15, 0.95));
  if (!found) return found.error();
  if (control.cancelled()) return cancelled_error();
  KASETSU_ASSERT(!found->hypotheses.empty());
  model.search = std::move(*found);
  model.generation = history.generation;
  control.report(0.95, "hypotheses");
  const double optimism = optimism_of(history.records);
  Contest contest;
  for (const FoundHypothesis& chosen : model.search.hypotheses) {
    if (control.cancelled()) return cancelled_error();
    std::vector<Descriptor> descriptors;
    for (const int candidate : chosen.candidates)
      descriptors.push_back(candidates.descriptors[static_cast<std::size_t>(candidate)]);
    Result<Fitted> fitted =
        fit_hypothesis(std::move(descriptors), candidates.values(Eigen::all, chosen.candidates),
                       data.y, options.regression);
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

}  // namespace

Result<Trained> train_prepared(const Prepared& prepared, const TrainingSet& data,
                               const ModelSettings& settings, const Executor& executor,
                               const Control& control, const History& history) {
  std::optional<descriptors::DescriptorMatrix> products;
  if (settings.order >= 2 && settings.products > 0) {
    Result<descriptors::DescriptorMatrix> found =
        with_products(prepared.candidates, data.y, settings, executor, control);
    if (!found) return found.error();
    products = std::move(*found);
  }
  const descriptors::DescriptorMatrix& candidates = products ? *products : prepared.candidates;

  Trained trained;
  Model& model = trained.model;
  model.settings = settings;
  model.n_samples = static_cast<int>(data.catalysts.size());
  model.n_descriptors = static_cast<int>(candidates.descriptors.size());
  model.y = data.y;
  note_what_was_seen(data.catalysts, model);
  Eigen::MatrixXd loo;
  if (Status status = find_hypotheses(prepared, candidates, data, settings, executor, control,
                                      history, model, loo);
      !status) {
    return status.error();
  }
  describe_training_rows(prepared, loo, trained);
  if (settings.trees > 0) {
    Result<std::vector<Companion>> grown =
        grow_companions(data, prepared.primary_values, prepared.distinct, settings.trees,
                        settings.search.seed, executor, part(control, 0.97, 1.0));
    if (!grown) return grown.error();
    model.companions = std::move(*grown);
    share_equally(model);
  }
  model.features = prepared.featurizer.state();
  return trained;
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
  std::vector<SizeTried> tried;
  if (settings.size_by_nested_error) {
    const Result<int> size =
        choose_size(elements, data, first, calibrating ? folds : Folds{}, executor,
                    part(control, 0.0, 0.3, 2.0 * kept), of_folds, tried);
    if (!size) return size.error();
    first.search.size = *size;
    if (!tried.empty()) first.search.time_limit *= 0.5;
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
        calibrate(elements, data, folds, executor, part(control, 0.7, 1.0), of_folds,
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
