// One value for a catalyst that was measured under many conditions.
#pragma once

#include <string>
#include <vector>

#include "drivers/tables/table_rows.h"

namespace kasetsu::tables {

// Appends one row for each run of a sample on a channel, made of its rows without a problem:
// replicates under equal conditions are averaged first, then `max` takes the best condition,
// `top3_mean` the mean of the best three, `fixed` the one asked for. The row has the conditions of
// the best point (or of the fixed one), the lines of its points, and no sequence.
// `isolated_maximum` when the best stands above the next best by more than `isolated_by`: a single
// outlier looks so. A limit of detection counts at its limit, and what is made of one is a limit,
// too: the largest of "<0.5" and "<0.4" is "<0.5", that of 0.7 and "<0.5" is 0.7. Conditions are
// compared as plain_condition has them. A note tells of runs without a point that is asked for. All
// points stay as they are.
void reduce(const Reduction& reduction, std::vector<TableRow>& rows,
            std::vector<std::string>& notes);

}  // namespace kasetsu::tables
