// From a model and what is known to the next batch: the planner's work on a campaign, without
// threads, clocks or HTTP. Used by the daemon's jobs and, on files, by the command line.
#pragma once

#include <optional>
#include <string>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/planning/automatic_mix.h"
#include "core/planning/planner.h"
#include "core/selection/model.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/campaign/planning/leases.h"
#include "daemon/campaign/records/types.h"

namespace kasetsu::campaign {

// A target of the campaign after the first one.
struct OtherTarget {
  TrainingSet training;                   // all live measurements of it
  std::optional<selection::Model> model;  // none: it is not planned for
  std::string model_id;                   // empty: not of a database
};

struct RecommendInput {
  TrainingSet training;  // all live measurements of the first target
  KnownPoints known;
  std::vector<AskedCandidate> proposed;   // offered before and cancelled or expired
  std::optional<selection::Model> model;  // none: a cold start
  std::string model_id;                   // empty: not of a database
  TrainingSet
      model_rows;  // what the model was trained on; its leave-one-out errors are by these rows
  int batch_number = 1;
  std::vector<planning::StrategyCredit> credits;  // earned in earlier batches, for an automatic mix
  std::vector<OtherTarget> others;  // by the campaign's targets after the first; may be shorter
  std::vector<std::string> notes;   // that the plan begins with
};

struct Recommendation {
  planning::Plan plan;
  Json verdict;                // of the first target's model (verdict_json); null without a model
  Json plate = Json::array();  // [{"plate", "channel", "sample": "proposal", "blank" or
                               // "reference", "rank" of a proposal, "catalyst" of a reference}]
  PlannedBatch batch;
};

// A candidate of the space from a measured catalyst's key and, where the space varies them, its
// conditions (JSON). A condition that is not told ends them: the planner matches the point by what
// it has. `names`: CampaignConfig::conditions(). Errors: a key or JSON that does not read.
Result<planning::Candidate> candidate_of(const std::string& key, const std::string& conditions,
                                         const std::vector<std::string>& names,
                                         const chemistry::SupportTable& supports);

// The first condition of a model that is not among these; empty: all are, in whatever order.
std::string strange_condition(const selection::Model& model,
                              const std::vector<std::string>& conditions);

// Whether the campaign sets no mix for this batch (1: the first): neither its own nor a scheduled
// one.
bool mix_is_automatic(const PlannerSettings& planner, int batch);

// size 0: as the campaign says. A model that was learnt under a condition that the campaign does
// not vary is not asked, and a note says so. Errors: those of the space, the rules and the planner.
Result<Recommendation> recommend(const CampaignConfig& config, const RecommendInput& input,
                                 int size, const Science& science, const Executor& executor,
                                 const Control& control);

// Candidates that are measured for every target and that no other one beats in all of them, by mean
// values: [{"catalyst", "conditions", "values": {target: mean}}]. Errors: keys that do not read.
Result<Json> measured_front(const CampaignConfig& config, const RecommendInput& input);

// {"amounts": {"Ni": 5}, "support"?, "preparation"?}; where the campaign tells a basis also
// {"basis", "unit", "mole_fractions"}: what it is made of beside what is weighed in.
Json composition_json(const chemistry::Catalyst& catalyst,
                      const chemistry::CompositionRules& rules);

// What a proposal says of itself: {"score", "disagreement", "nearest", "distance", "runner_up",
// "drivers": [{"descriptor", "contribution"}], "nearly_excluded_by", "proven"}.
Json proposal_card(const planning::Proposal& proposal);

// What a plan says of itself: {"surrogate", "space_size", "evaluated", "allowed", "excluded",
// "exact", "sampled", "rules", "notes"}.
Json plan_summary(const planning::Plan& plan);

}  // namespace kasetsu::campaign
