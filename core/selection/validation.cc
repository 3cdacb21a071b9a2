#include "core/selection/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "core/base/random.h"
#include "core/regression/huber/robust.h"
#include "core/selection/baselines.h"
#include "core/selection/calibration.h"
#include "core/selection/pipeline.h"

namespace kasetsu::selection {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::uint64_t kPermutationStream = 0x7065726d75746500ULL;
constexpr int kReducedTrees = 30;
constexpr int kReducedFolds = 5;
constexpr int kReducedShare = 16;  // of the search

struct Split {
  std::vector<int> kept, left_out;
  TrainingSet train, test;
};

std::vector<Split> splits(const TrainingSet& data, const Folds& folds) {
  std::vector<Split> out(static_cast<std::size_t>(folds.count));
  for (std::size_t row = 0; row < folds.of_row.size(); ++row) {
    for (int fold = 0; fold < folds.count; ++fold) {
      Split& split = out[static_cast<std::size_t>(fold)];
      (folds.of_row[row] == fold ? split.left_out : split.kept).push_back(static_cast<int>(row));
    }
  }
  for (Split& split : out) {
    split.train = subset(data, split.kept);
    split.test = subset(data, split.left_out);
  }
  return out;
}

ModelSettings with_effort(ModelSettings settings) {
  if (settings.search.work == 0 && settings.search.time_limit == 0.0)
    settings.search.time_limit = kFoldSeconds;
  return settings;
}

std::vector<Frequency> sorted_shares(const std::map<std::string, double>& shares, double total) {
  std::vector<Frequency> out;
  for (const auto& [name, share] : shares) out.push_back({name, share / total});
  std::stable_sort(out.begin(), out.end(),
                   [](const Frequency& a, const Frequency& b) { return a.share > b.share; });
  return out;
}

// Counts what is done by whoever does it, and tells it.
class Progress {
 public:
  Progress(const Control& control, std::size_t steps) : control_(control), steps_(steps) {}
  void step(std::string_view stage) {
    const std::lock_guard lock(mutex_);
    ++done_;
    control_.report(static_cast<double>(done_) / static_cast<double>(steps_), stage);
  }
  // For work inside a step.
  Control inner() const {
    Control out;
    out.stop = control_.stop;
    out.seconds_left = control_.seconds_left;
    return out;
  }

 private:
  const Control& control_;
  std::size_t steps_;
  std::size_t done_ = 0;
  std::mutex mutex_;
};

// Runs work(i) for all items; the error of the first item that has one.
Status for_all(std::size_t items, const Executor& executor, const Control& control,
               const std::function<Status(std::size_t)>& work) {
  std::vector<Status> statuses(items);
  executor.parallel_for(items, [&](std::size_t i) {
    statuses[i] = control.cancelled() ? Status(cancelled_error()) : work(i);
  });
  for (const Status& status : statuses) {
    if (!status) return status;
  }
  return {};
}

Status enough(const TrainingSet& data, const Folds& folds) {
  if (folds.count >= 2 && data.catalysts.size() >= 8) return {};
  return Error{ErrorCode::bad_data, "too few measurements to validate", "",
               fmt::format("{} rows of {} catalysts", data.catalysts.size(), folds.count),
               "at least 8 rows of 2 catalysts"};
}

Result<Predictions> predict(const Model& model, const TrainingSet& rows) {
  const Result<Predictor> predictor = Predictor::make(model);
  if (!predictor) return predictor.error();
  return predictor->predict(rows.catalysts, rows.conditions);
}

struct FoldModel {
  Model model;
  Predictions predictions;
  NamedPredictions baselines;
};

}  // namespace

Status ValidationOptions::validate() const {
  if (folds < 0 || folds == 1) {
    return Error{ErrorCode::invalid_argument, "folds is out of range", "folds",
                 fmt::format("{}", folds), "0 (leave one catalyst out), or 2 or more"};
  }
  if (permutations < 0 || permutations > 100000) {
    return Error{ErrorCode::invalid_argument, "permutations is out of range", "permutations",
                 fmt::format("{}", permutations), "0 (no test) to 100000"};
  }
  return model.validate();
}

