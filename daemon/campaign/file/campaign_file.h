// The campaign file: what one search is for, where it may look, and how. TOML or JSON of the same
// shape, `format = 1`; schema/campaign.schema.json says the same to machines, and
// docs/campaign-file.md to people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/composition_rules.h"
#include "core/planning/planner.h"
#include "core/planning/space/rules.h"
#include "core/planning/space/space.h"
#include "core/selection/model.h"
#include "daemon/base/config_tree.h"
#include "daemon/campaign/lifecycle/campaigns.h"

namespace kasetsu::campaign {

inline constexpr std::size_t kLargestCampaignFile = 64 * 1024;
inline constexpr int kMostElements = 20;  // of a candidate

struct Target {
  std::string name;  // "C2_yield"
  std::string unit;  // "%"; empty: dimensionless
  planning::Aim aim;
  // As good as this counts as a hit; with Goal::target, so near to the wanted value (`tolerance`).
  std::optional<double> hit_threshold;
  std::optional<double> plausible_low, plausible_high;  // outside is flagged, not refused
  bool hit(double value) const {
    return hit_threshold && aim.utility(value) >= aim.level_of(*hit_threshold);
  }
};

// Measured beside the targets, kept and shown, never planned for.
struct OtherProperty {
  std::string name;
  std::string unit;
  std::optional<double> plausible_low, plausible_high;
};

// A mix that holds from this batch on (1: the first).
struct ScheduledMix {
  int from_batch = 1;
  planning::Mix mix;
};

struct Plate {
  int channels = 0;              // places of the instrument; 0: no plate
  int blanks = 0;                // of them empty
  int references = 0;            // of them filled with the planner's references
  bool randomize = true;         // order of the samples
  std::string shared_condition;  // the same for all samples of a plate; empty: none
};

enum class RetrainWhen { every_batch, every_results, nightly, by_hand };
struct Retrain {
  RetrainWhen when = RetrainWhen::every_batch;
  int results = 0;                // with every_results
  int at_minute = 120;            // of the day, with nightly
  std::string time_zone = "UTC";  // IANA name
};

// The campaign is complete when any of them holds; empty: never by itself.
struct StopRules {
  std::optional<int> measurements;       // budget
  std::optional<double> target_reached;  // of the first target, as hit_threshold is told
  std::optional<int> batches_without_improvement;
  std::optional<double> hypotheses_agree;  // largest disagreement in the space, in target units
  bool any() const {
    return measurements || target_reached || batches_without_improvement || hypotheses_agree;
  }
};

struct Webhook {
  std::string url;                  // https, or http to this machine
  std::string kind = "generic";     // generic, slack, teams, ntfy
  std::vector<std::string> events;  // "batch", "hit", "model", "stopped", "failed"
  std::string secret_file;          // name in the daemon's webhooks.secret_dir; for generic
  bool compositions = false;        // whether messages may name catalysts
};

struct PlannerSettings {
  int batch = 0;
  planning::Mix mix;                   // empty when the file tells none: it is automatic
  std::vector<ScheduledMix> schedule;  // by from_batch; overrides mix
  planning::Acquisition acquisition = planning::Acquisition::automatic;
  double diversity = 0.3;
  bool allow_measured = false;
  bool allow_proposed = false;
  bool allow_pending = false;
  bool allow_failed = true;
  std::vector<planning::Candidate> references;
  std::vector<planning::Candidate> manual;  // asked for by hand
  std::uint64_t most_evaluated = 1'000'000;
  std::string surrogate = "automatic";  // automatic, hypotheses, gaussian_process
  bool pareto = true;                   // exploit for all targets; false: for the first one
};

struct CampaignConfig {
  std::string name;
  std::string owner;
  std::string description;
  bool draft = false;           // begin as DRAFT
  std::vector<Target> targets;  // the first one is explored and challenged for, all are exploited
  std::vector<OtherProperty> properties;
  // How its catalysts are read and shown, of [composition] and of the space.
  chemistry::CompositionRules composition;
  planning::SpaceDefinition space;
  std::vector<planning::Rule> rules;             // with those that the materials imply
  std::optional<planning::Materials> materials;  // none: nothing is weighed or paid
  selection::ModelSettings model;
  std::string elements = "general";  // property table: "general", or the name of a file
  // Drift between batches is estimated from what was measured in several of them, and taken off.
  bool batch_offsets = false;
  PlannerSettings planner;
  Plate plate;
  Retrain retrain;
  StopRules stop;
  std::vector<Webhook> webhooks;
  std::vector<std::string> notes;  // what was read in a way that may not be meant
  std::string text;                // verbatim
  std::string media_type;          // kToml or kJson

  // Names of the conditions that are inputs: those that the space varies.
  std::vector<std::string> conditions() const;
  // For batch number `batch` (from 1). An automatic mix is planning::default_mix() here.
  planning::PlanOptions plan_options(int batch) const;
};

// Errors (bad_data): "file:line: key path", message, value and what to write instead. Checked
// beyond the shape: names of elements and supports, that the space can be counted and is not empty,
// and that the rules do not contradict one another. file_name is for messages; of JSON no line is
// known.
Result<CampaignConfig> parse_campaign(std::string_view text, std::string_view file_name,
                                      std::string_view media_type,
                                      const chemistry::SupportTable& supports);

// What apply_campaign needs. The tables outlive the draft.
CampaignDraft draft_of(const CampaignConfig& config, const chemistry::SupportTable& supports);

// What is legal and yet hardly meant: fewer candidates than a batch. One sentence each.
std::vector<std::string> campaign_warnings(const CampaignConfig& config);

// Every key that the decoder knows, as "planner.mix.explore"; tables in arrays as "targets[].name".
// The test that holds decoder, schema and documentation together reads it.
std::vector<std::string> campaign_keys();

}  // namespace kasetsu::campaign
