// From measured rows to a model, without a database, threads, clocks or HTTP. Used by the
// daemon's jobs and, on files, by the command line.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/element_table.h"
#include "core/descriptors/featurizer.h"
#include "core/selection/model.h"
#include "daemon/base/json.h"
#include "daemon/campaign/learning/model_document.h"
#include "daemon/campaign/records/types.h"

namespace kasetsu::campaign {

// The tables that every model is made with, read once at start.
struct Science {
  chemistry::ElementTable elements;
  chemistry::SupportTable supports;
};

// Whether a model with these conditions can learn from the row: a catalyst was in the tube, and the
// row tells each condition.
bool can_be_learnt(const TrainingRow& row, const std::vector<std::string>& conditions);
// "7 of 14 results of y do not tell T_C, and are left out"; empty: all tell the conditions.
std::string left_out_text(const TrainingSet& set, const std::vector<std::string>& conditions);

// An element of a catalyst that a model cannot describe, by atomic number: one that `has` does not
// know. Elements of the support count where the method describes supports. Nothing: it describes
// the catalyst.
std::optional<int> lacking_element(const chemistry::Catalyst& catalyst, descriptors::Method method,
                                   const std::function<bool(int)>& has);
bool describes(const descriptors::FeaturizerState& features, const chemistry::Catalyst& catalyst);

// The rows as the core wants them: catalysts by key, conditions that are inputs, values. Those that
// cannot be learnt are left out. Errors: bad_data naming the measurement, for a key that does not
// read.
Result<selection::TrainingSet> training_rows(const TrainingSet& set,
                                             const std::vector<std::string>& conditions,
                                             const chemistry::SupportTable& supports);

// Learning takes about 140 kB of memory a row.
inline constexpr std::size_t kMostRowsToLearn = 20'000;

// What a model is learnt from: the set itself, as long as it has at most that many rows. Of a
// larger one, the results of one catalyst under the same conditions, in the same batch where
// batches count, are one row with their median. Errors: bad_data if that leaves too many.
Result<TrainingSet> rows_to_learn(const TrainingSet& set, std::size_t most = kMostRowsToLearn);

struct Learnt {
  ModelDocument document;
  std::string text;  // of the document
  Json summary;      // see model_summary
};

// Trains on rows_to_learn, with what the ledger knows (judgement.h). Errors: those of
// training_rows and selection::train.
Result<Learnt> learn(const TrainingSet& set, const selection::ModelSettings& settings,
                     const std::vector<std::string>& conditions, const Science& science,
                     const std::string& code_version, const Executor& executor,
                     const Control& control, const selection::History& history = {});

// Predictions of proposals by the model and by each of its hypotheses, for the ledger, of those
// that tell its conditions and that it describes; `model` and the time are left to the caller.
// Errors: those of training_rows and Predictor::predict.
Result<std::vector<LedgerEntry>> predict_proposals(const ModelDocument& document,
                                                   std::span<const Proposal> proposals,
                                                   const chemistry::SupportTable& supports);

// For lists and pages: {"mae_cv", "mae_train", "n_samples", "n_descriptors", "hypotheses", "size",
// "best": [texts], "best_in_words": [...], "evaluations", "stopped_by", "mae_honest" (by
// calibration folds; null without), "batch_offsets" (offsets_json; null without), "parts"
// (parts_json), "noise" (noise_json), "eliminated" (hypotheses that may not return)}.
Json model_summary(const selection::Model& model);

}  // namespace kasetsu::campaign
