#include "daemon/campaign/planning/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "core/planning/plate.h"
#include "core/planning/surrogates/cold_start.h"
#include "core/planning/surrogates/ensemble_surrogate.h"
#include "core/planning/surrogates/gaussian_surrogate.h"
#include "core/planning/surrogates/pareto.h"
#include "core/selection/verdict.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/campaign/learning/one_level.h"
#include "daemon/campaign/learning/verdict_json.h"
#include "daemon/campaign/records/conditions.h"

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

struct MeasuredCandidate {
  planning::Candidate candidate;
  double sum = 0.0;
  int count = 0;
  double worst = std::numeric_limits<double>::quiet_NaN();
};
using MeasuredCandidates = std::map<std::string, MeasuredCandidate>;  // by key

// loo_error: |leave-one-out residual| by measurement.
Result<MeasuredCandidates> measured_candidates(const CampaignConfig& config,
                                               const TrainingSet& training,
                                               const chemistry::SupportTable& supports,
                                               const std::map<std::int64_t, double>& loo_error) {
  const std::vector<std::string> names = config.conditions();
  MeasuredCandidates measured;
  for (const TrainingRow& row : training.rows) {
    if (row.kind == SampleKind::blank) continue;
    Result<planning::Candidate> candidate =
        candidate_of(row.catalyst, row.conditions, names, supports);
    if (!candidate) return candidate.error();
    const std::string key =
        planning::candidate_key(*candidate, candidate->conditions.size() == names.size()
                                                ? config.space.conditions
                                                : std::vector<planning::ConditionLevels>{});
    MeasuredCandidate& entry = measured[key];
    entry.candidate = std::move(candidate).value();
    entry.sum += row.value;
    ++entry.count;
    if (const auto found = loo_error.find(row.seq); found != loo_error.end()) {
      entry.worst = std::isnan(entry.worst) ? found->second : std::max(entry.worst, found->second);
    }
  }
  return measured;
}

// Everything known, one entry a candidate and state, less what the features cannot describe: the
// planner asks what plans about every known point, and such a catalyst is in no space.
Result<std::vector<KnownPoint>> known_points(const CampaignConfig& config,
                                             const RecommendInput& input, const Science& science) {
  const chemistry::SupportTable& supports = science.supports;
  const std::vector<std::string> names = config.conditions();
  std::map<std::int64_t, double> loo_error;
  if (input.model) {
    Eigen::Index row = 0;
    for (const TrainingRow& learnt : input.model_rows.rows) {
      if (!can_be_learnt(learnt, input.model->features.condition_names)) continue;
      if (row >= input.model->y.size()) break;
      loo_error[learnt.seq] = std::abs(input.model->y[row] - input.model->loo_prediction[row]);
      ++row;
    }
  }
  const Result<MeasuredCandidates> measured =
      measured_candidates(config, input.training, supports, loo_error);
  if (!measured) return measured.error();
  std::vector<KnownPoint> known;
  for (const auto& [key, entry] : *measured) {
    known.push_back(
        {entry.candidate, KnownState::measured, entry.sum / entry.count, entry.count, entry.worst});
  }
  const auto add = [&](const std::vector<AskedCandidate>& asked, KnownState state) -> Status {
    for (const AskedCandidate& one : asked) {
      Result<planning::Candidate> candidate =
          candidate_of(one.catalyst, one.conditions, names, supports);
      if (!candidate) return candidate.error();
      known.push_back({std::move(candidate).value(), state});
    }
    return {};
  };
  for (const auto& [asked, state] : {std::pair{&input.known.pending, KnownState::pending},
                                     std::pair{&input.proposed, KnownState::proposed},
                                     std::pair{&input.known.failed, KnownState::failed},
                                     std::pair{&input.known.infeasible, KnownState::infeasible}}) {
    if (const Status status = add(*asked, state); !status) return status.error();
  }
  // Measured for another target of the campaign only.
  std::vector<AskedCandidate> others;
  if (names.empty()) {
    for (const std::string& key : input.known.measured) {
      if (!measured->contains(key)) others.push_back({key, "{}"});
    }
  }
  if (const Status status = add(others, KnownState::measured); !status) return status.error();
  for (std::size_t t = 0; t < input.others.size() && !names.empty(); ++t) {
    const Result<MeasuredCandidates> of_other =
        measured_candidates(config, input.others[t].training, supports, {});
    if (!of_other) return of_other.error();
    for (const auto& [key, entry] : *of_other) {
      if (!measured->contains(key)) known.push_back({entry.candidate, KnownState::measured});
    }
  }
  std::erase_if(known, [&](const KnownPoint& point) {
    const chemistry::Catalyst& catalyst = point.candidate.catalyst;
    if (input.model) return !describes(input.model->features, catalyst);
    return lacking_element(catalyst, config.model.features.method,
                           [&](int element) { return science.elements.has(element); })
        .has_value();
  });
  return known;
}

