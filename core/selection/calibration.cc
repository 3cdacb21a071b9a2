#include "core/selection/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/selection/ensemble.h"
#include "core/selection/pipeline.h"

namespace kasetsu::selection {
namespace {

// Nominal, for all sizes and folds together, where no effort was asked for.
constexpr double kSizeSeconds = 10.0;
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

// The pipeline learnt on the rows of all other folds, asked for those of this one.
Result<FoldSaid> predict_fold(const chemistry::ElementTable& elements, const TrainingSet& data,
                              const Folds& folds, int fold, const ModelSettings& settings,
                              const Executor& executor, const Control& control,
                              const History& history) {
  std::vector<int> kept;
  FoldSaid out;
  for (int i = 0; i < static_cast<int>(data.y.size()); ++i)
    (folds.of_row[static_cast<std::size_t>(i)] == fold ? out.left_out : kept).push_back(i);
  Control quiet;
  quiet.stop = control.stop;
  quiet.seconds_left = control.seconds_left;
  const TrainingSet train = subset(data, kept);
  const Result<Prepared> prepared = prepare(elements, train, settings, quiet);
  if (!prepared) return prepared.error();
  const Result<Trained> trained =
      train_prepared(*prepared, train, settings, executor, quiet, history);
  if (!trained) return trained.error();
  const Result<Predictor> predictor = Predictor::make(trained->model);
  if (!predictor) return predictor.error();
  const TrainingSet test = subset(data, out.left_out);
  Result<Predictions> predicted = predictor->predict(test.catalysts, test.conditions);
  if (!predicted) return predicted.error();
  out.predicted = std::move(*predicted);
  out.disagreement = median({trained->disagreement.begin(), trained->disagreement.end()});
  return out;
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

Result<int> choose_size(const chemistry::ElementTable& elements, const TrainingSet& data,
                        const ModelSettings& settings, const Folds& folds, const Executor& executor,
                        const Control& control, const History& history,
                        std::vector<SizeTried>& tried) {
  std::vector<int> sizes;
  for (const int size : {1, 2, 3, 4, 6, 8, 12, 16, 24, 32}) {
    if (size < settings.search.size) sizes.push_back(size);
  }
  sizes.push_back(settings.search.size);
  ModelSettings light = settings;
  light.trees = 0;
  // All of them together do about as much work as one search.
  const auto runs =
      static_cast<std::uint64_t>(sizes.size()) * static_cast<std::uint64_t>(folds.count);
  if (light.search.work == 0 && light.search.time_limit == 0.0)
    light.search.time_limit = kSizeSeconds;
  if (light.search.work > 0)
    light.search.work = std::max<std::uint64_t>(1, light.search.work / runs);
  light.search.time_limit /= static_cast<double>(runs);
  std::vector<Eigen::ArrayXd> errors;
  for (const int size : sizes) {
    light.search.size = size;
    Eigen::VectorXd said(data.y.size());
    for (int fold = 0; fold < folds.count; ++fold) {
      if (control.cancelled()) return cancelled_error();
      const Result<FoldSaid> found =
          predict_fold(elements, data, folds, fold, light, executor, control, history);
      if (!found) return found.error();
      said(found->left_out) = found->predicted.median;
      control.report(static_cast<double>(errors.size() * static_cast<std::size_t>(folds.count) +
                                         static_cast<std::size_t>(fold) + 1) /
                         static_cast<double>(runs),
                     "size of hypotheses");
    }
    errors.emplace_back((data.y - said).array().abs());
    tried.push_back({size, errors.back().mean()});
  }
  const auto best =
      std::min_element(errors.begin(), errors.end(),
                       [](const auto& a, const auto& b) { return a.mean() < b.mean(); });
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    if (not_clearly_above(errors[k], *best)) return sizes[k];
  }
  KASETSU_ASSERT(false);
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

Result<bool> calibrate(const chemistry::ElementTable& elements, const TrainingSet& data,
                       const Folds& folds, const Executor& executor, const Control& control,
                       const History& history, double disagreement, Model& model) {
  const auto rows = static_cast<Eigen::Index>(data.y.size());
  // Of the hypotheses, then of each companion.
  Eigen::MatrixXd parts(rows, 1 + static_cast<Eigen::Index>(model.companions.size()));
  Eigen::VectorXd disagreements(rows), novelty(rows);
  ModelSettings settings = model.settings;
  settings.search = fold_search(model.settings.search, model.search.work, folds.count);
  for (int fold = 0; fold < folds.count; ++fold) {
    if (control.cancelled()) return cancelled_error();
    if (control.out_of_time()) return false;
    const Result<FoldSaid> said =
        predict_fold(elements, data, folds, fold, settings, executor, control, history);
    if (!said) return said.error();
    const auto& [left_out, predicted, of_fold] = *said;
    parts(left_out, 0) = predicted.median;
    if (predicted.by_companion.cols() > 0)
      parts(left_out, Eigen::seq(1, Eigen::last)) = predicted.by_companion;
    disagreements(left_out) =
        predicted.disagreement * (of_fold > 0.0 ? disagreement / of_fold : 1.0);
    novelty(left_out) = predicted.novelty;
    control.report((fold + 1.0) / folds.count, "calibration");
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
