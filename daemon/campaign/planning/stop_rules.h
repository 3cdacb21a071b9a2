// When a campaign has found what it was for, or will not: the [stop] table of its file.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// A batch that came back: nothing of it is open any more.
struct FinishedBatch {
  std::string id;
  std::vector<std::string> proposals;  // ids
};

// What the rules look at: the live measurements of the first target, and the finished batches in
// their order.
struct StopInput {
  std::span<const TrainingRow> rows;
  std::span<const FinishedBatch> batches;
};

// Why the campaign is complete; empty: it goes on.
// - measurements: so many live rows of the first target.
// - target_reached: the mean of some catalyst's live measurements without flags reaches the value.
// - batches_without_improvement: the best catalyst of the last n finished batches that brought
//   results is not better than the best before them, by a one-sided two-sample t test at 5 % with
//   the pooled standard deviation of all replicates ("pure error"): the difference of the two means
//   must exceed t(0.95, df) s sqrt(1/n1 + 1/n2). Without replicates s is 0: any better mean counts.
std::string stop_reason(const StopRules& rules, const Target& target, const StopInput& input);

// The input of stop_reason as the database has it.
std::vector<FinishedBatch> finished_batches(const Reader& reader, const Campaign& campaign);

// One-sided 95 % quantile of Student's t with df >= 1 degrees of freedom.
double t_quantile_95(int df);

}  // namespace kasetsu::campaign
