// The mix of a campaign that does not set one: strategies live by the ledger, too.
#pragma once

#include <span>
#include <string>

#include "core/planning/mix.h"

namespace kasetsu::planning {

// What the measured proposals of one strategy have earned in a campaign.
struct StrategyCredit {
  Strategy strategy = Strategy::explore;
  int measured = 0;  // proposals
  int batches = 0;   // that these were in
  int hits = 0;      // of the measured ones
  // Hypotheses that the ledger eliminated; each is shared among strategies by the errors that it
  // made on their proposals.
  double eliminated = 0.0;
};

struct AutomaticMix {
  Mix mix;          // shares
  std::string why;  // sentences; empty: nothing is known that changes the default
};

// The mix of a campaign that does not set one. Half of the batch is divided as default_mix() does,
// which is each strategy's floor; the other half by its share times the credit of the strategy:
// its part of all hits and of all eliminations over its part of all measured proposals, the mean of
// the two, shrunk towards 1 as if it had 20 further proposals of average credit. Without a model
// that predicts (`may_exploit` false) the places of exploit are given to explore.
AutomaticMix automatic_mix(std::span<const StrategyCredit> credits, bool may_exploit);

}  // namespace kasetsu::planning