namespace {

// What the hypotheses of a fold are made of, added up by name.
class Shares {
 public:
  void add(const Model& model) {
    const std::vector<descriptors::Primary>& primaries = model.features.primaries;
    for (const Hypothesis& hypothesis : model.hypotheses) {
      std::set<std::string> families, properties;
      for (const descriptors::Descriptor& descriptor : hypothesis.descriptors) {
        descriptors_[descriptors::to_text(descriptor, primaries)] += hypothesis.weight;
        for (int k = 0; k < descriptor.order; ++k) {
          const auto& primary = primaries[static_cast<std::size_t>(descriptor.factors[k].primary)];
          families.insert(primary.name);
          properties.insert(primary.property);
        }
      }
      for (const std::string& name : families) families_[name] += hypothesis.weight;
      for (const std::string& name : properties) properties_[name] += hypothesis.weight;
    }
  }
  void write(double folds, Validation& out) const {
    out.descriptors = sorted_shares(descriptors_, folds);
    out.families = sorted_shares(families_, folds);
    out.properties = sorted_shares(properties_, folds);
  }

 private:
  std::map<std::string, double> descriptors_, families_, properties_;
};

class Validator {
 public:
  Validator(const chemistry::ElementTable& elements, const TrainingSet& data,
            const ValidationOptions& options, const Folds& folds, const Executor& executor,
            const Control& control)
      : elements_(elements),
        data_(data),
        options_(options),
        settings_(with_effort(options.model)),
        executor_(executor),
        control_(control),
        rows_(data.y.size()),
        parts_(splits(data, folds)),
        few_(make_folds(data.catalysts, options.permutations > 0 ? kReducedFolds : 2,
                        options.seed + 1)),
        shuffles_(options.permutations > 0 ? 1 + static_cast<std::size_t>(options.permutations)
                                           : 0),
        progress_(control,
                  1 + parts_.size() * 2 + shuffles_ * static_cast<std::size_t>(few_.count)) {
    out_.n_samples = static_cast<int>(rows_);
    out_.n_catalysts = make_folds(data.catalysts, 0, options.seed).count;
    out_.folds = folds.count;
    out_.fold_of_row = folds.of_row;
    out_.nominal = settings_.coverage;
    out_.nested = {"model", 0.0, VectorXd(rows_)};
    out_.nested_hypotheses = {"hypotheses", 0.0, VectorXd(rows_)};
    out_.nested_companions = {"companions", 0.0, VectorXd(rows_)};
    out_.low.resize(rows_);
    out_.high.resize(rows_);
    out_.permutation_p = out_.mae_reduced = std::numeric_limits<double>::quiet_NaN();
  }

  Result<Validation> run() {
    if (Status status = naive(); !status) return status.error();
    std::vector<std::optional<FoldModel>> models(parts_.size());
    const Status trained = for_all(parts_.size(), executor_, control_,
                                   [&](std::size_t f) { return train_fold(parts_[f], models[f]); });
    if (!trained) return trained.error();
    Shares shares;
    for (std::size_t f = 0; f < parts_.size(); ++f) {
      take_predictions(f, *models[f]);
      shares.add(models[f]->model);
    }
    shares.write(static_cast<double>(parts_.size()), out_);
    share_of_parts(models);
    judge();
    if (options_.permutations > 0) {
      if (Status status = permutation_test(); !status) return status.error();
    }
    return std::move(out_);
  }

