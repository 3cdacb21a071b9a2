// The strategies of a batch, and how its places are divided among them.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/names.h"
#include "core/base/result.h"

namespace kasetsu::planning {

enum class Strategy {
  explore,    // farthest points in the space of the surrogate's coordinates
  challenge,  // where the surviving hypotheses disagree most
  recheck,    // measured, with the largest leave-one-out error
  exploit,    // best predicted, and different from one another
  bridge,     // references repeated in every batch, to see drift
  random,     // uniform over what is allowed
  manual      // what a person asked for
};
inline constexpr auto kStrategyNames = name_table<Strategy>({{Strategy::explore, "explore"},
                                                             {Strategy::challenge, "challenge"},
                                                             {Strategy::recheck, "recheck"},
                                                             {Strategy::exploit, "exploit"},
                                                             {Strategy::bridge, "bridge"},
                                                             {Strategy::random, "random"},
                                                             {Strategy::manual, "manual"}});
constexpr std::string_view to_string(Strategy strategy) {
  return kStrategyNames.to_name(strategy);
}

// How a batch is divided: by numbers, by shares of what the numbers leave (largest remainders, ties
// to the earlier entry), or both.
struct MixEntry {
  Strategy strategy = Strategy::explore;
  int count = 0;       // used when share is 0
  double share = 0.0;  // > 0
};
using Mix = std::vector<MixEntry>;

// The mix of a campaign that does not set one: 40 % exploit, 30 % explore, 20 % challenge and 10 %
// recheck.
Mix default_mix();
// The number of proposals of each entry. They add up to `batch`, or to less where the numbers alone
// ask for less and no share is given. Errors: numbers that add up to more than the batch, negative
// or infinite entries, an empty mix.
Result<std::vector<int>> divide(const Mix& mix, int batch);

}  // namespace kasetsu::planning
