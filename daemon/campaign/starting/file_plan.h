// What a campaign file would do, without touching anything: its space, what each rule leaves, when
// it learns and ends, and the first batch that it would ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/planning/space/rules.h"
#include "daemon/base/json.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/learning/learn.h"

namespace kasetsu::campaign {

// A first batch is planned and thrown away, on at most kMostTried candidates of the space, and the
// time of the whole is told from that.
inline constexpr std::uint64_t kMostTried = 20'000;

struct FirstBatch {
  double seconds = 0.0;          // that planning on all candidates would take here
  std::uint64_t candidates = 0;  // that it would look at
  std::uint64_t tried = 0;
  std::optional<double> price;  // of the proposals' materials, where the file tells prices
  Json proposals;  // [{"rank", "strategy", "description", "key", "conditions", "reason"}]
};

struct FilePlan {
  std::uint64_t space_size = 0;
  planning::RuleCounts rules;
  int batch = 0;
  std::vector<std::pair<std::string, int>> mix;  // strategy and its number of the batch
  std::string retrain, ends;                     // in words
  std::vector<std::string> warnings;
  std::optional<FirstBatch> first;  // where it was asked for
};

// Counts. Errors: of the space, its rules and the mix.
Result<FilePlan> plan_file(const CampaignConfig& config, const Executor& executor,
                           const Control& control);
// Plans a first batch on what nothing is known of. Errors: those of recommend.
Result<FirstBatch> plan_first_batch(const CampaignConfig& config, std::uint64_t space_size,
                                    const Science& science, const Executor& executor,
                                    const Control& control);

// [{"name", "unit", "goal", "value"?}]
Json targets_json(const CampaignConfig& config);
// {"name", "warnings", "targets", "space_size", "allowed", "rules": [{"rule",
// "removed", "estimated"}], "batch", "mix", "retrain", "ends"} and, with a first batch,
// {"estimate": {"plan_seconds", "candidates", "tried"}, "first_batch", "price"}.
Json plan_json(const CampaignConfig& config, const FilePlan& plan);

}  // namespace kasetsu::campaign