 private:
  // Everything at once, as the search itself sees it.
  Status naive() {
    ModelSettings naive = settings_;
    naive.calibration_folds = 0;
    naive.trees = 0;
    const Result<Model> whole = train(elements_, data_, naive, executor_, progress_.inner());
    if (!whole) return whole.error();
    out_.mae_naive = whole->hypotheses.front().mae_cv;
    out_.noise = whole->noise;
    out_.mae_naive_ensemble = mean_error(whole->y, whole->loo_prediction);
    progress_.step("naive error");
    return {};
  }

  Status train_fold(const Split& split, std::optional<FoldModel>& into) {
    Result<Model> model = train(elements_, split.train, settings_, single_, progress_.inner());
    if (!model) return model.error();
    Result<Predictions> predictions = predict(*model, split.test);
    if (!predictions) return predictions.error();
    progress_.step("nested folds");
    NamedPredictions others;
    if (options_.baselines) {
      const Result<Prepared> prepared = prepare(elements_, split.train, settings_, control_);
      if (!prepared) return prepared.error();
      Result<NamedPredictions> found =
          baselines(split.train, split.test, *prepared, settings_, single_, progress_.inner());
      if (!found) return found.error();
      others = std::move(*found);
    }
    progress_.step("baselines");
    into = FoldModel{std::move(*model), std::move(*predictions), std::move(others)};
    return {};
  }

  void take_predictions(std::size_t f, const FoldModel& fold) {
    const std::vector<int>& test = parts_[f].left_out;
    // Whoever predicts knows the offsets of the batches that the fold's rows tell.
    VectorXd drift = VectorXd::Zero(static_cast<Index>(test.size()));
    for (std::size_t i = 0; i < test.size() && !data_.batches.empty(); ++i) {
      drift[static_cast<Index>(i)] =
          fold.model.offsets.of(data_.batches[static_cast<std::size_t>(test[i])]);
    }
    out_.nested.predictions(test) = fold.predictions.mean + drift;
    out_.nested_hypotheses.predictions(test) = fold.predictions.median + drift;
    // A model whose hypotheses have all of the prediction keeps no companion.
    out_.nested_companions.predictions(test) =
        (fold.model.companions.empty()
             ? fold.predictions.median
             : weighted_mean(fold.model.companions, fold.predictions.by_companion)) +
        drift;
    out_.low(test) = fold.predictions.low + drift;
    out_.high(test) = fold.predictions.high + drift;
    for (std::size_t b = 0; b < fold.baselines.size(); ++b) {
      if (f == 0) out_.baselines.push_back({fold.baselines[b].first, 0.0, VectorXd(rows_)});
      out_.baselines[b].predictions(test) = fold.baselines[b].second;
    }
  }

  void share_of_parts(const std::vector<std::optional<FoldModel>>& models) {
    double companions = 0.0;
    for (const std::string& name : companion_kinds()) {
      Frequency part{name, 0.0};
      for (const std::optional<FoldModel>& fold : models) {
        for (const Companion& companion : fold->model.companions) {
          if (companion.name == name)
            part.share += companion.weight / static_cast<double>(parts_.size());
        }
      }
      companions += part.share;
      out_.parts.push_back(std::move(part));
    }
    out_.parts.insert(out_.parts.begin(), {"hypotheses", std::max(0.0, 1.0 - companions)});
  }

  void judge() {
    for (Judged* judged : {&out_.nested, &out_.nested_hypotheses, &out_.nested_companions})
      judged->mae = mean_error(data_.y, judged->predictions);
    for (Judged& baseline : out_.baselines)
      baseline.mae = mean_error(data_.y, baseline.predictions);
    const auto inside =
        ((data_.y.array() >= out_.low.array()) && (data_.y.array() <= out_.high.array())).count();
    out_.coverage = static_cast<double>(inside) / static_cast<double>(rows_);
    std::vector<std::string> keys;
    for (const chemistry::Catalyst& catalyst : data_.catalysts)
      keys.push_back(chemistry::canonical_key(catalyst));
    out_.verdict = verdict_of(keys, data_.y, out_.nested.predictions);
  }

