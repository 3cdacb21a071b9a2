// What an earlier model leaves to the next one: its hypotheses with their records, judged by the
// rows that were measured since.
#pragma once

#include "core/base/result.h"
#include "core/selection/model.h"

namespace kasetsu::selection {

struct Succession {
  History history;     // for train()
  int judged = 0;      // rows that the earlier model had not seen, and was judged by
  int eliminated = 0;  // hypotheses that those rows eliminated
};

// data: the rows of the next model. A row whose catalyst and value the earlier model has among its
// training rows was seen; each of its rows counts once. Batches that it knew are compared without
// the offsets that it took off. Errors: those of Predictor.
Result<Succession> history_of(const Model& before, const TrainingSet& data);

// Holds the intervals of the earlier model to the rows that it had not seen, which are counted as
// history_of does: adds the outcome to what the model knew of those before it, and writes both to
// history.forward. Errors: those of Predictor.
Status hold_to_intervals(const Model& before, const TrainingSet& data, History& history);

}  // namespace kasetsu::selection
