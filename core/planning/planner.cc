#include "core/planning/planner.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "core/planning/draft.h"
#include "core/planning/several_targets.h"
#include "core/planning/space_search.h"
#include "core/planning/strategies.h"

namespace kasetsu::planning {
namespace {

class Planner {
 public:
  Planner(const PlanProblem& problem, const PlanOptions& options, const Executor& executor,
          const Control& control)
      : options_(options),
        draft_(problem, options, control),
        control_(control),
        search_(draft_, targets_, executor, control) {}

  Result<Plan> run() {
    if (Status status = options_.validate(); !status) return status.error();
    const Result<std::vector<int>> counts = divide(options_.mix, options_.batch);
    if (!counts) return counts.error();
    for (std::size_t i = 0; i < counts->size(); ++i)
      places_[options_.mix[i].strategy] += (*counts)[i];
    if (Status status = learn(); !status) return status.error();
    if (Status status = pick_known(); !status) return status.error();
    if (Status status = pick_from_space(); !status) return status.error();
    if (control_.cancelled()) return cancelled_error();
    draft_.finish();
    const std::size_t found = draft_.plan.proposals.size();
    if (found < static_cast<std::size_t>(options_.batch)) note_missing(*counts, found);
    if (Status status = predict_other_targets(draft_.problem, draft_.plan.proposals); !status)
      return status.error();
    control_.report(1.0, "planned");
    return std::move(draft_.plan);
  }

 private:
  // Gives the places that a strategy could not fill to another one.
  void pass_on(Strategy from, Strategy to) {
    const int left = places_[from] - draft_.count(from);
    if (left <= 0) return;
    draft_.note(fmt::format("{} found only {} of {}: the other {} were given to {}.",
                            to_string(from), places_[from] - left, places_[from], left,
                            to_string(to)));
    places_[from] -= left;
    places_[to] += left;
  }

  Status learn() {
    const int modelled = places_[Strategy::exploit] + places_[Strategy::challenge];
    if (!draft_.surrogate.predicts() && modelled > 0) {
      draft_.note(fmt::format(
          "There is no model yet: {} proposals of exploit and challenge were given to explore.",
          modelled));
      places_[Strategy::explore] += modelled;
      places_[Strategy::exploit] = places_[Strategy::challenge] = 0;
    }
    if (Status status = draft_.learn_known(); !status) return status;
    if (Status status = targets_.learn(draft_); !status) return status;
    if (!targets_.active() && draft_.acquirer.acquisition == Acquisition::probability &&
        !options_.threshold) {
      return Error{ErrorCode::invalid_argument, "acquisition probability needs a threshold",
                   "threshold", "", "the value that counts as a hit"};
    }
    return {};
  }

  // Known points come first: they cost no search, and exploration gets the places that are left.
  Status pick_known() {
    if (Status status = pick_manual(draft_, places_[Strategy::manual]); !status) return status;
    if (Status status = pick_bridge(draft_, places_[Strategy::bridge]); !status) return status;
    if (Status status = pick_recheck(draft_, places_[Strategy::recheck]); !status) return status;
    for (const Strategy strategy : {Strategy::manual, Strategy::bridge, Strategy::recheck})
      pass_on(strategy, Strategy::explore);
    return {};
  }