  Status permutation_test() {
    std::vector<VectorXd> targets(shuffles_, data_.y);
    for (std::size_t s = 1; s < shuffles_; ++s) {
      Random random(options_.seed, kPermutationStream + s);
      random.shuffle(targets[s]);
    }
    ModelSettings light = settings_;
    light.calibration_folds = 0;
    light.trees = settings_.trees > 0 ? kReducedTrees : 0;
    light.search = reduced(settings_.search, kReducedShare);
    const std::vector<Split> parts = splits(data_, few_);
    MatrixXd errors(static_cast<Index>(shuffles_), rows_);
    const Status tested = for_all(parts.size(), executor_, control_, [&](std::size_t f) {
      return shuffled_errors(parts[f], targets, light, errors);
    });
    if (!tested) return tested;
    const VectorXd means = errors.rowwise().mean();
    out_.mae_reduced = means[0];
    int as_small = 0;
    for (std::size_t s = 1; s < shuffles_; ++s) {
      out_.mae_shuffled.push_back(means[static_cast<Index>(s)]);
      if (out_.mae_shuffled.back() <= out_.mae_reduced) ++as_small;
    }
    out_.permutation_p = (1.0 + as_small) / static_cast<double>(shuffles_);
    return {};
  }

  // Fills the columns of the rows that the split leaves out, a row for each of the targets.
  Status shuffled_errors(const Split& split, const std::vector<VectorXd>& targets,
                         const ModelSettings& light, MatrixXd& errors) {
    const Result<Prepared> prepared = prepare(elements_, split.train, light, control_);
    if (!prepared) return prepared.error();
    TrainingSet train = split.train;
    for (std::size_t s = 0; s < targets.size(); ++s) {
      if (control_.cancelled()) return cancelled_error();
      train.y = targets[s](split.kept);
      const Result<Trained> fitted =
          train_prepared(*prepared, train, light, single_, progress_.inner());
      if (!fitted) return fitted.error();
      const Result<Predictions> predictions = predict(fitted->model, split.test);
      if (!predictions) return predictions.error();
      const VectorXd truth = targets[s](split.left_out);
      errors(static_cast<Index>(s), split.left_out) =
          (truth - predictions->mean).cwiseAbs().transpose();
      progress_.step("permutation test");
    }
    return {};
  }

  const chemistry::ElementTable& elements_;
  const TrainingSet& data_;
  const ValidationOptions& options_;
  const ModelSettings settings_;
  const Executor& executor_;
  const Control& control_;
  const Executor single_{1};
  Index rows_;
  std::vector<Split> parts_;
  Folds few_;  // of the permutation test
  std::size_t shuffles_;
  Progress progress_;
  Validation out_;
};

}  // namespace

Result<Validation> validate(const chemistry::ElementTable& elements, const TrainingSet& data,
                            const ValidationOptions& options, const Executor& executor,
                            const Control& control) {
  if (const Status status = options.validate(); !status) return status.error();
  const Folds folds = make_folds(data.catalysts, options.folds, options.seed);
  if (const Status status = enough(data, folds); !status) return status.error();
  return Validator(elements, data, options, folds, executor, control).run();
}