// Error of a Gaussian process on measured candidates that it never saw: five folds, the
// hyperparameters found anew in each.
double nested_error(const planning::CandidateSpace& space,
                    const std::vector<planning::MeasuredPoint>& measured,
                    const planning::GaussianSurrogateOptions& options, std::uint64_t seed,
                    const Executor& executor, const Control& control) {
  constexpr int kFolds = 5;
  std::vector<chemistry::Catalyst> catalysts;
  for (const planning::MeasuredPoint& point : measured) {
    catalysts.push_back(point.candidate.catalyst);
  }
  const selection::Folds folds = selection::make_folds(catalysts, kFolds, seed);
  std::vector<double> errors(static_cast<std::size_t>(folds.count),
                             std::numeric_limits<double>::infinity());
  executor.parallel_for(errors.size(), [&](std::size_t fold) {
    std::vector<planning::MeasuredPoint> learnt;
    std::vector<planning::Candidate> asked;
    std::vector<double> values;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      if (folds.of_row[i] == static_cast<int>(fold)) {
        asked.push_back(measured[i].candidate);
        values.push_back(measured[i].value);
      } else {
        learnt.push_back(measured[i]);
      }
    }
    const auto process =
        planning::make_gaussian_surrogate(space, learnt, options, Executor(1), nullptr, control);
    planning::Evaluation evaluation;
    if (!process || !(*process)->evaluate(asked, evaluation)) return;
    double sum = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += std::abs(values[i] - evaluation.mean[static_cast<Eigen::Index>(i)]);
    }
    errors[fold] = sum;
  });
  double sum = 0.0;
  for (const double error : errors) sum += error;
  return sum / static_cast<double>(measured.size());
}

// Why a surrogate plans.
struct SurrogateChoice {
  std::string sentence;  // for the plan; empty: nothing to tell
  // Nested error of a Gaussian process that was chosen for being better than the ensemble.
  double process_error = std::numeric_limits<double>::quiet_NaN();
};

