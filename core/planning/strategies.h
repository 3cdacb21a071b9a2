// What each strategy takes from what the search found, and the sentence that goes with it. Each
// takes at most `count` proposals, and fewer where it finds nothing more to pick.
#pragma once

#include "core/planning/draft.h"
#include "core/planning/space_search.h"

namespace kasetsu::planning {

Status pick_manual(Draft& draft, int count);
Status pick_bridge(Draft& draft, int count);
Status pick_recheck(Draft& draft, int count);
Status pick_exploit(Draft& draft, const std::vector<Scored>& pool, int count);
Status pick_challenge(Draft& draft, const std::vector<Scored>& pool, int count);
Status pick_explore(Draft& draft, SpaceSearch& search, int count);
Status pick_random(Draft& draft, const std::vector<Scored>& pool, int count);

}  // namespace kasetsu::planning
