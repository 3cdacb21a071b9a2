// Rows carry a sum of their columns, `row_sum`, so that `kasetsu check` finds what a disk changed:
// integrity_check looks at the structure of pages alone. The state of a proposal and the status of
// a model, which change, have another one, `state_sum`. The columns of each sum, in their order,
// which are part of the file's format. The sum is the SQL function sum_of(...). Without sums:
// contents, which have a digest, and tables that repeat what others say (replicates, not_live,
// content_numbers, run_numbers, late_indexes, campaigns.measurements), which are compared with
// them.
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
#define KASETSU_SUM_SETTINGS "name, value"
#define KASETSU_SUM_CAMPAIGNS \
  "id, name, owner, state, reason, version, revision, created_at, updated_at, key_rules"
#define KASETSU_SUM_CAMPAIGN_VERSIONS \
  "campaign, version, text, media_type, sha256, actor, created_at"
#define KASETSU_SUM_PROPERTIES "campaign, name, unit, target, low, high, position, known"
#define KASETSU_SUM_CATALYSTS "canonical, description, created_at"
#define KASETSU_SUM_RENEWED_KEYS "campaign, catalyst, now, measurements, proposals, renewed_at"
#define KASETSU_SUM_SAMPLES "campaign, label, catalyst, kind, created_at"
#define KASETSU_SUM_INGESTS                                                                     \
  "id, campaign, content, source, idempotency_key, media_type, actor, row_count, accepted, "    \
  "flagged, duplicate, quarantined, first_run, last_run, received_at, run, first_measurement, " \
  "measurement_count"
#define KASETSU_SUM_MARKS "measurement, kind, reason, person, created_at"
#define KASETSU_SUM_QUARANTINE                                                                    \
  "id, campaign, ingest, delivery_row, pointer, raw, reason, state, measurement, actor, remark, " \
  "received_at, resolved_at"
#define KASETSU_SUM_BATCHES "id, campaign, model, actor, summary, created_at"
#define KASETSU_SUM_SNAPSHOTS "sha256, campaign, property, row_count, members, last, created_at"
#define KASETSU_SUM_JOBS                                                                  \
  "id, campaign, kind, state, detail, progress, stage, result, error, cancel_requested, " \
  "attempts, actor, created_at, started_at, finished_at"
#define KASETSU_SUM_EVENTS "created_at, actor, campaign, object, id, verb, detail"
#define KASETSU_SUM_REPLIES "scope, key, body, status, reply, created_at"
#define KASETSU_SUM_PROPOSAL_STATE \
  "id, state, state_reason, client, lease_expires, attempts, failures, revision, updated_at"
#define KASETSU_SUM_MODEL_STATE "id, status, status_reason"