// The campaign's choice of what plans. "automatic": the Gaussian process where its nested error is
// smaller than the ensemble's.
Result<std::unique_ptr<planning::Surrogate>> surrogate_of(
    const CampaignConfig& config, const selection::Model& model,
    const planning::CandidateSpace& space, const MeasuredCandidates& candidates,
    const Executor& executor, const Control& control, SurrogateChoice& choice) {
  std::string& chosen = choice.sentence;
  Result<std::unique_ptr<planning::Surrogate>> ensemble =
      planning::make_ensemble_surrogate(model, config.conditions());
  if (!ensemble || config.planner.surrogate == "hypotheses") return ensemble;
  const bool asked = config.planner.surrogate == "gaussian_process";
  if (!asked && space.size() > config.planner.most_evaluated) {
    chosen =
        "The ensemble of hypotheses planned: only it can be bounded, and the space is too large to "
        "be looked at one by one.";
    return ensemble;
  }
  std::vector<planning::MeasuredPoint> measured;
  for (const auto& [key, entry] : candidates) {
    if (entry.candidate.conditions.size() == space.conditions().size())
      measured.push_back({entry.candidate, entry.sum / entry.count});
  }
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
  double error = 0.0;
  double error_of_ensemble = 0.0;
  if (!asked) {
    // A look at whether it pays; the daemon plans after every batch.
    options.kernels = {planning::Kernel::matern52};
    options.roots = false;
    options.iterations = 20;
    options.rows_for_search = 150;
    error = nested_error(space, measured, options, model.settings.search.seed, executor, control);
    if (control.cancelled()) return cancelled_error();
    const bool honest = model.honest_prediction.size() == model.y.size();
    error_of_ensemble =
        (model.y - (honest ? model.honest_prediction : model.loo_prediction)).cwiseAbs().mean();
    chosen = fmt::format(
        "{} chose what to exploit: on folds that they never saw the error of the Gaussian process "
        "is {:.3g}, that of the ensemble of hypotheses {:.3g}{}.",
        error < error_of_ensemble ? "The Gaussian process" : "The ensemble of hypotheses", error,
        error_of_ensemble, honest ? "" : " (by leave-one-out: it was not calibrated)");
    if (!(error < error_of_ensemble)) return ensemble;
    choice.process_error = error;
    options.rows_for_search = 200;
  } else {
    chosen = "The Gaussian process chose what to exploit, as the campaign asks.";
  }
  Result<std::unique_ptr<planning::GaussianSurrogate>> process =
      planning::make_gaussian_surrogate(space, measured, options, executor, nullptr, control);
  if (!process) return process.error();
  return planning::combine(std::move(process).value(), std::move(ensemble).value());
}

// Whether what plans predicts: by the verdict on the model, or because the process that exploits
// instead is clearly better than the median.
bool may_exploit(const std::optional<selection::Verdict>& verdict, const SurrogateChoice& choice) {
  if (!verdict || verdict->word != selection::VerdictWord::no_better_than_median) return true;
  return choice.process_error < (1.0 - selection::kClearGain) * verdict->mae_median;
}

// The input without the models that were learnt under a condition that the campaign does not vary
// any more: nobody can tell them what to take for it. Nothing: there is no such model.
std::optional<RecommendInput> without_strange_models(const CampaignConfig& config,
                                                     const RecommendInput& input) {
  const std::vector<std::string> names = config.conditions();
  std::optional<RecommendInput> out;
  const auto look = [&](const std::optional<selection::Model>& model, const std::string& target) {
    if (!model) return false;
    const std::string strange = strange_condition(*model, names);
    if (strange.empty()) return false;
    if (!out) out = input;
    out->notes.push_back(
        fmt::format("The model of {} was learnt under {}, which the campaign does not vary now: "
                    "planned without it, until a retraining.",
                    target, strange));
    return true;
  };
  if (look(input.model, config.targets.front().name)) {
    out->model.reset();
    out->model_id.clear();
    out->model_rows = {};
  }
  for (std::size_t t = 0; t < input.others.size(); ++t) {
    if (!look(input.others[t].model, config.targets[t + 1].name)) continue;
    out->others[t].model.reset();
    out->others[t].model_id.clear();
  }
  return out;
}

// Where on the instrument's plates each proposal goes; empty without [plate].
Json plate_of(const CampaignConfig& config, std::size_t proposals, std::uint64_t seed) {
  Json places = Json::array();
  if (config.plate.channels == 0) return places;
  const planning::PlateShape shape{config.plate.channels, config.plate.blanks,
                                   config.plate.references, config.plate.randomize};
  using What = planning::PlatePlace::What;
  for (const planning::PlatePlace& place : planning::lay_out(proposals, shape, seed)) {
    Json item = {{"plate", place.plate}, {"channel", place.channel}};
    if (place.what == What::proposal) {
      item["sample"] = "proposal";
      item["rank"] = place.item + 1;
    } else if (place.what == What::blank) {
      item["sample"] = "blank";
    } else {
      item["sample"] = "reference";
      const auto& references = config.planner.references;
      if (!references.empty()) {
        item["catalyst"] =
            chemistry::canonical_key(references[place.item % references.size()].catalyst);
      }
    }
    places.push_back(std::move(item));
  }
  return places;
}

