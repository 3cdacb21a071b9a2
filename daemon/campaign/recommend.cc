#include "daemon/campaign/recommend.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "core/planning/cold_start.h"
#include "core/planning/ensemble_surrogate.h"
#include "core/planning/gaussian_surrogate.h"

namespace kasetsu::campaign {
namespace {

using planning::KnownPoint;
using planning::KnownState;

std::optional<double> finite(double value) {
  if (std::isfinite(value)) return value;
  return std::nullopt;
}

Json finite_json(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

// A candidate of the space from a measured catalyst and, where the space varies them, its
// conditions.
Result<planning::Candidate> candidate_of(const std::string& key, const std::string& conditions,
                                         const std::vector<std::string>& names,
                                         const chemistry::SupportTable& supports) {
  Result<chemistry::Catalyst> catalyst = chemistry::parse_key(key, supports);
  if (!catalyst) return catalyst.error();
  planning::Candidate candidate{std::move(catalyst).value(), {}};
  if (names.empty()) return candidate;
  const Result<Json> told = parse_json(conditions.empty() ? "{}" : conditions);
  if (!told) return told.error();
  for (const std::string& name : names) {
    const auto value = read_optional<double>(*told, name);
    if (!value) return value.error();
    // Without the condition the point cannot be told apart from others of its catalyst; it is left
    // unfinished, and the planner matches it by what it has.
    if (!*value) break;
    candidate.conditions.push_back(**value);
  }
  return candidate;
}

// Everything known, one entry a candidate and state.
Result<std::vector<KnownPoint>> known_points(const CampaignConfig& config,
                                             const RecommendInput& input,
                                             const chemistry::SupportTable& supports) {
  const std::vector<std::string> names = config.conditions();
  // |leave-one-out residual| of the ensemble, by measurement.
  std::map<std::int64_t, double> loo_error;
  if (input.model) {
    Eigen::Index row = 0;
    for (const TrainingRow& learnt : input.model_rows.rows) {
      if (learnt.kind == SampleKind::blank) continue;
      if (row >= input.model->y.size()) break;
      loo_error[learnt.seq] = std::abs(input.model->y[row] - input.model->loo_prediction[row]);
      ++row;
    }
  }

  struct Measured {
    planning::Candidate candidate;
    double sum = 0.0;
    int count = 0;
    double worst = std::numeric_limits<double>::quiet_NaN();
  };
  std::map<std::string, Measured> measured;
  for (const TrainingRow& row : input.training.rows) {
    if (row.kind == SampleKind::blank) continue;
    Result<planning::Candidate> candidate =
        candidate_of(row.catalyst, row.conditions, names, supports);
    if (!candidate) return candidate.error();
    const std::string key =
        planning::candidate_key(*candidate, candidate->conditions.size() == names.size()
                                                ? config.space.conditions
                                                : std::vector<planning::ConditionLevels>{});
    Measured& entry = measured[key];
    entry.candidate = std::move(candidate).value();
    entry.sum += row.value;
    ++entry.count;
    if (const auto found = loo_error.find(row.seq); found != loo_error.end()) {
      entry.worst = std::isnan(entry.worst) ? found->second : std::max(entry.worst, found->second);
    }
  }
  std::vector<KnownPoint> known;
  for (auto& [key, entry] : measured) {
    known.push_back({std::move(entry.candidate), KnownState::measured, entry.sum / entry.count,
                     entry.count, entry.worst});
  }
  const auto add = [&](const std::vector<std::string>& keys, KnownState state) -> Status {
    for (const std::string& key : keys) {
      Result<planning::Candidate> candidate = candidate_of(key, "{}", {}, supports);
      if (!candidate) return candidate.error();
      known.push_back({std::move(candidate).value(), state});
    }
    return {};
  };
  for (const auto& [keys, state] : {std::pair{&input.known.pending, KnownState::pending},
                                    std::pair{&input.known.failed, KnownState::failed},
                                    std::pair{&input.known.infeasible, KnownState::infeasible}}) {
    if (const Status status = add(*keys, state); !status) return status.error();
  }
  // Measured for another target of the campaign only.
  if (names.empty()) {
    std::vector<std::string> others;
    for (const std::string& key : input.known.measured) {
      if (!measured.contains(key)) others.push_back(key);
    }
    if (const Status status = add(others, KnownState::measured); !status) return status.error();
  }
  return known;
}

// The campaign's choice of what plans. "automatic": the Gaussian process where its leave-one-out
// error is smaller than the ensemble's, although that of the ensemble is flattered by descriptors
// that were chosen with all rows in sight. `chosen`: a sentence for the plan.
Result<std::unique_ptr<planning::Surrogate>> surrogate_of(const CampaignConfig& config,
                                                          const selection::Model& model,
                                                          const planning::CandidateSpace& space,
                                                          const std::vector<KnownPoint>& known,
                                                          const Executor& executor,
                                                          std::string& chosen) {
  Result<std::unique_ptr<planning::Surrogate>> ensemble = planning::make_ensemble_surrogate(model);
  if (!ensemble || config.planner.surrogate == "hypotheses") return ensemble;
  std::vector<planning::MeasuredPoint> measured;
  for (const KnownPoint& point : known) {
    if (point.state == KnownState::measured && std::isfinite(point.value) &&
        point.candidate.conditions.size() == space.conditions().size()) {
      measured.push_back({point.candidate, point.value});
    }
  }
  const bool asked = config.planner.surrogate == "gaussian_process";
  constexpr std::size_t kFewest = 10;
  constexpr std::size_t kMost = 2000;  // rows: its cost grows with their cube
  if (measured.size() < kFewest || measured.size() > kMost) {
    if (asked) {
      chosen = fmt::format(
          "The ensemble of hypotheses planned: a Gaussian process needs {} to {} "
          "measured catalysts, and there are {}.",
          kFewest, kMost, measured.size());
    }
    return ensemble;
  }
  planning::GaussianSurrogateOptions options;
  if (!asked) {
    // A look at whether it pays; the daemon plans after every batch.
    options.kernels = {planning::Kernel::matern52};
    options.roots = false;
    options.iterations = 20;
    options.rows_for_search = 200;
  }
  Result<std::unique_ptr<planning::GaussianSurrogate>> process =
      planning::make_gaussian_surrogate(space, measured, options, executor);
  if (!process) return process.error();
  const double error = (*process)->loo_error();
  const double error_of_ensemble = (model.y - model.loo_prediction).cwiseAbs().mean();
  if (!asked && error >= error_of_ensemble) return ensemble;
  chosen = fmt::format(
      "The Gaussian process chose what to exploit: its leave-one-out error is {:.3g}, that of the "
      "ensemble of hypotheses {:.3g}.",
      error, error_of_ensemble);
  return planning::combine(std::move(process).value(), std::move(ensemble).value());
}

Json card_of(const planning::Proposal& proposal) {
  return {{"score", finite_json(proposal.score)},
          {"disagreement", finite_json(proposal.disagreement)},
          {"nearest", proposal.nearest},
          {"distance", finite_json(proposal.distance)},
          {"runner_up", proposal.runner_up}};
}

}  // namespace

Json plan_summary(const planning::Plan& plan) {
  Json rules = Json::array();
  for (const planning::RuleCount& rule : plan.rules) {
    rules.push_back(
        {{"rule", rule.name}, {"removed", rule.removed}, {"estimated", rule.estimated}});
  }
  return {{"surrogate", plan.surrogate}, {"space_size", plan.space_size},
          {"evaluated", plan.evaluated}, {"allowed", plan.allowed},
          {"excluded", plan.excluded},   {"exact", plan.exact},
          {"sampled", plan.sampled},     {"rules", rules},
          {"notes", plan.notes}};
}

Result<Recommendation> recommend(const CampaignConfig& config, const RecommendInput& input,
                                 int size, const Science& science, const Executor& executor,
                                 const Control& control) {
  const Result<planning::CandidateSpace> space = planning::CandidateSpace::make(config.space);
  if (!space) return space.error();
  const Result<planning::RuleSet> rules = planning::RuleSet::make(config.rules, *space);
  if (!rules) return rules.error();
  planning::PlanOptions options = config.plan_options(input.batch_number);
  if (size > 0 && size != options.batch) {
    // The campaign's numbers belong to its own batch size; another size keeps their proportions.
    for (planning::MixEntry& entry : options.mix) {
      if (entry.share > 0.0) continue;
      entry.share = static_cast<double>(entry.count) / options.batch;
      entry.count = 0;
    }
    std::erase_if(options.mix, [](const planning::MixEntry& entry) { return entry.share <= 0.0; });
    options.batch = size;
  }

  Result<std::vector<KnownPoint>> known = known_points(config, input, science.supports);
  if (!known) return known.error();
  std::string chosen;
  Result<std::unique_ptr<planning::Surrogate>> surrogate =
      input.model ? surrogate_of(config, *input.model, *space, *known, executor, chosen)
                  : planning::make_cold_start_surrogate(science.elements, *space,
                                                        config.model.features, options.seed);
  if (!surrogate) return surrogate.error();
  planning::PlanProblem problem;
  problem.space = &*space;
  problem.rules = &*rules;
  problem.surrogate = surrogate->get();
  problem.target = config.targets.front().name;
  problem.unit = config.targets.front().unit;
  problem.known = std::move(known).value();

  Result<planning::Plan> planned = planning::plan(problem, options, executor, control);
  if (!planned) return planned.error();
  Recommendation out;
  out.plan = std::move(planned).value();
  if (!chosen.empty()) out.plan.notes.insert(out.plan.notes.begin(), chosen);
  out.batch.property = problem.target;
  out.batch.summary = dump_json(plan_summary(out.plan));

  // Each hypothesis's own prediction goes into the ledger before anything is measured.
  Eigen::MatrixXd by_hypothesis;
  if (input.model) {
    const Result<selection::Predictor> predictor = selection::Predictor::make(*input.model);
    if (!predictor) return predictor.error();
    std::vector<chemistry::Catalyst> catalysts;
    descriptors::Conditions conditions;
    conditions.names = input.model->features.condition_names;
    conditions.values.resize(static_cast<Eigen::Index>(out.plan.proposals.size()),
                             static_cast<Eigen::Index>(conditions.names.size()));
    for (std::size_t i = 0; i < out.plan.proposals.size(); ++i) {
      const planning::Candidate& candidate = out.plan.proposals[i].candidate;
      catalysts.push_back(candidate.catalyst);
      for (std::size_t j = 0; j < conditions.names.size(); ++j) {
        conditions.values(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
            candidate.conditions.at(j);
      }
    }
    Result<selection::Predictions> predictions = predictor->predict(catalysts, conditions);
    if (!predictions) return predictions.error();
    by_hypothesis = std::move(predictions->by_hypothesis);
  }
  for (std::size_t i = 0; i < out.plan.proposals.size(); ++i) {
    const planning::Proposal& proposal = out.plan.proposals[i];
    PlannedProposal planned_proposal;
    planned_proposal.strategy = std::string(planning::to_string(proposal.strategy));
    planned_proposal.catalyst = chemistry::canonical_key(proposal.candidate.catalyst);
    planned_proposal.description = chemistry::describe(proposal.candidate.catalyst);
    Json conditions = Json::object();
    for (std::size_t j = 0; j < proposal.candidate.conditions.size(); ++j) {
      conditions[config.space.conditions[j].name] = proposal.candidate.conditions[j];
    }
    planned_proposal.conditions = dump_json(conditions);
    planned_proposal.mean = finite(proposal.mean);
    planned_proposal.low = finite(proposal.low);
    planned_proposal.high = finite(proposal.high);
    planned_proposal.novelty = finite(proposal.novelty);
    planned_proposal.reason = proposal.reason;
    planned_proposal.card = dump_json(card_of(proposal));
    for (Eigen::Index h = 0; h < by_hypothesis.cols(); ++h) {
      planned_proposal.hypotheses.push_back(by_hypothesis(static_cast<Eigen::Index>(i), h));
    }
    out.batch.proposals.push_back(std::move(planned_proposal));
  }
  return out;
}

}  // namespace kasetsu::campaign
