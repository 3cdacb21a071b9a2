#include "core/selection/contest.h"

#include <algorithm>
#include <set>
#include <span>

#include "core/regression/huber/robust.h"
#include "core/selection/ensemble.h"

namespace kasetsu::selection {
namespace {

using descriptors::Descriptor;

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

}  // namespace

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

void Contest::add(Fitted candidate, std::vector<std::string> key, bool veteran, int most,
                  double optimism, const History& history) {
  const double expected =
      expected_error(candidate.hypothesis.mae_cv, static_cast<int>(candidate.loo.size()), optimism,
                     history.find(key));
  const bool may_stand = std::ssize(key) <= most;
  contenders.push_back({expected, veteran, std::move(key), may_stand});
  fitted.push_back(std::move(candidate));
}

int most_descriptors(Eigen::Index rows) {
  return std::max(1, static_cast<int>(rows - 2) / 2);
}

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

}  // namespace kasetsu::selection