Json target_json(const Target& target, const planning::TargetPrediction& prediction) {
  Json item = Json::object();
  item["target"] = target.name;
  item["unit"] = target.unit;
  item["mean"] = finite_json(prediction.mean);
  item["low"] = finite_json(prediction.low);
  item["high"] = finite_json(prediction.high);
  item["novelty"] = finite_json(prediction.novelty);
  return item;
}

// Conditions that the space varies and that were measured at one value only.
void tell_single_levels(const CampaignConfig& config, const TrainingSet& training,
                        std::vector<std::string>& notes) {
  std::map<std::string, std::set<double>> measured;
  for (const TrainingRow& row : training.rows) {
    for (const auto& [name, value] : read_conditions(row.conditions)) measured[name].insert(value);
  }
  for (const planning::ConditionLevels& condition : config.space.conditions) {
    if (condition.levels.size() < 2) continue;
    std::string note = one_level_note(condition.name, measured[condition.name]);
    if (!note.empty()) notes.push_back(std::move(note));
  }
}

}  // namespace

std::string strange_condition(const selection::Model& model,
                              const std::vector<std::string>& conditions) {
  for (const std::string& name : model.features.condition_names) {
    if (std::find(conditions.begin(), conditions.end(), name) == conditions.end()) return name;
  }
  return {};
}

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

Result<Json> measured_front(const CampaignConfig& config, const RecommendInput& input) {
  struct Point {
    std::string catalyst, conditions;
    std::vector<std::pair<double, int>> sums;  // by target
  };
  std::map<std::pair<std::string, std::string>, Point> points;
  for (std::size_t t = 0; t < config.targets.size() && t <= input.others.size(); ++t) {
    const TrainingSet& set = t == 0 ? input.training : input.others[t - 1].training;
    for (const TrainingRow& row : set.rows) {
      if (row.kind != SampleKind::catalyst) continue;
      Json inputs = Json::object();
      const Result<Json> told = parse_json(row.conditions.empty() ? "{}" : row.conditions);
      if (!told) return told.error();
      for (const std::string& name : config.conditions()) {
        if (told->contains(name)) inputs[name] = (*told)[name];
      }
      Point& point = points[{row.catalyst, dump_json(inputs)}];
      point.catalyst = row.catalyst;
      point.conditions = dump_json(inputs);
      point.sums.resize(config.targets.size());
      point.sums[t].first += row.value;
      ++point.sums[t].second;
    }
  }
  std::vector<const Point*> whole;
  for (const auto& [key, point] : points) {
    if (std::all_of(point.sums.begin(), point.sums.end(),
                    [](const auto& sum) { return sum.second > 0; })) {
      whole.push_back(&point);
    }
  }
  Eigen::MatrixXd utilities(static_cast<Eigen::Index>(whole.size()),
                            static_cast<Eigen::Index>(config.targets.size()));
  const auto mean = [](const std::pair<double, int>& sum) { return sum.first / sum.second; };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (std::size_t t = 0; t < config.targets.size(); ++t) {
      utilities(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(t)) =
          config.targets[t].aim.utility(mean(whole[i]->sums[t]));
    }
  }
  Json front = Json::array();
  for (const std::size_t i : planning::pareto_front(utilities)) {
    Json values = Json::object();
    for (std::size_t t = 0; t < config.targets.size(); ++t)
      values[config.targets[t].name] = mean(whole[i]->sums[t]);
    Json item = Json::object();
    item["catalyst"] = whole[i]->catalyst;
    const Result<Json> conditions = parse_json(whole[i]->conditions);
    if (!conditions) return conditions.error();
    item["conditions"] = *conditions;
    item["values"] = std::move(values);
    front.push_back(std::move(item));
  }
  return front;
}