namespace {

// What one split of the rows says in the comparison of orders.
struct OrderResult {
  VectorXd predictions;
  double mae_train = 0.0, mae_loo = 0.0;
  VectorXd loo;
};

Result<OrderResult> by_composition(const Split& split, const ModelSettings& settings) {
  const CompositionColumns columns = CompositionColumns::learn(split.train);
  const auto fitted =
      regression::loo_robust(columns.of(split.train), split.train.y, settings.search.regression);
  if (!fitted) return fitted.error();
  return OrderResult{predict_linear(fitted->fit, columns.of(split.test)), fitted->fit.mae,
                     fitted->mae_cv, split.train.y - fitted->residuals};
}

Result<OrderResult> by_selected_composition(const Split& split, const ModelSettings& settings,
                                            const Executor& executor, const Control& control) {
  const CompositionColumns columns = CompositionColumns::learn(split.train);
  const MatrixXd X = columns.of(split.train);
  const auto chosen = select(X, split.train.y, columns.of(split.test), one_family_each(X.cols()),
                             settings.search, executor, control);
  if (!chosen) return chosen.error();
  return OrderResult{chosen->predictions, chosen->mae_train, chosen->mae_loo, chosen->loo};
}

Result<OrderResult> by_order(const chemistry::ElementTable& elements, const Split& split,
                             ModelSettings settings, int order, const Executor& executor,
                             const Control& control) {
  settings.order = order;
  const Result<Prepared> prepared = prepare(elements, split.train, settings, control);
  if (!prepared) return prepared.error();
  const Result<Trained> trained =
      train_prepared(*prepared, split.train, settings, executor, control);
  if (!trained) return trained.error();
  const Result<Predictions> found = predict(trained->model, split.test);
  if (!found) return found.error();
  const Hypothesis& best = trained->model.hypotheses.front();
  return OrderResult{found->median, best.mae_train, best.mae_cv, trained->best_loo};
}

}  // namespace

Result<std::vector<Figure1Row>> figure1(const chemistry::ElementTable& elements,
                                        const TrainingSet& data, const ValidationOptions& options,
                                        const Executor& executor, const Control& control) {
  if (const Status status = options.validate(); !status) return status.error();
  ModelSettings settings = with_effort(options.model);
  settings.calibration_folds = 0;
  settings.trees = 0;
  if (settings.size_by_nested_error)
    settings.search.size = sizes_to_try(data.catalysts, settings.search.size).back();
  const Folds folds = make_folds(data.catalysts, options.folds, options.seed);
  if (const Status status = enough(data, folds); !status) return status.error();
  const auto rows = static_cast<Index>(data.y.size());
  const Executor single(1);

  // The last item is all rows: what is found there gives the training and leave-one-out errors.
  std::vector<Split> parts = splits(data, folds);
  Split all;
  all.kept.resize(static_cast<std::size_t>(rows));
  std::iota(all.kept.begin(), all.kept.end(), 0);
  all.train = data;
  all.test = subset(data, std::vector<int>{0});
  parts.push_back(std::move(all));

  std::vector<Figure1Row> out;
  for (const char* name :
       {"composition", "composition_selected", "order_0", "order_1", "order_2", "order_3"}) {
    out.push_back({name, 0.0, 0.0, 0.0, VectorXd(rows), VectorXd(rows)});
  }
  Progress progress(control, parts.size() * out.size());
  std::vector<std::vector<OrderResult>> results(parts.size());
  const Status done = for_all(parts.size(), executor, control, [&](std::size_t f) -> Status {
    for (std::size_t row = 0; row < out.size(); ++row) {
      if (control.cancelled()) return cancelled_error();
      const Control inner = progress.inner();
      Result<OrderResult> found =
          row == 0 ? by_composition(parts[f], settings)
          : row == 1
              ? by_selected_composition(parts[f], settings, single, inner)
              : by_order(elements, parts[f], settings, static_cast<int>(row) - 2, single, inner);
      if (!found) return found.error();
      results[f].push_back(std::move(*found));
      progress.step(out[row].name);
    }
    return {};
  });
  if (!done) return done.error();
  for (std::size_t row = 0; row < out.size(); ++row) {
    for (std::size_t f = 0; f + 1 < parts.size(); ++f)
      out[row].nested(parts[f].left_out) = results[f][row].predictions;
    out[row].mae_nested = mean_error(data.y, out[row].nested);
    out[row].mae_train = results.back()[row].mae_train;
    out[row].mae_loo = results.back()[row].mae_loo;
    out[row].loo = results.back()[row].loo;
  }
  return out;
}

}  // namespace kasetsu::selection
