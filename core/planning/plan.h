// A planned batch: the proposals, and what is to be said of how they were found.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/planning/mix.h"
#include "core/planning/space/rules.h"
#include "core/planning/space/space.h"
#include "core/planning/surrogates/surrogate.h"

namespace kasetsu::planning {

// What one target is predicted to be. NaN where nothing predicts it.
struct TargetPrediction {
  double mean = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
  double novelty = std::numeric_limits<double>::quiet_NaN();
};

struct Proposal {
  Strategy strategy = Strategy::explore;
  Candidate candidate;
  std::string key;
  std::optional<std::uint64_t> index;  // in the space; a recheck or a reference may lie outside
  double mean = std::numeric_limits<double>::quiet_NaN();  // NaN at a cold start
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
  double novelty = std::numeric_limits<double>::quiet_NaN();
  double disagreement = std::numeric_limits<double>::quiet_NaN();
  double score = std::numeric_limits<double>::quiet_NaN();  // what its strategy ranked it by
  std::vector<TargetPrediction> also;                       // by PlanProblem::also
  std::string nearest;  // key of the nearest known candidate in coordinates; empty: none is known
  double distance = std::numeric_limits<double>::infinity();  // to it
  std::string runner_up;            // key of the best that its strategy left out; empty: none
  bool proven = true;               // a full search of the space would pick it too
  std::vector<Driver> drivers;      // what its prediction rests on, the largest first
  std::vector<std::string> nearly;  // rules that it only just keeps, one sentence each
  std::string reason;               // one sentence
};

struct Plan {
  std::vector<Proposal> proposals;  // by strategy in the order of the mix, in the order of choice
  std::string surrogate;            // its name
  std::uint64_t space_size = 0;
  std::uint64_t evaluated = 0;  // candidates looked at, with those that a rule or a bound dismissed
  std::uint64_t allowed = 0;    // of those: kept by the rules and not excluded as known
  std::uint64_t excluded = 0;   // known ones in the space
  bool sampled = false;         // only a sample of the space was looked at
  bool exact = true;            // a full search is proven to pick the same proposals
  std::vector<RuleCount> rules;
  std::vector<std::string> notes;  // sentences: what could not be done as asked, and why
};

}  // namespace kasetsu::planning