Json composition_json(const chemistry::Catalyst& catalyst,
                      const chemistry::CompositionRules& rules) {
  const auto by_symbol = [](const chemistry::Composition& composition) {
    Json amounts = Json::object();
    for (const auto& part : composition.parts()) {
      amounts[std::string(chemistry::element_symbol(part.element))] = part.amount;
    }
    return amounts;
  };
  Json json = {{"amounts", by_symbol(catalyst.active)}};
  if (rules.basis) {
    json["basis"] = chemistry::kBasisNames.to_name(*rules.basis);
    json["unit"] = rules.unit();
    json["mole_fractions"] = by_symbol(chemistry::mole_fractions(catalyst, rules));
  }
  if (!catalyst.support.empty()) json["support"] = catalyst.support;
  if (!catalyst.preparation.empty()) json["preparation"] = catalyst.preparation;
  return json;
}

Json proposal_card(const planning::Proposal& proposal) {
  Json drivers = Json::array();
  constexpr std::size_t kDrivers = 3;
  for (std::size_t i = 0; i < proposal.drivers.size() && i < kDrivers; ++i) {
    Json driver = Json::object();
    driver["descriptor"] = proposal.drivers[i].descriptor;
    driver["contribution"] = finite_json(proposal.drivers[i].contribution);
    drivers.push_back(std::move(driver));
  }
  Json card = Json::object();
  card["score"] = finite_json(proposal.score);
  card["disagreement"] = finite_json(proposal.disagreement);
  card["nearest"] = proposal.nearest;
  card["distance"] = finite_json(proposal.distance);
  card["runner_up"] = proposal.runner_up;
  card["drivers"] = std::move(drivers);
  card["nearly_excluded_by"] = proposal.nearly;
  card["proven"] = proposal.proven;
  return card;
}

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

bool mix_is_automatic(const PlannerSettings& planner, int batch) {
  return planner.mix.empty() &&
         std::none_of(planner.schedule.begin(), planner.schedule.end(),
                      [&](const ScheduledMix& mix) { return mix.from_batch <= batch; });
}

