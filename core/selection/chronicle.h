// What becomes of hypotheses when a table that was measured in batches is played again: each batch
// is predicted by what was known before it, and judges the hypotheses (the paper's Figure 2; METHOD
// sections 5 and 8).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/names.h"
#include "core/selection/history.h"

namespace kasetsu::selection {

enum class LifeState {
  alive,       // in the last model
  dormant,     // without a place in it, and still judged
  eliminated,  // by the ledger
  dropped,     // too many better ones
};
inline constexpr auto kLifeStateNames =
    name_table<LifeState>({{LifeState::alive, "alive"},
                           {LifeState::dormant, "dormant"},
                           {LifeState::eliminated, "eliminated"},
                           {LifeState::dropped, "dropped"}});

// A batch as it was foretold.
struct ForetoldBatch {
  std::string name;
  int rows = 0;
  double mae_model = 0.0;     // of what the model said, companions included
  double mae_ensemble = 0.0;  // of the median of its hypotheses
  double held = 0.0;          // share of the rows inside of the model's intervals
  double width = 0.0;         // median width of these
};

struct Life {
  std::vector<std::string> descriptors;  // texts, sorted
  LifeState state = LifeState::dropped;
  double promised = 0.0;   // leave-one-out error when it was found
  int born = 0;            // number of the model that found it
  int eliminated_by = -1;  // index of a batch; -1: none
  struct Error {
    int batch = 0;  // index
    double mae = 0.0;
  };
  std::vector<Error> errors;  // on the batches that it foretold; none while it was dropped
  double mean_error() const;
};

struct Chronicle {
  int learnt_first = 0;                // rows of the batches that the first model learnt
  std::vector<ForetoldBatch> batches;  // the later ones
  std::vector<Life> lives;             // those that foretold a batch, by their mean error
  Model last;                          // learnt from all rows
};

// Names of the batches of some rows, each once: by value where all of them are numbers, else in the
// order of the rows.
std::vector<std::string> order_of_batches(std::span<const std::string> labels);

// data.batches says in which batch each row was measured; offsets between batches are not
// estimated. The first model learns the first batches, as many as have five rows together. Errors:
// bad_data without batches, and with fewer than two; those of train() and of Predictor; cancelled.
Result<Chronicle> play_batches(const chemistry::ElementTable& elements, const TrainingSet& data,
                               const ModelSettings& settings, const Executor& executor,
                               const Control& control);

}  // namespace kasetsu::selection
