#include "core/selection/calibration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "core/selection/ensemble.h"

namespace kasetsu::selection {
namespace {

// Candidates of a fold (rows x descriptors) that are kept between the choice of the size and the
// calibration, at most: 16 MB.
constexpr Eigen::Index kMostKept = 2'000'000;
// Hypotheses whose median is asked while the size is chosen: more hardly move it.
constexpr int kHypothesesOfSize = 24;
// A linear model wants ten observations for each of its terms to predict as it fits, and means
// little below five (Harrell, "Regression Modeling Strategies", 2nd edition, 2015, section 4.4).
constexpr int kCatalystsThatBear = 10;
constexpr int kFewestCatalysts = 5;
// See widening_of.
constexpr double kFoldsCount = 10.0;  // measurements
constexpr double kFading = 0.99;      // a measurement
constexpr double kLevelStep = 0.005;  // a measurement
constexpr double kMostLevelChange = 0.15;
constexpr double kLeastWidening = 0.1;
constexpr int kShareSteps = 10;  // shares are tenths: equal ones of two and of five parts too

// Searching is nearly all of the time. The folds' searches together do a third of the work that the
// whole search did; a limit in seconds is therefore shared in three quarters and one quarter.
SearchOptions fold_search(const SearchOptions& whole, std::uint64_t work_done, int folds) {
  SearchOptions search = whole;
  search.time_limit = 0.0;
  search.work = std::max<std::uint64_t>(1, work_done / (3 * static_cast<std::uint64_t>(folds)));
  return search;
}

// Not more than one standard error of the paired difference.
bool not_clearly_above(const Eigen::ArrayXd& errors, const Eigen::ArrayXd& least) {
  const Eigen::ArrayXd more = errors - least;
  const double mean = more.mean();
  const double deviation = std::sqrt((more - mean).square().mean());
  return mean <= deviation / std::sqrt(static_cast<double>(more.size()));
}

struct FoldSaid {
  std::vector<int> left_out;
  Predictions predicted;
  double disagreement = 0.0;  // median over the fold's training rows, in leave-one-out
};

Control quiet(const Control& control) {
  Control out;
  out.stop = control.stop;
  out.seconds_left = control.seconds_left;
  return out;
}

Result<Predictions> ask(const Model& model, const FoldPrepared& fold) {
  const Result<Predictor> predictor = Predictor::make(model);
  if (!predictor) return predictor.error();
  return predictor->predict(fold.test.catalysts, fold.test.conditions);
}

// The pipeline learnt on the rows of all other folds, asked for those of this one.
Result<FoldSaid> predict_fold(const FoldPrepared& fold, const ModelSettings& settings,
                              const Executor& executor, const Control& control,
                              const History& history) {
  const Result<Trained> trained =
      train_prepared(fold.prepared, fold.train, settings, executor, quiet(control), history);
  if (!trained) return trained.error();
  Result<Predictions> predicted = ask(trained->model, fold);
  if (!predicted) return predicted.error();
  return FoldSaid{fold.left_out, std::move(predicted).value(),
                  median({trained->disagreement.begin(), trained->disagreement.end()})};
}

// All ways to divide kShareSteps steps among so many parts, in the order of the first part's count,
// then the second's, and so on.
std::vector<std::vector<int>> all_shares(std::size_t parts) {
  std::vector<std::vector<int>> shares = {{}};
  for (std::size_t part = 0; part < parts; ++part) {
    std::vector<std::vector<int>> longer;
    for (const std::vector<int>& counts : shares) {
      const int left = kShareSteps - std::accumulate(counts.begin(), counts.end(), 0);
      // The last part gets all that is left.
      for (int count = part + 1 == parts ? left : 0; count <= left; ++count) {
        longer.push_back(counts);
        longer.back().push_back(count);
      }
    }
    shares = std::move(longer);
  }
  return shares;
}

}  // namespace

PreparedFolds::PreparedFolds(const chemistry::ElementTable& elements, const TrainingSet& data,
                             const ModelSettings& settings, Folds folds)
    : elements_(elements),
      data_(data),
      settings_(settings),
      folds_(std::move(folds)),
      kept_(static_cast<std::size_t>(folds_.count)) {
}

Result<FoldPrepared> PreparedFolds::take(int fold, const Control& control) {
  std::optional<FoldPrepared>& kept = kept_[static_cast<std::size_t>(fold)];
  if (kept) return *std::exchange(kept, std::nullopt);
  std::vector<int> others;
  std::vector<int> left_out;
  for (int i = 0; i < static_cast<int>(data_.y.size()); ++i)
    (folds_.of_row[static_cast<std::size_t>(i)] == fold ? left_out : others).push_back(i);
  TrainingSet train = subset(data_, others);
  Result<Prepared> prepared = prepare(elements_, train, settings_, quiet(control));
  if (!prepared) return prepared.error();
  TrainingSet test = subset(data_, left_out);
  return FoldPrepared{std::move(left_out), std::move(train), std::move(test),
                      std::move(prepared).value()};
}

void PreparedFolds::keep(int fold, FoldPrepared prepared) {
  if (prepared.prepared.candidates.values.size() <= kMostKept)
    kept_[static_cast<std::size_t>(fold)] = std::move(prepared);
}

Eigen::VectorXd choose_shares(const Eigen::VectorXd& y, const Eigen::MatrixXd& parts) {
  const auto count = static_cast<std::size_t>(parts.cols());
  std::vector<std::vector<int>> all = all_shares(count);
  const double equal = static_cast<double>(kShareSteps) / static_cast<double>(count);
  const auto departure = [&](const std::vector<int>& shares) {
    double sum = 0.0;
    for (const int share : shares) sum += (share - equal) * (share - equal);
    return sum;
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const auto& a, const auto& b) { return departure(a) < departure(b); });
  const auto share_of = [&](const std::vector<int>& shares) {
    Eigen::VectorXd share(parts.cols());
    for (std::size_t k = 0; k < count; ++k)
      share[static_cast<Eigen::Index>(k)] = static_cast<double>(shares[k]) / kShareSteps;
    return share;
  };
  const auto errors = [&](const std::vector<int>& shares) -> Eigen::ArrayXd {
    return (y - parts * share_of(shares)).array().abs();
  };
  const std::vector<int>* best = nullptr;
  Eigen::ArrayXd least;
  for (const std::vector<int>& shares : all) {
    Eigen::ArrayXd found = errors(shares);
    if (best != nullptr && !(found.mean() < least.mean())) continue;
    best = &shares;
    least = std::move(found);
  }
  for (const std::vector<int>& shares : all) {
    if (not_clearly_above(errors(shares), least)) return share_of(shares);
  }
  return share_of(*best);
}

