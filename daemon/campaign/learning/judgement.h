// What the ledger says about a model when the next one is to be trained: which hypotheses are
// eliminated, whether the new model may replace the old, and what changed between the two. Rules
// and reports only: reading and writing the database is the caller's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/selection/ledger.h"
#include "core/selection/model.h"
#include "daemon/base/json.h"
#include "daemon/campaign/records/types.h"

namespace kasetsu::campaign {

struct EliminatedHypothesis {
  std::int64_t hypothesis = 0;  // index in the model that was judged
  std::vector<std::string> descriptors;
  int count = 0;                     // measurements in its ledger, of all models
  double promised = 0.0;             // leave-one-out mean |error| when it was last fitted
  double found = 0.0;                // mean |error| in the ledger
  double log_against_promise = 0.0;  // logarithms of the two e-values (core/selection/ledger.h)
  double log_worse = 0.0;            // than the ensemble
  std::vector<std::string> measurements;  // ids: those of this model's predictions
  Json json() const;
};

struct Judgement {
  selection::History history;  // of the model, with these entries: what the next is trained with
  std::vector<EliminatedHypothesis> eliminated;  // by these entries
};

// entries: the model's own, settled or not; one measurement of a catalyst counts once.
Judgement judge(const selection::Model& model, std::span<const LedgerEntry> entries);

// Whether the newest measurements speak against replacing the model that predicted them. The new
// model's errors there are those of its calibration folds, made without the rows; the old one's are
// in the ledger. It stays a candidate when, on five or more such rows, its mean |error| is larger
// by more than two standard errors of the paired difference.
struct Promotion {
  bool promote = true;
  std::string reason;  // one sentence, with the numbers
};
Promotion may_replace(const selection::Model& made, const TrainingSet& rows,
                      std::span<const LedgerEntry> entries_of_old);

// {"rows_added", "samples_added": [keys], "rows_removed", "hypotheses_kept", "best_in", "best_out":
// [descriptors], "shares": [{descriptor, before, now}] that changed most, "moved_most": [{catalyst,
// before, now}], "honest_error": {before, now}}. Predictions are compared on `catalysts`.
Result<Json> model_changes(const selection::Model& before, const TrainingSet& rows_before,
                           const selection::Model& now, const TrainingSet& rows_now,
                           std::span<const chemistry::Catalyst> catalysts,
                           const descriptors::Conditions& conditions);

}  // namespace kasetsu::campaign
