#include "core/planning/plate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/random.h"

namespace kasetsu::planning {
namespace {

// What a plan promises by one strategy; none where it has no such picks.
std::optional<double> promise(const Plan& plan, Strategy strategy) {
  double sum = 0.0;
  int count = 0;
  for (const Proposal& proposal : plan.proposals) {
    if (proposal.strategy != strategy || !std::isfinite(proposal.score)) continue;
    sum += proposal.score;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

bool more_promising(const Plan& a, const Plan& b) {
  for (const Strategy strategy : {Strategy::exploit, Strategy::challenge, Strategy::explore}) {
    const std::optional<double> of_a = promise(a, strategy);
    const std::optional<double> of_b = promise(b, strategy);
    if (of_a && of_b && *of_a != *of_b) return *of_a > *of_b;
    if (of_a.has_value() != of_b.has_value()) return of_a.has_value();
  }
  return a.proposals.size() > b.proposals.size();
}

}  // namespace

std::vector<PlatePlace> lay_out(std::size_t proposals, const PlateShape& shape,
                                std::uint64_t seed) {
  KASETSU_ASSERT(shape.channels > shape.blanks + shape.references);
  const auto room = static_cast<std::size_t>(shape.channels - shape.blanks - shape.references);
  std::vector<PlatePlace> places;
  Random random(seed, 0x706c617465ULL);
  std::size_t next = 0;
  std::size_t reference = 0;
  for (int plate = 1; next < proposals; ++plate) {
    std::vector<PlatePlace> here;
    for (std::size_t i = 0; i < room && next < proposals; ++i) {
      here.push_back({plate, 0, PlatePlace::What::proposal, next++});
    }
    for (int i = 0; i < shape.blanks; ++i) here.push_back({plate, 0, PlatePlace::What::blank, 0});
    for (int i = 0; i < shape.references; ++i) {
      here.push_back({plate, 0, PlatePlace::What::reference, reference++});
    }
    if (shape.randomize) random.shuffle(here);
    for (std::size_t i = 0; i < here.size(); ++i) here[i].channel = static_cast<int>(i) + 1;
    places.insert(places.end(), here.begin(), here.end());
  }
  return places;
}

Result<Plan> plan_sharing(const PlanProblem& problem, const PlanOptions& options,
                          std::size_t condition, const Executor& executor, const Control& control) {
  const SpaceDefinition& definition = problem.space->definition();
  KASETSU_ASSERT(condition < definition.conditions.size());
  const std::vector<double>& levels = definition.conditions[condition].levels;
  std::optional<Plan> best;
  double level_of_best = 0.0;
  for (const double level : levels) {
    SpaceDefinition one = definition;
    one.conditions[condition].levels = {level};
    const Result<CandidateSpace> space = CandidateSpace::make(std::move(one));
    if (!space) return space.error();
    PlanProblem here = problem;
    here.space = &*space;
    for (KnownPoint& point : here.known) {
      if (condition < point.candidate.conditions.size() &&
          point.candidate.conditions[condition] != level) {
        // Known, and keeping exploration away, but not to be repeated on this plate.
        point.loo_error = std::numeric_limits<double>::quiet_NaN();
        point.value = std::numeric_limits<double>::quiet_NaN();
      }
    }
    Result<Plan> plan = planning::plan(here, options, executor, control);
    if (!plan) return plan.error();
    if (!best || more_promising(*plan, *best)) {
      best = std::move(plan).value();
      level_of_best = level;
    }
  }
  for (Proposal& proposal : best->proposals) {
    proposal.index = problem.space->rank(proposal.candidate);
  }
  best->space_size = problem.space->size();
  best->notes.push_back(fmt::format("All samples share {} = {:g}, the most promising of {} levels.",
                                    definition.conditions[condition].name, level_of_best,
                                    levels.size()));
  return std::move(*best);
}

}  // namespace kasetsu::planning