std::vector<int> sizes_to_try(std::span<const chemistry::Catalyst> catalysts, int most) {
  std::set<std::string> keys;
  for (const chemistry::Catalyst& catalyst : catalysts)
    keys.insert(chemistry::canonical_key(catalyst));
  const auto count = static_cast<int>(keys.size());
  if (count >= kCatalystsThatBear * most) return {most};
  most = std::clamp(count / kFewestCatalysts, 1, most);
  std::vector<int> sizes;
  for (const int size : {2, 3, 4, 6, 8, 12, 16, 24, 32}) {
    if (size < most) sizes.push_back(size);
  }
  sizes.push_back(most);
  return sizes;
}

Result<int> choose_size(PreparedFolds& folds, const TrainingSet& data,
                        const ModelSettings& settings, const Executor& executor,
                        const Control& control, const History& history,
                        std::vector<SizeTried>& tried) {
  std::vector<int> sizes = sizes_to_try(data.catalysts, settings.search.size);
  if (sizes.size() == 1 || folds.count() < 2) return sizes.back();
  ModelSettings light = settings;
  light.search.hypotheses = std::min(light.search.hypotheses, kHypothesesOfSize);
  std::map<int, Eigen::ArrayXd> errors;
  for (const int size : sizes) errors[size].resize(data.y.size());
  for (int fold = 0; fold < folds.count(); ++fold) {
    if (control.cancelled()) return cancelled_error();
    if (control.out_of_time()) return sizes.front();
    Result<FoldPrepared> prepared = folds.take(fold, control);
    if (!prepared) return prepared.error();
    const Result<std::vector<Trained>> trained = train_sizes(
        prepared->prepared, prepared->train, light, sizes, executor, quiet(control), history);
    if (!trained) return trained.error();
    std::vector<int> found;
    for (const Trained& of_size : *trained) {
      const Result<Predictions> predicted = ask(of_size.model, *prepared);
      if (!predicted) return predicted.error();
      errors[of_size.model.size](prepared->left_out) =
          (prepared->test.y - predicted->median).array().abs();
      found.push_back(of_size.model.size);
    }
    folds.keep(fold, std::move(*prepared));
    sizes = std::move(found);  // only those that every fold allows
    if (sizes.empty()) return settings.search.size;
    control.report((fold + 1.0) / folds.count(), "size of hypotheses");
  }
  for (const int size : sizes) tried.push_back({size, errors[size].mean()});
  const int best = *std::min_element(sizes.begin(), sizes.end(), [&](int a, int b) {
    return errors[a].mean() < errors[b].mean();
  });
  return *std::find_if(sizes.begin(), sizes.end(),
                       [&](int size) { return not_clearly_above(errors[size], errors[best]); });
}

