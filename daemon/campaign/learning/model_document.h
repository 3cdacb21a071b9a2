// A model as a document: one JSON text with everything that prediction needs, the same in `kasetsu
// fit --model FILE` and in the daemon's model row. Equal models give equal bytes; doubles are
// written so that they read back exactly.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/selection/model.h"
#include "daemon/base/json.h"

namespace kasetsu::campaign {

inline constexpr int kModelFormat = 2;
// Where read_model's error is when a document has another format.
inline constexpr std::string_view kModelFormatPointer = "/kasetsu_model";

// What a document says beside the model itself.
struct ModelProvenance {
  std::string target;  // the property that is predicted
  std::string unit;
  std::string snapshot;  // SHA-256 of the training set, hexadecimal; empty when fitted from a file
  std::string code_version;  // of the program that made it
  // In which the table told its amounts, which were converted ("wt%"); empty: they had no unit, or
  // the campaign tells it.
  std::string amounts = {};
};

struct ModelDocument {
  ModelProvenance provenance;
  selection::Model model;
};

std::string write_model(const ModelDocument& document);
// bad_data: not JSON, another format number, a member missing or of the wrong kind, sizes that do
// not agree.
Result<ModelDocument> read_model(std::string_view text);

// The hypotheses as people and scripts want them: [{descriptors, coefficients, intercept,
// mae_train, mae_cv, weight}].
Json hypotheses_json(const selection::Model& model);
// Mean |error| of the prediction on rows that its maker had not seen; null without calibration.
Json honest_json(const selection::Model& model);
// Who predicts: [{name, weight, mae_honest}], first "hypotheses", then the companions; mae_honest
// is the mean |error| on rows that the part had not seen, null without calibration.
Json parts_json(const selection::Model& model);
// How the intervals of the models before held, the oldest first, and what follows for this one's:
// {widening, recent: [{generation, n, held}]}; null where nothing was measured after a model.
Json intervals_json(const selection::Model& model);
// What was seen when the size was chosen: [{size, mae_honest}]; empty when it was given.
Json sizes_json(const selection::Model& model);
// {replicated, rows, pure_df, pure_sd, fit_df, fit_sd, f, p}: core/selection/noise.h.
Json noise_json(const selection::Noise& noise);
// {batches: [{batch, offset, standard_error, rows, bridges}], bridge_points, between_sd, within_sd,
// df, p, why_none}: core/selection/batch_offsets.h.
Json offsets_json(const selection::BatchOffsets& offsets);
// Settings and effort of a model, for lists: size, order, method, epsilon, ..., evaluations.
Json settings_json(const selection::ModelSettings& settings);

}  // namespace kasetsu::campaign
