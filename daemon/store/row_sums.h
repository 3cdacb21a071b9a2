// What is never changed carries a sum of its columns, `row_sum`, so that `kasetsu check` finds what
// a disk changed: integrity_check looks at the structure of pages alone. The columns of each sum,
// in their order, which are part of the file's format. The sum is the SQL function sum_of(...).
#pragma once

#define KASETSU_SUM_RUNS                                                                  \
  "seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, " \
  "replicate, sample, conditions, proposal, measured_at, content, told"
// Before version 7.
#define KASETSU_SUM_RUNS_6                                                                \
  "seq, ingest, delivery_row, campaign, catalyst, kind, source, run, channel, sequence, " \
  "replicate, sample, conditions, proposal, measured_at, content"
#define KASETSU_SUM_MEASUREMENTS \
  "seq, id, campaign, run, catalyst, property, value, flags, supersedes, received_at"
#define KASETSU_SUM_PROPOSALS                                                          \
  "id, campaign, batch, batch_rank, strategy, catalyst, conditions, mean, low, high, " \
  "novelty, reason, card, model, amended_from, created_at"
#define KASETSU_SUM_MODELS                                                                 \
  "id, campaign, property, version, document, snapshot, row_count, config_version, seed, " \
  "code_version, mae_cv, mae_nested, summary, seconds, job, created_at"
#define KASETSU_SUM_PREDICTIONS                                                       \
  "campaign, catalyst, property, model, hypothesis, proposal, predicted, low, high, " \
  "created_at"
#define KASETSU_SUM_PREDICTION_ERRORS "prediction, measurement, observed, error, created_at"
