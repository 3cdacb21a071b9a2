#include "core/selection/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
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

Result<Validation> validate(const chemistry::ElementTable& elements, const TrainingSet& data,
                            const ValidationOptions& options, const Executor& executor,
                            const Control& control) {
  if (const Status status = options.validate(); !status) return status.error();
  const ModelSettings settings = with_effort(options.model);
  const Folds folds = make_folds(data.catalysts, options.folds, options.seed);
  if (const Status status = enough(data, folds); !status) return status.error();
  const auto rows = static_cast<Index>(data.y.size());
  const Executor single(1);

  Validation out;
  out.n_samples = static_cast<int>(rows);
  out.n_catalysts = make_folds(data.catalysts, 0, options.seed).count;
  out.folds = folds.count;
  out.fold_of_row = folds.of_row;
  out.nominal = settings.coverage;
  out.nested = {"model", 0.0, VectorXd(rows)};
  out.nested_hypotheses = {"hypotheses", 0.0, VectorXd(rows)};
  out.low.resize(rows);
  out.high.resize(rows);

  const std::vector<Split> parts = splits(data, folds);
  const Folds few =
      make_folds(data.catalysts, options.permutations > 0 ? kReducedFolds : 2, options.seed + 1);
  const std::size_t shuffles =
      options.permutations > 0 ? 1 + static_cast<std::size_t>(options.permutations) : 0;
  Progress progress(control, 1 + parts.size() * 2 + shuffles * static_cast<std::size_t>(few.count));

  // Naive: everything at once, as the search itself sees it.
  ModelSettings naive = settings;
  naive.calibration_folds = 0;
  naive.trees = 0;
  const Result<Model> whole = train(elements, data, naive, executor, progress.inner());
  if (!whole) return whole.error();
  out.mae_naive = whole->hypotheses.front().mae_cv;
  out.noise = whole->noise;
  out.mae_naive_ensemble = mean_error(whole->y, whole->loo_prediction);
  progress.step("naive error");

  std::vector<std::optional<FoldModel>> models(parts.size());
  const Status trained = for_all(parts.size(), executor, control, [&](std::size_t f) -> Status {
    const Split& split = parts[f];
    Result<Model> model = train(elements, split.train, settings, single, progress.inner());
    if (!model) return model.error();
    const Result<Predictor> predictor = Predictor::make(*model);
    if (!predictor) return predictor.error();
    Result<Predictions> predictions =
        predictor->predict(split.test.catalysts, split.test.conditions);
    if (!predictions) return predictions.error();
    progress.step("nested folds");
    Result<Prepared> prepared = prepare(elements, split.train, settings, control);
    if (!prepared) return prepared.error();
    NamedPredictions others;
    if (options.baselines) {
      Result<NamedPredictions> found =
          baselines(split.train, split.test, *prepared, settings, single, progress.inner());
      if (!found) return found.error();
      others = std::move(*found);
    }
    progress.step("baselines");
    models[f] = FoldModel{std::move(*model), std::move(*predictions), std::move(others)};
    return {};
  });
  if (!trained) return trained.error();

  std::map<std::string, double> descriptor_share, family_share, property_share;
  for (std::size_t f = 0; f < parts.size(); ++f) {
    const std::vector<int>& test = parts[f].left_out;
    const FoldModel& fold = *models[f];
    // Of the batches that the fold's rows tell, the offsets are known to whoever predicts.
    VectorXd drift = VectorXd::Zero(static_cast<Index>(test.size()));
    for (std::size_t i = 0; i < test.size() && !data.batches.empty(); ++i) {
      drift[static_cast<Index>(i)] =
          fold.model.offsets.of(data.batches[static_cast<std::size_t>(test[i])]);
    }
    out.nested.predictions(test) = fold.predictions.mean + drift;
    out.nested_hypotheses.predictions(test) = fold.predictions.median + drift;
    out.low(test) = fold.predictions.low + drift;
    out.high(test) = fold.predictions.high + drift;
    for (std::size_t b = 0; b < fold.baselines.size(); ++b) {
      if (f == 0) out.baselines.push_back({fold.baselines[b].first, 0.0, VectorXd(rows)});
      out.baselines[b].predictions(test) = fold.baselines[b].second;
    }
    const std::vector<descriptors::Primary>& primaries = fold.model.features.primaries;
    for (const Hypothesis& hypothesis : fold.model.hypotheses) {
      std::set<std::string> families, properties;
      for (const descriptors::Descriptor& descriptor : hypothesis.descriptors) {
        descriptor_share[descriptors::to_text(descriptor, primaries)] += hypothesis.weight;
        for (int k = 0; k < descriptor.order; ++k) {
          const auto& primary = primaries[static_cast<std::size_t>(descriptor.factors[k].primary)];
          families.insert(primary.name);
          properties.insert(primary.property);
        }
      }
      for (const std::string& name : families) family_share[name] += hypothesis.weight;
      for (const std::string& name : properties) property_share[name] += hypothesis.weight;
    }
  }
  for (const std::string& name : companion_kinds()) out.parts.push_back({name, 0.0});
  double companions = 0.0;
  for (Frequency& part : out.parts) {
    for (const std::optional<FoldModel>& fold : models) {
      for (const Companion& companion : fold->model.companions) {
        if (companion.name == part.name)
          part.share += companion.weight / static_cast<double>(parts.size());
      }
    }
    companions += part.share;
  }
  out.parts.insert(out.parts.begin(), {"hypotheses", std::max(0.0, 1.0 - companions)});
  out.nested.mae = mean_error(data.y, out.nested.predictions);
  out.nested_hypotheses.mae = mean_error(data.y, out.nested_hypotheses.predictions);
  for (Judged& baseline : out.baselines) baseline.mae = mean_error(data.y, baseline.predictions);
  out.coverage =
      static_cast<double>(
          ((data.y.array() >= out.low.array()) && (data.y.array() <= out.high.array())).count()) /
      static_cast<double>(rows);
  const auto total = static_cast<double>(parts.size());
  out.descriptors = sorted_shares(descriptor_share, total);
  out.families = sorted_shares(family_share, total);
  out.properties = sorted_shares(property_share, total);

  out.permutation_p = out.mae_reduced = std::numeric_limits<double>::quiet_NaN();
  if (options.permutations == 0) return out;
  std::vector<VectorXd> targets(shuffles, data.y);
  for (std::size_t s = 1; s < shuffles; ++s) {
    Random random(options.seed, kPermutationStream + s);
    random.shuffle(targets[s]);
  }
  ModelSettings light = settings;
  light.calibration_folds = 0;
  light.trees = settings.trees > 0 ? kReducedTrees : 0;
  light.search = reduced(settings.search, kReducedShare);
  const std::vector<Split> reduced_parts = splits(data, few);
  MatrixXd errors(static_cast<Index>(shuffles), rows);
  const Status tested =
      for_all(reduced_parts.size(), executor, control, [&](std::size_t f) -> Status {
        const Split& split = reduced_parts[f];
        const Result<Prepared> prepared = prepare(elements, split.train, light, control);
        if (!prepared) return prepared.error();
        TrainingSet train = split.train;
        for (std::size_t s = 0; s < shuffles; ++s) {
          if (control.cancelled()) return cancelled_error();
          train.y = targets[s](split.kept);
          Result<Trained> fitted =
              train_prepared(*prepared, train, light, single, progress.inner());
          if (!fitted) return fitted.error();
          const Result<Predictor> predictor = Predictor::make(fitted->model);
          if (!predictor) return predictor.error();
          const Result<Predictions> predictions =
              predictor->predict(split.test.catalysts, split.test.conditions);
          if (!predictions) return predictions.error();
          const VectorXd truth = targets[s](split.left_out);
          errors(static_cast<Index>(s), split.left_out) =
              (truth - predictions->mean).cwiseAbs().transpose();
          progress.step("permutation test");
        }
        return {};
      });
  if (!tested) return tested.error();
  const VectorXd means = errors.rowwise().mean();
  out.mae_reduced = means[0];
  int as_small = 0;
  for (std::size_t s = 1; s < shuffles; ++s) {
    out.mae_shuffled.push_back(means[static_cast<Index>(s)]);
    if (out.mae_shuffled.back() <= out.mae_reduced) ++as_small;
  }
  out.permutation_p = (1.0 + as_small) / static_cast<double>(shuffles);
  return out;
}