  Status pick_from_space() {
    const Wanted wanted{places_[Strategy::exploit], places_[Strategy::challenge],
                        places_[Strategy::explore], places_[Strategy::random]};
    if (Status status = search_.begin(wanted); !status) return status;
    if (wanted.modelled() + wanted.random == 0) {
      draft_.note_too_dear();
      return {};
    }
    if (wanted.explore > 0) {
      if (Status status = begin_in_the_middle(); !status) return status;
    }
    if (Status status = search_.run(wanted); !status) return status;
    if (wanted.exploit > 0) {
      const Status status = targets_.active()
                                ? targets_.pick(draft_, search_.exploit, wanted.exploit)
                                : pick_exploit(draft_, search_.exploit, wanted.exploit);
      if (!status) return status;
    }
    if (Status status = pick_challenge(draft_, search_.challenge, wanted.challenge); !status)
      return status;
    // Exploration was searched for only where it had places from the start.
    const Strategy heir = wanted.explore > 0 ? Strategy::explore : Strategy::random;
    pass_on(Strategy::exploit, heir);
    pass_on(Strategy::challenge, heir);
    if (wanted.explore > 0) {
      const int left = places_[Strategy::explore] - draft_.count(Strategy::explore);
      if (Status status = pick_explore(draft_, search_, left); !status) return status;
      pass_on(Strategy::explore, Strategy::random);
    }
    const int at_random = places_[Strategy::random];
    if (at_random > 0) {
      if (at_random > wanted.random) search_.draw_random(options_.batch);
      if (Status status = pick_random(draft_, search_.random, at_random); !status) return status;
    }
    search_.report(wanted);
    return {};
  }

  Status begin_in_the_middle() {
    if (draft_.known_coordinates.rows() > 0 || !draft_.picked_coordinates.empty()) return {};
    const Result<std::vector<Scored>> nearest = search_.middle();
    if (!nearest) return nearest.error();
    Result<std::vector<Member>> middle = draft_.members(*nearest);
    if (!middle) return middle.error();
    if (middle->empty()) return {};
    Member& member = middle->front();
    member.score = std::numeric_limits<double>::quiet_NaN();
    draft_.take(Strategy::explore, member,
                "Nothing is known yet: the candidate nearest to the middle of the space.", "");
    draft_.known_coordinates = member.coordinates.transpose();
    draft_.coordinate_keys.push_back(draft_.space.key(member.candidate));
    return {};
  }

  void note_missing(const std::vector<int>& counts, std::size_t found) {
    int wanted = 0;
    for (const int count : counts) wanted += count;
    if (wanted < options_.batch) {
      draft_.note(fmt::format("The mix asks for only {} of the {} places of the batch.", wanted,
                              options_.batch));
    }
    if (found < static_cast<std::size_t>(wanted)) {
      draft_.note(
          fmt::format("Only {} of {} proposals: the space, the rules and what is known leave no "
                      "more for these strategies.",
                      found, wanted));
    }
  }

  const PlanOptions& options_;
  Draft draft_;
  const Control& control_;
  SeveralTargets targets_;
  SpaceSearch search_;
  std::map<Strategy, int> places_;
};

}  // namespace

Status PlanOptions::validate() const {
  const auto wrong = [](std::string field, std::string value, std::string expected) {
    return Error{ErrorCode::invalid_argument, field + " is out of range", field, std::move(value),
                 std::move(expected)};
  };
  if (batch < 1 || batch > 10'000) return wrong("batch", std::to_string(batch), "1 to 10000");
  if (!(diversity >= 0.0 && diversity <= 1.0)) {
    return wrong("diversity", fmt::format("{:g}", diversity), "0 to 1");
  }
  if (threshold && !std::isfinite(*threshold)) {
    return wrong("threshold", fmt::format("{:g}", *threshold), "a finite number");
  }
  if (most_measurements < 1) {
    return wrong("most_measurements", std::to_string(most_measurements), "1 or more");
  }
  if (most_evaluated < 1) return wrong("most_evaluated", "0", "1 or more");
  if (reservoir < static_cast<std::size_t>(batch)) {
    return wrong("reservoir", std::to_string(reservoir), "at least the batch");
  }
  return {};
}

Result<Plan> plan(const PlanProblem& problem, const PlanOptions& options, const Executor& executor,
                  const Control& control) {
  KASETSU_ASSERT(problem.space != nullptr && problem.surrogate != nullptr);
  return Planner(problem, options, executor, control).run();
}

}  // namespace kasetsu::planning