Result<Recommendation> recommend(const CampaignConfig& config, const RecommendInput& input,
                                 int size, const Science& science, const Executor& executor,
                                 const Control& control) {
  if (const auto without = without_strange_models(config, input))
    return recommend(config, *without, size, science, executor, control);
  const Result<planning::CandidateSpace> space = planning::CandidateSpace::make(config.space);
  if (!space) return space.error();
  const Result<planning::RuleSet> rules = planning::RuleSet::make(config.rules, *space);
  if (!rules) return rules.error();
  planning::PlanOptions options = config.plan_options(input.batch_number);
  const bool automatic = mix_is_automatic(config.planner, input.batch_number);
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

  Result<std::vector<KnownPoint>> known = known_points(config, input, science);
  if (!known) return known.error();
  SurrogateChoice chosen;
  const auto surrogate_for =
      [&](const TrainingSet& training,
          const selection::Model& model) -> Result<std::unique_ptr<planning::Surrogate>> {
    const Result<MeasuredCandidates> measured =
        measured_candidates(config, training, science.supports, {});
    if (!measured) return measured.error();
    return surrogate_of(config, model, *space, *measured, executor, control, chosen);
  };
  Result<std::unique_ptr<planning::Surrogate>> surrogate =
      input.model ? surrogate_for(input.training, *input.model)
                  : planning::make_cold_start_surrogate(science.elements, *space,
                                                        config.model.features, options.seed);
  if (!surrogate) return surrogate.error();
  std::vector<std::string> notes = input.notes;
  Recommendation out;
  std::optional<selection::Verdict> verdict;
  if (input.model) verdict = selection::verdict_of(*input.model);
  if (verdict) {
    out.verdict = verdict_json(verdict, config.targets.front().unit);
    notes.push_back(verdict->sentence(config.targets.front().unit));
  }
  if (automatic) {
    planning::AutomaticMix mix =
        planning::automatic_mix(input.credits, may_exploit(verdict, chosen));
    options.mix = std::move(mix.mix);
    if (!mix.why.empty()) notes.push_back(std::move(mix.why));
  }
  if (!chosen.sentence.empty()) notes.push_back(chosen.sentence);
  if (input.model) tell_single_levels(config, input.training, notes);
  planning::PlanProblem problem;
  problem.space = &*space;
  problem.rules = &*rules;
  problem.surrogate = surrogate->get();
  problem.target = config.targets.front().name;
  problem.unit = config.targets.front().unit;
  problem.known = std::move(known).value();
  if (config.materials) problem.materials = &*config.materials;
  std::vector<std::unique_ptr<planning::Surrogate>> others;  // by problem.also
  for (std::size_t t = 1; t < config.targets.size() && config.planner.pareto && input.model; ++t) {
    const Target& target = config.targets[t];
    if (t > input.others.size() || !input.others[t - 1].model) {
      notes.push_back(fmt::format("{} has no model yet: it is not planned for.", target.name));
      continue;
    }
    chosen = {};
    Result<std::unique_ptr<planning::Surrogate>> other =
        surrogate_for(input.others[t - 1].training, *input.others[t - 1].model);
    if (!other) return other.error();
    if (!chosen.sentence.empty())
      notes.push_back(fmt::format("{}: {}", target.name, chosen.sentence));
    others.push_back(std::move(other).value());
    problem.also.push_back(
        {others.back().get(), target.aim, target.hit_threshold, target.name, target.unit});
  }

  const std::vector<std::string> names = config.conditions();
  const auto shared = std::find(names.begin(), names.end(), config.plate.shared_condition);
  Result<planning::Plan> planned =
      shared == names.end()
          ? planning::plan(problem, options, executor, control)
          : planning::plan_sharing(problem, options,
                                   static_cast<std::size_t>(shared - names.begin()), executor,
                                   control);
  if (!planned) return planned.error();
  out.plan = std::move(planned).value();
  out.plate = plate_of(config, out.plan.proposals.size(),
                       options.seed + static_cast<std::uint64_t>(input.batch_number));
  out.plan.notes.insert(out.plan.notes.begin(), notes.begin(), notes.end());
  out.batch.model = input.model_id;
  out.batch.property = problem.target;
  out.batch.measured_too = options.allow_measured;
  Json summary = plan_summary(out.plan);
  summary["verdict"] = out.verdict;
  if (!out.plate.empty()) summary["plate"] = out.plate;
  if (config.targets.size() > 1) {
    Result<Json> front = measured_front(config, input);
    if (!front) return front.error();
    summary["front"] = std::move(front).value();
  }
  out.batch.summary = dump_json(summary);

  // Each hypothesis's own prediction goes into the ledger before anything is measured, for every
  // target that has a model.
  const auto predict = [&](const selection::Model& model) -> Result<selection::Predictions> {
    const Result<selection::Predictor> predictor = selection::Predictor::make(model);
    if (!predictor) return predictor.error();
    std::vector<chemistry::Catalyst> catalysts;
    descriptors::Conditions conditions;
    conditions.names = model.features.condition_names;
    conditions.values.resize(static_cast<Eigen::Index>(out.plan.proposals.size()),
                             static_cast<Eigen::Index>(conditions.names.size()));
    for (std::size_t i = 0; i < out.plan.proposals.size(); ++i) {
      const planning::Candidate& candidate = out.plan.proposals[i].candidate;
      catalysts.push_back(candidate.catalyst);
      for (std::size_t j = 0; j < conditions.names.size(); ++j) {
        const auto place = std::find(names.begin(), names.end(), conditions.names[j]);
        conditions.values(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
            candidate.conditions.at(static_cast<std::size_t>(place - names.begin()));
      }
    }
    return predictor->predict(catalysts, conditions, selection::Asked::alive_and_dormant);
  };
  std::optional<selection::Predictions> of_first;
  if (input.model) {
    Result<selection::Predictions> predictions = predict(*input.model);
    if (!predictions) return predictions.error();
    of_first = std::move(predictions).value();
  }
  std::vector<std::optional<selection::Predictions>> of_others(config.targets.size());
  for (std::size_t t = 1; t < config.targets.size() && t <= input.others.size(); ++t) {
    if (!input.others[t - 1].model) continue;
    Result<selection::Predictions> predictions = predict(*input.others[t - 1].model);
    if (!predictions) return predictions.error();
    of_others[t] = std::move(predictions).value();
  }
  std::set<std::string> measured;
  for (const KnownPoint& point : problem.known) {
    if (point.state == KnownState::measured) measured.insert(space->key(point.candidate));
  }
  for (std::size_t i = 0; i < out.plan.proposals.size(); ++i) {
    const planning::Proposal& proposal = out.plan.proposals[i];
    PlannedProposal planned_proposal;
    planned_proposal.strategy = std::string(planning::to_string(proposal.strategy));
    planned_proposal.catalyst = chemistry::canonical_key(proposal.candidate.catalyst);
    std::map<std::string, double> conditions;
    for (std::size_t j = 0; j < proposal.candidate.conditions.size(); ++j) {
      conditions[config.space.conditions[j].name] = proposal.candidate.conditions[j];
    }
    planned_proposal.conditions = conditions_text(conditions);
    planned_proposal.mean = finite(proposal.mean);
    planned_proposal.low = finite(proposal.low);
    planned_proposal.high = finite(proposal.high);
    planned_proposal.novelty = finite(proposal.novelty);
    planned_proposal.reason = proposal.reason;
    Json card = proposal_card(proposal);
    if (config.composition.basis) {
      card["composition"] = composition_json(proposal.candidate.catalyst, config.composition);
    }
    for (const Json& place : out.plate) {
      if (place.value("rank", std::size_t{0}) != i + 1) continue;
      card["plate"] = place["plate"];
      card["channel"] = place["channel"];
    }
    if (measured.count(proposal.key) != 0) card["measured_before"] = true;
    if (config.targets.size() > 1) {
      Json targets = Json::array();
      targets.push_back(target_json(
          config.targets.front(), {proposal.mean, proposal.low, proposal.high, proposal.novelty}));
      for (std::size_t t = 1; t < of_others.size(); ++t) {
        if (!of_others[t]) continue;
        const Target& target = config.targets[t];
        const auto row = static_cast<Eigen::Index>(i);
        TargetForecast forecast = {input.others[t - 1].model_id,    target.name,
                                   finite(of_others[t]->mean[row]), finite(of_others[t]->low[row]),
                                   finite(of_others[t]->high[row]), {}};
        forecast.hypotheses = of_others[t]->for_ledger(row);
        planned_proposal.others.push_back(std::move(forecast));
        planning::TargetPrediction prediction = {of_others[t]->mean[row], of_others[t]->low[row],
                                                 of_others[t]->high[row],
                                                 of_others[t]->novelty[row]};
        // What planned, where that was another model.
        for (std::size_t k = 0; k < problem.also.size(); ++k) {
          if (problem.also[k].target == target.name) prediction = proposal.also[k];
        }
        targets.push_back(target_json(target, prediction));
      }
      card["targets"] = std::move(targets);
    }
    planned_proposal.card = dump_json(card);
    if (of_first) planned_proposal.hypotheses = of_first->for_ledger(static_cast<Eigen::Index>(i));
    out.batch.proposals.push_back(std::move(planned_proposal));
  }
  return out;
}

}  // namespace kasetsu::campaign