Result<std::vector<Figure1Row>> figure1(const chemistry::ElementTable& elements,
                                        const TrainingSet& data, const ValidationOptions& options,
                                        const Executor& executor, const Control& control) {
  if (const Status status = options.validate(); !status) return status.error();
  ModelSettings settings = with_effort(options.model);
  settings.calibration_folds = 0;
  settings.trees = 0;
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
  std::vector<std::vector<VectorXd>> predictions(parts.size(), std::vector<VectorXd>(out.size()));
  const auto note = [&](std::size_t f, std::size_t row, double train, double loo,
                        const VectorXd& loo_predictions) {
    if (f + 1 != parts.size()) return;
    out[row].mae_train = train;
    out[row].mae_loo = loo;
    out[row].loo = loo_predictions;
  };
  const Status done = for_all(parts.size(), executor, control, [&](std::size_t f) -> Status {
    const Split& split = parts[f];
    const VectorXd& y = split.train.y;
    const CompositionColumns columns = CompositionColumns::learn(split.train);
    const MatrixXd X = columns.of(split.train);
    const MatrixXd fresh = columns.of(split.test);
    const auto plain = regression::loo_robust(X, y, settings.search.regression);
    if (!plain) return plain.error();
    predictions[f][0] = predict_linear(plain->fit, fresh);
    note(f, 0, plain->fit.mae, plain->mae_cv, y - plain->residuals);
    progress.step("composition");
    const auto chosen =
        select(X, y, fresh, one_family_each(X.cols()), settings.search, single, progress.inner());
    if (!chosen) return chosen.error();
    predictions[f][1] = chosen->predictions;
    note(f, 1, chosen->mae_train, chosen->mae_loo, chosen->loo);
    progress.step("composition with selection");
    for (int order = 0; order <= 3; ++order) {
      if (control.cancelled()) return cancelled_error();
      ModelSettings of_order = settings;
      of_order.order = order;
      const Result<Prepared> prepared = prepare(elements, split.train, of_order, control);
      if (!prepared) return prepared.error();
      const Result<Trained> trained =
          train_prepared(*prepared, split.train, of_order, single, progress.inner());
      if (!trained) return trained.error();
      const Result<Predictor> predictor = Predictor::make(trained->model);
      if (!predictor) return predictor.error();
      const Result<Predictions> found =
          predictor->predict(split.test.catalysts, split.test.conditions);
      if (!found) return found.error();
      const auto place = static_cast<std::size_t>(2 + order);
      predictions[f][place] = found->median;
      const Hypothesis& best = trained->model.hypotheses.front();
      note(f, place, best.mae_train, best.mae_cv, trained->best_loo);
      progress.step(fmt::format("order {}", order));
    }
    return {};
  });
  if (!done) return done.error();
  for (std::size_t row = 0; row < out.size(); ++row) {
    for (std::size_t f = 0; f + 1 < parts.size(); ++f)
      out[row].nested(parts[f].left_out) = predictions[f][row];
    out[row].mae_nested = mean_error(data.y, out[row].nested);
  }
  return out;
}

}  // namespace kasetsu::selection