void share_equally(Model& model) {
  const double parts = 1.0 + static_cast<double>(model.companions.size());
  for (Companion& companion : model.companions) companion.weight = 1.0 / parts;
}

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

double widening_of(const Eigen::VectorXd& scores, std::span<const ForwardErrors> forward,
                   double coverage) {
  const double quantile = scores.size() > 0 ? conformal_quantile(scores, coverage) : 0.0;
  if (forward.empty() || !(quantile > 0.0)) return 1.0;
  std::vector<std::pair<double, double>> weighted;  // ratio to the folds' half width, and weight
  for (const double score : scores)
    weighted.emplace_back(score / quantile, kFoldsCount / static_cast<double>(scores.size()));
  double weight = 1.0;
  double level = coverage;
  for (auto errors = forward.rbegin(); errors != forward.rend(); ++errors) {
    const auto count = static_cast<double>(errors->ratios.size());
    for (const double ratio : errors->ratios) weighted.emplace_back(ratio, weight);
    weight *= std::pow(kFading, count);
    level += kLevelStep * count * (coverage - errors->held);
  }
  level = std::clamp(level, coverage - kMostLevelChange, coverage + kMostLevelChange);
  std::sort(weighted.begin(), weighted.end());
  double sum = 1.0;  // of what is measured next, which may err more than all
  for (const auto& [ratio, of] : weighted) sum += of;
  double reached = 0.0;
  for (const auto& [ratio, of] : weighted) {
    reached += of;
    if (reached >= level * sum) return std::max(kLeastWidening, ratio);
  }
  return std::max(kLeastWidening, weighted.back().first);
}

Result<bool> calibrate(PreparedFolds& folds, const TrainingSet& data, const Executor& executor,
                       const Control& control, const History& history, double disagreement,
                       Model& model) {
  const auto rows = static_cast<Eigen::Index>(data.y.size());
  // Of the hypotheses, then of each companion.
  Eigen::MatrixXd parts(rows, 1 + static_cast<Eigen::Index>(model.companions.size()));
  Eigen::VectorXd disagreements(rows), novelty(rows);
  ModelSettings settings = model.settings;
  settings.search = fold_search(model.settings.search, model.search.work, folds.count());
  for (int fold = 0; fold < folds.count(); ++fold) {
    if (control.cancelled()) return cancelled_error();
    if (control.out_of_time()) return false;
    const Result<FoldPrepared> prepared = folds.take(fold, control);
    if (!prepared) return prepared.error();
    const Result<FoldSaid> said = predict_fold(*prepared, settings, executor, control, history);
    if (!said) return said.error();
    const auto& [left_out, predicted, of_fold] = *said;
    parts(left_out, 0) = predicted.median;
    if (predicted.by_companion.cols() > 0)
      parts(left_out, Eigen::seq(1, Eigen::last)) = predicted.by_companion;
    disagreements(left_out) =
        predicted.disagreement * (of_fold > 0.0 ? disagreement / of_fold : 1.0);
    novelty(left_out) = predicted.novelty;
    control.report((fold + 1.0) / folds.count(), "calibration");
  }
  const Eigen::VectorXd shares = choose_shares(data.y, parts);
  for (std::size_t k = 0; k < model.companions.size(); ++k) {
    const auto column = static_cast<Eigen::Index>(k) + 1;
    model.companions[k].weight = shares[column];
    model.companions[k].honest = parts.col(column);
  }
  model.honest_prediction = parts * shares;
  model.honest_hypotheses = parts.col(0);
  set_scores(model, (data.y - model.honest_prediction).cwiseAbs(), disagreements, novelty);
  return true;
}

}  // namespace kasetsu::selection
